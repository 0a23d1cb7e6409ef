"""Keys and values of a batch of texts of different lengths, allocated once; each row is computed as if it were alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from harness.models.attention import Heads, attend, tile_mask

if TYPE_CHECKING:
    import torch

_ROUND = 64
"""Rows attend to their length rounded up to this: what a row computes depends on its own length alone."""
_CHUNK = 512
"""Queries at a time where a sliding window needs a mask."""


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
        self._device, self._dtype = device, dtype
        self._keys: dict[int, torch.Tensor] = {}
        self._values: dict[int, torch.Tensor] = {}
        self._row: int | None = None
        self._slots: tuple[torch.Tensor, torch.Tensor] | None = None
        self._spans: dict[int | None, list[tuple[slice, slice, torch.Tensor]]] = {}
        self._masks: dict[int | None, torch.Tensor] = {}

    def prefill(self, row: int, length: int) -> None:
        """The next forward pass brings the `length` tokens of one row."""
        self._row = row
        self.lengths[row] = length
        self._masks.clear()

    def decode(self) -> None:
        """The next forward pass brings one more token of every row."""
        import torch

        self._row = None
        positions = torch.tensor(self.lengths, device=self._device)
        self._slots = (torch.arange(len(self.lengths), device=self._device), positions)
        self._spans.clear()
        for window, mask in self._masks.items():
            mask[self._slots[0], 0, 0, positions] = 0
            if window is not None:
                gone = positions - window
                mask[self._slots[0][gone >= 0], 0, 0, gone[gone >= 0]] = -math.inf
        self.lengths = [n + 1 for n in self.lengths]

    def positions(self) -> torch.Tensor:
        """[rows, 1] positions of the tokens that `decode` announced."""
        if self._slots is None:
            raise RuntimeError("decode() comes first")
        return self._slots[1][:, None]

    def keep(self, rows: Sequence[int]) -> None:
        """Drops all rows but these."""
        import torch

        index = torch.tensor(list(rows), device=self._device)
        self.lengths = [self.lengths[r] for r in rows]
        for buffers in (self._keys, self._values):
            for layer in buffers:
                buffers[layer] = buffers[layer][index]
        self._masks.clear()

    def attend(self, heads: Heads) -> torch.Tensor:
        """See `Plan.attend`."""
        import torch

        self.layers += 1
        if self._row is not None:
            self._store(heads, self._row)
            return _causal(heads)
        keys, values = self._keys[heads.layer], self._values[heads.layer]
        if self._slots is None:
            raise RuntimeError("decode() comes first")
        rows, positions = self._slots
        keys[rows, :, :, positions] = heads.key[:, :, 0]
        values[rows, :, positions] = heads.value[:, :, 0]
        spans = self._spans.get(heads.window) or self._find_spans(heads.window)
        parts = [_one_step(heads.query[r], keys[r, ..., s], values[r, :, s], m, heads.scale) for r, s, m in spans]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _store(self, heads: Heads, row: int) -> None:
        _, count, length, dim = heads.key.shape
        if heads.layer not in self._keys:
            # Masked places are multiplied by zero: they must hold numbers.
            shape = (len(self.lengths), count)
            self._keys[heads.layer] = heads.key.new_zeros(*shape, dim, self.capacity)
            self._values[heads.layer] = heads.value.new_zeros(*shape, self.capacity, heads.value.shape[-1])
        self._keys[heads.layer][row, :, :, :length] = heads.key[0].transpose(1, 2)
        self._values[heads.layer][row, :, :length] = heads.value[0]

    def _find_spans(self, window: int | None) -> list[tuple[slice, slice, torch.Tensor]]:
        """Runs of rows that attend to the same stretch of the buffer, with their masks [rows, 1, 1, keys]."""
        mask = self._masks.get(window)
        if mask is None:
            mask = self._masks[window] = self._mask(window)
        spans: list[tuple[slice, slice, torch.Tensor]] = []
        start = 0
        for (low, high), run in groupby(self.lengths, key=lambda n: self._stretch(n, window)):
            stop = start + sum(1 for _ in run)
            spans.append((slice(start, stop), slice(low, high), mask[start:stop, :, :, low:high]))
            start = stop
        self._spans[window] = spans
        return spans

    def _stretch(self, length: int, window: int | None) -> tuple[int, int]:
        if self._device != "cpu":
            # A GPU is quicker with one launch over all rows than with one per length.
            return 0, -(-max(self.lengths) // _ROUND) * _ROUND
        low = max(0, length - window) // _ROUND * _ROUND if window else 0
        return low, -(-length // _ROUND) * _ROUND

    def _mask(self, window: int | None) -> torch.Tensor:
        import torch

        place = torch.arange(self.capacity, device=self._device)
        length = torch.tensor(self.lengths, device=self._device)[:, None]
        visible = place < length
        if window is not None:
            visible &= place >= length - window
        mask = torch.zeros(visible.shape, dtype=self._dtype, device=self._device)
        return mask.masked_fill_(~visible, -math.inf)[:, None, None]


def _one_step(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor, scale: float | None
) -> torch.Tensor:
    """Attention of one new token a row: [rows, heads, 1, dim] to keys [rows, kv heads, dim, n] and values
    [rows, kv heads, n, dim], with an additive mask [rows, 1, 1, n] → [rows, 1, heads, dim].

    A step reads all keys and values once and computes little: plain products are faster at that than fused attention.
    """
    rows, heads, _, dim = query.shape
    shared = keys.shape[1]
    # the heads of a group read the same keys: as further queries of one head they read them once
    packed = query.reshape(rows, shared, heads // shared, dim) * (dim**-0.5 if scale is None else scale)
    weights = (packed @ keys).add_(mask).float().softmax(-1).to(values.dtype)
    return (weights @ values).reshape(rows, 1, heads, values.shape[-1])


def _causal(heads: Heads) -> torch.Tensor:
    """Causal attention of one whole text to itself."""
    import torch

    query, key, value, window = heads.query, heads.key, heads.value, heads.window
    length = query.shape[2]
    if window is None or length <= window:
        return attend(query, key, value, scale=heads.scale, causal=True)
    parts: list[torch.Tensor] = []
    for start in range(0, length, _CHUNK):
        stop, low = min(start + _CHUNK, length), max(0, start - window + 1)
        back = torch.arange(start, stop)[:, None] - torch.arange(low, stop)[None, :]
        mask = torch.zeros(back.shape).masked_fill_((back < 0) | (back >= window), -math.inf)
        mask = tile_mask(mask.to(query), heads.groups)
        seen = slice(low, stop)
        parts.append(attend(query[:, :, start:stop], key[:, :, seen], value[:, :, seen], scale=heads.scale, mask=mask))
    return torch.cat(parts, dim=1)
