"""Marked-up bodies of articles as plain text: HTML through inscriptis (the extra `formats`), NITF by its paragraphs."""

from __future__ import annotations

import re
from typing import Any

from harness.data.formats.extras import extra
from harness.data.formats.raw_article import paragraphs
from harness.data.formats.xml_tree import local_name, tree_of
from harness.errors import Place

_NITF_BLOCKS = frozenset({"p", "hl1", "hl2", "li", "dt", "dd", "tr", "pre", "bq", "credit", "note"})


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


def nitf_text(root: Any) -> str:
    """The paragraphs of an NITF article's `body.content` (lxml), without its head; of all of it where it has none."""
    content = next((e for e in root.iter() if local_name(e) == "body.content"), root)
    blocks = []
    for element in content.iter():
        inner = any(local_name(e) in _NITF_BLOCKS for e in element.iterdescendants())
        if local_name(element) in _NITF_BLOCKS and not inner and not _in_media(element):
            blocks.append(" ".join("".join(element.itertext()).split()))
    return paragraphs(blocks)


def body_text(value: str, content_type: str, place: Place) -> str:
    """The plain text of a body that a feed calls plain, HTML or NITF, or whose first sign says so."""
    kind = content_type.casefold()
    if "nitf" in kind:
        return nitf_text(tree_of(re.sub(r"<!DOCTYPE[^>\[]*>", "", value).encode(), place))
    if "plain" in kind or not re.search(r"<\w[^>]*>", value):
        return paragraphs(value.replace("\r\n", "\n").split("\n"))
    return plain_text(value)


def _in_media(element: Any) -> bool:
    return any(local_name(e).startswith("media") for e in element.iterancestors())
