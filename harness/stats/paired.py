"""Paired comparisons of two systems on the same items, with whole articles as the unit that is swapped or resampled."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.stats.bootstrap import (
    LEVEL,
    MIN_CLUSTERS,
    MOST_RESAMPLED,
    RESAMPLES,
    Array,
    Interval,
    Statistic,
    analytic_interval,
    informative_clusters,
    interval_of,
    ratio,
    resampled_sums,
    sum_dtype,
    too_few,
)
from harness.stats.moments import Moments
from harness.stats.paired_ratio import ratio_randomisation_p, too_sparse
from harness.stats.swaps import TIE, coins


@dataclass(frozen=True, slots=True)
class Difference(Interval):
    """System A minus system B on shared items.

    `p_value` is two-sided, by approximate randomisation over articles; `se` the bootstrap standard error. What cannot
    be had is None and `reason` says why.
    """

    p_value: float | None = None


@dataclass(frozen=True, slots=True)
class McNemar:
    """Items that only A (`only_a`) or only B (`only_b`) has right, and the two-sided mid-p value."""

    only_a: int
    only_b: int
    p_value: float


def randomisation_p(
    a: ArrayLike, b: ArrayLike, statistic: Statistic, *, seed: int = 0, resamples: int = RESAMPLES
) -> float:
    """Two-sided p-value of statistic(A) - statistic(B); `a`, `b` are counts by article, shape (G, ...). NaN: undefined.

    Under the null hypothesis the systems' answers to an article are exchangeable: each resample swaps whole articles by
    a coin and p = (1 + how many reach the observed |difference|) / (1 + resamples) (Noreen 1989; Yeh 2000, More
    accurate tests for the statistical significance of result differences; Phipson & Smyth 2010 for the +1).
    """
    return float(randomisation_p_all(np.stack([np.asarray(a), np.asarray(b)]), [(0, 1)], statistic, seed, resamples)[0])


def randomisation_p_all(
    counts: ArrayLike, pairs: Sequence[tuple[int, int]], statistic: Statistic, seed: int = 0, resamples: int = RESAMPLES
) -> NDArray[np.float64]:
    """`randomisation_p` of many pairs of systems, shape (pairs,), from counts (systems, G, ...) on the same items.

    The coins are shared: with S their matrix (resamples, G), a swapped sum is S A + (total B - S B), so one matrix
    product a system serves all its pairs.
    """
    array = np.asarray(counts)
    n_systems, n, shape = array.shape[0], array.shape[1], array.shape[2:]
    flat = np.moveaxis(array.reshape(n_systems, n, -1), 0, 1).reshape(n, -1)
    flat = flat.astype(sum_dtype(flat), copy=False)
    total = flat.sum(axis=0).reshape(n_systems, -1)
    width = total.shape[1]
    values = np.asarray(statistic(total.reshape(n_systems, *shape).astype(np.float64)), dtype=np.float64)
    observed = np.array([abs(values[i] - values[j]) for i, j in pairs])
    reached = np.zeros(len(pairs))
    for kept_sums in _kept_sums(flat, resamples, seed):
        kept = kept_sums.reshape(n_systems, width, -1)
        swapped_out = total[:, :, None] - kept
        for k, (i, j) in enumerate(pairs):
            swapped_a = _values(kept[i] + swapped_out[j], shape, statistic)
            swapped_b = _values(kept[j] + swapped_out[i], shape, statistic)
            slack = TIE if flat.dtype == np.float64 else 1e-6
            # An undefined swapped difference counts as reached, which can only raise p.
            reached[k] += np.count_nonzero(~(np.abs(swapped_a - swapped_b) < observed[k] - slack))
    p_values = (reached + 1) / (resamples + 1)
    return np.where(np.isnan(observed), np.nan, p_values)


def _kept_sums(flat: NDArray[np.generic], resamples: int, seed: int) -> Iterator[Array]:
    """Sums over the articles that a coin keeps, (columns, block): columns first, resamples innermost, so that statistics reduce
    over small axes with long vectorised loops.

    Of very many articles they are drawn from the normal distribution that theirs tends to: the sum of x over coins has mean
    sum(x) / 2 and covariance sum(x x') / 4.
    """
    if len(flat) <= MOST_RESAMPLED:
        for heads in coins(len(flat), resamples, seed, flat.shape[1]):
            yield np.asarray(flat.T @ heads.astype(flat.dtype))
        return
    moments = Moments.of(flat)
    centred = replace(moments, total=np.zeros_like(moments.total))
    yield np.asarray((moments.total + centred.draws(resamples, seed)).T / 2)


def _values(sums: Array, shape: tuple[int, ...], statistic: Statistic) -> Array:
    return np.asarray(statistic(np.moveaxis(sums.reshape(*shape, -1), -1, 0)))


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    statistic: Statistic,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    resampled: Array | None = None,
    span: float = 1.0,
) -> Difference:
    """`paired_interval` with the p-value of two systems that were chosen beforehand: articles are swapped.

    Of rates over different numbers of items the test is the studentised one.
    """
    d = paired_interval(a, b, statistic, seed=seed, resamples=resamples, level=level, resampled=resampled, span=span)
    first, second = np.asarray(a), np.asarray(b)
    if d.value is None or _sparse(first, second, statistic, span):
        return d
    if _other_items(first, second, statistic):
        return replace(d, p_value=ratio_randomisation_p(first, second, seed=seed, resamples=resamples, span=span))
    return replace(d, p_value=randomisation_p(first, second, statistic, seed=seed, resamples=resamples))


def paired_interval(
    a: ArrayLike,
    b: ArrayLike,
    statistic: Statistic,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    resampled: Array | None = None,
    span: float = 1.0,
) -> Difference:
    """Difference of a statistic of counts by article, (G, ...) for each system on the same items, with its interval.

    The interval resamples articles with both systems' answers (expanded percentile). There is none where a rate rests on
    too little (`paired_ratio.too_sparse`); `span` is what one item adds to a rate's sum at most.
    `resampled` (resamples, 2) is the statistic of both on resampled articles, where a caller with many systems has it.
    """
    first, second = np.asarray(a), np.asarray(b)
    if first.shape != second.shape:
        raise ValueError(f"counts of {first.shape} and {second.shape}: compare systems on the same articles")
    both = np.stack([first, second], axis=1)
    if not both.any():
        return Difference(None, reason="no item is answered by both systems")
    clusters = min(informative_clusters(first), informative_clusters(second))
    values = np.asarray(statistic(both.sum(axis=0).astype(np.float64)), dtype=np.float64)
    difference = float(values[0] - values[1])
    if math.isnan(difference):
        return Difference(None, n_clusters=clusters, reason="undefined on these items")
    if sparse := _sparse(first, second, statistic, span):
        return Difference(difference, n_clusters=clusters, reason=sparse)
    if clusters < MIN_CLUSTERS:
        return Difference(difference, n_clusters=clusters, reason=too_few(clusters))
    if len(both) > MOST_RESAMPLED:
        interval = analytic_interval(Moments.of(both), lambda sums: _apart(np.asarray(statistic(sums))), level=level)
        return Difference(**asdict(interval))
    if resampled is None:
        resampled = np.asarray(statistic(resampled_sums(both, resamples=resamples, seed=seed)), dtype=np.float64)
    interval = interval_of(difference, _apart(resampled), clusters, level)
    return Difference(**asdict(interval))


def _apart(values: Array) -> Array:
    """First minus second of (..., 2)."""
    return np.asarray(values[..., 0] - values[..., 1])


def _other_items(a: NDArray[np.generic], b: NDArray[np.generic], statistic: Statistic) -> bool:
    """Whether the two are rates over different numbers of items."""
    return statistic is ratio and not np.array_equal(a[:, 1], b[:, 1])


def _sparse(a: NDArray[np.generic], b: NDArray[np.generic], statistic: Statistic, span: float) -> str | None:
    """Why two rates over different numbers of items rest on too little to be compared."""
    return too_sparse(np.stack([a, b]), span) if _other_items(a, b, statistic) else None


def mcnemar(correct_a: ArrayLike, correct_b: ArrayLike) -> McNemar:
    """McNemar's test of accuracy on items (n,), two-sided mid-p (Fagerland, Lydersen & Laake 2013, equation 4).

    It takes items as independent, so with several items an article it claims too much: the test by article leads.
    Without any discordant item p is 1.
    """
    from scipy.stats import binom

    a, b = np.asarray(correct_a, dtype=bool), np.asarray(correct_b, dtype=bool)
    if a.shape != b.shape:
        raise ValueError(f"{a.shape} and {b.shape} items: compare systems on the same items")
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    n, fewer = only_a + only_b, min(only_a, only_b)
    at = float(binom.pmf(fewer, n, 0.5))
    if n == 0:
        return McNemar(0, 0, 1.0)
    if only_a == only_b:
        return McNemar(only_a, only_b, 1 - at / 2)
    return McNemar(only_a, only_b, 2 * float(binom.cdf(fewer, n, 0.5)) - at)
