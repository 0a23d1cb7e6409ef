"""`harness systems`: whether a system of one's own keeps the contract."""

from __future__ import annotations

import sys
from typing import Any

import click

from harness.cli.base import Commands


@click.group(cls=Commands)
def systems() -> None:
    """Systems of your own (docs/writing-a-system.md)."""


@systems.command()
@click.argument("place", metavar="FILE.py:CLASS")
@click.option(
    "-o", "--option", "options", metavar="NAME=VALUE", multiple=True, help="An option of the system; repeatable."
)
@click.option("--dataset", default="escalation", show_default=True, help="Name or path of a dataset with gold.")
@click.option(
    "--articles", type=click.IntRange(1), default=2, show_default=True, help="How many articles it is asked about."
)
def check(place: str, options: tuple[str, ...], dataset: str, articles: int) -> None:
    """Tests a system's class: options, identity, what it reads, its answers, and what it must not see.

    FILE.py:CLASS runs the file; package.module:CLASS does for what is installed. Exit code 1 where something is wrong.

    \b
    Examples:
      harness systems check my_system.py:Mine
      harness systems check my_package.stances:Mine -o temperature=0.5 --articles 4
      harness systems check harness.systems.sentiment:Sentiment
    """
    from harness.data.load import load_dataset
    from harness.runtime.paths import dataset_path
    from harness.systems.conformance import check_system

    chosen = dict(map(_option, options))
    wrong = 0
    for finding in check_system(place, chosen, load_dataset(dataset_path(dataset)), articles):
        if finding.problem is None:
            click.echo(f"ok     {finding.check}")
            continue
        wrong += 1
        click.echo(f"WRONG  {finding.check}: {finding.problem}\n       → {finding.hint}")
    if wrong:
        click.echo(f"{place} does not keep the contract of a system (docs/writing-a-system.md)")
    sys.exit(1 if wrong else 0)


def _option(text: str) -> tuple[str, Any]:
    import yaml

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r}: write NAME=VALUE", param_hint="-o")
    try:
        return name, yaml.safe_load(value)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise click.BadParameter(f"{text!r} cannot be read: {error}", param_hint="-o") from None
