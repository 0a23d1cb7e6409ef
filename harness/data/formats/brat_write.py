"""Writes a dataset as brat collections: a folder for gold and one for each annotator; `brat` reads them back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from harness.data.formats.brat_lines import pieces_without_line_ends, quoted
from harness.data.formats.layer_folders import layers_of, write_sidecar
from harness.data.formats.ledger import Loss
from harness.data.formats.spans import Span, spans_of
from harness.runtime.files import write_text
from harness.types import PHENOMENA, Act, Annotation, Article, Basis, Dataset, Modality, Stance

_NOTES = ("condition", "note", "reason")


def save(dataset: Dataset, path: Path, mapping: Mapping[str, Any]) -> list[Loss]:
    """The folder `path`: collections, `annotation.conf` and `harness.json`."""
    losses: list[Loss] = []
    for folder, article, annotation in layers_of(dataset):
        lines = _lines(article, annotation, losses) if annotation else ()
        write_text(path / folder / f"{article.id}.txt", article.text)
        write_text(path / folder / f"{article.id}.ann", "".join(lines))
    write_sidecar(dataset, path)
    write_text(path / "annotation.conf", _configuration(dataset))
    return losses


def _lines(article: Article, annotation: Annotation, losses: list[Loss]) -> Iterator[str]:
    n_spans = n_attributes = n_notes = 0
    for span in spans_of(article, annotation, lambda where, what: losses.append(Loss(where, what))):
        pieces = pieces_without_line_ends(article.text, span.start, span.end)
        where = f"{article.id}: {annotation.annotator}: {span.speaker} on {span.target}"
        if not pieces:
            losses.append(Loss(where, "evidence of nothing but line ends is not carried"))
            continue
        if (pieces[0][0], pieces[-1][1]) != (span.start, span.end):
            losses.append(Loss(where, "line ends at the end of a passage are not carried"))
        n_spans += 1
        offsets = ";".join(f"{a} {b}" for a, b in pieces)
        yield f"T{n_spans}\t{span.stance} {offsets}\t{quoted(article.text, pieces)}\n"
        for name, value in _attributes(span):
            n_attributes += 1
            yield f"A{n_attributes}\t{name} T{n_spans}{value}\n"
        for name in _NOTES:
            if name in span.attributes:
                n_notes += 1
                yield f"#{n_notes}\t{name} T{n_spans}\t{json.dumps(span.attributes[name], ensure_ascii=True)}\n"


def _attributes(span: Span) -> Iterator[tuple[str, str]]:
    yield "speaker", f" {span.speaker}"
    yield "target", f" {span.target}"
    for name in ("act", "modality", "basis", "confidence"):
        if name in span.attributes:
            yield name, f" {span.attributes[name]}"
    for phenomenon in span.attributes.get("phenomena", []):
        yield phenomenon, ""


def _configuration(dataset: Dataset) -> str:
    """What brat offers to whoever annotates: stances as types of spans, the rest as their attributes."""
    values = {
        "speaker": sorted({s.id for a in dataset for s in a.speakers}),
        "target": sorted({x.id for a in dataset for x in a.targets}),
        "act": get_args(Act),
        "modality": get_args(Modality),
        "basis": get_args(Basis),
        "confidence": ("1", "2", "3"),
    }
    lines = ["[entities]", *Stance, "", "[relations]", "", "[events]", "", "[attributes]"]
    lines += [f"{name}\tArg:<ENTITY>, Value:{'|'.join(options)}" for name, options in values.items() if options]
    lines += [f"{phenomenon}\tArg:<ENTITY>" for phenomenon in PHENOMENA]
    return "\n".join(lines) + "\n"
