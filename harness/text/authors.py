"""The author of a text who speaks in it: of an op-ed, where somebody says `I` outside quotations."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import regex

from harness.text.body import body_sentences
from harness.text.speaker_cues import lexicon, name_pattern, unquoted
from harness.types import Article

LEAST_SENTENCES = 3
"""Sentences in the first person from which a text has an author who speaks, where no byline or word such as `Opinion` says so."""
_TURN = regex.compile(r"^\W*\p{Lu}[\p{L}. ’'-]{0,40}:\s", regex.MULTILINE)
"""A line of an interview or transcript."""
_TURNS = 4
_TOP, _BOTTOM = 8, 4
"""Lines that may have a byline, at either end of a text."""


class Author(NamedTuple):
    """Who wrote the text (None where no line says so), the word in which he or she speaks, and the sentences that do."""

    name: str | None
    pronoun: str
    places: tuple[tuple[int, int], ...]


def author(article: Article) -> Author | None:
    """The author, where the text speaks in the first person; None where it does not, and for interviews and transcripts.

    The name stands in a byline (`By Ada Brandt`) or in a line at the end (`Ada Brandt is a former minister`).
    """
    outside = unquoted(article.text)
    if len(_TURN.findall(article.text)) >= _TURNS:
        return None
    patterns = _patterns(article.language)
    places, pronoun = [], ""
    for sentence in body_sentences(article):
        match = patterns.first_person.search(outside, sentence.start, sentence.end)
        if match:
            places.append((sentence.start, sentence.end))
            pronoun = pronoun or match.group()
    lines = [line.strip() for line in article.text.splitlines() if line.strip()]
    name = next((m["name"] for line in (*lines[:_TOP], *lines[-_BOTTOM:]) if (m := patterns.byline.match(line))), None)
    name = name or next((m["name"] for line in lines[-_BOTTOM:] if (m := patterns.biography.match(line))), None)
    marked = any(patterns.opinion.search(line) for line in (article.title, *lines[:3]))
    least = 1 if marked or name else LEAST_SENTENCES
    return Author(name, pronoun, tuple(places)) if len(places) >= least else None


class _Patterns(NamedTuple):
    first_person: regex.Pattern[str]
    byline: regex.Pattern[str]
    biography: regex.Pattern[str]
    opinion: regex.Pattern[str]


@cache
def _patterns(language: str) -> _Patterns:
    lex, name = lexicon(language), name_pattern(language)
    first_person = "I" if language == "en" else f"(?i:{lex.first_person})"
    return _Patterns(
        first_person=regex.compile(rf"(?<![\p{{L}}.’'-])(?:{first_person})(?![\p{{L}}-]|\.\s?\p{{Lu}}[\p{{Ll}}.])"),
        byline=regex.compile(rf"(?i:{lex.byline}):?\s+(?P<name>{name})(?:\s*[,|;/(·].*)?\.?$"),
        biography=regex.compile(
            rf"\W*(?P<name>{name}\s+(?:{name}))(?:,[^,]{{1,60}},)?\s+(?:is|was|ist|est|es|—|–|-)\s"
        ),
        opinion=regex.compile(rf"(?<!\p{{L}})(?i:{lex.opinion})(?!\p{{L}})"),
    )
