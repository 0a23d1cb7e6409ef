"""Marked-up bodies of articles as plain text: HTML through inscriptis (the extra `formats`), NITF by its paragraphs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from harness.data.formats.extras import extra
from harness.data.formats.ledger import Ledger
from harness.data.formats.raw_article import paragraphs
from harness.data.formats.xml_tree import local_name, tree_of
from harness.errors import Place

_NITF_BLOCKS = frozenset({"p", "hl1", "hl2", "li", "dt", "dd", "tr", "pre", "bq", "credit", "note"})


@dataclass(frozen=True)
class Body:
    """The text of an article, and by name the elements of its markup whose words are not in it."""

    text: str
    left_out: Counter[str] = field(default_factory=Counter)

    def settle(self, place: Place, ledger: Ledger) -> None:
        """Lists what was left out."""
        for name, n in sorted(self.left_out.items()):
            ledger.lose(place, f"`{name}` of the text's markup is not carried", n)


def plain_text(markup: str) -> str:
    """The words of an HTML fragment, its paragraphs parted by an empty line; links, styles and pictures fall away."""
    inscriptis = extra("inscriptis", "inscriptis", "an HTML body")
    # a fragment of several paragraphs is not one element
    lines = inscriptis.get_text(f"<html><body>{markup}</body></html>").split("\n")
    blocks: list[str] = [""]
    for line in lines:
        words = line.strip(" \t")
        if words:
            blocks[-1] = f"{blocks[-1]}\n{words}".strip("\n")
        elif blocks[-1]:
            blocks.append("")
    return paragraphs(blocks)


def nitf_body(root: Any) -> Body:
    """The paragraphs of an NITF article's `body.content` (lxml), without its head; of all of it where it has none."""
    content = next((e for e in root.iter() if local_name(e) == "body.content"), root)
    blocks = {}
    for element in content.iter():
        inner = any(local_name(e) in _NITF_BLOCKS for e in element.iterdescendants())
        if local_name(element) in _NITF_BLOCKS and not inner and not _in_media(element):
            blocks[element] = " ".join("".join(element.itertext()).split())
    return Body(paragraphs(list(blocks.values())), words_outside(root, blocks))


def words_outside(root: Any, read: Collection[Any]) -> Counter[str]:
    """How many elements of a name (lxml) have words outside those that are read; one without such counts as a whole."""
    outside: Counter[str] = Counter()
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if element in read or not local_name(element):
            continue
        holds = any(e in read for e in element.iterdescendants())
        words = own_words(element) if holds else "".join(element.itertext())
        outside[local_name(element)] += bool(words.strip())
        waiting += list(element) if holds else []
    return +outside


def own_words(element: Any) -> str:
    """What stands in an element (lxml) itself, not in those that it holds."""
    return "".join([element.text or "", *(child.tail or "" for child in element)])


def body_of(value: str, content_type: str, place: Place) -> Body:
    """The plain text of a body that a feed calls plain, HTML or NITF, or whose first sign says so."""
    kind = content_type.casefold()
    if "nitf" in kind:
        return nitf_body(tree_of(re.sub(r"<!DOCTYPE[^>\[]*>", "", value).encode(), place))
    if "plain" in kind or not re.search(r"<\w[^>]*>", value):
        return Body(paragraphs(value.replace("\r\n", "\n").split("\n")))
    return Body(plain_text(value))


def _in_media(element: Any) -> bool:
    return any(local_name(e).startswith("media") for e in element.iterancestors())
