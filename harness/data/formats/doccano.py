"""doccano (JSONL): one line an article, evidence as [start, end, label] or as `entities` of a project with relations.

Mapping: `text`; `label` [[start, end, "stance|speaker|target"], ...] and the same as `entities` with start_offset, end_offset and
label, `relations` and `Comments` empty, so that either kind of project takes the file; `article` everything else, and in
it `labelled_by` {annotator, gold, offsets, check, sent, no_stance}: the unit of the offsets with one passage and its words, how
many passages of each label were sent, and the pairs without a stance. On import `entities` wins over `label`, which is what
once went in. Spans that were sent and are gone (a project without "allow overlapping spans" drops those that
overlap, in silence) are listed, and their pairs are unlabelled. Offsets count UTF-16 units, as doccano does unless a
project counts grapheme clusters: say `offsets: graphemes` (as grapheme-splitter 1.0.4 counts) or `code_points` then; a
passage that cuts words in one unit and in another does not is refused. The labels are those of the annotator whose went in;
`annotator: NAME` in the mapping says that somebody else made them: then they are an annotation, not gold.

Labels of others: a label without a span (text classification) is about the whole text, which is its evidence; `fields:
{speaker: ..., target: ..., id: ..., title: ...}` names the keys of a line that hold the speaker and target; `silence:
no_stance` says that a pair without a span has no stance. Listed as losses: relations, comments, whatever else a line holds.
Not carried: all attributes of a label (act, modality, condition, basis, phenomena, confidence, note, reason); more than one
annotation (doccano exports one file a user: gold goes, else the first, or the one of `annotator` in the mapping); the order
of labels.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from harness.data.formats.base import json_lines, metadata, metadata_or_new, unique
from harness.data.formats.labels import Labels, names_of, reads_silence
from harness.data.formats.layers import Layers
from harness.data.formats.ledger import Imported, Items, Ledger, Loss, Record
from harness.data.formats.offsets import Offsets, Unit, cuts_words, find_span
from harness.data.formats.spans import Span, silent_pairs, spans_of
from harness.errors import DataError, Place
from harness.runtime.files import write_text
from harness.types import Annotation, Article, Dataset

UNITS: tuple[Unit, ...] = get_args(Unit)
BOOKKEEPING = frozenset({"annotation_approver", "entities.id", "relations.id", "username"})
_FIELDS = ("speaker", "target", "id", "title")
_LABELS = ("entities", "label", "labels", "cats")


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """Every line an article with the labels of gold or of one annotator."""
    ledger = Ledger(BOOKKEEPING)
    labels, fields, silence = Labels(mapping, ledger), names_of(mapping, "fields", _FIELDS), reads_silence(mapping)
    articles = []
    for line in ledger.settled((row, Place(str(path), number)) for number, row in json_lines(path)):
        text = line.get("text") if "text" in line else line.get("data")
        if not isinstance(text, str):
            raise DataError(line.place, "has no text")
        about = line.carry("article")
        by = _labelled_by(about, ledger, line.place)
        said = {name: str(line[key]) for name, key in fields.items() if key in line}
        number = line.get("id", line.place.line)
        row = metadata_or_new(about, text, said.get("id") or f"{path.stem}-{number}", line.place)
        row["title"] = row["title"] if about else said.get("title", row["title"])
        layers = Layers(row, ledger, line.place)
        line.lose("Comments", "a comment is not carried")
        line.lose("relations", "a relation between spans is not carried")
        entries = _entries(line, ledger)
        if by is not None and (entries is not None or by or about is None):
            unit = _unit(mapping, by, text)
            spans = list(_spans(entries or [], text, unit, line.place, labels, said))
            _check_words(spans, text, unit, "offsets" in mapping, line.place)
            if about is None:
                labels.declare(row, spans)
            _count_gone(by, spans, row, ledger, line.place)
            sender = by.get("annotator")
            who = labels.annotator(str(mapping.get("annotator") or sender or "doccano"))
            gold = bool(by.get("gold")) and mapping.get("annotator") in (None, sender)
            silent = [(s, x) for s, x in (p.split("|") for p in by.get("no_stance", []))]
            layers.add(who, spans, gold=gold, silent=silent, silence=silence)
        articles.append(layers.article())
    return ledger.imported(unique(articles, path), {"complete": all(a.complete for a in articles)})


def _labelled_by(about: Any, ledger: Ledger, place: Place) -> dict[str, Any] | None:
    """What export wrote about the labels; None for an article that went out without any. Takes it out of `about`."""
    if not isinstance(about, dict):
        return {}
    by = about.pop("labelled_by", None)
    if by is None:
        return None
    if not isinstance(by, dict):
        raise DataError(place, f"`article.labelled_by` is {by!r}, no object")
    record = ledger.record(by, Place(place.file, place.line, "article.labelled_by"))
    by = {key: record.carry(key) for key in _LABELLED_BY if key in record}
    for label, n in (by.get("sent") or {}).items():
        if label.count("|") != 2 or not isinstance(n, int):
            raise DataError(
                place, f"`article.labelled_by.sent` says {n!r} of {label!r}: STANCE|SPEAKER|TARGET: number is wanted"
            )
    return by


def _unit(mapping: Mapping[str, Any], by: Mapping[str, Any] | None = None, text: str = "") -> Unit:
    """The unit of the offsets: the mapping's, else the one that export noted, else UTF-16."""
    unit = mapping.get("offsets") or (by or {}).get("offsets") or "utf16"
    if unit not in UNITS:
        raise DataError(Place("mapping", field="offsets"), f"{unit!r}: one of {', '.join(UNITS)}")
    if by and by.get("check"):
        start, end, words = by["check"]
        passage = find_span(text, start, end, None, unit)
        if passage is None or text[passage[0] : passage[1]] != words:
            message = f"the check passage {start}-{end} is not {words!r} when counted in {unit}"
            raise DataError(Place("mapping", field="offsets"), message, hint=f"the file was written in {by['offsets']}")
    return unit


def _entries(line: Record, ledger: Ledger) -> list[Any] | None:
    """The labels of a line: `entities` (with `cats`, where a project has both) before `label`, before `labels`; what went in
    beside it is listed where it differs. None where the line has no such key."""
    present = [key for key in _LABELS if line.get(key) is not None]
    if not present:
        return None
    entries = [_triple_of(entry, line.place) for entry in _items(line[present[0]])]
    for key in present[1:]:
        others = [_triple_of(entry, line.place) for entry in _items(line[key])]
        if key == "cats":
            entries += others
        elif Counter(map(repr, others)) != Counter(map(repr, entries)):
            ledger.lose(
                f"{line.place}: {key}", f"`{key}` differs from `{present[0]}`, which has the annotators' work: left out"
            )
    return entries


def _items(entries: Any) -> Sequence[Any]:
    return entries if isinstance(entries, Items) else [entries]


def _triple_of(entry: Any, place: Place) -> tuple[int, int, str] | str:
    """An entry as (start, end, label), or as the label of the whole text."""
    if isinstance(entry, str):
        return entry
    try:
        if isinstance(entry, Record):
            return int(entry["start_offset"]), int(entry["end_offset"]), str(entry["label"])
        start, end, label = entry
        return int(start), int(end), str(label)
    except (KeyError, TypeError, ValueError):
        raise DataError(place, f"label {entry!r} is not [start, end, label]") from None


def _spans(
    entries: Sequence[Any], text: str, unit: Unit, place: Place, labels: Labels, about: Mapping[str, str]
) -> Iterator[Span]:
    for entry in entries:
        start, end, label = (0, Offsets(text, unit).out(len(text)), entry) if isinstance(entry, str) else entry
        passage = find_span(text, start, end, None, unit)
        if passage is None:
            raise DataError(
                place,
                f"{start}-{end} cuts a character or lies outside the text, counted in {unit}",
                hint=f"say offsets: {', '.join(UNITS[:-1])} or {UNITS[-1]} in --mapping",
            )
        triple = labels.triple(label, place, about.get("speaker"), about.get("target"))
        if triple is not None:
            yield Span(passage[0], passage[1], triple[1], triple[2], triple[0])


def _check_words(spans: Sequence[Span], text: str, unit: Unit, chosen: bool, place: Place) -> None:
    """Refuses passages that cut words, unless the mapping chose the unit, where another unit cuts none."""
    if chosen or not any(cuts_words(text, s.start, s.end) for s in spans):
        return
    here = Offsets(text, unit)
    for other in UNITS:
        there = Offsets(text, other)
        moved = [(there.back(here.out(s.start)), there.back(here.out(s.end))) for s in spans]
        if all(a is not None and b is not None and a < b and not cuts_words(text, a, b) for a, b in moved):
            message = f"passages begin or end inside words when counted in {unit}, none when counted in {other}"
            raise DataError(place, message, hint=f"say offsets: {other} in --mapping, or offsets: {unit} if they do")


def _count_gone(
    by: Mapping[str, Any], spans: Sequence[Span], row: Mapping[str, Any], ledger: Ledger, place: Place
) -> None:
    """Lists the spans that export sent and that are not in the file any more."""
    present = Counter((s.speaker, s.target) for s in spans)
    sent: Counter[tuple[str, ...]] = Counter()
    for label, n in (by.get("sent") or {}).items():
        sent[tuple(label.split("|")[1:])] += n
    for (speaker, target), n in sorted(sent.items()):
        if n > present[speaker, target]:
            ledger.lose(
                f"{place}: {row['id']}: {speaker} on {target}",
                'spans that were exported are gone (were they deleted, or is "allow overlapping spans" off?)',
                n - present[speaker, target],
            )


_LABELLED_BY = ("annotator", "gold", "offsets", "check", "sent", "no_stance")


def save(dataset: Dataset, path: Path, mapping: Mapping[str, Any]) -> list[Loss]:
    """One line an article."""
    losses: list[Loss] = []
    lines = [
        {"id": n, **_line(article, str(mapping.get("annotator", "")), _unit(mapping), losses)}
        for n, article in enumerate(dataset, start=1)
    ]
    write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return losses


def _line(article: Article, wanted: str, unit: Unit, losses: list[Loss]) -> dict[str, Any]:
    layers: list[Annotation] = [*([article.gold] if article.gold else []), *article.annotations]
    chosen = next((a for a in article.annotations if a.annotator == wanted), layers[0] if layers else None)
    losses += [Loss(f"{article.id}: {a.annotator}", "whole annotation not carried") for a in layers if a is not chosen]
    about = metadata(article)
    labels: list[list[Any]] = []
    if chosen is not None:
        offsets = Offsets(article.text, unit)
        spans = spans_of(article, chosen, lambda w, x: losses.append(Loss(w, x)), attributes=False)
        labels = [[offsets.out(s.start), offsets.out(s.end), s.label] for s in spans]
        last = max(spans, key=lambda s: s.start, default=None)
        check = [offsets.out(last.start), offsets.out(last.end), article.text[last.start : last.end]] if last else None
        about["labelled_by"] = {
            "annotator": chosen.annotator,
            "gold": chosen is article.gold,
            "offsets": unit,
            "check": check,
            "sent": Counter(s.label for s in spans),
            "no_stance": [f"{speaker}|{target}" for speaker, target in silent_pairs(chosen)],
        }
    entities = [
        {"id": n, "label": label, "start_offset": start, "end_offset": end}
        for n, (start, end, label) in enumerate(labels, start=1)
    ]
    return {
        "text": article.text,
        "label": labels,
        "entities": entities,
        "relations": [],
        "Comments": [],
        "article": about,
    }
