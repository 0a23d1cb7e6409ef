"""Draws the triples by which a judge is validated, for a person to label from the summaries alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import yaml

from harness.data.summary_stances import (
    FILE,
    JudgeSample,
    SummaryStance,
    SummaryStances,
    read_summary_stances,
    text_hash,
)
from harness.errors import ConfigError
from harness.metrics.judge_validation import triples_to_label
from harness.metrics.preservation import Outcome, OutcomeRow
from harness.results.records import RunRecord
from harness.runtime.files import write_text
from harness.types import Stance

HEAD = """\
# What summaries convey, labelled by reading the summary alone, by whom `labeller` names: this validates a judge
# (harness data sample-judge). One sample a judge: every harm that it reported for the summarisers, and seeded others that
# stand for `weight` triples each.
"""


def draw(records: list[RunRecord], texts: dict[tuple[str, str], str], others: int, seed: int) -> JudgeSample:
    """The sample of the judge that all records share; `texts` maps (summariser's fingerprint, article) to the summary.

    A summariser is called by its name, with part of the fingerprint where several variants share that. Raises ConfigError
    for runs that judged no summaries, or that have several judges.
    """
    for record in records:
        if record.system("summariser") is None or "preservation" not in record.tables:
            raise ConfigError(
                f"{record.run_id} judged no summaries",
                hint="name runs with a summariser and a judge: harness run summariser=lead3 judge=minilm_probe",
            )
    judges = {j.fingerprint: j.name for r in records if (j := r.system("judge")) is not None}
    if len(judges) != 1:
        raise ConfigError(f"the runs have {len(judges)} judges, one is wanted", hint="name runs of one judge")
    [(fingerprint, name)] = judges.items()
    uses = {use.fingerprint: use.name for r in records if (use := r.system("summariser")) is not None}
    shared = Counter(uses.values())
    called = {f: n if shared[n] == 1 else f"{n} ({f[:6]})" for f, n in uses.items()}
    rows: dict[str, list[OutcomeRow]] = {}
    for record in records:
        summariser = record.system("summariser")
        assert summariser is not None
        rows[called[summariser.fingerprint]] = [_row(data) for data in record.tables["preservation"]["rows"]]
    systems = {n: f[:12] for f, n in called.items()}
    summaries = {(called[f], article): text for (f, article), text in texts.items() if f in called}
    drawn = triples_to_label(rows, others, seed)
    if gone := sorted({t.article for t in drawn if (t.summariser, t.article) not in summaries}):
        raise ConfigError(
            f"summaries of {', '.join(gone[:5])} are no longer stored", hint="run these summarisers again"
        )
    labels = [
        SummaryStance(
            summariser=t.summariser,
            article=t.article,
            speaker=t.speaker,
            target=t.target,
            summary=text_hash(summaries[t.summariser, t.article]),
            drawn="harm" if t.judge_harm else "other",
            weight=round(t.weight, 6),
        )
        for t in drawn
    ]
    return JudgeSample(judge=name, fingerprint=fingerprint, seed=seed, summarisers=systems, labels=labels)


def add_sample(dataset: Path, sample: JudgeSample) -> tuple[Path, int]:
    """Writes the sample into the dataset's file, keeping hand labels of the same summaries; the file, and how many are open."""
    existing = read_summary_stances(dataset)
    labelled = {_what(label): label for s in existing.samples for label in s.labels if label.stance is not None}
    filled = [
        label.model_copy(update={"stance": old.stance, "note": old.note})
        if (old := labelled.get(_what(label)))
        else label
        for label in sample.labels
    ]
    others = [s for s in existing.samples if s.fingerprint != sample.fingerprint]
    write(dataset, SummaryStances(samples=[*others, sample.model_copy(update={"labels": filled})]))
    return dataset / FILE, sum(label.stance is None for label in filled)


def write(dataset: Path, stances: SummaryStances) -> None:
    """The file, one label a line."""
    lines = [HEAD + "samples:"]
    for sample in stances.samples:
        head = sample.model_dump(mode="json", exclude={"labels"})
        dumped = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=10**6)
        lines += ["- " + dumped.rstrip("\n").replace("\n", "\n  "), "  labels:"]
        for label in sample.labels:
            row = label.model_dump(mode="json", exclude_none=True)
            flow = yaml.safe_dump(row, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
            lines.append("  - " + flow.strip())
    write_text(dataset / FILE, "\n".join(lines) + "\n")


def _what(label: SummaryStance) -> tuple[str, str, str, str]:
    return label.article, label.speaker, label.target, label.summary


def _row(data: dict[str, object]) -> OutcomeRow:
    return OutcomeRow(
        article=str(data["article"]),
        speaker=str(data["speaker"]),
        target=str(data["target"]),
        gold=Stance(str(data["gold"])),
        judged=Stance(str(data["judged"])) if data["judged"] else None,
        mentioned=bool(data["mentioned"]),
        outcome=Outcome(str(data["outcome"])) if data["outcome"] else None,
        reason="unjudged" if data["unjudged"] else "no stance in gold and none in the summary",
    )
