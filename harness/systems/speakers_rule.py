"""A speaker finder without a model: names that stand before, or after, a verb of saying or acting, each with its quotes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

import regex

from harness.metrics.speakers import TITLES
from harness.systems.base import Context, System
from harness.text.body import body_sentences
from harness.text.marks import plain_marks
from harness.text.names import bare_word
from harness.text.quotations import quotation_before
from harness.text.speeches import speeches
from harness.types import Answer, Article, Dataset, Item

_SAY = """
say said says saying tell told tells add added adds state stated states announce announced announces declare declared declares
argue argued argues warn warned warns insist insisted insists claim claimed claims ask asked asks reply replied replies answer
answered answers explain explained explains note noted notes write wrote written writes suggest suggested suggests report
reported predict predicted predicts promise promised promises vow vowed vows pledge pledged pledges complain complained
complains maintain maintained maintains contend contended contends admit admitted admits concede conceded concedes deny denied
denies dismiss dismissed dismisses remark remarked remarks observe observed observes caution cautioned cautions boast boasted
"""
_ACT = """
demand demanded demands urge urged urges call called calls appeal appealed appeals oppose opposed opposes reject rejected rejects
refuse refused refuses rule ruled rules condemn condemned condemns criticise criticised criticize criticized denounce denounced
denounces accuse accused accuses blame blamed blames threaten threatened threatens order ordered orders authorise authorised
authorize authorized authorizes approve approved approves back backed backs support supported supports favour favoured favours
favor favored favors endorse endorsed endorses welcome welcomed welcomes propose proposed proposes offer offered offers want
wanted wants wish wished wishes seek sought seeks hope hoped hopes fear feared fears believe believed believes think thought
thinks agree agreed agrees decide decided decides plan planned plans intend intended intends recommend recommended recommends
defend defended defends justify justified justifies press pressed presses plead pleaded pleads veto vetoed vetoes vote voted
votes support doubt doubted doubts see sees saw regard regards regarded view viewed views stand stands stood send sent sends
"""
_UPPER = r"\p{Lu}[\p{L}\p{M}\p{N}’'-]*|\p{Lu}\."
_JOIN = r"(?:of|al|bin|ibn|van|von|de|da|der|ul|the)"
_NAME = rf"(?:(?:{_UPPER})(?:[^\S\n]+(?:{_JOIN}[^\S\n]+){{0,2}}(?:{_UPPER}))*)"
_START = r"(?<![\p{L}\p{M}])"
_LEANS = "against|for|ready|prepared|willing|in favou?r|opposed|unwilling|reluctant|sceptical|adamant"
_PAST = "took|made|gave|put|held|let|set|kept|went|came|got|led|left|met|knew|felt|found|brought|wrote|drew|swore|spoke|chose"
_BETWEEN = r"(?:(?:has|have|had|also|again|later|then|now|still|never|once|twice|only|not|will|would|did|does|\p{Ll}+ly)\s+){0,3}"
_QUOTED = regex.compile(r'"([^"]{2,})"')
_DATES = frozenset(
    """
    january february march april may june july august september october november december monday tuesday wednesday thursday
    friday saturday sunday
    """.split()  # noqa: SIM905
)


@cache
def _patterns() -> tuple[regex.Pattern[str], ...]:
    say, every = "|".join(_SAY.split()), "|".join(_SAY.split() + _ACT.split())
    apposition = r"(?:,[^,;:.!?\n]{1,90},)?"
    return (
        regex.compile(rf"{_START}(?P<name>{_NAME}){apposition}\s+{_BETWEEN}(?:{every})\b(?!\s+by\b)"),
        regex.compile(rf"[\"”,]\s*(?:{say})\s+(?:the\s+)?(?P<name>{_NAME})"),
        regex.compile(rf"\b[Aa]ccording to\s+(?:the\s+)?(?P<name>{_NAME})"),
        regex.compile(rf"{_START}(?P<name>{_NAME})\s+(?:is|was)\s+(?:\p{{Ll}}+ly\s+)?(?:{_LEANS})\b"),
        # a person, named in full or by title, who does anything at all
        regex.compile(
            rf"{_START}(?P<name>{_NAME}\s+(?:{_UPPER})){apposition}\s+{_BETWEEN}(?:\p{{Ll}}+(?:ed|s)|{_PAST})\b(?!\s+by\b)"
        ),
    )


@dataclass
class _Named:
    """One speaker: the words of the fullest name, every form that was met, and quotes."""

    words: tuple[str, ...]
    forms: list[str] = field(default_factory=list)
    quotes: list[str] = field(default_factory=list)


class RuleSpeakers(System):
    """Finds who speaks or acts by verbs of saying and acting beside a name; of a transcript the names in its headings.

    The answer is JSON: a list of {name, aliases, quotes}, in order of appearance. Quotes are verbatim: what stands in
    quotation marks in the speaker's sentences, else the sentence.
    """

    kind: ClassVar = "speakers"
    version: ClassVar = "2"
    instant: ClassVar = True

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        article = item.article
        return {"title": article.title, "text": article.text, "language": article.language}

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        return [
            Answer(output=json.dumps(find_speakers(item.article), ensure_ascii=False), path="rules") for item in items
        ]


def find_speakers(article: Article) -> list[dict[str, Any]]:
    """Speakers as {name, aliases, quotes}, in order of appearance."""
    headed = list(dict.fromkeys(s.name for s in speeches(article.text) if s.name))
    if headed:
        return [{"name": name, "aliases": [], "quotes": []} for name in headed]
    speakers: list[_Named] = []
    sentences = body_sentences(article)
    for n, sentence in enumerate(sentences):
        # rules are written for plain marks; a form and a quotation are the text's own words at the same place
        plain = plain_marks(sentence.text)
        # what somebody else is quoted as saying has its own speakers, who are not the article's
        outside = _QUOTED.sub(lambda m: '"' + " " * (len(m.group()) - 2) + '"', plain)
        asked = quotation_before(article.text, sentences, n)
        for form in _named(outside, sentence.text):
            words = _words(form)
            if not words:
                continue
            speaker = next((known for known in speakers if _same(known.words, words)), None)
            if speaker is None:
                speaker = _Named(words)
                speakers.append(speaker)
            speaker.words = max(speaker.words, words, key=len)
            if form not in speaker.forms:
                speaker.forms.append(form)
            quotes = [*(_quotes(asked.text) if asked else ()), *_quotes(sentence.text)] or [sentence.text]
            speaker.quotes += [q for q in quotes if q not in speaker.quotes]
    _full_names(article.text, speakers)
    rows = []
    for speaker in speakers:
        name = " ".join(speaker.words)
        rows.append({"name": name, "aliases": [f for f in speaker.forms if f != name], "quotes": speaker.quotes[:5]})
    return rows


def _quotes(sentence: str) -> list[str]:
    """What stands in quotation marks of any kind, in the sentence's own words."""
    return [sentence[m.start(1) : m.end(1)].strip() for m in _QUOTED.finditer(plain_marks(sentence))]


def _named(outside: str, sentence: str) -> Iterator[str]:
    """The names of who speaks or acts `outside` of quotations, as the sentence writes them."""
    hits = sorted(
        (
            (m.start("name"), sentence[m.start("name") : m.end("name")])
            for p in _patterns()
            for m in p.finditer(outside, overlapped=False)
        ),
        key=lambda hit: hit[0],
    )
    for _, name in hits:
        form = _trimmed(name)
        if form:
            yield form


def _trimmed(name: str) -> str:
    """Without possessive, words that only begin a sentence, and dates."""
    words = regex.sub(r"['’]s?$", "", name).split()
    while words and _plain_word(words[0]):
        words = words[1:]
    while words and words[-1].islower():
        words = words[:-1]
    if not words or any("’s" in w or "'s" in w for w in words) or words[-1].casefold() in _DATES:
        return ""
    return " ".join(words)


def _plain_word(word: str) -> bool:
    # titles come before names; any other word that English begins a sentence with does not
    return word.islower() or word.casefold() in _OPENERS or word.casefold() in _DATES


_OPENERS = frozenset(
    """
    the a an this that these those he she it they we you i his her its their our but and or nor so yet for if unless although
    though while because since as after before until once both either neither in on at by from to of with without within under
    over against between among amid during despite about however meanwhile later earlier then now today yesterday there here
    still also even only just not no yes never all any some many most more several few every another other one two three
    asked speaking citing what which who whoever when where why how nobody everyone someone nothing critics officials
    """.split()  # noqa: SIM905
)


def _words(form: str) -> tuple[str, ...]:
    """The words of a name without titles in front."""
    words = form.split()
    while words and bare_word(words[0]).casefold() in TITLES:
        words = words[1:]
    return tuple(words)


def _same(known: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Whether both end in one surname and one says no more than the other."""
    shorter, longer = sorted((known, words), key=len)
    return longer[-len(shorter) :] == shorter


def _full_names(text: str, speakers: Sequence[_Named]) -> None:
    """A surname alone becomes the full name that the text gives once."""
    runs = {_words(_trimmed(m.group())) for m in regex.finditer(_NAME, text)}
    for speaker in speakers:
        if len(speaker.words) == 1:
            longer = sorted({r for r in runs if 2 <= len(r) <= 3 and r[-1:] == speaker.words})
            if len(longer) == 1:
                speaker.forms += [w for w in speaker.words if w not in speaker.forms]
                speaker.words = longer[0]
