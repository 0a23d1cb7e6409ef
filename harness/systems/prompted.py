"""Systems that ask a causal model: an item's prompt by its chat template, the article fitted to the window."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import ConfigError, WindowExceeded
from harness.models.chat_clock import DATE, chat_template, reads_clock
from harness.systems.base import Context
from harness.systems.prompts import ArticlePrompt, fields_of, fill, shown_fields
from harness.systems.weights import WeightedSystem, WeightOptions
from harness.types import Answer, Dataset, Item

if TYPE_CHECKING:
    from harness.models.causal import CausalModel


class PromptOptions(WeightOptions):
    """`prompt` may use {article}, {title}, {speaker}, {role} and {target}; `system` is the chat's system message.

    A model without chat template was not taught to answer: only with `base_model` is it asked, in plain text.
    """

    prompt: ArticlePrompt
    system: str | None = None
    base_model: bool = False
    long_input: Literal["error", "truncate_article", "windows"] = "truncate_article"

    @property
    def prompts(self) -> list[str]:
        """The prompt, and other wordings of it if there are any."""
        return [self.prompt]


@dataclass(frozen=True)
class Prompted:
    """One item's prompts (one a window of the article), what stands before and after the article, and what was cut.

    `others` are the same question in other wordings.
    """

    prompts: list[str]
    before: str
    after: str
    tokens_cut: int
    others: tuple[Prompted, ...] = ()


class CausalSystem(WeightedSystem):
    """Shares prompts between the systems below."""

    def identity(self) -> dict[str, Any]:
        identity = super().identity()
        # before the clock was stopped, a prompt of these models alone depended on the day
        stopped = {"clock": f"{DATE:%Y-%m-%d}"} if reads_clock(self.source, self.options.system) else {}
        # it allows, and changes no answer
        del identity["options"]["base_model"]
        return identity | stopped

    def remarks(self, dataset: Dataset) -> list[str]:
        source = self.source
        # of a model of the hub that is not here yet, nobody knows before it is loaded
        if source.path is not None and chat_template(source) is None:
            self._refuse_base_model()
        return super().remarks(dataset)

    def _refuse_base_model(self) -> None:
        if not self.options.base_model:
            raise ConfigError(
                f"{self.name}: {self.source.ref} has no chat template: it is a base model, which was not taught to answer",
                hint="base_model=true (of this system: stance.base_model=true, summariser.base_model=true) asks it in plain text",
            )

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        """Only what the prompt shows."""
        return shown_fields(self.options.prompts, item)

    def load_model(self, context: Context) -> CausalModel:
        """The causal model, from the pool."""
        from harness.models.causal import CausalModel

        model = self.loaded(CausalModel, context)
        if not model.has_chat_template:
            self._refuse_base_model()
        return model

    def around(self, model: CausalModel, item: Item, prompt: str) -> tuple[str, str]:
        """The rendered chat before and after the article, of one wording of the prompt."""
        mark = "\u0001article\u0001"
        prompt = fill(prompt, **{**fields_of(item), "article": mark})
        messages = [{"role": "system", "content": self.options.system}] if self.options.system else []
        return model.chat_around([*messages, {"role": "user", "content": prompt}], mark)

    @abstractmethod
    def reserve(self, model: CausalModel, item: Item) -> int:
        """How many tokens may follow the prompt."""

    @abstractmethod
    def respond(
        self, model: CausalModel, items: Sequence[Item], questions: Sequence[Prompted], context: Context
    ) -> list[Answer]:
        """An answer to each item by its prompts."""

    def ask(self, model: CausalModel, item: Item) -> Prompted:
        """An item's prompts, the article fitted to the window by `long_input`; WindowExceeded if it cannot be."""
        article, reserve = fields_of(item)["article"], self.reserve(model, item)

        def by(prompt: str) -> Prompted:
            before, after = self.around(model, item, prompt)
            fitted = model.fit(before, article, after, self.options.long_input, reserve=reserve)
            return Prompted([before + piece + after for piece in fitted.pieces], before, after, fitted.tokens_cut)

        first, *others = map(by, self.options.prompts)
        return replace(first, others=tuple(others))

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        """Answers to all items at once; one whose input does not fit the window has that as its error."""
        model = self.load_model(context)
        questions: dict[int, Prompted] = {}
        answers: dict[int, Answer] = {}
        for n, item in enumerate(items):
            try:
                questions[n] = self.ask(model, item)
            except WindowExceeded as error:
                answers[n] = Answer(error=str(error))
        responses = self.respond(model, [items[n] for n in questions], list(questions.values()), context)
        answers |= zip(questions, responses, strict=True)
        return [answers[n] for n in range(len(items))]
