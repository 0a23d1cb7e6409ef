"""A linear probe on sentence embeddings: the speaker's sentences and the target's proposition, then logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from harness.models.embedder import Embedder
from harness.systems.base import Context
from harness.systems.fitted import Answers, FittedStance, passage
from harness.systems.weights import WeightedSystem, WeightOptions
from harness.types import Answer, Item, Stance


class ProbeOptions(WeightOptions):
    """Which encoder, and how hard wrong training labels weigh."""

    c: Annotated[float, Field(gt=0)] = 10.0


class EmbeddingProbe(FittedStance, WeightedSystem):
    """Features [s, t, s * t] of the mean embedding s of the speaker's sentences and the embedding t of the target."""

    Options: ClassVar = ProbeOptions

    def features(self, items: Sequence[Item], context: Context) -> NDArray[np.float32]:
        model = self.loaded(Embedder, context)
        passages = [passage(item) for item in items]
        targets = [item.target.proposition for item in items if item.target is not None]
        flat = [sentence for sentences in passages for sentence in sentences]
        vectors = model.embed([*flat, *targets], context.token_budget)
        ends = np.cumsum([len(p) for p in passages])
        speakers = np.stack(
            [
                vectors[end - len(p) : end].mean(axis=0) if p else np.zeros(model.dimension, np.float32)
                for p, end in zip(passages, ends, strict=True)
            ]
        )
        about = vectors[len(flat) :]
        return np.hstack([speakers, about, speakers * about])

    def learn(self, training: Any, labels: NDArray[np.str_]) -> Answers:
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits

        regression = LogisticRegression(C=self.options.c, class_weight="balanced", max_iter=1000)
        # products of this size are over before a second thread has woken up; beside other work it costs tenfold
        with threadpool_limits(1):
            regression.fit(training, labels)
        classes = [Stance(c) for c in regression.classes_.tolist()]

        def answers(rows: Any) -> list[Answer]:
            with threadpool_limits(1):
                probabilities = regression.predict_proba(rows)
            return [
                Answer(
                    classes[int(row.argmax())],
                    label=classes[int(row.argmax())],
                    scores={c.value: float(p) for c, p in zip(classes, row, strict=True)},
                    path="probe",
                )
                for row in probabilities
            ]

        return answers
