"""Prompted causal language models: a stance by the log-probability of each label's wording, and a generated summary."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from harness.systems.base import Context
from harness.systems.weights import WeightedSystem, WeightOptions
from harness.types import STANCES, Answer, Dataset, Item, Stance

if TYPE_CHECKING:
    from harness.models.causal import CausalModel
    from harness.models.prefix_trie import OptionScore

ARTICLE = "{article}"
"""Stands in a prompt where the article goes; first, so that all questions about an article share its computation."""


class PromptOptions(WeightOptions):
    """`prompt` may use {article}, {title}, {speaker}, {role} and {target}; `system` is the chat's system message."""

    prompt: str
    system: str | None = None
    long_input: Literal["error", "truncate_article", "windows"] = "truncate_article"

    @field_validator("prompt")
    @classmethod
    def _has_the_article(cls, prompt: str) -> str:
        if prompt.count(ARTICLE) != 1:
            raise ValueError("the prompt must contain {article} exactly once")
        try:
            prompt.format(article="", title="", speaker="", role="", target="")
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"the prompt has an unknown placeholder: {error}") from None
        return prompt


class CausalSystem(WeightedSystem):
    """Shares prompts between the systems below."""

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        """Only what the prompt shows."""
        return {k: v for k, v in fields_of(item).items() if "{" + k + "}" in self.options.prompt}

    def load_model(self, context: Context) -> CausalModel:
        """The causal model, from the pool."""
        from harness.models.causal import CausalModel

        return self.loaded(CausalModel, context)

    def around(self, model: CausalModel, item: Item) -> tuple[str, str]:
        """The rendered chat before and after the article."""
        mark = "\u0001article\u0001"
        prompt = self.options.prompt.format(**{**fields_of(item), "article": mark})
        messages = [{"role": "system", "content": self.options.system}] if self.options.system else []
        return model.chat_around([*messages, {"role": "user", "content": prompt}], mark)


def fields_of(item: Item) -> dict[str, str]:
    """What a prompt may show of an item."""
    speaker, target = item.speaker, item.target
    return {
        "article": item.article.text.strip(),
        "title": item.article.title,
        "speaker": speaker.name if speaker else "",
        "role": (speaker.role or "") if speaker else "",
        "target": target.proposition if target else "",
    }


class ChoiceOptions(PromptOptions):
    """`answers` words each label; `answer_prefix` begins the model's reply; a label's score is the log-probability of its
    wording: the sum, the mean per token, or the sum less that under the same prompt with `content_free` as the article (PMI)."""

    answers: dict[Stance, Annotated[str, Field(min_length=1)]]
    answer_prefix: str = ""
    normalise: Literal["sum", "mean", "pmi"] = "sum"
    content_free: str = "N/A"

    @field_validator("answers")
    @classmethod
    def _every_label(cls, answers: dict[Stance, str]) -> dict[Stance, str]:
        missing = [s for s in STANCES if s not in answers]
        if missing:
            raise ValueError(f"no wording for {', '.join(missing)}")
        if len(set(answers.values())) < len(answers):
            raise ValueError("two labels share a wording")
        return answers


class CausalChoice(CausalSystem):
    """Takes the label whose wording is likeliest. All options of an article are scored in one pass over their prefix trie."""

    kind: ClassVar = "stance"
    Options: ClassVar = ChoiceOptions

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        from harness.models.prefix_trie import Option, score

        model = self.load_model(context)
        longest = max(len(model.encode(wording)) for wording in self.options.answers.values())
        questions = []
        for item in items:
            before, after = self.around(model, item)
            after += self.options.answer_prefix
            # one more token for a space that moves from the context to the wording
            fitted = model.fit(before, fields_of(item)["article"], after, self.options.long_input, reserve=longest + 1)
            questions.append(_Question([before + p + after for p in fitted.pieces], before, after, fitted.tokens_cut))
        # one group: all questions about an article share one trie
        options = [
            Option(prompt, self.options.answers[label], q.content_free(self.options))
            for q in questions
            for prompt in q.prompts
            for label in STANCES
        ]
        [scores] = score(model, [options], budget=context.token_budget)
        found = iter(scores)
        return [self._answer(q, [[next(found) for _ in STANCES] for _ in q.prompts]) for q in questions]

    def _answer(self, question: _Question, windows: list[list[OptionScore]]) -> Answer:
        """The label with the highest mean over the article's windows (nearly always one)."""
        values = {
            label: fmean(window[k].value(self.options.normalise) for window in windows)
            for k, label in enumerate(STANCES)
        }
        label = max(STANCES, key=lambda s: (values[s], -STANCES.index(s)))
        return Answer(
            output=label,
            label=label,
            scores=softmax(values),
            raw=json.dumps({s: round(v, 6) for s, v in values.items()}),
            prompt=question.prompts[0],
            tokens_in=sum(window[0].n_context for window in windows),
            tokens_cut=question.tokens_cut,
            path=windows[0][0].path + ("+windows" if len(windows) > 1 else ""),
        )


@dataclass(frozen=True)
class _Question:
    """One pair's prompts (one a window), and what stands before and after the article in them."""

    prompts: list[str]
    before: str
    after: str
    tokens_cut: int

    def content_free(self, options: ChoiceOptions) -> str | None:
        return self.before + options.content_free + self.after if options.normalise == "pmi" else None


def softmax(values: Mapping[Stance, float]) -> dict[str, float]:
    """Probabilities in proportion to exp(value)."""
    top = max(values.values())
    weights = {label: math.exp(v - top) for label, v in values.items()}
    total = sum(weights.values())
    return {str(label): w / total for label, w in weights.items()}
