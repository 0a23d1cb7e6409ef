"""Intervals of rates that still hold where the adverse case was seen seldom or never: a Bayesian bootstrap over articles with
one more observation at the end of the range.

Resampling what was seen cannot show what was not: without a miss, a percentile bootstrap has no width, and with two or
three its upper end lies too low. Here every article gets a standard exponential weight (Rubin 1981, The Bayesian
Bootstrap), and for each end of the interval one pseudo-observation at that end of the range is weighted along. For
independent yes-or-no items that is Clopper and Pearson's exact interval (1934); for bounded values in general the bound
of Gaffke 2005 (Three test statistics for a nonparametric one-sided hypothesis on the mean of a nonnegative variable;
Phan, Thomas & Learned-Miller 2021, Towards Practical Mean Bounds for Small Samples).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.stats.bootstrap import LEVEL, MIN_CLUSTERS, Array, Interval, expanded_tail, too_few

RESAMPLES = 4_000
INTRACLASS = 0.2
"""How alike the adverse cases of one article are taken to be where too few are seen to tell."""


@lru_cache(maxsize=4)
def exponential_weights(n: int, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.float64]:
    """Standard exponential weights of `n` articles or pseudo-observations, (resamples, n); the draws depend on these three."""
    weights = np.random.default_rng([seed, n, resamples, 4]).standard_exponential((resamples, n))
    weights.flags.writeable = False
    return weights


def weighted_sums(counts: ArrayLike, weights: ArrayLike) -> Array:
    """Sums over articles under each row of weights: counts (G, ...) and weights (resamples, G) to (resamples, ...)."""
    array = np.asarray(counts, dtype=np.float64)
    return np.asarray((np.asarray(weights) @ array.reshape(len(array), -1)).reshape(-1, *array.shape[1:]))


def design_effect(sizes: ArrayLike, intraclass: float = INTRACLASS) -> Array:
    """Items of articles that count as one, from items by article (G, ...): 1 + (size - 1) x intraclass correlation, at least 1.

    `size` is the mean size of the article of an item, sum of squares over sum (Kish 1965, Survey Sampling, section 5.4).
    """
    array = np.asarray(sizes, dtype=np.float64)
    total = array.sum(axis=0)
    size = np.divide((array**2).sum(axis=0), total, out=np.ones_like(total), where=total > 0)
    return np.asarray(1 + np.maximum(size - 1, 0) * intraclass)


def limits(low: Array, high: Array, n_clusters: int, level: float = LEVEL) -> tuple[Array, Array]:
    """Ends from values under the weights (resamples, ...): `low` with the pseudo-observation at the lower end of the range,
    `high` with that at the upper; the tails are expanded for few articles (`bootstrap.expanded_tail`)."""
    tail = expanded_tail(n_clusters, level)
    return np.quantile(low, tail, axis=0), np.quantile(high, 1 - tail, axis=0)


def rate_limits(
    hits: ArrayLike, sizes: ArrayLike, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Array, Array]:
    """Interval of a rate, hits over items, both by article (G, ...): ends of shape (...), in [0, 1].

    The pseudo-observation is as many items as count for one (`design_effect`), all of them hits for the upper end, none for
    the lower. Without a hit the lower end is 0 and the upper about 3.7 over the effective number of items, at 95 %.
    """
    hit, size = np.asarray(hits, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    weights = exponential_weights(len(hit) + 1, resamples, seed)
    seen, of = weighted_sums(hit, weights[:, :-1]), weighted_sums(size, weights[:, :-1])
    more = weights[:, -1].reshape(-1, *[1] * (hit.ndim - 1)) * design_effect(size)
    low, high = limits(seen / (of + more), (seen + more) / (of + more), _clusters(size), level)
    total = hit.sum(axis=0)
    return np.where(total > 0, low, 0.0), np.where(total < size.sum(axis=0), high, 1.0)


def _clusters(sizes: Array) -> int:
    """The least number of articles that have items, over the columns; 2 at least, for the tails."""
    return max(2, int((sizes > 0).sum(axis=0).min()))


def rate_interval(
    counts: ArrayLike, *, span: float = 1.0, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """A rate with its interval from (sum, number) by article, (G, 2), where an item adds 0 or `span` (100 for a rate per 100).

    For rates near an end of their range, such as harm: of a good summariser the percentile bootstrap's upper end lies below
    the truth in one data set of ten, and without a harm it has no width.
    """
    array = np.asarray(counts, dtype=np.float64)
    sizes = array[:, 1]
    n_clusters = int((sizes > 0).sum())
    if not n_clusters:
        return Interval(None, reason="no item to score")
    value = float(array[:, 0].sum() / sizes.sum())
    if n_clusters < MIN_CLUSTERS:
        return Interval(value, n_clusters=n_clusters, reason=too_few(n_clusters))
    hits = array[:, 0] / span
    low, high = rate_limits(hits, sizes, level=level, resamples=resamples, seed=seed)
    residuals = array[:, 0] - value * sizes
    se = float(np.sqrt(n_clusters / (n_clusters - 1) * (residuals**2).sum()) / sizes.sum())
    return Interval(value, span * float(low), span * float(high), se, n_clusters)
