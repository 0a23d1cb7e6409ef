"""Tables whose cells keep number, interval, sign and p-value apart; each format (Markdown, LaTeX, page) joins them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.report.compare import MetricDifference
from harness.report.marks import REAL, TIED
from harness.report.table import Cell, Leaderboard, Line, labels
from harness.report.words import heading, number, p_text, p_words, pace_text, rank_text, short, signed
from harness.results.records import Value


@dataclass(frozen=True, slots=True)
class Shown:
    """What a cell shows: a number with its interval and what stands beside it, or words, or in `missing` why there is neither.

    `sign` is one of `marks.MEANINGS`; `p` a p-value in words; `unscored` counts items without a score.
    """

    number: str = ""
    interval: tuple[str, str] | None = None
    sign: str = ""
    p: str = ""
    unscored: int = 0
    words: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a leaderboard; `role` is what its cells hold: `value`, `rank`, `difference` (to the baseline) or `pace`."""

    role: str
    cells: tuple[Shown, ...]
    metric: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Headings and rows of cells; the first column names the rows."""

    head: Sequence[str]
    rows: Sequence[Sequence[Shown]]


def board_columns(board: Leaderboard) -> list[Column]:
    """Each metric's values, then its ranks and differences to the baseline where there are any; the pace last.

    A metric without a value for any system has no column.
    """
    columns: list[Column] = []
    for i, (metric, label) in enumerate(board.columns):
        cells = [line.cells[i] for line in board.lines]
        if all(cell.value is None for cell in cells):
            continue
        columns.append(Column("value", tuple(map(value_shown, cells)), metric, label))
        if any(cell.rank for cell in cells):
            columns.append(Column("rank", tuple(Shown(number=rank_text(cell.rank)) for cell in cells), metric, label))
        if any(cell.against_baseline for cell in cells):
            differences = tuple(difference_shown(line, i, board) for line in board.lines)
            columns.append(Column("difference", differences, metric, label))
    pace = tuple(Shown(number=pace_text(line.seconds_per_article)) for line in board.lines)
    return [*columns, Column("pace", pace)]


def board_table(board: Leaderboard) -> Table:
    """A leaderboard as plain text has it: differences to the baseline beside their metric if somebody chose it, else last."""
    names = labels([line.row for line in board.lines])
    titles = {"rank": "rank", "pace": "s/article"}
    columns = board_columns(board)
    if not board.chosen:
        columns.sort(key=lambda column: column.role == "difference")
    head = ["system"]
    for column in columns:
        if column.role == "difference":
            head.append(f"Δ {column.label} to {names[board.baseline or '']}")
        else:
            head.append(titles.get(column.role) or heading(column.label, column.metric))
    rows = [
        [Shown(words=names[line.row.fingerprint]), *(column.cells[n] for column in columns)]
        for n, line in enumerate(board.lines)
    ]
    return Table(head, rows)


def _interval(low: float | None, high: float | None, write: Callable[[float], str]) -> tuple[str, str] | None:
    return None if low is None or high is None else (write(low), write(high))


def value_shown(cell: Cell) -> Shown:
    """A metric's value with its interval, the sign of a tie and unscored items; or which kind of empty it is."""
    if cell.value is None:
        return Shown(missing=short(cell.empty or "empty"))
    interval = _interval(cell.ci_low, cell.ci_high, lambda end: number(end, cell.metric))
    sign = TIED if cell.tied else ""
    return Shown(number(cell.value, cell.metric), interval, sign, unscored=cell.n_unscored)


def difference_shown(line: Line, i: int, board: Leaderboard) -> Shown:
    """The difference to the baseline in column `i`, whether it is real, and its corrected p."""
    d, metric = line.cells[i].against_baseline, board.columns[i][0]
    if line.row.fingerprint == board.baseline:
        return Shown(words="baseline")
    if d is None or d.difference is None:
        return Shown(missing=short((d and d.reason) or ("ceiling" if line.row.use.ceiling else "not tested")))
    interval = _interval(d.ci_low, d.ci_high, lambda end: signed(end, metric))
    return Shown(signed(d.difference, metric), interval, REAL if d.real else TIED, p_words(d.p_corrected))


DIFFERENCES = ("difference [95 %]", "p corrected", "p", "detectable", "items")
"""Headings of `comparison_row` after the metric and the two systems."""


def comparison_row(d: MetricDifference) -> list[Shown]:
    """A paired difference of two systems: metric, both values, difference, corrected p, p, smallest detectable one, items."""
    difference = Shown(missing=short(d.reason or "undefined"))
    if d.difference is not None:
        difference = Shown(f"{d.difference:+.3f}", _interval(d.ci_low, d.ci_high, "{:+.3f}".format))
    a, b, detectable = ("" if value is None else f"{value:.3f}" for value in (d.a, d.b, d.detectable))
    corrected = p_text(d.p_corrected) + (" real" if d.real else "")
    rest = (corrected, p_text(d.p_value), detectable, str(d.n_items))
    return [Shown(words=d.metric + (" *" if d.primary else "")), Shown(a), Shown(b), difference, *map(Shown, rest)]


def share_shown(value: Value | None, metric: str) -> Shown:
    """A value in the metric's digits with its interval, or why there is none."""
    if value is None:
        return Shown(missing="not scored")
    if value.value is None:
        return Shown(missing=value.reason or "undefined")
    interval = _interval(value.ci_low, value.ci_high, lambda end: number(end, metric))
    return Shown(number(value.value, metric), interval, unscored=value.n_unscored)
