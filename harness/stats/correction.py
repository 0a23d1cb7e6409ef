"""Corrections for many tests: Holm over a family declared beforehand, Benjamini-Hochberg for exploratory sweeps."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Test = TypeVar("Test", bound=Hashable)


def holm(p_values: Mapping[Test, float | None]) -> dict[Test, float | None]:
    """Holm-adjusted p-values (Holm 1979): at most alpha of families have any false mark at adjusted p <= alpha.

    A test that could not be made (None) stays None and still counts in the size of the declared family.
    """
    return _adjust(p_values, "holm")


def benjamini_hochberg(p_values: Mapping[Test, float | None]) -> dict[Test, float | None]:
    """Adjusted p-values that bound the expected share of false marks (Benjamini & Hochberg 1995), for exploring.

    A test that could not be made (None) stays None and still counts in the number of tests.
    """
    return _adjust(p_values, "fdr_bh")


def holm_level(adjusted: Sequence[float | None], alpha: float = 0.05) -> float:
    """The level that the next test of a family has to pass, given the adjusted p-values: alpha / those not marked yet."""
    marked = sum(p is not None and p <= alpha for p in adjusted)
    return alpha / max(1, len(adjusted) - marked)


def benjamini_hochberg_level(adjusted: Sequence[float | None], alpha: float = 0.05) -> float:
    """The level that one more test has to pass, given the adjusted p-values: alpha x (marked + 1) / all."""
    marked = sum(p is not None and p <= alpha for p in adjusted)
    return alpha * min(1.0, (marked + 1) / max(1, len(adjusted)))


def _adjust(p_values: Mapping[Test, float | None], method: str) -> dict[Test, float | None]:
    for test, p in p_values.items():
        if p is not None and not 0 <= p <= 1:
            raise ValueError(f"p-value of {test!r} is {p}")
    tests = list(p_values)
    raw = [1.0 if p is None else p for p in p_values.values()]
    adjusted = (_step_down if method == "holm" else _step_up)(raw)
    return {test: None if p_values[test] is None else q for test, q in zip(tests, adjusted, strict=True)}


# statsmodels has both and scipy the second, but importing scipy.stats takes 1.1 s beside the 1.5 s of a whole report.
def _step_down(raw: Sequence[float]) -> list[float]:
    """Holm: the i-th smallest of m p-values times m - i + 1, never less than one before it."""
    adjusted, reached = [0.0] * len(raw), 0.0
    for rank, i in enumerate(sorted(range(len(raw)), key=raw.__getitem__)):
        reached = max(reached, min(1.0, (len(raw) - rank) * raw[i]))
        adjusted[i] = reached
    return adjusted


def _step_up(raw: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg: the i-th smallest of m p-values times m / i, never more than one after it."""
    adjusted, reached = [0.0] * len(raw), 1.0
    for rank, i in reversed(list(enumerate(sorted(range(len(raw)), key=raw.__getitem__)))):
        reached = min(reached, len(raw) / (rank + 1) * raw[i])
        adjusted[i] = reached
    return adjusted
