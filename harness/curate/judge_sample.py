"""Draws the triples of a summariser whose hand labels turn a judge's answers into an unbiased estimate."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.data.frozen_set import (
    FrozenArticle,
    FrozenSummary,
    SummaryLabel,
    read_frozen_set,
    text_hash,
    write_frozen_article,
)
from harness.data.summary_samples import (
    DrawnTriple,
    SummarySample,
    read_summary_samples,
    write_summary_samples,
)
from harness.errors import ConfigError
from harness.metrics.preservation import Outcome, OutcomeRow
from harness.results.records import RunRecord
from harness.scoring.estimate import stratum_of
from harness.stats.difference_estimator import allocation
from harness.types import Article, Stance

SIZE = 80
"""How many triples are drawn where nobody says otherwise: an evening's work of one person."""


def draw(record: RunRecord, texts: Mapping[str, str], n: int = SIZE, seed: int = 0) -> SummarySample:
    """`n` triples of the run's summaries, random within what its judge read; `texts` are the summaries by article.

    Which are drawn depends on the triple and the seed alone. Raises ConfigError for a run that judged no summaries.
    """
    summariser, judge = record.system("summariser"), record.system("judge")
    if summariser is None or judge is None or "preservation" not in record.tables:
        raise ConfigError(
            f"{record.run_id} judged no summaries",
            hint="name a run with a summariser and a judge: harness run summariser=lead3 judge=minilm_probe",
        )
    strata: dict[str, list[OutcomeRow]] = {}
    for data in record.tables["preservation"]["rows"]:
        row = _row(data)
        if (stratum := stratum_of(row)) is not None:
            strata.setdefault(stratum, []).append(row)
    if gone := sorted({r.article for rows in strata.values() for r in rows} - texts.keys()):
        raise ConfigError(f"summaries of {', '.join(gone[:5])} are no longer stored", hint="run the summariser again")
    sizes = allocation({name: len(rows) for name, rows in strata.items()}, n)
    triples = []
    for name, rows in sorted(strata.items()):
        drawn = sorted(rows, key=lambda r: _rank(r, seed))[: sizes[name]]
        for row in sorted(drawn, key=lambda r: (r.article, r.speaker, r.target)):
            summary = text_hash(texts[row.article])
            fields = {"article": row.article, "speaker": row.speaker, "target": row.target, "summary": summary}
            triples.append(DrawnTriple.model_validate({**fields, "stratum": name}))
    return SummarySample(
        summariser=summariser.name, judge=judge.name, fingerprint=judge.fingerprint, seed=seed, triples=triples
    )


def add_sample(
    dataset: Path, sample: SummarySample, articles: Sequence[Article], texts: Mapping[str, str]
) -> tuple[list[Path], int]:
    """Writes the sample, and its summaries with what is to label into the frozen set; the files, and how many are open.

    Labels of the same texts, whoever's summaries they were, stay and count.
    """
    by_id, frozen = {a.id: a for a in articles}, read_frozen_set(dataset)
    wanted: dict[str, list[DrawnTriple]] = {}
    for triple in sample.triples:
        wanted.setdefault(triple.article, []).append(triple)
    written, n_open = [], 0
    for article_id, triples in wanted.items():
        article, text = by_id[article_id], texts[article_id]
        entry = frozen.articles.get(article_id)
        if entry is None or entry.article_hash != text_hash(article.text):
            entry = FrozenArticle(article=article_id, article_hash=text_hash(article.text), summaries=[])
        summary = next((s for s in entry.summaries if s.hash == text_hash(text)), None)
        if summary is None:
            summary = FrozenSummary(hash=text_hash(text), text=text)
            entry.summaries.append(summary)
        if sample.summariser not in (*summary.summarisers, *summary.sampled_from):
            summary.sampled_from.append(sample.summariser)
        present = {(label.speaker, label.target) for label in summary.labels}
        new = [t for t in triples if (t.speaker, t.target) not in present]
        summary.labels += [SummaryLabel(speaker=t.speaker, target=t.target) for t in new]
        labelled = summary.stances()
        n_open += sum((t.speaker, t.target) not in labelled for t in triples)
        written.append(write_frozen_article(dataset, entry))
    write_summary_samples(dataset, read_summary_samples(dataset).with_sample(sample))
    return written, n_open


def _rank(row: OutcomeRow, seed: int) -> bytes:
    return hashlib.sha256("\x1f".join([str(seed), row.article, row.speaker, row.target]).encode()).digest()


def _row(data: Mapping[str, object]) -> OutcomeRow:
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
