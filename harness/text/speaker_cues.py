"""Who may be speaking: every name, and every noun beside a verb of saying, with what stands around it; words by language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

import regex

from harness.text.names import bare_word

QUOTED = regex.compile(r'"([^"]{2,})"')
"""A quotation in plain marks; its words are group 1."""
UPPER = r"\p{Lu}[\p{L}\p{M}\p{N}’'-]*|\p{Lu}\."
_START = r"(?<![\p{L}\p{M}])"
_APPOSITION = r"(?:,[^,;:!?\n]{1,110},(?:[^,;:!?\n]{1,60},)?|\s*\([^)\n]{1,40}\),?|\s*-\s[^-\n]{1,80}-)?"
_PAST = "took|made|gave|put|held|let|set|kept|went|came|got|led|left|met|knew|felt|brought|drew|swore|chose|has|is|was|had|will"
_LEANS = (
    "against|for|ready|prepared|willing|in favou?r|opposed|unwilling|reluctant|sceptical|skeptical|adamant|"
    "confident|convinced"
)
_PREPOSITIONS = (
    "of|in|to|for|with|against|at|from|about|on|into|near|over|than|like|between|after|before|behind|through|outside|around|"
    "follow|including|toward|under"
)
_PREPOSITION_WORDS = frozenset([*_PREPOSITIONS.split("|"), "along", "about", "across", "during", "without"])
_DETERMINERS = frozenset(
    (
        "the",
        "a",
        "an",
        "some",
        "many",
        "most",
        "several",
        "few",
        "other",
        "his",
        "her",
        "its",
        "their",
        "our",
        "these",
        "those",
        "both",
        "all",
    )
)
_NO_HEADS = frozenset(
    """
    who that which what they them she him her his hers its their this these those there here it he we you i me us not and or but
    so as if when while than then also only even still just never ever always often now again later more most less much very
    to of in on at by for from with about into over after before between among against during without within under through
    percent one two three four five six seven eight nine ten is are was were be been being has have had will would could should
    may might must can do does did however though although because where how why everyone everybody someone somebody anyone
    nobody nothing something anything everything others ones thing things way time year years day days week weeks month months
    """.split()  # noqa: SIM905
)


class Lexicon(NamedTuple):
    """What a finder knows of a language, as words and as alternatives of a pattern."""

    say: str
    strong: str
    act: str
    according: str
    between: str
    small: str
    titles: frozenset[str]
    title_ends: tuple[str, ...]
    openers: frozenset[str]
    verbs: frozenset[str]


@dataclass(frozen=True)
class Mention:
    """A form that may name a speaker, `text[start:end]` of its article, and which cues stand around it; `common` for a noun."""

    form: str
    start: int
    end: int
    cues: frozenset[str]
    common: bool = False


@cache
def tables() -> dict[str, dict[str, str]]:
    """saying.yaml: the words of each language."""
    import yaml

    text = resources.files("harness.text").joinpath("saying.yaml").read_text(encoding="utf-8")
    tables: dict[str, dict[str, str]] = yaml.safe_load(text)
    return tables


def languages() -> tuple[str, ...]:
    """The languages that have verbs of saying."""
    return tuple(tables())


@cache
def lexicon(language: str) -> Lexicon:
    """The words of a language; KeyError for one that saying.yaml does not have."""
    words = {name: str(text or "").split() for name, text in tables()[language].items()}
    titles = words["titles"]
    return Lexicon(
        say="|".join(map(regex.escape, words["say"])),
        strong="|".join(map(regex.escape, words["strong"])),
        act="|".join(map(regex.escape, words["act"])),
        according=tables()[language]["according"],
        between="|".join(map(regex.escape, words["between"])),
        small="|".join(map(regex.escape, words["small"])) or "(?!)",
        titles=frozenset(w for w in titles if not w.startswith("-")),
        title_ends=tuple(w.removeprefix("-") for w in titles if w.startswith("-")),
        openers=frozenset(words["openers"]),
        verbs=frozenset(words["say"]) | frozenset(words["act"]),
    )


class _Patterns(NamedTuple):
    name: regex.Pattern[str]
    after: dict[str, regex.Pattern[str]]
    before: dict[str, regex.Pattern[str]]
    verb: regex.Pattern[str]
    inverted: regex.Pattern[str]


@cache
def _patterns(language: str) -> _Patterns:
    lex = lexicon(language)
    space = r"[^\S\n]+"
    name = rf"(?:(?:{UPPER})(?:{space}(?:(?:{lex.small}){space}){{0,2}}(?:{UPPER}))*)"
    between = rf"(?:(?:{lex.between}|\p{{Ll}}+ly)\s+){{0,3}}"
    lead = rf"{_APPOSITION}\s+{between}"
    titles = (
        r"(?:(?!im\b|in\b|on\b|at\b|to\b|as\b|that\b|of\b)\p{Ll}[\p{L}’'-]*\s+){0,3}"
        r"(?:\p{Lu}[\p{L}’'-]*\s+)?(?:\p{Lu}\p{Ll}+\.\s+)?"
    )
    return _Patterns(
        name=regex.compile(_START + name),
        after={
            "say_after": regex.compile(rf"{lead}(?:{lex.say})(?![\p{{L}}\p{{M}}])(?!\s+by\b)"),
            "act_after": regex.compile(rf"{lead}(?:{lex.act})(?![\p{{L}}\p{{M}}])(?!\s+by\b)"),
            "verb_after": regex.compile(rf"{lead}(?:\p{{Ll}}+(?:ed|s|ing)|{_PAST})\b(?!\s+by\b)"),
            "lean_after": regex.compile(rf"\s+(?:is|was)\s+(?:\p{{Ll}}+ly\s+)?(?:{_LEANS})\b"),
            "passive_after": regex.compile(
                r"\s+(?:was|were|is|are|(?:has|have|had) been)\s+(?:\p{Ll}+ly\s+)?\p{Ll}+ed\b"
            ),
            "possessive": regex.compile(r"['’]s?\s"),
            "colon_after": regex.compile(r"\s?:"),
            "strong_after": regex.compile(rf"{lead}(?:{lex.strong})(?![\p{{L}}\p{{M}}])(?!\s+by\b)"),
            "relative": regex.compile(rf",?\s+who\s+{between}(?:{lex.say}|{lex.act})(?![\p{{L}}\p{{M}}])"),
            "of_whose": regex.compile(rf"['’]s?\s+(?:[\p{{L}}’'-]+\s+){{1,3}}(?:{lex.say})(?![\p{{L}}\p{{M}}])"),
            "progressive": regex.compile(r"\s+(?:is|was|are|were|has been|have been)\s+(?:\p{Ll}+ly\s+)?\p{Ll}+ing\b"),
            "noun_after": regex.compile(
                r"\s+\p{Ll}+(?<!ed|ing)\s+(?:\p{Ll}+ed|has|have|is|was|were|are|said|says|will|to|of|in|for|and)\b"
            ),
            "calling": regex.compile(
                rf"{_APPOSITION},?\s+(?:calling|saying|arguing|warning|telling|accusing|claiming)\b"
            ),
        },
        before={
            "say_before": regex.compile(rf"[\"'’”,]\s*-?\s*{between}(?:{lex.say})\s+{titles}$"),
            "strong_before": regex.compile(rf"[\"'’”,]\s*-?\s*{between}(?:{lex.strong})\s+{titles}$"),
            "the": regex.compile(r"\b(?:[Tt]he|[Aa]n?)\s+(?:\p{L}+\s+)?$"),
            "title": regex.compile(
                r"(?i:\b(?:gov|sen|rep|mr|mrs|ms|dr|president|secretary|senator|governor|candidate|spokesman|spokeswoman|director|mayor|chairman|judge|manager|strategist|adviser|author|reporter|host)\.?)\s+$"
            ),
            "object_of": regex.compile(rf"\b(?:{lex.say}|{lex.act})\s+(?:the\s+)?$"),
            "according": regex.compile(rf"(?i:\b(?:{lex.according}))\s+{titles}$"),
            "preposition": regex.compile(rf"\b(?:{_PREPOSITIONS})\s+(?:the\s+)?(?:\p{{Lu}}\p{{Ll}}+\.?\s+){{0,2}}$"),
            "by": regex.compile(r"\bby\s+(?:the\s+)?(?:\p{Lu}\p{Ll}+\.?\s+){0,2}$"),
            "first": regex.compile(r"^\W*(?:\p{Lu}\p{Ll}+\.?\s+){0,2}$"),
            "joined": regex.compile(r"\band\s+$"),
            "comma": regex.compile(r",\s+$"),
        },
        verb=regex.compile(
            rf"(?<![\p{{L}}’'-])(?P<lead>{between})(?:(?P<say>{lex.say})|{lex.act})(?![\p{{L}}\p{{M}}])(?!\s+by\b)"
        ),
        inverted=regex.compile(
            rf"[\"”,]\s*(?:{lex.say})\s+(?P<noun>(?:the|a|an|one)\s+(?:\p{{Ll}}[\p{{L}}’'-]*\s+){{0,2}}\p{{Ll}}[\p{{L}}’'-]+)(?=[.,;])"
        ),
    )


def mentions(outside: str, sentence: str, start: int, language: str) -> Iterator[Mention]:
    """The mentions of one sentence that begins at `start` of its article; `outside` is it in plain marks, quotations blanked."""
    patterns, lex = _patterns(language), lexicon(language)
    quoted = '"' in outside
    for match in patterns.name.finditer(outside):
        for s, e in _trimmed(outside, match.start(), match.end(), lex):
            before, after = outside[max(0, s - 70) : s], outside[e : e + 170]
            cues = {name for name, p in patterns.after.items() if p.match(after)}
            cues |= {name for name, p in patterns.before.items() if p.search(before) and (name != "first" or s < 40)}
            if "first" in cues and not patterns.before["first"].match(outside[:s]):
                cues.remove("first")
            yield Mention(sentence[s:e], start + s, start + e, frozenset(cues | ({"quotation"} if quoted else set())))
    if language == "en":
        yield from _nouns(outside, sentence, start, patterns, lex, quoted)


def _trimmed(text: str, start: int, end: int, lex: Lexicon) -> Iterator[tuple[int, int]]:
    """A name's span without possessive, openers, titles in front and small words behind; nothing where nothing is left."""
    words = [(start + m.start(), start + m.end()) for m in regex.finditer(r"\S+", text[start:end])]
    while words and (_is_opener(text[slice(*words[0])], lex) or _is_title(text[slice(*words[0])], lex)):
        words = words[1:]
    while words and text[words[-1][0]].islower():
        words = words[:-1]
    if not words:
        return
    first, last = words[0][0], words[-1][1]
    possessive = regex.search(r"['’]s?$", text[first:last])
    if possessive:
        last = first + possessive.start()
    inner = text[first:last]
    if len(words) <= 6 and inner.strip(".'’-") and not regex.search(r"['’]s\s", inner):
        yield first, last


def _is_opener(word: str, lex: Lexicon) -> bool:
    return word.islower() or word.casefold().strip(".,") in lex.openers


def _is_title(word: str, lex: Lexicon) -> bool:
    plain = bare_word(word).casefold()
    return plain in lex.titles or (bool(lex.title_ends) and plain.endswith(lex.title_ends))


def _nouns(
    outside: str, sentence: str, start: int, patterns: _Patterns, lex: Lexicon, quoted: bool
) -> Iterator[Mention]:
    """Nouns in lower case that speak: `the party says`, `, the governor said`, `" said one questioner.`."""
    mark = {"quotation"} if quoted else set()
    for match in patterns.verb.finditer(outside):
        span = _noun_before(outside, match.start(), lex)
        if span:
            cue = "say_after" if match["say"] else "act_after"
            yield Mention(
                sentence[slice(*span)], start + span[0], start + span[1], frozenset({cue, *mark}), common=True
            )
    for match in patterns.inverted.finditer(outside):
        s, e = match.span("noun")
        yield Mention(sentence[s:e], start + s, start + e, frozenset({"say_before", *mark}), common=True)


def _noun_before(text: str, end: int, lex: Lexicon) -> tuple[int, int] | None:
    """The span of up to four words before a verb that end in a noun in lower case, from their article on where there is one."""
    window = text[max(0, end - 60) : end]
    offset = end - len(window)
    tokens = [(m.start() + offset, m.end() + offset) for m in regex.finditer(r"[\p{L}’'-]+|[^\p{L}\s]", window)]
    if not tokens or text[tokens[-1][1] : end].strip() or text[tokens[-1][1] : end].count("\n"):
        return None
    chosen: list[tuple[int, int]] = []
    for s, e in reversed(tokens):
        word = text[s:e]
        plain = word.casefold()
        if not word[0].isalpha() or "\n" in text[e : chosen[0][0] if chosen else end]:
            break
        if chosen and plain in _DETERMINERS:
            chosen.insert(0, (s, e))
            break
        if (
            plain in _NO_HEADS
            or plain in lex.verbs
            or (not chosen and (word.endswith("ly") or not word[0].islower() or len(word) < 4))
        ):
            break
        chosen.insert(0, (s, e))
        if len(chosen) == 4:
            break
    if not chosen:
        return None
    earlier = [text[s:e].casefold() for s, e in tokens if e <= chosen[0][0]]
    # `along the road stand empty`: what a preposition leads to is no subject
    if earlier and earlier[-1] in _PREPOSITION_WORDS:
        return None
    return chosen[0][0], chosen[-1][1]


def name_words(form: str, language: str) -> tuple[str, ...]:
    """The words of a form without titles and openers in front."""
    lex = lexicon(language)
    words: Sequence[str] = form.split()
    while words and (_is_title(words[0], lex) or words[0].casefold() in lex.openers | _DETERMINERS):
        words = words[1:]
    return tuple(words)
