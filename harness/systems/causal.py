"""Prompted causal language models: stances by the log-probability of each label's wording or by asking, and summaries."""

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
    from harness.models.generation import Generation
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
        for wording in answers.values():
            if wording.replace("{speaker}", "").count("{"):
                raise ValueError(f"a wording may name {{speaker}} only: {wording!r}")
        return answers

    def wordings(self, item: Item) -> list[str]:
        """The labels' wordings for one item, in the order of the labels."""
        speaker = item.speaker.name if item.speaker else ""
        return [self.answers[label].replace("{speaker}", speaker) for label in STANCES]


class CausalChoice(CausalSystem):
    """Takes the label whose wording is likeliest. All options of an article are scored in one pass over their prefix trie."""

    kind: ClassVar = "stance"
    Options: ClassVar = ChoiceOptions

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        from harness.models.prefix_trie import Option, score

        model = self.load_model(context)
        questions = []
        for item in items:
            wordings = self.options.wordings(item)
            longest = max(len(ids) for ids in model.encode_many(wordings))
            before, after = self.around(model, item)
            after += self.options.answer_prefix
            # one more token for a space that moves from the context to the wording
            fitted = model.fit(before, fields_of(item)["article"], after, self.options.long_input, reserve=longest + 1)
            prompts = [before + piece + after for piece in fitted.pieces]
            questions.append(_Question(prompts, wordings, before, after, fitted.tokens_cut))
        # one group: all questions about an article share one trie
        options = [
            Option(prompt, wording, q.content_free(self.options))
            for q in questions
            for prompt in q.prompts
            for wording in q.wordings
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
    """One pair's prompts (one a window), the labels' wordings, and what stands before and after the article."""

    prompts: list[str]
    wordings: list[str]
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


class GenerationOptions(PromptOptions):
    """How text is generated: greedy at temperature 0, else sampled with `seed` (null: the run's seed)."""

    max_new_tokens: Annotated[int, Field(ge=1, le=4096)] = 128
    min_new_tokens: Annotated[int, Field(ge=0)] = 0
    temperature: Annotated[float, Field(ge=0)] = 0.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    no_repeat_ngram: Annotated[int, Field(ge=0)] = 0
    seed: int | None = None


class CausalGenerator(CausalSystem):
    """Shares generation between the summariser and the classifier that is asked and parsed."""

    def identity(self) -> dict[str, Any]:
        found = super().identity()
        if self.options.temperature == 0:
            # a seed changes nothing where nothing is drawn
            found["options"] = {k: v for k, v in found["options"].items() if k not in {"seed", "top_p"}}
        return found

    def generate(self, items: Sequence[Item], context: Context) -> list[tuple[list[Generation], list[str], int]]:
        """For each item the answers (one a window of the article), their prompts, and how many article tokens were cut."""
        from harness.models.generation import Decoding, generate

        model = self.load_model(context)
        o = self.options
        decoding = Decoding(o.max_new_tokens, o.min_new_tokens, o.temperature, o.top_p, o.seed or 0, o.no_repeat_ngram)
        prompts: list[list[str]] = []
        cut: list[int] = []
        for item in items:
            before, after = self.around(model, item)
            fitted = model.fit(before, fields_of(item)["article"], after, o.long_input, reserve=o.max_new_tokens)
            prompts.append([before + piece + after for piece in fitted.pieces])
            cut.append(fitted.tokens_cut)
        answers = iter(
            generate(model, [p for window in prompts for p in window], decoding, budget=context.token_budget)
        )
        return [([next(answers) for _ in windows], windows, n) for windows, n in zip(prompts, cut, strict=True)]


class CausalSummariser(CausalGenerator):
    """Writes a summary; a text of several windows gets one summary for each, in order."""

    kind: ClassVar = "summariser"
    Options: ClassVar = GenerationOptions
    batch: ClassVar = 16

    def plan(self, items: Sequence[Item]) -> list[list[Item]]:
        """Batches of articles of like length, longest first."""
        ordered = sorted(items, key=lambda i: (-len(i.article.text), i.article.id))
        return [ordered[i : i + self.batch] for i in range(0, len(ordered), self.batch)]

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        return [
            Answer(
                output=" ".join(a.text for a in answers).strip(),
                raw="\n".join(a.text for a in answers),
                prompt=prompts[0],
                tokens_in=sum(a.n_prompt for a in answers),
                tokens_out=sum(len(a.tokens) for a in answers),
                tokens_cut=cut,
                path=answers[0].path + ("+windows" if len(answers) > 1 else ""),
            )
            for answers, prompts, cut in self.generate(items, context)
        ]


class CausalGenerated(CausalGenerator):
    """Asks for a label in words and reads it from the answer; what cannot be read is unparsed, never a guess."""

    kind: ClassVar = "stance"
    Options: ClassVar = GenerationOptions

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        from harness.systems.parsing import parse_label

        found = []
        for answers, prompts, cut in self.generate(items, context):
            # of several windows the first that yields a stance speaks; else the first that could be read at all
            labels = [label for a in answers if (label := parse_label(a.text)) is not None]
            label = next((x for x in labels if x is not Stance.NO_STANCE), labels[0] if labels else None)
            found.append(
                Answer(
                    output=label or "",
                    label=label,
                    raw="\n".join(a.text for a in answers),
                    prompt=prompts[0],
                    tokens_in=sum(a.n_prompt for a in answers),
                    tokens_out=sum(len(a.tokens) for a in answers),
                    tokens_cut=cut,
                    path=answers[0].path + ("+windows" if len(answers) > 1 else ""),
                )
            )
        return found
