"""Stances by models behind an OpenAI-compatible server: a letter by its log-probability, or a label parsed from the reply."""

from __future__ import annotations

import json
import math
import string
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from harness.config import explain
from harness.errors import ConfigError
from harness.models.decisions import MOST_QUESTIONS, probabilities, questions
from harness.models.server import Completion
from harness.runtime.files import encodable
from harness.systems.endpoint import UNIT, EndpointOptions, EndpointSystem
from harness.systems.list_replies import read_list
from harness.systems.pair_lists import Ask, PairWording, together
from harness.systems.parsing import first_stance, parse_choice, parse_label, stated
from harness.systems.prompts import (
    ARTICLE,
    FIELDS,
    fields_of,
    fill,
    require_every_label,
    require_list_prompt,
    require_places,
    shown_fields,
)
from harness.systems.schemas import constraint, list_schema, object_schema
from harness.systems.stance_scores import letter_scores, likeliest, softmax
from harness.text.replies import Reply, open_reply, with_thought
from harness.types import STANCES, Answer, Dataset, Item, Stance

_TOP = {"chat": 20, "completions": 5}
"""How many alternatives of a token the two interfaces give at most."""
_OF_LISTS = ("ask", "list_prompt", "statement", "question", "entry_tokens")
_OF_PAIRS = ("prompt", "logprobs")
"""Options that only a request about many pairs looks at, or only one about a single pair."""
_OF_TEXTS = (
    *("system", "prompt", "list_prompt", "statement", "question", "max_tokens", "entry_tokens"),
    *("reply", "logprobs", "constrain", "temperature"),
)
"""Options that the decision route has no use for: it writes nothing."""

_FRAME = 12
"""Tokens of a JSON object around its one value, with line breaks and spaces as servers put them."""


class EndpointStanceOptions(EndpointOptions):
    """`reply: letter` offers the wordings of `answers` as lettered options at {options}; `reply: label` parses a wording.

    With letters, `logprobs` asks for those of the first token; where the server gives them, they are the scores. Where
    it does not, and with `reply: label`, the text is parsed. `constrain` names the extension by which the server
    restricts the reply: `guided_choice` or `structured_outputs` (vLLM's older and newer), `response_format` (JSON schema).

    With `ask: speaker` or `article` one request asks about all pairs of a speaker or an article by `list_prompt`, whose
    {questions} are numbered: `statement` words a target, `question` each of the speakers below it. The reply, a JSON object by
    number, may have `entry_tokens` for each pair besides `max_tokens`. Without `constrain` a JSON schema is asked for by
    `response_format`, unless the server refuses that field by name.

    With `api: systemone` the decision route is asked: the article is the state, `instructions` words the question, `answers`
    are the options, and the server says how they are shown. `ask` then tells how many questions go with one request.
    """

    answers: Mapping[Stance, Annotated[str, Field(min_length=1)]]
    reply: Literal["letter", "label"] = "letter"
    logprobs: bool = True
    constrain: Literal["guided_choice", "structured_outputs", "response_format"] | None = None
    max_tokens: Annotated[int, Field(ge=1)] = 8
    ask: Ask = "pair"
    list_prompt: str | None = None
    statement: str | None = None
    question: str | None = None
    entry_tokens: Annotated[int, Field(ge=1)] = 16
    instructions: str | None = None

    @field_validator("prompt")
    @classmethod
    def _has_places(cls, prompt: str) -> str:
        return require_places(prompt, {"article", "speaker", "target"}, {*FIELDS, "options"})

    @model_validator(mode="after")
    def _has_a_list(self) -> Self:
        if self.ask == "pair" or self.decides:
            return self
        needed = {"list_prompt": self.list_prompt, "statement": self.statement, "question": self.question}
        if missing := [name for name, text in needed.items() if text is None]:
            raise ValueError(f"ask={self.ask} needs {', '.join(missing)}, as in configs/stance/endpoint.yaml")
        require_list_prompt(self.list_prompt or "")
        require_places(self.statement or "", {"target"}, {"target"})
        require_places(self.question or "", {"speaker"}, {"speaker", "role"})
        return self

    @model_validator(mode="after")
    def _decides(self) -> Self:
        if not self.decides:
            return self
        require_places(self.instructions or "", {"speaker", "target"}, {"speaker", "role", "target", "title"})
        if len(set(self.answers.values())) < len(self.answers):
            raise ValueError("api=systemone needs an answer of its own for every label")
        idle = {"system": self.system, "constrain": self.constrain, "temperature": self.temperature}
        useless = [f"{name}={value}" for name, value in idle.items() if value]
        useless += ["send=batch"] if self.send == "batch" else []
        if useless:
            raise ValueError(
                f"api=systemone has no {', '.join(useless)}: its route takes an article and questions alone"
            )
        return self

    @property
    def decides(self) -> bool:
        """Whether the server is asked for a decision and not for a text."""
        return self.api == "systemone"

    @property
    def optional_fields(self) -> tuple[str, ...]:
        if self.decides:
            return ()
        return super().optional_fields if self.ask == "pair" or self.constrain else ("response_format",)

    @property
    def wording(self) -> PairWording:
        """How a list words its pairs."""
        return PairWording(self.statement or "", self.question or "")

    @field_validator("answers")
    @classmethod
    def _every_label(cls, answers: Mapping[Stance, str]) -> Mapping[Stance, str]:
        return require_every_label(answers)


class EndpointStance(EndpointSystem):
    """Chooses among the labels.

    Of several windows' scores the geometric means count; of parsed answers the first window with a stance, else the first
    that could be read at all: both as with causal models on this machine.
    """

    kind: ClassVar = "stance"
    version: ClassVar = "2"
    # an older version took an empty reply for one that could not be read, whatever had ended it
    unknown_finish: ClassVar = ""
    Options: ClassVar = EndpointStanceOptions

    def asking(self, ask: Ask) -> EndpointStance:
        """The same system with another `ask`; ConfigError if its options say too little for that."""
        options = {**self.options.model_dump(), "ask": ask}
        try:
            other = type(self)(self.name, self.Options.model_validate(options), self.description, self.device)
        except ValidationError as error:
            raise ConfigError(explain(error, self.Options, f"{self.kind} {self.name!r} with ask={ask}")) from None
        other.adapter = self.adapter
        return other

    @property
    def letters(self) -> dict[str, Stance]:
        """`A` for the first label."""
        return dict(zip(string.ascii_uppercase, STANCES, strict=False))

    def identity(self) -> dict[str, Any]:
        identity = super().identity()
        # what only the other way of asking looks at; stored answers to single pairs are older than all of these
        o = self.options
        idle = (*(_OF_LISTS if o.ask == "pair" else _OF_PAIRS), "instructions")
        if o.decides:
            idle = _OF_TEXTS if o.ask != "pair" else (*_OF_TEXTS, "ask")
        return {**identity, "options": {k: v for k, v in identity["options"].items() if k not in idle}}

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        return (
            shown_fields([ARTICLE, self.options.instructions], item)
            if self.options.decides
            else super().reads(item, dataset)
        )

    def reads_of(self, items: Sequence[Item], dataset: Dataset) -> list[dict[str, Any]]:
        """Outside `ask: pair` also the list of pairs that the request asks about."""
        o = self.options
        if o.ask == "pair":
            return super().reads_of(items, dataset)
        reads: dict[int, dict[str, Any]] = {}
        for group in self.together(items):
            if o.decides:
                asked = self.instructions(group)
                reads |= {id(item): {**self.reads(item, dataset), "asks": asked} for item in group}
                continue
            about = shown_fields([o.list_prompt], group[0])
            asks = o.wording.shown(group)
            for item in group:
                reads[id(item)] = {**about, **shown_fields([o.statement, o.question], item), "asks": asks}
        return [reads[id(item)] for item in items]

    def plan(self, items: Sequence[Item]) -> list[list[Item]]:
        """Units of whole requests."""
        units: list[list[Item]] = []
        for group in self.together(items):
            if not units or len(units[-1]) + len(group) > UNIT:
                units.append([])
            units[-1] += group
        return units

    def together(self, items: Sequence[Item]) -> list[list[Item]]:
        groups = together(items, self.options.ask)
        if not self.options.decides:
            return groups
        return [group[i : i + MOST_QUESTIONS] for group in groups for i in range(0, len(group), MOST_QUESTIONS)]

    def instructions(self, items: Sequence[Item]) -> list[str]:
        """The questions of a request for a decision, each once."""
        return sorted({fill(self.options.instructions, **fields_of(item)) for item in items})

    def prompt(self, items: Sequence[Item], piece: str | None = None) -> str:
        if not self.options.decides:
            return super().prompt(items, piece)
        return (fields_of(items[0])["article"] if piece is None else piece) + self._below_state(items)

    def _below_state(self, items: Sequence[Item]) -> str:
        """What stands in the prompt of a decision below the article; how it is put to the model is the server's affair."""
        return "\n\n" + "\n".join([*self.instructions(items), *self.options.answers.values()])

    def body(self, prompt: str, items: Sequence[Item]) -> dict[str, Any]:
        o = self.options
        if not o.decides:
            return super().body(prompt, items)
        asked = [encodable(text) for text in self.instructions(items)]
        state = prompt.removesuffix(encodable(self._below_state(items)))
        body = {"model": o.model, "state": state, "questions": questions(asked, list(o.answers.values()))}
        return {k: v for k, v in {**body, **o.extra_body}.items() if v is not None}

    @property
    def template(self) -> str:
        prompt: str = self.options.prompt if self.options.ask == "pair" else self.options.list_prompt
        return prompt

    def fields(self, items: Sequence[Item], piece: str | None = None) -> dict[str, str]:
        o = self.options
        lines = (f"{letter}. {o.answers[label]}" for letter, label in self.letters.items())
        offered = "\n".join(lines) if o.reply == "letter" else ", ".join(o.answers.values())
        asked = {} if o.ask == "pair" else {"questions": o.wording.numbered(items)}
        return {**super().fields(items, piece), **asked, "options": offered}

    def most_tokens(self, items: Sequence[Item]) -> int:
        o = self.options
        entries: int = 0 if o.ask == "pair" else o.entry_tokens * len(items)
        # `{"stance": "` and the closing brace stand around a label that `max_tokens` has room for
        frame = _FRAME if o.ask == "pair" and o.constrain == "response_format" else 0
        return super().most_tokens(items) + entries + frame

    def extra(self, items: Sequence[Item]) -> dict[str, Any]:
        o = self.options
        choices = list(self.letters) if o.reply == "letter" else list(o.answers.values())
        if o.ask != "pair":
            return constraint(o.constrain or "response_format", list_schema(len(o.wording.pairs(items)), choices))
        extra: dict[str, Any] = {}
        if o.constrain == "guided_choice":
            extra["guided_choice"] = choices
        elif o.constrain == "structured_outputs":
            extra["structured_outputs"] = {"choice": choices}
        elif o.constrain == "response_format":
            extra = constraint(o.constrain, object_schema({"stance": choices}))
        # the first token of a JSON object says nothing
        if o.reply == "letter" and o.logprobs and o.constrain != "response_format":
            top = _TOP[o.api]
            extra |= {"logprobs": True, "top_logprobs": top} if o.api == "chat" else {"logprobs": top}
        return extra

    def unheeded(self, answers: Sequence[Answer]) -> list[str]:
        o = self.options
        if o.decides:
            return []
        replies = [a for a in answers if a.raw and "refused" not in a.path and "+windows" not in a.path]
        lines = []
        if o.ask == "pair" and "logprobs" in self.extra([]):
            n = sum(not a.path.startswith("logprobs") for a in replies)
            lines += [f"`logprobs` was asked for, and {n} of {len(replies)} replies gave none of a label"] if n else []
        way = o.constrain or (None if o.ask == "pair" else "response_format")
        n = sum(not self._holds(a) for a in replies) if way else 0
        if n:
            lines.append(
                f"`{way}` was sent, and {n} of {len(replies)} replies do not hold to it: the server may ignore it"
            )
        return lines

    def _holds(self, answer: Answer) -> bool:
        """Whether a reply has the shape to which the request restricts it: an object, or one of the choices."""
        text = open_reply(answer.raw or "", answer.finish).text.strip()
        if self.options.ask == "pair" and self.options.constrain != "response_format":
            return text.strip('"') in {*self.letters, *self.options.answers.values()}
        try:
            return isinstance(json.loads(text), dict)
        except ValueError:
            return False

    def read(self, completion: Completion, reply: Reply) -> Answer:
        if completion.refused:
            return Answer(reply.text, path="refused")
        # the first token of a reply that begins with a thought is no letter
        if completion.top_logprobs and not completion.thought:
            scores = letter_scores(completion.top_logprobs, self.letters)
            if scores:
                first = likeliest(scores)
                return Answer(first, label=first, scores={s.value: p for s, p in scores.items()}, path="logprobs")
        label = self._label(reply.text)
        return Answer(label or reply.text, label=label, path="refused" if reply.refused and label is None else "parsed")

    def read_each(self, completion: Completion, items: Sequence[Item]) -> list[Answer]:
        """Of a list, each pair's entry in the reply.

        A pair without one has an error, and is asked about again with the others that have none, where the reply was cut or
        answers some of the list; of a reply that ends without any entry every pair is unparsed, as a single answer would be:
        asked the same, a model says the same.
        """
        o = self.options
        if o.decides:
            return self._decisions(completion, items)
        if o.ask == "pair" or completion.refused:
            return super().read_each(completion, items)
        reply = open_reply(with_thought(completion.thought, completion.text), completion.finish)
        pairs = o.wording.pairs(items)
        entries = read_list(reply.text, len(pairs))
        cut = completion.finish == "length"
        if not entries and (reply.problem is not None or reply.refused):
            return super().read_each(completion, items)
        if not entries and not cut:
            return [Answer(reply.text, path="listed")] * len(items)
        count = f"{len(entries)} of {len(pairs)} answered"
        ended = f"the reply ended before its entry for this pair (finish_reason: length; {count})"
        missing = Answer(error=ended if cut else f"the reply has no entry for this pair ({count})")
        answers = []
        for item in items:
            entry = entries.get(pairs.index(o.wording.of(item)) + 1)
            if entry is None:
                answers.append(missing)
            else:
                label = self._label(entry)
                answers.append(Answer(label or entry, label=label, path="listed"))
        return answers

    def _decisions(self, completion: Completion, items: Sequence[Item]) -> list[Answer]:
        o, asked, answers = self.options, self.instructions(items), []
        for item in items:
            number = asked.index(fill(o.instructions, **fields_of(item))) + 1
            values = probabilities(completion.text, number, list(o.answers.values()))
            if values is None:
                answers.append(
                    Answer(error="the server's decision has no probability for every option", path="decision")
                )
                continue
            of_label = {label: values[wording] for label, wording in o.answers.items()}
            label = likeliest(of_label)
            answers.append(
                Answer(label, label=label, scores={s.value: p for s, p in of_label.items()}, path="decision")
            )
        return answers

    def merge(self, answers: Sequence[Answer]) -> Answer:
        if any(a.error is not None for a in answers):
            return super().merge(answers)
        if all(a.scores for a in answers):
            least = sys.float_info.min
            means = {s: fmean(math.log(max(a.scores[s.value], least)) for a in answers) for s in STANCES}
            label = likeliest(means)
            return Answer(label, label=label, scores=softmax(means), path=answers[0].path)
        window = first_stance([a.label for a in answers])
        if window is None:
            refused = any(a.path == "refused" for a in answers)
            return replace(super().merge(answers), path="refused" if refused else self._way)
        return Answer(answers[window].output, label=answers[window].label, path=self._way)

    @property
    def _way(self) -> str:
        return "parsed" if self.options.ask == "pair" else "listed"

    def _label(self, text: str) -> Stance | None:
        """The label of an answer, by its letter where letters are offered, else by its wording."""
        if self.options.reply == "letter":
            return parse_choice(text, tuple(self.letters.values())) or self._exact(text)
        return self._exact(text) or parse_label(text)

    def _exact(self, text: str) -> Stance | None:
        """The label whose wording is the whole text."""
        bare = (stated(text) or text).strip(" \n\t.\"'*`").casefold()
        exact = [label for label, wording in self.options.answers.items() if wording.casefold() == bare]
        return exact[0] if exact else None
