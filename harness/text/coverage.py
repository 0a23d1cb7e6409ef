"""Quotations of an article to which no known speaker belongs: how sure it is that somebody is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from harness.text.body import body_sentences
from harness.text.marks import plain_marks
from harness.text.speaker_cues import QUOTED, languages, mentions, name_words
from harness.types import Article


class Coverage(NamedTuple):
    """How sure it is that somebody is missing: quotations of three words or more, and those without an owner among them."""

    n_quotations: int
    unowned: tuple[tuple[int, int], ...]


def coverage(article: Article, names: Iterable[str]) -> Coverage:
    """Which quotations stand in no sentence that names one of `names`, nor in the one after such a sentence."""
    forms = set(names)
    last_words = (
        {name_words(form, article.language)[-1:] for form in forms} if article.language in languages() else set()
    )
    quotations: list[tuple[int, int]] = []
    unowned: list[tuple[int, int]] = []
    owned_before = False
    for sentence in body_sentences(article):
        plain = plain_marks(sentence.text)
        outside = QUOTED.sub(lambda m: '"' + " " * (len(m.group()) - 2) + '"', plain)
        named = any(form in sentence.text for form in forms) or (
            article.language in languages()
            and any(
                name_words(m.form, article.language)[-1:] in last_words
                for m in mentions(outside, sentence.text, sentence.start, article.language)
            )
        )
        for match in QUOTED.finditer(plain):
            if len(match[1].split()) >= 3:
                span = (sentence.start + match.start(1), sentence.start + match.end(1))
                quotations.append(span)
                if not (named or owned_before):
                    unowned.append(span)
        owned_before = named or (owned_before and QUOTED.search(plain) is not None)
    return Coverage(len(quotations), tuple(unowned))
