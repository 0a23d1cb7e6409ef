"""The lines of a brat annotation file (`.ann`): text-bound spans, events, attributes, notes, checked against the text.

Offsets count code points, half-open; the pieces of a discontinuous span are joined by one space where its words are
quoted. A span across a line end quotes it as a space, or, in files of other programs, as it is: the words then go on in
the next lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.data.formats.offsets import find_span
from harness.errors import DataError, Place

Pieces = tuple[tuple[int, int], ...]

_SPAN = re.compile(r"(T\d\S*)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)\t")
_EVENT = re.compile(r"(E\d\S*)\t(\S+?):(T\d\S*)((?: \S+:\S+)*) *")
_ATTRIBUTE = re.compile(r"([AM]\d\S*)\t(\S+) ([A-Z]\d\S*)(?: (.*))?")
_NOTE = re.compile(r"(#\d\S*)\t(\S+) (\S+)\t?(.*)")
_OTHER = re.compile(r"[RN]\d\S*\t(\S+)|\*\t(\S+)")


@dataclass(frozen=True, slots=True)
class TextBound:
    """A typed span; `pieces` are its half-open code-point spans, in the order of the file."""

    id: str
    type: str
    pieces: Pieces
    words: str
    line: int


@dataclass(frozen=True, slots=True)
class Event:
    """A typed event: its trigger and its arguments by role. A role that stands again is numbered in brat (`Content2`)."""

    id: str
    type: str
    trigger: str
    roles: tuple[tuple[str, str], ...]
    line: int

    def arguments(self, role: str) -> list[str]:
        """Ids of the arguments in that role, with or without a number."""
        return [ref for name, ref in self.roles if re.fullmatch(re.escape(role) + r"\d*", name)]


@dataclass(frozen=True, slots=True)
class Attribute:
    """A property of a span or an event; `value` is None for one that is only there or not."""

    type: str
    of: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Note:
    """Free words on a span or an event."""

    type: str
    of: str
    words: str
    line: int


@dataclass
class Annotations:
    """What one annotation file holds; `others` are the types of lines that nothing here reads, with their line."""

    spans: dict[str, TextBound] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    attributes: list[Attribute] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    others: list[tuple[str, int]] = field(default_factory=list)
    moved: list[TextBound] = field(default_factory=list)
    """Spans whose words stand elsewhere than their offsets say, at the nearest place where they do."""

    def attributes_of(self, ref: str) -> dict[str, str | None]:
        """The attributes of a span or an event."""
        return {a.type: a.value for a in self.attributes if a.of == ref}


def read_annotations(raw: str, text: str, file: str) -> Annotations:
    """What `raw` says of `text`; DataError with the line for what is no brat line or quotes words that are not there."""
    read = Annotations()
    at, line = 0, 1
    while at < len(raw):
        end = raw.find("\n", at)
        end = len(raw) if end < 0 else end
        place = Place(file, line)
        opening = _SPAN.match(raw, at)
        if opening:
            pieces = tuple(tuple(map(int, piece.split())) for piece in opening[3].split(";"))
            wanted = quoted(text, pieces)  # type: ignore[arg-type]
            if wanted is not None and "\n" in wanted and raw.startswith(wanted, opening.end()):
                end = opening.end() + len(wanted)
            words = raw[opening.end() : end].removesuffix("\r")
            span, is_moved = _placed(TextBound(opening[1], opening[2], pieces, words, line), text, place)  # type: ignore[arg-type]
            if is_moved:
                read.moved.append(span)
            _once(span.id, read.spans, place)
            read.spans[span.id] = span
        else:
            _read_line(raw[at:end].removesuffix("\r"), read, place)
        line += raw.count("\n", at, end) + 1
        at = end + 1
    _check_references(read, file)
    return read


def quoted(text: str, pieces: Pieces) -> str | None:
    """The words of a span as brat quotes them; None where the text has no such place."""
    if any(not 0 <= a < b <= len(text) for a, b in pieces):
        return None
    return " ".join(text[a:b] for a, b in pieces)


def _placed(span: TextBound, text: str, place: Place) -> tuple[TextBound, bool]:
    stands = quoted(text, span.pieces)
    if stands is not None and _flat(stands) == _flat(span.words):
        return span, False
    if len(span.pieces) == 1:
        [(start, end)] = span.pieces
        nearest = find_span(text, start, end, span.words, "code_points")
        if nearest is not None:
            return TextBound(span.id, span.type, (nearest[:2],), span.words, span.line), True
    where = "lies outside the text" if stands is None else f"holds {stands!r}"
    raise DataError(
        Place(place.file, place.line, span.id),
        f"{';'.join(f'{a} {b}' for a, b in span.pieces)} {where}, the line quotes {span.words!r}",
        hint="offsets count code points of the .txt as it was annotated: look for another version or encoding of it",
    )


def _flat(words: str) -> str:
    return words.replace("\r\n", " ").replace("\n", " ").replace("\r", " ")


def _read_line(line: str, read: Annotations, place: Place) -> None:
    if not line.strip():
        return
    if event := _EVENT.fullmatch(line):
        roles = tuple(tuple(pair.rsplit(":", 1)) for pair in event[4].split())
        _once(event[1], read.events, place)
        read.events[event[1]] = Event(event[1], event[2], event[3], roles, place.line or 0)
    elif attribute := _ATTRIBUTE.fullmatch(line):
        read.attributes.append(Attribute(attribute[2], attribute[3], attribute[4]))
    elif note := _NOTE.fullmatch(line):
        read.notes.append(Note(note[2], note[3], note[4], place.line or 0))
    elif other := _OTHER.match(line):
        read.others.append((other[1] or other[2], place.line or 0))
    else:
        raise DataError(
            place,
            f"{line[:60]!r} is no line of a brat annotation file",
            hint="its lines begin with T1, E1, A1, M1, R1, N1, #1 or *, and a tab after that",
        )


def _once(identifier: str, known: dict[str, TextBound] | dict[str, Event], place: Place) -> None:
    if identifier in known:
        raise DataError(place, f"{identifier} stands twice", hint="give each line an id of its own")


def _check_references(read: Annotations, file: str) -> None:
    for event in read.events.values():
        for role, ref in (("trigger", event.trigger), *event.roles):
            if ref not in read.spans and ref not in read.events:
                raise DataError(
                    Place(file, event.line, event.id), f"{role} {ref} does not exist", hint=f"add {ref} or take it out"
                )


def pieces_without_line_ends(text: str, start: int, end: int) -> Pieces:
    """The parts of a passage between line ends, as brat writes one that goes over several lines; empty if there are none."""
    return tuple((start + m.start(), start + m.end()) for m in re.finditer(r"[^\r\n]+", text[start:end]))


def passages(text: str, pieces: Pieces) -> Iterator[tuple[int, int]]:
    """The pieces in the text's order, those that only line ends part as one passage."""
    ordered = sorted(set(pieces))
    while ordered:
        start, end = ordered.pop(0)
        while ordered and (ordered[0][0] <= end or not text[end : ordered[0][0]].strip("\r\n")):
            end = max(end, ordered.pop(0)[1])
        yield start, end
