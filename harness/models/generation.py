"""Generates text with causal models: batches by token budget, no padding, a cache allocated once, answers per row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from harness.errors import WindowExceeded
from harness.models.attention import Unsupported, supports_plans
from harness.models.batching import Step, in_halves, unwatched
from harness.models.choosing import Chooser, Decoding
from harness.models.device import is_out_of_memory
from harness.models.kv_rows import RowsPlan

if TYPE_CHECKING:
    import torch

    from harness.models.causal import CausalModel, Forward

GenerationPath = Literal["rows", "generate"]
"""How an answer is computed: in rows beside others, or alone by transformers' own loop."""

TOKEN_BUDGET = 32_768
"""Most tokens, prompt and answer, that a batch holds in its cache."""
MAX_ROWS = 16
"""Most texts in a batch."""
_COMPACT = 0.75
"""Finished rows leave the batch once no more than this share is still at work: leaving costs about one step."""
MOST_GUESSED = 10
"""Tokens that one text is guessed ahead at most."""
STEP_TOKENS = 48
"""Tokens that a step computes with guesses: as it reads all weights and keys anyway, so many cost little more than one."""
_TOLERANCE = {"float32": 1e-3, "bfloat16": 0.3, "float16": 0.05}


@dataclass(frozen=True, slots=True)
class Generation:
    """An answer: its text and tokens without the closing one, and why it ended; `path` says how it was computed.

    `error` says why there is none, where one text alone does not fit the memory.
    """

    text: str
    tokens: tuple[int, ...]
    n_prompt: int
    finish: Literal["eos", "length", "error"]
    path: GenerationPath
    error: str | None = None


def plan_batches(
    lengths: Sequence[int], max_new_tokens: int, *, budget: int = TOKEN_BUDGET, max_rows: int = MAX_ROWS
) -> list[list[int]]:
    """Indices of prompts by batch, of similar lengths (in tokens), longest first; rows x longest <= `budget`.

    Depends on nothing but its arguments, so a batch is the same unit of work in every run.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    batches: list[list[int]] = []
    for i in order:
        batch = batches[-1] if batches else None
        if batch and len(batch) < max_rows and (len(batch) + 1) * (lengths[batch[0]] + max_new_tokens) <= budget:
            batch.append(i)
        else:
            batches.append([i])
    return batches


def generate(
    model: CausalModel,
    prompts: Sequence[str],
    decoding: Decoding | None = None,
    *,
    budget: int = TOKEN_BUDGET,
    max_rows: int = MAX_ROWS,
    step: Step = unwatched,
) -> list[Generation]:
    """Answers to all prompts, in their order; the answer to one does not depend on the others.

    Out of memory halves the batch and goes on; a text that does not fit alone has that as its `error`.
    WindowExceeded if a prompt with its answer may not fit the window.
    """
    decoding = decoding or Decoding()
    encoded = model.encode_many(prompts)
    for ids in encoded:
        if len(ids) + decoding.max_new_tokens > model.window:
            raise WindowExceeded(
                f"a prompt has {len(ids)} tokens and its answer may have {decoding.max_new_tokens}, the window of "
                f"{model.source.ref} is {model.window}",
                hint="long_input=truncate_article",
            )
    holds = rows_hold(model)
    # in tokens that go through the model, if every answer takes all its room
    work = sum(map(len, encoded)) + len(encoded) * decoding.max_new_tokens
    done = 0

    def passed(tokens: int) -> None:
        nonlocal done
        done += tokens
        step(min(1.0, done / work))

    def run(rows: Sequence[list[int]]) -> list[Generation]:
        # a row must not turn its positions otherwise because of the others' length
        longest = max(map(len, rows)) + decoding.max_new_tokens
        try:
            return _answer(model, rows, decoding, passed, rows=holds and longest <= model.steady)
        except Exception as error:
            if is_out_of_memory(error):
                model.states.clear()
            raise

    def alone(ids: list[int]) -> Generation:
        error = f"out of memory on {model.device} for one input of {len(ids)} tokens"
        return Generation("", (), len(ids), "error", "rows", error)

    answers: dict[int, Generation] = {}
    lengths = [len(ids) for ids in encoded]
    for batch in plan_batches(lengths, decoding.max_new_tokens, budget=budget, max_rows=max_rows):
        before = done
        answers |= zip(batch, in_halves([encoded[i] for i in batch], run, model.device, alone), strict=True)
        done = before + sum(lengths[i] + decoding.max_new_tokens for i in batch)
    return [answers[i] for i in range(len(prompts))]


def rows_hold(model: CausalModel) -> bool:
    """Whether the row cache gives the logits of ordinary forward passes with this model; tried once per loaded model."""
    return model.holds("rows", _self_check)


def _self_check(model: CausalModel) -> bool:
    import torch

    if not supports_plans(model.model) or model.window < 16:
        return False
    rng = np.random.default_rng(0)
    prompts = [rng.integers(0, model.vocabulary, size=n).tolist() for n in (12, 9, 5)]
    following = rng.integers(0, model.vocabulary, size=(4, 3)).tolist()
    try:
        logprobs = [logits.float().log_softmax(-1) for logits in _forced(model, prompts, following)]
    except Exception as error:
        if is_out_of_memory(error):
            raise
        return False
    with torch.inference_mode():
        for row, prompt in enumerate(prompts):
            ids = [*prompt, *(step[row] for step in following)]
            plain = model.logits(torch.tensor([ids]))[0, len(prompt) - 1 :].float().log_softmax(-1)
            ours = torch.stack([logits[row] for logits in logprobs])
            if not torch.allclose(plain, ours, rtol=0, atol=_TOLERANCE[model.dtype]):
                return False
    return True


def _forced(model: CausalModel, prompts: list[list[int]], following: list[list[int]]) -> list[torch.Tensor]:
    """Logits after the prompts and after each step of given tokens, [rows, vocabulary] each.

    The rows bring wrong guesses as well, of another number each, which are not taken.
    """
    with _rows(model, prompts, len(following)) as batch:
        logits = [batch.prefill()]
        for step in following:
            brought = [[token, *[token] * (row % 3)] for row, token in enumerate(step)]
            ends = np.cumsum([0, *map(len, brought[:-1])]).tolist()
            logits.append(batch.step(brought)[ends])
            batch.plan.take([1] * len(brought))
    if batch.plan.layers != model.layers * (len(prompts) + len(following)):
        raise Unsupported("not every layer attends")
    return logits


class _Rows:
    """A batch under way, inside of `_rows`."""

    def __init__(self, model: CausalModel, plan: RowsPlan, prompts: Sequence[list[int]], forward: Forward) -> None:
        self.plan = plan
        self._model, self._prompts, self._forward = model, prompts, forward

    def prefill(self, passed: Callable[[int], None] = lambda tokens: None) -> torch.Tensor:
        """Logits after each prompt, [rows, vocabulary]; prompts run one by one, so none is padded.

        Beginnings that the model has read before are not read again, and new ones are kept for the next question.
        """
        import torch

        states = self._model.states
        logits: list[torch.Tensor] = []
        for row, ids in enumerate(self._prompts):
            text = np.asarray(ids, dtype=np.int64)
            known, past = states.beginning(text[:-1])
            keep = states.misses(text)
            self.plan.prefill(row, len(ids), past, keep=keep)
            places = torch.arange(known, len(ids))[None]
            last = torch.tensor([len(ids) - known - 1])
            logits.append(self._forward(torch.from_numpy(text[None, known:]), places, last)[:, 0])
            if keep and self.plan.read:
                states.add(text, self.plan.read)
            passed(len(ids))
        return torch.cat(logits)

    def step(self, tokens: Sequence[Sequence[int]]) -> torch.Tensor:
        """Logits after one or more further tokens in each row, [tokens of all rows, vocabulary]; `plan.take` comes next."""
        import torch

        self.plan.decode([len(row) for row in tokens])
        ids = torch.tensor([[token for row in tokens for token in row]])
        return self._forward(ids, self.plan.positions(), None)[0]


@contextmanager
def _rows(model: CausalModel, prompts: Sequence[list[int]], max_new_tokens: int) -> Iterator[_Rows]:
    """A batch whose forward passes go by its plan."""
    capacity = max(map(len, prompts)) + max_new_tokens + MOST_GUESSED
    plan = RowsPlan(len(prompts), capacity, device=model.device, dtype=model.model.dtype)
    with model.attending(plan) as forward:
        yield _Rows(model, plan, prompts, forward)


def _answer(
    model: CausalModel,
    prompts: Sequence[list[int]],
    decoding: Decoding,
    passed: Callable[[int], None],
    *,
    rows: bool,
) -> list[Generation]:
    choosers = [Chooser(decoding, ids, model.eos_ids) for ids in prompts]
    path: GenerationPath = "rows"
    if rows:
        try:
            _run_rows(model, prompts, choosers, passed)
        except Unsupported:
            rows = False
    if not rows:
        path = "generate"
        choosers = [Chooser(decoding, ids, model.eos_ids) for ids in prompts]
        for ids, chooser in zip(prompts, choosers, strict=True):
            _run_alone(model, ids, chooser)
            passed(len(ids) + decoding.max_new_tokens)
    return [
        Generation(model.decode(c.tokens), tuple(c.tokens), len(ids), "eos" if c.ended else "length", path)
        for ids, c in zip(prompts, choosers, strict=True)
    ]


def _run_rows(
    model: CausalModel, prompts: Sequence[list[int]], choosers: list[Chooser], passed: Callable[[int], None]
) -> None:
    active = choosers
    with _rows(model, prompts, choosers[0].decoding.max_new_tokens) as batch:
        _choose(batch.prefill(passed), active, [[]] * len(active))
        while True:
            working = [n for n, c in enumerate(active) if not c.done]
            if not working:
                return
            if len(working) <= _COMPACT * len(active):
                batch.plan.keep(working)
                active = [active[n] for n in working]
            guesses = _guesses(active)
            logits = batch.step([[c.last, *guess] for c, guess in zip(active, guesses, strict=True)])
            taken = [1 + right for right in _choose(logits, active, guesses)]
            batch.plan.take(taken)
            passed(sum(taken))


def _guesses(choosers: Sequence[Chooser]) -> list[list[int]]:
    """What each text may say next; together no more than a step computes at hardly any cost."""
    guesses = [c.guess(MOST_GUESSED) for c in choosers]
    guessing = sum(map(bool, guesses))
    most = (STEP_TOKENS - len(choosers)) // max(1, guessing)
    return [guess[: max(0, most)] for guess in guesses]


def _choose(logits: torch.Tensor, choosers: Sequence[Chooser], guesses: Sequence[list[int]]) -> list[int]:
    """Takes each text's next tokens by the logits after its last token and after each guess: how many guesses were right.

    A text goes on to the first token that was not guessed, so that it says what it would have said without guesses.
    """
    greedy = choosers[0].decoding.is_plain_greedy
    best: list[int] = logits.argmax(-1).tolist() if greedy else []
    right: list[int] = []
    at = 0
    for chooser, guess in zip(choosers, guesses, strict=True):
        taken = 0
        # A finished row is computed until it leaves; what it is fed matters to nobody.
        while not chooser.done:
            n = at + taken
            token = chooser.take(best[n] if greedy else chooser.choose(logits[n].float().cpu()))
            if taken == len(guess) or guess[taken] != token or chooser.done:
                break
            taken += 1
        right.append(taken)
        at += 1 + len(guess)
    return right


def _run_alone(model: CausalModel, ids: list[int], chooser: Chooser) -> None:
    """One prompt by transformers' own loop, for models that the row cache does not fit; the chooser still decides."""
    import torch

    def force(_: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        token = chooser.choose(scores[0].float().cpu())
        chooser.take(token)
        return torch.full_like(scores, -math.inf).index_fill_(1, torch.tensor([token], device=scores.device), 0.0)

    inputs = torch.tensor([ids], device=model.device)
    engine: Any = model.model
    with torch.inference_mode():
        engine.generate(
            inputs,
            attention_mask=torch.ones_like(inputs),
            max_new_tokens=chooser.decoding.max_new_tokens,
            do_sample=False,
            num_beams=1,
            temperature=None,
            top_p=None,
            top_k=None,
            repetition_penalty=1.0,
            eos_token_id=list(model.eos_ids) or None,
            pad_token_id=model.eos_ids[0] if model.eos_ids else 0,
            logits_processor=[force],
        )
