"""Which systems of many may be the best: one procedure behind ranks, signs and verdicts, so that they agree."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.stats.bootstrap import LEVEL, MAX_UNDEFINED, MIN_CLUSTERS, Array, too_few

_ROUNDING = 1e-12
_SEVERAL = 0.8
"""Share of the degrees of freedom that is left where many pairs are tested at once: without it, 5.5 of 100 reports of equal
systems had a false mark (`harness verify --full`, 10 and 40 systems on 60 articles), with it 5."""


@dataclass(frozen=True, slots=True)
class Rank:
    """Place 1 is best; [low, high] holds the true place of every system at once with the stated level.

    `low` 1 means that the system may be the best; above 1, that so many less one are better by test.
    """

    place: int
    low: int | None
    high: int | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PairTests:
    """Every pair of S systems compared at once; `reason` says why there are no tests.

    `differences` (S, S) are row minus column; `p_values` (S, S) adjusted two-sided ones, NaN where there are none; `largest`
    the sorted largest studentised deviations, from which `pair_level` follows.
    """

    differences: NDArray[np.float64]
    p_values: NDArray[np.float64]
    largest: Array
    reason: str | None = None

    def pair_level(self, alpha: float) -> float | None:
        """The level that one pair alone has to pass so that all pairs together keep `alpha`; None without tests."""
        from scipy.special import ndtr

        return None if self.reason or not self.largest.size else float(2 * ndtr(-np.quantile(self.largest, 1 - alpha)))


def pair_tests(
    values: ArrayLike,
    resampled: ArrayLike | None,
    n_clusters: int,
    shared: Mapping[tuple[int, int], tuple[float, ArrayLike]] | None = None,
) -> PairTests:
    """All pairs of systems, from `values` (S,) and `resampled` (resamples, S) whose resamples of articles are shared.

    The p-value of a pair is the share of resamples in which the largest studentised deviation over all pairs reaches the pair's
    own studentised difference (single-step max-T: Westfall & Young 1993, section 2.3; Romano & Wolf 2005). So the chance
    that any two equal systems are told apart is alpha however many there are, and also for the pair that is looked at
    because one of the two came out best. `shared` has the difference i minus j and its resamples for pairs (i < j) that
    did not answer the same items.
    """
    point = np.asarray(values, dtype=np.float64)
    if point.ndim != 1 or not np.isfinite(point).all():
        raise ValueError("rank systems that have a value: leave the others out and name them")
    n_systems = len(point)
    first, second = np.triu_indices(n_systems, k=1)
    replaced = shared or {}
    difference = np.array(
        [
            replaced[pair][0] if (pair := (i, j)) in replaced else point[i] - point[j]
            for i, j in zip(first.tolist(), second.tolist(), strict=True)
        ]
    )
    differences, p_values = np.zeros((n_systems, n_systems)), np.full((n_systems, n_systems), np.nan)
    differences[first, second], differences[second, first] = difference, -difference
    if n_systems < 2 or resampled is None or n_clusters < MIN_CLUSTERS:
        return PairTests(differences, p_values, np.empty(0), too_few(n_clusters) if n_systems > 1 else None)
    draws = np.asarray(resampled, dtype=np.float64)
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(draws).all(axis=1))
    for _, (_, other) in replaced.items():
        finite &= np.isfinite(np.asarray(other, dtype=np.float64))
    if (undefined := 1 - float(finite.mean())) > MAX_UNDEFINED:
        reason = f"no interval: some system is undefined in {undefined:.0%} of the resamples"
        return PairTests(differences, p_values, np.empty(0), reason)
    errors, largest = _studentised(draws[finite].T, differences, replaced, finite)
    errors = errors[first, second]
    largest.sort()
    # systems that differ by one amount in every resample are apart as far as can be
    observed = np.where(np.abs(difference) < _ROUNDING, 0.0, np.inf)
    np.divide(np.abs(difference), errors, out=observed, where=errors > 0)
    reached = len(largest) - np.searchsorted(
        largest, _as_normal(observed, n_clusters, len(largest), several=n_systems > 2)
    )
    p_values[first, second] = p_values[second, first] = (reached + 1) / (len(largest) + 1)
    return PairTests(differences, p_values, largest)


def ranks(
    values: ArrayLike, tests: PairTests, *, higher_is_better: bool = True, alpha: float = 1 - LEVEL
) -> list[Rank]:
    """Simultaneous rank intervals of S systems from their values (S,) and tests (Mogstad, Romano, Shaikh & Wilhelm 2024,
    Inference for Ranks, section 3): an interval leaves out a place for each system that is better, or worse, by test.

    The ranks of resamples themselves do not cover where systems tie. Equal values share the best place.
    """
    sign = 1 if higher_is_better else -1
    point = sign * np.asarray(values, dtype=np.float64)
    places = [int((point > p).sum()) + 1 for p in point]
    if len(point) < 2:
        return [Rank(place, 1, 1) for place in places]
    if tests.reason is not None:
        return [Rank(place, None, None, tests.reason) for place in places]
    apart = tests.p_values <= alpha
    better = (apart & (sign * tests.differences < 0)).sum(axis=1)
    worse = (apart & (sign * tests.differences > 0)).sum(axis=1)
    return [Rank(place, int(1 + b), int(len(point) - w)) for place, b, w in zip(places, better, worse, strict=True)]


def _studentised(
    draws: Array,
    differences: Array,
    shared: Mapping[tuple[int, int], tuple[float, ArrayLike]],
    finite: NDArray[np.bool_],
) -> tuple[Array, Array]:
    """Standard error of each pair's difference (S, S), the upper triangle alone, and each resample's largest studentised
    deviation from it; `draws` (S, resamples) are those that are `finite`."""
    draws = np.ascontiguousarray(draws)
    errors, largest = np.zeros_like(differences), np.zeros(draws.shape[1])
    for i in range(len(draws) - 1):
        # one system against all that follow
        deviations = draws[i] - draws[i + 1 :] - differences[i, i + 1 :, None]
        for j in range(i + 1, len(draws)):
            if (i, j) in shared:
                deviations[j - i - 1] = np.asarray(shared[i, j][1])[finite] - differences[i, j]
        spread = deviations.std(axis=1)
        # what differs by rounding alone never differs
        spread[spread < _ROUNDING] = 0.0
        errors[i, i + 1 :] = spread
        np.abs(deviations, out=deviations)
        np.divide(deviations, spread[:, None], out=deviations, where=spread[:, None] > 0)
        np.maximum(largest, deviations[spread > 0].max(axis=0, initial=0.0), out=largest)
    return errors, largest


def _as_normal(t: Array, n_clusters: int, resamples: int, *, several: bool) -> Array:
    """Student's t as a normal value of the same tail: standard errors of few articles are themselves uncertain, and low.

    So are those from few resamples: of B their relative variance is 1 / 2B, as that of a spread with B degrees of freedom. Where
    there are `several` pairs their standard errors err apart, which the resampled maximum does not show.
    """
    from scipy.special import ndtri, stdtr

    degrees = (_SEVERAL if several else 1.0) / (1 / (n_clusters - 1) + 1 / resamples)
    return np.asarray(-ndtri(stdtr(degrees, -t * math.sqrt((n_clusters - 1) / n_clusters))))
