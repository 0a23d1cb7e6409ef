"""A floor: stances guessed from what an article declares (sides, rungs, order), without reading its text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from harness.systems.base import Context, Options
from harness.systems.fitted import Answers, FittedStance, labelled_pairs
from harness.types import ESCALATION, Answer, Dataset, Item, Stance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COLUMNS = 2**12
"""Features are hashed into so many columns: a row then depends on its own item only."""

_PARTS = 5
"""The place of a speaker's first mention is given as the fifth of the text, from 0 to 4."""


class MetadataOptions(Options):
    """Whether the places in the order of declaration count, and how hard wrong training labels weigh."""

    order: bool = True
    c: Annotated[float, Field(gt=0)] = 0.1


class Metadata(FittedStance):
    """LinearSVC with balanced classes over side, kind, main, direction, rung, parent, numbers of speakers and targets, the
    part of the text with the speaker's first mention and, with `order`, the places of speaker and target among those declared.

    Where it scores well, labels can be guessed without reading.
    """

    Options: ClassVar = MetadataOptions

    def reads_item(self, item: Item) -> dict[str, Any]:
        return {"features": declared_features(item, order=self.options.order)}

    def examples(self, dataset: Dataset) -> Iterator[tuple[str, Any]]:
        return (
            (item.article.event, [declared_features(item, order=self.options.order), stance])
            for item, stance in labelled_pairs(dataset)
        )

    def features(self, items: Sequence[Item], context: Context) -> Any:
        from sklearn.feature_extraction import FeatureHasher

        hasher = FeatureHasher(_COLUMNS, input_type="string", alternate_sign=False)
        return hasher.transform([declared_features(item, order=self.options.order) for item in items])

    def learn(self, training: Any, labels: NDArray[np.str_]) -> Answers:
        from sklearn.svm import LinearSVC

        svm = LinearSVC(C=self.options.c, class_weight="balanced", random_state=0, max_iter=5000)
        svm.fit(training, labels)
        return lambda rows: [Answer(s, label=s, path="svm") for s in map(Stance, svm.predict(rows).tolist())]


def declared_features(item: Item, *, order: bool) -> list[str]:
    """What the declarations say of a pair, as words such as `rung=3`; the text is searched for the speaker's names only."""
    article, speaker, target = item.article, item.speaker, item.target
    assert speaker is not None
    assert target is not None
    concrete = target.id != ESCALATION
    words = [
        f"side={speaker.side}",
        f"kind={speaker.kind}",
        f"main={speaker.main}",
        f"concrete={concrete}",
        f"direction={target.direction}",
        f"rung={target.rung}",
        f"parent={target.parent is not None}",
        f"speakers={len(article.speakers)}",
        f"targets={len(article.targets)}",
        f"mention={_part_of_first_mention(item)}",
    ]
    if order:
        # among concrete targets: where `escalation` stands says nothing of the others
        rivals = [t.id for t in article.targets if t.id != ESCALATION]
        place = rivals.index(target.id) if concrete else "escalation"
        words += [f"speaker={[s.id for s in article.speakers].index(speaker.id)}", f"target={place}"]
    by_target = [f"{word}&concrete={concrete}" for word in words]
    return [*words, *by_target]


def _part_of_first_mention(item: Item) -> int | None:
    """The fifth of the text, from 0, in which a name of the speaker first stands; None where none does."""
    assert item.speaker is not None
    text = item.article.text
    starts = [at for name in item.speaker.names if (at := text.find(name)) >= 0]
    return min(starts) * _PARTS // len(text) if starts else None
