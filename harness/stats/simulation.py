"""Checks by simulation: do 95 % intervals hold the truth 95 times in 100, do tests of equal systems mark 5 of 100?

Articles differ in their mix of gold labels and in how hard they are, so their items are clustered; the truth of every
metric follows exactly from the expected confusion, because mix and difficulty are drawn independently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.stats.bootstrap import Array, expanded_percentile, ratio, resampled_sums
from harness.stats.paired import randomisation_p_all
from harness.stats.paired_ratio import ratio_randomisation_p_all

_BATCH = 50


class Design(NamedTuple):
    """What is drawn: `labels` shares of gold labels, `confusion` (K, C) where errors go given gold (rows sum to 1).

    `right` is the mean share of right answers; `mix` and `ease` are the concentrations of an article's label mix and of
    its share of right answers (small: articles differ much).
    """

    labels: tuple[float, ...] = (0.22, 0.12, 0.14, 0.12, 0.2, 0.2)
    confusion: tuple[tuple[float, ...], ...] = (
        (0.0, 0.35, 0.15, 0.1, 0.2, 0.1, 0.1),
        (0.35, 0.0, 0.25, 0.15, 0.1, 0.1, 0.05),
        (0.15, 0.2, 0.0, 0.2, 0.15, 0.25, 0.05),
        (0.1, 0.15, 0.2, 0.0, 0.4, 0.1, 0.05),
        (0.2, 0.1, 0.15, 0.35, 0.0, 0.1, 0.1),
        (0.2, 0.1, 0.35, 0.15, 0.15, 0.0, 0.05),
    )
    right: float = 0.65
    mix: float = 4.0
    ease: float = 4.0
    articles: int = 60
    items: int = 6
    score: float = 0.35
    """Mean of a continuous item score in [0, 1], such as ROUGE."""


Metric = tuple[Callable[[NDArray[np.int64]], NDArray[np.int64]], Callable[[Array], Array]]
"""How confusions are collapsed (before summing), and the statistic of their sums."""


def expected_confusion(design: Design) -> Array:
    """Share of items in each cell, (K, C), over all articles that could be drawn."""
    errors = (1 - design.right) * np.array(design.confusion)
    hits = np.eye(*errors.shape) * design.right
    return np.asarray(np.array(design.labels)[:, None] * (errors + hits))


def draw_gold(design: Design, n: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], Array]:
    """Gold labels (n, articles, items) and each article's share of right answers (n, articles)."""
    labels = np.array(design.labels)
    mixes = rng.dirichlet(labels * design.mix, size=(n, design.articles))
    gold = _choose(np.broadcast_to(mixes[:, :, None, :], (n, design.articles, design.items, len(labels))), rng)
    ease = rng.beta(design.right * design.ease, (1 - design.right) * design.ease, size=(n, design.articles))
    return gold, ease


def draw_confusions(design: Design, gold: NDArray[np.intp], ease: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """One system's confusions by article, (n, articles, K, C), on that gold."""
    errors = np.array(design.confusion)
    right = rng.random(gold.shape) < ease[..., None]
    answers = np.where(right, gold, _choose(errors[gold], rng))
    n, articles = gold.shape[:2]
    cluster = np.broadcast_to(np.arange(n * articles).reshape(n, articles, 1), gold.shape)
    shape = (n * articles, *errors.shape)
    flat = np.ravel_multi_index((cluster.ravel(), gold.ravel(), answers.ravel()), shape)
    counts = np.bincount(flat, minlength=n * articles * errors.size)
    return counts.reshape(n, articles, *errors.shape)


def draw_scores(design: Design, means: Array, rng: np.random.Generator) -> Array:
    """Sums and numbers of continuous item scores by article, (n, articles, 2), around each article's mean."""
    spread = 12.0
    values = rng.beta(means[..., None] * spread, (1 - means[..., None]) * spread, size=(*means.shape, design.items))
    return np.stack([values.sum(axis=-1), np.full(means.shape, float(design.items))], axis=-1)


def draw_means(design: Design, n: int, rng: np.random.Generator) -> Array:
    """Each article's mean continuous score, (n, articles)."""
    concentration = 8.0
    draws = rng.beta(design.score * concentration, (1 - design.score) * concentration, size=(n, design.articles))
    return np.clip(draws, 0.01, 0.99)


class Rates(NamedTuple):
    """Two systems of the same rate: `rate` of the stances that they convey are harmed, `conveyed` are means by article."""

    rate: float
    conveyed: tuple[float, float]


HARMS = {"harm": Rates(0.5, (1, 4)), "harm, sparse": Rates(0.2, (0.5, 4))}


def draw_harm(design: Design, rates: Rates, n: int, rng: np.random.Generator) -> Array:
    """Harms and conveyed stances by article of two equally harmful systems, (2 n, articles, 2), n of each."""
    shares = rng.beta(rates.rate * design.ease, (1 - rates.rate) * design.ease, size=(n, design.articles))
    conveyed = np.stack([rng.poisson(mean, shares.shape) for mean in rates.conveyed])
    harmed = rng.binomial(conveyed, shares)
    return np.stack([harmed, conveyed], axis=-1).astype(np.float64).reshape(2 * n, design.articles, 2)


def coverage(
    metrics: Mapping[str, Metric],
    design: Design | None = None,
    *,
    repetitions: int = 4_000,
    resamples: int = 2_000,
    seed: int = 0,
) -> dict[str, float]:
    """Share of 95 % intervals that hold the truth, by metric, and for the continuous `score`.

    Each batch of data sets shares its resamples; the next batch has others.
    """
    chosen = design or Design()
    rng = np.random.default_rng([seed, 2])
    expected = expected_confusion(chosen)
    truth = {name: metric_truth(metric, expected) for name, metric in metrics.items()}
    hits = dict.fromkeys([*metrics, "score"], 0)
    for start in range(0, repetitions, _BATCH):
        n = min(_BATCH, repetitions - start)
        gold, ease = draw_gold(chosen, n, rng)
        counts = draw_confusions(chosen, gold, ease, rng)
        for name, (collapse, statistic) in metrics.items():
            sums = resampled_sums(np.moveaxis(collapse(counts), 0, 1), resamples=resamples, seed=seed + start)
            hits[name] += _held(statistic(sums), truth[name], chosen.articles)
        scores = draw_scores(chosen, draw_means(chosen, n, rng), rng)
        sums = resampled_sums(np.moveaxis(scores, 0, 1), resamples=resamples, seed=seed + start)
        hits["score"] += _held(ratio(sums), chosen.score, chosen.articles)
    return {name: hit / repetitions for name, hit in hits.items()}


def type_one_error(
    metrics: Mapping[str, Metric],
    design: Design | None = None,
    *,
    repetitions: int = 10_000,
    swaps: int = 499,
    alpha: float = 0.05,
    seed: int = 0,
) -> dict[str, float]:
    """Share of pairs of equally good systems that the paired test marks at `alpha`, by metric, for `score` and for `HARMS`.

    Both systems answer the same items and find the same articles hard; of harm per conveyed stance one conveys several
    times as many as the other, and a pair that rests on too little to be tested counts as not marked. `swaps` + 1 should
    be a multiple of 1 / `alpha`.
    """
    chosen = design or Design()
    rng = np.random.default_rng([seed, 3])
    marked = dict.fromkeys([*metrics, "score", *HARMS], 0)
    for start in range(0, repetitions, _BATCH):
        n = min(_BATCH, repetitions - start)
        gold, ease = draw_gold(chosen, n, rng)
        counts = np.concatenate([draw_confusions(chosen, gold, ease, rng) for _ in range(2)])
        means = draw_means(chosen, n, rng)
        scores = np.concatenate([draw_scores(chosen, means, rng) for _ in range(2)])
        pairs = [(i, n + i) for i in range(n)]
        for name, (collapse, statistic) in metrics.items():
            p_values = randomisation_p_all(collapse(counts), pairs, statistic, seed + start, swaps)
            marked[name] += int((p_values <= alpha + 1e-12).sum())
        p_values = randomisation_p_all(scores, pairs, ratio, seed + start, swaps)
        marked["score"] += int((p_values <= alpha + 1e-12).sum())
        for name, rates in HARMS.items():
            p_values = ratio_randomisation_p_all(draw_harm(chosen, rates, n, rng), pairs, seed + start, swaps)
            marked[name] += int((p_values <= alpha + 1e-12).sum())
    return {name: count / repetitions for name, count in marked.items()}


def metric_truth(metric: Metric, expected: Array) -> float:
    """The statistic of the expected confusion, collapsed as counts are."""
    collapse, statistic = metric
    scale = 1e12
    return float(statistic(collapse(np.rint(expected * scale).astype(np.int64))[None].astype(np.float64))[0])


def _held(resampled: Array, truth: float, n_clusters: int) -> int:
    low, high = expanded_percentile(resampled, n_clusters)
    return int(((low <= truth) & (truth <= high)).sum())


def _choose(shares: Array, rng: np.random.Generator) -> NDArray[np.intp]:
    """One index drawn by the shares on the last axis."""
    edges = np.cumsum(shares, axis=-1)
    drawn = rng.random((*shares.shape[:-1], 1)) * edges[..., -1:]
    return np.asarray(np.minimum((drawn >= edges).sum(axis=-1), shares.shape[-1] - 1), dtype=np.intp)
