"""Nexis Uni and LexisNexis Academic: files of many news articles (DOCX, RTF, HTML, text) as articles to label; import only.

Mapping: of each article the headline → title, the paragraphs of the body → text, parted by an empty line; the publication,
the day and the copyright line → source; byline, section, dateline, highlight and edition → its note; language → language.
An article of Nexis Uni ends with `End of Document` and has its text below `Body`; one of LexisNexis begins with `3 of 262
DOCUMENTS`. Labels (`Length:`) are known in any case and with a no-break space behind. The article is incomplete, has no
speakers, and the target `escalation`. Not carried: index terms (subjects, companies, persons, places with their percentages),
graphics, corrections, notes. Length, load date, publication type and journal code are bookkeeping.
The number of articles that the file promises is compared with those that are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness.data.formats.base import Ids, unique
from harness.data.formats.dates import day_in
from harness.data.formats.documents import blocks_of
from harness.data.formats.ledger import Imported, Ledger, Record
from harness.data.formats.raw_article import RawArticle, known_language, paragraphs
from harness.errors import DataError, Place

BOOKKEEPING = ("length", "load-date", "publication-type", "document-type", "journal code", "distribution", "update")
CARRIED = ("byline", "section", "dateline", "highlight", "series", "edition")

_GERMAN = {
    "autor": "byline", "rubrik": "section", "länge": "length", "update": "load-date", "sprache": "language",
    "publikationstyp": "publication-type", "zeitungs-code": "journal code", "graphik": "graphic",
}  # fmt: skip
_BEHIND = {
    "load-date", "language", "publication-type", "document-type", "journal code", "graphic", "subject", "company", "person",
    "ticker", "industry", "geographic", "organization", "correction-date", "correction", "notes", "classification",
    "illustration", "acc-no", "update", "distribution",
}  # fmt: skip
"""Labels and headings below the body."""

_KNOWN = {*BOOKKEEPING, *CARRIED, *_BEHIND, "headline", "body", "guests", "copyright"}
_LABEL = re.compile(r"\s*([^\W\d_][\w-]{2,24}(?: [\w-]{2,12})?):(?:[\s\u00a0]+|$)(.*)", re.DOTALL)
_HEADING = re.compile(r"\s*(Body|Classification|Graphic|Correction|Notes|Illustration)\s*")
END = re.compile(r"\s*(End of Document|Ende des Dokuments|Fin du document)\s*", re.IGNORECASE)
NUMBERED = re.compile(r"\s*(\d+) (?:of|von|de) (\d+) (?:DOCUMENTS?|DOKUMENTEN?)\s*", re.IGNORECASE)
_PROMISED = re.compile(r"\s*(?:Documents|Dokumente) \((\d+)\)\s*")
_COVER = re.compile(
    r"\s*(?:User Name|Date and Time|Job Number|Client/Matter|Search Terms|Search Type|Narrowed by|Download Request|"
    r"Time Of Request|Send To|Terms|Source|Combined Source|Project ID)\b.*:|\s*Documents \("
)
_RESERVED = re.compile(r"\s*All Rights Reserved\.?\s*", re.IGNORECASE)
_ASIDE = re.compile(r"Distributed by .*|Correction Appended|Body", re.IGNORECASE)
_COPYRIGHT = re.compile(r"\s*(?:Copyright|©|\(c\))[\s\u00a0]", re.IGNORECASE)


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """Every article of the file; DataError for a file that holds none."""
    ledger = Ledger(bookkeeping=BOOKKEEPING)
    lines = [block.words for block in blocks_of(path, ledger)]
    ids = Ids("article")
    articles = []
    parts, promised = _parts(lines)
    for n, part in enumerate(parts, start=1):
        place = Place(str(path), field=f"article {n}")
        raw = _article(part, place, ledger)
        if raw is not None:
            articles.append(raw.article(ids, place))
    if promised is not None and promised != len(articles):
        ledger.lose(str(path), f"the file promises {promised} articles, {len(articles)} are read", promised)
    if not articles:
        raise DataError(
            Place(str(path)),
            "holds no article of Nexis: no line `End of Document`, none like `1 of 30 DOCUMENTS`",
            hint="export full documents as DOCX, RTF, HTML or text",
        )
    return ledger.imported(unique(articles, path), {"complete": False})


def _parts(lines: list[str]) -> tuple[list[list[str]], int | None]:
    """The lines of each article, and how many the file says that there are."""
    promised = next((int(m[1]) for line in lines[:200] if (m := _PROMISED.fullmatch(line))), None)
    ends = [i for i, line in enumerate(lines) if END.fullmatch(line)]
    if ends:
        starts = [0, *(i + 1 for i in ends[:-1])]
        return [lines[a:b] for a, b in zip(starts, ends, strict=True)], promised
    numbered = [(i, m) for i, line in enumerate(lines) if (m := NUMBERED.fullmatch(line))]
    borders = [*(i for i, _ in numbered), len(lines)]
    if numbered:
        promised = int(numbered[0][1][2])
    return [lines[a + 1 : b] for a, b in pairwise(borders)], promised


def _article(lines: list[str], place: Place, ledger: Ledger) -> RawArticle | None:
    head, body, behind = _cut(lines)
    text = paragraphs(body)
    if not text:
        ledger.lose(place, "an article without a body is left out")
        return None
    labels: dict[str, str] = {}
    for name, words in [*_labels(head), *_labels(behind)]:
        labels[name] = f"{labels[name]}; {words}" if name in labels else words
    record = ledger.record(labels, place)
    foot = [line for line in behind if _COPYRIGHT.match(line) or _RESERVED.match(line)]
    plain = [*(line for line in head if _label(line) is None), *foot]
    raw = _heading(plain, record, place, ledger)
    raw.body = text
    raw.language = known_language(str(record.get("language") or ""), place, ledger)
    raw.notes |= {name: " ".join(str(record[name]).split()) for name in CARRIED if name in record}
    for name in labels:
        if name not in {*CARRIED, *BOOKKEEPING, "language", "headline"}:
            record.lose(name, f"`{name}` is not carried")
    return raw


def _cut(lines: list[str]) -> tuple[list[str], list[str], list[str]]:
    """What stands before the body, the body, and what stands behind it."""
    begin = next((i for i, line in enumerate(lines) if (_name(line) == "body")), None)
    if begin is None:
        # LexisNexis: the body follows the last label of the head
        labelled = [i for i, line in enumerate(lines) if _name(line) is not None]
        inner = next((i for i in labelled if _name(lines[i]) == "length"), None)
        begin = inner if inner is not None else (labelled[0] if labelled else 0)
        while begin + 1 < len(lines) and (
            not lines[begin + 1].strip() or _name(lines[begin + 1]) in {*CARRIED, "length", "headline", "body"}
        ):
            begin += 1
    end = next((i for i in range(begin + 1, len(lines)) if _name(lines[i]) in _BEHIND), len(lines))
    first = [words] if (words := (_label(lines[begin]) or ("", ""))[1]) and _name(lines[begin]) == "body" else []
    return lines[: begin + 1], [*first, *lines[begin + 1 : end]], lines[end:]


def _name(line: str) -> str | None:
    """The label or the heading of a line, in lower-case English; None for a line of text."""
    if heading := _HEADING.fullmatch(line):
        return heading[1].casefold()
    labelled = _label(line)
    return labelled[0] if labelled else None


def _label(line: str) -> tuple[str, str] | None:
    m = _LABEL.fullmatch(line)
    if m is None:
        return None
    name = _GERMAN.get(m[1].casefold(), m[1].casefold()).replace("-code", " code")
    return (name, m[2].strip()) if name in _KNOWN else None


def _labels(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Labels with their words; the lines below a heading or a label belong to it."""
    name, words = "", ""
    for line in lines:
        if _COPYRIGHT.match(line):
            # the foot of an old article
            line = ""
        if labelled := _label(line):
            if name and words:
                yield name, words
            name, words = labelled
        elif (heading := _name(line)) is not None:
            if name and words:
                yield name, words
            name, words = heading, ""
        elif name in _BEHIND - {*BOOKKEEPING, "language"} and line.strip():
            words = f"{words} {line.strip()}".strip()
    if name and words and name != "body":
        yield name, words


def _heading(plain: list[str], record: Record, place: Place, ledger: Ledger) -> RawArticle:
    """Headline, publication, day and copyright of the unlabelled lines above the body.

    Nexis Uni has headline, publication and day in lines without a gap; LexisNexis has them one by one, the headline below
    the day or behind a label. An article with a correction can lack its day: the load date is taken then.
    """
    rights = [line.strip() for line in plain if _COPYRIGHT.match(line) or _RESERVED.match(line)]
    cover = max((i + 1 for i, line in enumerate(plain) if _COVER.match(line)), default=0)
    runs = list(_runs(line for line in plain[cover:] if line.strip() not in rights))
    dated = next((i for i in range(len(runs) - 1, -1, -1) if any(map(day_in, runs[i]))), None)
    notes: dict[str, str] = {}
    headline = " ".join(str(record.get("headline") or "").split())
    if dated is None:
        loaded = str(record.get("load-date") or "")
        day = day_in(loaded)
        ledger.lose(place, "its head names no day: the load date is taken" if day else "names no day")
        dated = next((i for i in range(len(runs) - 1, -1, -1) if len(runs[i]) > 1), 0)
        above, rest = (runs[dated], runs[dated + 1 :]) if runs else ([], [])
    else:
        at = next(i for i, line in enumerate(runs[dated]) if day_in(line))
        day = day_in(runs[dated][at])
        above, rest = runs[dated][:at], runs[dated + 1 :]
        notes["edition"] = " ".join(runs[dated][at + 1 :])
    if not above:
        above = next((run for run in reversed(runs[:dated]) if run), [])[-1:]
    if len(above) > 1 and above[-1].startswith("("):
        # a paper's blog: `The New York Times`, `(Sinosphere)`
        above = [*above[:-2], " ".join(above[-2:])]
    if not headline and len(above) > 1:
        headline = " ".join(above[:-1])
    elif not headline and rest:
        headline = " ".join(rest.pop(0))
    notes["besides"] = " ".join(line for run in rest for line in run)
    return RawArticle(
        headline=headline,
        body="",
        publication=above[-1] if above else None,
        date=day,
        licence=" ".join(" ".join(rights).split()) or None,
        notes=notes,
    )


def _runs(lines: Iterable[str]) -> Iterator[list[str]]:
    """Lines without a gap, without what is no part of the head."""
    run: list[str] = []
    for line in [*lines, ""]:
        words = " ".join(line.split())
        if words and not _ASIDE.fullmatch(words):
            run.append(words)
        elif run and not words:
            yield run
            run = []
