"""What the commands share: groups of commands, the option `--results`, and output that may be piped into `head`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO, cast

import click

RESULTS = click.option(
    "--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True, help="Results folder."
)


FILE = click.Path(path_type=Path, dir_okay=False)


def names_in(text: str | None) -> list[str]:
    """The names of an option that takes several, with commas between them."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


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


class Pipe:
    """A stream that ends the program quietly, with exit code 0, where the reader of a pipe (`head`, `less`) has gone.

    Click, rich and Hydra each end with an exit code of their own there, so this stands below all of them. What they still
    print goes to the null device, so that nothing fails while the program ends.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return cast(int, self._attempt(lambda: self._stream.write(text)))

    def flush(self) -> None:
        self._attempt(self._stream.flush)

    def _attempt(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
            raise SystemExit(0) from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def quiet_pipes() -> None:
    """Makes stdout and stderr end the program quietly once the reader of their pipe is gone."""
    sys.stdout, sys.stderr = (cast(TextIO, Pipe(stream)) for stream in (sys.stdout, sys.stderr))
