"""Speed of the statistics: macro-F1 of many systems with 10,000 resamples, all pairs tested, against one pair at a
time.

    python -m bench.resampling

Prints seconds, the ratio of resampling counts by one matrix product to gathering items in each resample (measured on a
hundredth of the resamples, in the same run), and the peak memory of the process.
"""

from __future__ import annotations

import itertools
import resource
import time

import numpy as np
from numpy.typing import NDArray

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


def main() -> None:
    for articles in (170, ITEMS):
        systems = counts(articles)
        start = time.perf_counter()
        values = cm.macro_f1(resampled_sums(np.moveaxis(systems, 0, 1), resamples=RESAMPLES))
        expanded_percentile(values, articles)
        intervals = time.perf_counter() - start
        pairs = list(itertools.combinations(range(SYSTEMS), 2))
        start = time.perf_counter()
        for i, j in pairs:
            expanded_percentile(values[:, i] - values[:, j], articles)
        randomisation_p_all(systems, pairs, cm.macro_f1, 0, RESAMPLES)
        tests = time.perf_counter() - start
        slow = gather(systems[0], RESAMPLES // 100) * 100 * SYSTEMS
        print(f"{articles} articles, {SYSTEMS} systems × {ITEMS} items, {RESAMPLES:,} resamples")
        print(f"  intervals {intervals:.2f} s ({slow / intervals:.0f} times faster than gathering)")
        print(f"  {len(pairs)} pairs, interval and test {tests:.2f} s")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
