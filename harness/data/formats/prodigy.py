"""Prodigy JSONL: one line an article and annotator, evidence as spans counted in code points.

Mapping: `text`; `spans` [{start, end, label, ...attributes}] with label `stance|speaker|target`; `_annotator_id` the
annotator, `gold` true for the adjudicated labels; `article` everything else (Prodigy keeps fields that it does not
know). A line whose `answer` is not `accept` is left out and reported. Not carried: what a label without evidence says
beside `no_stance`; the order of labels. Spans need not follow token borders: recipes that insist on tokens refuse some.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.data.formats.base import article_from, json_lines, metadata, metadata_or_new, unique
from harness.data.formats.ledger import Imported, Loss
from harness.data.formats.spans import ATTRIBUTES, Span, declare, parse_label, spans_of, stances_from
from harness.errors import DataError, Place
from harness.files import write_text
from harness.types import Annotation, Article, Dataset


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """Lines of one article (same `article.id`, else same text) become its annotations."""
    losses: list[Loss] = []
    rows: dict[str, dict[str, Any]] = {}
    places: dict[str, Place] = {}
    for number, line in json_lines(path):
        place = Place(str(path), number)
        text = line.get("text")
        if not isinstance(text, str):
            raise DataError(place, "has no text")
        row = metadata_or_new(line.get("article"), text, f"{path.stem}-{number}", place)
        key = str(row.get("id")) if "article" in line else text
        row = rows.setdefault(key, row)
        places.setdefault(key, place)
        if row["text"] != text:
            raise DataError(place, f"another text than line {places[key].line} for the same article {row['id']!r}")
        if line.get("answer", "accept") != "accept":
            losses.append(Loss(str(place), f"answer {line['answer']!r}: left out"))
            continue
        if "spans" not in line:
            continue
        spans = list(_spans(line["spans"], text, place))
        who = str(line.get("_annotator_id") or mapping.get("annotator") or "prodigy")
        if "article" not in line:
            declare(row, spans)
        stances = stances_from(row, spans, f"{row['id']}: {who}", lambda w, x: losses.append(Loss(w, x)))
        if line.get("gold"):
            row["gold"] = {"adjudicator": who, "stances": stances}
        else:
            row["annotations"].append({"annotator": who, "stances": stances})
    articles = [article_from(row, places[key]) for key, row in rows.items()]
    return Imported(unique(articles, path), {"complete": all(a.complete for a in articles)}, tuple(losses))


def _spans(rows: Any, text: str, place: Place) -> Iterator[Span]:
    if not isinstance(rows, list):
        raise DataError(place, "`spans` is no list")
    for row in rows:
        try:
            start, end, label = int(row["start"]), int(row["end"]), str(row["label"])
        except (KeyError, TypeError, ValueError):
            raise DataError(place, f"span {row!r} needs start, end and label") from None
        if not 0 <= start < end <= len(text):
            raise DataError(place, f"span {start}-{end} is not in the text of {len(text)} characters")
        stance, speaker, target = parse_label(label, place)
        yield Span(start, end, speaker, target, stance, {k: row[k] for k in ATTRIBUTES if k in row})


def save(dataset: Dataset, path: Path, mapping: Mapping[str, Any]) -> list[Loss]:
    """A line for gold and for each annotation; an article without labels is a line to label."""
    losses: list[Loss] = []
    lines = []
    for article in dataset:
        layers = [(a, False) for a in article.annotations] + ([(article.gold, True)] if article.gold else [])
        for annotation, gold in layers:
            lines.append(_line(article, annotation, gold, losses))
        if not layers:
            lines.append({"text": article.text, "article": metadata(article)})
    write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return losses


def _line(article: Article, annotation: Annotation, gold: bool, losses: list[Loss]) -> dict[str, Any]:
    spans = spans_of(article, annotation, lambda w, x: losses.append(Loss(w, x)))
    return {
        "text": article.text,
        "spans": [{"start": s.start, "end": s.end, "label": s.label, **s.attributes} for s in spans],
        "answer": "accept",
        "_annotator_id": annotation.annotator,
        **({"gold": True} if gold else {}),
        "article": metadata(article),
    }
