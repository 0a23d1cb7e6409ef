"""Models behind an OpenAI-compatible server, asked to summarise or to choose a stance."""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from harness.errors import EndpointError
from harness.models.endpoint import Api, Client, Completion, Server
from harness.systems.base import Context, Options, System
from harness.systems.causal import fields_of
from harness.systems.parsing import parse_choice, parse_label, stated
from harness.systems.templates import fill, require_places
from harness.types import STANCES, Answer, Dataset, Item, Stance

_UNIT = 32
"""Items that are asked at once and stored together; across articles, so that a server has enough to do."""
_TOP = {"chat": 20, "completions": 5}
"""How many alternatives of a token the two interfaces give at most."""
_PLACES = ("article", "title", "speaker", "role", "target")
_SUMMARY_PLACES = ("article", "title")
_DELIVERY = ("api_key_env", "concurrency", "timeout_s", "attempts", "backoff_s", "longest_wait_s", "price")
"""Options that change when an answer arrives and what it costs, never what it says."""


class Price(BaseModel):
    """Per million tokens, in any one currency."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]

    def of(self, completion: Completion) -> float | None:
        """What a completion cost; None where the server reports no usage."""
        if completion.tokens_in is None or completion.tokens_out is None:
            return None
        return (self.input * completion.tokens_in + self.output * completion.tokens_out) / 1e6


class EndpointOptions(Options):
    """The server, the prompt and the sampling. The key is read from the variable `api_key_env` and is kept nowhere."""

    base_url: Annotated[str, Field(pattern=r"^https?://[^@\s?#]+$")]
    model: str
    api: Api = "chat"
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    system: str | None = None
    prompt: str
    max_tokens: Annotated[int, Field(ge=1)] = 256
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

    def identity(self) -> dict[str, Any]:
        base = super().identity()
        # a seed changes nothing where nothing is drawn
        idle = (*_DELIVERY, "seed", "top_p") if self.options.temperature == 0 else _DELIVERY
        return {**base, "options": {k: v for k, v in base["options"].items() if k not in idle}}

    @cached_property
    def client(self) -> Client:
        """The connection's memory of whether the server can be reached lasts from unit to unit."""
        return Client(self.options.server)

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        """Only what the prompt shows."""
        return {k: v for k, v in fields_of(item).items() if f"{{{k}}}" in self.options.prompt}

    def plan(self, items: Sequence[Item]) -> list[list[Item]]:
        return [list(items[i : i + _UNIT]) for i in range(0, len(items), _UNIT)]

    def prompt(self, item: Item) -> str:
        """The user's message."""
        return fill(self.options.prompt, **fields_of(item))

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
        prompts = [self.prompt(item) for item in items]
        outcomes = self.client.complete([self.body(p) for p in prompts])
        return [self._answer(p, outcome) for p, outcome in zip(prompts, outcomes, strict=True)]

    def _answer(self, prompt: str, outcome: Completion | EndpointError) -> Answer:
        if isinstance(outcome, EndpointError):
            return Answer(error=outcome.message, prompt=prompt)
        found = self.read(outcome)
        return Answer(
            output=found.output,
            label=found.label,
            scores=found.scores,
            raw=outcome.text,
            prompt=prompt,
            tokens_in=outcome.tokens_in or 0,
            tokens_out=outcome.tokens_out or 0,
            seconds=outcome.seconds,
            cost=self.options.price.of(outcome) if self.options.price else None,
            path=found.path,
            error=found.error,
        )

    def read(self, completion: Completion) -> Answer:
        """Output, label, scores, path or error from a completion."""
        return Answer(completion.text, path=self.options.api)


class SummaryOptions(EndpointOptions):
    """`prompt` may use {article} and {title}."""

    @field_validator("prompt")
    @classmethod
    def _has_places(cls, prompt: str) -> str:
        return require_places(prompt, {"article"}, _SUMMARY_PLACES)


class EndpointSummariser(EndpointSystem):
    """Writes a summary; an empty one counts as no answer."""

    kind: ClassVar = "summariser"
    Options: ClassVar = SummaryOptions

    def read(self, completion: Completion) -> Answer:
        if not completion.text:
            return Answer(error=f"the server's answer is empty (finish_reason: {completion.finish or 'none'})")
        return super().read(completion)


class StanceOptions(EndpointOptions):
    """`reply: letter` offers the wordings of `answers` as lettered options at {options}; `reply: label` parses a wording.

    With letters, `logprobs` asks for those of the first token; where the server gives them, they are the scores. Where
    it does not, and with `reply: label`, the text is parsed. `constrain` names the extension by which the server
    restricts the reply: `guided_choice` or `structured_outputs` (vLLM's older and newer), `response_format` (JSON schema).
    """

    answers: Mapping[Stance, Annotated[str, Field(min_length=1)]]
    reply: Literal["letter", "label"] = "letter"
    logprobs: bool = True
    constrain: Literal["guided_choice", "structured_outputs", "response_format"] | None = None
    max_tokens: Annotated[int, Field(ge=1)] = 8

    @field_validator("prompt")
    @classmethod
    def _has_places(cls, prompt: str) -> str:
        return require_places(prompt, {"article", "speaker", "target"}, {*_PLACES, "options"})

    @field_validator("answers")
    @classmethod
    def _every_label(cls, answers: Mapping[Stance, str]) -> Mapping[Stance, str]:
        missing = [s for s in STANCES if s not in answers]
        if missing:
            raise ValueError(f"no wording for {', '.join(missing)}")
        return {s: answers[s] for s in STANCES}


class EndpointStance(EndpointSystem):
    """Chooses among the labels."""

    kind: ClassVar = "stance"
    Options: ClassVar = StanceOptions

    @property
    def letters(self) -> dict[str, Stance]:
        """`A` for the first label."""
        return dict(zip(string.ascii_uppercase, STANCES, strict=False))

    def prompt(self, item: Item) -> str:
        lines = (f"{letter}. {self.options.answers[label]}" for letter, label in self.letters.items())
        offered = "\n".join(lines) if self.options.reply == "letter" else ", ".join(self.options.answers.values())
        return fill(self.options.prompt, **fields_of(item), options=offered)

    def extra(self) -> dict[str, Any]:
        o = self.options
        choices = list(self.letters) if o.reply == "letter" else list(o.answers.values())
        extra: dict[str, Any] = {}
        if o.constrain == "guided_choice":
            extra["guided_choice"] = choices
        elif o.constrain == "structured_outputs":
            extra["structured_outputs"] = {"choice": choices}
        elif o.constrain == "response_format":
            schema = {
                "type": "object",
                "properties": {"stance": {"type": "string", "enum": choices}},
                "required": ["stance"],
                "additionalProperties": False,
            }
            name = {"name": "stance", "schema": schema, "strict": True}
            extra["response_format"] = {"type": "json_schema", "json_schema": name}
        # the first token of a JSON object says nothing
        if o.reply == "letter" and o.logprobs and o.constrain != "response_format":
            top = _TOP[o.api]
            extra |= {"logprobs": True, "top_logprobs": top} if o.api == "chat" else {"logprobs": top}
        return extra

    def read(self, completion: Completion) -> Answer:
        if completion.top_logprobs:
            scores = letter_scores(completion.top_logprobs, self.letters)
            if scores:
                label = max(scores, key=lambda s: scores[s])
                return Answer(label, label=label, scores={s.value: p for s, p in scores.items()}, path="logprobs")
        if self.options.reply == "letter":
            found = parse_choice(completion.text, tuple(self.letters.values()))
        else:
            found = self._worded(completion.text)
        return Answer(found or completion.text, label=found, path="parsed")

    def _worded(self, text: str) -> Stance | None:
        """The label whose wording is the whole text, else what can be parsed of it."""
        bare = (stated(text) or text).strip(" \n\t.\"'*`").casefold()
        exact = [label for label, wording in self.options.answers.items() if wording.casefold() == bare]
        return exact[0] if exact else parse_label(text)


def letter_scores(logprobs: Mapping[str, float], letters: Mapping[str, Stance]) -> dict[Stance, float] | None:
    """Probabilities of the labels from the first token's log-probabilities; None if no token is a letter.

    Tokens that differ in white space or case are one letter. A letter that is not listed gets the probability of the
    least listed token, which it cannot exceed; then all are normalised.
    """
    weights: dict[Stance, float] = {}
    for token, value in logprobs.items():
        label = letters.get(token.strip(" \n\t▁Ġ.()*").upper())
        if label is not None:
            weights[label] = weights.get(label, 0.0) + math.exp(value)
    if not weights:
        return None
    bound = math.exp(min(logprobs.values()))
    filled = {label: weights.get(label, bound) for label in letters.values()}
    total = math.fsum(filled.values())
    return {label: weight / total for label, weight in filled.items()}
