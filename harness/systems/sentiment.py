"""Sentiment as if it were stance: VADER over the sentences about the speaker, to show that the two are not the same."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any, ClassVar

from pydantic import model_validator

from harness.systems.base import AT_ONCE, Context, Options, System
from harness.text.body import words_about
from harness.types import Answer, Dataset, Item, Stance


class Thresholds(Options):
    """Bounds on the mean compound score in [-1, 1]: |score| >= full is a full stance, >= lean a leaning one, below neutral."""

    lean: float = 0.05
    full: float = 0.5

    @model_validator(mode="after")
    def _ordered(self) -> Thresholds:
        if not 0 <= self.lean <= self.full <= 1:
            raise ValueError("0 <= lean <= full <= 1 must hold")
        return self


class Sentiment(System):
    """VADER (Hutto and Gilbert, 2014): mean compound score of the speaker's sentences; none of them means `no_stance`.

    They are read in plain marks: VADER knows neither `won’t` nor a word in typographic quotation marks.
    """

    kind: ClassVar = "stance"
    version: ClassVar = "2"
    Options: ClassVar = Thresholds
    unit_size: ClassVar = AT_ONCE

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        assert item.speaker is not None
        article = item.article
        return {
            "title": article.title,
            "text": article.text,
            "language": article.language,
            "names": list(item.speaker.names),
        }

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        analyzer = SentimentIntensityAnalyzer()
        answers = []
        for item in items:
            assert item.speaker is not None
            sentences = words_about(item.article, item.speaker)
            if not sentences:
                answers.append(Answer(Stance.NO_STANCE, label=Stance.NO_STANCE, path="vader", raw="no sentence about"))
                continue
            score = fmean(analyzer.polarity_scores(s)["compound"] for s in sentences)
            label = self._label(score)
            answers.append(Answer(label, label=label, path="vader", raw=f"compound {score:.4f}"))
        return answers

    def _label(self, score: float) -> Stance:
        strength = 2 if abs(score) >= self.options.full else 1 if abs(score) >= self.options.lean else 0
        degree = strength if score > 0 else -strength
        return next(s for s in Stance if s.degree == degree)
