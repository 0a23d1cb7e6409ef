"""From scores to a stance: probabilities of the labels, the likeliest of them, and what a first token's letters say."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.types import STANCES, Stance


def likeliest(values: Mapping[Stance, float]) -> Stance:
    """The label with the greatest value; of equal ones the first on the scale."""
    return max(STANCES, key=lambda label: values[label])


def softmax(values: Mapping[Stance, float]) -> dict[str, float]:
    """Probabilities in proportion to exp(value); of log-probabilities they are the normalised probabilities."""
    top = max(values.values())
    weights = {label: math.exp(value - top) for label, value in values.items()}
    total = sum(weights.values())
    return {str(label): weight / total for label, weight in weights.items()}


def letter_scores(logprobs: Mapping[str, float], letters: Mapping[str, Stance]) -> dict[Stance, float] | None:
    """Probabilities of the labels from the first token's log-probabilities; None if letters have less than half of its
    probability: the reply begins otherwise then (`**E**`, `Support`), and its text says more.

    Tokens that differ in white space or case are one letter. A letter that is not listed gets the probability of the
    least listed token, which it cannot exceed, or what the listed ones leave, if that is less; then all are normalised.
    With two letters, `{"A": log 0.6, " a": log 0.2, "The": log 0.1}` gives A 0.8 and B 0.1 before, 8/9 and 1/9 after.
    """
    weights: dict[Stance, float] = {}
    for token, value in logprobs.items():
        label = letters.get(token.strip(" \n\t▁Ġ.()*").upper())
        if label is not None:
            weights[label] = weights.get(label, 0.0) + math.exp(value)
    if math.fsum(weights.values()) < 0.5:
        return None
    listed = [math.exp(value) for value in logprobs.values()]
    bound = min(*listed, max(0.0, 1.0 - math.fsum(listed)))
    filled = {label: weights.get(label, bound) for label in letters.values()}
    total = math.fsum(filled.values())
    return {label: weight / total for label, weight in filled.items()}
