"""How far a system's probabilities can be trusted: ECE, Brier score, reliability data, accuracy at a coverage."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.stats.bootstrap import RESAMPLES, Interval, by_cluster, clustered_interval_counts, ratio
from harness.types import MetricValue, Stance

Array = NDArray[np.floating]

BINS = 10
ITEMS_PER_BIN = 10
"""Fewer bins where there are fewer items: a bin of one item has accuracy 0 or 1."""
COVERAGES = (50, 80)
"""Percentages of the items at which selective accuracy is given."""
_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Confident:
    """A system's answers with their probabilities, on one set of K labels.

    `probabilities` (n, K), a row of NaN where there are none; `answers` (n,) label indices, -1 for unparsed; `gold`
    (n,).
    """

    probabilities: Array
    answers: NDArray[np.intp]
    gold: NDArray[np.intp]

    @property
    def has_probabilities(self) -> NDArray[np.bool_]:
        """Which items have probabilities."""
        return np.asarray(~np.isnan(self.probabilities).any(axis=1))

    @property
    def confidence(self) -> Array:
        """Probability of the label that was answered, -inf where there is none."""
        sure = self.has_probabilities & (self.answers >= 0)
        chosen = self.probabilities[np.arange(len(self.answers)), np.maximum(self.answers, 0)]
        return np.where(sure, chosen, -np.inf)

    @property
    def correct(self) -> Array:
        """1 where the answer is right."""
        return np.asarray(self.answers == self.gold, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Bin:
    """Items of similar confidence: their number, mean confidence and accuracy, both in [0, 1]."""

    n: int
    confidence: float
    accuracy: float


def label_probabilities(scores: Mapping[str, float]) -> dict[Stance, float] | None:
    """Probabilities by stance from a system's scores; None where they are no distribution.

    Values in [0, 1] that sum to 1 are probabilities as they stand; values of which none is positive are
    log-probabilities and are normalised. Anything else (unbounded scores, unknown labels, NaN) gives None.
    """
    try:
        values = {Stance(label): float(score) for label, score in scores.items()}
    except ValueError:
        return None
    if not values or any(math.isnan(v) or v == math.inf for v in values.values()):
        return None
    if min(values.values()) >= 0 and abs(sum(values.values()) - 1) <= _SUM_TOLERANCE:
        total = sum(values.values())
        return {label: v / total for label, v in values.items()}
    top = max(values.values())
    if top > 0 or top == -math.inf:
        return None
    weights = {label: math.exp(v - top) for label, v in values.items()}
    total = sum(weights.values())
    return {label: w / total for label, w in weights.items()}


def reliability(confidence: ArrayLike, correct: ArrayLike, *, bins: int = BINS) -> list[Bin]:
    """Reliability data in bins of equal mass, lowest confidence first; both inputs have shape (n,).

    At most one bin per ten items. Items of equal confidence share their mean accuracy before they are split between
    bins, so the order of the items never matters.
    """
    conf, right = _sorted_with_ties(confidence, correct)
    if conf.size == 0:
        return []
    n_bins = max(1, min(bins, conf.size // ITEMS_PER_BIN))
    parts = zip(np.array_split(conf, n_bins), np.array_split(right, n_bins), strict=True)
    return [Bin(len(c), float(c.mean()), float(r.mean())) for c, r in parts]


def ece(confidence: ArrayLike, correct: ArrayLike, *, bins: int = BINS) -> float:
    """Expected calibration error over equal-mass bins, in [0, 1]; NaN without items.

    sum over bins of n_b / n |accuracy_b - confidence_b| (Naeini et al. 2015; equal mass: Nguyen & O'Connor 2015).
    """
    data = reliability(confidence, correct, bins=bins)
    total = sum(b.n for b in data)
    return sum(b.n * abs(b.accuracy - b.confidence) for b in data) / total if data else math.nan


def brier(probabilities: ArrayLike, gold: ArrayLike) -> Array:
    """Brier score of each item, in [0, 2]: sum over labels of (p - [gold])² (Brier 1950, equation 2).

    `probabilities` (n, K), `gold` (n,) label indices.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    return np.asarray(((p - np.eye(p.shape[1])[np.asarray(gold, dtype=np.intp)]) ** 2).sum(axis=1))


def coverage_weights(confidence: ArrayLike, coverage: float) -> Array:
    """Weights in [0, 1], shape (n,), that keep the most confident `coverage` (0, 1] of the items.

    Items tied at the threshold share what is left of the coverage, so their order never matters. An item without a
    confidence has -inf and goes last.
    """
    conf = np.asarray(confidence, dtype=np.float64)
    if conf.size == 0:
        return conf
    wanted = coverage * conf.size
    threshold = np.sort(conf)[::-1][min(conf.size - 1, max(0, math.ceil(wanted - 1e-9) - 1))]
    above, tied = conf > threshold, conf == threshold
    share = (wanted - above.sum()) / tied.sum()
    return np.where(above, 1.0, np.where(tied, share, 0.0))


def selective_accuracy(confidence: ArrayLike, correct: ArrayLike, coverage: float) -> float:
    """Accuracy on the most confident `coverage` of the items (El-Yaniv & Wiener 2010), in [0, 1]; NaN without items."""
    weights = coverage_weights(confidence, coverage)
    return float(np.average(np.asarray(correct, dtype=np.float64), weights=weights)) if weights.size else math.nan


def calibration_metrics(
    data: Confident, articles: Sequence[Hashable], *, n_errors: int = 0, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, MetricValue]:
    """`ece`, `brier` and `selective_accuracy_at_<percent>` with intervals by article; `articles` has shape (n,).

    An answer without probabilities is unscored for ECE and Brier and counts as the least confident one elsewhere. The
    interval of a selective accuracy holds the threshold fixed. ECE has none: resampling repeats items, which adds noise
    to each bin's accuracy and so biases the absolute gaps upwards.
    """
    n = len(data.gold)
    has_probabilities, confidence, correct = data.has_probabilities, data.confidence, data.correct

    def ratio_metric(columns: Array, names: Sequence[Hashable]) -> Interval:
        sums, _ = by_cluster(columns, names)
        return clustered_interval_counts(sums, ratio, seed=seed, resamples=resamples)

    names = ["ece", "brier", *(f"selective_accuracy_at_{percent}" for percent in COVERAGES)]
    if not has_probabilities.any():
        reason = "the system gives no probabilities" if n else "no item was answered"
        return {name: MetricValue(None, n_unscored=n_errors + n, reason=reason) for name in names}
    sure = np.isfinite(confidence)
    if sure.any():
        value = Interval(ece(confidence[sure], correct[sure]), reason="no interval: resampling biases ECE upwards")
    else:
        value = Interval(None, reason="every answer that has probabilities was unparsed")
    values = {"ece": value.metric(int(sure.sum()), n_errors + int((~sure).sum()))}
    losses = brier(data.probabilities[has_probabilities], data.gold[has_probabilities])
    kept = [article for article, has in zip(articles, has_probabilities, strict=True) if has]
    interval = ratio_metric(np.stack([losses, np.ones_like(losses)], axis=1), kept)
    values["brier"] = interval.metric(len(losses), n_errors + n - len(losses))
    for percent in COVERAGES:
        weights = coverage_weights(confidence, percent / 100)
        interval = ratio_metric(np.stack([weights * correct, weights], axis=1), articles)
        values[f"selective_accuracy_at_{percent}"] = interval.metric(n, n_errors)
    return values


def reliability_table(data: Confident) -> list[dict[str, Any]]:
    """Reliability data of the answers that have a confidence, as plain JSON."""
    confidence = data.confidence
    sure = np.isfinite(confidence)
    bins = reliability(confidence[sure], data.correct[sure])
    return [{"n": b.n, "confidence": b.confidence, "accuracy": b.accuracy} for b in bins]


def selective_table(data: Confident) -> list[dict[str, Any]]:
    """Accuracy at coverage 10 % to 100 %, as plain JSON; empty without probabilities."""
    confidence, correct = data.confidence, data.correct
    if not np.isfinite(confidence).any():
        return []
    coverages = [tenth / 10 for tenth in range(1, 11)]
    return [{"coverage": c, "accuracy": selective_accuracy(confidence, correct, c)} for c in coverages]


def _sorted_with_ties(confidence: ArrayLike, correct: ArrayLike) -> tuple[Array, Array]:
    conf = np.asarray(confidence, dtype=np.float64)
    right = np.asarray(correct, dtype=np.float64)
    values, inverse, counts = np.unique(conf, return_inverse=True, return_counts=True)
    means = np.bincount(inverse, weights=right, minlength=len(values)) / counts if len(values) else values
    return np.repeat(values, counts), np.repeat(means, counts)
