"""Stance classifiers that read no text, only labels: the majority of other events, and each annotator as a ceiling."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, ClassVar

from harness.errors import SystemFailed
from harness.results.store import content_hash
from harness.systems.base import AT_ONCE, Context, Options, System
from harness.systems.folds import no_other_event
from harness.systems.stance_scores import likeliest
from harness.types import ESCALATION, STANCES, Answer, Dataset, Item, Stance


class Majority(System):
    """The most frequent gold label of the other events, for `escalation` and for concrete targets apart."""

    kind: ClassVar = "stance"
    fitted: ClassVar = True
    unit_size: ClassVar = AT_ONCE

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        counts = self._counts(item, dataset)
        return {"counts": {label: counts[label] for label in sorted(counts)}}

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        answers = []
        for item in items:
            counts = self._counts(item, context.dataset)
            label = likeliest(counts)
            total = counts.total()
            answers.append(Answer(label, label=label, scores={s: counts[s] / total for s in STANCES}, path="counted"))
        return answers

    def _counts(self, item: Item, dataset: Dataset) -> Counter[Stance]:
        """Gold labels of the other events on the item's kind of target."""
        assert item.target is not None
        counted: dict[str, LabelCounts] = self.__dict__.setdefault("_counted", {})
        if dataset.fingerprint not in counted:
            counted[dataset.fingerprint] = LabelCounts(dataset)
        return counted[dataset.fingerprint].of_other_events(item.article.event, item.target.id)


class LabelCounts:
    """How often each label stands in the gold of a dataset, by event, for `escalation` and for concrete targets apart."""

    def __init__(self, dataset: Dataset) -> None:
        self._by_event: dict[tuple[str, bool], Counter[Stance]] = defaultdict(Counter)
        self._all: dict[bool, Counter[Stance]] = {True: Counter(), False: Counter()}
        self._labelled: set[str] = set()
        for article in dataset:
            if article.gold is not None:
                self._labelled.add(article.event)
                for s in article.gold.stances:
                    self._by_event[article.event, s.target == ESCALATION][s.stance] += 1
                    self._all[s.target == ESCALATION][s.stance] += 1

    def of_other_events(self, event: str, target_id: str) -> Counter[Stance]:
        """The labels of all events but this one; Unfitted if no article of another event has any."""
        if len(self._labelled) == (event in self._labelled):
            raise no_other_event(event)
        concerned = target_id == ESCALATION
        return self._all[concerned] - self._by_event.get((event, concerned), Counter())


ENTERED_GOLD = "gold was decided from these labels, so agreement with it is no ceiling"


class AnnotatorOptions(Options):
    """Which annotator, and whether gold was decided from these labels: then they are no measure of how well one can do."""

    annotator: str
    entered_gold: bool = True


class Annotator(System):
    """One annotator's own labels, scored against gold like any system: the ceiling row."""

    kind: ClassVar = "stance"
    Options: ClassVar = AnnotatorOptions
    ceiling: ClassVar = True
    unit_size: ClassVar = AT_ONCE

    def identity(self) -> dict[str, Any]:
        """What the labels are hangs on the annotator alone."""
        return {**super().identity(), "options": {"annotator": self.options.annotator}}

    def remarks(self, dataset: Dataset) -> list[str]:
        """Says where gold was made from these labels."""
        return [ENTERED_GOLD] if self.options.entered_gold else []

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        label = self._label(item)
        return {"item": item.id, "label": label, "article": content_hash(item.article.text)}

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        answers = []
        for item in items:
            label = self._label(item)
            if label is None:
                answers.append(Answer(error=f"annotator {self.options.annotator!r} did not label {item.id}"))
            else:
                answers.append(Answer(label, label=label, path="annotation"))
        return answers

    def _label(self, item: Item) -> Stance | None:
        if item.speaker is None or item.target is None:
            raise SystemFailed(f"{item.id}: an annotator labels pairs")
        for annotation in item.article.annotations:
            if annotation.annotator == self.options.annotator:
                for s in annotation.stances:
                    if (s.speaker, s.target) == (item.speaker.id, item.target.id):
                        return s.stance
        return None
