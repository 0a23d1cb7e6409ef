"""What a dataset of this size can show: the smallest detectable difference, and how many more articles would do."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.stats.bootstrap import Statistic, informative_clusters, resampled_sums

ALPHA = 0.05
POWER = 0.8
FEWEST_CLUSTERS = 6
"""With fewer articles the test by article cannot reach p < 0.05: swaps of G articles give at best p = 2 / 2^G."""
FEWEST_ITEMS = 40
"""A slice of fewer items shows counts and what could be detected, no score that invites a ranking."""
_MOST_ARTICLES = 100_000
_RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Detectable:
    """The smallest true difference that a test at `ALPHA` marks with probability `POWER`.

    `value` is in the metric's unit. `by_article` False means that it rests on independent items because articles
    were too few to estimate their spread: the true one is larger. `reason` says so, or why there is no value.
    """

    value: float | None
    n_clusters: int
    by_article: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class MoreArticles:
    """How many further articles like these would show a difference; None where no number would, and why."""

    more: int | None
    reason: str | None = None


def effect_factor(degrees: int, *, alpha: float = ALPHA, power: float = POWER) -> float:
    """Standard errors that an effect must measure to be found: t[1 - alpha / 2] + t[power], `degrees` of freedom.

    Bloom 1995, Minimum detectable effects: 2.8 for many degrees, 80 % power, alpha 0.05.
    """
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 1 - alpha / 2) + stdtrit(degrees, power))


def detectable_from_se(se: float, n_clusters: int) -> Detectable:
    """From the standard error of a paired difference over at least six articles."""
    if n_clusters < FEWEST_CLUSTERS:
        raise ValueError(f"the spread of {n_clusters} articles is no basis")
    return Detectable(effect_factor(n_clusters - 1) * se, n_clusters, by_article=True)


def detectable_counts(
    a: ArrayLike, b: ArrayLike, statistic: Statistic, *, seed: int = 0, se: float | None = None, span: float = 1.0
) -> Detectable:
    """For a statistic of counts by article, (G, ...) for each system; the standard error is `se` or the bootstrap's.

    Counts are confusions (G, K, C) or sums and numbers of values (G, 2), whose range is `span` wide (100 for a rate per
    hundred, `inf` without bounds). Where articles are too few or the systems never differ, the effect is measured on the
    articles' own values if each has one, as with ROUGE; else it is planned from the smaller number of items, for systems
    that disagree on half of them. So it is too where a rate rests on too little for a test.
    """
    both = np.stack([np.asarray(a), np.asarray(b)], axis=1)
    n = min(informative_clusters(both[:, 0]), informative_clusters(both[:, 1]))
    sparse = _sparse(both, span)
    if n >= FEWEST_CLUSTERS and se:
        return detectable_from_se(se, n)
    if n >= FEWEST_CLUSTERS and not sparse:
        values = np.asarray(statistic(resampled_sums(both, resamples=_RESAMPLES, seed=seed)), dtype=np.float64)
        difference = values[..., 0] - values[..., 1]
        difference = difference[np.isfinite(difference)]
        se = float(difference.std()) * math.sqrt(n / (n - 1)) if difference.size else 0.0
        if se > 0:
            return detectable_from_se(se, n)
    if both.ndim == 3 and math.isinf(span):
        why = f"{_why_not(n).partition(';')[0]}; the metric has no bounds, so no effect can be planned"
        return Detectable(None, n, by_article=False, reason=why)
    if both.ndim == 3 and n and both[..., 1].max() == 1 and np.array_equal(both[:, 0, 1], both[:, 1, 1]):
        shared = both[both[:, 0, 1] > 0, :, 0]
        planned = _by_item(shared[:, 0] - shared[:, 1], n, span)
    else:
        planned = _by_number(both, statistic, n, span)
    return replace(planned, reason=f"{sparse}; items taken as independent") if sparse and planned.value else planned


def _sparse(both: NDArray[np.generic], span: float) -> str | None:
    """Why two rates over different numbers of items rest on too little to be compared."""
    from harness.stats.paired_ratio import too_sparse

    if both.ndim != 3 or np.array_equal(both[:, 0, 1], both[:, 1, 1]):
        return None
    return too_sparse(np.moveaxis(both, 1, 0), span)


def planned_detectable(n_items: int, *, disagreement: float = 0.5) -> Detectable:
    """For the accuracy of two systems on `n_items` before any answer is seen, items taken as independent.

    `disagreement` is the share of items on which just one of them is right: 0.5 for two coin-flipping systems, the
    worst case of independent errors. Variance disagreement / n (Miettinen 1968, under no difference).
    """
    if n_items < 1:
        return Detectable(None, 0, by_article=False, reason="no item")
    effect = effect_factor(10**9) * math.sqrt(disagreement / n_items)
    note = "items taken as independent; clustering by article makes it larger"
    return Detectable(min(1.0, effect), 0, by_article=False, reason=note)


def more_articles(effect: float | None, se: float | None, n_clusters: int, *, alpha: float = ALPHA) -> MoreArticles:
    """How many further articles would show a true difference of `effect` at level `alpha` with 80 % power.

    Name the effect: the difference that a pilot shows is no basis, as N goes with its inverse square (Albers & Lakens
    2018, When power analyses based on pilot data are biased). `se` is the standard error of the paired difference on
    `n_clusters` articles; it shrinks with their square root. 0 means that these suffice.
    """
    if se is None or n_clusters < FEWEST_CLUSTERS:
        return MoreArticles(None, f"too few articles ({n_clusters}) to estimate their spread")
    if not effect:
        return MoreArticles(None, "no difference is named that the articles should show")
    spread = se * math.sqrt(n_clusters)

    def suffices(n: int) -> bool:
        return abs(effect) >= effect_factor(n - 1, alpha=alpha) * spread / math.sqrt(n)

    if suffices(n_clusters):
        return MoreArticles(0)
    if not suffices(n_clusters + _MOST_ARTICLES):
        return MoreArticles(None, f"more than {_MOST_ARTICLES:,}")
    low, high = n_clusters, n_clusters + _MOST_ARTICLES
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return MoreArticles(high - n_clusters)


def _by_item(difference: ArrayLike, n_clusters: int, span: float) -> Detectable:
    """Items taken as independent, with one more on either side (Bonett & Price 2012), so that systems that happen to agree
    everywhere do not look as if any difference could be found."""
    padded = np.concatenate([np.asarray(difference, dtype=np.float64), [-span, span]])
    se = float(padded.std(ddof=1)) / math.sqrt(padded.size)
    return Detectable(
        min(span, effect_factor(padded.size - 1) * se), n_clusters, by_article=False, reason=_why_not(n_clusters)
    )


def _by_number(both: NDArray[np.generic], statistic: Statistic, n_clusters: int, span: float) -> Detectable:
    """Planned from the number of items, in the statistic's unit: the span from all right to all wrong."""
    if both.ndim == 3:
        n_items = float(both[..., 1].sum(axis=0).min())
    else:
        n_items = float(both[:, 0].sum())
        ends = np.zeros((2, *both.shape[2:]))
        np.fill_diagonal(ends[0], 1)
        ends[1, :, -1] = 1
        best, worst = np.asarray(statistic(ends), dtype=np.float64)
        span = abs(best - worst) or 1.0
    planned = planned_detectable(int(n_items))
    if planned.value is None:
        return Detectable(None, n_clusters, by_article=False, reason="no item is answered by both systems")
    scale = float(span) if np.isfinite(span) else 1.0
    return Detectable(planned.value * scale, n_clusters, by_article=False, reason=_why_not(n_clusters))


def _why_not(n_clusters: int) -> str:
    if n_clusters < FEWEST_CLUSTERS:
        articles = f"{n_clusters} article{'s' * (n_clusters != 1)}"
        return f"{articles}: no difference can be marked under {FEWEST_CLUSTERS}; items taken as independent"
    return "the systems never differ; items taken as independent"
