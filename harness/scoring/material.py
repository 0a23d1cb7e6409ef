"""What scores are made of, and where they are collected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.config import MetricsConfig
from harness.data.frozen_set import FrozenSet
from harness.data.summary_samples import SummarySamples
from harness.results.records import Value
from harness.types import Answer, Answered, Article, Item, ItemScore, MetricValue


@dataclass(frozen=True)
class Material:
    """Everything that scores are made of.

    `judged` holds the answers of `judge` (name and fingerprint) to all `readings`, in their order; `measured` those of the judges
    `bertscore` and `nli`, whose values `signatures` identify. `summariser` is the system's name, `frozen_set` what people
    labelled of summaries, and `summary_samples` which of it was drawn at random.
    """

    articles: Sequence[Article]
    options: MetricsConfig
    summaries: Answered | None = None
    stances: Answered | None = None
    finder: Answered | None = None
    readings: Mapping[str, Sequence[Item]] = field(default_factory=dict)
    judged: Answered | None = None
    judge: str | None = None
    summariser: str | None = None
    frozen_set: FrozenSet = field(default_factory=FrozenSet)
    summary_samples: SummarySamples = field(default_factory=SummarySamples)
    measured: Mapping[str, Answered] = field(default_factory=dict)
    signatures: Mapping[str, str] = field(default_factory=dict)

    def judge_answers(self) -> Iterator[tuple[str, Item, Answer]]:
        """Reading, item and answer, for each item that the judge read; ValueError if an answer is missing."""
        predictions = self.judged.predictions if self.judged else ()
        questions = [(reading, item) for reading, items in self.readings.items() for item in items]
        for (reading, item), prediction in zip(questions, predictions, strict=True):
            yield reading, item, prediction.answer

    def judged_summaries(self) -> dict[str, str]:
        """The summaries that the judge read, by article."""
        return {item.article.id: item.summary or "" for item in self.readings.get("summary", ())}


@dataclass
class Scored:
    """What goes into a record."""

    metrics: dict[str, Value] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)
    signatures: dict[str, str] = field(default_factory=dict)
    items: list[ItemScore] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, metrics: Mapping[str, MetricValue]) -> None:
        """Aggregates under their keys."""
        self.metrics.update({key: Value(**asdict(value)) for key, value in metrics.items()})
