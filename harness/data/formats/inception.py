"""INCEpTION and WebAnno: UIMA CAS XMI (through dkpro-cassis, the extra `formats`) and WebAnno TSV 3; both UTF-16.

`path` is an exported project (zip or folder: `annotation/DOCUMENT/ANNOTATOR.zip`, `curation/DOCUMENT/...`), one exported
document (a zip with its XMI and TypeSystem.xml, an `.xmi` beside its TypeSystem.xml, a `.tsv`), or a folder of such files.

Mapping: a span of the layer `layer` (`webanno.custom.Stance`) is a stance; its features `stance`, `speaker`, `target` say
which, under the names that `features: {stance: Haltung}` gives them; `act`, `modality`, `condition`, `basis`,
`phenomena` (parted by spaces), `confidence`, `note`, `reason` are its attributes. `stances`, `speakers`, `targets` say what
values mean (`formats.labels`). Curation is gold, annotators are annotations; a document with one annotator and no curation
has gold.
Not carried: other layers, further features, relations, chains, links (each counted); in TSV what stands between sentences.

On export: a folder for gold and one for each annotator, in it a zip for each document (XMI, TypeSystem.xml; tokens and
sentences, as INCEpTION asks for them), and `harness.json` with what has no place there. A text with characters that XML
lacks is refused. Not carried: what a label without evidence says beside `no_stance`; the order of labels
and of the passages of one label: all come back in the order of the text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from harness.data.formats.archive import MAX_UNPACKED, members, members_of
from harness.data.formats.base import MAX_INPUT, Ids, metadata_or_new, read_guarded, unique
from harness.data.formats.inception_write import LAYER, save
from harness.data.formats.labels import Labels, names_of
from harness.data.formats.layer_folders import Sidecar, sidecar_of
from harness.data.formats.layers import Layers
from harness.data.formats.ledger import Imported, Ledger
from harness.data.formats.offsets import Offsets
from harness.data.formats.spans import ATTRIBUTES, Span
from harness.data.formats.uima_xmi import BOOKKEEPING, read_cas
from harness.data.formats.webanno_tsv import Marked, read_table
from harness.errors import DataError, Place
from harness.types import Article

__all__ = ["load", "save"]

ROLES = ("stance", "speaker", "target")
_IDLE = ("INITIAL_CAS",)
"""A project's copy of a document before anybody annotated it."""


@dataclass(frozen=True)
class Source:
    """One person's annotations of one document, as bytes; `annotator` is None where no folder or file names anybody."""

    document: str
    annotator: str | None
    curated: bool
    kind: str
    raw: bytes
    types: bytes
    place: Place


@dataclass
class Layer:
    """Text (code points) and annotations of a source; offsets in code points."""

    source: Source
    text: str
    marked: list[Marked]


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """Every document an article."""
    ledger = Ledger(bookkeeping=BOOKKEEPING)
    reader = _Reader(mapping, ledger, sidecar_of(path) if path.is_dir() else None)
    by_document: dict[str, list[Layer]] = {}
    for source in sources(path, ledger):
        layer = _xmi(source, ledger) if source.kind == "xmi" else _tsv(source, ledger)
        by_document.setdefault(source.document, []).append(layer)
    if not by_document:
        raise DataError(
            Place(str(path)),
            "holds neither an .xmi nor a WebAnno .tsv",
            hint="export the project or the document as `UIMA CAS XMI` or `WebAnno TSV v3.3`",
        )
    articles = [reader.article(name, layers) for name, layers in sorted(by_document.items())]
    return ledger.imported(unique(articles, path), {"complete": all(a.complete for a in articles)})


def sources(path: Path, ledger: Ledger) -> Iterator[Source]:
    """The annotated documents below a path; files of other kinds are losses."""
    files = dict(_files(path))
    types = {str(PurePosixPath(n).parent): raw for n, raw in files.items() if n.casefold().endswith("typesystem.xml")}
    for name, raw in files.items():
        pure = PurePosixPath(name.replace("!/", "/"))
        outer = PurePosixPath(name.split("!/")[0])
        kind = pure.suffix.casefold().removeprefix(".")
        if kind not in ("xmi", "tsv"):
            if kind not in ("zip", "xml") and pure.parts[0] != "source" and pure.name != "harness.json":
                ledger.lose(f"{path}: {name}", f"a file of kind .{kind} is not read")
            continue
        in_project = next((i for i, part in enumerate(outer.parts) if part in ("annotation", "curation")), None)
        who: str | None = None
        document = outer.stem
        if in_project is not None and len(outer.parts) > in_project + 2:
            document, who = outer.parts[in_project + 1], outer.stem
        elif len(outer.parts) > 1:
            who = outer.parent.as_posix()
        if who in _IDLE:
            continue
        folder = PurePosixPath(name).parent
        found = next((types[str(p)] for p in (folder, *folder.parents) if str(p) in types), b"")
        curated = in_project is not None and outer.parts[in_project] == "curation"
        yield Source(
            document, who, curated, kind, raw, found, Place(f"{path}: {name}" if name != path.name else str(path))
        )


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of the files of a folder, of a zip and of the zips in either; `!/` leads into an inner zip."""
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink()):
            yield from _opened(file.relative_to(path).as_posix(), file)
    elif _is_zip(path):
        with members(path, MAX_UNPACKED) as archive:
            for name in archive.names():
                raw = archive.read(name)
                yield name, raw
                if name.casefold().endswith(".zip"):
                    yield from _inner(name, raw, path)
    else:
        yield path.name, read_guarded(path, MAX_INPUT)
        types = next((p for p in path.parent.glob("*") if p.name.casefold() == "typesystem.xml"), None)
        if types is not None:
            yield types.name, read_guarded(types, MAX_INPUT)


def _is_zip(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _opened(name: str, file: Path) -> Iterator[tuple[str, bytes]]:
    if file.suffix.casefold() == ".zip":
        with members(file, MAX_UNPACKED) as archive:
            for inner in archive.names():
                yield f"{name}!/{inner}", archive.read(inner)
    elif file.suffix.casefold() in (".xmi", ".tsv", ".xml"):
        yield name, read_guarded(file, MAX_INPUT)
    else:
        yield name, b""


def _inner(name: str, raw: bytes, path: Path) -> Iterator[tuple[str, bytes]]:
    with members_of(raw, f"{path}: {name}", MAX_UNPACKED) as archive:
        for inner in archive.names():
            yield f"{name}!/{inner}", archive.read(inner)


def _xmi(source: Source, ledger: Ledger) -> Layer:
    return Layer(source, *read_cas(source.raw, source.types, source.place, ledger))


def _tsv(source: Source, ledger: Ledger) -> Layer:
    try:
        raw = source.raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(source.place, f"not UTF-8 at byte {error.start}", hint="export it again") from None
    table = read_table(raw, source.place.file)
    for name, n in table.unread.items():
        ledger.lose(source.place, f"relations and links of `{name}` are not carried", n)
    for number, line in table.strange:
        ledger.lose(Place(source.place.file, number), f"the line {line[:40]!r} is of no known kind")
    if table.gaps:
        ledger.lose(source.place, "what stands between two sentences is not in the file: set as line ends", table.gaps)
    offsets = Offsets(table.text, "utf16")
    for one in table.marked:
        start, end = offsets.back(one.start), offsets.back(one.end)
        if start is None or end is None:
            raise DataError(source.place, f"{one.start}-{one.end} cuts a character", hint="export it again")
        one.start, one.end = start, end
    return Layer(source, table.text, table.marked)


class _Reader:
    """Makes articles of layers."""

    def __init__(self, mapping: Mapping[str, Any], ledger: Ledger, sidecar: Sidecar | None) -> None:
        self._ledger, self._sidecar = ledger, sidecar
        self._layer = str(mapping.get("layer", LAYER))
        names = names_of(mapping, "features", (*ROLES, *ATTRIBUTES))
        self._names = {role: names.get(role, role) for role in (*ROLES, *ATTRIBUTES)}
        self._labels = Labels(mapping, ledger)
        self._default_speaker = "default_speaker" in mapping
        self._annotator = str(mapping.get("annotator", "inception"))
        self._ids = Ids("article")

    def article(self, name: str, read: list[Layer]) -> Article:
        """The article with everybody's labels."""
        first = read[0]
        place = first.source.place
        for layer in read:
            if layer.text != first.text:
                raise DataError(
                    layer.source.place, f"another text of {name!r} than in {place}", hint="give one project at a time"
                )
        if self._sidecar is not None:
            return self._ours(self._sidecar, name, read)
        row = metadata_or_new(None, first.text, name, place)
        row["id"] = row["event"] = self._ids(PurePosixPath(name).stem)
        spans_of = [(layer, list(self._spans(layer))) for layer in read]
        self._labels.declare(row, [span for _, spans in spans_of for span in spans])
        layers = Layers(row, self._ledger, place)
        for layer, spans in spans_of:
            who = self._labels.annotator(layer.source.annotator or "") or self._annotator
            if spans:
                layers.add(who, spans, gold=layer.source.curated or len(read) == 1, place=layer.source.place)
            elif len(read) > 1:
                self._ledger.lose(layer.source.place, f"{who} marked no stance: unlabelled")
        return layers.article()

    def _ours(self, sidecar: Sidecar, name: str, read: list[Layer]) -> Article:
        place = read[0].source.place
        layers = sidecar.layers(name, read[0].text, place, self._ledger)
        by_folder = {layer.source.annotator or "": layer for layer in read}
        for folder in sidecar.folders(name):
            if folder not in by_folder:
                raise DataError(place, f"the annotations in the folder {folder} are not there", hint="export it again")
            sidecar.add(layers, folder, list(self._spans(by_folder[folder])))
        return layers.article()

    def _spans(self, layer: Layer) -> Iterator[Span]:
        """Spans of the layer of stances."""
        place, other = layer.source.place, Counter[str]()
        for one in layer.marked:
            if one.layer != self._layer:
                if one.layer in BOOKKEEPING:
                    self._ledger.bookkeeping[one.layer] += 1
                else:
                    other[
                        f"spans of the layer `{one.layer}` are not read (say layer: in --mapping for another one)"
                    ] += 1
                continue
            values = dict(one.features)
            says = {role: (values.pop(self._names[role], None) or "").strip() for role in ROLES}
            lacking = next((r for r in ROLES if not says[r] and not self._default(r)), None)
            if lacking is not None or one.start >= one.end:
                other[f"spans of `{one.layer}` without {f'a {lacking}' if lacking else 'words'} are left out"] += 1
                continue
            here = Place(place.file, field=f"{one.start}-{one.end}")
            stance = self._labels.stance(says["stance"], here)
            attributes = self._attributes(values, here)
            other.update(f"feature `{one.layer}.{name}` is not carried" for name, v in values.items() if v is not None)
            if stance is None:
                continue
            if self._sidecar is not None:
                speaker, target = says["speaker"], says["target"]
            else:
                speaker, target = self._labels.speaker(says["speaker"]), self._labels.target(says["target"], here)
            yield Span(one.start, one.end, speaker, target, stance, attributes)
        for what, n in other.items():
            self._ledger.lose(place, what, n)

    def _default(self, role: str) -> bool:
        """Whether the mapping says what an empty feature means."""
        return {"speaker": self._default_speaker, "target": self._labels.default_target is not None}.get(role, False)

    def _attributes(self, values: dict[str, str | None], place: Place) -> dict[str, Any]:
        """The attributes of a stance, taken out of the values."""
        attributes: dict[str, Any] = {k: v for k in ATTRIBUTES if (v := values.pop(self._names[k], None)) is not None}
        if "phenomena" in attributes:
            attributes["phenomena"] = re.split(r"\s+", attributes["phenomena"])
        if "confidence" in attributes:
            if attributes["confidence"] not in ("1", "2", "3"):
                raise DataError(
                    place, f"confidence {attributes['confidence']!r} is no number from 1 to 3", hint="correct it"
                )
            attributes["confidence"] = int(attributes["confidence"])
        return attributes
