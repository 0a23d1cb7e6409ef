"""The report's items as arrays: every declared (speaker, target) pair of the scored articles, with its gold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.types import ESCALATION, STANCES, Article

_CODES = {str(stance): i for i, stance in enumerate(STANCES)}


@dataclass(frozen=True)
class Items:
    """Every (speaker, target) of the scored articles, in the articles' order, as parallel arrays of length n.

    `article` indexes `articles`; `gold` is 0..5 in the order of the labels, -1 where nobody labelled.
    """

    articles: tuple[Article, ...]
    ids: tuple[tuple[str, str, str], ...]
    index: dict[tuple[str, str, str], int]
    article: NDArray[np.intp]
    gold: NDArray[np.int8]
    escalation: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)

    def in_scope(self, scope: str) -> NDArray[np.bool_]:
        """Which items belong to a scope: '' (concrete targets), 'escalation' or 'all'."""
        if scope == "all":
            return np.ones(len(self), dtype=bool)
        return self.escalation if scope == "escalation" else ~self.escalation


def items_of(articles: Sequence[Article]) -> Items:
    """The items of articles: their declared pairs."""
    ids, article_numbers, gold = [], [], []
    for number, article in enumerate(articles):
        labels = article.gold_stances()
        for speaker, target in article.pairs():
            label = labels.get((speaker.id, target.id))
            ids.append((article.id, speaker.id, target.id))
            article_numbers.append(number)
            gold.append(-1 if label is None else _CODES[label.stance])
    return Items(
        tuple(articles),
        tuple(ids),
        {item: i for i, item in enumerate(ids)},
        np.array(article_numbers, dtype=np.intp),
        np.array(gold, dtype=np.int8),
        np.array([item[2] == ESCALATION for item in ids], dtype=bool),
    )
