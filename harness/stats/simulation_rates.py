"""Does harm's interval hold the truth for good summarisers, by simulation: few harms, articles that differ in theirs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from harness.stats.bayesian_bootstrap import rate_limits

_BATCH = 500


class Misses(NamedTuple):
    """Shares of intervals whose upper end lies below the truth, and whose lower end lies above it, of `n`."""

    below: float
    above: float
    n: int
    width: float
    """Median width, per 100."""

    @property
    def coverage(self) -> float:
        """Share of intervals that hold the truth."""
        return 1 - self.below - self.above


def harm_misses(
    rate: float,
    conveyed: float,
    *,
    intraclass: float = 0.2,
    articles: int = 60,
    repetitions: int = 2_000,
    resamples: int = 999,
    seed: int = 0,
) -> Misses:
    """How often the interval of a harm of `rate` misses it, where a summary conveys `conveyed` stances on average.

    The harm of an article is beta-distributed with that intraclass correlation between its stances.
    """
    rng = np.random.default_rng([seed, 6])
    concentration = 1 / intraclass - 1
    below = above = 0
    widths: list[float] = []
    for start in range(0, repetitions, _BATCH):
        n = min(_BATCH, repetitions - start)
        sizes = rng.poisson(conveyed, (articles, n))
        shares = rng.beta(rate * concentration, (1 - rate) * concentration, (articles, n))
        low, high = rate_limits(rng.binomial(sizes, shares), sizes, resamples=resamples, seed=seed + start)
        below += int((high < rate).sum())
        above += int((low > rate).sum())
        widths += (100 * (high - low)).tolist()
    return Misses(below / repetitions, above / repetitions, repetitions, float(np.median(widths)))
