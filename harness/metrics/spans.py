"""Overlap of evidence: how much of two sets of passages of one text is shared."""

from __future__ import annotations

import re
from collections.abc import Iterable

Span = tuple[int, int]
"""Half-open code-point offsets into a text."""

_WORD = re.compile(r"\w+")


def covered(spans: Iterable[Span]) -> set[int]:
    """Code points inside any of the spans."""
    return {i for start, end in spans for i in range(start, end)}


def overlap_f1(a: Iterable[Span], b: Iterable[Span]) -> float | None:
    """Character F1 of two sets of spans, in [0, 1]: 2 |A and B| / (|A| + |B|); None where both are empty."""
    return _f1(covered(a), covered(b))


def token_f1(text: str, a: Iterable[Span], b: Iterable[Span]) -> float | None:
    """Token F1 of two sets of spans, in [0, 1]; a word (Unicode letters and digits) counts where a span touches it.

    None where neither touches a word.
    """
    words = [match.span() for match in _WORD.finditer(text)]

    def touched(spans: Iterable[Span]) -> set[int]:
        chosen = list(spans)
        return {
            i for i, (start, end) in enumerate(words) if any(start < stop and begin < end for begin, stop in chosen)
        }

    return _f1(touched(a), touched(b))


def exact_match(a: Iterable[Span], b: Iterable[Span]) -> bool:
    """Whether both sets cover exactly the same characters, in however many pieces."""
    return covered(a) == covered(b)


def _f1(a: set[int], b: set[int]) -> float | None:
    return 2 * len(a & b) / (len(a) + len(b)) if a or b else None
