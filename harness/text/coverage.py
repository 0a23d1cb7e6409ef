"""Quotations of an article to which no known speaker belongs: how sure it is that somebody is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import regex

from harness.text.body import body_sentences
from harness.text.speaker_cues import languages, mentions, name_words, quotations, unquoted
from harness.types import Article

LEAST_WORDS = 3


class Coverage(NamedTuple):
    """How sure it is that somebody is missing: quotations of three words or more, and those without an owner among them."""

    n_quotations: int
    unowned: tuple[tuple[int, int], ...]


def coverage(article: Article, names: Iterable[str]) -> Coverage:
    """Which quotations stand in no sentence that names one of `names`, nor in the one after such a sentence."""
    forms = set(names)
    # as whole words: an author is also called `I`
    form = regex.compile(rf"(?<!\w)(?:{'|'.join(map(regex.escape, forms)) or '(?!)'})(?!\w)")
    last_words = (
        {name_words(name, article.language)[-1:] for name in forms} if article.language in languages() else set()
    )
    all_spans: list[tuple[int, int]] = []
    unowned: list[tuple[int, int]] = []
    owned_before = False
    for sentence in body_sentences(article):
        outside = unquoted(sentence.text)
        named = form.search(sentence.text) is not None or (
            article.language in languages()
            and any(
                name_words(m.form, article.language)[-1:] in last_words
                for m in mentions(outside, sentence.text, sentence.start, article.language)
            )
        )
        spans = [(sentence.start + start, sentence.start + end) for start, end in quotations(sentence.text)]
        for start, end in spans:
            if len(article.text[start:end].split()) >= LEAST_WORDS:
                all_spans.append((start, end))
                if not (named or owned_before):
                    unowned.append((start, end))
        owned_before = named or (owned_before and bool(spans))
    return Coverage(len(all_spans), tuple(unowned))
