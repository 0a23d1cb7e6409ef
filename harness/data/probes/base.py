"""What a probe is: a pure change of one article, what becomes of its labels, and what it may look at besides."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.data.probes.names import Names
from harness.data.probes.translations import Translation
from harness.types import Article

Expects = Literal["same", "mirrored", "contrast", "no_stance", "memory"]
"""What a reader answers after the change: the same label; the label mirrored; the new label where it is another, and both
right; `no_stance`; or `no_stance` again, where right answers by the labels of the unchanged article are memory or a shortcut."""


@dataclass(frozen=True)
class Material:
    """What a probe may look at besides the article: the other articles, the set's lexicon of names, its translations by
    (language, article)."""

    articles: tuple[Article, ...] = ()
    names: Names = field(default_factory=Names)
    translations: Mapping[tuple[str, str], Translation] = field(default_factory=dict)


Change = Callable[[Article, str, Material], Article | None]
"""The changed article of a variant, under the same ids; None where the probe does not apply. Pure: the same arguments give
the same article. Its docstring proves that the labels of what it returns are right."""


@dataclass(frozen=True)
class Probe:
    """A change of articles (or, with `of_prompt`, of a system's prompt in some variants) with a known right answer.

    Variants of one probe are several changes of the same kind; `pools` says that their items are counted together, else
    each is scored apart. Of a whole set at most `most` pairs are asked about (None: all): see `changed_articles` in the suite.
    """

    name: str
    change: Change
    expects: Expects
    says: str
    variants: tuple[str, ...] = ("",)
    pools: bool = True
    of_prompt: frozenset[str] = frozenset()
    most: int | None = None


def drawn(*parts: str) -> int:
    """A number that depends on the parts alone, the same on every machine: for choices without a generator."""
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "big")
