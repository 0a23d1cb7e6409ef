"""The command line: thin commands with help and an example each; what is heavy is imported inside them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.errors import HarnessError

RESULTS = click.option(
    "--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True, help="Results folder."
)


class _Commands(click.Group):
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


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="stance-harness", prog_name="harness")
def cli() -> None:
    """Which pretrained model can be trusted to summarise conflict news and to tell who wants escalation?

    Start with: harness run -m experiment=quickstart, then harness report.
    """


@cli.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": ["--help"]}
)
@click.argument("overrides", nargs=-1, type=click.UNPROCESSED)
def run(overrides: tuple[str, ...]) -> None:
    """Runs one config, or a sweep with -m; finished runs are skipped.

    \b
    Examples:
      harness run summariser=lead3 stance=sentiment
      harness run -m summariser=lead3,smollm2 stance=majority,smollm2
      harness run summariser=causal summariser.model=path/or/hub-id limit=5
      harness run stance=smollm2 dry=true
    \b
    Groups: dataset, summariser, stance, judge, metrics, executor, experiment (harness list systems).
    Fields: split=dev|test|all  limit=N  articles=[id,...]  repeats=N  seed=N  dry=true  results=DIR.
    Hydra's own flags work too: -m, --cfg job, --config-dir DIR, --info.
    """
    from harness.run import run_command

    sys.exit(run_command(overrides))


@cli.group(cls=_Commands)
def data() -> None:
    """Labelled articles: validate, count, convert, draft."""


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
def validate(path: Path) -> None:
    """Checks a dataset and names file, line and field of everything that is wrong.

    \b
    Example:
      harness data validate datasets/escalation
    """
    from harness.data.load import read_dataset

    dataset, errors = read_dataset(path)
    for error in errors:
        click.echo(str(error), err=True)
    if errors:
        click.echo(f"{len(errors)} problems in {path}", err=True)
        sys.exit(1)
    stances = sum(len(a.gold.stances) for a in dataset if a.gold)
    click.echo(f"{dataset.name} {dataset.version}: {len(dataset)} articles, {stances} gold stances, no problem found")


def main() -> None:
    """Entry point: an error that a user can act on is shown without a traceback, with exit code 1."""
    try:
        cli(standalone_mode=True)
    except HarnessError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # the reader of a pipe (head, less) has gone
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
