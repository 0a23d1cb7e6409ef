"""Confidence intervals that resample whole articles, because items of one article are not independent."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.stats.moments import Moments
from harness.types import MetricValue

Array = NDArray[np.floating]
Statistic = Callable[[Array], Array]
"""Maps sums over articles, shape (..., *counts), to values of shape (...); NaN where the value is undefined."""

MIN_CLUSTERS = 10
"""Below this many articles there is no interval: their spread cannot be estimated from so few."""
RESAMPLES = 10_000
MOST_RESAMPLED = 20_000
"""Of more articles none are resampled: the spread of their sums is known from two moments (`harness.stats.moments`)."""
ANALYTIC = "analytic interval: from the variance of sums by article (delta method), none resampled"
LEVEL = 0.95
MAX_UNDEFINED = 0.05
"""A larger share of resamples in which the statistic is undefined leaves no interval."""

NO_WIDTH = "no interval: every resample gives the same value, so it would have no width"

_BLOCK = 2_000_000
_REMEMBERED = 20_000_000
_EXACT_FLOAT32 = 1 << 24


@dataclass(frozen=True, slots=True)
class Interval:
    """A statistic with its interval; `low` and `high` are None where there is none, and `reason` says why.

    `se` is the bootstrap standard error, widened by sqrt(G / (G - 1)) for G articles; None with the interval.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    se: float | None = None
    n_clusters: int = 0
    reason: str | None = None

    def metric(self, n_scored: int, n_unscored: int, notes: Sequence[str] = ()) -> MetricValue:
        """As an aggregate; `notes` say what a reader must know beside it."""
        reason = "; ".join(filter(None, (*notes, self.reason))) or None
        return MetricValue(self.value, self.low, self.high, n_scored, n_unscored, reason)


def by_cluster(values: ArrayLike, clusters: Sequence[Hashable]) -> tuple[Array, list[Hashable]]:
    """Sums of `values` (items, ...) within each cluster, shape (clusters, ...), and the clusters in sorted order."""
    array = np.asarray(values)
    names = sorted(set(clusters), key=lambda name: (str(type(name)), name))
    index = {name: i for i, name in enumerate(names)}
    sums = np.zeros((len(names), *array.shape[1:]), dtype=array.dtype if array.dtype != bool else np.int64)
    np.add.at(sums, [index[c] for c in clusters], array)
    return sums, names


def resampled_sums(counts: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> Array:
    """Sums over articles drawn with replacement: counts (G, ...) to (resamples, ...).

    Each row weighs the G articles by a multinomial draw, and one matrix product sums all columns, so systems that are
    stacked in the columns share their resamples and stay paired. Whole numbers stay exact (float32 where it suffices).
    The draws depend on `seed`, G and `resamples` only. Above `MOST_RESAMPLED` articles the sums are drawn from the normal
    distribution that theirs tends to.
    """
    array = np.asarray(counts)
    n, shape = array.shape[0], array.shape[1:]
    if n == 0:
        raise ValueError("there are no articles to resample")
    if n > MOST_RESAMPLED:
        return Moments.of(array).draws(resamples, seed)
    flat = array.reshape(n, -1)
    flat = flat.astype(sum_dtype(flat), copy=False)
    # Resamples lie innermost in memory: statistics then reduce over small axes with long vectorised loops.
    out = np.empty((flat.shape[1], resamples), dtype=flat.dtype)
    start = 0
    for weights in _weights(n, resamples, seed):
        out[:, start : start + len(weights)] = flat.T @ weights.astype(flat.dtype).T
        start += len(weights)
    return np.moveaxis(out.reshape(*shape, resamples), -1, 0)


def _weights(n: int, resamples: int, seed: int) -> Iterator[NDArray[np.uint16]]:
    """How often each of `n` articles is drawn, in blocks of rows (.., n)."""
    if n * resamples <= _REMEMBERED:
        yield _drawn(n, resamples, seed)
    else:
        yield from _draw(n, resamples, seed)


@lru_cache(maxsize=4)
def _drawn(n: int, resamples: int, seed: int) -> NDArray[np.uint16]:
    """All the weights at once: a report asks for the same ones for every metric."""
    return np.concatenate(list(_draw(n, resamples, seed)))


def _draw(n: int, resamples: int, seed: int) -> Iterator[NDArray[np.uint16]]:
    rng = np.random.default_rng([seed, n, resamples])
    rows = max(1, _BLOCK // n)
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        draws = rng.integers(0, n, size=(size, n), dtype=np.int64)
        draws += (np.arange(size, dtype=np.int64) * n)[:, None]
        yield np.bincount(draws.ravel(), minlength=size * n).reshape(size, n).astype(np.uint16)


def sum_dtype(flat: NDArray[np.generic]) -> type[np.float32 | np.float64]:
    """float32 where every sum over resampled articles is a whole number that it holds exactly, else float64."""
    if not np.issubdtype(flat.dtype, np.integer) or flat.size == 0:
        return np.float64
    return np.float32 if int(np.abs(flat).max()) * flat.shape[0] < _EXACT_FLOAT32 else np.float64


def expanded_tail(n_clusters: int, level: float = LEVEL) -> float:
    """The tail of the expanded percentile interval, below (1 - level) / 2, in (0, 0.5).

    Phi(-sqrt(n / (n - 1)) t[n - 1]) makes up for the bootstrap's variance being too small by (n - 1) / n and for the
    normal tails of percentiles (Hesterberg 2015, What Teachers Should Know About the Bootstrap, section 5.3); n counts
    articles here.
    """
    from scipy.special import ndtr, stdtrit

    quantile = stdtrit(n_clusters - 1, 0.5 + level / 2)
    return float(ndtr(-math.sqrt(n_clusters / (n_clusters - 1)) * quantile))


def expanded_percentile(resampled: Array, n_clusters: int, level: float = LEVEL) -> tuple[Array, Array]:
    """Expanded percentile limits over axis 0 of `resampled` (resamples, ...); NaNs are left out."""
    tail = expanded_tail(n_clusters, level)
    values = np.asarray(resampled, dtype=np.float64)
    quantiles = np.nanquantile if np.isnan(values).any() else np.quantile
    low, high = quantiles(values, [tail, 1 - tail], axis=0)
    return np.asarray(low), np.asarray(high)


def clustered_interval_counts(
    counts: ArrayLike,
    statistic: Statistic,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    n_clusters: int | None = None,
) -> Interval:
    """Interval of a statistic of sums over articles; counts has shape (G, ...).

    `n_clusters` counts the articles that inform the statistic (by default those whose counts are not all zero). Above
    `MOST_RESAMPLED` articles it is `analytic_interval`.
    """
    array = np.asarray(counts)
    if len(array) > MOST_RESAMPLED:
        return analytic_interval(Moments.of(array), statistic, level=level)
    if n_clusters is None:
        n_clusters = informative_clusters(array)
    if n_clusters == 0:
        return Interval(None, reason="no item to score")
    total = array.sum(axis=0).astype(np.float64)
    value = float(statistic(total[None])[0])
    if math.isnan(value):
        return Interval(None, n_clusters=n_clusters, reason="undefined on these items")
    if n_clusters < MIN_CLUSTERS:
        return Interval(value, n_clusters=n_clusters, reason=too_few(n_clusters))
    sums = resampled_sums(array, resamples=resamples, seed=seed)
    return interval_of(value, np.asarray(statistic(sums), dtype=np.float64), n_clusters, level)


def analytic_interval(moments: Moments, statistic: Statistic, *, level: float = LEVEL) -> Interval:
    """Interval of a statistic of sums over very many articles: value ± t[n - 1] times its standard error (`Moments`).

    Its `reason` says that it is analytic. None where fewer than ten articles inform it, or where it has no width.
    """
    from scipy.special import stdtrit

    n = moments.n_informative
    if n == 0:
        return Interval(None, reason="no item to score")
    value = float(statistic(moments.total[None])[0])
    if math.isnan(value):
        return Interval(None, n_clusters=n, reason="undefined on these items")
    if n < MIN_CLUSTERS:
        return Interval(value, n_clusters=n, reason=too_few(n))
    se = moments.standard_error(statistic)
    if math.isnan(se):
        return Interval(value, n_clusters=n, reason="no interval: undefined near these sums")
    if se <= 1e-12 * max(1.0, abs(value)):
        return Interval(value, n_clusters=n, reason=NO_WIDTH)
    margin = float(stdtrit(n - 1, 0.5 + level / 2)) * se
    return Interval(value, value - margin, value + margin, se, n, ANALYTIC)


def clustered_interval_mean(
    values: ArrayLike, clusters: Sequence[Hashable], *, seed: int = 0, resamples: int = RESAMPLES, level: float = LEVEL
) -> Interval:
    """Interval of the mean of item values (n,) whose articles are named by `clusters` (n,)."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(clusters),):
        raise ValueError(f"{array.shape} values for {len(clusters)} cluster names")
    if not np.isfinite(array).all():
        raise ValueError("values must be finite: leave unscored items out and count them")
    if array.size == 0:
        return Interval(None, reason="no item to score")
    sums, _ = by_cluster(np.stack([array, np.ones_like(array)], axis=1), clusters)
    return clustered_interval_counts(sums, ratio, seed=seed, resamples=resamples, level=level)


def ratio(sums: Array) -> Array:
    """First over second column of (..., 2), NaN where the second is 0: a mean from sums of values and of items."""
    values, items = sums[..., 0], sums[..., 1]
    return np.divide(values, items, out=np.full(values.shape, np.nan, dtype=np.float64), where=items != 0)


def interval_of(value: float, resampled: Array, n_clusters: int, level: float = LEVEL) -> Interval:
    """Interval from resampled values (resamples,); says why where they carry none."""
    defined = resampled[np.isfinite(resampled)]
    undefined = 1 - defined.size / resampled.size
    if undefined > MAX_UNDEFINED:
        reason = f"no interval: undefined in {undefined:.0%} of the resamples"
        return Interval(value, n_clusters=n_clusters, reason=reason)
    if np.ptp(defined) <= 1e-12 * max(1.0, abs(value)):
        return Interval(value, n_clusters=n_clusters, reason=NO_WIDTH)
    low, high = expanded_percentile(defined, n_clusters, level)
    se = float(defined.std()) * math.sqrt(n_clusters / (n_clusters - 1))
    return Interval(value, float(low), float(high), se, n_clusters)


def informative_clusters(counts: NDArray[np.generic]) -> int:
    """How many articles have any count at all."""
    return int(np.any(counts.reshape(counts.shape[0], -1) != 0, axis=1).sum()) if counts.size else 0


def too_few(n_clusters: int) -> str:
    """Why there is no interval."""
    return f"no interval: {n_clusters} article{'s' * (n_clusters != 1)}, at least {MIN_CLUSTERS} are needed"
