"""Stance classifiers that read no text, only labels: the majority of other events, and each annotator as a ceiling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

from harness.errors import SystemFailed
from harness.results.store import content_hash
from harness.systems.base import Context, Options, System
from harness.systems.folds import training_articles
from harness.systems.stance_scores import likeliest
from harness.types import STANCES, Answer, Dataset, Item, Stance


class Majority(System):
    """The most frequent gold label of the other events, for `escalation` and for concrete targets apart."""

    kind: ClassVar = "stance"
    fitted: ClassVar = True

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        counts = _label_counts(item, dataset)
        return {"counts": {label: counts[label] for label in sorted(counts)}}

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        answers = []
        for item in items:
            counts = _label_counts(item, context.dataset)
            label = likeliest(counts)
            total = counts.total()
            answers.append(Answer(label, label=label, scores={s: counts[s] / total for s in STANCES}, path="counted"))
        return answers


def _label_counts(item: Item, dataset: Dataset) -> Counter[Stance]:
    assert item.target is not None
    return Counter(
        s.stance
        for article in training_articles(dataset, item.article.event)
        for s in (article.gold.stances if article.gold else ())
        if (s.target == "escalation") == (item.target.id == "escalation")
    )


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
