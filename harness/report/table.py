"""Leaderboards as plain data: each cell keeps value, interval, how it shows, and which kind of empty it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigError, nearest_hint
from harness.metrics.catalogue import direction, primary_of, span
from harness.metrics.preservation_table import COVERAGE, HARM_RATE
from harness.report.collect import Row, Runs, uncollected
from harness.report.compare import ALPHA, MetricDifference, resampled_values
from harness.report.counts import Counts, n_pairs, own_counts, unjudged
from harness.report.judge import board_columns_of, headlines
from harness.report.selection import Counted, Selection, Test, pair_difference, selection
from harness.results.records import SystemUse, Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.stats.ranking import Rank

USUAL = {"summariser": ("lead3", "lexrank"), "stance": ("majority", "name_only", "sentiment")}
"""The baseline if none is chosen: the first of these that was run."""


@dataclass(frozen=True)
class Cell:
    """One number of a leaderboard. `tied` marks what may be the best: no test puts another above it; `rank` has the places
    that the system may
    truly have; `empty` says why there is no number."""

    metric: str
    value: float | None
    ci_low: float | None = None
    ci_high: float | None = None
    n_scored: int = 0
    n_unscored: int = 0
    tied: bool | None = None
    against_baseline: MetricDifference | None = None
    empty: str | None = None
    note: str | None = None
    rank: Rank | None = None


@dataclass(frozen=True)
class Line:
    """One system of a leaderboard."""

    row: Row
    cells: tuple[Cell, ...]
    seconds_per_article: float | None


@dataclass(frozen=True)
class Leaderboard:
    """Systems of one kind, best first by the first primary metric. Ties are tested for primary metrics only."""

    kind: str
    columns: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    baseline: str | None
    best: dict[str, str]
    tests: tuple[Test, ...]
    chosen: bool = False
    """Whether the baseline was asked for, not just the usual one."""
    unranked: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Why a system is not ranked, by primary metric and fingerprint."""
    ranks: Mapping[str, Mapping[str, Rank]] = field(default_factory=dict)
    """The places that a system may truly have, by primary metric and fingerprint."""
    effects: Mapping[str, float] = field(default_factory=dict)
    """Differences that were named, by metric, for which the number of further articles is said."""


def leaderboards(
    runs: Runs, *, baseline: str | None = None, effects: Mapping[str, float] | None = None, seed: int = 0
) -> list[Leaderboard]:
    """Summarisers, then stance classifiers. The family is the report's: all pairs of systems, on the primary metrics of both
    kinds. `effects` are the differences, by metric, for which the number of articles is said; the catalogue's by default.
    What rests on a judge competes only if that passed its check."""
    rows = {kind: runs.rows(kind) for kind in USUAL}
    names = sorted({name for kind in USUAL for r in rows[kind] for name in (r.name, labels(rows[kind])[r.fingerprint])})
    if baseline is not None and baseline not in names:
        raise ConfigError(
            f"no run has a system called {baseline!r}", hint=nearest_hint(baseline, names) + ", ".join(names)
        )
    with uncollected():
        kinds = [_competition(runs, kind, baseline, seed) for kind in USUAL]
        # each metric's pairs keep the level that is its share
        n_tested = sum(s.tested for kind in kinds for s in kind.selections.values())
        return [_leaderboard(runs, kind, n_tested, effects or {}, seed) for kind in kinds]


def chosen_columns(boards: Sequence[Leaderboard], names: Sequence[str]) -> list[Leaderboard]:
    """The boards with the named columns alone, in that order; a name is a metric's key or its label. A board without any of
    them is left out. Raises ConfigError for a name that no board has."""
    known = {name: metric for board in boards for metric, label in board.columns for name in (label, metric)}
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(
            f"no column is called {unknown[0]!r}", hint=nearest_hint(unknown[0], sorted(known)) + ", ".join(known)
        )
    shown = []
    for board in boards:
        places = {metric: i for i, (metric, _) in enumerate(board.columns)}
        wanted = [places[known[name]] for name in names if known[name] in places]
        lines = tuple(replace(line, cells=tuple(line.cells[i] for i in wanted)) for line in board.lines)
        if wanted:
            shown.append(replace(board, columns=tuple(board.columns[i] for i in wanted), lines=lines))
    return shown


@dataclass(frozen=True)
class _Competition:
    """Rows of a kind, the baseline's, and by primary metric: counts by fingerprint, the tests of all pairs, why a system is not
    ranked."""

    kind: str
    rows: list[Row]
    baseline: Row | None
    chosen: bool
    counted: dict[str, dict[str, Counted]]
    selections: dict[str, Selection]
    unranked: dict[str, dict[str, str]]


def _competition(runs: Runs, kind: str, baseline: str | None, seed: int) -> _Competition:
    rows = runs.rows(kind)
    names = labels(rows)
    # a baseline of one kind leaves the other kind its usual one
    chosen = baseline is not None and any(baseline in (names[r.fingerprint], r.name) for r in rows)
    scored = [r for r in rows if any(_value(r, metric) is not None for metric in headlines(runs, kind))]
    baseline_row = _baseline(rows, names, (baseline,)) if chosen and baseline else _baseline(scored, names, USUAL[kind])
    counted: dict[str, dict[str, Counted]] = {}
    selections: dict[str, Selection] = {}
    unranked_by_metric: dict[str, dict[str, str]] = {}
    for metric in headlines(runs, kind):
        counts = own_counts(runs, rows, metric)
        drawn = resampled_values(counts, seed=seed)
        counted[metric] = {r.fingerprint: (c, d) for r, c, d in zip(rows, counts, drawn, strict=True)}
        reasons = unranked(runs, rows, metric, {f: c for f, (c, _) in counted[metric].items()})
        unranked_by_metric[metric] = reasons
        competitors = competing(rows, metric, reasons)
        # a rate that rests on too little is not tested against the baseline either
        fit = baseline_row is not None and not reasons.get(baseline_row.fingerprint, "").startswith(UNTESTED)
        measured = baseline_row if baseline_row and fit and _value(baseline_row, metric) is not None else None
        selections[metric] = selection(runs, metric, competitors, measured, counted[metric], seed)
    return _Competition(kind, rows, baseline_row, chosen, counted, selections, unranked_by_metric)


def _leaderboard(runs: Runs, kind: _Competition, n_tested: int, effects: Mapping[str, float], seed: int) -> Leaderboard:
    tests: list[Test] = []
    best: dict[str, str] = {}
    ranks: dict[str, dict[str, Rank]] = {}
    for metric, selected in kind.selections.items():
        ranks[metric] = selected.ranks(ALPHA / max(1, n_tested))
        leader = selected.best(ranks[metric])
        if leader is not None:
            best[metric] = leader
        by_fingerprint = {r.fingerprint: r for r in kind.rows}
        competitors = competing(kind.rows, metric, kind.unranked[metric])
        for a, b in _pairs(competitors, leader, kind.baseline):
            if _value(by_fingerprint[b], metric) is None:
                # it answered, but about speakers that it found
                continue
            pair = (by_fingerprint[a], by_fingerprint[b])
            d = pair_difference(runs, metric, pair, kind.counted[metric], seed, effects.get(metric))
            tests.append((a, b, selected.corrected(d, a, b, n_tested)))
    columns = board_columns_of(runs, kind.kind)
    lines = [
        Line(row, _cells(row, columns, kind, tests, best, ranks), seconds_per_article(row, runs)) for row in kind.rows
    ]
    lines.sort(key=lambda line: _order(line.row, primary_of(kind.kind)[0]))
    return Leaderboard(
        kind.kind,
        columns,
        tuple(lines),
        kind.baseline.fingerprint if kind.baseline else None,
        best,
        tuple(tests),
        kind.chosen,
        kind.unranked,
        ranks,
        effects,
    )


def _pairs(competitors: Sequence[Row], leader: str | None, baseline: Row | None) -> list[tuple[str, str]]:
    """Each competitor with the leader, then with the baseline; no pair twice."""
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    for other in (leader, baseline.fingerprint if baseline else None):
        for row in competitors:
            if other is not None and row.fingerprint != other:
                pairs.setdefault(frozenset((row.fingerprint, other)), (row.fingerprint, other))
    return list(pairs.values())


def _baseline(rows: Sequence[Row], names: dict[str, str], candidates: Sequence[str]) -> Row | None:
    """The first of the candidates that answered anything."""
    answered = [r for r in rows if r.use.status == "ok"]
    return next((r for name in candidates for r in answered if name in (names[r.fingerprint], r.name)), None)


def _order(row: Row, metric: str) -> tuple[float, str]:
    """Best first; systems without a value last."""
    value = _value(row, metric)
    return (float("inf") if value is None else -direction(metric) * value, row.name)


def labels(rows: Sequence[Row]) -> dict[str, str]:
    """A name for each fingerprint: the system's own, with part of the fingerprint where two share it."""
    names = [r.name for r in rows]
    plain = {r.fingerprint: r.name if names.count(r.name) == 1 else f"{r.name} ({r.fingerprint[:6]})" for r in rows}
    return {r.fingerprint: plain[r.fingerprint] + _standing(r.use) for r in rows}


def _standing(use: SystemUse) -> str:
    """What a row that does not compete is: a ceiling, or labels that gold was made from."""
    return " (entered the gold)" if use.entered_gold else " (ceiling)" if use.ceiling else ""


def _cells(
    row: Row,
    columns: Sequence[tuple[str, str]],
    kind: _Competition,
    tests: Sequence[Test],
    best: Mapping[str, str],
    ranks: Mapping[str, Mapping[str, Rank]],
) -> tuple[Cell, ...]:
    cells = []
    for metric, _ in columns:
        value = row.metrics.get(metric)
        if value is None or value.value is None:
            cells.append(
                Cell(metric, None, n_unscored=value.n_unscored if value else 0, empty=why_empty(row, metric, value))
            )
            continue
        rank = ranks.get(metric, {}).get(row.fingerprint)
        cells.append(
            Cell(
                metric=metric,
                value=value.value,
                ci_low=value.ci_low,
                ci_high=value.ci_high,
                n_scored=value.n_scored,
                n_unscored=value.n_unscored,
                tied=_tied(rank) if metric in best else None,
                against_baseline=_between(row, kind.baseline, metric, tests) if kind.baseline else None,
                note=kind.unranked.get(metric, {}).get(row.fingerprint) or value.reason,
                rank=rank,
            )
        )
    return tuple(cells)


def why_empty(row: Row, metric: str, value: Value | None) -> str:
    """Which kind of empty a cell is."""
    if row.use.status != "ok":
        return "unfitted" if row.use.status.startswith("unfitted") else row.use.status
    if metric.startswith("preservation.") and row.judge is None:
        return "no judge"
    if value is None and row.kind == "stance" and row.run.system("speakers") is not None:
        return "found speakers: scored end to end, with the speaker finder"
    if value is None:
        return "not computed"
    return value.reason or "undefined"


def _tied(rank: Rank | None) -> bool | None:
    """Whether no test puts another system above it; None where no test was possible."""
    return None if rank is None or rank.low is None else rank.low == 1


def _between(row: Row, other: Row, metric: str, tests: Sequence[Test]) -> MetricDifference | None:
    """The system minus the other one, if that was tested."""
    for a, b, d in tests:
        if d.metric == metric and (a, b) == (row.fingerprint, other.fingerprint):
            return d
        if d.metric == metric and (b, a) == (row.fingerprint, other.fingerprint):
            turned = {"difference": d.difference, "ci_low": d.ci_high, "ci_high": d.ci_low}
            minus: dict[str, Any] = {k: None if v is None else -v for k, v in turned.items()}
            return replace(d, a=d.b, b=d.a, **minus)
    return None


ENOUGH = 0.9
"""Share of its items that a system must have answered to be ranked: one lucky answer is not the best of all."""


MIN_COVERAGE = 0.2
"""Share of main stances that a system must convey for its harm to be ranked."""


def competing(rows: Sequence[Row], metric: str, excluded: Mapping[str, str]) -> list[Row]:
    """The systems that can be ranked on a metric: those with a value, no ceiling (an annotator, the extractive oracle) and
    not `excluded`. One alone is not the best."""
    return [r for r in rows if not r.use.ceiling and _value(r, metric) is not None and r.fingerprint not in excluded]


UNTESTED = "not ranked, no test"
"""How the reason begins of a value that rests on too little to be tested against any other."""


def unranked(runs: Runs, rows: Sequence[Row], metric: str, counts: Mapping[str, Counts | None]) -> dict[str, str]:
    """By fingerprint why a value is not ranked: too much behind it is missing, or it rests on too little to be tested."""
    reasons = {r.fingerprint: why for r in rows if (why := _unanswered(r, metric))}
    if metric.startswith("preservation."):
        rest = {r.fingerprint: c.array for r in competing(rows, metric, reasons) if (c := counts[r.fingerprint])}
        reasons |= {f: f"not ranked, {why}" for f, why in _sparse(rest, span(metric), len(runs.articles)).items()}
        if metric == HARM_RATE:
            reasons |= {r.fingerprint: why for r in rows if r.fingerprint not in reasons and (why := _silent(r))}
    return reasons


def _silent(row: Row) -> str | None:
    """Why harm is not ranked of a system that conveys few of the stances: who says nothing misstates nothing."""
    coverage = _value(row, COVERAGE)
    low = coverage is not None and coverage < MIN_COVERAGE
    return f"not ranked, coverage {coverage:.2f} is under {MIN_COVERAGE}" if low else None


def _sparse(counts: Mapping[str, NDArray[np.generic]], width: float, n_articles: int) -> dict[str, str]:
    """The systems whose rates rest on too little, with the reason; where there are too few articles at all, none is told
    apart from the others anyway, and all stay."""
    import numpy as np

    from harness.stats.bootstrap import MIN_CLUSTERS
    from harness.stats.paired_ratio import too_sparse

    if n_articles < MIN_CLUSTERS or not counts:
        return {}
    pooled = np.stack(list(counts.values())).sum(axis=0)
    reasons = {f: too_sparse(array[None], width, pooled) for f, array in counts.items()}
    return {f: why for f, why in reasons.items() if why is not None}


def _unanswered(row: Row, metric: str) -> str | None:
    """Why a value is not ranked if too much behind it is missing: of preservation, of what the judge was to read."""
    value = row.metrics.get(metric)
    if value is None or value.value is None:
        return None
    n, n_open, what = value.n_scored + value.n_unscored, value.n_unscored, "items scored"
    if metric.startswith("preservation."):
        n, n_open, what = n_pairs(row), len(unjudged(row)), "stances judged"
    return f"not ranked, {n - n_open} of {n} {what}" if n - n_open < ENOUGH * n else None


def _value(row: Row, metric: str) -> float | None:
    value = row.metrics.get(metric)
    return value.value if value else None


def seconds_per_article(row: Row, runs: Runs) -> float | None:
    """Those of the row's answers, loading apart; None where there are none."""
    n = len(runs.use.articles) if runs.use else 0
    return row.use.seconds / n if n and row.use.n_items else None
