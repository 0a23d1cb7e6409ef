"""Which format a file or folder is in, by what it holds: names of members first, then the first lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from harness.data.formats.archive import members
from harness.data.formats.base import parse_json
from harness.data.formats.ledger import Ledger
from harness.errors import DataError, Place

_HEAD = 200_000
"""Bytes that are looked at."""


_WITH_ZEROS = (b"\xff\xfe", b"\xfe\xff", b"%PDF", b"\xd0\xcf\x11\xe0")
"""First bytes of UTF-16, and of what the reader of documents refuses with words of its own: PDF, old Word files."""

_ASK = "say --format; `harness data import --help` lists them"


class Guess(NamedTuple):
    """The name of a format and what gives it away."""

    name: str
    sign: str


def guess_format(path: Path) -> Guess:
    """The format of a file or folder; DataError that asks for `--format` where nothing gives it away."""
    if not path.exists():
        raise DataError(Place(str(path)), "no such file or folder")
    if not (any(path.iterdir()) if path.is_dir() else path.stat().st_size):
        raise DataError(Place(str(path)), "is empty", hint="export it again, or give another path")
    guess = next((_in_folder(path) if path.is_dir() else _in_file(path)), None)
    if guess is None:
        raise DataError(
            Place(str(path)),
            "nothing in it says which format it is in",
            hint=_ASK,
        )
    return guess


def _in_folder(path: Path) -> Iterator[Guess]:
    files = list(islice((p for p in path.rglob("*") if p.is_file()), 20_000))
    suffixes = {p.suffix.casefold() for p in files}
    if all((path / name).is_dir() for name in ("annotations", "articles", "meta")) and ".json" in suffixes:
        yield Guess("seesaw", "folders annotations, articles and meta")
    if ".ann" in suffixes:
        yield Guess("brat", "annotation files (.ann)")
    if ".parquet" in suffixes:
        yield Guess("huggingface", "Parquet files")
    if ".arrow" in suffixes and any(p.name == "state.json" for p in files):
        yield Guess("huggingface", "Arrow files and state.json")
    if ".xmi" in suffixes:
        yield Guess("inception", "UIMA CAS files (.xmi)")
    for file in sorted(files):
        if file.suffix.casefold() in (".zip", ".tsv", ".xml", ".json", ".jsonl"):
            yield from _in_file(file)


def _in_file(path: Path) -> Iterator[Guess]:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"SQLite format 3\0"):
        yield Guess("dna", "an SQLite database")
    elif head.startswith(b"PAR1"):
        yield Guess("huggingface", "a Parquet file")
    elif head.startswith(b"PK"):
        yield from _in_zip(path)
    elif head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")) and not head.lstrip().startswith(b"{\\rtf"):
        yield from _in_json(path, head)
    elif b"\0" in head and not head.startswith(_WITH_ZEROS):
        raise DataError(Place(str(path)), "is neither text nor a kind of file that is read", hint=_ASK)
    else:
        yield from _in_text(path, head)


def _in_zip(path: Path) -> Iterator[Guess]:
    with members(path) as archive:
        names = [name.casefold() for name in archive.names()]
    if any(name.endswith(".qde") for name in names):
        yield Guess("refi_qda", "a project.qde in a zip")
    elif "word/document.xml" in names:
        yield from _database(path, "a Word file")
    elif any(name.endswith((".xmi", ".tsv")) or "annotation/" in name for name in names):
        yield Guess("inception", "annotations in a zip")


def _in_text(path: Path, head: bytes) -> Iterator[Guess]:
    text = head.decode("utf-8-sig", errors="replace")
    first = text.lstrip()[:2000]
    if first.startswith("#FORMAT=WebAnno TSV"):
        yield Guess("inception", "its first line, #FORMAT=WebAnno TSV")
    elif path.suffix.casefold() == ".ann":
        yield Guess("brat", "its name, .ann")
    elif "http://www.omg.org/XMI" in first:
        yield Guess("inception", "UIMA CAS XMI")
    elif "iptc.org/std/nar" in first:
        yield Guess("newsml", "the namespace of NewsML-G2")
    elif path.suffix.casefold() not in (".csv", ".tsv"):
        yield from _database(path, "rich text" if first.startswith("{\\rtf") else "text")
    line = text.split("\n", 1)[0]
    cells = {cell.strip(" \"'\r").casefold() for cell in re.split(r"[,;\t]", line)}
    if len(cells) > 1 and path.suffix.casefold() in (".csv", ".tsv", ".txt"):
        yield Guess("csv_table", "a header of several columns")


def _database(path: Path, kind: str) -> Iterator[Guess]:
    """Nexis or Factiva, by the lines that end or begin their articles."""
    from harness.data.formats.documents import blocks_of
    from harness.data.formats.factiva import ACCESSION
    from harness.data.formats.nexis import END, NUMBERED

    for block in blocks_of(path, Ledger()):
        if END.fullmatch(block.words) or NUMBERED.fullmatch(block.words):
            yield Guess("nexis", f"{kind} with the line {block.words.strip()!r}")
            return
        if ACCESSION.fullmatch(block.words):
            yield Guess("factiva", f"{kind} with the line {block.words.strip()!r}")
            return


def _in_json(path: Path, head: bytes) -> Iterator[Guess]:
    item, sign = _first_item(path, head)
    for name, fits in _SHAPES:
        if fits(item):
            yield Guess(name, f"{sign} with the keys {', '.join(sorted(map(str, item))[:6])}")


def _first_item(path: Path, head: bytes) -> tuple[dict[str, Any], str]:
    """The first object of a list, of a file of lines, or the file's one object."""
    place = Place(str(path))
    first = head.split(b"\n", 1)[0]
    try:
        content, sign = parse_json(first, place), "lines of JSON"
    except DataError:
        content, sign = parse_json(path.read_bytes(), place), "JSON"
    if isinstance(content, list):
        content, sign = (content or [{}])[0], "a list in JSON"
    return (content if isinstance(content, dict) else {}), sign


def _task(item: dict[str, Any]) -> bool:
    return isinstance(item.get("data"), dict) and bool({"annotations", "completions", "predictions", "id"} & set(item))


_SHAPES: tuple[tuple[str, Callable[[dict[str, Any]], bool]], ...] = (
    ("label_studio", _task),
    ("ninjs", lambda x: "uri" in x and any(k.casefold().startswith(("bod", "headline", "version")) for k in x)),
    ("jsonl", lambda x: {"id", "text", "event", "targets"} <= set(x)),
    (
        "prodigy",
        lambda x: "text" in x and bool({"_input_hash", "_task_hash", "answer", "spans", "_session_id"} & set(x)),
    ),
    ("doccano", lambda x: bool({"text", "data"} & set(x)) and bool({"label", "labels", "entities", "cats"} & set(x))),
)
"""What the first object of a file looks like, the most telling first."""
