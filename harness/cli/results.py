"""The commands below `harness results`: du, check, prune, merge."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.base import RESULTS, Commands
from harness.cli.data import counted

if TYPE_CHECKING:
    from rich.table import Table

    from harness.results.contents import Contents


@click.group(cls=Commands)
def results() -> None:
    """What a results folder holds: count it, tidy it, merge several into one."""


@results.command()
@RESULTS
@click.option("--json", "as_json", is_flag=True, help="Prints everything as JSON.")
def du(results: Path, as_json: bool) -> None:
    """Counts runs, stored answers and bytes, and names the answers that no run uses.

    \b
    Examples:
      harness results du
      harness results du --results results/reference --json
    """
    import json

    from harness.results.contents import contents
    from harness.runtime.terminal import text_console

    holdings = contents(results)
    if as_json:
        click.echo(json.dumps(holdings.as_json(), indent=1, ensure_ascii=False))
    else:
        for table in _tables(holdings):
            text_console().print(table)
    for problem in holdings.unreadable:
        click.echo(f"unreadable: {problem}", err=True)
    for folder in holdings.predictions:
        for part in folder.torn:
            click.echo(f"torn: {results / 'predictions' / folder.name / part}", err=True)


def _tables(holdings: Contents) -> tuple[Table, Table]:
    from rich.filesize import decimal
    from rich.table import Table

    what = {
        "runs": ", ".join(f"{n:,} {state}" for state, n in holdings.runs.items() if n) or "none",
        "predictions": counted(len(holdings.predictions), "system"),
        "datasets": counted(len(holdings.datasets), "snapshot")
        + (f", {loose} in no record" if (loose := sum(n == 0 for n in holdings.datasets.values())) else ""),
        "reports": ", ".join(holdings.reports) or "none",
        "other": "",
    }
    overview = Table("", "holds", "size")
    overview.columns[2].justify = "right"
    for name, size in holdings.sizes.items():
        if size or what[name]:
            overview.add_row(name, what[name], decimal(size))
    overview.add_row("total", "", decimal(holdings.total))
    rows = sorted(holdings.predictions, key=lambda f: (-f.size, f.name))
    columns = {
        "parts": [f.parts for f in rows],
        "torn": [len(f.torn) for f in rows],
        "answers": [f.answers for f in rows],
        "errors": [f.errors for f in rows],
        "lost": [f.lost for f in rows],
        "runs": [f.records for f in rows],
    }
    # an empty column is left out, to leave room for the names
    shown = {name: numbers for name, numbers in columns.items() if any(numbers) or name == "runs"}
    systems = Table("predictions", *shown, "size")
    systems.columns[0].overflow = "fold"
    for column in systems.columns[1:]:
        column.justify, column.no_wrap = "right", True
    for i, f in enumerate(rows):
        systems.add_row(f.name, *(f"{numbers[i]:,}" for numbers in shown.values()), decimal(f.size))
    return overview, systems


@results.command()
@RESULTS
def check(results: Path) -> None:
    """Reads everything again, names what is not as it was written, and says what to do. Exit code 1 if there is anything.

    \b
    Example:
      harness results check
    """
    from harness.results.check import check_results

    checked = check_results(results)
    for damage in checked.damages:
        click.echo(str(damage), err=True)
    looked_at = (
        f"{counted(checked.n_runs, 'run')}, {counted(checked.n_parts, 'part')} of answers, "
        f"{counted(checked.n_snapshots, 'snapshot')}"
    )
    click.echo(f"{looked_at}: {counted(len(checked.damages), 'problem') if checked.damages else 'all as written'}")
    sys.exit(1 if checked.damages else 0)


@results.command()
@RESULTS
@click.option("--failed", is_flag=True, help="Every failed run, also those whose config has not completed since.")
@click.option("--unused", is_flag=True, help="Predictions that no complete run uses: they cost the most to make again.")
@click.option("--yes/--dry-run", "yes", default=False, help="Remove, or only say what would go.  [default: --dry-run]")
def prune(results: Path, failed: bool, unused: bool, yes: bool) -> None:
    """Removes what nothing refers to; without --yes it only says what would go.

    That is: failed runs that have completed since, dataset snapshots that no record names, and what killed writers left
    more than a day ago. Predictions of a readable record stay; while a record cannot be read or a run seems to be going
    on, no prediction or snapshot goes.

    \b
    Examples:
      harness results prune
      harness results prune --failed --unused --yes
    """
    from rich.filesize import decimal

    from harness.results.prune import carry_out, plan_pruning

    plan = plan_pruning(results, failed=failed, unused=unused)
    gone, changed = carry_out(plan) if yes else (list(plan.removals), [])
    for removal in gone:
        click.echo(f"{decimal(removal.size):>9}  {removal.what}: {removal.path} ({removal.why})")
    for line in plan.kept:
        click.echo(f"kept: {line}", err=True)
    for line in (*plan.refused, *changed):
        click.echo(f"not pruned: {line}", err=True)
    total = f"{counted(len(gone), 'thing')}, {decimal(sum(r.size for r in gone))}"
    if yes or not gone:
        click.echo(f"removed: {total}" if gone else "nothing to remove", err=True)
    else:
        click.echo(f"{total} would go; nothing was removed, --yes does it", err=True)
    sys.exit(1 if plan.refused or changed else 0)


@results.command()
@click.argument(
    "sources", metavar="SOURCE...", nargs=-1, required=True, type=click.Path(path_type=Path, file_okay=False)
)
@click.option(
    "--into", required=True, metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="Results folder."
)
def merge(sources: tuple[Path, ...], into: Path) -> None:
    """Copies predictions, runs and dataset snapshots of other results folders into one; can be repeated.

    Sources are never changed. Of two complete records of one run the first stands, DIR before the sources.

    \b
    Example:
      harness results merge from_laptop/results from_cluster/results --into results
    """
    from rich.filesize import decimal

    from harness.results.merge import carry_out, plan_merging
    from harness.runtime.progress import Reporter

    plan = plan_merging(sources, into)
    for line in plan.notes:
        click.echo(f"note: {line}", err=True)
    size = plan.size
    with Reporter().track("files", len(plan.copies)) as progress:
        carry_out(plan, progress)
    for copy in plan.copies:
        if copy.target.name == "record.json":
            click.echo(copy.target.parent.name)
    for line in plan.problems:
        click.echo(f"not merged: {line}", err=True)
    click.echo(
        f"{into}: {counted(len(plan.copies), 'file')} copied, {decimal(size)}; {plan.equal:,} there already; "
        f"next: harness report --results {into}",
        err=True,
    )
    sys.exit(1 if plan.problems else 0)
