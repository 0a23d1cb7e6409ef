"""BERTScore (Zhang 2020): greedy matching of token embeddings, over any encoder that is handed in."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import MetricRefused

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Encoded:
    """Tokens of a text without the special ones, their vectors (n, d), and how many more the encoder could not see."""

    tokens: tuple[Hashable, ...]
    vectors: NDArray[np.floating]
    n_cut: int = 0


Encode = Callable[[Sequence[str]], Sequence[Encoded]]
"""Tokens and vectors of texts, in their order."""


@dataclass(frozen=True, slots=True)
class Idf:
    """Weights by token, and the weight of a token that no document has."""

    weights: Mapping[Hashable, float]
    unseen: float


@dataclass(frozen=True, slots=True)
class BertScore:
    """Cosine similarities in [-1, 1]; `n_cut` counts tokens beyond the encoder's window, of both texts."""

    precision: float
    recall: float
    f1: float
    n_cut: int = 0


def signature(model: str, weights: str, layer: int | None = None, *, idf: bool = False) -> str:
    """What a reader must know to compare two values; `weights` is their hash or commit, `layer` None the last one."""
    identity = f"model:{model}|{weights}|layer:{'last' if layer is None else layer}"
    return f"bertscore|{identity}|idf:{'yes' if idf else 'no'}|rescaled:no|refs:mean"


def bertscore(summary: str, references: Sequence[str], encode: Encode, idf: Idf | None = None) -> BertScore:
    """Precision, recall and F1, mean over references; 0 for a text without tokens.

    Raises MetricRefused without references.
    """
    if not references:
        raise MetricRefused("bertscore needs at least one reference summary", hint="add `summaries` to the article")
    first, *others = encode([summary, *references])
    scores = [greedy_match(first, other, idf) for other in others]
    n = len(scores)
    return BertScore(
        sum(s.precision for s in scores) / n,
        sum(s.recall for s in scores) / n,
        sum(s.f1 for s in scores) / n,
        first.n_cut + sum(other.n_cut for other in others),
    )


def greedy_match(candidate: Encoded, reference: Encoded, idf: Idf | None = None) -> BertScore:
    """One pair: each token takes its most similar one of the other text (equations 1 to 3; 4 with `idf`)."""
    n_cut = candidate.n_cut + reference.n_cut
    if not candidate.tokens or not reference.tokens:
        return BertScore(0.0, 0.0, 0.0, n_cut)
    similarity = _unit(candidate.vectors) @ _unit(reference.vectors).T
    precision = _mean(similarity.max(axis=1).tolist(), candidate.tokens, idf)
    recall = _mean(similarity.max(axis=0).tolist(), reference.tokens, idf)
    total = precision + recall
    # Where both are negative or cancel out the harmonic mean means nothing; bert-score sets it to 0 too.
    f1 = 2 * precision * recall / total if total > 0 else 0.0
    return BertScore(precision, recall, f1, n_cut)


def idf_weights(documents: Sequence[Sequence[Hashable]]) -> Idf:
    """Inverse document frequency over tokenised references, log((N + 1) / (df + 1)), as bert-score computes it."""
    frequency = Counter(token for document in documents for token in set(document))
    weights = {token: math.log((len(documents) + 1) / (df + 1)) for token, df in frequency.items()}
    return Idf(weights, math.log(len(documents) + 1))


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    import numpy as np

    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.floating] = vectors / np.where(norms == 0, 1, norms)
    return unit


def _mean(values: list[float], tokens: Sequence[Hashable], idf: Idf | None) -> float:
    if idf is None:
        return sum(values) / len(values)
    weights = [idf.weights.get(token, idf.unseen) for token in tokens]
    total = sum(weights)
    # Weights are all 0 when every reference has every token; then they say nothing and tokens count alike.
    if total == 0:
        return sum(values) / len(values)
    return sum(v * w for v, w in zip(values, weights, strict=True)) / total
