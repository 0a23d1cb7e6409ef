"""The report in the terminal: rich tables in which no number is cut."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.metrics.catalogue import columns_of, label_of
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
SHIFTS_AND_COUNTS = (label_of("preservation.voice_shift"), label_of("preservation.hawk_shift"), "labels", "covered")
"""Columns of the tables of stance preservation that give way before harm, fidelity and coverage."""
NARROWEST = 20
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
        console.print(plain_table(HAND_TITLE, table, console.width, yielding=SHIFTS_AND_COUNTS))
        for line in hand_lines(runs):
            console.print(line, markup=False, style="dim")
    if (table := judged_table(runs)) is not None:
        console.print()
        console.print(plain_table(judged_title(runs), table, console.width, yielding=SHIFTS_AND_COUNTS), style="dim")
    for line in check_lines(runs):
        console.print(line, markup=False, style="dim")


def comparison_terminal(console: Console, comparison: Comparison, most: int = 10) -> None:
    """`harness compare` for one kind of system."""
    a, b = comparison.a.name, comparison.b.name
    for verdict in pair_verdicts(comparison):
        console.print(verdict.text, markup=False)
    table = Table(["metric", a, b, *DIFFERENCES], [comparison_row(d) for d in comparison.differences])
    title = f"{TITLES[comparison.kind]}: {a} − {b}"
    # who wins and by how much stays longest; the two values follow from the report, too
    yielding = ("items", "detectable", "p", b, a)
    console.print(plain_table(title, table, console.width, "a wider terminal or --html has them", yielding))
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


def plain_table(
    title: str, table: Table, width: int, elsewhere: str = "table.csv has them", yielding: Sequence[str] = ()
) -> RichTable:
    """A table with intervals below their values; columns that do not fit `width` are named in the caption.

    Those headed as in `yielding` give way first, in that order, then the others from the right. Numbers are never cut: names
    in the first column fold onto several lines before a column is left out.
    """
    from rich import box
    from rich.markup import escape
    from rich.table import Table as RichTable
    from rich.text import Text

    lines = [[stacked(cell) for cell in row] for row in table.rows]
    needed = [
        max(
            map(
                len,
                [*heading.split(), *(part for n, row in enumerate(lines) for part in _parts(table.rows[n][i], row[i]))],
            )
        )
        for i, heading in enumerate(table.head)
    ]
    giving_way = [
        i for name in dict.fromkeys(yielding) for i, heading in enumerate(table.head) if i and heading == name
    ]
    giving_way += [i for i in reversed(range(1, len(table.head))) if i not in giving_way]
    kept = list(range(len(table.head)))
    while len(kept) > 1 and min(needed[0], NARROWEST) + sum(needed[i] for i in kept[1:]) + 3 * len(kept) > width:
        kept.remove(giving_way.pop(0))
    needed[0] = max(1, min(needed[0], width - sum(needed[i] for i in kept[1:]) - 3 * len(kept)))
    gone = [heading for i, heading in enumerate(table.head) if i not in kept]
    left_out = f"not shown for want of width: {', '.join(gone)} ({elsewhere})"
    drawn = RichTable(
        title=escape(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False,
        caption=escape(left_out) if gone else None, caption_justify="left",
    )  # fmt: skip
    for i in kept:
        drawn.add_column(
            escape(table.head[i]),
            justify="left" if i == 0 else "right",
            min_width=needed[i],
            max_width=needed[i],
            overflow="fold",
        )
    for row in lines:
        name = "\n".join(part for line in row[0] for part in broken(line, needed[0]))
        drawn.add_row(Text(name), *(Text("\n".join(row[i])) for i in kept[1:]))
    return drawn


def _parts(cell: Shown, lines: Sequence[str]) -> Sequence[str]:
    """What of a cell must not be broken: numbers and intervals; a reason why there are none may stand on several lines."""
    return lines[0].split() if cell.missing else lines


def broken(name: str, width: int) -> list[str]:
    """A name in lines of at most `width` characters, broken behind a dot, hyphen or underscore where it has one."""
    lines = [""]
    for part in re.findall(r"[^._\- ]*[._\- ]*", name):
        if lines[-1] and len(lines[-1] + part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return lines
