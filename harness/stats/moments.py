"""Sums over very many articles by their first two moments: their spread under resampling, without a single resample.

The sum over G articles that are drawn with replacement has mean T, the plain sum, and covariance sum(x x') - T T' / G, and for
very many articles it is normal (the central limit theorem).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

_ROWS = 50_000
_STEP = 0.1
"""A statistic's slope is measured over so many standard deviations to each side."""


@dataclass(frozen=True, slots=True)
class Moments:
    """`total` (...) is the sum over `n` articles of counts of that shape, `products` (d, d) that of the flattened counts' outer
    products, `n_informative` how many articles have any count. Moments of several blocks of articles add up.
    """

    total: Array
    products: Array
    n: int
    n_informative: int

    @classmethod
    def of(cls, counts: ArrayLike) -> Moments:
        """Of counts by article, shape (G, ...)."""
        array = np.asarray(counts)
        flat = array.reshape(len(array), math.prod(array.shape[1:]))
        products, total, informative = np.zeros((flat.shape[1],) * 2), np.zeros(flat.shape[1]), 0
        for start in range(0, len(flat), _ROWS):
            block = flat[start : start + _ROWS].astype(np.float64)
            products += block.T @ block
            total += block.sum(axis=0)
            informative += int((block != 0).any(axis=1).sum())
        return cls(total.reshape(array.shape[1:]), products, len(array), informative)

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.total + other.total,
            self.products + other.products,
            self.n + other.n,
            self.n_informative + other.n_informative,
        )

    def axes(self, scale: float = 1.0) -> Array:
        """The principal axes of the sum's spread, (k, d), each as long as its standard deviation times `scale`."""
        flat = self.total.reshape(-1)
        variances, vectors = np.linalg.eigh(self.products - np.outer(flat, flat) / self.n)
        # what rounding leaves of directions without any spread
        spread = variances > max(float(variances.max(initial=0.0)) * 1e-12, 1e-12)
        return np.asarray((vectors[:, spread] * np.sqrt(variances[spread])).T * scale)

    def standard_error(self, statistic: Callable[[Array], Array]) -> float:
        """Of a statistic of the sums (..., counts): sqrt(g' C g) for its gradient g and their covariance C (the delta method, Cox
        1998), widened by sqrt(n / (n - 1)); NaN where the statistic is undefined near the sums."""
        steps = self.axes(_STEP)
        flat = self.total.reshape(-1)
        ahead, behind = (np.asarray(statistic((flat + s).reshape(-1, *self.total.shape))) for s in (steps, -steps))
        slopes = (ahead - behind) / (2 * _STEP)
        return math.sqrt(float(np.square(slopes).sum()) * self.n / (self.n - 1))

    def draws(self, resamples: int, seed: int) -> Array:
        """Normal draws of the resampled sums, (resamples, ...), which depend on these moments, `seed` and `resamples` only."""
        axes = self.axes()
        rng = np.random.default_rng([seed, self.n, resamples, 2])
        flat = self.total.reshape(-1) + rng.standard_normal((resamples, len(axes))) @ axes
        return np.asarray(flat.reshape(resamples, *self.total.shape))
