"""Label Studio (JSON to import, and the labelling config beside it): export of articles as tasks.

Mapping: as `label_studio` reads it. A task names its annotator in the text `annotator`, as `completed_by` may name members
of the project only, and in the choices `no_stance` the pairs that have no stance and no passage.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args
from xml.sax.saxutils import quoteattr

from harness import types as t
from harness.data.formats.base import metadata
from harness.data.formats.ledger import Loss
from harness.data.formats.spans import silent_pairs, spans_of
from harness.runtime.files import write_text
from harness.types import Annotation, Article, Dataset

MACHINE = "machine:"
"""Begins the name of an annotator that is a model."""

_CHOICES = ("speaker", "target", "act", "modality", "basis", "phenomena")
_TEXTS = ("condition", "note", "reason")


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
            "no_stance_pairs": [{"value": f"{s.id}|{x.id}"} for s in article.speakers for x in article.targets],
            "article": metadata(article),
        },
        "annotations": [],
        "predictions": [],
    }
    layers = [(a, False) for a in article.annotations] + ([(article.gold, True)] if article.gold else [])
    for n, (annotation, gold) in enumerate(layers):
        result = _result(article, annotation, f"{number}-{n}", losses)
        who = annotation.annotator
        model = who.removeprefix(MACHINE) if who.startswith(MACHINE) and not gold else None
        if not model:
            named = {"id": f"{number}-{n}-by", "from_name": "annotator", "to_name": "text", "type": "textarea"}
            result.append({**named, "value": {"text": [who]}})
        if model is None:
            task["annotations"].append({"ground_truth": gold, "result": result})
        else:
            task["predictions"].append({"model_version": model, "result": result})
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
    if silent := silent_pairs(annotation):
        said = {"id": f"{prefix}-none", "from_name": "no_stance", "to_name": "text", "type": "choices"}
        found.append({**said, "value": {"choices": [f"{speaker}|{target}" for speaker, target in silent]}})
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

    whole = '  <Choices name="no_stance" toName="text" choice="multiple" value="$no_stance_pairs"/>'
    by = '  <TextArea name="annotator" toName="text" rows="1" maxSubmissions="1" placeholder="whose labels, if not yours"/>'
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
            '  <Header value="No stance (speaker|target), for the whole text"/>',
            whole,
            by,
            "</View>",
            "",
        ]
    )
