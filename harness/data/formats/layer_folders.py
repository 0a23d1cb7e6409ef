"""A folder for gold and one for each annotator, for tools in which a file holds one person's labels; and the way back.

`harness.json` beside the folders holds what such files have no place for: titles, sources, speakers, targets, summaries,
the annotators' names, and the pairs that are `no_stance` without a passage.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from harness.data.formats.base import Ids, metadata, metadata_or_new, parse_json, read_guarded
from harness.data.formats.layers import Layers
from harness.data.formats.ledger import Ledger
from harness.data.formats.spans import Span, silent_pairs
from harness.errors import DataError, Place
from harness.runtime.files import write_text
from harness.types import Annotation, Article, Dataset

SIDECAR = "harness.json"
GOLD = "gold"
UNLABELLED = "unlabelled"


def layers_of(dataset: Dataset) -> Iterator[tuple[str, Article, Annotation | None]]:
    """Folder, article and annotation of every layer; an article without labels is in the folder `unlabelled`."""
    folders = _folders()
    for article in dataset:
        if article.gold:
            yield GOLD, article, article.gold
        for annotation in article.annotations:
            yield folders(f"by {annotation.annotator}"), article, annotation
        if not article.gold and not article.annotations:
            yield UNLABELLED, article, None


def write_sidecar(dataset: Dataset, path: Path) -> None:
    """Writes `harness.json` into the folder `path`."""
    annotators: dict[str, str] = {}
    adjudicators: dict[str, str] = {}
    labelled: dict[str, dict[str, list[str]]] = {a.id: {} for a in dataset}
    for folder, article, annotation in layers_of(dataset):
        if annotation is None:
            continue
        labelled[article.id][folder] = [f"{speaker}|{target}" for speaker, target in silent_pairs(annotation)]
        if folder == GOLD:
            adjudicators[article.id] = annotation.annotator
        else:
            annotators[folder] = annotation.annotator
    content = {
        "articles": [metadata(a) for a in dataset],
        "annotators": annotators,
        "adjudicators": adjudicators,
        "labelled": labelled,
    }
    write_text(path / SIDECAR, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


class _Content(BaseModel):
    articles: list[dict[str, Any]]
    annotators: dict[str, str]
    adjudicators: dict[str, str]
    labelled: dict[str, dict[str, list[str]]]


class Sidecar:
    """What `harness.json` says."""

    def __init__(self, path: Path) -> None:
        self._place = Place(str(path / SIDECAR))
        content = parse_json(read_guarded(path / SIDECAR), self._place)
        try:
            self._content = _Content.model_validate(content)
            self._articles = {str(a["id"]): a for a in self._content.articles}
        except (KeyError, ValueError) as error:
            raise self._changed(error) from None

    def _changed(self, error: Exception) -> DataError:
        reason = str(error).splitlines()[0]
        return DataError(self._place, f"is not as it was written: {reason}", hint="take it away, or export again")

    def layers(self, name: str, text: str, place: Place, ledger: Ledger) -> Layers:
        """The article of that name, to which its labels are added; DataError for one that was not exported."""
        if name not in self._articles:
            raise DataError(place, f"{SIDECAR} knows no article {name!r}", hint=f"take {SIDECAR} away, or this file")
        return Layers(metadata_or_new(self._articles[name], text, name, place), ledger, place)

    def folders(self, name: str) -> list[str]:
        """The folders in which an article was labelled, in the order of its labels."""
        return list(self._content.labelled.get(name, ()))

    def add(self, layers: Layers, folder: str, spans: Sequence[Span]) -> None:
        """Adds the labels of a folder: its spans, and the pairs that were `no_stance` without a passage."""
        name = layers.row["id"]
        try:
            silent = [(s, x) for s, x in (pair.split("|") for pair in self._content.labelled[name][folder])]
            who = self._content.adjudicators[name] if folder == GOLD else self._content.annotators[folder]
        except (KeyError, ValueError) as error:
            raise self._changed(error) from None
        layers.add(who, spans, gold=folder == GOLD, silent=silent)


def sidecar_of(path: Path) -> Sidecar | None:
    """What stands beside the folders; None in other people's collections."""
    return Sidecar(path) if (path / SIDECAR).is_file() else None


def _folders() -> Ids:
    """Names of folders, those that are no annotator's taken."""
    ids = Ids("annotator")
    ids(GOLD), ids(UNLABELLED)
    return ids
