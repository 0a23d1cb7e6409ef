"""What all fitted stance classifiers share: for each event they learn from the labelled pairs of all other events."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar

from harness.errors import Unfitted
from harness.systems.base import Context, System, pair_item
from harness.systems.folds import FoldHashes, check_other_events, learned_from
from harness.text.body import body_sentences, sentences_about
from harness.types import STANCES, Answer, Dataset, Item, Stance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNIT = 10_000
"""The most items of a unit."""


@dataclass(frozen=True)
class TrainingTable:
    """Features (one row a labelled pair), labels and events of the whole dataset; a pool holds it between folds."""

    rows: Any
    labels: NDArray[np.str_]
    events: NDArray[np.str_]
    memory: int
    device: str = "cpu"


Answers = Callable[[Any], list[Answer]]
"""Answers to rows of features."""


@dataclass(frozen=True)
class Learned:
    """What was fitted on the whole table; a pool holds it between units."""

    answers: Answers
    memory: int
    device: str = "cpu"


class FittedStance(System):
    """Learns from the gold of all other events; the unit of work is one event, for which it is fitted once."""

    kind: ClassVar = "stance"
    fitted: ClassVar = True

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        return {"training": self._training(dataset, item.article.event), **self.reads_item(item)}

    def reads_item(self, item: Item) -> dict[str, Any]:
        """What it reads of the item itself."""
        assert item.speaker is not None
        assert item.target is not None
        article = item.article
        return {
            "title": article.title,
            "text": article.text,
            "language": article.language,
            "names": list(item.speaker.names),
            "target": item.target.proposition,
        }

    def examples(self, dataset: Dataset) -> Iterator[tuple[str, Any]]:
        """Everything that is learned from, JSON-able, with its event, in the dataset's order."""
        return ((a.event, learned_from(a)) for a in dataset if a.gold is not None)

    def _training(self, dataset: Dataset, event: str) -> str:
        """Hash of what is learned from for that event."""
        folds: dict[str, FoldHashes] = self.__dict__.setdefault("_folds", {})
        if dataset.fingerprint not in folds:
            folds[dataset.fingerprint] = FoldHashes(self.examples(dataset))
        return folds[dataset.fingerprint].of(event)

    def reads_of(self, items: Sequence[Item], dataset: Dataset) -> list[dict[str, Any]]:
        """As `reads`, with the hash of each event's fold made once."""
        training = {event: self._training(dataset, event) for event in dict.fromkeys(i.article.event for i in items)}
        return [{"training": training[item.article.event], **self.reads_item(item)} for item in items]

    def plan(self, items: Sequence[Item]) -> list[list[Item]]:
        """One unit an event; events without labels, which learn from the same articles, share units."""
        labelled = {i.article.event for i in items if i.article.gold is not None}
        ordered = sorted(items, key=lambda i: i.article.event if i.article.event in labelled else "")
        by_event = (
            list(unit) for _, unit in groupby(ordered, key=lambda i: i.article.event in labelled and i.article.event)
        )
        return [unit[n : n + UNIT] for unit in by_event for n in range(0, len(unit), UNIT)]

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        import numpy as np

        key = (self.fingerprint, context.dataset.fingerprint)
        table = context.pool.get(key, lambda: self._table(context))
        answers: dict[int, Answer] = {}
        labelled = set(table.events.tolist())
        folds: dict[str | None, list[int]] = {}
        for i, item in enumerate(items):
            folds.setdefault(item.article.event if item.article.event in labelled else None, []).append(i)
        for of_event in folds.values():
            event = items[of_event[0]].article.event
            others = np.flatnonzero(table.events != event)
            if not len(others):
                check_other_events(context.dataset, event)
                raise Unfitted(f"unfitted: the articles of other events than {event!r} have no labelled pair")
            rows = self.features([items[i] for i in of_event], context)
            if len(others) == len(table.labels):
                # an event without labels: all of them learn the same, in every unit
                learned = context.pool.get((*key, "all"), partial(self._learned_from_all, table)).answers
            else:
                learned = self.learned(table.rows[others], table.labels[others])
            answers.update(zip(of_event, learned(rows), strict=True))
        return [answers[i] for i in range(len(items))]

    def _learned_from_all(self, table: TrainingTable) -> Learned:
        return Learned(self.learned(table.rows, table.labels), table.memory)

    @abstractmethod
    def features(self, items: Sequence[Item], context: Context) -> Any:
        """A matrix with a row for each item; nothing in a row depends on other items."""

    def learned(self, training: Any, labels: NDArray[np.str_]) -> Answers:
        """What answers rows of features after fitting on `training` with `labels`; where these are all the same, with that
        label."""
        if len(set(labels.tolist())) > 1:
            return self.learn(training, labels)
        stance = Stance(str(labels[0]))
        scores = {s.value: float(s is stance) for s in STANCES}
        answer = Answer(stance, label=stance, scores=scores, path="one label")
        return lambda rows: [answer] * rows.shape[0]

    @abstractmethod
    def learn(self, training: Any, labels: NDArray[np.str_]) -> Answers:
        """Fits on `training` with `labels`, of which there are two or more."""

    def _table(self, context: Context) -> TrainingTable:
        import numpy as np

        pairs = labelled_pairs(context.dataset)
        rows = self.features([item for item, _ in pairs], context)
        labels = np.array([stance.value for _, stance in pairs], dtype=np.str_)
        events = np.array([item.article.event for item, _ in pairs], dtype=np.str_)
        return TrainingTable(rows, labels, events, int(getattr(rows, "nbytes", 0) or rows.data.nbytes))


def labelled_pairs(dataset: Dataset) -> list[tuple[Item, Stance]]:
    """Every declared pair that has gold, in the dataset's order."""
    return [
        (pair_item(article, speaker, target), gold[speaker.id, target.id].stance)
        for article in dataset
        if (gold := article.gold_stances())
        for speaker, target in article.pairs()
        if (speaker.id, target.id) in gold
    ]


def passage(item: Item) -> list[str]:
    """The sentences about the item's speaker; where nothing names them, every sentence of the running text."""
    assert item.speaker is not None
    sentences = sentences_about(item.article, item.speaker) or body_sentences(item.article)
    return [s.text for s in sentences]
