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
    """A plan (see `attention.Plan`) with a key/value buffer per layer, [rows, heads, capacity, dim].

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
        self._spans: dict[tuple[int | None, int], list[tuple[slice, slice, torch.Tensor]]] = {}
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
        keys[rows, :, positions] = heads.key[:, :, 0]
        values[rows, :, positions] = heads.value[:, :, 0]
        wanted = (heads.window, heads.groups)
        spans = self._spans.get(wanted) or self._find_spans(*wanted)
        parts = [attend(heads.query[r], keys[r, :, s], values[r, :, s], scale=heads.scale, mask=m) for r, s, m in spans]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _store(self, heads: Heads, row: int) -> None:
        layer = heads.layer
        for buffers, fresh in ((self._keys, heads.key), (self._values, heads.value)):
            _, count, length, dim = fresh.shape
            if layer not in buffers:
                buffers[layer] = fresh.new_empty(len(self.lengths), count, self.capacity, dim)
            buffers[layer][row, :, :length] = fresh[0]
            # Masked places are multiplied by zero: they must hold numbers.
            buffers[layer][row, :, length:] = 0

    def _find_spans(self, window: int | None, groups: int) -> list[tuple[slice, slice, torch.Tensor]]:
        """Runs of rows that attend to the same stretch of the buffer, with their masks [rows, 1, groups, keys]."""
        mask = self._masks.get(window)
        if mask is None:
            mask = self._masks[window] = self._mask(window)
        spans: list[tuple[slice, slice, torch.Tensor]] = []
        start = 0
        for (low, high), run in groupby(self.lengths, key=lambda n: self._stretch(n, window)):
            stop = start + sum(1 for _ in run)
            here = mask[start:stop, :, :, low:high].expand(-1, -1, groups, -1)
            spans.append((slice(start, stop), slice(low, high), here))
            start = stop
        self._spans[window, groups] = spans
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
