"""Without gold: stances that the judge reads from an article and not, or otherwise, from its summary: a list, no score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.metrics.preservation import HARM, Outcome, OutcomeRow, outcomes
from harness.scoring.material import Material, Scored
from harness.text.body import sentences_about
from harness.types import Annotation, Article, Stance, StanceLabel

Labels = dict[tuple[str, str], Stance | None]
"""What a judge read, by (speaker id, target id); None where its answer could not be parsed."""

SENTENCES = 3
"""So many sentences about the speaker stand beside a suspicion."""


def list_suspicions(material: Material, scored: Scored) -> None:
    """Adds the table `suspected`: stances that the judge reads from the article and does not find, or finds turned round, in
    the summary, each with the first sentences about its speaker."""
    articles: dict[str, Article] = {}
    labels: dict[str, dict[str, Labels]] = {reading: defaultdict(dict) for reading in ("article", "summary")}
    for reading, item, answer in material.judge_answers():
        assert item.speaker is not None
        assert item.target is not None
        if reading == "article":
            articles[item.article.id] = item.as_article().article
        if reading in labels and answer.error is None:
            labels[reading][item.article.id][item.speaker.id, item.target.id] = answer.label
    rows: list[dict[str, Any]] = []
    for article_id, summary in material.judged_summaries().items():
        article = articles[article_id]
        labelled = replace(article, gold=_as_gold(labels["article"][article_id]))
        for row in outcomes(labelled, summary, labels["summary"][article_id]):
            if row.outcome in HARM or row.outcome in (Outcome.DROPPED_SPEAKER, Outcome.DROPPED_STANCE):
                speaker = article.speaker(row.speaker)
                sentences = [s.text for s in sentences_about(article, speaker)][:SENTENCES]
                rows.append({**_suspicion(row), "speaker_name": speaker.name, "sentences": sentences})
    scored.tables["suspected"] = rows


def _as_gold(labels: Mapping[tuple[str, str], Stance | None]) -> Annotation:
    """What the judge read from the article in the place of gold, so that outcomes are worked out as they are with gold."""
    return Annotation("judge", tuple(StanceLabel(s, t, label) for (s, t), label in labels.items() if label is not None))


def _suspicion(row: OutcomeRow) -> dict[str, Any]:
    return {
        "article": row.article,
        "speaker": row.speaker,
        "target": row.target,
        "article_says": row.gold,
        "summary_says": row.judged,
        "outcome": row.outcome,
    }
