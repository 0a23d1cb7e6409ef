"""The interface of every system: who it is, exactly what it reads, how its work is cut into units, its answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict

from harness.models.pool import ModelPool
from harness.results.store import content_hash
from harness.text.speeches import words_of
from harness.types import Answer, Article, Dataset, Item, Speaker, Target

Kind = Literal["summariser", "stance", "speakers", "judge"]


AT_ONCE = 4_096
"""Items of a unit where an answer takes microseconds: a unit is one part on disk."""


class Options(BaseModel):
    """What a system's config may say beyond name, adapter and description."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


@dataclass(frozen=True)
class Context:
    """What a system may use while it works: the whole dataset (to fit on other events), loaded models, limits.

    `folder` is that of its stored answers, for what it needs to go on after a crash; `tell` shows a line to whoever waits, and
    `step` is called with the share, 0 to 1, that is done of the items that were handed in.
    """

    dataset: Dataset
    pool: ModelPool = field(default_factory=ModelPool)
    device: str = "auto"
    token_budget: int = 16_384
    folder: Path | None = None
    tell: Callable[[str], None] = lambda line: None
    step: Callable[[float], None] = lambda share: None


class System(ABC):
    """A summariser, a stance classifier, a speaker finder, or a judge of summaries (a judge of stance is a stance classifier).

    A stance classifier is asked of `item.article` alone: where it judges a summary, that article has the summary for its
    text and no title, and `item.summary` is None. A system of kind `judge` reads the summary from `item.summary`.

    Subclasses set `kind` and `version` (raised when the same config would answer differently) and may declare an
    `Options` model. Constructing one is cheap: weights are loaded in `answer`, through the context's pool.
    """

    kind: ClassVar[Kind]
    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = Options
    fitted: ClassVar[bool] = False
    """Learns from the gold of other events; with fewer than two events it cannot."""
    ceiling: ClassVar[bool] = False
    """Reads the answers that it is scored against: shown beside the systems, never ranked among them."""
    instant: ClassVar[bool] = False
    """Answers from the text alone within milliseconds, so that a dry run may ask it; nothing of that is stored."""
    unit_size: ClassVar[int] = 1
    """A unit is made of whole articles until it has so many items; what is not finished of one is lost in a crash."""
    reading: ClassVar[int] = 0
    """Version by which answers are read from a model's words; 0 where they are not. It is part of a run's id and of no
    fingerprint: an answer that is stored is read again by `reread`, and its key stays."""
    adapter: str | None = None
    """What fingerprints call the adapter, set by the registry for built-in ones; None: the class's place, as in
    `package.module:Class`. A class of another package that moves sets its old place here and keeps its stored answers."""

    def __init__(self, name: str, options: Any, description: str = "", device: str = "auto") -> None:
        self.name = name
        self.options = options
        self.description = description
        self.device = device

    def identity(self) -> dict[str, Any]:
        """Everything that can change an answer, besides what the system reads; JSON-able. Extended by systems with weights.

        For example `{"adapter": "systems.extractive:Lead", "version": "1", "options": {"sentences": 3}}`.
        """
        cls = type(self)
        return {
            "adapter": self.adapter or f"{cls.__module__}:{cls.__qualname__}".removeprefix("harness."),
            "version": self.version,
            "options": self.options.model_dump(mode="json"),
        }

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the identity."""
        return content_hash(self.identity())

    def remembered(self, fingerprint: str, identity: Mapping[str, Any]) -> Self:
        """This system as a record knows it: what it answered can be looked up though its weights are gone."""
        self.__dict__.update(fingerprint=fingerprint, identity=lambda: dict(identity))
        return self

    def remarks(self, dataset: Dataset) -> list[str]:
        """What a reader of the record must know of this system on this dataset; HarnessError if it cannot be asked at all."""
        return []

    def unheeded(self, answers: Sequence[Answer]) -> list[str]:
        """What the answers show that a server did not do though the requests ask for it, in words."""
        return []

    @abstractmethod
    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        """Exactly what the answer depends on, JSON-able: nothing that the system does not look at."""

    def reads_of(self, items: Sequence[Item], dataset: Dataset) -> list[dict[str, Any]]:
        """What each answer depends on when all these items are asked about; one that shares its request with others
        depends on them too."""
        return [self.reads(item, dataset) for item in items]

    def plan(self, items: Sequence[Item]) -> list[list[Item]]:
        """Cuts the work into units of what is computed and stored together; by default articles up to `unit_size` items."""
        units: list[list[Item]] = []
        for _, of_article in groupby(items, key=lambda i: (i.article.id, i.article.text)):
            if not units or len(units[-1]) >= self.unit_size:
                units.append([])
            units[-1] += of_article
        return units

    @abstractmethod
    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        """One answer for each item, in order; raises SystemFailed if none can be given."""

    def together(self, items: Sequence[Item]) -> list[list[Item]]:
        """The items of each request, when all these are asked about; by default one each."""
        return [[item] for item in items]

    def reread(self, item: Item, answer: Answer, asked: Sequence[Item] = ()) -> Answer:
        """A stored answer as its raw reply is read today; no model is asked. Called where `answer.reading < reading`.

        `asked` are the items of the request that the reply answers, `item` among them; without any it is `item` alone.
        """
        return answer

    def answer_units(
        self, units: Sequence[Sequence[Item]], context: Context
    ) -> Generator[tuple[int, Sequence[Answer | None]]]:
        """Each unit's number and answers, in any order; None for an item that an interrupt left without one."""
        for number, unit in enumerate(units):
            yield number, self.answer(unit, context)


def timed(answers: Sequence[Answer | None], seconds: float) -> Sequence[Answer | None]:
    """The answers of a unit; those of a system that does not tell their seconds share the unit's."""
    n = sum(answer is not None for answer in answers)
    if any(answer is not None and answer.seconds for answer in answers):
        return answers
    return [None if answer is None else replace(answer, seconds=seconds / n) for answer in answers]


def pair_item(article: Article, speaker: Speaker, target: Target) -> Item:
    """The question after one speaker's stance; of a transcript it carries that speaker's words alone."""
    return Item(words_of(article, speaker), speaker, target)
