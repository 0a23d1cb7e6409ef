"""Scores options by log-probability: all options form one prefix trie, of which no node is computed twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from harness.errors import ModelError, WindowExceeded
from harness.models.article_states import Ints, Past, common_length
from harness.models.attention import Unsupported, supports_plans
from harness.models.batching import Step, in_halves, unwatched
from harness.models.device import is_out_of_memory, release_cached
from harness.models.packed_trie import Trie, TriePlan, build_trie

if TYPE_CHECKING:
    import torch

    from harness.models.causal import CausalModel

Floats = NDArray[np.float64]
ScoringPath = Literal["prefix_trie", "plain"]
"""How an option is scored: over one trie with all others, or as a row of its own."""
Normalisation = Literal["sum", "mean", "pmi"]

TOKEN_BUDGET = 8192
"""Most trie nodes (or padded tokens, on the plain path) in one forward pass."""
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
    path: ScoringPath
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
    """Token ids of one sequence, of which those from `start` on are scored."""

    ids: Ints
    start: int


def score(
    model: CausalModel, groups: Sequence[Sequence[Option]], *, budget: int = TOKEN_BUDGET, step: Step = unwatched
) -> list[list[OptionScore]]:
    """Scores of every option of every group (an article's, say); what options share at their beginning is computed once.

    Takes the trie where the model's self-check holds, else the plain path; `budget` is in tokens a forward pass, and
    out of memory halves it and goes on. WindowExceeded if a sequence is longer than the window.
    """
    if not trie_holds(model):
        return score_plain(model, groups, budget=budget, step=step)
    try:
        return _score(model, groups, "prefix_trie", lambda requests: trie_scores(model, requests, budget, step=step))
    except Unsupported:
        if len(groups) == 1:
            return score_plain(model, groups, budget=budget, step=step)
        # perhaps only one of them is so long that its positions are turned otherwise
        return [score(model, [group], budget=budget)[0] for group in groups]


def score_plain(
    model: CausalModel, groups: Sequence[Sequence[Option]], *, budget: int = TOKEN_BUDGET, step: Step = unwatched
) -> list[list[OptionScore]]:
    """As `score`, with a row of an ordinary forward pass per option: the reference, and the path that always works."""
    return _score(model, groups, "plain", lambda requests: plain_scores(model, requests, budget, step))


def trie_holds(model: CausalModel) -> bool:
    """Whether trie and plain path agree on a small probe with this model; tried once per loaded model."""
    return model.holds("prefix_trie", _self_check)


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
        requests.append(_Request(changed[: length - turn % 3], length // 8))
    try:
        # a budget below the number of nodes, so that keys and values are handed on as well
        trie = trie_scores(model, requests, 2 * length, block=8)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        return False
    plain = plain_scores(model, requests, TOKEN_BUDGET)
    return all(np.allclose(a, b, rtol=0, atol=_TOLERANCE[model.dtype]) for a, b in zip(trie, plain, strict=True))


def trie_scores(
    model: CausalModel,
    requests: Sequence[_Request],
    budget: int,
    *,
    block: int | None = None,
    step: Step = unwatched,
) -> list[Floats]:
    """Log-probabilities of the scored tokens of each request: passes of at most `budget` nodes over one trie.

    A pass leaves the keys and values of the path that the next one begins with. Beginnings that the model has read before
    are not read again, and new ones are kept for the next question. Out of memory halves the budget.
    """
    trie = build_trie([r.ids for r in requests], [r.start for r in requests])
    if int(trie.depth.max()) >= model.steady:
        raise Unsupported("positions that depend on the length of the text")
    rows = np.concatenate(trie.rows)
    tokens = np.concatenate([r.ids[r.start :] for r in requests])
    logprobs = np.empty(len(rows), dtype=np.float64)
    scored = np.unique(rows)
    stems = list(trie.stems())
    known = _known(model, trie, stems)
    past: Past = {}
    start = 0
    while start < len(trie):
        if start in known:
            start, past = known.pop(start)
            continue
        stop = min([next_stop(start, len(trie), scored, budget, _max_rows(model)), *(k for k in known if k > start)])
        here = (rows >= start) & (rows < stop)
        nodes = slice(start, stop)
        new = [path for _, path in stems if start <= path[-1] < stop and model.states.misses(trie.tokens[path])]
        try:
            logprobs[here], past = _trie_pass(model, trie, nodes, past, rows[here], tokens[here], new, block, step=step)
        except Exception as error:
            if not is_out_of_memory(error) or stop - start == 1:
                raise
        else:
            start = stop
            continue
        # outside of the handler, whose traceback would keep the tensors alive
        model.states.clear()
        release_cached(model.device)
        budget = (stop - start) // 2
    return _split(logprobs, [r.ids[r.start :] for r in requests])


def trie_size(model: CausalModel, options: Sequence[Option]) -> tuple[int, int]:
    """Nodes of the trie that these options form, and how many of them all of the options share."""
    pairs = model.encode_pairs([(o.context, o.continuation) for o in options])
    trie = build_trie(
        [context + continuation for context, continuation in pairs], [len(context) for context, _ in pairs]
    )
    contexts = sorted(context for context, _ in pairs)
    return len(trie), common_length(np.asarray(contexts[0]), np.asarray(contexts[-1]))


def _known(model: CausalModel, trie: Trie, stems: Sequence[tuple[int, Ints]]) -> dict[int, tuple[int, Past]]:
    """By the first node of a stem that the model has read before: the first node that it has not, and what it knows then."""
    known: dict[int, tuple[int, Past]] = {}
    for first, path in stems:
        length, past = model.states.beginning(trie.tokens[path])
        if length > trie.depth[first]:
            known[first] = (first + length - int(trie.depth[first]), past)
    return known


def _trie_pass(
    model: CausalModel,
    trie: Trie,
    nodes: slice,
    past: Past,
    rows: Ints,
    tokens: Ints,
    stems: Sequence[Ints] = (),
    block: int | None = None,
    *,
    step: Step = unwatched,
) -> tuple[Floats, Past]:
    """Log-probability of tokens[i] after node rows[i], one of `nodes`; keys and values of the path to what follows.

    The model remembers what it reads of `stems`, paths of the trie that end in this pass.
    """
    import torch

    block = block or (_BLOCK_GPU if model.on_gpu else _BLOCK)

    def after_layer(layers: int) -> None:
        step((nodes.start + (nodes.stop - nodes.start) * layers / model.layers) / len(trie))

    plan = TriePlan(
        *(trie, nodes.start, nodes.stop, past),
        dtype=model.model.dtype,
        device=model.device,
        block=block,
        stems=stems,
        after_layer=after_layer,
    )
    kept, where = np.unique(rows, return_inverse=True)
    with model.attending(plan) as forward:
        logits = forward(
            torch.from_numpy(trie.tokens[nodes])[None],
            torch.from_numpy(trie.depth[nodes])[None],
            torch.from_numpy(kept - nodes.start),
        )[0]
        if plan.layers != model.layers:
            raise Unsupported(f"{plan.layers} of {model.layers} layers attend")
        for ids, state in plan.stems:
            model.states.add(ids, state)
        return _gather(logits, where, tokens), plan.kept


def next_stop(start: int, nodes: int, scored: Ints, budget: int, max_rows: int) -> int:
    """Where the pass that begins at node `start` ends: within both limits, the passes that remain being about equal.

    `scored` are the nodes of which logits are wanted, ascending; at most `max_rows` of them are in one pass.
    """
    passes = -(-(nodes - start) // budget)
    stop = start + -(-(nodes - start) // passes)
    too_many = int(np.searchsorted(scored, start)) + max_rows
    return min(stop, int(scored[too_many])) if too_many < len(scored) else stop


def plain_scores(model: CausalModel, requests: Sequence[_Request], budget: int, step: Step = unwatched) -> list[Floats]:
    """As `trie_scores`, with a row for each request, in passes of at most `budget` tokens with padding."""
    order = sorted(range(len(requests)), key=lambda i: len(requests[i].ids))
    queue = [requests[i] for i in order]
    steady = sum(len(r.ids) - 1 <= model.steady for r in queue)
    logprobs: list[Floats] = []
    while len(logprobs) < len(queue):
        until = steady if len(logprobs) < steady else len(queue)
        rows = take_rows(queue[len(logprobs) : until], budget, _max_rows(model))
        logprobs += in_halves(rows, lambda batch: _plain_pass(model, batch), model.device)
        step(len(logprobs) / len(queue))
    places = dict(zip(order, logprobs, strict=True))
    return [places[i] for i in range(len(requests))]


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


def _plain_pass(model: CausalModel, requests: Sequence[_Request]) -> list[Floats]:
    """One pass; padding is on the right, where nothing attends to it."""
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
        logprobs = _gather(logits.flatten(0, 1), np.concatenate(where), np.concatenate(wanted))
    return _split(logprobs, wanted)


def _max_rows(model: CausalModel) -> int:
    """Of the logits of one pass."""
    return max(1, _LOGITS_BYTES // (4 * model.vocabulary))


def _split(values: Floats, like: Sequence[Ints]) -> list[Floats]:
    ends = np.cumsum([len(each) for each in like])
    return [values[end - len(each) : end] for end, each in zip(ends, like, strict=True)]


def _gather(logits: torch.Tensor, rows: Ints, tokens: Ints) -> Floats:
    """Log-probability of tokens[i] in row rows[i] of logits [rows, vocabulary]."""
    import torch

    # In parts, so that the copy in single precision stays small.
    total = torch.cat([part.float().logsumexp(-1) for part in torch.split(logits, 256)])
    at, token = torch.from_numpy(rows).to(logits.device), torch.from_numpy(tokens).to(logits.device)
    result: Floats = (logits[at, token].float() - total[at]).double().cpu().numpy()
    return result


def _score(
    model: CausalModel,
    groups: Sequence[Sequence[Option]],
    path: ScoringPath,
    compute: Callable[[Sequence[_Request]], list[Floats]],
) -> list[list[OptionScore]]:
    options = [o for group in groups for o in group]
    pairs = [(o.context, o.continuation) for o in options]
    free = [(o.free_context, o.continuation) for o in options if o.free_context is not None]
    requests = [_request(model, *each) for each in model.encode_pairs(pairs + free)]
    sums = [float(each.sum()) for each in compute(requests)] if requests else []
    frees = iter(sums[len(options) :])
    scores = (
        OptionScore(total, path, len(r.ids) - r.start, r.start, None if o.free_context is None else next(frees))
        for o, r, total in zip(options, requests, sums, strict=False)
    )
    return [[next(scores) for _ in group] for group in groups]


def _request(model: CausalModel, context: list[int], continuation: list[int]) -> _Request:
    if not continuation:
        raise ModelError("a continuation adds no token to its context", hint="end the context before a word, not in it")
    length = len(context) + len(continuation)
    if length > model.window:
        raise WindowExceeded(
            f"an option has {length} tokens with its context, the window of {model.source.ref} is {model.window}"
        )
    return _Request(np.asarray(context + continuation, dtype=np.int64), len(context))
