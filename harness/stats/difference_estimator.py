"""What a summariser preserves, from a judge's answers on all triples and hand labels of a small stratified random sample.

The difference estimator of survey sampling (Cassel, Särndal & Wretman 1976; Särndal, Swensson & Wretman 1992, section
6.3), known as prediction-powered inference (Angelopoulos et al. 2023; stratified: Fisch et al. 2024): the judge's
total, plus its error as the sample shows it. It is unbiased for any judge; a bad one widens the interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.stats.bayesian_bootstrap import RESAMPLES, design_effect, exponential_weights, limits, weighted_sums
from harness.stats.bootstrap import LEVEL, MIN_CLUSTERS, Array, Interval, too_few


class Reading(IntEnum):
    """What a summary conveys of one (speaker, target), beside gold."""

    NOT_CONVEYED = 0
    KEPT = 1
    ALTERED = 2
    """Conveyed in another degree or as neutral: neither kept nor harmed."""
    HARMED = 3


@dataclass(frozen=True, slots=True)
class JudgedTriple:
    """One (summary, speaker, target): the judge's reading and, where it is in the sample, the hand label's.

    `stratum` is that of the drawing, within which the sample is random; None where the reading is known without a judge or a
    label (the summary does not name the speaker): then `judge` is it. `main` says that gold is a stance of a main speaker, so
    that it counts for coverage.
    """

    article: Hashable
    judge: Reading
    hand: Reading | None = None
    stratum: str | None = ""
    main: bool = False


@dataclass(frozen=True, slots=True)
class PreservationEstimate:
    """Coverage and fidelity in [0, 1] and harm per 100 conveyed stances, with intervals; "estimated with n hand labels"."""

    coverage: Interval
    fidelity: Interval
    harm: Interval
    n_labelled: int
    n_triples: int


class SampleCounts(NamedTuple):
    """Counts by article of one data set, or of many in the dimensions "..." (simulations): H strata, G articles."""

    judged: Array
    """(G, ..., 4): triples that the judge reads as conveyed, kept, harmed, conveyed of a main speaker."""
    main: Array
    """(G, ...): gold stances of main speakers."""
    sizes: Array
    """(G, ..., H): triples of each stratum."""
    labelled: Array
    """(G, ..., H): those in the sample."""
    errors: Array
    """(G, ..., H, 4): sum of hand minus judge over the sample, in the columns of `judged`."""
    judge_readings: NDArray[np.bool_]
    """(..., H, 4): whether the judge gives a `Reading` anywhere in the stratum."""


def allocation(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """How many of `n` hand labels each stratum of that many triples gets: by the square root of its size, one at least.

    Power allocation (Bankier 1988), between equal and proportional shares: strata differ less in what their errors
    cost than in size, and a label in a large stratum stands for more triples that nobody saw.
    """
    left = min(n, sum(sizes.values()))
    roots = {name: math.sqrt(size) for name, size in sorted(sizes.items(), key=lambda item: item[1]) if size}
    shares = dict.fromkeys(sizes, 0)
    # small strata first, so that what they cannot take goes to larger ones
    while roots:
        name, root = next(iter(roots.items()))
        share = round(left * root / sum(roots.values()))
        shares[name] = min(sizes[name], max(1, share), left)
        left -= shares[name]
        del roots[name]
    return shares


def preservation_estimate(
    triples: Iterable[JudgedTriple], *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> PreservationEstimate:
    """Coverage, fidelity and harm of one summariser, judged on all its triples and labelled by hand on a random sample.

    Intervals are a Bayesian bootstrap over articles with one more label, in the stratum where a label stands for most triples
    and with the judge's error that moves the end outwards: sixty labels show no error of a judge with two in a hundred
    in 30 % of draws, which proves no perfect judge (see `bayesian_bootstrap`). Values stay in their range. Raises
    ValueError where a stratum has triples and no hand label.
    """
    rows = list(triples)
    counts = sample_counts(rows)
    names = sorted({row.stratum for row in rows if row.stratum is not None})
    if empty := [n for n, size in zip(names, counts.labelled.sum(axis=0), strict=True) if not size]:
        raise ValueError(f"no hand label in stratum {', '.join(empty)}: its triples cannot be estimated")
    values = point_estimates(counts)
    n_clusters = len(counts.judged)
    intervals = {}
    ends = estimate_limits(counts, level=level, resamples=resamples, seed=seed) if n_clusters >= MIN_CLUSTERS else None
    for metric, value in values.items():
        if not np.isfinite(value):
            intervals[metric] = Interval(None, n_clusters=n_clusters, reason="undefined on these items")
        elif ends is None:
            intervals[metric] = Interval(float(value), n_clusters=n_clusters, reason=too_few(n_clusters))
        else:
            low, high = ends[metric]
            intervals[metric] = Interval(float(value), float(low), float(high), n_clusters=n_clusters)
    n_labelled = sum(row.hand is not None and row.stratum is not None for row in rows)
    return PreservationEstimate(**intervals, n_labelled=n_labelled, n_triples=len(rows))


def sample_counts(triples: Iterable[JudgedTriple]) -> SampleCounts:
    """One data set's counts by article, articles and strata in sorted order."""
    rows = list(triples)
    articles = {a: i for i, a in enumerate(sorted({row.article for row in rows}, key=str))}
    strata = {s: i for i, s in enumerate(sorted({row.stratum for row in rows if row.stratum is not None}))}
    g, h = len(articles), len(strata)
    counts = SampleCounts(
        np.zeros((g, 4)),
        np.zeros(g),
        np.zeros((g, h)),
        np.zeros((g, h)),
        np.zeros((g, h, 4)),
        np.zeros((h, 4), dtype=bool),
    )
    for row in rows:
        a = articles[row.article]
        counts.judged[a] += _columns(row.judge, main=row.main)
        counts.main[a] += row.main
        if row.stratum is None:
            continue
        s = strata[row.stratum]
        counts.sizes[a, s] += 1
        counts.judge_readings[s, row.judge] = True
        if row.hand is not None:
            counts.labelled[a, s] += 1
            counts.errors[a, s] += _columns(row.hand, main=row.main) - _columns(row.judge, main=row.main)
    return counts


def _columns(reading: Reading, *, main: bool) -> Array:
    conveyed = reading != Reading.NOT_CONVEYED
    return np.array([conveyed, reading == Reading.KEPT, reading == Reading.HARMED, conveyed and main], dtype=np.float64)


def point_estimates(counts: SampleCounts) -> dict[str, Array]:
    """Coverage, fidelity, harm (...): the judge's totals plus stratum size x mean error; NaN where a rate has no item."""
    return _rates(_totals(counts), counts.main.sum(axis=0))


def _totals(counts: SampleCounts) -> Array:
    means = _ratio(counts.errors.sum(axis=0), counts.labelled.sum(axis=0)[..., None])
    return np.asarray(counts.judged.sum(axis=0) + (counts.sizes.sum(axis=0)[..., None] * means).sum(axis=-2))


def estimate_limits(
    counts: SampleCounts, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, tuple[Array, Array]]:
    """Interval of each of `point_estimates`, ends of shape (...), within the range of the metric."""
    g = len(counts.judged)
    draws = exponential_weights(g + 1, resamples, seed)
    judged, main, sizes, labelled, errors = (weighted_sums(c, draws[:, :g]) for c in counts[:5])
    unseen = draws[:, g].reshape(-1, *[1] * (counts.sizes.ndim - 1)) * design_effect(counts.labelled)
    ends = {}
    for metric in _GRADIENTS:
        low, high = (
            _rates(judged + _correction(sizes, labelled, errors, unseen * at, error), main)[metric]
            for at, error in (_unseen(counts, metric, sign) for sign in (-1, 1))
        )
        ends[metric] = limits(low, high, g, level)
    return ends


def _correction(sizes: Array, labelled: Array, errors: Array, unseen: Array, error: Array) -> Array:
    """Sum over strata of size x mean error, where `unseen` (..., H) more labels have `error` (..., H, 4)."""
    means = _ratio(errors + unseen[..., None] * error, (labelled + unseen)[..., None])
    return np.asarray((sizes[..., None] * means).sum(axis=-2))


def _unseen(counts: SampleCounts, metric: str, sign: int) -> tuple[Array, Array]:
    """The unseen label that moves a metric up (`sign` 1) or down (-1) most, to first order: 1 for its stratum, else 0
    (..., H), and in each stratum the error farthest out of those that the judge's readings there allow (..., H, 4)."""
    along = sign * _GRADIENTS[metric](_rates(_totals(counts), counts.main.sum(axis=0)))
    effect = np.einsum("rce,...e->...rc", _ERRORS, along)[..., None, :, :]
    possible = counts.judge_readings[..., None]
    effect = np.where(possible, effect, -np.inf).reshape(*counts.judge_readings.shape[:-1], -1)
    error = _ERRORS.reshape(-1, 4)[effect.argmax(axis=-1)]
    n_labelled = counts.labelled.sum(axis=0)
    means = _ratio(counts.errors.sum(axis=0), n_labelled[..., None])
    beyond = np.einsum("...he,...e->...h", error - means, along)
    gain = beyond * _ratio(counts.sizes.sum(axis=0), n_labelled)
    return np.arange(gain.shape[-1]) == gain.argmax(axis=-1)[..., None], error


def _ratio(numerator: Array, denominator: Array) -> Array:
    """Their ratio, 0 where the denominator is: a stratum without triples."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    return np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator > 0)


def _rates(totals: Array, main: Array) -> dict[str, Array]:
    conveyed, kept, harmed, conveyed_main = np.moveaxis(totals, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "coverage": np.clip(np.where(main > 0, conveyed_main / main, np.nan), 0, 1),
            "fidelity": np.clip(np.where(conveyed > 0, kept / conveyed, np.nan), 0, 1),
            "harm": 100 * np.clip(np.where(conveyed > 0, harmed / conveyed, np.nan), 0, 1),
        }


_READINGS = np.stack([_columns(reading, main=True) for reading in Reading])
_ERRORS = _READINGS[None] - _READINGS[:, None]
"""Hand minus judge in the columns of `SampleCounts.judged`, by the judge's reading and the hand's, (4, 4, 4)."""


def _gradient(*columns: ArrayLike) -> Array:
    return np.stack(np.broadcast_arrays(*columns), axis=-1).astype(np.float64)


_GRADIENTS: Mapping[str, Callable[[Mapping[str, Array]], Array]] = MappingProxyType(
    {
        "coverage": lambda rates: _gradient(0 * rates["coverage"], 0, 0, 1),
        "fidelity": lambda rates: _gradient(-rates["fidelity"], 1, 0, 0),
        "harm": lambda rates: _gradient(-rates["harm"] / 100, 0, 1, 0),
    }
)
"""Which way the totals (in the columns of `SampleCounts.judged`) move a rate, from the rates (...): (..., 4)."""
