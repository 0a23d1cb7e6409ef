"""Every sign of the reports with its one meaning, for page, terminal, Markdown and LaTeX alike."""

from __future__ import annotations

from harness.types import STANCES, Stance

BEST = "▲"
TIED = "≈"
"""Beside a value: no test puts another system above it. Beside a difference: no test tells it from the baseline."""
REAL = "≠"
ARROWS = {1: "↑", -1: "↓", 0: ""}
"""Which way of a metric is better, by its direction."""
MEANINGS = {
    BEST: "best value",
    TIED: "may be the best: no test puts another above it",
    REAL: "real after correction",
    ARROWS[1]: "higher is better",
    ARROWS[-1]: "lower",
}
"""What a legend says of the signs of a table."""

SCALE = ("−−", "−", "0", "+", "++", "∅")
"""A sign for each of STANCES, where there is no room for its name."""

MARKS = {
    "right": ("✓", "as gold"),
    "near": ("½", "right side, other degree"),
    "wrong": ("✗", "wrong side"),
    "flip": ("⇄", "flipped"),
}
"""Sign and words for how an answer stands beside gold."""


HARMED = "!"
"""Before a stance that a summary misstates in another way than by flipping it."""


def mark(gold: Stance, answer: Stance | None) -> str:
    """Which of MARKS an answer gets; an unparsed one (None) is wrong, as in the three-way scores."""
    if answer is None:
        return "wrong"
    if answer == gold:
        return "right"
    if (gold.degree or 0) * (answer.degree or 0) < 0:
        return "flip"
    return "near" if gold.three_way == answer.three_way else "wrong"


def mark_table() -> list[list[str]]:
    """The marks by code of gold and code of the answer, the last one of an answer that could not be parsed."""
    return [[mark(gold, answer) for answer in (*STANCES, None)] for gold in STANCES]


def meaning(sign: str) -> str:
    """A sign and what it means, as a legend has it."""
    return f"{sign} {MEANINGS[sign]}"
