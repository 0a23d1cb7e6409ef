"""Models behind an OpenAI-compatible server: options and requests of all such systems, and the summariser."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from harness.errors import EndpointError, WindowExceeded
from harness.models.batches import Batches
from harness.models.budget import Meter, bytes_of, most_tokens_out
from harness.models.server import Api, Body, Client, Completion, Outcome, Server
from harness.models.token_estimate import TOKEN_BYTES, USUAL_BYTES, estimate, estimated_spans
from harness.models.windows import Fitted, LongInput, fit_article
from harness.runtime.files import encodable
from harness.systems.base import Context, Options, System
from harness.systems.endpoint_price import Price, shares_of, total_of
from harness.systems.prompts import ARTICLE, ARTICLE_FIELDS, fields_of, fill, require_places, shown_fields
from harness.text.replies import READING, WINDOW_BREAK, Reply, open_reply, with_thought
from harness.types import Answer, Dataset, Item

UNIT = 32
"""Items that are stored together, whatever the number of requests at once: it moves no part's border."""
_DELIVERY = (
    *("api_key_env", "concurrency", "timeout_s", "attempts", "backoff_s", "longest_wait_s"),
    *("send", "poll_s", "price", "max_cost", "max_tokens_in"),
)
"""Options that change when an answer arrives and what it costs, never what it says."""
_CHAT = 32
"""Tokens that a chat template may add to a request."""
_TEMPLATE = 12
"""Tokens that it adds as a rule."""


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
    send: Literal["live", "batch"] = Field(default="live", description="batch: by the server's Batch API")
    poll_s: Annotated[float, Field(gt=0)] = Field(default=30.0, description="seconds between two looks at a batch")
    price: Price | None = None
    max_cost: Annotated[float, Field(gt=0)] | None = Field(default=None, description="of one run, at its price")
    max_tokens_in: Annotated[int, Field(ge=1)] | None = Field(default=None, description="of one run")

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

    @field_validator("extra_body")
    @classmethod
    def _without_echo(cls, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        if fields.get("echo"):
            raise ValueError(
                "echo: the reply would begin with the prompt, whose log-probabilities some servers misplace"
            )
        return fields

    @model_validator(mode="after")
    def _has_a_price(self) -> Self:
        if self.max_cost is not None and self.price is None:
            raise ValueError("max_cost needs a price, such as price={input: 0.15, output: 0.60}")
        return self

    @property
    def room(self) -> int | None:
        """Tokens for the question, None where the server decides."""
        if self.context_tokens is None:
            return None
        newer = self.extra_body.get("max_completion_tokens")
        return self.context_tokens - (newer if isinstance(newer, int) else self.max_tokens) - _CHAT

    @property
    def optional_fields(self) -> tuple[str, ...]:
        """Fields of a request that a server may refuse by name and then goes without."""
        return ("logprobs", "top_logprobs")

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
            optional=self.optional_fields,
        )

    def meter(self) -> Meter:
        """What bounds one run's requests, at the price of the way in which they are sent."""
        price = self.price or Price(input=0, output=0)
        batch = self.send == "batch"
        return Meter(self.max_tokens_in, self.max_cost, lambda *tokens: price.of(*tokens, batch=batch))


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
        return [list(items[i : i + UNIT]) for i in range(0, len(items), UNIT)]

    def prompt(self, items: Sequence[Item], piece: str | None = None) -> str:
        """The user's message about a request's items, with the whole article or a piece of it."""
        return fill(self.template, **self.fields(items, piece))

    @property
    def template(self) -> str:
        """What is filled for each request."""
        prompt: str = self.options.prompt
        return prompt

    def fields(self, items: Sequence[Item], piece: str | None = None) -> dict[str, str]:
        """What fills the places of the template."""
        return fields_of(items[0]) if piece is None else {**fields_of(items[0]), "article": piece}

    def extra(self, items: Sequence[Item]) -> dict[str, Any]:
        """More fields of the request."""
        return {}

    def most_tokens(self, items: Sequence[Item]) -> int:
        """Tokens that an answer to the request may have."""
        most: int = self.options.max_tokens
        return most

    def body(self, prompt: str, items: Sequence[Item]) -> dict[str, Any]:
        """A request; greedy ones carry no sampling fields but the temperature, which some servers refuse."""
        o = self.options
        body: dict[str, Any] = {"model": o.model, "max_tokens": self.most_tokens(items), "temperature": o.temperature}
        if o.temperature > 0:
            body |= {"top_p": o.top_p, "seed": o.seed or 0}
        if o.api == "chat":
            head = [{"role": "system", "content": o.system}] if o.system else []
            body["messages"] = [*head, {"role": "user", "content": prompt}]
        else:
            body["prompt"] = f"{o.system}\n\n{prompt}" if o.system else prompt
        body |= {**self.extra(items), **o.extra_body}
        return {k: v for k, v in body.items() if v is not None}

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        return [a for _, answers in self.answer_units([items], context) for a in answers if a is not None]

    def answer_units(
        self, units: Sequence[Sequence[Item]], context: Context
    ) -> Generator[tuple[int, list[Answer | None]]]:
        """All units' requests share one window of `concurrency`: a slow one keeps no other unit waiting."""
        under_way: dict[int, list[Request]] = {}

        def bodies() -> Iterator[list[Body]]:
            for number, unit in enumerate(units):
                requests = under_way[number] = self.requests(unit)
                yield [body for request in requests for body in request.bodies]

        if self.options.send == "batch":
            sender: Client | Batches = Batches(
                self.options.server, context.folder, self.options.poll_s, tell=context.tell
            )
        else:
            sender = self.client
        for number, outcomes in sender.stream(bodies(), self.options.meter()):
            answers = self._answers(under_way.pop(number), outcomes)
            yield number, [answers[id(item)] for item in units[number]]

    def forecast(self, items: Sequence[Item]) -> Forecast:
        """What asking these items would take: bodies, about how many tokens they have, and what they cost at least and most."""
        bodies = [body for request in self.requests(items) for body in request.bodies]
        tokens_in = sum(round(bytes_of(body) / USUAL_BYTES) + _TEMPLATE for body in bodies)
        costs = None
        if self.options.price is not None:
            of = partial(self.options.price.of, tokens_in, batch=self.options.send == "batch")
            costs = (of(0), of(sum(map(most_tokens_out, bodies))))
        return Forecast(len(bodies), tokens_in, costs)

    def requests(self, items: Sequence[Item]) -> list[Request]:
        """What is sent for these items."""
        return [self._request(group) for group in self.together(items)]

    def _answers(self, requests: Sequence[Request], outcomes: Sequence[Outcome]) -> dict[int, Answer | None]:
        """An answer by each item's `id()`, None where one of its request's bodies has no outcome."""
        rest, answers = iter(outcomes), dict[int, Answer | None]()
        for request in requests:
            known = [o for o in (next(rest) for _ in request.bodies) if o is not None]
            whole = len(known) == len(request.bodies)
            each = self._answer(request, known) if whole else [None] * len(request.items)
            answers |= zip(map(id, request.items), each, strict=True)
        return answers

    def _request(self, items: Sequence[Item]) -> Request:
        """The request about these items, without a body where it is not sent: it is too long and must not be cut."""
        o = self.options
        if o.room is None:
            prompts, cut = [encodable(self.prompt(items))], 0
            return Request(items, prompts, [self.body(p, items) for p in prompts], cut)
        window = (
            f"{o.model} ({o.context_tokens}, less the answer and the chat, estimated at {TOKEN_BYTES} bytes a token)"
        )
        room = o.room - (self.most_tokens(items) - o.max_tokens)
        try:
            fitted: Fitted = fit_article(
                self.fields(items)["article"],
                estimated_spans,
                lambda piece: estimate((o.system or "") + self.prompt(items, piece)),
                room,
                o.long_input,
                window,
                # windows that share most of their text would cost many requests
                overlap=max(0, min(64, room // 8)),
            )
        except WindowExceeded as error:
            return Request(items, [], [], 0, error=str(error))
        prompts = [encodable(self.prompt(items, piece)) for piece in fitted.pieces]
        return Request(items, prompts, [self.body(p, items) for p in prompts], fitted.tokens_cut)

    def _answer(self, request: Request, outcomes: Sequence[Completion | EndpointError]) -> list[Answer]:
        """An answer to each of a request's items."""
        if request.error is not None:
            return [Answer(error=request.error)] * len(request.items)
        completions = []
        for i, outcome in enumerate(outcomes, 1):
            if isinstance(outcome, EndpointError):
                where = f"window {i} of {len(outcomes)}: " if len(outcomes) > 1 else ""
                failed = Answer(error=where + outcome.message, prompt=request.prompts[i - 1])
                return [failed] * len(request.items)
            completions.append(outcome)
        windows = [self.read_each(c, request.items) for c in completions]
        answers = [self._merged(of_item) for of_item in zip(*windows, strict=True)]
        # what the request cost is shared by those whom it answered, so that it is counted once and whole
        paying = [n for n, a in enumerate(answers) if a.error is None] or list(range(len(answers)))
        tokens_in = shares_of(total_of([c.tokens_in for c in completions]), paying, len(answers))
        tokens_out = shares_of(total_of([c.tokens_out for c in completions]), paying, len(answers))
        by_batch = "+batch" if self.options.send == "batch" else ""
        # how the tokens were bought stays with them: their price follows from it
        return [
            replace(
                answer,
                raw=WINDOW_BREAK.join(with_thought(c.thought, c.text) for c in completions),
                prompt=request.prompts[0],
                tokens_in=tokens_in[n],
                tokens_out=tokens_out[n],
                tokens_cut=request.tokens_cut,
                seconds=sum(c.seconds for c in completions) / len(answers),
                path=f"{answer.path}{by_batch}".lstrip("+"),
                finish=",".join(c.finish for c in completions),
            )
            for n, answer in enumerate(answers)
        ]

    def _merged(self, answers: Sequence[Answer]) -> Answer:
        """What the replies to an article's windows say together."""
        one = answers[0] if len(answers) == 1 else replace(merged := self.merge(answers), path=f"{merged.path}+windows")
        return replace(one, reading=self.reading)

    def read_each(self, completion: Completion, items: Sequence[Item]) -> list[Answer]:
        """Output, label, scores, path or error of each item from the completion of their request."""
        return [self._read_one(completion)] * len(items)

    def reread(self, item: Item, answer: Answer, asked: Sequence[Item] = ()) -> Answer:
        of_several = "+windows" in answer.path
        texts = (answer.raw or "").split(WINDOW_BREAK) if of_several else [answer.raw or ""]
        finishes = [self.unknown_finish] * len(texts) if answer.finish is None else answer.finish.split(",")
        # before formats had numbers, the replies to several windows were stored without a mark between them
        apart = len(finishes) == len(texts) and (len(texts) > 1 or not of_several)
        if answer.raw is None or not apart or answer.path.startswith(("logprobs", "refused")):
            return replace(answer, reading=self.reading)
        replies = [Completion(t, f, None, None, None, 0.0, 1) for t, f in zip(texts, finishes, strict=True)]
        asked = asked or [item]
        # of a list, whose entry is whose follows from all pairs that the request asked about
        place = next(n for n, other in enumerate(asked) if other is item)
        one = self._merged([self.read_each(reply, asked)[place] for reply in replies])
        by_batch = "+batch" if answer.path.endswith("+batch") else ""
        read = {name: getattr(one, name) for name in ("output", "label", "scores", "error", "reading")}
        return replace(answer, **read, path=f"{one.path}{by_batch}")

    unknown_finish: ClassVar[str] = "stop"
    """How a stored reply ended whose part does not say so (answers of format 1)."""

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


@dataclass(frozen=True)
class Request:
    """What is asked of some items at once: prompts and bodies, one a window of the article (nearly always one), and how
    much of it is in none of them; without any, `error` says why."""

    items: Sequence[Item]
    prompts: list[str]
    bodies: list[Body]
    tokens_cut: int
    error: str | None = None


@dataclass(frozen=True)
class Forecast:
    """`costs` are those of the input alone and with the longest answers, None without a price."""

    n_requests: int
    tokens_in: int
    costs: tuple[float, float] | None


class EndpointSummaryOptions(EndpointOptions):
    """`prompt` may use {article} and {title}."""

    api: Literal["chat", "completions"] = "chat"

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
