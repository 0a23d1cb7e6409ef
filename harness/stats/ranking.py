"""Ranks with their uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.bootstrap import LEVEL, MAX_UNDEFINED, MIN_CLUSTERS, Array, too_few


@dataclass(frozen=True, slots=True)
class Rank:
    """Place 1 is best; [low, high] holds the true place of every system at once with the stated level."""

    place: int
    low: int | None
    high: int | None
    reason: str | None = None


def rank_intervals(
    values: ArrayLike,
    resampled: ArrayLike | None,
    n_clusters: int,
    *,
    higher_is_better: bool = True,
    level: float = LEVEL,
) -> list[Rank]:
    """Simultaneous rank intervals of S systems; `values` (S,), `resampled` (resamples, S) with shared resamples.

    A system's interval leaves out a place for each system that is better, or worse, beyond a bound on the largest
    studentised difference over all pairs (Mogstad, Romano, Shaikh & Wilhelm 2024, Inference for Ranks, section 3);
    ranks of resamples themselves do not cover where systems tie. Equal values share the best place.
    """
    sign = 1 if higher_is_better else -1
    point = sign * np.asarray(values, dtype=np.float64)
    if point.ndim != 1 or not np.isfinite(point).all():
        raise ValueError("rank systems that have a value: leave the others out and name them")
    places = [int((point > p).sum()) + 1 for p in point]
    if len(point) < 2:
        return [Rank(place, 1, 1) for place in places]
    if resampled is None or n_clusters < MIN_CLUSTERS:
        return [Rank(place, None, None, too_few(n_clusters)) for place in places]
    draws = sign * np.asarray(resampled, dtype=np.float64)
    finite = np.isfinite(draws).all(axis=1)
    if (undefined := 1 - float(finite.mean())) > MAX_UNDEFINED:
        reason = f"no interval: some system is undefined in {undefined:.0%} of the resamples"
        return [Rank(place, None, None, reason) for place in places]
    # systems are compared column by column: each of them in one piece
    draws = np.asfortranarray(draws if finite.all() else draws[finite])
    first, second = np.triu_indices(len(point), k=1)
    difference = point[first] - point[second]
    errors, largest = _studentised(draws, first, second, difference)
    bound = _for_few(float(np.quantile(largest, level)), n_clusters)
    apart = np.abs(difference) > bound * errors
    better, worse = np.zeros(len(point), dtype=int), np.zeros(len(point), dtype=int)
    for i, j, d, is_apart in zip(first, second, difference, apart, strict=True):
        if is_apart and d != 0:
            up, down = (i, j) if d > 0 else (j, i)
            better[down] += 1
            worse[up] += 1
    return [Rank(place, int(1 + b), int(len(point) - w)) for place, b, w in zip(places, better, worse, strict=True)]


def _for_few(bound: float, n_clusters: int) -> float:
    """A normal bound as Student's with the same tail: standard errors of few articles are themselves uncertain, and low."""
    from scipy.special import ndtr, stdtrit

    return float(-stdtrit(n_clusters - 1, ndtr(-bound))) * math.sqrt(n_clusters / (n_clusters - 1))


def _studentised(draws: Array, first: ArrayLike, second: ArrayLike, difference: Array) -> tuple[Array, Array]:
    """Standard error of each pair's difference, and each resample's largest studentised deviation from it."""
    errors = np.empty(len(difference))
    largest = np.zeros(len(draws))
    for k, (i, j) in enumerate(zip(np.asarray(first), np.asarray(second), strict=True)):
        deviation = draws[:, i] - draws[:, j] - difference[k]
        errors[k] = deviation.std()
        if errors[k] > 0:
            np.maximum(largest, np.abs(deviation) / errors[k], out=largest)
    return errors, largest
