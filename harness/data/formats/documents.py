"""Word-processor files, web pages and plain texts as blocks of words: what a news database exports, whatever the file's kind.

The kind is seen from the file's first bytes. Rich text is read by striprtf, Word files by python-docx, HTML by lxml; a
plain text's lines are joined where they were wrapped at a column. Tables of a Word file (a search's filters) and pictures
are left out. A Word file that unpacks to more than `MAX_UNPACKED` bytes is refused, and so are macros' old `.doc` files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data.formats.archive import MAX_UNPACKED, members
from harness.data.formats.base import MAX_INPUT
from harness.data.formats.extras import extra
from harness.data.formats.ledger import Ledger
from harness.errors import DataError, Place

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_IN_WORD = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "softHyphen": "\u00ad"}
"""Elements of a Word file's run that stand for a character."""

_UNSEEN_IN_RTF = {
    b"deleted": "deleted text of the rich text is read as if it stood there",
    b"v": "hidden text of the rich text is read as if it were seen",
    b"footnote": "footnotes of the rich text are not read",
}
"""What striprtf makes of control words that change whether text is seen."""

_BREAKS = frozenset({"br", "hr"})
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "blockquote",
        "div",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "li",
        "p",
        "pre",
        "section",
        "table",
        "td",
        "th",
        "tr",
        "ul",
        "ol",
    ]
)
_UNSEEN = frozenset({"script", "style", "head", "noscript", "template"})


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or line; `marks` are the ids and classes of the elements that it stands in (HTML only)."""

    words: str
    marks: frozenset[str] = frozenset()


def blocks_of(path: Path, ledger: Ledger) -> list[Block]:
    """The blocks of a file in order; an empty one stands for an empty line. What the file's kind hides is listed.

    DataError for what is none of the four kinds.
    """
    if path.is_dir():
        raise DataError(Place(str(path)), "is a folder: this format is in a file", hint="give the file itself")
    if not path.is_file():
        raise DataError(Place(str(path)), "no such file")
    if path.stat().st_size > MAX_INPUT:
        raise DataError(Place(str(path)), f"more than {MAX_INPUT:,} bytes", hint="export fewer articles at once")
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(b"PK"):
        return [Block(words) for words in _docx(path, ledger)]
    raw = path.read_bytes()
    if head.lstrip().startswith(b"{\\rtf"):
        return [Block(words) for words in _rtf(raw, path, ledger)]
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise DataError(Place(str(path)), "is an old Word file (.doc)", hint="save it as .docx or .rtf")
    if head.startswith(b"%PDF"):
        raise DataError(Place(str(path)), "is a PDF, whose lines cannot be told apart", hint="export DOCX or RTF")
    text = _decoded(raw, path)
    if re.match(r"\s*(<!doctype html|<html|<head)", text, re.IGNORECASE):
        return list(_html(raw))
    return [Block(words) for words in _unwrapped(text)]


def _docx(path: Path, ledger: Ledger) -> Iterator[str]:
    docx = extra("docx", "python-docx", "a Word file")
    with members(path, MAX_UNPACKED) as archive:
        names = archive.names()
        if "word/document.xml" not in names:
            raise DataError(Place(str(path)), "is a zip, but no Word file", hint="unpack it and give the file itself")
    try:
        document = docx.Document(str(path))
    except Exception as error:  # python-docx hands through what zipfile, lxml and its own parts raise
        raise DataError(
            Place(str(path)), f"not a readable Word file: {error}", hint="export it again as DOCX or RTF"
        ) from None
    body = document.element.body
    for name, what in (("tbl", "tables"), ("txbxContent", "text boxes"), ("footnoteReference", "footnotes")):
        if n := sum(1 for _ in body.iter(f"{_WORD}{name}")):
            ledger.lose(str(path), f"{what} of the Word file are not read", n)
    for paragraph in body.iter(f"{_WORD}p"):
        if not any(a.tag in (f"{_WORD}tbl", f"{_WORD}txbxContent") for a in paragraph.iterancestors()):
            yield from _words_of(paragraph).split("\n")


def _words_of(paragraph: Any) -> str:
    """The words of a Word paragraph as a reader sees them, insertions and content controls among them, without what was
    deleted or hidden: python-docx's own `text` leaves the former out."""
    made = []
    for element in paragraph.iter():
        name = element.tag.removeprefix(_WORD) if isinstance(element.tag, str) else ""
        run = next((a for a in element.iterancestors() if a.tag == f"{_WORD}r"), None)
        if (name not in _IN_WORD and name != "t") or run is None:
            continue
        hidden = run.find(f"{_WORD}rPr/{_WORD}vanish") is not None
        if hidden or any(
            a.tag in (f"{_WORD}del", f"{_WORD}moveFrom", f"{_WORD}txbxContent") for a in element.iterancestors()
        ):
            continue
        made.append(element.text or "" if name == "t" else _IN_WORD[name])
    return "".join(made)


def _rtf(raw: bytes, path: Path, ledger: Ledger) -> Iterator[str]:
    striprtf = extra("striprtf.striprtf", "striprtf", "rich text")
    # rich text is ASCII; what lies beyond is escaped and decoded by the code page that the file names
    try:
        text = striprtf.rtf_to_text(raw.decode("latin-1"), errors="replace")
    except (ValueError, LookupError, RecursionError, OverflowError) as error:
        raise DataError(Place(str(path)), f"not readable as rich text: {error}", hint="export it again") from None
    # a character beyond the first plane comes as two halves
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    for words, what in _UNSEEN_IN_RTF.items():
        if n := len(re.findall(rb"\\%b(?![a-z0-9-])|\\%b1" % (words, words), raw)):
            ledger.lose(str(path), what, n)
    yield from text.split("\n")


def _decoded(raw: bytes, path: Path) -> str:
    for encoding in ("utf-8-sig", "utf-16") if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            return raw.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeError:
            continue
    raise DataError(Place(str(path)), "neither UTF-8 nor Windows-1252", hint="save the file as UTF-8")


def _unwrapped(text: str) -> Iterator[str]:
    """Lines; those of a text that was wrapped at a column are joined to paragraphs.

    A text is taken for wrapped if no line is longer than 100 characters and most lines that are followed by another one
    end where the next word would not have fitted.
    """
    lines = [line if line.startswith("    ") else line.strip() for line in text.split("\n")]
    width = max(map(len, lines), default=0)
    # an indented line is centred and stands alone
    pairs = [i for i in range(len(lines) - 1) if lines[i] and lines[i + 1] and lines[i][0] + lines[i + 1][0] != "  "]
    full = {i for i in pairs if len(lines[i]) + 1 + len(lines[i + 1].split(maxsplit=1)[0]) > width}
    if width > 100 or 2 * len(full) < len(pairs):
        yield from lines
        return
    paragraph = ""
    for i, line in enumerate(lines):
        paragraph = f"{paragraph} {line}".strip()
        if i not in full:
            yield paragraph
            paragraph = ""


def _html(raw: bytes) -> Iterator[Block]:
    from lxml import etree, html

    declared = re.search(rb"charset=[\"']?([\w-]+)", raw[:4096])
    try:
        raw.decode("utf-8")
        encoding = "utf-8"
    except UnicodeDecodeError:
        encoding = declared[1].decode() if declared and declared[1].lower() not in (b"utf-8", b"utf8") else "cp1252"
    root = html.document_fromstring(raw, parser=html.HTMLParser(encoding=encoding, no_network=True, huge_tree=False))
    pending: list[str] = []
    marks: list[frozenset[str]] = [frozenset()]

    def flush() -> Iterator[Block]:
        words = re.sub(r"[ \t\r\n]+", " ", "".join(pending)).strip(" ")
        pending.clear()
        if words:
            yield Block(words, marks[-1])

    unseen = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment")):
        if event == "comment":
            pending.append(element.tail or "")
            continue
        tag = element.tag
        if event == "start":
            unseen += tag in _UNSEEN
            if tag in _BLOCKS or tag in _BREAKS:
                yield from flush()
            own = {element.get("id") or "", *(element.get("class") or "").split()} - {""}
            marks.append(marks[-1] | own)
            if not unseen:
                pending.append(element.text or "")
            continue
        if tag in _BLOCKS:
            yield from flush()
        elif pending and len(marks[-1]) > len(marks[-2]) and any("eadline" in m for m in marks[-1] - marks[-2]):
            # a headline is marked on a span inside its line
            yield from flush()
        marks.pop()
        unseen -= tag in _UNSEEN
        if not unseen:
            pending.append(element.tail or "")
    yield from flush()
