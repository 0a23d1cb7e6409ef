"""What a dataset is, whatever its files look like: SHA-256 over the canonical content of its articles."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable
from functools import cache
from typing import Any

from harness.types import Article


def fingerprint(articles: list[Article] | tuple[Article, ...]) -> str:
    """SHA-256 over the canonical content, independent of file names, order, comments and layout."""
    digest = hashlib.sha256()
    for article in sorted(articles, key=lambda a: a.id):
        add_to_digest(article, digest)
    return digest.hexdigest()


def add_to_digest(article: Article, digest: hashlib._Hash) -> None:
    """Adds one article's canonical content; a set's are added in the order of their ids."""
    content = _canonical(article)
    if article.complete:
        # as it was before there were incomplete sets: their arrival changed no fingerprint
        del content["complete"]
    digest.update(_ENCODER.encode(content).encode())
    digest.update(b"\n")


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=str)
_CAME_LATER = ("contrast", "canary", "paraphrases", "negated", "added_speakers", "silent_names")
"""Fields that sets of version 1.0 did not have: empty, they do not enter a fingerprint."""


def _canonical(value: Any) -> Any:
    """Records as mappings without empty fields that came later; unlike `asdict` it copies no value, which matters with many
    articles."""
    kind: Any = type(value)
    if kind is str or value is None:
        return value
    if kind is tuple:
        return [_canonical(part) for part in value]
    names = _names_of(kind)
    if not names:
        return value
    content = {name: _canonical(getattr(value, name)) for name in names}
    for name in _CAME_LATER:
        if name in content and not content[name]:
            del content[name]
    return content


@cache
def _names_of(kind: Hashable) -> tuple[str, ...]:
    """The fields of a record's type; none of another's."""
    return tuple(getattr(kind, "__dataclass_fields__", ()))
