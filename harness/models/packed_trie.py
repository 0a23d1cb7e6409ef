"""The prefix trie of many token sequences, and the attention plan in which every node sees its ancestors only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.models.article_states import LEAST, Ints, Past, common_length
from harness.models.attention import Heads, Masks, attend, causal, masked, tile_mask

if TYPE_CHECKING:
    import torch


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

    def stems(self) -> Iterator[tuple[int, Ints]]:
        """Long unbranched runs, each as its first node and the whole path from the root to its end.

        Such are the beginnings of texts: the run is at least half of the path and worth being kept. The first question about
        a text, up to its first scored token, belongs to its stem.
        """
        turns = np.flatnonzero(np.diff(self.depth) != 1) + 1
        scored = np.unique(np.concatenate(self.rows))
        for start, stop in zip([0, *turns], [*turns, len(self)], strict=True):
            first = int(np.searchsorted(scored, start))
            last = min(stop, int(scored[first])) if first < len(scored) else stop
            if last - start >= max(LEAST, self.depth[start]):
                yield int(start), np.concatenate([self.ancestors(start), np.arange(start, last)])


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


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Queries `start:stop` that see the nodes in `path` and, in the block, their ancestors.

    The scratch buffer still holds the first `keep` of the path from the block before; `tail` are the others. A node of the
    path lies at its depth; of the block's nodes, `depth` says how deep they are and `visible` which of the path and of
    themselves are their ancestors. A block that `is_chain` is unbranched, from a root.
    """

    start: int
    stop: int
    path: int = 0
    keep: int = 0
    tail: torch.Tensor | slice | None = None
    is_chain: bool = False
    depth: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    visible: NDArray[np.bool_] = field(default_factory=lambda: np.empty((0, 0), dtype=bool))


class TriePlan:
    """Attention of the nodes `start:stop` of a trie, in which a node sees its ancestors only, those in its window.

    `past` holds the keys and values of the ancestors of `start`. What the pass leaves in `kept` is the past of the next
    plan, which starts at `stop`: so no node is computed twice, and no more than one path is remembered. In `stems` are those
    of the paths (see `Trie.stems`) that end in this pass. A chain that begins at a root attends causally, the other nodes
    in blocks with small masks.
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
        stems: Sequence[Ints] = (),
        after_layer: Callable[[int], None] = lambda layers: None,
    ) -> None:
        self.layers = 0
        self._after_layer = after_layer
        self.kept: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self.stems: list[tuple[Ints, dict[int, tuple[torch.Tensor, torch.Tensor]]]]
        self.stems = [(trie.tokens[path], {}) for path in stems]
        self._past = past
        self._dtype, self._device = dtype, device
        self._deepest = int(trie.depth.max()) + 1
        self._blocks = list(_blocks(trie, start, stop, device, block))
        self._longest = max((b.path + b.stop - b.start for b in self._blocks if not b.is_chain), default=0)
        self._scratch: tuple[torch.Tensor, torch.Tensor] | None = None
        self._masks: Masks = {}
        wanted = zip([trie.ancestors(stop), *stems], [self.kept, *(kept for _, kept in self.stems)], strict=True)
        self._keeps = [
            (old, _selection(path[old:] - start, device), kept)
            for path, kept in wanted
            if len(path)
            for old in [int(np.count_nonzero(path < start))]
        ]

    def attend(self, heads: Heads) -> torch.Tensor:
        """See `Plan.attend`; a batch of one."""
        self.layers += 1
        query, key, value, scale = heads.query, heads.key, heads.value, heads.scale
        window = heads.window if heads.window is not None and heads.window < self._deepest else None
        _, count, new, _ = query.shape
        out = query.new_empty(1, new, count, value.shape[-1])
        keys, values = self._buffers(heads)
        for b in self._blocks:
            here = slice(b.start, b.stop)
            q, k, v = query[:, :, here], key[:, :, here], value[:, :, here]
            if b.is_chain:
                out[:, here] = causal(q, k, v, self._masks, scale=scale, window=window)
                continue
            length = b.path + b.stop - b.start
            if b.tail is not None:
                keys[:, :, b.keep : b.path] = key[:, :, b.tail]
                values[:, :, b.keep : b.path] = value[:, :, b.tail]
            keys[:, :, b.path : length] = k
            values[:, :, b.path : length] = v
            # what is out of the shallowest node's window is out of all others'
            low = 0 if window is None else min(b.path, max(0, int(b.depth.min()) - window + 1))
            mask, seen = self._mask(b, low, heads.groups, window), slice(low, length)
            out[:, here] = attend(q, keys[:, :, seen], values[:, :, seen], scale=scale, mask=mask)
        self._keep(heads)
        self._after_layer(self.layers)
        return out

    def _mask(self, b: _Block, low: int, groups: int, window: int | None) -> torch.Tensor:
        """The mask over the keys from `low` on for the block's nodes."""
        at = (b, low, groups, window)
        if at not in self._masks:
            visible = b.visible[:, low:]
            if window is not None:
                keys = np.concatenate([np.arange(low, b.path), b.depth])
                visible = visible & (b.depth[:, None] - keys[None, :] < window)
            self._masks[at] = tile_mask(masked(visible, self._dtype, self._device), groups)
        return self._masks[at]

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
        """Remembers the layer's keys and values on the paths that are wanted."""
        import torch

        fresh = (heads.key, heads.value)
        past = self._past.get(heads.layer, fresh)
        for old, new, kept in self._keeps:
            here = slice(0) if new is None else new
            key, value = (torch.cat([p[:, :, :old], f[:, :, here]], dim=2) for p, f in zip(past, fresh, strict=True))
            kept[heads.layer] = (key, value)


def _blocks(trie: Trie, first: int, last: int, device: str, size: int) -> Iterator[_Block]:
    """Blocks of the nodes `first:last`, counted from `first`."""
    held = trie.ancestors(first)
    start = first
    while start < last:
        path = trie.ancestors(start)
        if len(path) == 0:
            branches = np.flatnonzero(trie.depth[start:last] != np.arange(last - start))
            stop = start + int(branches[0]) if len(branches) else last
            yield _Block(start - first, stop - first, is_chain=True)
            held, start = path, stop
            continue
        stop = min(start + size, last)
        if stop < last:
            # Cutting at a shallow node keeps the next block's path short.
            later = trie.depth[start + size // 2 : stop + 1]
            stop -= int(np.argmin(later[::-1]))
        nodes = np.arange(start, stop)
        keep = common_length(held, path)
        yield _Block(
            start - first,
            stop - first,
            path=len(path),
            keep=keep,
            tail=_selection(path[keep:] - first, device),
            depth=trie.depth[start:stop],
            visible=np.concatenate(
                [
                    trie.end[path][None, :] > nodes[:, None],
                    (nodes[None, :] <= nodes[:, None]) & (trie.end[nodes][None, :] > nodes[:, None]),
                ],
                axis=1,
            ),
        )
        held = np.concatenate([path, nodes])
        start = stop


def _selection(nodes: Ints, device: str) -> torch.Tensor | slice | None:
    import torch

    if len(nodes) == 0:
        return None
    if nodes[-1] - nodes[0] + 1 == len(nodes):
        return slice(int(nodes[0]), int(nodes[-1]) + 1)
    return torch.from_numpy(nodes).to(device)
