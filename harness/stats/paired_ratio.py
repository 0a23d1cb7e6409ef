"""The paired test of two rates whose numbers of items differ, such as harm per conveyed stance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.stats.bootstrap import MIN_CLUSTERS, RESAMPLES, Array
from harness.stats.swaps import TIE, coins

FEWEST_EXPECTED = 5
"""Fewer items of the rarer kind (harmed, say, at the pooled rate) in the smaller system leave no test."""


def too_sparse(counts: ArrayLike, span: float = 1.0, pooled: ArrayLike | None = None) -> str | None:
    """Why rates of systems, from counts (systems, G, 2), cannot be compared; None where they can.

    Each system needs items in ten articles, and the smallest enough of them that the rarer kind is expected five times
    at the pooled rate, as in a chi-squared test (Cochran 1954). `span` is what one item adds at most; `pooled` counts
    (G, 2), where the common rate is that of more systems than these.
    """
    array = np.asarray(counts, dtype=np.float64)
    articles = int((array[..., 1] > 0).sum(axis=1).min())
    if articles < MIN_CLUSTERS:
        those = f"{articles} article{'s' * (articles != 1)}"
        return f"no test: a system has items in {those} only, at least {MIN_CLUSTERS} are needed"
    total, items = np.asarray(array.sum(axis=0) if pooled is None else pooled, dtype=np.float64).sum(axis=0)
    rate, fewest = total / items / span, array[..., 1].sum(axis=1).min()
    expected = fewest * min(rate, 1 - rate)
    if expected < FEWEST_EXPECTED:
        return (
            f"no test: at the common rate of {rate:.1%}, the rarer kind is expected {expected:.1f} times in a system's "
            f"{fewest:.0f} items, at least {FEWEST_EXPECTED} are needed"
        )
    return None


def ratio_randomisation_p(
    a: ArrayLike, b: ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES, span: float = 1.0
) -> float:
    """Two-sided p-value of the difference of two rates; `a`, `b` are (sum, number) by article, (G, 2). NaN: `too_sparse`."""
    counts = np.stack([np.asarray(a), np.asarray(b)])
    return float(ratio_randomisation_p_all(counts, [(0, 1)], seed, resamples, span)[0])


def ratio_randomisation_p_all(
    counts: ArrayLike, pairs: Sequence[tuple[int, int]], seed: int = 0, resamples: int = RESAMPLES, span: float = 1.0
) -> NDArray[np.float64]:
    """`ratio_randomisation_p` of many pairs of systems, shape (pairs,), from counts (systems, G, 2).

    Whole articles are swapped by a coin, as in `randomisation_p`, but the statistic is the difference divided by its
    standard error over articles. Two systems with one rate that convey one and four stances an article are not
    exchangeable, and a test of the bare difference marks them too often; the studentised one keeps its level with many
    articles (Janssen 1997; Chung & Romano 2013, Exact and asymptotically robust permutation tests). The residuals are
    from the pooled rate, which swaps leave as it is: from its own rate, a system that conveys little and harms nothing
    has none.
    """
    array = np.asarray(counts, dtype=np.float64)
    n = array.shape[1]
    sums, sizes = array[..., 0], array[..., 1]
    # a swap exchanges the columns of an article, so that every sum of products is linear in the coins
    products = np.stack([sums, sizes, sums * sums, sums * sizes, sizes * sizes], axis=1)
    first, second = np.array([i for i, _ in pairs]), np.array([j for _, j in pairs])
    mixed = np.stack([sums[first] * sizes[second], sums[second] * sizes[first]], axis=1)
    both = np.stack([(sums[first] * sums[second]).sum(axis=1), (sizes[first] * sizes[second]).sum(axis=1)], axis=1)
    total, total_mixed = products.sum(axis=2), mixed.sum(axis=2)
    observed = np.abs(_studentised(total[first].T, total[second].T, total_mixed.T, both.T, n))
    reached = np.zeros(len(pairs))
    for heads in coins(n, resamples, seed, products.shape[0] * products.shape[1] + 2 * len(pairs)):
        flips = heads.astype(np.float64)
        kept, kept_mixed = products @ flips, mixed @ flips
        swapped_out = total[:, :, None] - kept
        for k, (i, j) in enumerate(pairs):
            swapped = kept_mixed[k] + (total_mixed[k, :, None] - kept_mixed[k])[::-1]
            t = _studentised(kept[i] + swapped_out[j], kept[j] + swapped_out[i], swapped, both[k, :, None], n)
            # an undefined swapped difference counts as reached, which can only raise p
            reached[k] += np.count_nonzero(~(np.abs(t) < observed[k] - TIE))
    p_values = (reached + 1) / (resamples + 1)
    untested = [too_sparse(array[[i, j]], span) is not None for i, j in pairs]
    return np.where(np.isnan(observed) | untested, np.nan, p_values)


def _studentised(a: Array, b: Array, mixed: Array, both: Array, n: int) -> Array:
    """Difference of rates over its standard error, which linearises them: residuals sum - pooled rate x number by
    article.

    `a`, `b` (5, ...): totals of sum, number, sum², sum x number, number²; `mixed` (2, ...): of a's sum x b's number and the
    reverse; `both` (2, ...): of the product of sums and of numbers. NaN where a number is 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        rate_a, rate_b = a[0] / a[1], b[0] / b[1]
        rate = (a[0] + b[0]) / (a[1] + b[1])
        alone_a = (a[2] - 2 * rate * a[3] + rate**2 * a[4]) / a[1] ** 2
        alone_b = (b[2] - 2 * rate * b[3] + rate**2 * b[4]) / b[1] ** 2
        shared = (both[0] - rate * (mixed[0] + mixed[1]) + rate**2 * both[1]) / (a[1] * b[1])
        variance = np.maximum(alone_a + alone_b - 2 * shared, 0.0) * n / max(1, n - 1)
        difference = rate_a - rate_b
        # equal rates without any spread are no difference, unequal ones as great a difference as there can be
        return np.asarray(np.where(np.abs(difference) < TIE, difference * 0.0, difference / np.sqrt(variance)))
