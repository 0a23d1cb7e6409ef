"""index.html: the whole report in one offline file; every word of a record, an article or an answer is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from harness.records import RunRecord, SystemUse
from harness.report.collect import PRIMARY, Runs, canonical
from harness.report.compare import Comparison, MetricDifference
from harness.report.counts import direction
from harness.report.drilldown import as_json, drilldown
from harness.report.finders import NOTE as FINDER_NOTE
from harness.report.finders import TITLE as FINDERS
from harness.report.finders import finder_rows, finders
from harness.report.html_head import head, states
from harness.report.html_pictures import pictures
from harness.report.html_slices import slice_pictures
from harness.report.suspected import Suspicion, suspicions
from harness.report.svg import Markup, Picture, escape
from harness.report.table import Cell, Leaderboard, Line, labels
from harness.report.text import ARROWS, TITLES, difference_row, number, problem_lines, reproduce, short
from harness.report.verdicts import better, judge_note, pair_verdicts, unscored_verdict, verdicts

if TYPE_CHECKING:
    from jinja2 import Environment

QUESTION = (
    "Which pretrained model can I trust to summarise conflict news and to tell who wants escalation and who does not?"
)
MOST_ARTICLES = 20
MOST_SUSPECTED = 500
NOTHING = Markup("")
INTERVAL = (72.0, 12.0)
"""Width and height of the interval drawn in a cell, in pixels."""


@dataclass(frozen=True)
class CellView:
    """A cell as the page shows it: what it sorts by, its text, the drawn interval, and remarks."""

    sort: str
    text: str
    interval: str = ""
    drawing: Markup = NOTHING
    mark: str = ""
    mark_words: str = ""
    unscored: int = 0
    empty: str = ""
    note: str = ""
    kind: str = ""


def html(runs: Runs, boards: Sequence[Leaderboard], comparisons: Sequence[Comparison] = ()) -> str:
    """The page, with paired comparisons before the leaderboards where there are any.

    Deterministic: it depends on the records, predictions and dataset snapshot alone.
    """
    views = [_board_view(runs, board) for board in boards if board.lines]
    sentences = [v for board in boards if board.lines for v in verdicts(runs, board)]
    drawn, undrawn = _drawn(runs, boards)
    data = as_json(drilldown(runs))
    return str(
        environment()
        .get_template("report.html")
        .render(
            question=QUESTION,
            head=head(runs),
            states=states(runs),
            verdicts=unscored_verdict(runs) + sentences,
            boards=views,
            comparisons=[_comparison_view(c) for c in comparisons],
            finders=_finders_view(runs),
            suspected=_suspected(runs)[:MOST_SUSPECTED],
            n_suspected=len(_suspected(runs)),
            pictures=drawn,
            undrawn=undrawn,
            judge_note=judge_note(runs),
            filters=_filters(runs),
            commands=reproduce(runs),
            configs=_configs(boards),
            # read last: pictures and drill-down may find torn parts
            problems=problem_lines(runs),
            data=Markup(data),
            style=asset("style.css"),
            script=asset("report.js"),
        )
    )


@cache
def environment() -> Environment:
    """Templates with everything escaped and nothing undefined."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("harness.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["whole_intervals"] = whole_intervals
    return made


def whole_intervals(text: str) -> Markup:
    """Escaped text in which no line breaks within brackets."""
    return Markup(re.sub(r"(\S+ )(\[[^\]]{1,40}\])", r'<span class="nb">\1\2</span>', str(escape(text))))


@cache
def asset(name: str) -> Markup:
    """A file of ours that goes into the page as it stands."""
    return Markup(resources.files("harness.report").joinpath("templates", name).read_text(encoding="utf-8"))


def _drawn(runs: Runs, boards: Sequence[Leaderboard]) -> tuple[list[Picture], list[str]]:
    """The pictures, and those that could not be drawn from what the records hold; the rest of the page stands."""
    found: list[Picture] = []
    failed: list[str] = []
    filled = [b for b in boards if b.lines]
    makers: list[tuple[str, Callable[[], list[Picture]]]] = [
        ("scores", lambda: pictures(filled)),
        ("slices", lambda: slice_pictures(runs, filled)),
    ]
    for name, draw in makers:
        try:
            found += draw()
        except (KeyError, TypeError, ValueError, IndexError) as error:
            failed.append(f"pictures of {name}: a record holds something unexpected ({type(error).__name__}: {error})")
    return found, failed


def _board_view(runs: Runs, board: Leaderboard) -> dict[str, Any]:
    names = labels([line.row for line in board.lines])
    kept = [i for i in range(len(board.columns)) if any(line.cells[i].value is not None for line in board.lines)]
    spans = {i: _span([line.cells[i] for line in board.lines]) for i in kept}
    columns = []
    for i in kept:
        metric, label = board.columns[i]
        low, high = spans[i]
        columns.append(
            {
                "key": metric,
                "label": label.replace("-", "\u2011"),
                "arrow": ARROWS[direction(metric)],
                "better": better(metric),
                "scale": f"{number(low, metric)} – {number(high, metric)}".replace("-", "−"),
                "primary": metric in PRIMARY[board.kind],
                "judged": metric.startswith("preservation."),
            }
        )
    tested = [i for i in kept if board.columns[i][0] in PRIMARY[board.kind]] if board.baseline else []
    rows = []
    for line in board.lines:
        use = line.row.use
        rows.append(
            {
                "name": names[line.row.fingerprint],
                "description": use.description,
                "fingerprint": line.row.fingerprint[:12],
                "runs": len(line.row.runs),
                "baseline": line.row.fingerprint == board.baseline,
                "cells": [_cell_view(line.cells[i], spans[i], line, board) for i in kept],
                "against": [_against(line.cells[i], line, board) for i in tested],
                "costs": _costs(line, use),
            }
        )
    return {
        "kind": board.kind,
        "title": TITLES[board.kind],
        "columns": columns,
        "rows": rows,
        "baseline": names.get(board.baseline or ""),
        "against": [board.columns[i][1].replace("-", "\u2011") for i in tested],
        "judged": any(c["judged"] for c in columns),
        "note": judge_note(runs),
    }


def _finders_view(runs: Runs) -> dict[str, Any] | None:
    """The speaker finders as a plain table; None where no run has one that was scored."""
    head, rows = finder_rows(finders(runs))
    return {"title": FINDERS, "note": FINDER_NOTE, "head": head, "rows": rows} if rows else None


def _suspected(runs: Runs) -> list[Suspicion]:
    """Suspected flips and drops of runs without gold; with gold there are scores instead."""
    return [] if runs.use is None or runs.use.labelled else suspicions(runs)


def _span(cells: Sequence[Cell]) -> tuple[float, float]:
    """The common scale of a column: from the lowest to the highest end of its intervals."""
    ends = [e for c in cells for e in (c.value, c.ci_low, c.ci_high) if e is not None]
    low, high = min(ends), max(ends)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _cell_view(cell: Cell, span: tuple[float, float], line: Line, board: Leaderboard) -> CellView:
    if cell.value is None:
        reason = cell.empty or "empty"
        return CellView("", short(reason), empty=reason, unscored=cell.n_unscored)
    best = board.best.get(cell.metric) == line.row.fingerprint
    interval = ""
    if cell.ci_low is not None and cell.ci_high is not None:
        interval = f"{number(cell.ci_low, cell.metric)}–{number(cell.ci_high, cell.metric)}"
    mark, words = ("", "")
    if best:
        mark, words = "▲", "highest value" if direction(cell.metric) > 0 else "lowest value"
    elif cell.tied:
        mark, words = "≈", "not distinguishable from the best"
    return CellView(
        sort=repr(cell.value),
        text=number(cell.value, cell.metric).replace("-", "−"),
        interval=interval.replace("-", "−"),
        drawing=_interval(cell, span),
        mark=mark,
        mark_words=words,
        unscored=cell.n_unscored,
        note=cell.note or "",
    )


def _interval(cell: Cell, span: tuple[float, float]) -> Markup:
    """Value and interval on the column's scale; hidden from screen readers, which have the numbers."""
    width, height = INTERVAL
    low, high = span

    def x(v: float) -> float:
        return 3 + (v - low) / (high - low) * (width - 6)

    assert cell.value is not None
    bar = ""
    if cell.ci_low is not None and cell.ci_high is not None:
        a, b = x(cell.ci_low), x(cell.ci_high)
        bar = f'<path class="ci" d="M{a:.1f},2v8M{a:.1f},6H{b:.1f}M{b:.1f},2v8"/>'
    return Markup(  # numbers of ours only
        f'<svg class="bar" aria-hidden="true" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}">'
        f'<path class="rail" d="M0,6H{width:.0f}"/>{bar}<circle class="dot" cx="{x(cell.value):.1f}" cy="6" r="2.6"/></svg>'
    )


def _against(cell: Cell, line: Line, board: Leaderboard) -> CellView:
    """The difference to the baseline, and whether it is real after correction."""
    if line.row.fingerprint == board.baseline:
        return CellView("0", "baseline", kind="self")
    d: MetricDifference | None = cell.against_baseline
    if d is None or d.difference is None:
        reason = (d.reason if d else None) or cell.empty or "not tested"
        return CellView("", short(reason), empty=reason)
    digits = 1 if number(10.0, cell.metric) == "10.0" else 3
    interval = "" if d.ci_low is None or d.ci_high is None else f"{d.ci_low:+.{digits}f} to {d.ci_high:+.{digits}f}"
    p = d.p_corrected
    told = "no test" if p is None else f"p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"
    return CellView(
        sort=repr(d.difference),
        text=f"{d.difference:+.{digits}f}".replace("-", "−"),
        interval=interval.replace("-", "−"),
        mark="≠" if d.real else "≈",
        mark_words="separable from the baseline" if d.real else "not distinguishable from the baseline",
        note=told,
        kind="real" if d.real else "unclear",
    )


def _costs(line: Line, use: SystemUse) -> list[CellView]:
    """Unanswered and unparsed, tokens, time, memory, money; an empty one says which kind of empty."""
    pace = line.seconds_per_article
    gone = use.status if use.status != "ok" else "not recorded"
    failed = f"{use.n_failed} failed" if use.n_failed else ""
    unparsed = f"{use.n_unparsed} unparsed" if use.n_unparsed else ""
    cut = f"{use.n_cut} cut" if use.n_cut else ""
    problems = ", ".join(x for x in (failed, unparsed, cut) if x) or "none"
    tokens = use.tokens_in + use.tokens_out
    return [
        CellView(
            str(use.n_failed + use.n_unparsed),
            problems if use.n_items else short(gone),
            empty="" if use.n_items else gone,
        ),
        CellView(str(tokens), f"{_count(use.tokens_in)} in", f"{_count(use.tokens_out)} out", note=f"{tokens:,} in all")
        if tokens
        else CellView("", "no tokens" if use.n_items else short(gone), empty="the system reads no tokens"),
        CellView(repr(pace), _seconds(pace)) if pace is not None else CellView("", short(gone), empty=gone),
        CellView(str(use.peak_memory_bytes), f"{use.peak_memory_bytes / 2**20:,.0f} MiB")
        if use.peak_memory_bytes
        else CellView("", "not recorded", empty="no run of this system measured it"),
        CellView(repr(use.cost), f"{use.cost:.4f}")
        if use.cost is not None
        else CellView("", "no price", empty="runs here, or no price is configured"),
    ]


def _count(n: int) -> str:
    return f"{n}" if n < 10_000 else f"{n / 1e3:.0f} k" if n < 10_000_000 else f"{n / 1e6:.0f} M"


def _comparison_view(comparison: Comparison) -> dict[str, Any]:
    """Paired differences of two systems, and the articles and items where they part most."""
    return {
        "kind": comparison.kind,
        "title": f"{TITLES[comparison.kind]}: {comparison.a.name} − {comparison.b.name}",
        "verdicts": [v.text for v in pair_verdicts(comparison)] or [comparison.verdict],
        "a": comparison.a.name,
        "b": comparison.b.name,
        "rows": [(d.real, difference_row(d)) for d in comparison.differences],
        "articles": [(article, f"{x:.3g}", f"{y:.3g}", n) for article, x, y, n in comparison.articles[:MOST_ARTICLES]],
        "n_articles": len(comparison.articles),
    }


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value >= 0.01 else "< 0.01"


def _filters(runs: Runs) -> dict[str, list[str]]:
    """What the drill-down can be narrowed by."""
    found = {p for a in runs.articles for label in (a.gold.stances if a.gold else ()) for p in label.phenomena}
    return {
        "phenomenon": sorted(found),
        "kind": sorted({a.source.kind for a in runs.articles}),
        "split": sorted({a.split for a in runs.articles}),
    }


def _configs(boards: Sequence[Leaderboard]) -> list[dict[str, str]]:
    """For each row of the leaderboards: the run that stands for it, its command and its resolved config."""
    rows = []
    for board in boards:
        names = labels([line.row for line in board.lines])
        for line in board.lines:
            record = line.row.run
            rows.append(
                {
                    "kind": TITLES[board.kind],
                    "name": names[line.row.fingerprint],
                    "run": record.run_id,
                    "command": _command(record),
                    "fingerprint": line.row.fingerprint,
                    "config": canonical(record.config),
                }
            )
    return rows


def _command(record: RunRecord) -> str:
    from harness.report.text import quote

    return "harness run " + " ".join(map(quote, record.overrides))
