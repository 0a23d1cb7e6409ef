"""The report in the terminal: rich tables in which no number is cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.metrics.catalogue import columns_of
from harness.report.cells import DIFFERENCES, Shown, Table, board_table, comparison_row
from harness.report.finders import TITLE as FINDERS
from harness.report.finders import finder_table, finders, stage_lines
from harness.report.head import head_lines, problem_lines
from harness.report.judge import check_lines
from harness.report.preserved import TITLE as HAND_TITLE
from harness.report.preserved import hand_lines, hand_table, judged_table, judged_title
from harness.report.robustness import robustness
from harness.report.robustness_page import TITLE as ROBUSTNESS
from harness.report.robustness_page import sections, verdict_lines
from harness.report.stances import stance_rows
from harness.report.suspected import without_gold
from harness.report.verdicts import pair_verdicts, verdicts
from harness.report.who_wants import text_lines
from harness.report.words import NOTES, TITLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table as RichTable

    from harness.report.collect import Runs
    from harness.report.compare import Comparison
    from harness.report.table import Leaderboard

MOST_STANCES, FEW_STANCES = 60, 3
"""Pairs of the table of stances that are printed without gold, and with it, where scores are the answer."""
NARROWEST = 24
"""Characters to which the first column of a table may shrink before another column is left out."""


def terminal(console: Console, runs: Runs, boards: Sequence[Leaderboard]) -> None:
    """The report as `harness report` prints it."""
    labelled = bool(runs.use and runs.use.labelled)
    if not labelled:
        # the answer that a newsroom came for; where there is gold, the scores come first
        for line in text_lines(runs, MOST_STANCES, "stances.csv"):
            console.print(line, markup=False)
        console.print()
    for line in head_lines(runs):
        console.print(line, markup=False)
    for board in boards:
        if not board.lines:
            continue
        console.print()
        console.print(plain_table(TITLES[board.kind], board_table(board), console.width))
        for verdict in verdicts(runs, board):
            console.print(verdict.text, markup=False)
        if board.kind == "summariser":
            _preservation(console, runs)
    if scored_finders := finders(runs):
        # the errors by stage do not fit beside the scores: they follow as lines
        table, n_columns = finder_table(scored_finders), 2 + len(columns_of("speakers"))
        table = Table(table.head[:n_columns], [row[:n_columns] for row in table.rows])
        console.print()
        console.print(plain_table(FINDERS, table, console.width))
        for line in stage_lines(scored_finders):
            console.print(line, markup=False)
    if probed := robustness(runs):
        console.print()
        console.print(plain_table(ROBUSTNESS, sections(probed)[0].table, console.width))
        for line in verdict_lines(probed):
            console.print(line, markup=False)
    if labelled and stance_rows(runs):
        console.print()
        for line in text_lines(runs, FEW_STANCES, "stances.csv"):
            console.print(line, markup=False)
    for line in without_gold(runs, most=10):
        console.print(line, markup=False)
    if boards:
        console.print(f"\n{NOTES}", style="dim", markup=False)
    for line in problem_lines(runs):
        console.print(line, style="yellow", markup=False)


def _preservation(console: Console, runs: Runs) -> None:
    """What summaries preserve: by hand labels first, then, dimmed, what a judge that failed its check makes of them."""
    if (table := hand_table(runs)) is not None:
        console.print()
        console.print(plain_table(HAND_TITLE, table, console.width))
        for line in hand_lines(runs):
            console.print(line, markup=False, style="dim")
    if (table := judged_table(runs)) is not None:
        console.print()
        console.print(plain_table(judged_title(runs), table, console.width), style="dim")
    for line in check_lines(runs):
        console.print(line, markup=False, style="dim")


def comparison_terminal(console: Console, comparison: Comparison, most: int = 10) -> None:
    """`harness compare` for one kind of system."""
    a, b = comparison.a.name, comparison.b.name
    for verdict in pair_verdicts(comparison):
        console.print(verdict.text, markup=False)
    table = Table(["metric", a, b, *DIFFERENCES], [comparison_row(d) for d in comparison.differences])
    title = f"{TITLES[comparison.kind]}: {a} − {b}"
    console.print(plain_table(title, table, console.width, "a wider terminal or --html has them"))
    if comparison.articles:
        console.print(f"Articles where they part most ({len(comparison.articles)} in all):")
        for article, x, y, n in comparison.articles[:most]:
            console.print(f"  {article}: on {n} item{'s' * (n != 1)}, {a} {x:.3g}, {b} {y:.3g}", markup=False)
    if comparison.kind == "stance" and comparison.items:
        console.print(f"Items where they part most ({len(comparison.items)} in all):")
        for item, x, y in comparison.items[:most]:
            console.print(f"  {item}: {a} {x:.3g}, {b} {y:.3g}", markup=False)


def stacked(cell: Shown) -> list[str]:
    """A cell's lines: the value with its sign, the interval below it, then p and unscored items."""
    if cell.missing:
        return [f"({cell.missing})"]
    value = " ".join(part for part in (cell.words, cell.number, cell.sign) if part)
    remarks = " ".join(part for part in (cell.p, f"({cell.unscored} unscored)" if cell.unscored else "") if part)
    if cell.interval is None:
        return [" ".join(part for part in (value, remarks) if part)]
    return [value, f"[{cell.interval[0]}, {cell.interval[1]}]", *([remarks] if remarks else [])]


def plain_table(title: str, table: Table, width: int, elsewhere: str = "table.csv has them") -> RichTable:
    """A table with intervals below their values; columns that do not fit `width` are named in the caption.

    Numbers are never cut: names in the first column fold onto several lines before a column is left out.
    """
    from rich import box
    from rich.markup import escape
    from rich.table import Table as RichTable
    from rich.text import Text

    lines = [[stacked(cell) for cell in row] for row in table.rows]
    needed = [
        max(map(len, [*heading.split(), *(line for row in lines for line in row[i])]))
        for i, heading in enumerate(table.head)
    ]
    fits = len(table.head)
    while fits > 1 and min(needed[0], NARROWEST) + sum(needed[1:fits]) + 3 * fits > width:
        fits -= 1
    needed[0] = max(1, min(needed[0], width - sum(needed[1:fits]) - 3 * fits))
    left_out = f"not shown for want of width: {', '.join(table.head[fits:])} ({elsewhere})"
    drawn = RichTable(
        title=escape(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False,
        caption=escape(left_out) if fits < len(table.head) else None, caption_justify="left",
    )  # fmt: skip
    for i, heading in enumerate(table.head[:fits]):
        most = needed[0] if i == 0 else None
        drawn.add_column(
            escape(heading), justify="left" if i == 0 else "right", min_width=needed[i], max_width=most, overflow="fold"
        )
    for row in lines:
        drawn.add_row(*(Text("\n".join(cell)) for cell in row[:fits]))
    return drawn
