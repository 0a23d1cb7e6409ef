"""Sentences of an article without headlines that are repeated inside its text, and its sentences about a speaker."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import lru_cache

from harness.text.marks import plain_marks, plain_text
from harness.text.quotations import quotation_before
from harness.text.sentences import Sentence, sentences
from harness.text.speeches import name_pattern, own_speeches, speeches
from harness.types import Article, Speaker

_PRONOUN = re.compile(r"\W*(he|she|they|it|his|her|their|its)\b", re.IGNORECASE)
_PARAGRAPH = re.compile(r"[^\n]+")


def body_sentences(article: Article) -> tuple[Sentence, ...]:
    """The article's sentences in order, with their spans in its text; repeated headlines are left out."""
    return _body_sentences(article.title, article.text, article.language)


@lru_cache(maxsize=4096)
def _body_sentences(title: str, text: str, language: str) -> tuple[Sentence, ...]:
    headlines = repeated_headlines(title, text)
    return tuple(s for s in sentences(text, language) if not any(a <= s.start and s.end <= b for a, b in headlines))


def repeated_headlines(title: str, text: str) -> list[tuple[int, int]]:
    """Spans of lines that are the title, or that stand more than once, are short and do not end like a sentence.

    A text is never emptied: where all its lines would go, only titles do; where all are titles, none does.
    """
    lines = [(_fold(m.group()), m.span()) for m in _PARAGRAPH.finditer(text) if m.group().strip()]
    counts = Counter(line for line, _ in lines)
    titles = [span for line, span in lines if line == _fold(title)]
    both = [
        span
        for line, span in lines
        if line == _fold(title)
        or (counts[line] > 1 and len(line.split()) <= 20 and not line.endswith((".", "?", "!", '"', "”")))
    ]
    return next((spans for spans in (both, titles) if len(spans) < len(lines)), [])


def sentences_about(article: Article, speaker: Speaker) -> tuple[Sentence, ...]:
    """Sentences that name the speaker, each with the next ones as long as they begin with a pronoun.

    Of a transcript (`harness.text.speeches`): the sentences of the speaker's own speeches, without the headings.
    """
    if speeches(article.text):
        return tuple(
            Sentence(x.start + speech.body, x.end + speech.body, x.text)
            for speech in own_speeches(article, speaker)
            for x in sentences(article.text[speech.body : speech.end], article.language)
        )
    pattern = name_pattern(speaker)
    about: list[Sentence] = []
    follows = False
    for sentence in body_sentences(article):
        follows = pattern.search(sentence.text) is not None or (follows and _PRONOUN.match(sentence.text) is not None)
        if follows:
            about.append(sentence)
    return tuple(about)


def words_about(article: Article, speaker: Speaker) -> list[str]:
    """`sentences_about` for lexicons and n-grams: in plain marks, names found in either dress, and with each sentence the
    quotation that it gives to the speaker (`"Will they kill us?" Olm asked.`)."""
    if speeches(article.text):
        return [plain_text(s.text) for s in sentences_about(article, speaker)]
    names = tuple(map(plain_marks, speaker.names))
    pattern = name_pattern(speaker if names == speaker.names else replace(speaker, name=names[0], aliases=names[1:]))
    whole = body_sentences(article)
    chosen: list[Sentence] = []
    follows = False
    for n, sentence in enumerate(whole):
        plain = plain_marks(sentence.text)
        named = pattern.search(plain) is not None
        follows = named or (follows and _PRONOUN.match(plain) is not None)
        if named and (quotation := quotation_before(article.text, whole, n)) is not None and quotation not in chosen:
            chosen.append(quotation)
        if follows:
            chosen.append(sentence)
    return [plain_text(s.text) for s in chosen]


def _fold(line: str) -> str:
    return " ".join(line.split()).casefold()
