"""Transcripts of debates: who has the floor from where to where, read from the heading lines, and one speaker's words."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from harness.types import Article, Speaker

# TheyWorkForYou: the caption and the name run together, then the office: "Photo of Jack StrawJack Straw Foreign Secretary"
_NAMED = re.compile(r"^Photo of (?P<name>[^ \n]+ [^\n]+?)(?P=name)(?P<office>[^\n]*)$", re.MULTILINE)
_NAMELESS = re.compile(r"(?<=\)\n)(?:Several )?[Hh]on\. Members:$", re.MULTILINE)
_END = re.compile(r"^Link to this (?:speech|item)$", re.MULTILINE)
_TITLE = re.compile(r"^(?:mr|mrs|ms|miss|dr|sir|dame|lord|lady|prof|rt|hon|the|reverend|rev)\.?$")


class Speech(NamedTuple):
    """`text[start:end]` is the speech with its heading, `text[body:end]` what was said; `name` is None for unnamed members."""

    name: str | None
    start: int
    body: int
    end: int


@lru_cache(maxsize=64)
def speeches(text: str) -> tuple[Speech, ...]:
    """The speeches of a transcript in order; empty for a text without such a heading.

    A heading is a line `Photo of NAMENAME office`, or `Several hon. Members:` after a citation, as TheyWorkForYou prints
    Hansard. A speech goes from its heading to `Link to this speech`, or to the next heading.
    """
    named = [(m.group("name"), m.start(), m.end()) for m in _NAMED.finditer(text)]
    if not named:
        return ()
    headings = sorted([*named, *((None, m.start(), m.end()) for m in _NAMELESS.finditer(text))], key=lambda h: h[1])
    ends = [*(h[1] for h in headings[1:]), len(text)]
    spans = []
    for (name, start, body), end in zip(headings, ends, strict=True):
        closed = _END.search(text, body, end)
        spans.append(Speech(name, start, body, closed.start() if closed else end))
    return tuple(spans)


def own_speeches(article: Article, speaker: Speaker) -> tuple[Speech, ...]:
    """The speeches whose heading names the speaker (`same_person`)."""
    return tuple(
        s for s in speeches(article.text) if s.name is not None and any(same_person(n, s.name) for n in speaker.names)
    )


def words_of(article: Article, speaker: Speaker) -> Article:
    """The article as a stance classifier reads it for that speaker.

    A transcript is cut to the speaker's own speeches with their headings; where no heading names the speaker, to the
    lines that do; any other article is returned as it is. Gold and evidence play no part.
    """
    if not speeches(article.text):
        return article
    spoken = own_speeches(article, speaker)
    if spoken:
        return replace(article, text="\n".join(article.text[s.start : s.end].rstrip() + "\n" for s in spoken))
    naming = name_pattern(speaker)
    return replace(article, text="\n".join(line for line in article.text.split("\n") if naming.search(line)))


def name_pattern(speaker: Speaker) -> re.Pattern[str]:
    """Matches any of the speaker's names as whole words, longest first."""
    names = sorted({n for n in speaker.names if n.strip()}, key=len, reverse=True)
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, names)) + r")(?!\w)")


def same_person(name: str, heading: str) -> bool:
    """Whether a heading names that person: the same words without titles, or initials and surname (`ID Smith`)."""
    return _words(name) == _words(heading) or _initialled(name) == _initialled(heading, spelt=True)


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    folded = unicodedata.normalize("NFKD", name.replace("’", "'")).casefold()
    plain = "".join(ch for ch in folded if not unicodedata.combining(ch))
    return tuple(w for w in plain.split() if not _TITLE.match(w))


@lru_cache(maxsize=4096)
def _initialled(name: str, *, spelt: bool = False) -> tuple[str, str] | None:
    """(initials, surname): of a full name if `spelt`, else of `JO Jones`; None where a name has no such form."""
    words = _words(name)
    if len(words) < 2:
        return None
    first_names = words[:-1]
    if spelt:
        return "".join(w[0] for w in first_names), words[-1]
    initials = "".join(w.rstrip(".") for w in first_names)
    first = name.split()[0].replace(".", "")
    return (initials, words[-1]) if len(first_names) == 1 and len(first) <= 3 and first.isupper() else None
