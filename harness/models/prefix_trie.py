"""Scores options by log-probability: the options of an article form one prefix trie, computed in one forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from harness.errors import ModelError, WindowExceeded
from harness.models.attention import Unsupported, planned, supports_plans
from harness.models.device import is_out_of_memory, release_cached
from harness.models.trie import Ints, TriePlan, build_trie, common_length, trie_order

if TYPE_CHECKING:
    import torch

    from harness.models.causal import CausalModel

Floats = NDArray[np.float64]
Key = tuple[int, int]
Path = Literal["prefix_trie", "plain"]
Normalisation = Literal["sum", "mean", "pmi"]

TOKEN_BUDGET = 8192
"""Most trie nodes (or padded tokens, on the plain path) in one forward pass."""
_PACK = 1024
"""Several short tries share a pass up to so many nodes on a processor: beyond, it gains nothing."""
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
            budget = _halved(model, budget, error, requests=sum(map(len, parts)))
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
            budget = _halved(model, budget, error, requests=len(rows))
            continue
        del queue[: len(rows)]
    return found


def _summed(
    parts: Sequence[Sequence[_Request]], logprobs: Sequence[Floats], path: Path
) -> dict[Key, tuple[float, Path]]:
    requests = [r for part in parts for r in part]
    return {r.key: (float(each.sum()), path) for r, each in zip(requests, logprobs, strict=True)}


def _halved(model: CausalModel, budget: int, error: Exception, *, requests: int) -> int:
    """Half the budget, if memory ran out over more than one request; raises the error otherwise."""
    if not is_out_of_memory(error) or requests == 1:
        raise error
    release_cached(model.device)
    return max(1, budget // 2)


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
