"""A folder for gold and one for each annotator, for tools in which a file holds one person's labels; and the way back.

`harness.json` beside the folders holds what such files have no place for: titles, sources, speakers, targets, summaries,
and the annotators' names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.data.formats.base import Ids, guard, metadata, metadata_or_new, parse_json
from harness.data.formats.ledger import Ledger
from harness.data.formats.spans import Span, stances_from
from harness.errors import DataError, Place
from harness.files import write_text
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
    labelled: dict[str, list[str]] = {a.id: [] for a in dataset}
    for folder, article, annotation in layers_of(dataset):
        if annotation is None:
            continue
        labelled[article.id].append(folder)
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


class Sidecar:
    """What `harness.json` says."""

    def __init__(self, path: Path) -> None:
        self._place = Place(str(path / SIDECAR))
        content = parse_json(guard(path / SIDECAR).read_bytes(), self._place)
        try:
            self._articles = {a["id"]: a for a in content["articles"]}
            self._annotators: Mapping[str, str] = content["annotators"]
            self._adjudicators: Mapping[str, str] = content["adjudicators"]
            self._labelled: Mapping[str, Sequence[str]] = content["labelled"]
        except (KeyError, TypeError) as error:
            raise DataError(
                self._place, f"is not as it was written: {error}", hint="take it away, or export again"
            ) from None

    def row(self, name: str, text: str, place: Place) -> dict[str, Any]:
        """The article of that name without labels; DataError for one that was not exported."""
        if name not in self._articles:
            raise DataError(place, f"{SIDECAR} knows no article {name!r}", hint=f"take {SIDECAR} away, or this file")
        return metadata_or_new(self._articles[name], text, name, place)

    def folders(self, name: str) -> Sequence[str]:
        """The folders in which an article was labelled, in the order of its labels."""
        return self._labelled.get(name, ())

    def put(self, row: dict[str, Any], folder: str, spans: Sequence[Span], ledger: Ledger) -> None:
        """Puts the labels of a folder into the row."""
        stances = stances_from(row, spans, f"{row['id']}: {folder}", ledger.lose)
        if folder == GOLD:
            row["gold"] = {"adjudicator": self._adjudicators[row["id"]], "stances": stances}
        else:
            row["annotations"].append({"annotator": self._annotators[folder], "stances": stances})


def sidecar_of(path: Path) -> Sidecar | None:
    """What stands beside the folders; None in other people's collections."""
    return Sidecar(path) if (path / SIDECAR).is_file() else None


def _folders() -> Ids:
    """Names of folders, those that are no annotator's taken."""
    ids = Ids("annotator")
    ids(GOLD), ids(UNLABELLED)
    return ids
