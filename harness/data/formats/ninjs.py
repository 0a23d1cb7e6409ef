"""ninjs 1, 2 and 3 (IPTC): news items in JSON as articles to label; import only.

`path` is a file with one item, with a list of them or with one a line, or a folder of such files. Mapping: `headlines` (the
one with role `main`, else the first), `headline`, `headline_*` → title; of `bodies`, `body_text`, `body_*` the plain text,
else the HTML or NITF turned into text → text; `by`, `byline`, `located`, `slugline` → the source's note; `provider`,
`copyrightHolder`, `source` → publisher; `contentCreated`, else `firstCreated`, else `versionCreated` → day; `uri` → url where
it is an address; `copyrightNotice` → licence; `language` → language. Names are read in the lower case of ninjs 1 and 2 and in
the camel case of 3.
Items without a body (pictures, events) are left out and counted. Not carried: subjects, people, places, organisations and other
controlled terms, descriptions, renditions, associations, further forms of the body, rights. Versions and dates of
administration are bookkeeping.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.data.formats.base import Ids, json_lines, parse_json, read_guarded, unique
from harness.data.formats.dates import day_in
from harness.data.formats.ledger import Imported, Ledger, Record
from harness.data.formats.markup import body_of
from harness.data.formats.raw_article import RawArticle
from harness.data.load import MAX_BYTES
from harness.errors import DataError, Place
from harness.types import Article

_PLAIN = (
    "type",
    "version",
    "standard",
    "$standard",
    "profile",
    "urgency",
    "pubstatus",
    "mimetype",
    "representationtype",
)
BOOKKEEPING = frozenset(
    {
        *_PLAIN,
        *("pubStatus", "representationType", "standard.name", "standard.version", "standard.schema", "expires", "etag"),
        *("bodies.wordcount", "bodies.charcount", "bodies.wordCount", "bodies.charCount", "bodies.role"),
        *("headlines.role", "headlines.wordcount", "headlines.charcount", "headlines.wordCount", "headlines.charCount"),
        *("headlines.contenttype", "headlines.contentType"),
    }
)


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """Every item with a body an article."""
    ledger = Ledger(bookkeeping=BOOKKEEPING)
    ids = Ids("item")
    articles = []
    for item in ledger.settled(_items(path)):
        article = _article(item, ids, ledger)
        if article is not None:
            articles.append(article)
    if not articles:
        raise DataError(
            Place(str(path)), "holds no ninjs item with a body", hint="give JSON files of the feed's text items"
        )
    return ledger.imported(unique(articles, path), {"complete": False})


def _items(path: Path) -> Iterator[tuple[dict[str, Any], Place]]:
    files = sorted(p for p in path.rglob("*.json*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        if file.suffix == ".jsonl":
            for number, row in json_lines(file):
                yield row, Place(str(file), number)
            continue
        content = parse_json(read_guarded(file, MAX_BYTES), Place(str(file)))
        items = content if isinstance(content, list) else [content]
        for n, item in enumerate(items, start=1):
            place = Place(str(file), field=f"item {n}" if len(items) > 1 else None)
            if not isinstance(item, dict):
                raise DataError(place, f"a {type(item).__name__}; a news item (an object) is wanted")
            if "uri" not in item:
                raise DataError(place, "has no `uri`: is no ninjs item", hint="give JSON files of a ninjs feed")
            yield item, place


def _article(item: Record, ids: Ids, ledger: Ledger) -> Article | None:
    uri = str(item["uri"])
    place = Place(item.place.file, item.place.line, uri)
    body = _body(item, place, ledger)
    if not body:
        item.drop("an item without a body (a picture, an event) is left out")
        return None
    by = [str(_first(item, name) or "") for name in ("by", "byline")]
    raw = RawArticle(
        headline=_headline(item, place, ledger),
        body=body,
        publication=_named(item, "provider") or _named(item, "copyrightholder") or _named(item, "source"),
        date=_day(item),
        url=uri if re.match(r"https?://", uri) else None,
        licence=str(_first(item, "copyrightnotice") or "") or None,
        language=(str(_first(item, "language") or "") or "en").split("-")[0].casefold(),
        notes={
            "by": next((" ".join(words.split()) for words in by if words.strip()), ""),
            "located": str(_first(item, "located") or ""),
            "slugline": str(_first(item, "slugline") or ""),
            "uri": "" if re.match(r"https?://", uri) else uri,
        },
    )
    return raw.article(ids, place)


def _keys(item: Record, name: str) -> list[str]:
    """The keys of an item that are that name in any case."""
    return [key for key in item if key.casefold() == name]


def _first(item: Record, name: str) -> Any:
    values = [item[key] for key in _keys(item, name)]
    return next((v for v in values if isinstance(v, str) and v.strip()), None)


def _named(item: Record, name: str) -> str | None:
    """The value of a key, or the name in the object that stands there."""
    for key in _keys(item, name):
        value = item[key]
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, Record) and isinstance(value.get("name"), str):
            return str(value["name"]).strip()
    return None


def _headline(item: Record, place: Place, ledger: Ledger) -> str:
    """The main headline; others are reported."""
    rows = [h for key in _keys(item, "headlines") for h in item[key] if isinstance(h, Record)]
    # a stable sort: the main one first
    rows.sort(key=lambda h: h.get("role") != "main")
    texts = [str(h.get("value") or "") for h in rows]
    names = [*_keys(item, "headline"), *sorted(k for k in item if k.startswith("headline_"))]
    if not texts and not names:
        names = _keys(item, "title")
    texts += [str(item[key] or "") for key in names]
    plain = [" ".join(re.sub(r"<[^>]+>", "", t).split()) for t in texts]
    plain = list(dict.fromkeys(p for p in plain if p))
    if len(plain) > 1:
        ledger.lose(place, "further headlines are not carried", len(plain) - 1)
    return plain[0] if plain else ""


def _body(item: Record, place: Place, ledger: Ledger) -> str:
    """The text of the form of the body that is nearest to plain text."""
    forms: list[tuple[int, str, str]] = []
    for key in _keys(item, "bodies"):
        for row in item[key] if not isinstance(item[key], str | Record) else []:
            kind = str(next((row[k] for k in row if k.casefold() == "contenttype"), "") or row.get("role") or "")
            value = row.get("value")
            if isinstance(value, str) and value.strip():
                forms.append((_rank(kind, value), value, kind))
    for key in item:
        value = item[key] if key.startswith("body_") else None
        if isinstance(value, str) and value.strip():
            forms.append((_rank(key, value), value, "text/plain" if key == "body_text" else "text/html"))
    if not forms:
        return ""
    if len(forms) > 1:
        ledger.lose(place, "further forms of the body are not carried", len(forms) - 1)
    _, value, kind = min(forms, key=lambda form: form[0])
    body = body_of(value, kind, place)
    body.settle(place, ledger)
    return body.text


def _rank(kind: str, value: str) -> int:
    marked = re.search(r"<\w[^>]*>", value) is not None
    return 3 if "nitf" in kind.casefold() else 2 if marked else 0 if "text" in kind.casefold() else 1


def _day(item: Record) -> Any:
    days = [day_in(str(_first(item, name) or "")) for name in ("contentcreated", "firstcreated", "versioncreated")]
    return next((day for day in days if day is not None), None)
