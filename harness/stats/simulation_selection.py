"""How often a report of equal systems says that one is worse, by simulation: the chance of any false mark among all pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from harness.stats.bootstrap import Array, Statistic, resampled_sums
from harness.stats.ranking import pair_tests
from harness.stats.simulation import (
    Design,
    Metric,
    Rates,
    draw_confusions,
    draw_gold,
    draw_means,
    draw_scores,
    expected_confusion,
    metric_truth,
)

_ALPHA = 0.05
_COUNTS_A_BATCH = 5_000
STYLES: Mapping[str, tuple[tuple[float, ...], ...]] = {
    "balanced": Design().confusion,
    # errs towards neutral and no_stance
    "cautious": (
        (0.0, 0.1, 0.4, 0.0, 0.0, 0.5, 0.0),
        (0.1, 0.0, 0.5, 0.0, 0.0, 0.4, 0.0),
        (0.1, 0.1, 0.0, 0.1, 0.1, 0.6, 0.0),
        (0.0, 0.0, 0.5, 0.0, 0.1, 0.4, 0.0),
        (0.0, 0.0, 0.4, 0.1, 0.0, 0.5, 0.0),
        (0.0, 0.1, 0.8, 0.1, 0.0, 0.0, 0.0),
    ),
    # errs towards support
    "one-sided": (
        (0.0, 0.1, 0.1, 0.3, 0.5, 0.0, 0.0),
        (0.1, 0.0, 0.1, 0.3, 0.5, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.4, 0.5, 0.1, 0.0),
        (0.0, 0.0, 0.1, 0.0, 0.9, 0.0, 0.0),
        (0.0, 0.0, 0.1, 0.9, 0.0, 0.0, 0.0),
        (0.0, 0.0, 0.2, 0.4, 0.4, 0.0, 0.0),
    ),
}
"""Where the errors of equally good classifiers go."""


@dataclass(frozen=True)
class Share:
    """A simulated share with its standard error over `n` repetitions."""

    value: float
    n: int

    @property
    def se(self) -> float:
        """Binomial standard error."""
        return float(np.sqrt(self.value * (1 - self.value) / self.n))


Draw = Callable[[int, int, np.random.Generator], NDArray[np.generic]]
"""Counts of equal systems by article, (reports, systems, G, ...), from the numbers of reports and of systems."""


def false_marks(
    draw: Draw,
    statistic: Statistic,
    n_systems: int,
    *,
    reports: int = 2_000,
    resamples: int = 1_999,
    seed: int = 0,
) -> Share:
    """Share of reports in which any pair of `n_systems` equal systems is told apart at 0.05 by `pair_tests`.

    Every false sign, rank, or "worse by test" of a report rests on such a pair. `statistic` is that of sums over articles.
    """
    rng = np.random.default_rng([seed, 5])
    n_marked = done = 0
    while done < reports:
        n = min(max(1, _COUNTS_A_BATCH // (n_systems * 60)), reports - done)
        counts = np.moveaxis(draw(n, n_systems, rng), 2, 0)
        values = np.asarray(statistic(counts.sum(axis=0).astype(np.float64)), dtype=np.float64)
        drawn = np.asarray(statistic(resampled_sums(counts, resamples=resamples, seed=seed + done)))
        for r in range(n):
            p_values = pair_tests(values[r], drawn[:, r], len(counts)).p_values
            n_marked += bool((p_values <= _ALPHA).any())
        done += n
    return Share(n_marked / reports, reports)


def classifiers(
    metric: Metric, design: Design | None = None, styles: tuple[str, ...] = ("balanced",), truth: float = 0.55
) -> Draw:
    """Classifiers with the same true value of a metric of confusions whose errors go by the `styles`, in turn."""
    chosen = design or Design()
    designs = [_equally_good(metric, chosen._replace(confusion=STYLES[style]), truth) for style in styles]
    return partial(_draw_classifiers, metric, designs)


def _draw_classifiers(
    metric: Metric, designs: list[Design], n: int, n_systems: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    most = max(designs, key=lambda d: d.right)
    gold, ease = draw_gold(most, n, rng)
    collapse, _ = metric
    systems = []
    for i in range(n_systems):
        design = designs[i % len(designs)]
        systems.append(collapse(draw_confusions(design, gold, ease * design.right / most.right, rng)))
    return np.stack(systems, axis=1)


def _equally_good(metric: Metric, design: Design, truth: float) -> Design:
    """The design with the share of right answers at which the metric's true value is `truth`, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        value = metric_truth(metric, expected_confusion(design._replace(right=middle)))
        low, high = (middle, high) if value < truth else (low, middle)
    return design._replace(right=(low + high) / 2)


def scored_systems(design: Design | None = None) -> Draw:
    """Systems with the same mean of a continuous score, such as ROUGE."""
    return partial(_draw_scored, design or Design())


def _draw_scored(design: Design, n: int, n_systems: int, rng: np.random.Generator) -> Array:
    means = draw_means(design, n, rng)
    return np.stack([draw_scores(design, means, rng) for _ in range(n_systems)], axis=1)


def summarisers(rates: Rates, design: Design | None = None) -> Draw:
    """Summarisers of the same harm that convey between the two numbers of stances an article."""
    return partial(_draw_summarisers, design or Design(), rates)


def _draw_summarisers(design: Design, rates: Rates, n: int, n_systems: int, rng: np.random.Generator) -> Array:
    shares = rng.beta(rates.rate * design.ease, (1 - rates.rate) * design.ease, size=(n, 1, design.articles))
    means = np.linspace(*rates.conveyed, n_systems)[None, :, None]
    conveyed = rng.poisson(np.broadcast_to(means, (n, n_systems, design.articles)))
    return np.stack([rng.binomial(conveyed, shares), conveyed], axis=-1).astype(np.float64)
