"""A summary's wording: chrF with its references, fragments shared with its article, novelty, repetition, length.

All but chrF work on `unicode_tokens`, so every script counts. None stands for a value that a text does not have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from harness.errors import MetricRefused
from harness.text.scripts import unicode_tokens


def chrf(summary: str, references: Sequence[str]) -> float:
    """chrF2 of sacrebleu, in [0, 100], mean over references (Popović 2015); 0 for an empty summary.

    Raises MetricRefused without references.
    """
    if not references:
        raise MetricRefused("chrf needs at least one reference summary", hint="add `summaries` to the article")
    from sacrebleu.metrics.chrf import CHRF

    metric = CHRF()
    scores = [float(metric.sentence_score(summary, [reference]).score) for reference in references]
    return sum(scores) / len(scores)


@cache
def chrf_signature() -> str:
    """Names the library's version without importing it."""
    from importlib.metadata import version

    return f"chrF2|nc:6|nw:0|space:no|case:mixed|refs:mean|sacrebleu:{version('sacrebleu')}"


class Fragments(NamedTuple):
    """Grusky 2018, equations 1 to 3: `coverage` in [0, 1], `density` and `compression` in [0, inf)."""

    coverage: float
    density: float
    compression: float


def fragments(summary: str, article: str) -> Fragments | None:
    """Extractive coverage and density, and compression, on case-folded words; None for a summary without words.

    The summary is cut greedily into the longest runs that the article has too; coverage is the share of its words in
    such runs, density the sum of the runs' squared lengths per word, compression the article's words per summary word.
    """
    words, source = unicode_tokens(summary), unicode_tokens(article)
    if not words:
        return None
    lengths = shared_fragments(words, source)
    n = len(words)
    return Fragments(sum(lengths) / n, sum(length * length for length in lengths) / n, len(source) / n)


def shared_fragments(words: Sequence[str], source: Sequence[str]) -> list[int]:
    """Lengths of the greedy longest runs of `words` that occur in `source` (Grusky 2018, figure 3)."""
    # One bit per position of the source: those at which the run so far ends.
    places: dict[str, int] = {}
    for i, word in enumerate(source):
        places[word] = places.get(word, 0) | (1 << i)
    lengths: list[int] = []
    i = 0
    while i < len(words):
        ends = places.get(words[i], 0)
        start = i
        i += 1
        if not ends:
            continue
        while i < len(words) and (longer := (ends << 1) & places.get(words[i], 0)):
            ends = longer
            i += 1
        lengths.append(i - start)
    return lengths


def novel_ngrams(summary: str, article: str, n: int) -> float | None:
    """Share in [0, 1] of the summary's distinct n-grams that the article lacks (See 2017); None under n words."""
    ngrams = set(_ngrams(unicode_tokens(summary), n))
    if not ngrams:
        return None
    return len(ngrams - set(_ngrams(unicode_tokens(article), n))) / len(ngrams)


def repetition(summary: str, n: int = 3) -> float | None:
    """Share in [0, 1) of the summary's n-grams that repeat an earlier one; None with fewer than n words."""
    counts = Counter(_ngrams(unicode_tokens(summary), n))
    total = counts.total()
    return 1 - len(counts) / total if total else None


def word_count(text: str) -> int:
    """Words; each character of a script that is written without spaces is one."""
    return len(unicode_tokens(text))


def _ngrams(tokens: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
