"""Prodigy JSONL: one line an article and annotator, evidence as spans counted in code points.

Mapping: `text`; `spans` [{start, end, label, ...attributes}] with label `stance|speaker|target`; `no_stance` the pairs
`speaker|target` without a stance and a passage; `_annotator_id` (else `_session_id`) the annotator, `gold` true for the
adjudicated labels; `article` everything else (Prodigy keeps fields that it does not know). A line whose `answer` is not
`accept` is left out and listed.

Labels of others: `label` (textcat) and `accept` (choice) are about the whole text, which is their evidence; spans are about
their passage. `fields: {speaker: ..., target: ..., id: ..., title: ...}` names the keys of a line, or of its `meta`, that
hold the speaker and target; `silence: no_stance` says that a pair without a label has no stance. Listed as losses:
`relations`, `comments`, whatever else a line holds. Not carried: what a label without evidence says beside `no_stance`; the
order of labels. Spans need not follow token borders: recipes that insist on tokens refuse some.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.data.formats.base import json_lines, metadata, metadata_or_new, unique
from harness.data.formats.labels import Labels, names_of, reads_silence
from harness.data.formats.layers import Layers
from harness.data.formats.ledger import Imported, Items, Ledger, Loss, Record
from harness.data.formats.spans import ATTRIBUTES, Pair, Span, silent_pairs, spans_of
from harness.errors import DataError, Place
from harness.runtime.files import write_text
from harness.types import Annotation, Article, Dataset

_TOKEN = ("text", "start", "end", "id", "ws", "disabled")
BOOKKEEPING = frozenset(
    {
        *("_input_hash", "_task_hash", "_view_id", "_is_binary", "_timestamp", "_session_id", "_annotator_id"),
        *("_block_index", "_html", "priority", "score", "tokens", *(f"tokens.{key}" for key in _TOKEN)),
        *("spans.token_start", "spans.token_end", "spans.text", "spans.source", "spans.input_hash", "spans.score"),
        *("config", "config.choice_style", "config.choice_auto_accept", "config.exclude_by", "options", "options.id"),
        *("options.text", "options.color"),
    }
)
_FIELDS = ("speaker", "target", "id", "title")


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """Lines of one article (same `article.id`, else same text) become its annotations."""
    ledger = Ledger(BOOKKEEPING)
    reader = _Reader(ledger, mapping, path)
    for line in ledger.settled((row, Place(str(path), number)) for number, row in json_lines(path)):
        reader.line(line)
    articles = [layers.article() for layers in reader.layers.values()]
    return ledger.imported(unique(articles, path), {"complete": all(a.complete for a in articles)})


class _Reader:
    """Articles by what tells them apart, as the lines come."""

    def __init__(self, ledger: Ledger, mapping: Mapping[str, Any], path: Path) -> None:
        self.layers: dict[str, Layers] = {}
        self._ledger, self._path = ledger, path
        self._labels = Labels(mapping, ledger)
        self._fields = names_of(mapping, "fields", _FIELDS)
        self._silence = reads_silence(mapping)
        self._default = str(mapping.get("annotator") or "prodigy")

    def line(self, line: Record) -> None:
        """One line: a new article, or a further annotation of one."""
        text, place = line.get("text"), line.place
        if not isinstance(text, str):
            raise DataError(place, "has no text", hint="a picture or a sound has none; export text tasks")
        rode_along = "article" in line
        about = line.carry("article") if rode_along else None
        name = self._field(line, "id") or f"{self._path.stem}-{place.line}"
        row = metadata_or_new(about, text, name, place)
        if not rode_along and (title := self._field(line, "title")):
            row["title"] = title
        key = str(row["id"]) if rode_along else text
        layers = self.layers.setdefault(key, Layers(row, self._ledger, place))
        if layers.row["text"] != text:
            raise DataError(place, f"another text than {layers.place} for the same article {row['id']!r}")
        answer = line.get("answer", "accept")
        if answer != "accept":
            line.drop(f"answer {answer!r}: left out")
            return
        spans = [*self._spans(line, text), *self._of_the_text(line, text)]
        silent = list(_silent(line, self._ledger))
        if not spans and not silent and "spans" not in line:
            return
        if not rode_along:
            self._labels.declare(layers.row, spans)
        who = line.get("_annotator_id") or (line.get("_session_id") if "_session_id" in line else None)
        name = self._labels.annotator(str(who or self._default))
        layers.add(name, spans, gold=bool(line.get("gold")), silent=silent, silence=self._silence, place=place)

    def _field(self, line: Record, part: str) -> str | None:
        """What a line, or its meta, says under the key that the mapping names."""
        key = self._fields.get(part)
        if key is None:
            return None
        meta = line.get("meta") if "meta" in line else None
        value = line[key] if key in line else meta.get(key) if isinstance(meta, Record) else None
        return None if value is None else str(value)

    def _spans(self, line: Record, text: str) -> Iterator[Span]:
        rows = line.get("spans") or ()
        if not isinstance(rows, Items | tuple):
            raise DataError(line.place, "`spans` is no list")
        for row in rows:
            try:
                start, end, label = int(row["start"]), int(row["end"]), str(row["label"])
            except (KeyError, TypeError, ValueError):
                raise DataError(line.place, f"span {row!r} needs start, end and label") from None
            if not 0 <= start < end <= len(text):
                raise DataError(line.place, f"span {start}-{end} is not in the text of {len(text)} characters")
            attributes = {key: row.carry(key) for key in ATTRIBUTES if key in row}
            yield from self._span(label, (start, end), line, attributes)

    def _of_the_text(self, line: Record, text: str) -> Iterator[Span]:
        """Labels without a passage: the label of a textcat task, the options that were chosen."""
        for key in ("label", "accept"):
            chosen = line.get(key) if key in line else None
            for label in chosen if isinstance(chosen, Items) else [chosen] if chosen not in (None, "") else []:
                if "|" in str(label) or self._field(line, "target") or self._labels.default_target:
                    yield from self._span(str(label), (0, len(text)), line, {})
                else:
                    hint = "default_target: in --mapping says what it is about"
                    self._ledger.lose(line.place, f"label {label!r} of the whole text has no target: {hint}")

    def _span(
        self, label: str, passage: tuple[int, int], line: Record, attributes: Mapping[str, Any]
    ) -> Iterator[Span]:
        about = self._field(line, "speaker"), self._field(line, "target")
        if (triple := self._labels.triple(label, line.place, *about)) is not None:
            yield Span(*passage, triple[1], triple[2], triple[0], attributes)


def _silent(line: Record, ledger: Ledger) -> Iterator[Pair]:
    for choice in line.get("no_stance") or ():
        speaker, bar, target = str(choice).partition("|")
        if bar:
            yield speaker, target
        else:
            ledger.lose(line.place, f"{choice!r} of no_stance is not SPEAKER|TARGET")


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
    silent = [f"{speaker}|{target}" for speaker, target in silent_pairs(annotation)]
    return {
        "text": article.text,
        "spans": [{"start": s.start, "end": s.end, "label": s.label, **s.attributes} for s in spans],
        **({"no_stance": silent} if silent else {}),
        "answer": "accept",
        "_annotator_id": annotation.annotator,
        **({"gold": True} if gold else {}),
        "article": metadata(article),
    }
