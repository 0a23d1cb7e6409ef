"""Factiva (Dow Jones): files of many news articles (RTF, HTML, text, DOCX) as articles to label; import only.

Mapping: of each article the headline → title, the paragraphs → text, parted by an empty line; the publication, the day and the
copyright line → source; byline, section, edition, page, the publication's code, the accession number and the length → the
source's note; the language → language. An article ends with `Document` and its accession number (in German `Dokument`, in
Chinese 文件, ...). Two layouts are known: lines in a fixed order (section, headline, byline, `808 words`, day,
publication, code, ..., language, copyright, text), and lines or cells with Factiva's field codes (`HD`, `BY`, `WC`, `PD`,
`SN`, `LP`, `TD`, ...). In HTML the headline and the paragraphs are marked; in other files the longest line above the
length is the headline, and the last short line before the accession number, the rights holder, is left out: both are
reported. The article is incomplete, has no speakers, and the target `escalation`. Not carried: index terms (companies,
industries, subjects, regions), contact and reference fields, captions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.data.formats.base import Ids, unique
from harness.data.formats.dates import day_in
from harness.data.formats.documents import Block, blocks_of
from harness.data.formats.ledger import Imported, Ledger
from harness.data.formats.raw_article import RawArticle, is_language, known_language, paragraphs
from harness.errors import DataError, Place

FIELDS = {
    "HD": "headline", "BY": "byline", "CR": "credit", "WC": "length", "PD": "date", "ET": "time", "SN": "publication",
    "SC": "code", "ED": "edition", "PG": "page", "SE": "section", "CLM": "column", "VOL": "volume", "LA": "language",
    "CY": "copyright", "LP": "lead", "TD": "text", "ART": "captions", "CT": "contact", "RF": "references", "CO": "companies",
    "IN": "industries", "NS": "subjects", "RE": "regions", "IPC": "information provider codes", "IPD": "descriptors",
    "PUB": "publisher", "AN": "accession",
}  # fmt: skip
"""Factiva's field codes."""

NOTES = ("byline", "credit", "section", "column", "edition", "volume", "page", "code", "length", "time", "accession")
BOOKKEEPING = ("publisher", "information provider codes")

ACCESSION = re.compile(
    r"\s*(?:AN[\s|]+)?(?:Document|Dokument|Documento|文件|文書|Документ)[\s:]+([A-Z]{2,}\w*\d\w{9,})[\s|]*"
)
_LENGTH = re.compile(r"\s*([\d.,\u00a0 ]+)\s*(?:words|word|W.?rter|mots|palabras|parole|palavras|woorden|字|слов)\s*")
_COPYRIGHT = re.compile(r"\s*(?:Copyright|©|\(c\)|\(C\))")
_FIELD = re.compile(rf"\s*({'|'.join(FIELDS)})(?:[\s\u00a0|]+(.*))?", re.DOTALL)
_BY = re.compile(r"\s*(?:By|Von|Par|Por|Di|Special to)\b", re.IGNORECASE)


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """Every article of the file; DataError for a file that holds none."""
    ledger = Ledger(bookkeeping=BOOKKEEPING)
    ids = Ids("article")
    articles = []
    for n, (blocks, accession) in enumerate(_parts(blocks_of(path, ledger)), start=1):
        place = Place(str(path), field=f"article {n} ({accession})")
        fields = _coded(blocks) or _laid_out(blocks, place, ledger)
        fields["accession"] = accession
        raw = _article(fields, place, ledger)
        if raw is not None:
            articles.append(raw.article(ids, place))
    if not articles:
        raise DataError(
            Place(str(path)),
            "holds no article of Factiva: no line `Document` with an accession number",
            hint="save full articles as RTF, HTML or text",
        )
    return ledger.imported(unique(articles, path), {"complete": False})


def _parts(blocks: list[Block]) -> Iterator[tuple[list[Block], str]]:
    """The blocks of each article, and its accession number."""
    part: list[Block] = []
    marked = [b for b in blocks if any(m.startswith("article-") for m in b.marks)]
    for block in marked or blocks:
        if m := ACCESSION.fullmatch(block.words):
            yield part, m[1]
            part = []
        else:
            part.append(block)


def _coded(blocks: list[Block]) -> dict[str, str]:
    """The fields of an article with field codes; empty for the other layout."""
    fields: dict[str, list[str]] = {}
    name = None
    for block in blocks:
        m = _FIELD.fullmatch(block.words)
        if m and (m[2] or block.words.strip(" |") == m[1]):
            name = FIELDS[m[1]]
            fields.setdefault(name, []).append((m[2] or "").strip(" |"))
        elif name is not None:
            fields[name].append(block.words.strip(" |"))
    if not {"headline", "date"} <= set(fields):
        return {}
    made = {k: " ".join(" ".join(v).split()) for k, v in fields.items()}
    made["body"] = paragraphs([*fields.get("lead", []), *fields.get("text", [])])
    return {k: v for k, v in made.items() if k not in ("lead", "text")}


def _laid_out(blocks: list[Block], place: Place, ledger: Ledger) -> dict[str, str]:
    """The fields of an article whose lines stand in the fixed order."""
    full = [b for b in blocks if b.words.strip()]
    at = next((i for i, b in enumerate(full) if _LENGTH.fullmatch(b.words)), None)
    if at is None or at + 2 >= len(full):
        raise DataError(place, "no line counts its words, such as `808 words`", hint="save full articles, not a list")
    fields = _above(full[:at], place, ledger)
    fields["length"] = full[at].words.strip()
    head, body = _head(full[at + 1 :])
    names = iter(("publication", "code"))
    for block in head:
        words = " ".join(block.words.split())
        if "date" not in fields and day_in(words):
            fields["date"] = words
        elif re.fullmatch(r"\d\d:\d\d(?: \w+)?", words):
            fields["time"] = words
        elif _COPYRIGHT.match(words):
            fields["copyright"] = words
        elif is_language(words) and "language" not in fields:
            fields["language"] = words
        else:
            name = next(names, "edition")
            fields[name] = f"{fields[name]}; {words}" if name in fields else words
    marked = any("rticleParagraph" in m for b in body for m in b.marks)
    text = [b.words for b in body if not marked or any("rticleParagraph" in m for m in b.marks)]
    if marked:
        aside = [b.words for b in body if b.words not in text]
        if len(aside) > 1:
            ledger.lose(place, "captions are not carried", len(aside) - 1)
    elif len(text) > 1 and len(text[-1].split()) <= 12 and not re.search(r"[.!?…\"”»)]\s*$", text[-1]):
        ledger.lose(place, "its last line is taken for the rights holder and left out")
        text.pop()
    fields["body"] = paragraphs(text)
    return fields


def _above(lines: list[Block], place: Place, ledger: Ledger) -> dict[str, str]:
    """Section, headline and byline: what stands above the length."""
    headline = [b for b in lines if any("eadline" in m or m == "hd" for m in b.marks)]
    rest = [b for b in lines if b not in headline]
    bylines = [b for b in rest if "author" in b.marks or _BY.match(b.words)]
    rest = [b for b in rest if b not in bylines]
    if not headline and rest:
        headline = [max(rest, key=lambda b: len(b.words))]
        if len(rest) > 1:
            ledger.lose(place, "which line is the headline is not marked: the longest is taken")
        rest = [b for b in rest if b is not headline[0]]
    return {
        "headline": " ".join(" ".join(b.words for b in headline).split()),
        "byline": " ".join(" ".join(b.words for b in bylines).split()),
        "section": " ".join(" ".join(b.words for b in rest).split()),
    }


def _head(lines: list[Block]) -> tuple[list[Block], list[Block]]:
    """The lines about the article below its length, and its text: the copyright line parts them, else the language."""
    for test in (_COPYRIGHT.match, is_language):
        end = next((i for i, b in enumerate(lines[:12]) if test(b.words)), None)
        if end is not None:
            return lines[: end + 1], lines[end + 1 :]
    return lines[:3], lines[3:]


def _article(fields: dict[str, str], place: Place, ledger: Ledger) -> RawArticle | None:
    record = ledger.record(fields, place)
    body = str(record.get("body") or "")
    if not body.strip():
        record.drop("an article without a body is left out")
        return None
    printed = str(record.get("date") or "")
    if day_in(printed) is None:
        ledger.lose(place, "names no day")
    notes = {name: str(record.get(name) or "") for name in NOTES}
    for name in fields:
        if name not in {*NOTES, *BOOKKEEPING, "headline", "body", "date", "publication", "language", "copyright"}:
            record.lose(name, f"`{name}` is not carried")
    return RawArticle(
        headline=str(record.get("headline") or ""),
        body=body,
        publication=str(record.get("publication") or "") or None,
        date=day_in(printed),
        licence=str(record.get("copyright") or "") or None,
        language=known_language(str(record.get("language") or ""), place, ledger),
        notes=notes,
    )
