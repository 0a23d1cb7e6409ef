"""Scores options by log-probability: the options of an article form one prefix trie, computed in one forward pass."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from harness.errors import ModelError, WindowExceeded
from harness.models.attention import Unsupported, attend, planned, supports_plans, tile_mask
from harness.models.device import is_out_of_memory, release_cached

if TYPE_CHECKING:
    import torch

    from harness.models.causal import CausalModel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Key = tuple[int, int]
Path = Literal["prefix_trie", "plain"]
Normalisation = Literal["sum", "mean", "pmi"]

TOKEN_BUDGET = 8192
"""Most trie nodes (or padded tokens, on the plain path) in one forward pass."""
_PACK = 1024
"""Several short tries share a pass up to so many nodes on a processor: beyond, it gains nothing."""
_LEAST = 64
_BLOCK = 128
_BLOCK_GPU = 1024
_LOGITS_BYTES = 1 << 29
"""Most bytes that the logits of one pass may take."""
_TOLERANCE = {"float32": 1e-3, "bfloat16": 0.25, "float16": 0.05}
"""How far a log-probability on the trie may be from the plain one; in half precision both are rounded differently."""


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to score: `continuation` after `context`; `free_context` is a content-free prompt, for PMI."""

    context: str
    continuation: str
    free_context: str | None = None


@dataclass(frozen=True, slots=True)
class OptionScore:
    """Log-probability (natural) of a continuation; `n_context` and `n_tokens` count tokens, `path` says how."""

    logprob: float
    path: Path
    n_tokens: int
    n_context: int
    free_logprob: float | None = None

    def value(self, normalisation: Normalisation = "sum") -> float:
        """The sum, the mean per token, or the sum less that after the content-free prompt (PMI)."""
        if normalisation == "sum":
            return self.logprob
        if normalisation == "mean":
            return self.logprob / self.n_tokens
        if self.free_logprob is None:
            raise ModelError("PMI needs options with a free_context")
        return self.logprob - self.free_logprob


@dataclass(frozen=True, slots=True)
class _Request:
    """Token ids of one sequence, of which those from `start` on are scored; `key` is (group, place in it)."""

    key: Key
    ids: Ints
    start: int

    def order(self) -> bytes:
        """Sorts requests as a depth-first walk meets them."""
        return trie_order(self.ids)


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

    def __init__(self, tries: Sequence[Trie], *, groups: int, dtype: torch.dtype, device: str, block: int) -> None:
        self.blocks: list[_Block] = []
        self.layers = 0
        self._deepest = max(int(t.depth.max()) + 1 for t in tries)
        self._scratch: tuple[torch.Tensor, torch.Tensor] | None = None
        offset = 0
        for trie in tries:
            self.blocks += _blocks(trie, offset, groups, dtype, device, block)
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
            out[:, here] = attend(q, keys[:, :, :length], values[:, :, :length], scale=scale, mask=b.mask)
        return out

    def _buffers(self, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self._scratch is None or self._scratch[0].shape[1::2] != key.shape[1::2]:
            shape = (1, key.shape[1], self._longest)
            self._scratch = (key.new_empty(*shape, key.shape[-1]), value.new_empty(*shape, value.shape[-1]))
        return self._scratch


def _blocks(trie: Trie, offset: int, groups: int, dtype: torch.dtype, device: str, size: int) -> Iterator[_Block]:
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
            mask=tile_mask(mask.to(device), groups),
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


def score(
    model: CausalModel, groups: Sequence[Sequence[Option]], *, budget: int = TOKEN_BUDGET
) -> list[list[OptionScore]]:
    """Scores of every option of every group; the options of a group (an article's, say) share long beginnings.

    Takes the trie where the model's self-check holds, else the plain path; `budget` is in tokens a forward pass, and
    out of memory halves it and goes on. WindowExceeded if a sequence is longer than the window.
    """
    return _score(model, groups, budget, "prefix_trie" if trie_holds(model) else "plain")


def score_plain(
    model: CausalModel, groups: Sequence[Sequence[Option]], *, budget: int = TOKEN_BUDGET
) -> list[list[OptionScore]]:
    """As `score`, with a row of an ordinary forward pass per option: the reference, and the path that always works."""
    return _score(model, groups, budget, "plain")


def trie_holds(model: CausalModel) -> bool:
    """Whether trie and plain path agree on a small probe with this model; tried once per loaded model."""
    if "prefix_trie" not in model.checks:
        model.checks["prefix_trie"] = _self_check(model)
    return model.checks["prefix_trie"]


def _self_check(model: CausalModel) -> bool:
    length = min(40, model.window)
    if not supports_plans(model.model) or length < 16:
        return False
    ids = np.random.default_rng(0).integers(0, model.vocabulary, size=length)
    requests: list[_Request] = []
    # Branches that leave the trunk in different places, some of them from one another.
    for turn, changes in enumerate([(), (0.3,), (0.3, 0.5), (0.3, 0.6), (0.3, 0.75), (0.85,), (0.1, 0.2)]):
        changed = ids.copy()
        for change in changes:
            at = int(length * change)
            changed[at] = (ids[at] + 1 + round(change * 100) % 7) % model.vocabulary
        requests.append(_Request((0, turn), changed[: length - turn % 3], length // 8))
    try:
        trie = trie_pass(model, [requests], block=8)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        return False
    plain = plain_pass(model, requests)
    return all(np.allclose(a, b, rtol=0, atol=_TOLERANCE[model.dtype]) for a, b in zip(trie, plain, strict=True))


def trie_pass(model: CausalModel, parts: Sequence[Sequence[_Request]], *, block: int | None = None) -> list[Floats]:
    """Log-probabilities of the scored tokens of each request in turn: one forward pass, a trie for each part."""
    import torch

    tries = [build_trie([r.ids for r in part], [r.start for r in part]) for part in parts]
    offsets = np.cumsum([0, *(len(t) for t in tries)])
    plan = TriePlan(
        tries,
        groups=model.query_groups,
        dtype=model.model.dtype,
        device=model.device,
        block=block or (_BLOCK_GPU if model.on_gpu else _BLOCK),
    )
    rows = [t_rows + offset for t, offset in zip(tries, offsets, strict=False) for t_rows in t.rows]
    wanted = [r.ids[r.start :] for part in parts for r in part]
    kept, where = np.unique(np.concatenate(rows), return_inverse=True)
    with torch.inference_mode(), planned(model.model, plan):
        logits = model.logits(
            torch.from_numpy(np.concatenate([t.tokens for t in tries]))[None],
            positions=torch.from_numpy(np.concatenate([t.depth for t in tries]))[None],
            keep=torch.from_numpy(kept),
        )[0]
        if plan.layers != model.layers:
            raise Unsupported(f"{plan.layers} of {model.layers} layers attend")
        found = _gather(logits, where, np.concatenate(wanted))
    return _split(found, wanted)


def plain_pass(model: CausalModel, requests: Sequence[_Request]) -> list[Floats]:
    """As `trie_pass`, with a row for each request; padding is on the right, where nothing attends to it."""
    import torch

    longest = max(len(r.ids) for r in requests) - 1
    ids = np.zeros((len(requests), longest), dtype=np.int64)
    for row, r in zip(ids, requests, strict=True):
        row[: len(r.ids) - 1] = r.ids[:-1]
    first = min(r.start for r in requests) - 1
    width = longest - first
    with torch.inference_mode():
        logits = model.logits(torch.from_numpy(ids), keep=torch.arange(first, longest))
        where = [n * width + np.arange(r.start - 1 - first, len(r.ids) - 1 - first) for n, r in enumerate(requests)]
        wanted = [r.ids[r.start :] for r in requests]
        found = _gather(logits.flatten(0, 1), np.concatenate(where), np.concatenate(wanted))
    return _split(found, wanted)


def _split(values: Floats, like: Sequence[Ints]) -> list[Floats]:
    ends = np.cumsum([len(each) for each in like])
    return [values[end - len(each) : end] for end, each in zip(ends, like, strict=True)]


def _gather(logits: torch.Tensor, rows: Ints, tokens: Ints) -> Floats:
    """Log-probability of tokens[i] in row rows[i] of logits [rows, vocabulary]."""
    import torch

    # In parts, so that the copy in single precision stays small.
    parts = (logits[n : n + 256] for n in range(0, len(logits), 256))
    total = torch.cat([part.float().logsumexp(-1) for part in parts])
    at, token = torch.from_numpy(rows).to(logits.device), torch.from_numpy(tokens).to(logits.device)
    result: Floats = (logits[at, token].float() - total[at]).double().cpu().numpy()
    return result


def _score(model: CausalModel, groups: Sequence[Sequence[Option]], budget: int, path: Path) -> list[list[OptionScore]]:
    pairs = [(o.context, o.continuation) for g in groups for o in g]
    free = [(o.free_context, o.continuation) for g in groups for o in g if o.free_context is not None]
    encoded = iter(model.encode_pairs(pairs + free))
    wanted = [[_request(model, (u, n), *next(encoded)) for n in range(len(g))] for u, g in enumerate(groups)]
    units = [list(requests) for requests in wanted]
    for u, group in enumerate(groups):
        for n, option in enumerate(group):
            if option.free_context is not None:
                units[u].append(_request(model, (u, len(group) + n), *next(encoded)))
    found = _compute(model, units, budget, path)
    return [
        [
            OptionScore(
                *found[r.key],
                n_tokens=len(r.ids) - r.start,
                n_context=r.start,
                free_logprob=found[u, len(requests) + r.key[1]][0] if (u, len(requests) + r.key[1]) in found else None,
            )
            for r in requests
        ]
        for u, requests in enumerate(wanted)
    ]


def _request(model: CausalModel, key: Key, context: list[int], continuation: list[int]) -> _Request:
    if not continuation:
        raise ModelError("a continuation adds no token to its context", hint="end the context before a word, not in it")
    length = len(context) + len(continuation)
    if length > model.window:
        raise WindowExceeded(
            f"an option has {length} tokens with its context, the window of {model.source.ref} is {model.window}"
        )
    return _Request(key, np.asarray(context + continuation, dtype=np.int64), len(context))


def _compute(
    model: CausalModel, units: Sequence[Sequence[_Request]], budget: int, path: Path
) -> dict[Key, tuple[float, Path]]:
    """Sum of log-probabilities, and the path that was taken, by request."""
    found: dict[Key, tuple[float, Path]] = {}
    plain: list[_Request] = []
    pending = [sorted(u, key=_Request.order) for u in units if u]
    max_rows = max(1, _LOGITS_BYTES // (4 * model.vocabulary))
    while pending and path == "prefix_trie":
        parts = take_parts(pending, budget, max_rows, pack=budget if model.on_gpu else _PACK)
        try:
            logprobs = trie_pass(model, parts)
        except Unsupported:
            plain += [r for part in parts for r in part]
        except Exception as error:
            budget = _halved(model, budget, error)
            continue
        else:
            found |= _summed(parts, logprobs, "prefix_trie")
        done = {r.key for part in parts for r in part}
        pending = [rest for unit in pending if (rest := [r for r in unit if r.key not in done])]
    queue = sorted([*plain, *(r for unit in pending for r in unit)], key=lambda r: (len(r.ids), r.key))
    while queue:
        rows = take_rows(queue, budget, max_rows)
        try:
            found |= _summed([rows], plain_pass(model, rows), "plain")
        except Exception as error:
            budget = _halved(model, budget, error)
            continue
        del queue[: len(rows)]
    return found


def _summed(
    parts: Sequence[Sequence[_Request]], logprobs: Sequence[Floats], path: Path
) -> dict[Key, tuple[float, Path]]:
    requests = [r for part in parts for r in part]
    return {r.key: (float(each.sum()), path) for r, each in zip(requests, logprobs, strict=True)}


def _halved(model: CausalModel, budget: int, error: Exception) -> int:
    """Half the budget, if memory was what ran out and it can still be halved; raises the error otherwise."""
    if not is_out_of_memory(error) or budget < _LEAST:
        raise error
    release_cached(model.device)
    return budget // 2


def take_parts(pending: Sequence[Sequence[_Request]], budget: int, max_rows: int, *, pack: int) -> list[list[_Request]]:
    """What the next pass computes: whole units up to `pack` nodes, or as much of the first as fits `budget` nodes.

    Units must be in trie order. What is left of a split unit computes the path that it shares again.
    """
    parts: list[list[_Request]] = []
    nodes = rows = 0
    for unit in pending:
        part: list[_Request] = []
        previous = np.empty(0, dtype=np.int64)
        cost = scored = 0
        limit = budget if not parts else pack
        for r in unit:
            more = len(r.ids) - 1 - common_length(previous, r.ids[:-1])
            if part and (nodes + cost + more > limit or rows + scored + len(r.ids) - r.start > max_rows):
                break
            part.append(r)
            cost += more
            scored += len(r.ids) - r.start
            previous = r.ids[:-1]
        if parts and (len(part) < len(unit) or nodes + cost > limit or rows + scored > max_rows):
            break
        parts.append(part)
        nodes += cost
        rows += scored
    return parts


def take_rows(queue: Sequence[_Request], budget: int, max_rows: int) -> list[_Request]:
    """The next rows of the plain path from a queue sorted by length: within both limits, but at least one."""
    taken: list[_Request] = []
    first = len(queue[0].ids)
    for r in queue:
        first = min(first, r.start)
        count = len(taken) + 1
        if taken and (count * len(r.ids) > budget or count * (len(r.ids) - first) > max_rows):
            break
        taken.append(r)
    return taken
