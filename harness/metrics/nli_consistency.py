"""Whether an article's sentences entail a summary's: SummaC-ZS (Laban 2022), over any NLI model that is handed in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.text.sentences import Sentence, sentences

Entails = Callable[[Sequence[tuple[str, str]]], Sequence[float]]
"""Probabilities in [0, 1] that the first text of each pair entails the second."""


@dataclass(frozen=True, slots=True)
class SentenceSupport:
    """A summary sentence, the article's sentence that entails it best (the first of equals), and the probability."""

    sentence: Sentence
    best: Sentence
    entailment: float


@dataclass(frozen=True, slots=True)
class Consistency:
    """`score` in [0, 1] is the mean over summary sentences of the best entailment; None if there are none."""

    score: float | None
    sentences: tuple[SentenceSupport, ...] = ()
    reason: str | None = None


def signature(model: str, weights: str) -> str:
    """What a reader must know to compare two values; `weights` is their hash or commit."""
    return f"summac-zs|model:{model}|{weights}|granularity:sentence|max of entailment|mean"


def summac_pairs(summary: str, article: str, language: str = "en") -> list[tuple[str, str]]:
    """Every (article sentence, summary sentence), summary sentence by summary sentence; what the model must answer."""
    premises = [s.text for s in sentences(article, language)]
    return [(premise, s.text) for s in sentences(summary, language) for premise in premises]


def summac_zs(summary: str, article: str, entails: Entails, language: str = "en") -> Consistency:
    """Mean over the summary's sentences of the greatest entailment by any sentence of the article (section 4.1).

    Raises ValueError when the model answers with another number of values, or one outside [0, 1].
    """
    claims, premises = sentences(summary, language), sentences(article, language)
    if not claims:
        return Consistency(None, reason="the summary is empty")
    if not premises:
        return Consistency(None, reason="the article is empty")
    pairs = summac_pairs(summary, article, language)
    values = [float(v) for v in entails(pairs)]
    if len(values) != len(pairs):
        raise ValueError(f"the NLI model gave {len(values)} values for {len(pairs)} pairs")
    if not all(math.isfinite(v) and 0 <= v <= 1 for v in values):
        raise ValueError("the NLI model gave a value that is no probability")
    width = len(premises)
    support: list[SentenceSupport] = []
    for i, claim in enumerate(claims):
        row = values[i * width : (i + 1) * width]
        best = max(range(width), key=row.__getitem__)
        support.append(SentenceSupport(claim, premises[best], row[best]))
    return Consistency(sum(s.entailment for s in support) / len(support), tuple(support))
