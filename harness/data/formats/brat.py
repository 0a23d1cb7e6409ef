"""brat standoff: a folder of texts (`.txt`) with annotation files (`.ann`), several annotators by folder or by file suffix.

Mapping, ours: a folder for gold and one for each annotator, each with all their texts; a piece of evidence is a span
whose type is the stance, with attributes `speaker`, `target`, `act` ..., one attribute for each phenomenon, and notes of
type `condition`, `note`, `reason` (JSON strings). `harness.json` beside the folders holds what brat has no place for;
`annotation.conf` makes the folders open in brat. Passages over several lines are discontinuous spans, as brat has them.
Not carried: what a label without evidence says beside `no_stance`; line ends at either end of a passage; the order of labels.

Mapping, of others: an event is a stance if its type, an attribute or a role's words say one. `roles: {speaker: Source,
evidence: Content, target: Target, stance: Stance}` names roles or attributes (these without a mapping); `stances`,
`speakers`, `targets` say what labels and words mean (`formats.labels`). An event that says no stance still declares its
speaker: PolNeAR's `Attribution:T4 Content:T3 Cue:T2 Source:T1` gives speakers and no labels. The pieces of a
discontinuous span are passages of their own. `DOC_ANNOTATOR.ann` belongs to DOC.txt, beside it or in another folder; a
text with one annotator has gold, one with several has annotations. Not carried: roles and attributes that are not
named, spans outside events, pronouns as speakers, relations, equivalences, normalisations.

`read_documents` gives the annotations themselves, for whoever scores attributions rather than stances.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.data.formats.base import MAX_INPUT, Ids, metadata_or_new, read_guarded, unique
from harness.data.formats.brat_lines import Annotations, Event, Pieces, passages, read_annotations
from harness.data.formats.brat_write import save
from harness.data.formats.labels import Labels, names_of
from harness.data.formats.layer_folders import SIDECAR, Sidecar, sidecar_of
from harness.data.formats.layers import Layers
from harness.data.formats.ledger import Imported, Ledger
from harness.data.formats.spans import ATTRIBUTES, Span
from harness.errors import DataError, Place
from harness.types import PHENOMENA, Article, Stance

__all__ = ["Document", "load", "read_documents", "save"]

ROLES = {"speaker": "Source", "evidence": "Content", "target": "Target", "stance": "Stance"}
NOTES = ("condition", "note", "reason")
_PRONOUN = re.compile(
    r"(?:i|we|you|he|she|it|they|me|us|him|her|them|who|whom|which|that|this|these|those|one|some|many|others?|both|all)",
    re.IGNORECASE,
)


@dataclass
class Document:
    """One text and its annotations by annotator, with the file of each."""

    name: str
    text: str
    file: str
    layers: dict[str, tuple[str, Annotations]] = field(default_factory=dict)


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """Every text an article."""
    ledger = Ledger()
    sidecar = sidecar_of(path)
    reader = _Ours(sidecar, ledger) if sidecar else _Theirs(mapping, ledger)
    documents = list(read_documents(path, by_folder=sidecar is not None))
    articles = [reader.article(document) for document in documents]
    if path.is_dir():
        _say_unread(path, documents, ledger)
    return ledger.imported(unique(articles, path), {"complete": all(a.complete for a in articles)})


def read_documents(path: Path, *, by_folder: bool = False) -> Iterator[Document]:
    """The texts below a folder (or one `.ann` file's) with their annotations, in the order of their names.

    Where no suffix names the annotator, the folder does, if `by_folder` or if several folders hold that text.
    DataError where an annotation file has no text, or quotes words that its text does not have.
    """
    files = sorted(path.rglob("*")) if path.is_dir() else sorted(path.parent.glob(path.stem + ".*"))
    texts = [f for f in files if f.suffix == ".txt" and f.is_file()]
    marked = [f for f in files if f.suffix == ".ann" and f.is_file()] if path.is_dir() else [path]
    if not marked:
        raise DataError(Place(str(path)), "holds no .ann file", hint="give the folder of a brat collection")
    documents: dict[tuple[str, str], Document] = {}
    names = {(f.parent, f.stem): f for f in texts}
    by_stem: dict[str, list[Path]] = {}
    for file in texts:
        by_stem.setdefault(file.stem, []).append(file)
    for file in marked:
        of, who = _text_of(file, names, by_stem)
        text = _words(of)
        # equal texts in folders of different annotators are one document
        document = documents.setdefault((of.stem, text), Document(of.stem, text, str(of)))
        if who is None and (by_folder or len(by_stem[of.stem]) > 1):
            who = file.parent.relative_to(path).as_posix() if path.is_dir() else file.parent.name
        layer = who or ""
        if layer in document.layers:
            raise DataError(Place(str(file)), f"a second annotation of {of.name} by {layer or 'the same person'}")
        document.layers[layer] = (str(file), read_annotations(_words(file), text, str(file)))
    yield from (documents[key] for key in sorted(documents))


def _text_of(
    file: Path, names: Mapping[tuple[Path, str], Path], by_stem: Mapping[str, list[Path]]
) -> tuple[Path, str | None]:
    """The text of an annotation file, and the annotator whom the file's suffix names."""
    stem, ends = file.stem, [None, *(i for i in range(len(file.stem) - 1, 0, -1) if file.stem[i] in "_.-+@")]
    for end in ends:
        name = stem[:end]
        nearby = names.get((file.parent, name))
        anywhere = by_stem.get(name, [])
        if nearby or len(anywhere) == 1:
            return nearby or anywhere[0], None if end is None else stem[end + 1 :]
    raise DataError(Place(str(file)), "its text is not there", hint=f"put {stem}.txt beside it")


def _words(file: Path) -> str:
    try:
        return read_guarded(file, MAX_INPUT).decode()
    except UnicodeDecodeError as error:
        raise DataError(Place(str(file)), f"not UTF-8 at byte {error.start}", hint="save the file as UTF-8") from None


def _say_unread(path: Path, documents: Sequence[Document], ledger: Ledger) -> None:
    """Lists texts without an annotation file, and files of kinds that are not read."""
    known = {(document.name, document.text) for document in documents}
    for file in sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith(".")):
        if file.suffix == ".txt" and (file.stem, _words(file)) not in known:
            ledger.lose(str(file), "a text without an annotation file is left out")
        elif file.suffix not in (".txt", ".ann", ".conf") and file.name != SIDECAR:
            ledger.lose(str(file), f"a file of kind {file.suffix or 'without a name'} is not read")


def _say_doubled(read: Annotations, file: str, ledger: Ledger) -> None:
    """Lists attributes that a span or an event has several times: the last one counts, as in brat."""
    for (of, kind), n in Counter((a.of, a.type) for a in read.attributes).items():
        if n > 1:
            ledger.lose(f"{file}: {of}", f"attribute `{kind}` stands several times: the last one is read", n - 1)


class _Ours:
    """Reads what `brat_write` wrote."""

    def __init__(self, sidecar: Sidecar, ledger: Ledger) -> None:
        self._sidecar, self._ledger = sidecar, ledger

    def article(self, document: Document) -> Article:
        """The article with gold and annotations in their order."""
        place = Place(document.file)
        layers = self._sidecar.layers(document.name, document.text, place, self._ledger)
        for folder in self._sidecar.folders(document.name):
            if folder not in document.layers:
                raise DataError(place, f"the annotations in the folder {folder} are not there")
            file, read = document.layers.pop(folder)
            self._sidecar.add(layers, folder, list(self._spans(read, document.text, file)))
        for folder, (file, read) in document.layers.items():
            if read.spans:
                self._ledger.lose(file, f"spans in the folder {folder}, whom {SIDECAR} does not name", len(read.spans))
        return layers.article()

    def _spans(self, read: Annotations, text: str, file: str) -> Iterator[Span]:
        for kind, line in read.others:
            self._ledger.lose(f"{file}:{line}", f"`{kind}` is not read")
        for event in read.events.values():
            self._ledger.lose(f"{file}:{event.line}", f"event `{event.type}` is not read")
        _say_doubled(read, file, self._ledger)
        for a in read.attributes:
            if a.of not in read.spans:
                self._ledger.lose(file, f"attribute `{a.type}` of {a.of} is not read")
        notes = {(n.of, n.type): n for n in read.notes}
        for span in read.spans.values():
            place = Place(file, span.line, span.id)
            values = read.attributes_of(span.id)
            speaker, target = values.pop("speaker", None), values.pop("target", None)
            if speaker is None or target is None:
                raise DataError(place, "has no speaker and target", hint="give it both attributes in brat")
            if span.type not in list(Stance):
                raise DataError(place, f"{span.type!r} is no stance", hint=f"one of {', '.join(Stance)}")
            stance = Stance(span.type)
            extra: dict[str, Any] = {"phenomena": [k for k, v in values.items() if v is None and k in PHENOMENA]}
            known = {k: v for k, v in values.items() if v is not None and k in ATTRIBUTES and k not in NOTES}
            extra |= {k: int(v) if k == "confidence" else v for k, v in known.items()}
            for kind in values:
                if kind not in known and kind not in extra["phenomena"]:
                    self._ledger.lose(place, f"attribute `{kind}` is not read")
            for kind in NOTES:
                if note := notes.pop((span.id, kind), None):
                    extra[kind] = json.loads(note.words)
            for start, end in passages(text, span.pieces):
                yield Span(start, end, speaker, target, stance, {k: v for k, v in extra.items() if v not in (None, [])})
        for note in notes.values():
            self._ledger.lose(f"{file}:{note.line}", f"note `{note.type}` is not read")


class _Theirs:
    """Reads the events of other people's collections."""

    def __init__(self, mapping: Mapping[str, Any], ledger: Ledger) -> None:
        self._ledger = ledger
        self._roles = {**ROLES, **names_of(mapping, "roles", tuple(ROLES))}
        self._labels = Labels(mapping, ledger)
        self._named = {str(name).casefold().strip() for name in mapping.get("speakers") or {}}
        self._default_speaker = "default_speaker" in mapping
        self._ids = Ids("article")
        self._annotator = str(mapping.get("annotator", "brat"))

    def article(self, document: Document) -> Article:
        """The article: gold of one annotator, annotations of several."""
        place = Place(document.file)
        row = metadata_or_new(None, document.text, document.name, place)
        row["id"] = row["event"] = self._ids(document.name)
        speakers: dict[str, None] = {}
        read = {
            self._labels.annotator(who) or self._annotator: self._spans(file, annotations, document.text, speakers)
            for who, (file, annotations) in document.layers.items()
        }
        row["speakers"] = [self._labels.speaker_row(identifier) for identifier in speakers]
        self._labels.declare(row, [span for spans in read.values() for span in spans])
        layers = Layers(row, self._ledger, place)
        for who, spans in read.items():
            if spans:
                layers.add(who, spans, gold=len(read) == 1)
        return layers.article()

    def _spans(self, file: str, read: Annotations, text: str, speakers: dict[str, None]) -> list[Span]:
        silent: Counter[str] = Counter()
        _say_doubled(read, file, self._ledger)
        used = {ref for event in read.events.values() for _, ref in (("", event.trigger), *event.roles)}
        spans: list[Span] = []
        for event in read.events.values():
            place = Place(file, event.line, event.id)
            for role in dict.fromkeys(role.rstrip("0123456789") for role, _ in event.roles):
                if role not in self._roles.values():
                    silent[f"role `{role}` of `{event.type}` is not carried"] += 1
            for kind in read.attributes_of(event.id):
                if kind not in self._roles.values():
                    silent[f"attribute `{kind}` of `{event.type}` is not carried"] += 1
            name = self._speaker(event, read)
            if name is None and not self._default_speaker:
                silent[f"event `{event.type}` names no speaker: left out"] += 1
                continue
            speaker = self._labels.speaker(name)
            speakers[speaker] = None
            labels = [*self._words("stance", event, read), event.type]
            label = next((words for words in labels if self._labels.knows(words)), None)
            targets = self._words("target", event, read)
            target = targets[0] if targets else self._labels.default_target
            pieces = [p for ref in event.arguments(self._roles["evidence"]) for p in self._pieces(ref, read)]
            if label is None or target is None or not pieces:
                lacking = "stance" if label is None else "target" if target is None else "evidence"
                silent[f"event `{event.type}` says no {lacking}: only its speaker is carried"] += 1
                continue
            stance = self._labels.stance(label, place)
            if stance is not None:
                target_id = self._labels.target(target, place)
                spans += [Span(a, b, speaker, target_id, stance) for a, b in passages(text, tuple(pieces))]
        for span in read.spans.values():
            if span.id not in used:
                silent[f"span `{span.type}` belongs to no event: not carried"] += 1
        silent.update(f"`{kind}` is not read" for kind, _ in read.others)
        silent.update(f"note `{note.type}` is not carried" for note in read.notes)
        loose = [a for a in read.attributes if a.of not in read.events]
        silent.update(f"attribute `{a.type}` of a span is not carried" for a in loose)
        silent.update("words stand elsewhere than their offsets say: the nearest place is taken" for _ in read.moved)
        for what, n in silent.items():
            self._ledger.lose(file, what, n)
        return spans

    def _speaker(self, event: Event, read: Annotations) -> str | None:
        """The first words in the speaker's role that the mapping knows, or that name somebody."""
        for words in self._words("speaker", event, read):
            if words.casefold() in self._named or (re.search(r"\w", words) and not _PRONOUN.fullmatch(words)):
                return words
        return None

    def _words(self, role: str, event: Event, read: Annotations) -> list[str]:
        """The words of the arguments in a role, and the value of an attribute of that name."""
        name = self._roles[role]
        words = [read.spans[ref].words for ref in event.arguments(name) if ref in read.spans]
        words.append(read.attributes_of(event.id).get(name) or "")
        return [plain for w in words if (plain := " ".join(w.split()))]

    def _pieces(self, ref: str, read: Annotations) -> Pieces:
        return read.spans[ref].pieces if ref in read.spans else ()
