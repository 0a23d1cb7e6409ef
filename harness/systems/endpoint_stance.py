"""Stances by models behind an OpenAI-compatible server: a letter by its log-probability, or a label parsed from the reply."""

from __future__ import annotations

import math
import string
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from harness.models.server import Completion
from harness.systems.endpoint import EndpointOptions, EndpointSystem
from harness.systems.parsing import first_stance, parse_choice, parse_label, stated
from harness.systems.prompts import FIELDS, require_every_label, require_places
from harness.systems.stance_scores import letter_scores, likeliest, softmax
from harness.text.replies import Reply
from harness.types import STANCES, Answer, Item, Stance

_TOP = {"chat": 20, "completions": 5}
"""How many alternatives of a token the two interfaces give at most."""


class EndpointStanceOptions(EndpointOptions):
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
        return require_places(prompt, {"article", "speaker", "target"}, {*FIELDS, "options"})

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

    @property
    def letters(self) -> dict[str, Stance]:
        """`A` for the first label."""
        return dict(zip(string.ascii_uppercase, STANCES, strict=False))

    def fields(self, item: Item, piece: str | None = None) -> dict[str, str]:
        lines = (f"{letter}. {self.options.answers[label]}" for letter, label in self.letters.items())
        offered = "\n".join(lines) if self.options.reply == "letter" else ", ".join(self.options.answers.values())
        return {**super().fields(item, piece), "options": offered}

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

    def read(self, completion: Completion, reply: Reply) -> Answer:
        if completion.refused:
            return Answer(reply.text, path="refused")
        # the first token of a reply that begins with a thought is no letter
        if completion.top_logprobs and not completion.thought:
            scores = letter_scores(completion.top_logprobs, self.letters)
            if scores:
                first = likeliest(scores)
                return Answer(first, label=first, scores={s.value: p for s, p in scores.items()}, path="logprobs")
        if self.options.reply == "letter":
            label = parse_choice(reply.text, tuple(self.letters.values())) or self._exact(reply.text)
        else:
            label = self._exact(reply.text) or parse_label(reply.text)
        return Answer(label or reply.text, label=label, path="refused" if reply.refused and label is None else "parsed")

    def merge(self, answers: Sequence[Answer]) -> Answer:
        if any(a.error is not None for a in answers):
            return super().merge(answers)
        if all(a.scores for a in answers):
            least = sys.float_info.min
            means = {s: fmean(math.log(max(a.scores[s.value], least)) for a in answers) for s in STANCES}
            label = likeliest(means)
            return Answer(label, label=label, scores=softmax(means), path="logprobs")
        window = first_stance([a.label for a in answers])
        if window is None:
            refused = any(a.path == "refused" for a in answers)
            return replace(super().merge(answers), path="refused" if refused else "parsed")
        return Answer(answers[window].output, label=answers[window].label, path="parsed")

    def _exact(self, text: str) -> Stance | None:
        """The label whose wording is the whole text."""
        bare = (stated(text) or text).strip(" \n\t.\"'*`").casefold()
        exact = [label for label, wording in self.options.answers.items() if wording.casefold() == bare]
        return exact[0] if exact else None
