"""Which systems may be the best by a report's primary metrics: the one procedure from which its signs, ranks, p-values and
sentences follow, so that they cannot contradict each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from harness.errors import ConfigError, nearest_hint
from harness.metrics.catalogue import direction, primary_of
from harness.report.collect import Row, Runs
from harness.report.compare import ALPHA, MetricDifference, at_level, difference, resampled_values
from harness.report.counts import Counts, shared_counts, unjudged

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.stats.ranking import PairTests, Rank

Counted = tuple[Counts | None, "NDArray[np.float64] | None"]
"""A system's counts by article and its statistic on resampled articles."""
Test = tuple[str, str, MetricDifference]
"""Fingerprints of two systems, and the first minus the second."""


@dataclass(frozen=True)
class Selection:
    """One primary metric: all pairs of the systems that compete (and the baseline), tested at once.

    `members` are the fingerprints in the order of `tests`; `values` what they reach; `competitors` those that are ranked.
    """

    metric: str
    members: tuple[str, ...]
    competitors: tuple[str, ...]
    values: tuple[float, ...]
    tests: PairTests

    @property
    def tested(self) -> bool:
        """Whether any pair could be tested."""
        return len(self.members) > 1 and self.tests.reason is None

    def p_value(self, a: str, b: str) -> float | None:
        """The pair's p-value, adjusted for all pairs of this metric; None without a test."""
        if not self.tested or a not in self.members or b not in self.members:
            return None
        return float(self.tests.p_values[self.members.index(a), self.members.index(b)])

    def corrected(self, d: MetricDifference, a: str, b: str, n_metrics: int) -> MetricDifference:
        """The pair's difference with its p-value, corrected for the `n_metrics` that are tested together (Bonferroni)."""
        p_value = self.p_value(a, b)
        level = self.tests.pair_level(ALPHA / max(1, n_metrics))
        if p_value is None or level is None:
            return replace(d, reason=d.reason or self.tests.reason)
        return at_level(replace(d, p_corrected=min(1.0, p_value * n_metrics)), level)

    def ranks(self, alpha: float) -> dict[str, Rank]:
        """The places that each competitor may truly have, by fingerprint; none for a system alone."""
        import numpy as np

        from harness.stats.ranking import ranks

        kept = [i for i, member in enumerate(self.members) if member in self.competitors]
        if len(kept) < 2:
            return {}
        square = np.ix_(kept, kept)
        tests = replace(self.tests, differences=self.tests.differences[square], p_values=self.tests.p_values[square])
        values = [self.values[i] for i in kept]
        places = ranks(values, tests, higher_is_better=direction(self.metric) > 0, alpha=alpha)
        return {self.members[i]: rank for i, rank in zip(kept, places, strict=True)}

    def best(self, ranks: Mapping[str, Rank]) -> str | None:
        """The competitor with the best value of those that may be the best; None where fewer than two compete."""
        if not ranks:
            return None
        sign = direction(self.metric)
        value = dict(zip(self.members, self.values, strict=True))
        return min(ranks, key=lambda f: (ranks[f].low or 1, -sign * value[f]))


def selection(
    runs: Runs,
    metric: str,
    competitors: Sequence[Row],
    baseline: Row | None,
    counted: Mapping[str, Counted],
    seed: int,
) -> Selection:
    """Tests of all pairs of the competing systems and the baseline, on the items that both of a pair answered."""
    import numpy as np

    from harness.stats.bootstrap import informative_clusters
    from harness.stats.ranking import pair_tests

    rows, counts, draws, values = [], [], [], []
    for row in [*competitors, *([baseline] if baseline is not None and baseline not in competitors else [])]:
        scores, resampled = counted[row.fingerprint]
        value = (
            float("nan") if scores is None else float(scores.statistic(scores.array.sum(axis=0).astype(float)[None])[0])
        )
        if scores is not None and resampled is not None and np.isfinite(value):
            rows.append(row)
            counts.append(scores)
            draws.append(resampled)
            values.append(value)
    n_clusters = min((informative_clusters(c.array) for c in counts), default=0)
    drawn = np.stack(draws, axis=1) if draws else None
    shared = _shared(runs, metric, rows, counts, seed)
    return Selection(
        metric,
        tuple(r.fingerprint for r in rows),
        tuple(r.fingerprint for r in rows if r in competitors),
        tuple(values),
        pair_tests(values, drawn, n_clusters, shared),
    )


def same_items(metric: str, rows: tuple[Row, Row], counts: tuple[Counts | None, Counts | None]) -> bool:
    """Whether two systems answered the same items; of preservation, whether the judge left the same ones open."""
    if metric.startswith("preservation."):
        return unjudged(rows[0]) == unjudged(rows[1])
    return counts[0] is None or counts[1] is None or counts[0].items == counts[1].items


def _shared(
    runs: Runs, metric: str, rows: Sequence[Row], counts: Sequence[Counts], seed: int
) -> dict[tuple[int, int], tuple[float, NDArray[np.float64]]]:
    """Difference and its resamples, on shared items, of the pairs of systems that did not answer the same ones."""
    pairs = {}
    for i, j in combinations(range(len(rows)), 2):
        if same_items(metric, (rows[i], rows[j]), (counts[i], counts[j])):
            continue
        both = shared_counts(runs, [rows[i], rows[j]], metric)
        a, b = resampled_values(both, seed=seed)
        if a is not None and b is not None:
            values = [float(c.statistic(c.array.sum(axis=0).astype(float)[None])[0]) for c in both if c is not None]
            pairs[i, j] = (values[0] - values[1], a - b)
    return pairs


def pair_difference(
    runs: Runs,
    metric: str,
    rows: tuple[Row, Row],
    counted: Mapping[str, Counted],
    seed: int,
    effect: float | None,
) -> MetricDifference:
    """The first minus the second on shared items, with its interval; its p-value comes from the `Selection`."""
    (a, drawn_a), (b, drawn_b) = (counted[row.fingerprint] for row in rows)
    resampled = (drawn_a, drawn_b)
    if not same_items(metric, rows, (a, b)):
        a, b = shared_counts(runs, list(rows), metric)
        resampled = (None, None)
    d = difference(metric, a, b, seed=seed, resampled=resampled, is_chosen=False, effect=effect)
    return replace(d, primary=True)


def effects_of(texts: Sequence[str]) -> dict[str, float]:
    """Sizes by metric from `macro_f1=0.05`: a headline metric's key or its name, and a positive number. ConfigError else."""
    primary = [key for board in ("summariser", "stance") for key in primary_of(board)]
    names = {name: key for key in primary for name in (key, key.split(".")[1])}
    sizes = {}
    for text in texts:
        name, _, size = text.partition("=")
        if name not in names:
            raise ConfigError(
                f"{name!r} is no headline metric", hint=nearest_hint(name, list(names)) + ", ".join(names)
            )
        try:
            sizes[names[name]] = float(size)
        except ValueError:
            sizes[names[name]] = -1.0
        if not 0 < sizes[names[name]] < math.inf:
            raise ConfigError(f"{text!r} names no size", hint=f"a number above 0 is needed, as in {name}=0.05")
    return sizes
