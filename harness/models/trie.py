"""The prefix trie of many token sequences, and the attention plan in which every node sees its ancestors only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.models.attention import Unsupported, attend, tile_mask

if TYPE_CHECKING:
    import torch

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Trie:
    """Nodes in depth-first order; node j is an ancestor of i (or i itself) iff j <= i < end[j]."""

    tokens: Ints
    depth: Ints
    end: Ints
    rows: tuple[Ints, ...]
    """For each request the nodes that predict its scored tokens."""

    def __len__(self) -> int:
        return len(self.tokens)


def build_trie(sequences: Sequence[Sequence[int] | Ints], starts: Sequence[int]) -> Trie:
    """The trie of token sequences; sequence i is scored from token `starts[i]` >= 1 on.

    A sequence's last token predicts nothing that is scored, so it gets no node.
    """
    arrays = [np.asarray(s, dtype=np.int64) for s in sequences]
    order = sorted(range(len(arrays)), key=lambda i: trie_order(arrays[i]))
    tokens: list[Ints] = []
    depth: list[Ints] = []
    end = np.zeros(sum(len(a) for a in arrays), dtype=np.int64)
    rows: list[Ints] = [np.empty(0, dtype=np.int64)] * len(arrays)
    path = np.empty(0, dtype=np.int64)
    previous = np.empty(0, dtype=np.int64)
    count = 0
    for i in order:
        sequence = arrays[i][:-1]
        common = common_length(previous, sequence)
        end[path[common:]] = count
        fresh = len(sequence) - common
        tokens.append(sequence[common:])
        depth.append(np.arange(common, len(sequence)))
        path = np.concatenate([path[:common], np.arange(count, count + fresh)])
        rows[i] = path[starts[i] - 1 :]
        count += fresh
        previous = sequence
    end[path] = count
    return Trie(np.concatenate(tokens), np.concatenate(depth), end[:count], tuple(rows))


def trie_order(sequence: Ints) -> bytes:
    """Big-endian bytes sort like the token sequences, and comparing them is one memcmp."""
    return sequence[:-1].astype(">u4").tobytes()


def common_length(a: Ints, b: Ints) -> int:
    """How many leading elements two arrays share."""
    n = min(len(a), len(b))
    different = np.flatnonzero(a[:n] != b[:n])
    return int(different[0]) if len(different) else n


@dataclass(slots=True)
class _Block:
    """Queries `start:stop` that see the nodes in `path` and, in the block, their ancestors.

    The scratch buffer still holds the first `keep` of the path from the block before; `tail` are the others. Without
    a mask the block is an unbranched chain from the root: plain causal attention.
    """

    start: int
    stop: int
    path: int = 0
    keep: int = 0
    tail: torch.Tensor | slice | None = None
    mask: torch.Tensor | None = None


class TriePlan:
    """Attention in which a node sees its ancestors: the root chain causally, the rest in blocks with small masks."""

    def __init__(self, tries: Sequence[Trie], *, dtype: torch.dtype, device: str, block: int) -> None:
        self.blocks: list[_Block] = []
        self.layers = 0
        self._deepest = max(int(t.depth.max()) + 1 for t in tries)
        self._scratch: tuple[torch.Tensor, torch.Tensor] | None = None
        self._tiled: dict[tuple[int, int], torch.Tensor] = {}
        offset = 0
        for trie in tries:
            self.blocks += _blocks(trie, offset, dtype, device, block)
            offset += len(trie)
        self._longest = max((b.path + b.stop - b.start for b in self.blocks if b.mask is not None), default=0)

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        *,
        scale: float | None,
        window: int | None,
    ) -> torch.Tensor:
        """See `Plan.attend`; a batch of one."""
        if window is not None and window < self._deepest:
            raise Unsupported(f"a sliding window of {window} tokens")
        self.layers += 1
        _, heads, new, _ = query.shape
        out = query.new_empty(1, new, heads, value.shape[-1])
        keys, values = self._buffers(key, value)
        for b in self.blocks:
            here = slice(b.start, b.stop)
            q, k, v = query[:, :, here], key[:, :, here], value[:, :, here]
            if b.mask is None:
                out[:, here] = attend(q, k, v, scale=scale, causal=True)
                continue
            length = b.path + b.stop - b.start
            if b.tail is not None:
                keys[:, :, b.keep : b.path] = key[:, :, b.tail]
                values[:, :, b.keep : b.path] = value[:, :, b.tail]
            keys[:, :, b.path : length] = k
            values[:, :, b.path : length] = v
            out[:, here] = attend(
                q, keys[:, :, :length], values[:, :, :length], scale=scale, mask=self._mask(b, heads // key.shape[1])
            )
        return out

    def _mask(self, block: _Block, groups: int) -> torch.Tensor | None:
        if block.mask is None:
            return None
        if (block.start, groups) not in self._tiled:
            self._tiled[block.start, groups] = tile_mask(block.mask, groups)
        return self._tiled[block.start, groups]

    def _buffers(self, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self._scratch is None or self._scratch[0].shape[1::2] != key.shape[1::2]:
            shape = (1, key.shape[1], self._longest)
            self._scratch = (key.new_empty(*shape, key.shape[-1]), value.new_empty(*shape, value.shape[-1]))
        return self._scratch


def _blocks(trie: Trie, offset: int, dtype: torch.dtype, device: str, size: int) -> Iterator[_Block]:
    import torch

    n = len(trie)
    # The root chain ends where depth stops counting up with the node's number.
    off_chain = np.flatnonzero(trie.depth != np.arange(n))
    branch = int(off_chain[0]) if len(off_chain) else n
    root = int(trie.depth[branch]) if branch < n else n
    # Up to the first branching point all nodes lie on one path; beyond it (a first branch) they may not.
    if root:
        yield _Block(offset, offset + root)
    held = np.empty(0, dtype=np.int64)
    start = root
    while start < n:
        stop = min(start + size, n)
        if stop < n:
            # Cutting at a shallow node keeps the next block's path short.
            later = trie.depth[start + size // 2 : stop + 1]
            stop -= int(np.argmin(later[::-1]))
        inside = np.arange(start, stop)
        path = np.flatnonzero(trie.end[:start] > start)
        keep = common_length(held, path)
        tail = path[keep:]
        visible = np.concatenate(
            [
                trie.end[path][None, :] > inside[:, None],
                (inside[None, :] <= inside[:, None]) & (trie.end[inside][None, :] > inside[:, None]),
            ],
            axis=1,
        )
        mask = torch.zeros(visible.shape, dtype=dtype).masked_fill_(torch.from_numpy(~visible), -math.inf)
        yield _Block(
            offset + start,
            offset + stop,
            path=len(path),
            keep=keep,
            tail=_selection(tail + offset, device),
            mask=mask.to(device),
        )
        held = np.concatenate([path, inside])
        start = stop


def _selection(nodes: Ints, device: str) -> torch.Tensor | slice | None:
    import torch

    if len(nodes) == 0:
        return None
    if nodes[-1] - nodes[0] + 1 == len(nodes):
        return slice(int(nodes[0]), int(nodes[-1]) + 1)
    return torch.from_numpy(nodes).to(device)
