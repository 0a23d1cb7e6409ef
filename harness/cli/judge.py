"""The commands below `harness judge`: check."""

from __future__ import annotations

import click

from harness.cli.base import Commands

ELSEWHERE = "judges/ of the results folder has them"
"""Where the columns are for which the terminal has no room."""


@click.group(cls=Commands)
def judge() -> None:
    """Whether a stance classifier may judge summaries."""


@judge.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]})
@click.argument("overrides", nargs=-1, required=True)
def check(overrides: tuple[str, ...]) -> None:
    """Scores stance classifiers as judges against the hand labels of the frozen set; no new label is needed.

    A judge is validated where the lower ends of its sensitivity and of the precision of the harms that it reports reach 0.7, and
    where it finds clearly less harm in articles and references than in another article's summary.

    \\b
    Examples:
      harness judge check judge=minilm_probe
      harness judge check judge=majority,name_only,sentiment split=all results=results/judges
    """
    from harness.report.judge_table import judge_table, summariser_table
    from harness.report.terminal import plain_table
    from harness.runs.judging import check_judges
    from harness.runtime.progress import Reporter
    from harness.runtime.terminal import text_console

    console = text_console()
    checks = check_judges(overrides, Reporter())
    console.print(plain_table("Judges against hand labels", judge_table(checks), console.width, ELSEWHERE))
    for one in checks:
        if one["reason"]:
            console.print(f"{one['judge']}: {one['reason']}", markup=False)
        console.print(plain_table(f"{one['judge']}, by summariser", summariser_table(one), console.width, ELSEWHERE))
