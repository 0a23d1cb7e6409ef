"""Checks by simulation of what a report concludes: who is best, how much harm a good summariser does, what a judge is worth.

`harness verify` simulates the part of each grid that takes a minute in all; `harness verify --full` all of it, in up to half an
hour. Every row says its number of repetitions and the standard error of the share.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.metrics import confusion as cm
from harness.stats.bootstrap import (
    MOST_RESAMPLED,
    Statistic,
    analytic_interval,
    expanded_percentile,
    ratio,
    resampled_sums,
)
from harness.stats.moments import Moments
from harness.stats.simulation import Rates
from harness.stats.simulation_judge import JudgedSummaries, estimator_quality, validation_quality
from harness.stats.simulation_rates import harm_misses
from harness.stats.simulation_selection import STYLES, classifiers, false_marks, scored_systems, summarisers
from harness.verify.check import Check

SIMULATED = "simulation, seeded"
REPETITIONS = 2_000
BRIEF: Mapping[int, tuple[int, int]] = MappingProxyType({2: (5_000, 999), 10: (4_000, 999)})
FULL: Mapping[int, tuple[int, int]] = MappingProxyType({2: (10_000, 999), 10: (8_000, 999), 40: (2_000, 2_999)})
"""By number of systems: reports that are simulated, and resamples of each. A report has 10,000; of many pairs fewer than some
thousand leave the standard errors too uncertain."""
MACRO_F1 = (cm.collapse, cm.macro_f1)
MOST_FALSE = 0.057
LEAST_COVERAGE = 0.93
MOST_BIAS = 0.5
"""Points of harm."""
ACCURACIES, HARMS, SIZES = (0.5, 0.7, 0.9, 0.98, 1.0), (0.03, 0.1, 0.4), (60, 100)


def simulated_checks(*, full: bool) -> Iterator[Check]:
    """All rows, those of `harness verify` or of `harness verify --full`."""
    for n, (reports, resamples) in (FULL if full else BRIEF).items():
        yield from selection_checks(n, reports, resamples)
    yield from harm_checks((30, 60) if full else (60,))
    yield from estimator_checks(ACCURACIES if full else (0.5, 0.98), SIZES if full else SIZES[:1])
    yield from validation_checks((0.05, 0.15) if full else (0.15,))
    yield from analytic_checks()


def selection_checks(n: int, reports: int, resamples: int) -> Iterator[Check]:
    """Share of reports of `n` equal systems with any false mark: at most 5.7 %, with an equal baseline in the family, too."""
    rows = (
        ("macro-F1", classifiers(MACRO_F1), cm.macro_f1, True),
        (
            "macro-F1, balanced, cautious and one-sided in turn",
            classifiers(MACRO_F1, styles=tuple(STYLES)),
            cm.macro_f1,
            False,
        ),
        ("mean of a continuous score (ROUGE)", scored_systems(), ratio, False),
        ("harm of 10 %, 2 to 6 stances an article", summarisers(Rates(0.1, (2, 6))), ratio, False),
    )
    source = f"{SIMULATED}: {reports:,} reports of 60 articles × 6 items, {resamples:,} resamples"
    for name, draw, statistic, with_baseline in rows:
        for n_baselines in (0, 1) if with_baseline else (0,):
            share = false_marks(draw, statistic, n + n_baselines, reports=reports, resamples=resamples)
            also = " and a baseline" if n_baselines else ""
            what = f"reports with a false mark, {n} equal systems{also}: {name}"
            note = f"± {share.se:.4f}"
            yield Check(what, 0.05, share.value, None, source, (0.0, MOST_FALSE), note=note)


def harm_checks(articles: tuple[int, ...], repetitions: int = REPETITIONS) -> Iterator[Check]:
    """Coverage of harm's interval for good summarisers, and how often the truth lies above its upper end."""
    for n in articles:
        source = f"{SIMULATED}: {repetitions:,} data sets of {n} articles, intraclass correlation 0.2"
        for rate in (0.02, 0.05):
            for conveyed in (4, 8):
                misses = harm_misses(rate, conveyed, articles=n, repetitions=repetitions)
                what = f"harm of {rate:.0%}, {n} articles that convey {conveyed} each"
                note = f"± {_se(misses.coverage, misses.n):.4f}; median width {misses.width:.1f} points"
                yield Check(
                    f"95 % interval's coverage, {what}",
                    0.95,
                    misses.coverage,
                    None,
                    source,
                    (LEAST_COVERAGE, 1),
                    note=note,
                )
                note = f"± {_se(misses.below, misses.n):.4f}"
                yield Check(
                    f"truth above the upper end, {what}", 0.025, misses.below, None, source, (0.0, 0.035), note=note
                )


def estimator_checks(
    accuracies: tuple[float, ...], sizes: tuple[int, ...], repetitions: int = REPETITIONS
) -> Iterator[Check]:
    """Bias (in points) and coverage of the difference estimator of harm, by the judge's accuracy, harm and labels."""
    source = f"{SIMULATED}: {repetitions:,} samples, 60 articles × 6 triples"
    for n in sizes:
        for harm in HARMS:
            for accuracy in accuracies:
                quality = estimator_quality(JudgedSummaries(accuracy, harm), n, repetitions=repetitions)["harm"]
                what = f"harm of {harm:.0%} with {n} hand labels and a judge right in {accuracy:.0%}"
                bias = f"± {quality.bias_se:.2f}"
                yield Check(f"bias in points, {what}", 0.0, quality.bias, MOST_BIAS, source, note=bias)
                width = f"± {_se(quality.coverage, quality.n):.4f}; median width {quality.width:.1f} points"
                yield Check(
                    f"95 % interval's coverage, {what}",
                    0.95,
                    quality.coverage,
                    None,
                    source,
                    (LEAST_COVERAGE, 1),
                    note=width,
                )


def validation_checks(harms: tuple[float, ...], repetitions: int = 1_000) -> Iterator[Check]:
    """How often a judge that finds six harms of ten is validated, and coverage of its sensitivity and precision."""
    source = f"{SIMULATED}: {repetitions:,} samples, all reported harms and 200 others of 60 × 6 triples"
    for harm in harms:
        quality = validation_quality(0.6, 0.97, harm, repetitions=repetitions)
        what = f"judge of sensitivity 0.6 and specificity 0.97 at {harm:.0%} harm"
        note = f"± {_se(quality.validated, quality.n):.4f}"
        yield Check(f"validated by mistake, {what}", 0.0, quality.validated, None, source, (0.0, 0.025), note=note)
        for name, share in (("sensitivity", quality.sensitivity), ("precision", quality.precision)):
            note = f"± {_se(share, quality.n):.4f}"
            yield Check(f"coverage of {name}, {what}", 0.95, share, None, source, (LEAST_COVERAGE, 1), note=note)


def analytic_checks(n: int = MOST_RESAMPLED) -> Iterator[Check]:
    """Width of the interval that stands for the bootstrap's beyond `n` articles, against the bootstrap's at `n`: within 2 %."""
    counts = resembling(n)
    drawn = resampled_sums(counts)
    rows: tuple[tuple[str, Statistic, Callable[[NDArray[Any]], NDArray[Any]]], ...] = (
        ("accuracy, six labels", cm.accuracy, _as_it_is),
        ("macro-F1, three-way", cm.macro_f1, cm.collapse),
        ("kappa", cm.quadratic_kappa, cm.on_scale),
        ("macro-averaged MAE", cm.mae_macro, cm.on_scale),
    )
    for name, statistic, scaled in rows:
        low, high = expanded_percentile(statistic(scaled(drawn)), n)
        analytic = analytic_interval(Moments.of(scaled(counts)), statistic)
        assert analytic.low is not None
        assert analytic.high is not None
        yield Check(
            f"width of the analytic interval of {name} / the bootstrap's, {n:,} articles",
            1.0,
            (analytic.high - analytic.low) / float(high - low),
            None,
            f"{SIMULATED}: four stances an article, one draw, 10,000 resamples",
            (0.98, 1.02),
        )


def resembling(n: int) -> NDArray[np.int64]:
    """Six-label confusions (n, 6, 7) of four stances an article, of which those of one article resemble each other."""
    rng = np.random.default_rng(1)
    gold = (rng.integers(0, 6, size=(n, 1)) + rng.integers(0, 2, size=(n, 4))) % 6
    answers = np.where(rng.random((n, 4)) < rng.beta(4, 3, size=(n, 1)), gold, rng.integers(0, 7, size=(n, 4)))
    return cm.count(np.repeat(np.arange(n), 4), gold.ravel(), answers.ravel(), n)


def _as_it_is(counts: NDArray[Any]) -> NDArray[Any]:
    return counts


def _se(share: float, n: int) -> float:
    return math.sqrt(share * (1 - share) / n)
