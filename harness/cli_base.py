"""What the commands share: groups that keep their order and suggest names, and the option that names the results folder."""

from __future__ import annotations

from pathlib import Path

import click

RESULTS = click.option(
    "--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True, help="Results folder."
)


class Commands(click.Group):
    """Keeps the order in which commands are written, and suggests the nearest for one that does not exist."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from harness.errors import nearest_hint

            hint = nearest_hint(args[0], list(self.commands))
            raise click.UsageError(f"{error.message} {hint}".strip(), ctx) from None
