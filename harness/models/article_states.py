"""Keys and values of texts that a model has read, in bounded memory: the next question about a text goes on from them."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.models.device import free_memory

if TYPE_CHECKING:
    import torch

Ints = NDArray[np.int64]
Past = Mapping[int, "tuple[torch.Tensor, torch.Tensor]"]
"""Keys and values, [1, heads, tokens, dim], by layer."""

LEAST = 64
"""Tokens from which on a beginning is worth being kept, or gone on from."""
_SHARE = 0.125
"""Of the memory that is free when the first text comes."""


class ArticleStates:
    """What a model computed of the beginnings of texts; `budget` is in bytes (None: a share of what is free)."""

    def __init__(self, budget: int | None = None) -> None:
        self._budget = budget
        self._states: list[tuple[Ints, Past]] = []
        self._lot = Random(0)

    @property
    def memory(self) -> int:
        """Bytes that are held."""
        return sum(_bytes(past) for _, past in self._states)

    def __len__(self) -> int:
        return len(self._states)

    def clear(self) -> None:
        """Drops all."""
        self._states.clear()

    def beginning(self, ids: Ints) -> tuple[int, Past]:
        """How many leading tokens of a text are known, and their keys and values; 0 where they are fewer than `LEAST`."""
        length, best = 0, None
        for known, past in self._states:
            common = common_length(known, ids)
            if common > length:
                length, best = common, past
        if best is None or length < LEAST:
            return 0, {}
        return length, {layer: (k[:, :, :length], v[:, :, :length]) for layer, (k, v) in best.items()}

    def misses(self, ids: Ints) -> bool:
        """Whether a text is long enough to be kept, and more than half of it is not known yet."""
        return len(ids) >= LEAST and all(2 * common_length(known, ids) < len(ids) for known, _ in self._states)

    def add(self, ids: Ints, past: Past) -> None:
        """Keeps a text's keys and values, which nobody may change; others leave for it where memory is short.

        Which leave is decided by lot: articles come round in turn, so that the one that is used least would always be the
        next that is wanted.
        """
        size = _bytes(past)
        if self._budget is None:
            device = next(iter(past.values()))[0].device
            self._budget = int(_SHARE * free_memory(str(device)))
        if size > self._budget:
            return
        while self._states and self.memory + size > self._budget:
            self._states.pop(self._lot.randrange(len(self._states)))
        self._states.append((ids, past))


def common_length(a: Ints, b: Ints) -> int:
    """How many leading elements two arrays share."""
    n = min(len(a), len(b))
    different = np.flatnonzero(a[:n] != b[:n])
    return int(different[0]) if len(different) else n


def _bytes(past: Past) -> int:
    return sum(k.nbytes + v.nbytes for k, v in past.values())
