"""Corrections for many tests: Holm over a family declared beforehand, Benjamini-Hochberg for exploratory sweeps."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

Test = TypeVar("Test", bound=Hashable)


def holm(p_values: Mapping[Test, float | None]) -> dict[Test, float | None]:
    """Holm-adjusted p-values (Holm 1979): at most alpha of families have any false mark at adjusted p <= alpha.

    A test that could not be made (None) stays None and still counts in the size of the declared family.
    """
    return _adjusted(p_values, holm=True)


def benjamini_hochberg(p_values: Mapping[Test, float | None]) -> dict[Test, float | None]:
    """Adjusted p-values that bound the expected share of false marks (Benjamini & Hochberg 1995), for exploring.

    A test that could not be made (None) stays None and still counts in the number of tests.
    """
    return _adjusted(p_values, holm=False)


def holm_level(adjusted: Sequence[float | None], alpha: float = 0.05) -> float:
    """The level that the next test of a family has to pass, given the adjusted p-values: alpha / those not marked yet."""
    marked = sum(p is not None and p <= alpha for p in adjusted)
    return alpha / max(1, len(adjusted) - marked)


def benjamini_hochberg_level(adjusted: Sequence[float | None], alpha: float = 0.05) -> float:
    """The level that one more test has to pass, given the adjusted p-values: alpha x (marked + 1) / all."""
    marked = sum(p is not None and p <= alpha for p in adjusted)
    return alpha * min(1.0, (marked + 1) / max(1, len(adjusted)))


# statsmodels has both and scipy the second, but importing scipy.stats takes 1.1 s beside the 1.5 s of a whole report.
def _adjusted(p_values: Mapping[Test, float | None], *, holm: bool) -> dict[Test, float | None]:
    """Of m p-values the i-th smallest times m - i + 1, never less than one before it (Holm), or times m / i, never more than
    one after it (Benjamini and Hochberg); a missing one stands in as 1."""
    filled = {test: 1.0 if p is None else p for test, p in p_values.items()}
    for test, p in filled.items():
        if not 0 <= p <= 1:
            raise ValueError(f"p-value of {test!r} is {p}")
    order, n = sorted(filled, key=filled.__getitem__), len(filled)
    if holm:
        adjusted = list(accumulate((min(1.0, (n - i) * filled[test]) for i, test in enumerate(order)), max))
    else:
        scaled = [min(1.0, n / (i + 1) * filled[test]) for i, test in enumerate(order)]
        adjusted = list(accumulate(reversed(scaled), min))[::-1]
    by_test = dict(zip(order, adjusted, strict=True))
    return {test: None if p is None else by_test[test] for test, p in p_values.items()}
