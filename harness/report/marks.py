"""How an answer stands beside gold: one rule for the page, which gets it as a table, and for the terminal."""

from __future__ import annotations

from harness.types import STANCES, Stance

MARKS = {
    "right": ("✓", "as gold"),
    "near": ("≈", "right side, other degree"),
    "wrong": ("✗", "wrong side"),
    "flip": ("⇄", "flipped"),
}
"""Glyph and words of each mark."""


def mark(gold: Stance, told: Stance | None) -> str:
    """Which of MARKS an answer gets; unparsed (None) is wrong, as in the three-way scores."""
    if told is None:
        return "wrong"
    if told == gold:
        return "right"
    if (gold.degree or 0) * (told.degree or 0) < 0:
        return "flip"
    return "near" if gold.three_way == told.three_way else "wrong"


def mark_table() -> list[list[str]]:
    """The marks by code of gold and code of the answer, the last one of an answer that could not be parsed."""
    return [[mark(gold, told) for told in (*STANCES, None)] for gold in STANCES]
