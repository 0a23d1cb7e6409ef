"""Leaderboards as the page shows them: each cell's value, drawn interval, marks, remarks, and which kind of empty it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.metrics.catalogue import direction, metric_of
from harness.report.cells import difference_shown, value_shown
from harness.report.collect import Runs
from harness.report.judge import headlines, judge_note, trusted
from harness.report.limits import judge_limits
from harness.report.marks import ARROWS, BEST, TIED
from harness.report.table import Cell, Leaderboard, Line, labels
from harness.report.verdicts import better
from harness.report.words import TITLES, number, pace_text, rank_text, short
from harness.results.records import SystemUse

UNPARSED = "stance.unparsed_rate.six_label"


@dataclass(frozen=True)
class CellView:
    """A cell as the page shows it: what it sorts by, its text, the drawn interval, and remarks.

    `bar` is the interval's start and width and the value's place, in per cent of the column's scale.
    """

    sort: str
    text: str
    interval: str = ""
    bar: tuple[float, float, float] | None = None
    mark: str = ""
    mark_words: str = ""
    unscored: int = 0
    empty: str = ""
    note: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Heading:
    """A column's heading: what it says, the scale or remark under it, whether it rests on a judge, and whether the
    first click sorts it ascending (`a`) or descending (`d`); `kind` is its class."""

    label: str
    under: str = ""
    judged: bool = False
    hint: str = ""
    kind: str = ""
    start: str = "d"


def board_view(runs: Runs, board: Leaderboard) -> dict[str, Any]:
    """A leaderboard as the template draws it: headings, and rows of cells in the same order."""
    names = labels([line.row for line in board.lines])
    kept = [i for i in range(len(board.columns)) if _tells(board, i)]
    spans = {i: _span(board, i) for i in kept}
    tested = {i for i in kept if board.columns[i][0] in headlines(runs, board.kind)}
    ranked = {i for i in tested if any(line.cells[i].rank for line in board.lines)}
    compared = {i for i in tested if board.baseline and any(_has_difference(line.cells[i]) for line in board.lines)}
    columns: list[Heading] = []
    rest: list[Heading] = []
    for i in kept:
        metric, label = board.columns[i]
        low, high = spans[i] or (0.0, 0.0)
        scale = f"{minus(number(low, metric))} – {minus(number(high, metric))}" if spans[i] else ""
        arrow = f"\u00a0{ARROWS[direction(metric)]}" if direction(metric) else ""
        judged = metric.startswith("preservation.")
        start = "a" if direction(metric) < 0 else "d"
        (rest if _rare(metric) else columns).append(
            Heading(label.replace("-", "\u2011") + arrow, scale, judged, better(metric), start=start)
        )
        if i in ranked:
            columns.append(
                Heading("rank", "95 %", judged, f"the places that it may truly have by {label}", "rank", "a")
            )
        if i in compared:
            columns.append(Heading("Δ", "to baseline", judged, f"{label}: difference to the baseline", "delta"))
    costs = [_costs(line, line.row.use) for line in board.lines]
    # a column that is empty for one reason throughout is a sentence
    various = [
        j
        for j in range(len(COSTS))
        if len({c[j].text if c[j].empty else None for c in costs} - {None}) != 1 or any(not c[j].empty for c in costs)
    ]
    rows = []
    for line, cost in zip(board.lines, costs, strict=True):
        cells: list[CellView] = []
        others: list[CellView] = []
        for i in kept:
            (others if _rare(board.columns[i][0]) else cells).append(_cell_view(line.cells[i], spans[i], line, board))
            if i in ranked:
                cells.append(_rank_view(line.cells[i], line))
            if i in compared:
                cells.append(_difference_view(i, line, board))
        rows.append(
            {
                "name": names[line.row.fingerprint],
                "description": line.row.use.description,
                "baseline": line.row.fingerprint == board.baseline,
                "cells": cells,
                "costs": [cost[j] for j in various],
                "rest": others,
            }
        )
    return {
        "kind": board.kind,
        "title": TITLES[board.kind],
        "columns": columns,
        "rest": rest,
        "scored": bool(kept),
        "ranked": bool(ranked),
        "rows": rows,
        "costs": [COSTS[j] for j in various],
        "uniform": [
            (COSTS[j].label, costs[0][j].text, costs[0][j].empty) for j in range(len(COSTS)) if j not in various
        ],
        "limits": _limits(runs, kept, board, ranked, compared) if board.kind == "summariser" and trusted(runs) else [],
        "baseline": names.get(board.baseline or "") if compared else None,
        "judged": any(c.judged for c in columns),
        "note": judge_note(runs),
    }


def _tells(board: Leaderboard, i: int) -> bool:
    """Whether a column is shown: one without values is not, nor that of unparsed answers where all were parsed."""
    values = {line.cells[i].value for line in board.lines} - {None}
    return bool(values) and not (board.columns[i][0] == UNPARSED and values == {0.0})


def _has_difference(cell: Cell) -> bool:
    return cell.against_baseline is not None and cell.against_baseline.difference is not None


def _rare(key: str) -> bool:
    """Whether a column stands after time, memory and tokens: on a small screen those are wanted more often."""
    metric = metric_of(key)
    return metric is not None and metric.column is not None and metric.column.rare


def minus(text: str) -> str:
    """A number as text with the sign that people read as a minus."""
    return f"−{text[1:]}" if text.startswith("-") else text


def interval_text(interval: tuple[str, str]) -> str:
    """`0.805–0.937`; ends with signs are joined by a word."""
    low, high = map(minus, interval)
    return f"{low} to {high}" if low[0] in "+−" else f"{low}–{high}"


def _limits(
    runs: Runs, kept: Sequence[int], board: Leaderboard, ranked: set[int], compared: set[int]
) -> list[tuple[str, list[str], list[str]]]:
    """The judge's ceiling and floor as rows under the table (cells before and after the costs): what it reads from articles,
    references and nothing at all."""
    rows = []
    for name, values in judge_limits(runs).items():
        cells: list[str] = []
        others: list[str] = []
        for i in kept:
            metric = board.columns[i][0]
            value = values.get(metric)
            text = "" if metric not in values else "none" if value is None else number(value, metric)
            (others if _rare(metric) else cells).append(text)
            cells += [""] * ((i in ranked) + (i in compared))
        rows.append((name, cells, others))
    return rows


def _span(board: Leaderboard, i: int) -> tuple[float, float] | None:
    """The common scale of a column: from the lowest to the highest end of the intervals of the systems that compete (of all
    where none does); None where all are one value."""
    unranked = board.unranked.get(board.columns[i][0], {})
    competitors = [line for line in board.lines if not line.row.use.ceiling and line.row.fingerprint not in unranked]
    cells = [line.cells[i] for line in competitors if line.cells[i].value is not None] or [
        line.cells[i] for line in board.lines
    ]
    ends = [e for c in cells for e in (c.value, c.ci_low, c.ci_high) if e is not None]
    return (min(ends), max(ends)) if ends and max(ends) > min(ends) else None


def _cell_view(cell: Cell, span: tuple[float, float] | None, line: Line, board: Leaderboard) -> CellView:
    if cell.value is None:
        reason = cell.empty or "empty"
        return CellView("", short(reason), empty=reason, unscored=cell.n_unscored)
    parts, note = value_shown(cell), cell.note or ""
    interval = interval_text(parts.interval) if parts.interval else "no interval" if "no interval" in note else ""
    sign, words = ("", "")
    if board.best.get(cell.metric) == line.row.fingerprint:
        sign, words = BEST, "highest value" if direction(cell.metric) > 0 else "lowest value"
    elif cell.tied:
        sign, words = TIED, "not distinguishable from the best"
    return CellView(
        sort=repr(cell.value),
        text=minus(parts.number),
        interval=interval,
        bar=_bar(cell, span) if span else None,
        mark=sign,
        mark_words=words,
        unscored=parts.unscored,
        note=note,
    )


def _bar(cell: Cell, span: tuple[float, float]) -> tuple[float, float, float] | None:
    """The drawn interval; cut where a ceiling's leaves the scale, and None where its value does."""
    low, high = span
    assert cell.value is not None
    if not low <= cell.value <= high:
        return None

    def at(v: float) -> float:
        return round(100 * (min(max(v, low), high) - low) / (high - low), 1)

    value = at(cell.value)
    if cell.ci_low is None or cell.ci_high is None:
        return value, 0.0, value
    return at(cell.ci_low), round(at(cell.ci_high) - at(cell.ci_low), 1), value


def _rank_view(cell: Cell, line: Line) -> CellView:
    """The places that a system may truly have."""
    if cell.rank is None:
        why = "ceiling" if line.row.use.ceiling else "not ranked"
        return CellView("", why, empty=f"{why}: {cell.note or cell.empty or 'it does not compete'}", kind="rank")
    rank = cell.rank
    if rank.low is None or rank.high is None:
        return CellView(str(rank.place), str(rank.place), note=rank.reason or "", kind="rank")
    return CellView(str(rank.place), rank_text(rank), note=f"place {rank.place} by value", kind="rank")


def _difference_view(i: int, line: Line, board: Leaderboard) -> CellView:
    """The difference to the baseline, and whether it is real after correction."""
    cell = line.cells[i]
    if line.row.fingerprint == board.baseline:
        return CellView("0", "baseline", kind="self")
    d = cell.against_baseline
    if d is None or d.difference is None:
        reason = (d.reason if d else None) or cell.empty or ("ceiling" if line.row.use.ceiling else "not tested")
        return CellView("", short(reason), empty=reason)
    parts = difference_shown(line, i, board)
    return CellView(
        sort=repr(d.difference),
        text=minus(parts.number),
        interval=interval_text(parts.interval) if parts.interval else "",
        mark=parts.sign,
        mark_words="separable from the baseline" if d.real else "not distinguishable from the baseline",
        note=parts.p,
        kind="real" if d.real else "unclear",
    )


COSTS = (
    Heading("unanswered"),
    Heading("tokens"),
    Heading("s/article", hint="seconds per article"),
    Heading("memory", hint="peak memory"),
    Heading("cost", "in all, price’s currency", hint="of all answers, in the currency of the configured price"),
)


def _costs(line: Line, use: SystemUse) -> list[CellView]:
    """Unanswered and unparsed, tokens, time, memory, money; an empty one says which kind of empty."""
    pace = line.seconds_per_article
    gone = use.status if use.status != "ok" else "not recorded"
    failed = f"{use.n_failed} failed" if use.n_failed else ""
    unparsed = f"{use.n_unparsed} unparsed" if use.n_unparsed else ""
    refused = f"{use.n_refused} refused" if use.n_refused else ""
    cut = f"{use.n_cut} cut" if use.n_cut else ""
    problems = ", ".join(x for x in (failed, unparsed, refused, cut) if x) or "none"
    tokens = use.tokens_in + use.tokens_out
    uncounted = f"no counts of tokens came with {use.n_no_usage} of {use.n_items} answers" if use.n_no_usage else ""
    return [
        CellView(
            str(use.n_failed + use.n_unparsed + (use.n_refused if use.kind != "summariser" else 0)),
            problems if use.n_items else short(gone),
            empty="" if use.n_items else gone,
        ),
        CellView(
            str(tokens),
            f"{_count(use.tokens_in)} in",
            f"{_count(use.tokens_out)} out",
            note=f"{tokens:,} in all" + (uncounted and f"; {uncounted}"),
        )
        if tokens
        else CellView("", "no tokens" if use.n_items else short(gone), empty=uncounted or "the system reads no tokens"),
        CellView(repr(pace), pace_text(pace)) if pace is not None else CellView("", short(gone), empty=gone),
        CellView(str(use.peak_memory_bytes), f"{use.peak_memory_bytes / 2**20:,.0f} MiB")
        if use.peak_memory_bytes
        else CellView("", "not recorded", empty="no run of this system measured it"),
        CellView(repr(use.cost), f"{use.cost:.4f}")
        if use.cost is not None
        else CellView("", f"no usage ({use.n_no_usage} of {use.n_items})", empty=uncounted)
        if uncounted
        else CellView("", "no price", empty="runs here, or no price is configured"),
    ]


def _count(n: int) -> str:
    return f"{n}" if n < 10_000 else f"{n / 1e3:.0f} k" if n < 1_000_000 else f"{n / 1e6:,.1f} M"
