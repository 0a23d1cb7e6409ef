"""Speed of our ROUGE against google's rouge-score, both cold, on one thread, over the same pairs in one run.

    python -m bench.rouge --external DIR

DIR holds summary_judgements/SummEval.jsonl. The medians of interleaved repeats are printed, with their ratio and the
largest difference of any precision, recall or F.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from harness.metrics import rouge
from harness.text import porter
from harness.text.sentences import with_sentence_newlines


@dataclass(frozen=True)
class RougeBench:
    """Seconds are medians over `repeats`; `pairs` × 4 variants with the stemmer."""

    pairs: int
    repeats: int
    ours_seconds: float
    rouge_score_seconds: float
    largest_difference: float

    @property
    def ratio(self) -> float:
        return self.rouge_score_seconds / self.ours_seconds


def summeval_pairs(external: Path, n: int, seed: int = 0) -> list[tuple[str, str]]:
    """`n` seeded (system summary, one of its eleven references), one sentence a line, in file order."""
    lines = (external / "summary_judgements" / "SummEval.jsonl").read_text(encoding="utf-8").splitlines()
    pairs = [
        (system["sys_summ"], reference)
        for document in map(json.loads, lines)
        for system in document["sys_summs"].values()
        for reference in document["ref_summs"]
    ]
    chosen = sorted(random.Random(seed).sample(range(len(pairs)), min(n, len(pairs))))
    return [(with_sentence_newlines(pairs[i][0]), with_sentence_newlines(pairs[i][1])) for i in chosen]


def clear_caches() -> None:
    """Forget every word, token and n-gram, so that each repeat starts cold."""
    for cached in (porter.stem_long, rouge._lines, rouge._tokens, rouge._ngrams, rouge._columns):
        cached.cache_clear()


def measure(external: Path, pairs: int = 2000, repeats: int = 3) -> RougeBench:
    """Run both, taking turns."""
    from rouge_score.rouge_scorer import RougeScorer

    texts = summeval_pairs(external, pairs)
    ours_seconds: list[float] = []
    their_seconds: list[float] = []
    difference = 0.0
    for _ in range(repeats):
        clear_caches()
        start = time.perf_counter()
        ours = [rouge.rouge_pair(p, r) for p, r in texts]
        ours_seconds.append(time.perf_counter() - start)

        start = time.perf_counter()
        scorer = RougeScorer(list(rouge.VARIANTS), use_stemmer=True)
        theirs = [scorer.score(r, p) for p, r in texts]
        their_seconds.append(time.perf_counter() - start)
        difference = max(
            abs(a - b) for o, t in zip(ours, theirs, strict=True) for v in o for a, b in zip(o[v], t[v], strict=True)
        )
    return RougeBench(
        len(texts), repeats, statistics.median(ours_seconds), statistics.median(their_seconds), difference
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--external", type=Path, default=Path("../shared/external"))
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    result = measure(arguments.external, arguments.pairs, arguments.repeats)
    print(f"{result.pairs} pairs x 4 variants, stemmer on, one thread, cold; median of {result.repeats}")
    print(f"rouge-score 0.1.2   {result.rouge_score_seconds:8.2f} s")
    print(f"harness             {result.ours_seconds:8.2f} s")
    print(f"ratio               {result.ratio:8.1f}x")
    print(f"largest difference  {result.largest_difference:8.1e}")


if __name__ == "__main__":
    main()
