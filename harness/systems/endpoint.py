"""Models behind an OpenAI-compatible server: options and requests of all such systems, and the summariser."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from harness.errors import EndpointError, WindowExceeded
from harness.models.server import (
    TOKEN_BYTES,
    Api,
    Body,
    Client,
    Completion,
    Outcome,
    Server,
    estimate,
    estimated_spans,
)
from harness.models.windows import Fitted, LongInput, fit_article
from harness.runtime.files import encodable
from harness.systems.base import Context, Options, System
from harness.systems.endpoint_price import Price
from harness.systems.prompts import ARTICLE, ARTICLE_FIELDS, fields_of, fill, require_places, shown_fields
from harness.text.replies import (
    READING,
    WINDOW_BREAK,
    Reply,
    open_reply,
    with_thought,
)
from harness.types import Answer, Dataset, Item

_UNIT = 32
"""Items that are stored together, whatever the number of requests at once: it moves no part's border."""
_DELIVERY = ("api_key_env", "concurrency", "timeout_s", "attempts", "backoff_s", "longest_wait_s", "price")
"""Options that change when an answer arrives and what it costs, never what it says."""
_CHAT = 32
"""Tokens that a chat template may add to a request."""


class EndpointOptions(Options):
    """The server, the prompt and the sampling. The key is read from the variable `api_key_env` and is kept nowhere."""

    base_url: Annotated[str, Field(pattern=r"^https?://[^@\s?#]+$")]
    model: str
    api: Api = "chat"
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    system: str | None = None
    prompt: str
    max_tokens: Annotated[int, Field(ge=1)] = 256
    context_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="the server's window, question and answer; null: it refuses what is too long"
    )
    long_input: LongInput = "truncate_article"
    temperature: Annotated[float, Field(ge=0)] = 0.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: int | None = None
    extra_body: Mapping[str, Any] = Field(
        default_factory=dict, description="more fields of the request; null removes one of ours"
    )
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 8
    timeout_s: Annotated[float, Field(gt=0)] = 120.0
    attempts: Annotated[int, Field(ge=1)] = 6
    backoff_s: Annotated[float, Field(ge=0)] = 1.0
    longest_wait_s: Annotated[float, Field(ge=0)] = 120.0
    price: Price | None = None

    @field_validator("model", mode="before")
    @classmethod
    def _named(cls, model: object) -> object:
        if not model:
            raise ValueError("name the model as the server knows it, such as stance.model=Qwen/Qwen2.5-7B-Instruct")
        return model

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        if self.context_tokens is not None and self.prompt.count(ARTICLE) != 1:
            raise ValueError("with context_tokens the prompt must contain {article} exactly once")
        if self.room is not None and self.room < 1:
            raise ValueError(f"context_tokens must be more than max_tokens and {_CHAT}")
        return self

    @property
    def room(self) -> int | None:
        """Tokens for the question, None where the server decides."""
        if self.context_tokens is None:
            return None
        newer = self.extra_body.get("max_completion_tokens")
        return self.context_tokens - (newer if isinstance(newer, int) else self.max_tokens) - _CHAT

    @property
    def server(self) -> Server:
        """What the client needs of it."""
        return Server(
            base_url=self.base_url,
            api=self.api,
            api_key_env=self.api_key_env,
            concurrency=self.concurrency,
            timeout_s=self.timeout_s,
            attempts=self.attempts,
            backoff_s=self.backoff_s,
            longest_wait_s=self.longest_wait_s,
        )


class EndpointSystem(System):
    """Asks a server; items that it does not answer are recorded with the reason and asked again by the next run."""

    Options: ClassVar[type[Options]] = EndpointOptions
    reading: ClassVar = READING

    def identity(self) -> dict[str, Any]:
        base = super().identity()
        # a seed changes nothing where nothing is drawn
        idle = (*_DELIVERY, "seed", "top_p") if self.options.temperature == 0 else _DELIVERY
        if self.options.context_tokens is None:
            idle = (*idle, "context_tokens", "long_input")
        return {**base, "options": {k: v for k, v in base["options"].items() if k not in idle}}

    @cached_property
    def client(self) -> Client:
        """The connection's memory of whether the server can be reached lasts from unit to unit."""
        return Client(self.options.server)

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        """Only what the prompt shows."""
        return shown_fields([self.options.prompt], item)

    def plan(self, items: Sequence[Item]) -> list[list[Item]]:
        return [list(items[i : i + _UNIT]) for i in range(0, len(items), _UNIT)]

    def prompt(self, item: Item, piece: str | None = None) -> str:
        """The user's message, with the whole article or a piece of it."""
        return fill(self.options.prompt, **self.fields(item, piece))

    def fields(self, item: Item, piece: str | None = None) -> dict[str, str]:
        """What fills the places of the prompt."""
        return fields_of(item) if piece is None else {**fields_of(item), "article": piece}

    def extra(self) -> dict[str, Any]:
        """More fields of the request."""
        return {}

    def body(self, prompt: str) -> dict[str, Any]:
        """A request; greedy ones carry no sampling fields but the temperature, which some servers refuse."""
        o = self.options
        body: dict[str, Any] = {"model": o.model, "max_tokens": o.max_tokens, "temperature": o.temperature}
        if o.temperature > 0:
            body |= {"top_p": o.top_p, "seed": o.seed or 0}
        if o.api == "chat":
            head = [{"role": "system", "content": o.system}] if o.system else []
            body["messages"] = [*head, {"role": "user", "content": prompt}]
        else:
            body["prompt"] = f"{o.system}\n\n{prompt}" if o.system else prompt
        body |= {**self.extra(), **o.extra_body}
        return {k: v for k, v in body.items() if v is not None}

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        return [a for _, answers in self.answer_units([items], context) for a in answers if a is not None]

    def answer_units(
        self, units: Sequence[Sequence[Item]], context: Context
    ) -> Generator[tuple[int, list[Answer | None]]]:
        """All units' requests share one window of `concurrency`: a slow one keeps no other unit waiting."""
        under_way: dict[int, list[_Question | str]] = {}

        def bodies() -> Iterator[list[Body]]:
            for number, unit in enumerate(units):
                questions = under_way[number] = [self._question(item) for item in unit]
                yield [self.body(p) for q in questions if isinstance(q, _Question) for p in q.prompts]

        for number, outcomes in self.client.stream(bodies()):
            yield number, self._answers(under_way.pop(number), outcomes)

    def _answers(self, questions: Sequence[_Question | str], outcomes: Sequence[Outcome]) -> list[Answer | None]:
        """An answer for each item, None where one of its requests has no outcome."""
        rest, answers = iter(outcomes), list[Answer | None]()
        for question in questions:
            if isinstance(question, str):
                answers.append(Answer(error=question))
                continue
            known = [o for o in (next(rest) for _ in question.prompts) if o is not None]
            answers.append(self._answer(question, known) if len(known) == len(question.prompts) else None)
        return answers

    def _question(self, item: Item) -> _Question | str:
        """The prompts for one item, or why it is not asked: it is too long and must not be cut."""
        o = self.options
        if o.room is None:
            return _Question([encodable(self.prompt(item))], 0)
        window = (
            f"{o.model} ({o.context_tokens}, less the answer and the chat, estimated at {TOKEN_BYTES} bytes a token)"
        )
        try:
            fitted: Fitted = fit_article(
                self.fields(item)["article"],
                estimated_spans,
                lambda piece: estimate((o.system or "") + self.prompt(item, piece)),
                o.room,
                o.long_input,
                window,
                # windows that share most of their text would cost many requests
                overlap=min(64, o.room // 8),
            )
        except WindowExceeded as error:
            return str(error)
        return _Question([encodable(self.prompt(item, piece)) for piece in fitted.pieces], fitted.tokens_cut)

    def _answer(self, question: _Question, outcomes: Sequence[Completion | EndpointError]) -> Answer:
        completions = []
        for i, outcome in enumerate(outcomes, 1):
            if isinstance(outcome, EndpointError):
                where = f"window {i} of {len(outcomes)}: " if len(outcomes) > 1 else ""
                return Answer(error=where + outcome.message, prompt=question.prompts[i - 1])
            completions.append(outcome)
        one = self._read_all(completions)
        return replace(
            one,
            raw=WINDOW_BREAK.join(with_thought(c.thought, c.text) for c in completions),
            prompt=question.prompts[0],
            tokens_in=_total([c.tokens_in for c in completions]),
            tokens_out=_total([c.tokens_out for c in completions]),
            tokens_cut=question.tokens_cut,
            seconds=sum(c.seconds for c in completions),
            finish=",".join(c.finish for c in completions),
        )

    def reread(self, item: Item, answer: Answer) -> Answer:
        of_several = "+windows" in answer.path
        texts = (answer.raw or "").split(WINDOW_BREAK) if of_several else [answer.raw or ""]
        finishes = [self.unknown_finish] * len(texts) if answer.finish is None else answer.finish.split(",")
        # before formats had numbers, the replies to several windows were stored without a mark between them
        apart = len(finishes) == len(texts) and (len(texts) > 1 or not of_several)
        if answer.raw is None or not apart or answer.path.startswith(("logprobs", "refused")):
            return replace(answer, reading=self.reading)
        one = self._read_all([Completion(t, f, None, None, None, 0.0, 1) for t, f in zip(texts, finishes, strict=True)])
        read = {name: getattr(one, name) for name in ("output", "label", "scores", "path", "error", "reading")}
        return replace(answer, **read)

    unknown_finish: ClassVar[str] = "stop"
    """How a stored reply ended whose part does not say so (answers of format 1)."""

    def _read_all(self, completions: Sequence[Completion]) -> Answer:
        """What the replies to an article's windows say together."""
        answers = [self._read_one(c) for c in completions]
        one = answers[0] if len(answers) == 1 else replace(merged := self.merge(answers), path=f"{merged.path}+windows")
        return replace(one, reading=self.reading)

    def _read_one(self, completion: Completion) -> Answer:
        if completion.refused:
            return self.read(completion, Reply(completion.text, refused=True))
        reply = open_reply(with_thought(completion.thought, completion.text), completion.finish)
        if reply.problem is not None:
            return Answer(error=reply.problem, path=self.options.api)
        return self.read(completion, reply)

    def read(self, completion: Completion, reply: Reply) -> Answer:
        """Output, label, scores, path or error from a completion, and from its reply without thoughts."""
        return Answer(reply.text, path=self.options.api)

    def merge(self, answers: Sequence[Answer]) -> Answer:
        """One answer of those to several windows of an article: the texts in order, unless one of them is an error."""
        errors = [a for a in answers if a.error is not None]
        return errors[0] if errors else replace(answers[0], output=" ".join(a.output for a in answers))


def _total(counts: Sequence[int | None]) -> int | None:
    """The sum; None where one is not known."""
    known = [c for c in counts if c is not None]
    return sum(known) if len(known) == len(counts) else None


@dataclass(frozen=True)
class _Question:
    """The prompts for one item, one a window of the article (nearly always one), and how much of it is in none of them."""

    prompts: list[str]
    tokens_cut: int


class EndpointSummaryOptions(EndpointOptions):
    """`prompt` may use {article} and {title}."""

    @field_validator("prompt")
    @classmethod
    def _has_places(cls, prompt: str) -> str:
        return require_places(prompt, {"article"}, ARTICLE_FIELDS)


class EndpointSummariser(EndpointSystem):
    """Writes a summary, without thoughts. One that the model ended without a word is empty, and scored as a local model's
    would be; where nothing came for another reason, there is no answer."""

    kind: ClassVar = "summariser"
    version: ClassVar = "2"
    Options: ClassVar = EndpointSummaryOptions

    def read(self, completion: Completion, reply: Reply) -> Answer:
        if reply.refused:
            return Answer(error=f"the model refused: {reply.text[:300] or completion.finish}", path="refused")
        return super().read(completion, reply)
