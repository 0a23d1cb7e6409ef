"""Which triples of a summariser were drawn for a person to label, and from which strata: a dataset's `summary_samples.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError

from harness.data.load import MAX_BYTES, explain_all
from harness.data.schema import Id, Strict, Text
from harness.data.yaml_lines import read_yaml
from harness.errors import ValidationFailed
from harness.runtime.files import write_text

FILE = "summary_samples.yaml"
HEAD = """\
# Random samples of what summaries say, drawn within what a judge read (harness data sample-judge). The labels stand in
# summaries/; with all of a sample's labels, reports estimate what the summariser preserves.
"""
Stratum = Literal["not_conveyed", "kept", "altered", "harmed", "unjudged"]


class DrawnTriple(Strict):
    """One (summary, speaker, target); `summary` is the hash of the text, `stratum` what the judge made of it."""

    article: Id
    speaker: Id
    target: Id
    summary: str
    stratum: Stratum


class SummarySample(Strict):
    """The sample of one summariser's summaries as one judge, known by its fingerprint, read them."""

    summariser: Text
    judge: Text
    fingerprint: str
    seed: int = 0
    triples: list[DrawnTriple]


class SummarySamples(Strict):
    """The file."""

    samples: list[SummarySample] = Field(default_factory=list)

    def of(self, summariser: str, judge: str) -> SummarySample | None:
        """The sample of a summariser (its name) under a judge (the beginning of its fingerprint); None without one."""
        matching = (s for s in self.samples if s.summariser == summariser and s.fingerprint.startswith(judge))
        return next(matching, None)

    def with_sample(self, sample: SummarySample) -> SummarySamples:
        """The same with this one in the place of an earlier one of the same summariser and judge."""
        others = [s for s in self.samples if (s.summariser, s.fingerprint) != (sample.summariser, sample.fingerprint)]
        return SummarySamples(samples=[*others, sample])


def read_summary_samples(dataset: Path) -> SummarySamples:
    """The samples beside a dataset folder; empty where there are none. Raises ValidationFailed with file, line and field."""
    path = dataset / FILE
    if not dataset.is_dir() or not path.exists():
        return SummarySamples()
    document = read_yaml(path, MAX_BYTES)
    try:
        return SummarySamples.model_validate(document.data)
    except ValidationError as error:
        raise ValidationFailed(list(explain_all(error, document.place, SummarySamples))) from None


def write_summary_samples(dataset: Path, samples: SummarySamples) -> None:
    """The file, one triple a line."""
    lines = [HEAD + "samples:"]
    for sample in samples.samples:
        head = yaml.safe_dump(sample.model_dump(mode="json", exclude={"triples"}), sort_keys=False, allow_unicode=True)
        lines += ["- " + head.rstrip("\n").replace("\n", "\n  "), "  triples:"]
        for triple in sample.triples:
            flow = yaml.safe_dump(triple.model_dump(mode="json"), default_flow_style=True, sort_keys=False, width=10**6)
            lines.append("  - " + flow.strip())
    write_text(dataset / FILE, "\n".join(lines) + "\n")
