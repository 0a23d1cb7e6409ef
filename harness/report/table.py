"""Leaderboards as plain data: each cell keeps value, interval, how it shows, and which kind of empty it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigError, nearest_hint
from harness.metrics.catalogue import columns_of, direction, primary_of, span
from harness.report.collect import Row, Runs, uncollected
from harness.report.compare import MetricDifference, corrected, difference, resampled_values
from harness.report.counts import Counts, n_pairs, own_counts, shared_counts, unjudged
from harness.results.records import Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.stats.ranking import Rank

Test = tuple[str, str, MetricDifference]
"""Fingerprints of two systems, and the first minus the second."""
USUAL = {"summariser": ("lead3", "lexrank"), "stance": ("majority", "name_only", "sentiment")}
"""The baseline if none is chosen: the first of these that was run."""


@dataclass(frozen=True)
class Cell:
    """One number of a leaderboard. `tied` marks what no test tells from the best; `rank` has the places that the system may
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


def leaderboards(runs: Runs, *, baseline: str | None = None, seed: int = 0) -> list[Leaderboard]:
    """Summarisers, then stance classifiers. The Holm family is the report's: each system against the baseline and against
    the best, on the primary metrics of both kinds."""
    rows = {kind: runs.rows(kind) for kind in USUAL}
    names = sorted({name for kind in USUAL for r in rows[kind] for name in (r.name, labels(rows[kind])[r.fingerprint])})
    if baseline is not None and baseline not in names:
        raise ConfigError(
            f"no run has a system called {baseline!r}", hint=nearest_hint(baseline, names) + ", ".join(names)
        )
    with uncollected():
        tested_kinds = [_tested(runs, kind, baseline, seed) for kind in ("summariser", "stance")]
    adjusted = iter(corrected([d for tested in tested_kinds for _, _, d in tested.tests]))
    boards = []
    for kind, tested in zip(("summariser", "stance"), tested_kinds, strict=True):
        tests = [(a, b, next(adjusted)) for a, b, _ in tested.tests]
        lines = [Line(row, _cells(row, kind, tests, tested), _pace(row, runs)) for row in tested.rows]
        lines.sort(key=lambda line: _order(line.row, primary_of(kind)[0]))
        against = tested.baseline.fingerprint if tested.baseline else None
        columns = columns_of(kind)
        boards.append(
            Leaderboard(kind, columns, tuple(lines), against, tested.best, tuple(tests), tested.chosen, tested.unranked)
        )
    return boards


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
class _Tested:
    """Rows of a kind, the baseline's, the tests of primary metrics (not corrected yet), best system and ranks by metric, and
    why systems are not ranked."""

    rows: list[Row]
    baseline: Row | None
    chosen: bool
    tests: list[Test]
    best: dict[str, str]
    ranks: dict[str, dict[str, Rank]]
    unranked: dict[str, dict[str, str]]


def _tested(runs: Runs, kind: str, baseline: str | None, seed: int) -> _Tested:
    rows = runs.rows(kind)
    names = labels(rows)
    # a baseline of one kind leaves the other kind its usual one
    chosen = baseline is not None and any(baseline in (names[r.fingerprint], r.name) for r in rows)
    scored = [r for r in rows if any(_value(r, metric) is not None for metric in primary_of(kind))]
    baseline_row = _baseline(rows, names, (baseline,)) if chosen and baseline else _baseline(scored, names, USUAL[kind])
    tests: list[Test] = []
    best: dict[str, str] = {}
    ranks: dict[str, dict[str, Rank]] = {}
    unranked_by_metric: dict[str, dict[str, str]] = {}
    for metric in primary_of(kind):
        metric_counts = own_counts(runs, rows, metric)
        drawn = resampled_values(metric_counts, seed=seed)
        counts = {r.fingerprint: (c, d) for r, c, d in zip(rows, metric_counts, drawn, strict=True)}
        unranked_by_metric[metric] = unranked(runs, rows, metric, {f: c for f, (c, _) in counts.items()})
        competitors = competing(rows, metric, unranked_by_metric[metric])
        best_row = _best(competitors, metric)
        if best_row is None:
            continue
        if len(competitors) > 1:
            best[metric] = best_row.fingerprint
        for other in [best_row] + ([baseline_row] if baseline_row and baseline_row is not best_row else []):
            if _value(other, metric) is None:
                # it answered, but about speakers that it found
                continue
            tests.extend(_tests(runs, competitors, counts, metric, other, tests, seed))
        ranks[metric] = _ranks(competitors, metric, counts)
    return _Tested(rows, baseline_row, chosen, tests, best, ranks, unranked_by_metric)


def _ranks(
    rows: Sequence[Row], metric: str, counts: Mapping[str, tuple[Counts | None, NDArray[np.float64] | None]]
) -> dict[str, Rank]:
    """The places that each of the competing rows may truly have, all at once with 95 %; none for a system alone."""
    import numpy as np

    from harness.stats.bootstrap import informative_clusters
    from harness.stats.ranking import rank_intervals

    systems = [(r.fingerprint, *counts[r.fingerprint]) for r in rows]
    counted = [(f, c, d) for f, c, d in systems if c is not None and d is not None]
    values = [float(c.statistic(c.array.sum(axis=0).astype(float)[None])[0]) for _, c, _ in counted]
    if len(counted) < 2 or not np.isfinite(values).all():
        return {}
    n = min(informative_clusters(c.array) for _, c, _ in counted)
    drawn = np.stack([d for _, _, d in counted], axis=1)
    intervals = rank_intervals(values, drawn, n, higher_is_better=direction(metric) > 0)
    return {f: rank for (f, _, _), rank in zip(counted, intervals, strict=True)}


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
    return {r.fingerprint: plain[r.fingerprint] + (" (ceiling)" if r.use.ceiling else "") for r in rows}


def _tests(
    runs: Runs,
    rows: Sequence[Row],
    counts: Mapping[str, tuple[Counts | None, NDArray[np.float64] | None]],
    metric: str,
    other: Row,
    earlier: Sequence[Test],
    seed: int,
) -> list[Test]:
    """Each competing row against one, on the items that these two answered, not twice where that one is compared already."""
    compared = {(a, b, d.metric) for a, b, d in earlier}
    tests = []
    for row in rows:
        pair = (row.fingerprint, other.fingerprint)
        if row is other or (*pair, metric) in compared or (*reversed(pair), metric) in compared:
            continue
        (a, drawn_a), (b, drawn_b) = counts[row.fingerprint], counts[other.fingerprint]
        resampled = (drawn_a, drawn_b)
        if metric.startswith("preservation."):
            apart = unjudged(row) != unjudged(other)
        else:
            apart = a is not None and b is not None and a.items != b.items
        if apart:
            a, b = shared_counts(runs, [row, other], metric)
            resampled = (None, None)
        d = difference(metric, a, b, seed=seed, resampled=resampled)
        tests.append((*pair, replace(d, primary=True)))
    return tests


def _cells(row: Row, kind: str, tests: Sequence[Test], tested: _Tested) -> tuple[Cell, ...]:
    cells = []
    for metric, _ in columns_of(kind):
        value = row.metrics.get(metric)
        if value is None or value.value is None:
            cells.append(
                Cell(metric, None, n_unscored=value.n_unscored if value else 0, empty=why_empty(row, metric, value))
            )
            continue
        cells.append(
            Cell(
                metric=metric,
                value=value.value,
                ci_low=value.ci_low,
                ci_high=value.ci_high,
                n_scored=value.n_scored,
                n_unscored=value.n_unscored,
                tied=_tied(row, metric, tests, tested.best),
                against_baseline=_between(row, tested.baseline, metric, tests) if tested.baseline else None,
                note=tested.unranked.get(metric, {}).get(row.fingerprint) or value.reason,
                rank=tested.ranks.get(metric, {}).get(row.fingerprint),
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


def _tied(row: Row, metric: str, tests: Sequence[Test], best: dict[str, str]) -> bool | None:
    """Whether no test tells the system from the best; None for metrics that are not tested, or where no test was possible."""
    if metric not in best:
        return None
    if row.fingerprint == best[metric]:
        return True
    for a, b, d in tests:
        if d.metric == metric and {a, b} == {row.fingerprint, best[metric]}:
            return None if d.p_corrected is None else not d.real
    return None


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


def _best(rows: Sequence[Row], metric: str) -> Row | None:
    """The best of the competing rows."""
    scored = [(direction(metric) * v, r) for r in rows if (v := _value(r, metric)) is not None]
    return max(scored, key=lambda pair: (pair[0], pair[1].name), default=(0.0, None))[1]


ENOUGH = 0.9
"""Share of its items that a system must have answered to be ranked: one lucky answer is not the best of all."""


def competing(rows: Sequence[Row], metric: str, excluded: Mapping[str, str]) -> list[Row]:
    """The systems that can be ranked on a metric: those with a value, no ceiling (an annotator, the extractive oracle) and
    not `excluded`. One alone is not the best."""
    return [r for r in rows if not r.use.ceiling and _value(r, metric) is not None and r.fingerprint not in excluded]


def unranked(runs: Runs, rows: Sequence[Row], metric: str, counts: Mapping[str, Counts | None]) -> dict[str, str]:
    """By fingerprint why a value is not ranked: too much behind it is missing, or it rests on too little to be tested."""
    reasons = {r.fingerprint: why for r in rows if (why := _unanswered(r, metric))}
    if metric.startswith("preservation."):
        rest = {r.fingerprint: c.array for r in competing(rows, metric, reasons) if (c := counts[r.fingerprint])}
        reasons |= {f: f"not ranked, {why}" for f, why in _sparse(rest, span(metric), len(runs.articles)).items()}
    return reasons


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


def _pace(row: Row, runs: Runs) -> float | None:
    n = len(runs.use.articles) if runs.use else 0
    return row.use.seconds / n if n and row.use.n_items else None
