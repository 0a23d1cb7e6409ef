"""Overlap of evidence: how much of two sets of passages of one text is shared."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]
"""Half-open code-point offsets into a text."""


def covered(spans: Iterable[Span]) -> set[int]:
    """Code points inside any of the spans."""
    return {i for start, end in spans for i in range(start, end)}


def overlap_f1(a: Iterable[Span], b: Iterable[Span]) -> float | None:
    """Character F1 of two sets of spans, in [0, 1]: 2 |A and B| / (|A| + |B|); None where both are empty."""
    first, second = covered(a), covered(b)
    return 2 * len(first & second) / (len(first) + len(second)) if first or second else None


def exact_match(a: Iterable[Span], b: Iterable[Span]) -> bool:
    """Whether both sets cover exactly the same characters, in however many pieces."""
    return covered(a) == covered(b)
