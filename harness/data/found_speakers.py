"""Reads a speaker finder's answer: the speakers that it names, and where the passages that it quotes stand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from harness.data.plain_texts import slug
from harness.types import Article, Prediction, Speaker, SpeakerKind


def found_speakers(prediction: Prediction) -> tuple[Speaker, ...]:
    """The speakers of a finder's answer, with ids made of their names; none where it failed.

    The answer is JSON, such as `[{"name": "Ann Oak", "aliases": ["Oak"], "quotes": ["we will fight"]}]`: of that comes
    `Speaker("ann-oak", "Ann Oak", ("Oak",), main=True)`.
    """
    if prediction.answer.error is not None:
        return ()
    speakers: dict[str, Speaker] = {}
    for row in json.loads(prediction.answer.output or "[]"):
        identifier = slug(row["name"]) or f"speaker-{len(speakers) + 1}"
        while identifier in speakers:
            identifier += "-2"
        kind: SpeakerKind = row["kind"] if row.get("kind") in ("institution", "group") else "person"
        speakers[identifier] = Speaker(identifier, row["name"], tuple(row.get("aliases", ())), kind=kind, main=True)
    return tuple(speakers.values())


def quoted_spans(prediction: Prediction, article: Article) -> dict[str, tuple[tuple[int, int], ...]]:
    """By name, where the passages quoted for it stand in the article, as half-open offsets; others are left out."""
    spans: dict[str, tuple[tuple[int, int], ...]] = {}
    if prediction.answer.error is not None:
        return spans
    for row in json.loads(prediction.answer.output or "[]"):
        places = [(a, b) for a, b in row.get("places", ()) if 0 <= a < b <= len(article.text)]
        if places:
            spans[row["name"]] = tuple(places)
            continue
        starts = [(article.text.find(quote), len(quote)) for quote in row.get("quotes", ()) if quote]
        spans[row["name"]] = tuple((start, start + length) for start, length in starts if start >= 0)
    return spans


def with_found_speakers(articles: Sequence[Article], finder: Sequence[Prediction]) -> tuple[Article, ...]:
    """The articles with the finder's speakers in place of the declared ones, and without anything that people labelled."""
    speakers = {p.article_id: found_speakers(p) for p in finder}
    return tuple(
        replace(a, speakers=speakers.get(a.id, ()), annotations=(), gold=None, complete=True) for a in articles
    )
