"""NewsML-G2 (IPTC): news items in XML as articles to label; import only.

`path` is a file with a `newsItem` or a `newsMessage` of many, or a folder of such files. Mapping: `contentMeta/headline` →
title; of `contentSet` the plain text, else XHTML, HTML or NITF turned into text → text; `by`, else the creators' names,
`located` and `slugline` → the source's note; the provider's, else the information source's, else the copyright holder's name →
publisher; `contentCreated`, else `firstCreated`, else `versionCreated` → day; `copyrightNotice` → licence; `language` →
language; a `guid` that is an address → url. Items without inline text (pictures, film, packages, events, knowledge) are left
out and counted.
Not carried: subjects and other controlled terms, descriptions, links, remote content, further forms of the text, usage terms;
every element or attribute that is not read is counted by its name. Of XHTML and NITF the words count: elements whose words are
not in the text are counted, attributes are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lxml import etree

from harness.data.formats.base import Ids, read_guarded, unique
from harness.data.formats.dates import day_in
from harness.data.formats.ledger import Imported, Ledger
from harness.data.formats.markup import Body, body_of, nitf_body, own_words, plain_text, words_outside
from harness.data.formats.raw_article import RawArticle
from harness.data.formats.xml_tree import Vocabulary, local_name, tree_of
from harness.data.load import MAX_BYTES
from harness.errors import DataError, Place
from harness.types import Article

BOOKKEEPING = frozenset(
    {"catalogRef", "catalog", "itemClass", "pubStatus", "versionCreated", "firstCreated", "contentCreated", "contentModified"}
    | {"embargoed", "generator", "profile", "urgency", "role", "service", "fileName", "title", "altId", "hash", "timestamp"}
    | {"sent", "sender", "transmitId", "priority", "origin", "destination", "channel"}
)  # fmt: skip
_HEADS = ("contentMeta", "itemMeta", "rightsInfo")
_OTHER_ITEMS = {"packageItem", "conceptItem", "knowledgeItem", "catalogItem", "planningItem"}
_KNOWN = Vocabulary(
    read=frozenset(
        {"newsMessage", "header", "itemSet", "newsItem", *_HEADS, "contentSet", "copyrightHolder", "provider", "infoSource"}
        | {"creator", "located", "language", "name", "inlineData"}
    ),
    words=frozenset({"headline", "slugline", "by", "copyrightNotice"}),
    markup=frozenset({"a", "br", "span", "inline", "ruby", "rb", "rp", "rt"}),
    forms={"inlineXML": ("nitf", "html", "body", "article", "section", "div", "p")},
    bookkeeping=BOOKKEEPING,
    attributes=frozenset(
        {"guid", "version", "standard", "standardversion", "conformance", "schemaLocation", "lang", "dir", "id", "creator"}
        | {"modified", "how", "why", "qcode", "uri", "literal", "type", "tag", "contenttype", "contenttypevariant", "format"}
        | {"href", "rendition", "wordcount", "charcount", "role", "rank", "encoding", "size"}
    ),
    elsewhere=frozenset({"newsItem", *_OTHER_ITEMS}),
)  # fmt: skip


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """Every item with inline text an article."""
    ledger = Ledger(bookkeeping=BOOKKEEPING)
    ids = Ids("item")
    articles = []
    files = sorted(p for p in path.rglob("*.xml") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        place = Place(str(file))
        root = tree_of(read_guarded(file, MAX_BYTES), place)
        if local_name(root) == "NewsML":
            raise DataError(
                place, "is NewsML 1, another format than NewsML-G2", hint="ask the agency for its G2 or ninjs feed"
            )
        if local_name(root) not in _KNOWN.elsewhere:
            _KNOWN.account(root, place, ledger)
        for item in _items(root, place, ledger):
            article = _article(item, Place(str(file), item.sourceline, item.get("guid")), ids, ledger)
            if article is not None:
                articles.append(article)
    if not articles:
        raise DataError(
            Place(str(path)), "holds no NewsML-G2 item with inline text", hint="give the XML of the feed's text items"
        )
    return ledger.imported(unique(articles, path), {"complete": False})


def _items(root: Any, place: Place, ledger: Ledger) -> Iterator[Any]:
    for element in root.iter():
        name = local_name(element)
        if name == "newsItem":
            yield element
        elif name in _OTHER_ITEMS:
            ledger.lose(Place(place.file, element.sourceline), f"`{name}` holds no text: left out")


def _article(item: Any, place: Place, ids: Ids, ledger: Ledger) -> Article | None:
    bodies = _bodies(item, place)
    if not bodies:
        ledger.lose(place, "an item without inline text is left out")
        return None
    if len(bodies) > 1:
        ledger.lose(place, "further forms of the text are not carried", len(bodies) - 1)
    bodies[0].settle(place, ledger)
    _KNOWN.account(item, place, ledger)
    guid = item.get("guid") or ""
    days = [day_in(_words(item, name)) for name in ("contentCreated", "firstCreated", "versionCreated")]
    language = next((e.get("tag") for e in item.iter() if local_name(e) == "language" and e.get("tag")), None)
    language = language or item.get("{http://www.w3.org/XML/1998/namespace}lang") or "en"
    raw = RawArticle(
        headline=_words(item, "headline"),
        body=bodies[0].text,
        publication=_name(item, "provider") or _name(item, "infoSource") or _name(item, "copyrightHolder") or None,
        date=next((day for day in days if day is not None), None),
        url=guid if re.match(r"https?://", guid) else None,
        licence=_words(item, "copyrightNotice") or None,
        language=str(language).split("-")[0].casefold(),
        notes={
            "by": _words(item, "by") or _name(item, "creator"),
            "located": _name(item, "located"),
            "slugline": _words(item, "slugline"),
            "guid": "" if re.match(r"https?://", guid) else guid,
        },
    )
    return raw.article(ids, place)


def _bodies(item: Any, place: Place) -> list[Body]:
    """The forms of the text that are inline, the plainest first."""
    forms: list[tuple[int, Body]] = []
    for element in item.iter():
        kind = (element.get("contenttype") or "").casefold()
        inner = _KNOWN.form(element)
        if local_name(element) == "inlineData":
            forms.append((0 if "plain" in kind else 1, body_of(own_words(element), kind, place)))
        elif inner is not None and (local_name(inner) == "nitf" or "nitf" in kind):
            forms.append((2, nitf_body(inner)))
        elif inner is not None:
            forms.append((1, _html_body(inner)))
    return [body for _, body in sorted(forms, key=lambda form: form[0]) if body.text.strip()]


def _html_body(element: Any) -> Body:
    """XHTML read as HTML without namespaces, and without its head."""
    for e in element.iter():
        if isinstance(e.tag, str):
            e.tag = local_name(e)
    body = element.find(".//body")
    body = element if body is None else body
    markup = etree.tostring(body, encoding="unicode", method="html", with_tail=False)
    return Body(plain_text(str(markup)), words_outside(element, {body}))


def _words(item: Any, name: str) -> str:
    """The words of the first element of that name in the item's head."""
    for part in item:
        if local_name(part) in _HEADS:
            for element in part:
                if local_name(element) == name:
                    return " ".join("".join(element.itertext()).split())
    return ""


def _name(item: Any, name: str) -> str:
    """The names, else the literal or code, of the elements of that name in the item's head."""
    names = []
    for part in item:
        if local_name(part) in _HEADS:
            for element in (e for e in part if local_name(e) == name):
                inner = next((" ".join("".join(e.itertext()).split()) for e in element if local_name(e) == "name"), "")
                names.append(inner or element.get("literal") or (element.get("qcode") or "").rpartition(":")[2])
    return "; ".join(n for n in names if n)
