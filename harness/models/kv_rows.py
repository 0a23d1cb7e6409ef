"""Keys and values of a batch of texts of different lengths, allocated once; each row is computed as if it were alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from harness.models.article_states import Past
from harness.models.attention import Heads, Masks, causal

if TYPE_CHECKING:
    import torch

_ROUND = 64
"""Rows attend to their length rounded up to this."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Rows that attend to the same stretch of the buffer, and their new tokens.

    Where rows bring different numbers of tokens, `padded` are the tokens of all rows with the last one of a row repeated,
    and `tokens` the places among these of those that are meant.
    """

    rows: slice
    stretch: slice
    new: slice
    most: int
    mask: torch.Tensor
    padded: torch.Tensor | None
    tokens: torch.Tensor | None


class RowsPlan:
    """A plan (see `attention.Plan`) with a buffer per layer for keys, [rows, heads, dim, capacity], and one for values,
    [rows, heads, capacity, dim]: so both products of a decoding step read memory in its order.

    Row r's tokens lie at 0..lengths[r]; there is no padding on the left and nothing is ever concatenated. `rows` is
    the number of texts and `capacity` the most tokens that one of them will have.
    """

    def __init__(self, rows: int, capacity: int, *, device: str, dtype: torch.dtype) -> None:
        self.lengths = [0] * rows
        self.capacity = -(-capacity // _ROUND) * _ROUND
        self.layers = 0
        self.read: dict[int, tuple[torch.Tensor, torch.Tensor]] | None = None
        """Keys and values of the row that was read last, where they were to be kept."""
        self._device, self._dtype = device, dtype
        self._keys: dict[int, torch.Tensor] = {}
        self._values: dict[int, torch.Tensor] = {}
        self._row: int | None = None
        self._past: Past = {}
        self._counts: list[int] = []
        self._slots: tuple[torch.Tensor, torch.Tensor] | None = None
        self._spans: dict[int | None, list[_Span]] = {}
        self._masks: Masks = {}

    def prefill(self, row: int, length: int, past: Past, *, keep: bool) -> None:
        """The next forward pass brings a row's tokens up to `length`, those after `past`; `keep` leaves all in `read`."""
        self._row, self._past = row, past
        self.lengths[row] = length
        self.read = {} if keep else None
        self._masks.clear()

    def decode(self, counts: Sequence[int]) -> None:
        """The next forward pass brings so many more tokens of each row, one row's after the other's in one text."""
        import torch

        self._row, self._counts = None, list(counts)
        rows = [row for row, count in enumerate(counts) for _ in range(count)]
        places = [n + i for n, count in zip(self.lengths, counts, strict=True) for i in range(count)]
        self._slots = (torch.tensor(rows, device=self._device), torch.tensor(places, device=self._device))
        self._spans.clear()

    def take(self, counts: Sequence[int]) -> None:
        """So many of the tokens that each row brought are right; what follows them is forgotten."""
        self.lengths = [n + count for n, count in zip(self.lengths, counts, strict=True)]

    def positions(self) -> torch.Tensor:
        """[1, tokens] positions of the tokens that `decode` announced."""
        if self._slots is None:
            raise RuntimeError("decode() comes first")
        return self._slots[1][None]

    def keep(self, rows: Sequence[int]) -> None:
        """Drops all rows but these."""
        import torch

        index = torch.tensor(list(rows), device=self._device)
        self.lengths = [self.lengths[r] for r in rows]
        for buffers in (self._keys, self._values):
            for layer in buffers:
                buffers[layer] = buffers[layer][index]

    def attend(self, heads: Heads) -> torch.Tensor:
        """See `Plan.attend`; a batch of one."""
        import torch

        self.layers += 1
        if self._row is not None:
            return self._read(heads, self._row)
        keys, values = self._keys[heads.layer], self._values[heads.layer]
        if self._slots is None:
            raise RuntimeError("decode() comes first")
        rows, places = self._slots
        keys[rows, :, :, places] = heads.key[0].transpose(0, 1)
        values[rows, :, places] = heads.value[0].transpose(0, 1)
        if heads.window not in self._spans:
            self._spans[heads.window] = list(self._find_spans(heads.window))
        query = heads.query[0].transpose(0, 1)
        parts = [_step(query[s.new], s, keys, values, heads.scale) for s in self._spans[heads.window]]
        return (parts[0] if len(parts) == 1 else torch.cat(parts))[None]

    def _read(self, heads: Heads, row: int) -> torch.Tensor:
        """Attention of a row's own tokens, which are stored."""
        import torch

        key, value = heads.key, heads.value
        if heads.layer in self._past:
            past = self._past[heads.layer]
            key, value = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
        if self.read is not None:
            self.read[heads.layer] = (key.contiguous(), value.contiguous())
        _, count, length, dim = key.shape
        if heads.layer not in self._keys:
            # Masked places are multiplied by zero: they must hold numbers.
            shape = (len(self.lengths), count)
            self._keys[heads.layer] = key.new_zeros(*shape, dim, self.capacity)
            self._values[heads.layer] = value.new_zeros(*shape, self.capacity, value.shape[-1])
        self._keys[heads.layer][row, :, :, :length] = key[0].transpose(1, 2)
        self._values[heads.layer][row, :, :length] = value[0]
        return causal(heads.query, key, value, self._masks, scale=heads.scale, window=heads.window)

    def _find_spans(self, window: int | None) -> Iterator[_Span]:
        """Runs of rows that attend to the same stretch of the buffer, with their masks [rows, 1, new, keys]."""
        import torch

        first = start = 0
        ends = [n + count for n, count in zip(self.lengths, self._counts, strict=True)]
        for (low, high), run in groupby(range(len(ends)), key=lambda r: self._stretch(r, max(ends), window)):
            stop = start + sum(1 for _ in run)
            counts = self._counts[start:stop]
            most, last = max(counts), first + sum(counts)
            began = torch.tensor(self.lengths[start:stop], device=self._device)[:, None, None]
            back = began + torch.arange(most, device=self._device)[:, None]
            back = back - torch.arange(low, high, device=self._device)
            hidden = (back < 0) if window is None else (back < 0) | (back >= window)
            mask = torch.zeros(hidden.shape, dtype=self._dtype, device=self._device)
            padded = tokens = None
            if sum(counts) < most * len(counts):
                at, places, meant = 0, list[int](), list[int]()
                for number, count in enumerate(counts):
                    places += [at + min(i, count - 1) for i in range(most)]
                    meant += range(number * most, number * most + count)
                    at += count
                padded = torch.tensor(places, device=self._device)
                tokens = torch.tensor(meant, device=self._device)
            mask = mask.masked_fill_(hidden, -math.inf)[:, None]
            yield _Span(slice(start, stop), slice(low, high), slice(first, last), most, mask, padded, tokens)
            start, first = stop, last

    def _stretch(self, row: int, longest: int, window: int | None) -> tuple[int, int]:
        if self._device != "cpu":
            # A GPU is quicker with one launch over all rows than with one per length.
            return 0, -(-longest // _ROUND) * _ROUND
        length = self.lengths[row]
        low = max(0, length + 1 - window) // _ROUND * _ROUND if window else 0
        return low, -(-(length + self._counts[row]) // _ROUND) * _ROUND


def _step(
    query: torch.Tensor, span: _Span, keys: torch.Tensor, values: torch.Tensor, scale: float | None
) -> torch.Tensor:
    """Attention of the few new tokens of each row of a span, [tokens, heads, dim], to all keys and values of the rows.

    A step reads all keys and values once and computes little: plain products are faster at that than fused attention.
    """
    keys, values = keys[span.rows, ..., span.stretch], values[span.rows, :, span.stretch]
    rows, shared, dim, _ = keys.shape
    query = (query if span.padded is None else query[span.padded]) * (dim**-0.5 if scale is None else scale)
    groups = query.shape[1] // shared
    # the heads of a group read the same keys: as further queries of one head they read them once
    packed = query.view(rows, span.most, shared, groups, dim).permute(0, 2, 3, 1, 4)
    weights = packed.reshape(rows, shared, groups * span.most, dim) @ keys
    weights.view(rows, shared * groups, span.most, -1).add_(span.mask)
    seen = weights.float().softmax(-1).to(values.dtype) @ values
    seen = seen.view(rows, shared, groups, span.most, -1).permute(0, 3, 1, 2, 4)
    out = seen.reshape(rows * span.most, shared * groups, -1)
    return out if span.tokens is None else out[span.tokens]
