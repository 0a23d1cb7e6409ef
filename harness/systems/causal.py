"""Prompted causal language models: stances by the log-probability of each label's wording or by asking, and summaries."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from harness.models.ends import unnamed_ends
from harness.systems.base import Context
from harness.systems.one_by_one import all_or_each
from harness.systems.parsing import first_stance, parse_label
from harness.systems.prompted import CausalSystem, Prompted, PromptOptions
from harness.systems.prompts import SPEAKER, ArticlePrompt, fields_of, require_every_label
from harness.systems.stance_scores import likeliest, softmax
from harness.text.replies import READING, WINDOW_BREAK, Reply, first_problem, open_reply, refusal, thought_begun
from harness.types import STANCES, Answer, Dataset, Item, Stance

if TYPE_CHECKING:
    from harness.models.causal import CausalModel
    from harness.models.generation import Generation
    from harness.models.prefix_trie import Option, OptionScore

ROLE_MARK = "+role_mark"
"""Ends the path of an answer in which a mark of the chat's roles stands."""
UNIT_CHARACTERS = 16_000
"""About how many characters of articles and questions make a unit of work: some thousand tokens, half a pass."""


class ChoiceOptions(PromptOptions):
    """`answers` words each label; `answer_prefix` begins the model's reply; a label's score is the log-probability of its
    wording: the sum, the mean per token, or the sum less that under the same prompt with `content_free` as the article (PMI).
    With `more_prompts` the question is asked in these wordings too, and a label's score is the mean over all of them."""

    more_prompts: tuple[ArticlePrompt, ...] = ()
    answers: dict[Stance, Annotated[str, Field(min_length=1)]]
    answer_prefix: str = ""
    normalise: Literal["sum", "mean", "pmi"] = "sum"
    content_free: str = "N/A"

    @field_validator("answers")
    @classmethod
    def _every_label(cls, answers: dict[Stance, str]) -> dict[Stance, str]:
        require_every_label(answers)
        if len(set(answers.values())) < len(answers):
            raise ValueError("two labels share a wording")
        for wording in answers.values():
            if wording.replace(SPEAKER, "").count("{"):
                raise ValueError(f"a wording may name {{speaker}} only: {wording!r}")
        return answers

    @property
    def prompts(self) -> list[str]:
        return [self.prompt, *self.more_prompts]

    @property
    def n_words(self) -> tuple[int, int]:
        """Words of the shortest and of the longest wording."""
        counts = [len(wording.split()) for wording in self.answers.values()]
        return min(counts), max(counts)

    def wordings(self, item: Item) -> list[str]:
        """The labels' wordings for one item, in the order of the labels."""
        speaker = item.speaker.name if item.speaker else ""
        return [self.answers[label].replace(SPEAKER, speaker) for label in STANCES]


class CausalChoice(CausalSystem):
    """Takes the label whose wording is likeliest. All options of an article are scored over one prefix trie."""

    kind: ClassVar = "stance"
    Options: ClassVar = ChoiceOptions

    def identity(self) -> dict[str, Any]:
        identity = super().identity()
        # before there were other wordings, the fingerprints of systems with one wording did not mention them
        if not self.options.more_prompts:
            del identity["options"]["more_prompts"]
        return identity

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        """What the prompts show, and the speaker where a label's wording names one."""
        named = {"speaker": fields_of(item)["speaker"]} if SPEAKER in "".join(self.options.answers.values()) else {}
        return super().reads(item, dataset) | named

    def remarks(self, dataset: Dataset) -> list[str]:
        shortest, longest = self.options.n_words
        if self.options.normalise != "mean" or shortest == longest:
            return super().remarks(dataset)
        uneven = (
            f"labels of {shortest} to {longest} words are compared by their mean log-probability a token, which favours the "
            "longer ones: word them alike, or calibrate on dev (docs/systems.md)"
        )
        return [*super().remarks(dataset), uneven]

    def plan(self, items: Sequence[Item]) -> list[list[Item]]:
        """One article's trie is a unit; short texts, such as summaries, share one."""
        units: list[list[Item]] = []
        room = 0
        for unit in super().plan(items):
            size = sum(len(v) for v in fields_of(unit[0]).values()) + sum(self._question(item) for item in unit)
            if size > room:
                units.append([])
                room = UNIT_CHARACTERS
            units[-1] += unit
            room -= size
        return units

    def _question(self, item: Item) -> int:
        """About how many characters one item adds to its article's trie."""
        prompts = sum(len(p) + len(fields_of(item)["target"]) for p in self.options.prompts)
        return prompts + sum(map(len, self.options.answers.values()))

    def around(self, model: CausalModel, item: Item, prompt: str) -> tuple[str, str]:
        before, after = super().around(model, item, prompt)
        return before, after + self.options.answer_prefix

    def reserve(self, model: CausalModel, item: Item) -> int:
        # one more token for a space that moves from the context to the wording
        return 1 + max(len(ids) for ids in model.encode_many(self.options.wordings(item)))

    def choices(self, item: Item, question: Prompted) -> list[Option]:
        """What is scored for one item: of each prompt and window every label's wording, in the order of the labels."""
        from harness.models.prefix_trie import Option

        o = self.options
        options = []
        for each in (question, *question.others):
            free = each.before + o.content_free + each.after if o.normalise == "pmi" else None
            options += [Option(prompt, wording, free) for prompt in each.prompts for wording in o.wordings(item)]
        return options

    def respond(
        self, model: CausalModel, items: Sequence[Item], questions: Sequence[Prompted], context: Context
    ) -> list[Answer]:
        from harness.models.prefix_trie import score

        groups = [self.choices(item, question) for item, question in zip(items, questions, strict=True)]
        scores_or_errors = all_or_each(
            lambda some: score(model, some, budget=context.token_budget, step=context.step), groups
        )
        return [self.answer_by(question, scores) for question, scores in zip(questions, scores_or_errors, strict=True)]

    def answer_by(self, question: Prompted, scores: list[OptionScore] | str) -> Answer:
        """The label with the highest mean over the prompts and the article's windows (nearly always one of each); an error in
        words is the answer's."""
        if isinstance(scores, str):
            return Answer(error=scores)
        windows = [scores[i : i + len(STANCES)] for i in range(0, len(scores), len(STANCES))]
        values = {
            label: fmean(window[k].value(self.options.normalise) for window in windows)
            for k, label in enumerate(STANCES)
        }
        label = likeliest(values)
        return Answer(
            output=label,
            label=label,
            scores=softmax(values),
            raw=json.dumps({s: round(v, 6) for s, v in values.items()}),
            prompt=question.prompts[0],
            tokens_in=sum(window[0].n_context for window in windows),
            tokens_cut=max(each.tokens_cut for each in (question, *question.others)),
            path=path_of(windows[0][0].path, len(question.prompts)),
        )


def path_of(path: str, windows: int) -> str:
    """How an answer was computed, and whether the article was read in several windows."""
    return path + ("+windows" if windows > 1 else "")


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
        identity = super().identity()
        if self.options.temperature == 0:
            # a seed changes nothing where nothing is drawn
            identity["options"] = {k: v for k, v in identity["options"].items() if k not in {"seed", "top_p"}}
        # answers of these models alone went on beyond their end
        ends = unnamed_ends(self.source)
        return identity | ({"ends": ends} if ends else {})

    def reserve(self, model: CausalModel, item: Item) -> int:
        tokens: int = self.options.max_new_tokens
        return tokens

    reading: ClassVar = READING

    def whole_reply(self, text: str) -> str:
        """The reply that the model ended by writing `text`: a system may have begun it in the prompt."""
        return text

    @abstractmethod
    def read(self, replies: Sequence[Reply], item: Item) -> Answer:
        """Output, label or error by the replies without their thoughts, one a window of the article."""

    def reread(self, item: Item, answer: Answer, asked: Sequence[Item] = ()) -> Answer:
        of_several = "+windows" in answer.path
        texts = (answer.raw or "").split(WINDOW_BREAK) if of_several else [answer.raw or ""]
        finishes: Sequence[str | None] = [None] * len(texts) if answer.finish is None else answer.finish.split(",")
        # before formats had numbers, the replies to several windows were stored without a mark between them
        apart = len(finishes) == len(texts) and (len(texts) > 1 or not of_several)
        if answer.raw is None or not apart:
            return replace(answer, reading=self.reading)
        return self._read_all(texts, finishes, item, answer)

    def _read_all(self, raws: Sequence[str], finishes: Sequence[str | None], item: Item, answer: Answer) -> Answer:
        """`answer` with what is read of the replies of all windows."""
        replies = [open_reply(raw, finish) for raw, finish in zip(raws, finishes, strict=True)]
        problem = first_problem(replies)
        one = Answer(error=problem) if problem is not None else self.read(replies, item)
        path = answer.path.removesuffix("+refused") + ("+refused" if one.path == "refused" else "")
        return replace(answer, output=one.output, label=one.label, error=one.error, path=path, reading=self.reading)

    def respond(
        self, model: CausalModel, items: Sequence[Item], questions: Sequence[Prompted], context: Context
    ) -> list[Answer]:
        from harness.models.choosing import Decoding
        from harness.models.generation import generate

        o = self.options
        decoding = Decoding(o.max_new_tokens, o.min_new_tokens, o.temperature, o.top_p, o.seed or 0, o.no_repeat_ngram)
        prompts = [prompt for question in questions for prompt in question.prompts]
        generated = iter(generate(model, prompts, decoding, budget=context.token_budget, step=context.step))
        return [
            self._answer(model, item, question, [next(generated) for _ in question.prompts])
            for item, question in zip(items, questions, strict=True)
        ]

    def _answer(self, model: CausalModel, item: Item, question: Prompted, windows: list[Generation]) -> Answer:
        if error := next((w.error for w in windows if w.error), None):
            return Answer(error=error)
        raws = [
            thought_begun(prompt) + self.whole_reply(w.text)
            for prompt, w in zip(question.prompts, windows, strict=True)
        ]
        finishes = [w.finish for w in windows]
        answer = Answer(
            raw=WINDOW_BREAK.join(raws),
            prompt=question.prompts[0],
            tokens_in=sum(w.n_prompt for w in windows),
            tokens_out=sum(len(w.tokens) for w in windows),
            tokens_cut=question.tokens_cut,
            path=path_of(windows[0].path, len(windows))
            + (ROLE_MARK if any(model.role_mark(w.tokens) for w in windows) else ""),
            finish=",".join(finishes),
        )
        return self._read_all(raws, finishes, item, answer)


class CausalSummariser(CausalGenerator):
    """Writes a summary, without thoughts; a text of several windows gets one summary for each, in order."""

    kind: ClassVar = "summariser"
    Options: ClassVar = GenerationOptions
    batch: ClassVar = 16

    def plan(self, items: Sequence[Item]) -> list[list[Item]]:
        """Batches of articles of like length, longest first."""
        ordered = sorted(items, key=lambda i: (-len(i.article.text), i.article.id))
        return [ordered[i : i + self.batch] for i in range(0, len(ordered), self.batch)]

    def read(self, replies: Sequence[Reply], item: Item) -> Answer:
        if (words := refusal(replies)) is not None:
            return Answer(error=f"the model refused: {words}", path="refused")
        return Answer(" ".join(reply.text for reply in replies).strip())


class CausalGenerated(CausalGenerator):
    """Asks for a label in words and reads it from the answer; what cannot be read is unparsed, never a guess."""

    kind: ClassVar = "stance"
    Options: ClassVar = GenerationOptions

    def read(self, replies: Sequence[Reply], item: Item) -> Answer:
        labels = [parse_label(reply.text) for reply in replies]
        window = first_stance(labels)
        if window is None:
            return Answer(path="refused" if refusal(replies) is not None else "")
        return Answer(labels[window] or "", label=labels[window])
