"""Candidates of the finder `cues`: mentions that mean one speaker, gathered, and the features by which a candidate is weighed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.text.body import body_sentences
from harness.text.marks import plain_marks
from harness.text.speaker_cues import QUOTED, Mention, mentions, name_words
from harness.types import Article

CUES = (
    *("say_after", "act_after", "verb_after", "lean_after", "passive_after", "possessive", "colon_after", "calling"),
    *("strong_after", "relative", "of_whose", "progressive", "noun_after", "strong_before", "the", "title"),
    *("say_before", "object_of", "according", "preposition", "by", "first", "joined", "comma", "quotation"),
)
FEATURES = (
    *(f"{cue} {how}" for cue in CUES for how in ("any", "share", "log")),
    *(
        "n",
        "words",
        "surname_alone",
        "acronym",
        "common",
        "common say",
        "place",
        "single",
        "headline",
        "plural",
        "full forms",
        "early",
        "person",
    ),
)


@dataclass
class Candidate:
    """One who may be a speaker: the words of the fullest name, and every mention in order."""

    words: tuple[str, ...]
    mentions: list[Mention] = field(default_factory=list)

    @property
    def common(self) -> bool:
        """Whether it is named by a noun in lower case."""
        return self.mentions[0].common


def candidates(article: Article) -> list[Candidate]:
    """Everybody who may be a speaker, in order of appearance."""
    gathered: list[Candidate] = []
    by_last: dict[str, list[Candidate]] = {}
    for mention in _mentions(article):
        words = name_words(mention.form, article.language)
        if not words:
            continue
        key = words[-1].casefold()
        known = next((c for c in by_last.get(key, ()) if c.common == mention.common and _same(c.words, words)), None)
        if known is None:
            known = Candidate(words)
            gathered.append(known)
            by_last.setdefault(key, []).append(known)
        known.words = max(known.words, words, key=len)
        known.mentions.append(mention)
    return gathered


def _mentions(article: Article) -> Iterator[Mention]:
    for sentence in body_sentences(article):
        plain = plain_marks(sentence.text)
        # what somebody else is quoted as saying has its own speakers, who are not the article's
        outside = QUOTED.sub(lambda m: '"' + " " * (len(m.group()) - 2) + '"', plain)
        yield from mentions(outside, sentence.text, sentence.start, article.language)


def _same(known: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Whether both end in one surname and one says no more than the other."""
    shorter, longer = sorted((known, words), key=len)
    return longer[-len(shorter) :] == shorter


def features(candidate: Candidate) -> list[float]:
    """What the score is made of, in the order of FEATURES."""
    n = len(candidate.mentions)
    counts = Counter(cue for mention in candidate.mentions for cue in mention.cues)
    values: list[float] = []
    for cue in CUES:
        k = counts[cue]
        values += [float(k > 0), k / n, math.log1p(k)]
    forms = {len(name_words(m.form, "en")) for m in candidate.mentions}
    last = candidate.words[-1]
    common = candidate.common
    said = counts["say_after"] + counts["say_before"] > 0
    values += [
        math.log1p(n),
        float(min(len(candidate.words), 4)),
        float(len(candidate.words) > 1 and 1 in forms),
        float(last.isupper() and len(last) > 1),
        float(common),
        float(common and said),
        float(counts["preposition"] / n > 0.6),
        float(len(candidate.words) == 1 and not common),
        float(candidate.mentions[0].start < 120),
        float(len(candidate.words) == 1 and last.endswith("s") and not common),
        float(any(len(name_words(m.form, "en")) == 2 for m in candidate.mentions)),
        1 / (1 + candidate.mentions[0].start / 1000),
        float(len(candidate.words) > 1 and 1 in forms and counts["the"] == 0),
    ]
    return values
