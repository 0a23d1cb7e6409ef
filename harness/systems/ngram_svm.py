"""Linear SVMs over n-grams: of the sentences about the speaker, or, as a shortcut baseline, of the speaker's name alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from harness.systems.base import Context, Options
from harness.systems.fitted import Answers, FittedStance, labelled_pairs
from harness.text.body import body_sentences, words_about
from harness.text.marks import plain_text
from harness.types import Answer, Dataset, Item, Stance

_COLUMNS = 2**18
"""Features are hashed into so many columns: a row then depends on its own text only, whatever else is in the dataset."""


class LinearOptions(Options):
    """What is seen, and how hard wrong training labels weigh."""

    sees: Literal["text", "name"] = "text"
    c: Annotated[float, Field(gt=0)] = 1.0


class LinearText(FittedStance):
    """TF-IDF of words (1-2) and character n-grams (3-5), then LinearSVC with balanced classes (Mohammad et al., 2016).

    `sees: text` reads the speaker's sentences and the target's proposition. `sees: name` reads the speaker's name and
    side: what it gets right needs no article.
    """

    version: ClassVar = "2"
    Options: ClassVar = LinearOptions

    def identity(self) -> dict[str, Any]:
        identity = super().identity()
        # what version 2 changed is how articles are read, and the name is none
        return identity if self.options.sees == "text" else identity | {"version": "1"}

    def reads_item(self, item: Item) -> dict[str, Any]:
        if self.options.sees == "text":
            return super().reads_item(item)
        assert item.speaker is not None
        return {"name": item.speaker.name, "side": item.speaker.side}

    def examples(self, dataset: Dataset) -> Iterator[tuple[str, Any]]:
        if self.options.sees == "text":
            return super().examples(dataset)
        return ((item.article.event, [_name(item), stance]) for item, stance in labelled_pairs(dataset))

    def features(self, items: Sequence[Item], context: Context) -> Any:
        from scipy.sparse import hstack
        from sklearn.feature_extraction.text import HashingVectorizer

        def counts(texts: Sequence[str], analyzer: str, sizes: tuple[int, int]) -> Any:
            hashed = HashingVectorizer(
                analyzer=analyzer, ngram_range=sizes, n_features=_COLUMNS, norm=None, alternate_sign=False
            )
            return hashed.transform(texts)

        if self.options.sees == "name":
            names = [_name(item) for item in items]
            blocks = [counts(names, "word", (1, 2)), counts(names, "char_wb", (3, 5))]
        else:
            texts = [" ".join(_words(item)) for item in items]
            targets = [plain_text(item.target.proposition) for item in items if item.target is not None]
            blocks = [counts(texts, "word", (1, 2)), counts(texts, "char_wb", (3, 5)), counts(targets, "word", (1, 2))]
        return hstack(blocks, format="csr")

    def learn(self, training: Any, labels: NDArray[np.str_]) -> Answers:
        from scipy.sparse import hstack
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.svm import LinearSVC

        examples, weightings = [], []
        for start in range(0, training.shape[1], _COLUMNS):
            block = training[:, start : start + _COLUMNS]
            # columns that no training row has cannot weigh anything
            used = np.unique(block.indices)
            weighting = TfidfTransformer(sublinear_tf=True).fit(block[:, used])
            examples.append(weighting.transform(block[:, used]))
            weightings.append((start + used, weighting))
        svm = LinearSVC(C=self.options.c, class_weight="balanced", random_state=0, max_iter=5000, tol=1e-3)
        svm.fit(hstack(examples, format="csr"), labels)

        def answers(rows: Any) -> list[Answer]:
            questions = hstack(
                [weighting.transform(rows[:, columns]) for columns, weighting in weightings], format="csr"
            )
            return [Answer(s, label=s, path="svm") for s in map(Stance, svm.predict(questions).tolist())]

        return answers


def _words(item: Item) -> list[str]:
    """The sentences about the item's speaker in plain marks; where nothing names them, every sentence."""
    assert item.speaker is not None
    return words_about(item.article, item.speaker) or [plain_text(s.text) for s in body_sentences(item.article)]


def _name(item: Item) -> str:
    assert item.speaker is not None
    return f"{item.speaker.name} ; {item.speaker.side or 'no side'}"
