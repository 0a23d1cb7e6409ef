"""Speed of the statistics: macro-F1 of many systems with 10,000 resamples, all pairs tested, against one pair at a
time.

    python -m bench.resampling

Counts are resampled for all systems by one matrix product; the peer gathers one system's articles in each resample.
"""

from __future__ import annotations

import itertools
import resource
import time

import numpy as np
from numpy.typing import NDArray

from bench.peers import Row, interleaved, row, seconds, show
from harness.metrics import confusion as cm
from harness.stats.bootstrap import expanded_percentile, resampled_sums
from harness.stats.paired import randomisation_p_all

SYSTEMS, ITEMS, RESAMPLES = 40, 1_000, 10_000


def counts(articles: int, seed: int = 0) -> NDArray[np.int64]:
    """Three-way confusions (systems, articles, 3, 4) of systems that are right on half of the items."""
    rng = np.random.default_rng(seed)
    article = np.sort(rng.integers(0, articles, ITEMS))
    gold = rng.integers(0, 6, ITEMS)
    said = [np.where(rng.random(ITEMS) < 0.5, gold, rng.integers(0, 7, ITEMS)) for _ in range(SYSTEMS)]
    return np.stack([cm.collapse(cm.count(article, gold, answers, articles)) for answers in said])


def gather(one: NDArray[np.int64], resamples: int) -> float:
    """Seconds to resample one system's articles by indexing, a resample at a time."""
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    for _ in range(resamples):
        cm.macro_f1(one[rng.integers(0, len(one), len(one))].sum(axis=0).astype(float))
    return time.perf_counter() - start


def main(articles: int = 170, rounds: int = 3) -> list[Row]:
    """Intervals of all systems, and all pairs with interval and test, each against one resample at a time."""
    systems = counts(articles)
    pairs = list(itertools.combinations(range(SYSTEMS), 2))
    drawn: list[NDArray[np.float64]] = []

    def intervals() -> None:
        drawn[:] = [cm.macro_f1(resampled_sums(np.moveaxis(systems, 0, 1), resamples=RESAMPLES))]
        expanded_percentile(drawn[0], articles)

    def tests() -> None:
        for i, j in pairs:
            expanded_percentile(drawn[0][:, i] - drawn[0][:, j], articles)
        randomisation_p_all(systems, pairs, cm.macro_f1, 0, RESAMPLES)

    ours_s, tests_s, slow_s = interleaved(
        [
            lambda: seconds(intervals),
            lambda: seconds(tests),
            lambda: gather(systems[0], RESAMPLES // 100) * 100 * SYSTEMS,
        ],
        rounds,
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    what = f"{SYSTEMS} systems × {ITEMS} items in {articles} articles, {RESAMPLES:,} resamples"
    rows = [
        row(
            f"macro-F1 of {what} / one resample of one system at a time",
            ours_s,
            slow_s,
            "ours <= 2 s",
            "peer extrapolated from a hundredth of one system",
        ),
        row(
            f"all {len(pairs)} pairs of them, interval and test",
            tests_s,
            None,
            "ours <= 12 s",
            f"peak memory of the process {memory:.0f} MiB (at most 1,024)",
        ),
    ]
    show(rows)
    return rows


if __name__ == "__main__":
    main()
