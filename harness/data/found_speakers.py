"""Reads a speaker finder's answer: the speakers that it names, and where the passages that it quotes stand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.data.plain_texts import slug
from harness.data.speaker_corrections import FILE, corrected_rows
from harness.text.coverage import coverage
from harness.types import Article, Prediction, Speaker, SpeakerKind

MOST_OF_A_QUOTATION = 160
"""Characters of a quotation without an owner that are shown."""


def found_speakers(prediction: Prediction, article: Article) -> tuple[Speaker, ...]:
    """The speakers of a finder's answer about an article as people correct them, with ids made of their names; of an answer
    that failed, those whom people added.

    The answer is JSON, such as `[{"name": "Ann Oak", "aliases": ["Oak"], "quotes": ["we will fight"]}]`: of that comes
    `Speaker("ann-oak", "Ann Oak", ("Oak",), main=True)`.
    """
    speakers: dict[str, Speaker] = {}
    for row in _rows(prediction, article):
        identifier = slug(row["name"]) or f"speaker-{len(speakers) + 1}"
        while identifier in speakers:
            identifier += "-2"
        kind: SpeakerKind = row["kind"] if row.get("kind") in ("institution", "group", "vague") else "person"
        speakers[identifier] = Speaker(
            identifier, row["name"], tuple(row.get("aliases", ())), row.get("side"), row.get("role"), kind, main=True
        )
    return tuple(speakers.values())


def _rows(prediction: Prediction, article: Article) -> list[dict[str, Any]]:
    rows = [] if prediction.answer.error is not None else json.loads(prediction.answer.output or "[]")
    return corrected_rows(rows, article)


def quoted_spans(prediction: Prediction, article: Article) -> dict[str, tuple[tuple[int, int], ...]]:
    """By name, where the passages quoted for it stand in the article, as half-open offsets; others are left out."""
    spans: dict[str, tuple[tuple[int, int], ...]] = {}
    for row in _rows(prediction, article):
        places = [(a, b) for a, b in row.get("places", ()) if 0 <= a < b <= len(article.text)]
        if places:
            spans[row["name"]] = tuple(places)
            continue
        starts = [(article.text.find(quote), len(quote)) for quote in row.get("quotes", ()) if quote]
        spans[row["name"]] = tuple((start, start + length) for start, length in starts if start >= 0)
    return spans


def found_line(article: Article) -> str:
    """How many speakers of an article were found, and how sure it is that some are missing: quotations without an owner."""
    n, n_added = len(article.speakers), len(article.added_speakers)
    line = f"{n} speaker{'s' * (n != 1)} found" + (f", {n_added} of them named by people" if n_added else "")
    counted = coverage(article, [name for speaker in article.speakers for name in speaker.names])
    if not counted.n_quotations:
        return line
    if not counted.unowned:
        return f"{line}; every quotation stands near one of them"
    start, end = counted.unowned[0]
    quotation = " ".join(article.text[start:end].split())
    quotation = (
        quotation if len(quotation) <= MOST_OF_A_QUOTATION else quotation[:MOST_OF_A_QUOTATION].rsplit(" ", 1)[0] + " …"
    )
    return (
        f"{line}; {len(counted.unowned)} of {counted.n_quotations} quotations have no owner, so somebody may be missing, "
        f"such as whoever said “{quotation}” ({FILE} beside the texts adds speakers)"
    )


def with_found_speakers(articles: Sequence[Article], finder: Sequence[Prediction]) -> tuple[Article, ...]:
    """The articles with the finder's speakers in place of the declared ones, and without anything that people labelled."""
    predictions = {p.article_id: p for p in finder}
    return tuple(
        replace(
            a,
            speakers=found_speakers(predictions[a.id], a) if a.id in predictions else (),
            annotations=(),
            gold=None,
            complete=True,
        )
        for a in articles
    )
