"""End to end, without declared speakers: those that a finder found are asked about, and matched to gold afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.data.plain_texts import slug
from harness.types import Annotation, Article, Prediction, Speaker, Stance, StanceLabel

if TYPE_CHECKING:
    from harness.metrics.preservation import OutcomeRow
    from harness.metrics.speakers import FoundSpeaker
    from harness.scoring import Material, Scored


def found_speakers(prediction: Prediction) -> tuple[Speaker, ...]:
    """The speakers of a finder's answer (JSON: a list of {name, aliases}); none where it failed. Ids are made of names."""
    if prediction.answer.error is not None:
        return ()
    speakers: dict[str, Speaker] = {}
    for row in json.loads(prediction.answer.output or "[]"):
        identifier = slug(row["name"]) or f"speaker-{len(speakers) + 1}"
        while identifier in speakers:
            identifier += "-2"
        speakers[identifier] = Speaker(identifier, row["name"], tuple(row.get("aliases", ())), main=True)
    return tuple(speakers.values())


def quoted_spans(prediction: Prediction, article: Article) -> dict[str, tuple[tuple[int, int], ...]]:
    """Where the passages that a finder quotes for each name stand in the article; what does not stand there is left out."""
    spans: dict[str, tuple[tuple[int, int], ...]] = {}
    if prediction.answer.error is not None:
        return spans
    for row in json.loads(prediction.answer.output or "[]"):
        starts = [(article.text.find(q), len(q)) for q in row.get("quotes", ()) if q]
        spans[row["name"]] = tuple((start, start + length) for start, length in starts if start >= 0)
    return spans


def with_found_speakers(articles: Sequence[Article], finder: Sequence[Prediction]) -> tuple[Article, ...]:
    """The articles with the finder's speakers in place of the declared ones, and without anything that people labelled."""
    found = {p.article_id: found_speakers(p) for p in finder}
    return tuple(replace(a, speakers=found.get(a.id, ()), annotations=(), gold=None, complete=True) for a in articles)


def score_found(material: Material, scored: Scored) -> None:
    """F1 of speakers and of (speaker, stance) against gold, and where each error arose; articles without gold are left out."""
    from harness.metrics.speakers import FoundSpeakers, aggregate_speakers, score_speakers

    assert material.finder is not None
    silent = [p.article_id for p in material.finder.predictions if p.answer.error is None and not found_speakers(p)]
    if silent:
        listed = ", ".join(silent[:5]) + (" …" if len(silent) > 5 else "")
        total = len(material.finder.predictions)
        scored.notes.append(
            f"no speaker was found in {len(silent)} of {total} articles, so nothing was asked there: {listed}"
        )
    unasked = "no stance classifier was asked" if material.stances is None else material.stances.unfitted
    asked: dict[tuple[str, str], list[Prediction]] = {}
    for p in material.stances.predictions if material.stances else ():
        asked.setdefault((p.article_id, p.speaker_id or ""), []).append(p)
    labelled = {a.id: a for a in material.articles if a.gold is not None}
    answers = []
    for p in material.finder.predictions:
        if p.article_id not in labelled:
            continue
        quotes = quoted_spans(p, labelled[p.article_id])
        found = [_answered(s, asked.get((p.article_id, s.id), ()), quotes.get(s.name, ())) for s in found_speakers(p)]
        answers.append(FoundSpeakers(labelled[p.article_id], tuple(found), p.answer.error, unasked))
    if not answers:
        return
    report = aggregate_speakers(answers, seed=material.options.seed, resamples=material.options.resamples)
    scored.items.extend(score_speakers(answers))
    scored.add(report.metrics)
    scored.tables["speakers"] = report.tables


def _answered(speaker: Speaker, predictions: Sequence[Prediction], quotes: tuple[tuple[int, int], ...]) -> FoundSpeaker:
    """A speaker with what was answered about him or her: stances, unparsed answers and failed ones, by target."""
    from harness.metrics.speakers import FoundSpeaker

    answers = {p.target_id: p.answer for p in predictions if p.target_id}
    given = {target: a.label for target, a in answers.items() if a.error is None and a.label is not None}
    return FoundSpeaker(
        name=speaker.name,
        stances=given,
        # a finder quotes a speaker, not a stance: its quotes stand as evidence for all that it leads to
        evidence=dict.fromkeys(given, quotes),
        unparsed=frozenset(target for target, a in answers.items() if a.error is None and a.label is None),
        failed={target: a.error for target, a in answers.items() if a.error is not None},
    )


def suspicions(material: Material, scored: Scored) -> None:
    """Without gold: what the same judge reads from the article and does not find, or finds turned round, in the summary.

    Suspected flips and drops stand beside the sentences about the speaker; nothing of it is a score.
    """
    from harness.data.text import sentences_about
    from harness.metrics.preservation import HARM, Outcome, outcomes

    assert material.judged is not None
    predictions = iter(material.judged.predictions)
    read: dict[str, dict[str, dict[tuple[str, str], Stance | None]]] = {}
    articles: dict[str, Article] = {}
    summaries: dict[str, str] = {}
    for reading, items in material.readings.items():
        for item, p in zip(items, predictions, strict=False):
            assert item.speaker is not None
            assert item.target is not None
            if p.answer.error is None:
                read.setdefault(reading, {}).setdefault(item.article.id, {})[item.speaker.id, item.target.id] = (
                    p.answer.label
                )
            if reading == "summary":
                summaries[item.article.id] = item.article.text
            else:
                articles[item.article.id] = item.article
    rows: list[dict[str, Any]] = []
    for article_id, summary in summaries.items():
        article = articles[article_id]
        taken = replace(article, gold=_as_gold(read.get("article", {}).get(article_id, {})))
        for row in outcomes(taken, summary, read.get("summary", {}).get(article_id, {})):
            if row.outcome in HARM or row.outcome in (Outcome.DROPPED_SPEAKER, Outcome.DROPPED_STANCE):
                sentences = [s.text for s in sentences_about(article, article.speaker(row.speaker))]
                rows.append(
                    {**_plain(row), "speaker_name": article.speaker(row.speaker).name, "sentences": sentences[:3]}
                )
    scored.tables["suspected"] = rows


def _as_gold(labels: Mapping[tuple[str, str], Stance | None]) -> Annotation:
    return Annotation("judge", tuple(StanceLabel(s, t, label) for (s, t), label in labels.items() if label is not None))


def _plain(row: OutcomeRow) -> dict[str, Any]:
    return {
        "article": row.article,
        "speaker": row.speaker,
        "target": row.target,
        "article_says": row.gold,
        "summary_says": row.judged,
        "outcome": row.outcome,
    }
