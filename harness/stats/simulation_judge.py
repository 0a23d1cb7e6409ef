"""Are estimates with a judge and a few hand labels unbiased, and do their intervals hold the truth, by simulation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.stats.bootstrap import Array
from harness.stats.difference_estimator import (
    Reading,
    SampleCounts,
    allocation,
    estimate_limits,
    point_estimates,
)
from harness.stats.judge_accuracy import HarmLabel, judge_accuracy

_BATCH = 100
_MOST = 16
"""Triples that an article has at most."""
_STRATA = np.array([0, 1, 1, 2])
"""The stratum of each of the judge's readings: not conveyed, conveyed without harm, harm."""


class JudgedSummaries(NamedTuple):
    """What is drawn: 60 articles of 6 triples whose speaker the summary names; of these `conveyed` are conveyed, of which
    `harm` are harmed and four fifths of the rest kept. The judge reads each rightly with chance `accuracy`, else as any other."""

    accuracy: float
    harm: float
    conveyed: float = 0.6
    articles: int = 60
    triples: float = 6.0
    intraclass: float = 0.2

    @property
    def truth(self) -> dict[str, float]:
        """What the estimates should be on average."""
        return {"coverage": self.conveyed, "fidelity": 0.8 * (1 - self.harm), "harm": 100 * self.harm}


class EstimatorQuality(NamedTuple):
    """Of one rate: mean error, its standard error, share of intervals that hold the truth, median width; of `n` samples."""

    bias: float
    bias_se: float
    coverage: float
    width: float
    n: int


def estimator_quality(
    design: JudgedSummaries, n_labelled: int, *, repetitions: int = 2_000, resamples: int = 600, seed: int = 0
) -> dict[str, EstimatorQuality]:
    """Quality of the difference estimator of coverage, fidelity and harm with `n_labelled` hand labels of one summariser."""
    rng = np.random.default_rng([seed, 7])
    errors: dict[str, list[float]] = {rate: [] for rate in design.truth}
    widths: dict[str, list[float]] = {rate: [] for rate in design.truth}
    held = dict.fromkeys(design.truth, 0)
    for start in range(0, repetitions, _BATCH):
        counts = draw_samples(design, n_labelled, min(_BATCH, repetitions - start), rng)
        values = point_estimates(counts)
        ends = estimate_limits(counts, resamples=resamples, seed=seed + start)
        for rate, truth in design.truth.items():
            low, high = ends[rate]
            errors[rate] += (values[rate] - truth).tolist()
            widths[rate] += (high - low).tolist()
            held[rate] += int(((low <= truth) & (truth <= high)).sum())
    return {
        rate: EstimatorQuality(
            float(np.mean(errors[rate])),
            float(np.std(errors[rate]) / np.sqrt(repetitions)),
            held[rate] / repetitions,
            float(np.median(widths[rate])),
            repetitions,
        )
        for rate in design.truth
    }


def draw_samples(design: JudgedSummaries, n_labelled: int, n: int, rng: np.random.Generator) -> SampleCounts:
    """Counts of `n` data sets with a sample of `n_labelled` each, stratified by the judge's reading."""
    there, hand = _draw_truth(design, n, rng)
    other = (hand + rng.integers(1, len(Reading), there.shape)) % len(Reading)
    judge = np.where(rng.random(there.shape) < design.accuracy, hand, other)
    main = there & (rng.random(there.shape) < 0.7)
    inside = np.stack([there & (_STRATA[judge] == s) for s in range(3)], axis=-1)
    labelled = _draw_labelled(inside, n_labelled, rng)
    difference = _columns(hand, main) - _columns(judge, main)
    readings = (judge[..., None] == np.arange(len(Reading)))[..., None, :] & inside[..., None]
    by_article = (
        (_columns(judge, main) * there[..., None]).sum(axis=2),
        main.sum(axis=2),
        inside.sum(axis=2),
        labelled.sum(axis=2),
        (difference[..., None, :] * labelled[..., None]).sum(axis=2),
    )
    judged, gold, sizes, in_sample, errors = (np.moveaxis(np.asarray(c, dtype=np.float64), 0, 1) for c in by_article)
    return SampleCounts(judged, gold, sizes, in_sample, errors, readings.any(axis=(1, 2)))


def _draw_truth(
    design: JudgedSummaries, n: int, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Which of the places for triples are taken, and what the summaries convey, both (n, articles, places)."""
    size = np.minimum(rng.poisson(design.triples, (n, design.articles)), _MOST)
    there = np.arange(_MOST) < size[..., None]
    concentration = 1 / design.intraclass - 1
    shares = [
        rng.beta(rate * concentration, (1 - rate) * concentration, (n, design.articles))[..., None]
        for rate in (design.conveyed, design.harm)
    ]
    is_conveyed, is_harmed = (rng.random(there.shape) < share for share in shares)
    conveyed = np.where(rng.random(there.shape) < 0.8, Reading.KEPT, Reading.ALTERED)
    hand = np.where(is_conveyed, np.where(is_harmed, Reading.HARMED, conveyed), Reading.NOT_CONVEYED)
    return there, hand.astype(np.intp)


def _columns(reading: NDArray[np.intp], main: NDArray[np.bool_]) -> Array:
    conveyed = reading != Reading.NOT_CONVEYED
    parts = [conveyed, reading == Reading.KEPT, reading == Reading.HARMED, conveyed & main]
    return np.stack(parts, axis=-1).astype(np.float64)


def _draw_labelled(inside: NDArray[np.bool_], n_labelled: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A random sample within each stratum, (n, articles, places, strata), allocated as `allocation` does."""
    labelled = np.zeros_like(inside)
    keys = rng.random(inside.shape[:3])
    for i, places in enumerate(inside):
        sizes = {str(s): int(places[..., s].sum()) for s in range(inside.shape[-1])}
        for s, size in allocation(sizes, n_labelled).items():
            if size:
                drawn = np.where(places[..., int(s)], keys[i], 2.0)
                labelled[i, ..., int(s)] = drawn <= np.partition(drawn, size - 1, axis=None)[size - 1]
    return labelled


class ValidationQuality(NamedTuple):
    """Shares of `n` samples in which the judge is validated, and in which the intervals hold its true sensitivity and
    precision."""

    validated: float
    sensitivity: float
    precision: float
    n: int


def validation_quality(
    sensitivity: float,
    specificity: float,
    harm: float,
    *,
    others: int = 200,
    articles: int = 60,
    repetitions: int = 1_000,
    resamples: int = 600,
    seed: int = 0,
) -> ValidationQuality:
    """A judge of that accuracy, checked on all harms that it reports and on `others` of the rest, of six triples an article."""
    rng = np.random.default_rng([seed, 8])
    precision = harm * sensitivity / (harm * sensitivity + (1 - harm) * (1 - specificity))
    validated = found = right = 0
    for _ in range(repetitions):
        shares = rng.beta(4 * harm, 4 * (1 - harm), articles)
        home = np.repeat(np.arange(articles), rng.poisson(6, articles))
        harmed = rng.random(len(home)) < shares[home]
        reported = rng.random(len(home)) < np.where(harmed, sensitivity, 1 - specificity)
        rest = np.flatnonzero(~reported)
        drawn = rng.permutation(rest)[:others]
        weight = len(rest) / max(1, len(drawn))
        labels = [HarmLabel(int(home[i]), True, bool(harmed[i])) for i in np.flatnonzero(reported)]
        labels += [HarmLabel(int(home[i]), False, bool(harmed[i]), weight) for i in drawn]
        checked = judge_accuracy(labels, resamples=resamples)
        validated += checked.validated
        # without an interval nothing is claimed
        found += _held(checked.sensitivity.low, checked.sensitivity.high, sensitivity)
        right += _held(checked.precision.low, checked.precision.high, precision)
    return ValidationQuality(validated / repetitions, found / repetitions, right / repetitions, repetitions)


def _held(low: float | None, high: float | None, truth: float) -> bool:
    return low is None or high is None or low <= truth <= high
