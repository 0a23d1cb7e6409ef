"""Candidates of the finder `cues`: mentions that mean one speaker, gathered, and the features by which a candidate is weighed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import regex

from harness.text.body import body_sentences
from harness.text.speaker_cues import Mention, mentions, name_words, pronoun_speaks, unquoted
from harness.types import Article

CUES = (
    *("say_after", "act_after", "verb_after", "lean_after", "passive_after", "possessive", "colon_after", "calling"),
    *("strong_after", "relative", "of_whose", "progressive", "noun_after", "strong_before", "the", "title"),
    *("say_before", "object_of", "according", "preposition", "by", "first", "joined", "comma", "quotation"),
    *("distant", "joined_say", "place", "pronoun", "pronoun_quotes"),
)
SHAPE = (
    *(
        "n",
        "words",
        "surname_alone",
        "acronym",
        "place share",
        "single",
        "headline",
        "plural",
        "full forms",
        "early",
        "person",
    ),
    *("capitals", "share of mentions"),
)
FEATURES = (*(f"{cue} {how}" for cue in CUES for how in ("any", "share", "log")), *SHAPE)
WORDS = ("noun", "leader", "follower")
WORD_FEATURES = ("noun", *(f"{role} {how}" for role in WORDS[1:] for how in ("most", "mean")))
"""Features of English alone: how much the words themselves and those beside them speak for a speaker."""
_LOWER = regex.compile(r"(?<![\p{L}\p{M}])\p{Ll}[\p{L}\p{M}]+")


@dataclass
class Candidate:
    """One who may be a speaker: the words of the fullest name, and every mention in order."""

    words: tuple[str, ...]
    mentions: list[Mention] = field(default_factory=list)

    @property
    def common(self) -> bool:
        """Whether it is named by a noun in lower case."""
        return self.mentions[0].common

    @property
    def noun(self) -> str:
        """The last word in lower case."""
        return self.words[-1].casefold()


@dataclass
class Gathering:
    """Candidates in order of appearance, while mentions are added to them."""

    language: str
    candidates: list[Candidate] = field(default_factory=list)
    _by_last: dict[str, list[Candidate]] = field(default_factory=dict)

    def add(self, mention: Mention) -> Candidate | None:
        """The candidate whom a mention means: one that is there, by the last words of the name, or a new one; None for titles
        alone."""
        words = name_words(mention.form, self.language)
        if not words:
            return None
        namesakes = self._by_last.setdefault(words[-1].casefold(), [])
        known = next((c for c in namesakes if c.common == mention.common and _same(c.words, words)), None)
        if known is None:
            known = Candidate(words)
            self.candidates.append(known)
            namesakes.append(known)
        known.words = max(known.words, words, key=len)
        known.mentions.append(mention)
        return known


def candidates(article: Article, nouns: frozenset[str] = frozenset()) -> list[Candidate]:
    """Everybody who may be a speaker, in order of appearance; `nouns` may be speakers wherever they stand."""
    gathering = Gathering(article.language)
    subject: Candidate | None = None
    for sentence_mentions, pronoun in _sentences(article, nouns):
        met = [gathering.add(mention) for mention in sentence_mentions]
        first = next((c for c in met if c is not None and not c.common), None)
        if pronoun and first is None and subject is not None:
            # `he said` is whoever the sentences before were about
            last = subject.mentions[-1]
            subject.mentions[-1] = replace(last, cues=last.cues | pronoun)
        subject = first or subject
    return gathering.candidates


def _sentences(article: Article, nouns: frozenset[str]) -> Iterator[tuple[list[Mention], set[str]]]:
    """Of each sentence its mentions, and the cues for whom a pronoun stands that speaks in it, with a quotation or without."""
    # what somebody else is quoted as saying has its own speakers, who are not the article's
    outside = unquoted(article.text)
    lower = frozenset(_LOWER.findall(outside))
    for sentence in body_sentences(article):
        part = outside[sentence.start : sentence.end]
        cues = (
            {"pronoun", *(("pronoun_quotes",) if '"' in part else ())}
            if pronoun_speaks(part, article.language)
            else set()
        )
        yield list(mentions(part, sentence.text, sentence.start, article.language, nouns, lower)), cues


def _same(known: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Whether both end in one surname and one says no more than the other."""
    shorter, longer = sorted((known, words), key=len)
    return [w.casefold() for w in longer[-len(shorter) :]] == [w.casefold() for w in shorter]


def features(candidate: Candidate, most_mentions: int) -> list[float]:
    """What the score is made of, in the order of FEATURES; `most_mentions` are those of the article's commonest candidate."""
    n = len(candidate.mentions)
    counts = Counter(cue for mention in candidate.mentions for cue in mention.cues)
    values: list[float] = []
    for cue in CUES:
        k = counts[cue]
        values += [float(k > 0), k / n, math.log1p(k)]
    lengths = {len(name_words(m.form, "en")) for m in candidate.mentions}
    last, single = candidate.words[-1], len(candidate.words) == 1
    values += [
        math.log1p(n),
        float(min(len(candidate.words), 4)),
        float(not single and 1 in lengths),
        float(last.isupper() and len(last) > 1),
        float(counts["preposition"] / n > 0.6),
        float(single),
        float(candidate.mentions[0].start < 120),
        float(single and last.endswith("s")),
        float(2 in lengths),
        1 / (1 + candidate.mentions[0].start / 1000),
        float(not single and 1 in lengths and counts["the"] == 0),
        float(not single and " ".join(candidate.words).isupper()),
        n / most_mentions,
    ]
    return values


def word_features(candidate: Candidate, weights: Mapping[str, Mapping[str, float]]) -> list[float]:
    """What the words say, in the order of WORD_FEATURES: logarithms of odds by word and role, 0 for a word without one."""
    values = [weights["noun"].get(candidate.noun, 0.0) if candidate.common else 0.0]
    for role in WORDS[1:]:
        odds = [weights[role].get(getattr(mention, role), 0.0) for mention in candidate.mentions]
        values += [max(odds), sum(odds) / len(odds)]
    return values
