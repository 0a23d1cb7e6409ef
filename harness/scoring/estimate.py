"""What a summariser preserves, estimated from a judge's answers that a random sample of hand labels corrects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from harness.data.frozen_set import text_hash
from harness.data.summary_samples import Stratum, SummarySample
from harness.metrics.preservation import HARM, Outcome, OutcomeRow, outcome_of
from harness.metrics.preservation_table import COVERAGE, FIDELITY, HARM_RATE
from harness.scoring.material import Material
from harness.stats.difference_estimator import JudgedTriple, Reading, preservation_estimate
from harness.types import Stance

MOST_CHANGED = 0.02
"""Share of a sample's triples whose summary or whose judged reading may be another by now: near ties turn elsewhere."""


def reading_of(row: OutcomeRow) -> Reading:
    """What a summary conveys of one (speaker, target) by an outcome."""
    return _reading(row.outcome)


def stratum_of(row: OutcomeRow) -> Stratum | None:
    """The stratum in which a triple is drawn; None where the summary does not name the speaker: nothing is to be labelled."""
    if not row.mentioned:
        return None
    if row.unjudged:
        return "unjudged"
    names: dict[Reading, Stratum] = {
        Reading.NOT_CONVEYED: "not_conveyed",
        Reading.KEPT: "kept",
        Reading.ALTERED: "altered",
        Reading.HARMED: "harmed",
    }
    return names[reading_of(row)]


def estimate(material: Material, rows: Sequence[OutcomeRow]) -> dict[str, object] | None:
    """Coverage, fidelity and harm of the run's summaries with a sample of hand labels; None where none was drawn for them.

    `n_labels` are those of the sample, `n` of `of` the labelled and all triples. `refused` says why there is no estimate: labels
    are missing, or the summaries or what the judge reads from them have changed since the triples were drawn.
    """
    judge = (material.judge or "").rpartition("@")[2]
    sample = material.summary_samples.of(material.summariser or "", judge)
    if sample is None:
        return None
    by_pair = {(r.article, r.speaker, r.target): r for r in rows}
    hand = dict(_labels(material, sample))
    table: dict[str, object] = {"n_labels": len(hand), "n": len(hand), "of": len(rows)}
    if reason := _refusal(material, sample, by_pair, hand):
        return table | {"refused": reason}
    triples = []
    for pair, row in by_pair.items():
        if row.unjudged and not row.mentioned:
            # there is no summary
            continue
        label = hand.get(pair)
        triples.append(
            JudgedTriple(
                article=row.article,
                judge=reading_of(row),
                hand=_reading(outcome_of(row.gold, label, is_mentioned=True)) if label is not None else None,
                stratum=stratum_of(row),
                main=row.main and row.gold.degree is not None,
            )
        )
    try:
        values = preservation_estimate(triples, seed=material.options.seed)
    except ValueError as error:
        return table | {"refused": f"{error}; harness data sample-judge draws a sample anew"}
    metrics = {COVERAGE: values.coverage, FIDELITY: values.fidelity, HARM_RATE: values.harm}
    return table | {"metrics": {m: asdict(v.metric(values.n_triples, 0)) for m, v in metrics.items()}}


def _labels(material: Material, sample: SummarySample) -> Iterator[tuple[tuple[str, str, str], Stance]]:
    articles, texts = {a.id: a for a in material.articles}, material.judged_summaries()
    for triple in sample.triples:
        if triple.article in articles and triple.article in texts:
            entry = material.frozen_set.summary(articles[triple.article], texts[triple.article])
            stance = entry.stances().get((triple.speaker, triple.target)) if entry is not None else None
            if stance is not None:
                yield (triple.article, triple.speaker, triple.target), stance


def _refusal(
    material: Material,
    sample: SummarySample,
    by_pair: dict[tuple[str, str, str], OutcomeRow],
    hand: dict[tuple[str, str, str], Stance],
) -> str | None:
    texts = material.judged_summaries()
    here = [t for t in sample.triples if t.article in texts]
    if not here:
        return "no triple of the sample is about these articles"
    again = "harness data sample-judge draws a sample anew"
    changed = [t for t in here if text_hash(texts[t.article]) != t.summary]
    if len(changed) > MOST_CHANGED * len(here):
        return f"the summaries of {len(changed)} of the {len(here)} drawn triples have changed; {again}"
    kept = [t for t in here if t not in changed]
    missing = [t for t in kept if (t.article, t.speaker, t.target) not in hand]
    if missing:
        return f"{len(missing)} of the {len(here)} drawn triples are not labelled yet: harness label --summaries"
    rows = [(t, by_pair.get((t.article, t.speaker, t.target))) for t in kept]
    turned = [t for t, row in rows if row is None or stratum_of(row) != t.stratum]
    if len(turned) > MOST_CHANGED * len(here):
        return f"the judge reads {len(turned)} of the {len(here)} drawn triples otherwise than then; {again}"
    return None


def _reading(outcome: Outcome | None) -> Reading:
    if outcome in (None, Outcome.DROPPED_SPEAKER, Outcome.DROPPED_STANCE):
        return Reading.NOT_CONVEYED
    if outcome == Outcome.KEPT:
        return Reading.KEPT
    return Reading.HARMED if outcome in HARM else Reading.ALTERED
