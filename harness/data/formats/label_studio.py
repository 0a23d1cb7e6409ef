"""Label Studio: tasks (JSON) with annotations and predictions, and the labelling config (XML) beside them.

Mapping: `data.text`; `data.article` everything but the labels; `data.speakers` and `data.targets` the choices of that
article. An annotation's region is one piece of evidence: `stance` its label, `speaker`, `target`, `act`, `modality`, `basis`,
`phenomena` choices, `condition`, `note`, `reason` texts, `confidence` a rating, all of the region. Gold is the annotation with
`ground_truth`; an annotator called `machine:NAME` is a prediction with `model_version` NAME. Offsets are code points, as Label
Studio has stored them since 2022; files of older versions count UTF-16 units: of the two that one is taken which gives the
words that the region quotes. Not carried: what a label without evidence says beside `no_stance`; the order of labels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args
from xml.sax.saxutils import quoteattr

from harness import types as t
from harness.data.formats.base import article_from, guard, metadata, metadata_or_new, parse_json, unique
from harness.data.formats.ledger import Imported, Loss
from harness.data.formats.offsets import find_span
from harness.data.formats.spans import Span, declare, spans_of, stances_from
from harness.errors import DataError, Place
from harness.files import write_text
from harness.types import Annotation, Article, Dataset, Stance

MACHINE = "machine:"
"""Begins the name of an annotator that is a model."""

_CHOICES = ("speaker", "target", "act", "modality", "basis", "phenomena")
_TEXTS = ("condition", "note", "reason")


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """An exported list of tasks."""
    tasks = parse_json(guard(path).read_bytes(), Place(str(path)))
    if not isinstance(tasks, list):
        raise DataError(Place(str(path)), "not a list of tasks", hint="export as JSON, not as JSON-MIN or CONLL")
    losses: list[Loss] = []
    articles = [_article(task, n, path, losses) for n, task in enumerate(tasks, start=1)]
    return Imported(unique(articles, path), {"complete": all(a.complete for a in articles)}, tuple(losses))


def _article(task: Any, number: int, path: Path, losses: list[Loss]) -> Article:
    place = Place(str(path), field=f"task {number}")
    data = task.get("data") if isinstance(task, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("text"), str):
        raise DataError(place, "has no data.text")
    row = metadata_or_new(data.get("article"), data["text"], f"{path.stem}-{task.get('id', number)}", place)
    for entry in [*task.get("annotations", []), *task.get("predictions", [])]:
        if not isinstance(entry, dict):
            raise DataError(place, f"annotation {entry!r} is no object")
        if entry.get("was_cancelled"):
            losses.append(Loss(f"{row['id']}: {_who(entry)}", "cancelled annotation left out"))
            continue
        spans = _spans(entry.get("result", []), row["text"], place, losses)
        if "article" not in data:
            declare(row, spans)
        where = f"{row['id']}: {_who(entry)}"
        stances = stances_from(row, spans, where, lambda w, x: losses.append(Loss(w, x)))
        if entry.get("ground_truth"):
            row["gold"] = {"adjudicator": _who(entry), "stances": stances}
        else:
            row["annotations"].append({"annotator": _who(entry), "stances": stances})
    return article_from(row, place)


def _who(entry: Mapping[str, Any]) -> str:
    if "model_version" in entry and "completed_by" not in entry:
        return f"{MACHINE}{entry['model_version']}"
    by = entry.get("completed_by", "label-studio")
    return str(by.get("email") or by.get("id")) if isinstance(by, dict) else f"annotator-{by}"


def _spans(result: Any, text: str, place: Place, losses: list[Loss]) -> list[Span]:
    """Regions put together from the results that share an id."""
    regions: dict[str, dict[str, Any]] = {}
    for part in result:
        if not isinstance(part, dict) or not isinstance(part.get("value"), dict):
            raise DataError(place, f"result {part!r} has no value")
        region = regions.setdefault(str(part.get("id")), {})
        value, name = part["value"], str(part.get("from_name"))
        if name == "stance":
            region.update(start=value.get("start"), end=value.get("end"), quoted=value.get("text"))
            region["stance"] = next(iter(value.get("labels", [])), None)
        elif name in _CHOICES:
            chosen = value.get("choices", [])
            region[name] = chosen if name == "phenomena" else next(iter(chosen), None)
        elif name in _TEXTS:
            region[name] = "\n".join(value.get("text", []))
        elif name == "confidence":
            region[name] = value.get("rating")
        else:
            losses.append(Loss(f"{place}", f"result of the unknown control {name!r} left out"))
    return [_span(region, text, place, losses) for region in regions.values() if region]


def _span(region: dict[str, Any], text: str, place: Place, losses: list[Loss]) -> Span:
    try:
        start, end = int(region.pop("start")), int(region.pop("end"))
        stance, speaker, target = Stance(region.pop("stance")), region.pop("speaker"), region.pop("target")
    except (KeyError, TypeError, ValueError):
        raise DataError(
            place, f"a region lacks its stance, speaker or target: {region!r}", hint="finish the task in Label Studio"
        ) from None
    quoted = region.pop("quoted")
    found = find_span(text, start, end, quoted, "code_points")
    if found is None:
        raise DataError(place, f"{start}-{end} is not in the text, nor is {quoted!r}")
    if not found[2]:
        losses.append(Loss(str(place), f"{quoted!r} did not stand at {start}-{end}; taken where it is nearest"))
    return Span(found[0], found[1], speaker, target, stance, region)


def save(dataset: Dataset, path: Path, mapping: Mapping[str, Any]) -> list[Loss]:
    """Tasks into `path`, the labelling config into the same name with `.xml`."""
    losses: list[Loss] = []
    tasks = [_task(article, n, losses) for n, article in enumerate(dataset, start=1)]
    write_text(path, json.dumps(tasks, ensure_ascii=False, indent=1) + "\n")
    write_text(path.with_suffix(".xml"), labelling_config())
    return losses


def _task(article: Article, number: int, losses: list[Loss]) -> dict[str, Any]:
    task: dict[str, Any] = {
        "id": number,
        "data": {
            "text": article.text,
            "title": article.title,
            "speakers": [{"value": s.id, "hint": s.name} for s in article.speakers],
            "targets": [{"value": x.id, "hint": x.proposition} for x in article.targets],
            "article": metadata(article),
        },
        "annotations": [],
        "predictions": [],
    }
    layers = [(a, False) for a in article.annotations] + ([(article.gold, True)] if article.gold else [])
    for n, (annotation, gold) in enumerate(layers):
        result = _result(article, annotation, f"{number}-{n}", losses)
        who = annotation.annotator
        if who.startswith(MACHINE) and not gold:
            task["predictions"].append({"model_version": who.removeprefix(MACHINE), "result": result})
        else:
            entry = {"completed_by": {"email": who}, "ground_truth": gold, "result": result}
            task["annotations"].append(entry)
    return task


def _result(article: Article, annotation: Annotation, prefix: str, losses: list[Loss]) -> list[dict[str, Any]]:
    found = []
    for n, span in enumerate(spans_of(article, annotation, lambda w, x: losses.append(Loss(w, x)))):
        at = {"start": span.start, "end": span.end}
        region = {"id": f"{prefix}-{n}", "to_name": "text"}
        quoted = {**at, "text": article.text[span.start : span.end]}
        found.append(
            {**region, "from_name": "stance", "type": "labels", "value": {**quoted, "labels": [str(span.stance)]}}
        )
        fields = {"speaker": span.speaker, "target": span.target, **span.attributes}
        for name, value in fields.items():
            if name in _CHOICES:
                choices = value if isinstance(value, list) else [value]
                part = {"type": "choices", "value": {**quoted, "choices": choices}}
            elif name in _TEXTS:
                part = {"type": "textarea", "value": {**at, "text": [value]}}
            else:
                part = {"type": "rating", "value": {**quoted, "rating": value}}
            found.append({**region, "from_name": name, **part})
    return found


def labelling_config() -> str:
    """The XML for Settings → Labeling Interface."""
    colours = ("#b2182b", "#ef8a62", "#999999", "#67a9cf", "#2166ac", "#dddddd")
    labels = "\n".join(
        f"    <Label value={quoteattr(str(s))} background={quoteattr(c)}/>"
        for s, c in zip(t.STANCES, colours, strict=True)
    )

    def choices(name: str, values: tuple[str, ...], kind: str = "single-radio") -> str:
        options = "".join(f"<Choice value={quoteattr(v)}/>" for v in values)
        return f'  <Choices name="{name}" toName="text" perRegion="true" choice="{kind}">{options}</Choices>'

    def texts(name: str) -> str:
        return f'  <TextArea name="{name}" toName="text" perRegion="true" rows="1" maxSubmissions="1" placeholder="{name}"/>'

    one_of = '  <Choices name="{0}" toName="text" perRegion="true" required="true" value="${0}s" layout="select"/>'
    return "\n".join(
        [
            "<View>",
            '  <Header value="$title"/>',
            '  <Labels name="stance" toName="text">',
            labels,
            "  </Labels>",
            '  <Text name="text" value="$text" granularity="symbol"/>',
            one_of.format("speaker"),
            one_of.format("target"),
            choices("act", get_args(t.Act)),
            choices("modality", get_args(t.Modality)),
            choices("basis", get_args(t.Basis)),
            choices("phenomena", t.PHENOMENA, "multiple"),
            *map(texts, _TEXTS),
            '  <Rating name="confidence" toName="text" perRegion="true" maxRating="3"/>',
            "</View>",
            "",
        ]
    )
