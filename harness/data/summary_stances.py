"""Samples drawn for one judge, with hand labels: a dataset's `summary_stances.yaml`, of before there was a frozen set.

The labels stand in the frozen set (`harness.data.frozen_set`), too, where every judge can use them. The file stays: what it says
is part of the ids of runs with its judge.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from harness.data.load import MAX_BYTES
from harness.data.schema import Id, Strict, Text
from harness.data.yaml_lines import read_yaml
from harness.errors import DataError, ValidationFailed
from harness.types import Stance

FILE = "summary_stances.yaml"


class SummaryStance(Strict):
    """The stance that one summary conveys, read by a person from the summary alone; `stance` null: not labelled yet.

    `drawn` says why the triple is here: the judge reported a harm, or it was drawn from the others; `weight` is how many
    triples it stands for. `summary` is the first 12 hex digits of the SHA-256 of the summary's text.
    """

    summariser: Text
    article: Id
    speaker: Id
    target: Id
    summary: str
    drawn: Literal["harm", "other"]
    weight: Annotated[float, Field(gt=0)]
    stance: Stance | None = None
    note: str | None = None


class JudgeSample(Strict):
    """One judge's sample: its harms and seeded others, of the summarisers named with their fingerprints."""

    judge: Text
    fingerprint: str
    seed: int = 0
    summarisers: dict[str, str]
    labeller: str = ""
    labels: list[SummaryStance]


class SummaryStances(Strict):
    """The file."""

    samples: list[JudgeSample] = Field(default_factory=list)

    def of(self, fingerprint: str) -> JudgeSample | None:
        """The sample of a judge; None if it was never drawn."""
        return next((s for s in self.samples if s.fingerprint == fingerprint), None)


def read_summary_stances(dataset: Path) -> SummaryStances:
    """The hand labels beside a dataset folder; empty where there are none. Raises ValidationFailed."""
    path = dataset / FILE
    if not dataset.is_dir() or not path.exists():
        return SummaryStances()
    document = read_yaml(path, MAX_BYTES)
    try:
        return SummaryStances.model_validate(document.data)
    except ValidationError as error:
        raise ValidationFailed([DataError(document.place(tuple(e["loc"])), e["msg"]) for e in error.errors()]) from None
