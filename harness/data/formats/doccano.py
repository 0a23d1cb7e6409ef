"""doccano sequence labels (JSONL): one line an article, evidence as [start, end, label].

Mapping: `text`; `label` [[start, end, "stance|speaker|target"], ...], or `entities` with start_offset, end_offset and
label as doccano's export with relations has them; `article` everything else, and in it `labelled_by`
{annotator, gold}. Offsets count UTF-16 units, as doccano does unless a project counts grapheme clusters: say
`offsets: graphemes` or `code_points` in the mapping then. Not carried: all attributes of a label (act, modality,
condition, basis, phenomena, confidence, note, reason); more than one annotation (doccano exports one file a user: gold goes,
else the first, or the one of `annotator` in the mapping); the order of labels.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.data.formats.base import article_from, json_lines, metadata, metadata_or_new, unique
from harness.data.formats.ledger import Imported, Loss
from harness.data.formats.offsets import Offsets, find_span
from harness.data.formats.spans import Span, declare, parse_label, spans_of, stances_from
from harness.errors import DataError, Place
from harness.files import write_text
from harness.types import Annotation, Article, Dataset

UNITS = ("utf16", "graphemes", "code_points")


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """Every line an article with the labels of gold or of one annotator."""
    losses: list[Loss] = []
    articles = []
    for number, line in json_lines(path):
        place = Place(str(path), number)
        text = line.get("text", line.get("data"))
        if not isinstance(text, str):
            raise DataError(place, "has no text")
        about = line.get("article")
        by = about.pop("labelled_by", {}) if isinstance(about, dict) else {"annotator": None}
        row = metadata_or_new(about, text, f"{path.stem}-{line.get('id', number)}", place)
        if isinstance(by, dict) and by:
            who = str(by.get("annotator") or mapping.get("annotator") or "doccano")
            spans = list(_spans(line, text, _unit(mapping), place))
            if "article" not in line:
                declare(row, spans)
            stances = stances_from(row, spans, str(row["id"]), lambda w, x: losses.append(Loss(w, x)))
            if by.get("gold"):
                row["gold"] = {"adjudicator": who, "stances": stances}
            else:
                row["annotations"] = [{"annotator": who, "stances": stances}]
        articles.append(article_from(row, place))
    return Imported(unique(articles, path), {"complete": all(a.complete for a in articles)}, tuple(losses))


def _unit(mapping: Mapping[str, Any]) -> Any:
    unit = mapping.get("offsets", "utf16")
    if unit not in UNITS:
        raise DataError(Place("mapping", field="offsets"), f"{unit!r}: one of {', '.join(UNITS)}")
    return unit


def _spans(line: Mapping[str, Any], text: str, unit: Any, place: Place) -> Iterator[Span]:
    entities = [(e.get("start_offset"), e.get("end_offset"), e.get("label")) for e in line.get("entities", [])]
    for entry in line.get("label", entities) or []:
        try:
            start, end, label = entry
            found = find_span(text, int(start), int(end), None, unit)
        except (TypeError, ValueError):
            raise DataError(place, f"label {entry!r} is not [start, end, label]") from None
        if found is None:
            raise DataError(
                place,
                f"{start}-{end} cuts a character or lies outside the text, counted in {unit}",
                hint="say offsets: utf16, graphemes or code_points in --mapping",
            )
        stance, speaker, target = parse_label(str(label), place)
        yield Span(found[0], found[1], speaker, target, stance)


def save(dataset: Dataset, path: Path, mapping: Mapping[str, Any]) -> list[Loss]:
    """One line an article."""
    losses: list[Loss] = []
    lines = [
        {"id": n, **_line(article, str(mapping.get("annotator", "")), _unit(mapping), losses)}
        for n, article in enumerate(dataset, start=1)
    ]
    write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return losses


def _line(article: Article, wanted: str, unit: Any, losses: list[Loss]) -> dict[str, Any]:
    layers: list[Annotation] = [*([article.gold] if article.gold else []), *article.annotations]
    chosen = next((a for a in article.annotations if a.annotator == wanted), layers[0] if layers else None)
    losses += [Loss(f"{article.id}: {a.annotator}", "whole annotation not carried") for a in layers if a is not chosen]
    about = metadata(article)
    labels = []
    if chosen is not None:
        about["labelled_by"] = {"annotator": chosen.annotator, "gold": chosen is article.gold}
        offsets = Offsets(article.text, unit)
        spans = spans_of(article, chosen, lambda w, x: losses.append(Loss(w, x)), attributes=False)
        labels = [[offsets.out(s.start), offsets.out(s.end), s.label] for s in spans]
    return {"text": article.text, "label": labels, "article": about}
