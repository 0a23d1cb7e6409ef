"""WebAnno TSV 3.x, the table that WebAnno and INCEpTION export: tokens a line, a column for each feature of each layer.

Offsets count UTF-16 units. What stands between two sentences is not in the file: it is set as line ends, so that the
offsets hold. Values are `_` (no annotation), `*` (one without a value), stacked by `|`, and tied over several tokens by `[7]`;
a backslash takes their meaning from such signs.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from harness.errors import DataError, Place

_TOKEN = re.compile(r"(\d+)-(\d+)(?:\.\d+)?\t(\d+)-(\d+)\t([^\t]*)\t?(.*)")
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r"}


@dataclass
class Marked:
    """One annotation of a layer: half-open offsets into the text as the file counts them, and its features by name."""

    layer: str
    start: int
    end: int
    features: dict[str, str | None] = field(default_factory=dict)


@dataclass
class Table:
    """What a file holds: the text in UTF-16 units, span annotations, how many relations and chains stand beside them, and
    the lines of the head that are of no known kind."""

    text: str
    marked: list[Marked]
    unread: Counter[str]
    gaps: int
    strange: list[tuple[int, str]]


@dataclass(frozen=True)
class _Layer:
    kind: str
    name: str
    columns: tuple[str, ...]


def read_table(raw: str, file: str) -> Table:
    """Text and annotations of a file; DataError with the line for what is no table of that format."""
    lines = raw.replace("\r\n", "\n").split("\n")
    if not lines[0].lstrip("\ufeff").startswith("#FORMAT=WebAnno TSV 3"):
        raise DataError(Place(file, 1), "is no WebAnno TSV 3", hint="export `WebAnno TSV v3.3` or `UIMA CAS XMI`")
    layers: list[_Layer] = []
    units: list[str] = []
    marked: list[Marked] = []
    open_: dict[tuple[str, str], Marked] = {}
    unread: Counter[str] = Counter()
    strange: list[tuple[int, str]] = []
    gaps = 0
    sentence: list[str] = []
    for number, line in enumerate(lines, start=1):
        place = Place(file, number)
        if m := re.match(r"#T_(SP|RL|CH)=([^|]+)\|?(.*)", line):
            layers.append(_Layer(m[1], m[2], tuple(m[3].split("|"))))
        elif line.startswith("#Text="):
            sentence = [*sentence, line.removeprefix("#Text=")]
        elif row := _TOKEN.fullmatch(line):
            start, end, token = int(row[3]), int(row[4]), _plain(row[5])
            if sentence:
                gaps += _place_sentence(units, _plain("\n".join(sentence)), token, start, place)
                sentence = []
            if _words(units[start:end]) != token:
                raise DataError(
                    place,
                    f"{start}-{end} holds {_words(units[start:end])!r}, the line has {token!r}",
                    hint="export it again",
                )
            cells = row[6].split("\t")
            n_columns = sum(len(layer.columns) for layer in layers)
            if beyond := [cell for cell in cells[n_columns:] if cell not in ("", "_")]:
                raise DataError(
                    place, f"has {' '.join(beyond)!r} behind the columns that the head names", hint="export it again"
                )
            if len(cells) < n_columns:
                raise DataError(place, f"has {len(cells)} columns of features; the head names {n_columns}")
            _annotations(layers, cells, start, end, marked, open_, unread)
        elif line.startswith("#") and number > 1 and not re.match(r"#Sentence\.id=", line):
            strange.append((number, line))
        elif line and not line.startswith("#"):
            raise DataError(place, f"{line[:40]!r} is no line of WebAnno TSV 3", hint="export it again")
    return Table(_words(units), marked, unread, gaps, strange)


def _place_sentence(units: list[str], text: str, token: str, start: int, place: Place) -> int:
    """Puts a sentence where its first token says; 1 if something stood between it and the one before."""
    lead = text.find(token)
    begin = start - len(_units(text[:lead]))
    if lead < 0 or begin < len(units):
        raise DataError(place, f"its token {token!r} does not begin the sentence above it", hint="export it again")
    gap = begin - len(units)
    units += ["\n"] * gap
    units += _units(text)
    return int(gap > 0 and begin > gap)


def _annotations(
    layers: list[_Layer],
    cells: list[str],
    start: int,
    end: int,
    marked: list[Marked],
    open_: dict[tuple[str, str], Marked],
    unread: Counter[str],
) -> None:
    at = 0
    for layer in layers:
        own = cells[at : at + len(layer.columns)]
        at += len(layer.columns)
        if layer.kind != "SP":
            unread[layer.name] += sum(len(_split(cell, "|")) for cell in own[:1] if cell != "_")
            continue
        # annotations of one token have no number: they are told apart by their place in the stack
        here: dict[str, Marked] = {}
        for column, cell in zip(layer.columns, own, strict=True):
            loose = 0
            for value in _split(cell, "|") if cell != "_" else []:
                m = re.fullmatch(r"(.*?)(?<!\\)\[(\d+)\]", value, re.DOTALL)
                if m:
                    one = open_.get((layer.name, m[2]))
                    if one is None:
                        one = open_[layer.name, m[2]] = Marked(layer.name, start, end)
                        marked.append(one)
                    one.end = max(one.end, end)
                else:
                    loose += 1
                    one = here.get(str(loose))
                    if one is None:
                        one = here[str(loose)] = Marked(layer.name, start, end)
                        marked.append(one)
                words = m[1] if m else value
                if column and not column.startswith("ROLE_"):
                    one.features[column] = None if words == "*" else _plain(words)
                elif column.startswith("ROLE_") and words != "*":
                    unread[f"{layer.name}: {column}"] += 1


def _split(cell: str, sign: str) -> list[str]:
    return re.split(rf"(?<!\\){re.escape(sign)}", cell)


def _plain(value: str) -> str:
    """The words without the escapes."""
    return re.sub(r"\\(->|.)", lambda m: _ESCAPES.get(m[1], m[1]), value, flags=re.DOTALL)


def _units(text: str) -> list[str]:
    """One entry a UTF-16 unit: a character beyond the first plane has a second, empty one."""
    return [unit for ch in text for unit in ((ch, "") if ord(ch) > 0xFFFF else (ch,))]


def _words(units: list[str]) -> str:
    return "".join(units)
