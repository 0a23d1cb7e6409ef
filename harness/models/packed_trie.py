"""The prefix trie of many token sequences, and the attention plan in which every node sees its ancestors only."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.models.attention import Heads, Unsupported, attend, tile_mask

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

    def ancestors(self, node: int) -> Ints:
        """The nodes on the way from the root to `node`, which is not among them; none where there is no such node."""
        return np.flatnonzero(self.end[:node] > node)


def build_trie(sequences: Sequence[Sequence[int] | Ints], starts: Sequence[int]) -> Trie:
    """The trie of token sequences; sequence i is scored from token `starts[i]` >= 1 on.

    A sequence's last token predicts nothing that is scored, so it gets no node: of `[1, 2, 3]`, `[1, 2, 4]` and `[1, 5, 6]`
    the nodes are 1, 2 and 5, at depths 0, 1 and 1, where 1 ends after node 2 (`end` is 3), and 2 and 5 have no descendants.
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


Past = Mapping[int, "tuple[torch.Tensor, torch.Tensor]"]
"""Keys and values, [1, heads, nodes, dim], by layer."""


class TriePlan:
    """Attention of the nodes `start:stop` of a trie, in which a node sees its ancestors only.

    `past` holds the keys and values of the ancestors of `start`; what the pass leaves in `kept` is the past of the next
    plan, which starts at `stop`: so no node is computed twice, and no more than one path is remembered. A chain that
    begins at a root attends causally, the other nodes in blocks with small masks.
    """

    def __init__(
        self,
        trie: Trie,
        start: int,
        stop: int,
        past: Past,
        *,
        dtype: torch.dtype,
        device: str,
        block: int,
        after_layer: Callable[[int], None] = lambda layers: None,
    ) -> None:
        self.layers = 0
        self._after_layer = after_layer
        self.kept: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._past = past
        self._deepest = int(trie.depth.max()) + 1
        self._blocks = list(_blocks(trie, start, stop, dtype, device, block))
        self._longest = max((b.path + b.stop - b.start for b in self._blocks if b.mask is not None), default=0)
        self._scratch: tuple[torch.Tensor, torch.Tensor] | None = None
        self._tiled: dict[tuple[int, int], torch.Tensor] = {}
        following = trie.ancestors(stop)
        self._old = int(np.count_nonzero(following < start))
        self._new = _selection(following[self._old :] - start, device)

    def attend(self, heads: Heads) -> torch.Tensor:
        """See `Plan.attend`; a batch of one."""
        if heads.window is not None and heads.window < self._deepest:
            raise Unsupported(f"a sliding window of {heads.window} tokens")
        self.layers += 1
        query, key, value, scale = heads.query, heads.key, heads.value, heads.scale
        _, count, new, _ = query.shape
        out = query.new_empty(1, new, count, value.shape[-1])
        keys, values = self._buffers(heads)
        for b in self._blocks:
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
            mask = self._mask(b.start, b.mask, heads.groups)
            out[:, here] = attend(q, keys[:, :, :length], values[:, :, :length], scale=scale, mask=mask)
        self._keep(heads)
        self._after_layer(self.layers)
        return out

    def _mask(self, start: int, mask: torch.Tensor, groups: int) -> torch.Tensor:
        if (start, groups) not in self._tiled:
            self._tiled[start, groups] = tile_mask(mask, groups)
        return self._tiled[start, groups]

    def _buffers(self, heads: Heads) -> tuple[torch.Tensor, torch.Tensor]:
        """Scratch for keys and values of one block, the past at its head."""
        key, value = heads.key, heads.value
        if self._scratch is None or self._scratch[0].shape[1::2] != key.shape[1::2]:
            shape = (1, key.shape[1], self._longest)
            self._scratch = (key.new_empty(*shape, key.shape[-1]), value.new_empty(*shape, value.shape[-1]))
        if heads.layer in self._past:
            for buffer, past in zip(self._scratch, self._past[heads.layer], strict=True):
                buffer[:, :, : past.shape[2]] = past
        return self._scratch

    def _keep(self, heads: Heads) -> None:
        """Remembers the layer's keys and values on the path that the next plan begins with."""
        import torch

        if self._old == 0 and self._new is None:
            return
        fresh = (heads.key, heads.value)
        past = self._past.get(heads.layer, fresh)
        new = slice(0) if self._new is None else self._new
        key, value = (torch.cat([p[:, :, : self._old], f[:, :, new]], dim=2) for p, f in zip(past, fresh, strict=True))
        self.kept[heads.layer] = (key, value)


def _blocks(trie: Trie, first: int, last: int, dtype: torch.dtype, device: str, size: int) -> Iterator[_Block]:
    """Blocks of the nodes `first:last`, counted from `first`."""
    import torch

    held = trie.ancestors(first)
    start = first
    while start < last:
        path = trie.ancestors(start)
        if len(path) == 0:
            branches = np.flatnonzero(trie.depth[start:last] != np.arange(last - start))
            stop = start + int(branches[0]) if len(branches) else last
            yield _Block(start - first, stop - first)
            held, start = path, stop
            continue
        stop = min(start + size, last)
        if stop < last:
            # Cutting at a shallow node keeps the next block's path short.
            later = trie.depth[start + size // 2 : stop + 1]
            stop -= int(np.argmin(later[::-1]))
        inside = np.arange(start, stop)
        keep = common_length(held, path)
        visible = np.concatenate(
            [
                trie.end[path][None, :] > inside[:, None],
                (inside[None, :] <= inside[:, None]) & (trie.end[inside][None, :] > inside[:, None]),
            ],
            axis=1,
        )
        mask = torch.zeros(visible.shape, dtype=dtype).masked_fill_(torch.from_numpy(~visible), -math.inf)
        yield _Block(
            start - first,
            stop - first,
            path=len(path),
            keep=keep,
            tail=_selection(path[keep:] - first, device),
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
