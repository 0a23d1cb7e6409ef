"""Who may be speaking: every name, and every noun beside a verb of saying, with what stands around it; words by language."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

import regex

from harness.text.marks import plain_marks
from harness.text.names import bare_word

QUOTED = regex.compile(r'"([^"]{2,})"')
"""A quotation in plain marks; its words are group 1."""
_QUOTATION = regex.compile(r'"[^"\n]{2,}"|(?<![^\s(\[-])"(?=\S)[^"\n]+$', regex.MULTILINE)
"""A quotation in plain marks, or one that goes on in the next paragraph."""
UPPER = r"(?:\p{Lu}\.)+(?:-\p{L}+)?|\p{Lu}[\p{L}\p{M}\p{N}’'-]*"
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


def _with_marks(text: str) -> str:
    """The text in plain marks; two apostrophes, which newspapers' databases have for a mark, are a mark and a space."""
    return plain_marks(text).replace("''", '" ')


def quotations(text: str) -> Iterator[tuple[int, int]]:
    """The spans of what stands in quotation marks of any kind, without white space at either end."""
    for match in QUOTED.finditer(_with_marks(text)):
        words = match[1].strip()
        if words:
            start = match.start(1) + match[1].index(words)
            yield start, start + len(words)


def unquoted(text: str) -> str:
    """The text in plain marks with the words of quotations blanked, offset for offset."""
    return str(_QUOTATION.sub(lambda m: '"' + " " * (len(m.group()) - 2) + '"', _with_marks(text)))


_LISTS = ("pronouns", "first_person", "byline", "opinion", "prepositions")


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
    pronouns: str
    first_person: str
    byline: str
    opinion: str
    prepositions: str


@dataclass(frozen=True)
class Mention:
    """A form that may name a speaker, `text[start:end]` of its article, and which cues stand around it; `common` for a noun.

    `follower` is the word after it, or after what may stand between a name and its verb, `leader` the word before it; a sign
    where no word stands there.
    """

    form: str
    start: int
    end: int
    cues: frozenset[str]
    common: bool = False
    leader: str = ""
    follower: str = ""


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
        **{key: "|".join(map(regex.escape, words[key])) for key in _LISTS},
    )


_WORD = regex.compile(r"[\p{L}’'-]+")
_MEMBER = regex.compile(
    r"(?!(?:\S+\s+){0,3}(?:University|Department|Bank|Institute|Office|House|Bureau|Board|Council|State|Ministry|Secretary|Society|"
    r"Association|Church|Court|Board|Chamber|College|School|Party|Republic|Kingdom|States|Union|Daughters|Sons|Knights)\s+of\b)"
    r"\p{Lu}\S*\s+(?:\p{Lu}\S*\s+){1,2}of\s"
)
"""A name of two or three words before `of`."""


class _Patterns(NamedTuple):
    name: regex.Pattern[str]
    after: dict[str, regex.Pattern[str]]
    before: dict[str, regex.Pattern[str]]
    verb: regex.Pattern[str]
    inverted: regex.Pattern[str]
    according_noun: regex.Pattern[str]
    pronoun: regex.Pattern[str]
    follower: regex.Pattern[str]
    leader: regex.Pattern[str]


@cache
def name_pattern(language: str) -> str:
    """A pattern of words with capitals, and small words between them."""
    space = r"[^\S\n]+"
    return rf"(?:(?:{UPPER})(?:{space}(?:(?:{lexicon(language).small}){space}){{0,2}}(?:{UPPER}))*)"


@cache
def _patterns(language: str) -> _Patterns:
    lex, name = lexicon(language), name_pattern(language)
    between = rf"(?:(?:{lex.between}|\p{{Ll}}+ly)\s+){{0,3}}"
    lead = rf"(?:[^\S\n]+of\s+(?:the\s+)?{name})?{_APPOSITION}\s+{between}"
    titles = (
        rf"(?:(?!(?:im|in|on|at|to|as|that|of|{lex.prepositions})\b)\p{{Ll}}[\p{{L}}’'-]*\s+){{0,3}}"
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
            "distant": regex.compile(rf"[^.;:!?\p{{Lu}}\"\n]{{3,110}}\s(?:{lex.say})(?![\p{{L}}\p{{M}}])"),
            "joined_say": regex.compile(
                rf"(?:,\s+{name}){{0,3}},?\s+(?:and|und|et|y|e|та|і|й|и)\s+(?:{titles}){name}{lead}(?:{lex.say}|{lex.act})(?![\p{{L}}\p{{M}}])"
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
            "place": regex.compile(r"\b(?:in|at|near|across|outside|into|in der|im|en|au|aux|в|у)\s+(?:the\s+)?$"),
            "first": regex.compile(r"^\W*(?:\p{Lu}\p{Ll}+\.?\s+){0,2}$"),
            "joined": regex.compile(r"\band\s+$"),
            "comma": regex.compile(r",\s+$"),
        },
        verb=regex.compile(
            rf"(?<![\p{{L}}’'-])(?P<lead>{between})(?:(?P<say>{lex.say})|{lex.act})(?![\p{{L}}\p{{M}}])(?!\s+by\b)"
        ),
        inverted=regex.compile(
            rf"[\"”,]\s*(?:{lex.say})\s+(?P<noun>(?:the|a|an|one)\s+(?:\p{{Ll}}[\p{{L}}’'-]*\s+){{0,2}}\p{{Ll}}[\p{{L}}’'-]+)(?=[.,;]|\s(?:for|of|from|in|at|with|who)\b)"
        ),
        according_noun=regex.compile(
            rf"(?i:\b(?:{lex.according}))\s+(?P<noun>(?:\p{{Ll}}[\p{{L}}’'-]*\s+){{0,3}}\p{{Ll}}[\p{{L}}’'-]{{3,}})"
        ),
        pronoun=regex.compile(
            rf"(?<!\p{{L}})(?i:{lex.pronouns})\s+{between}(?:{lex.say})(?!\p{{L}})|[\"'’”,]\s*(?:{lex.say})\s+(?:{lex.pronouns})(?!\p{{L}})"
        ),
        follower=regex.compile(rf"(?:{lead}|\s+)(?P<word>\p{{Ll}}[\p{{L}}'-]*)|\s*(?P<sign>[^\s\p{{L}}])"),
        leader=regex.compile(r"(?P<word>[\p{L}'-]+)\.?\s+$|(?P<sign>[^\s\p{L}])\s*$"),
    )


def mentions(
    outside: str,
    sentence: str,
    start: int,
    language: str,
    nouns: frozenset[str] = frozenset(),
    lower: Container[str] = (),
) -> Iterator[Mention]:
    """The mentions of one sentence that begins at `start` of its article; `outside` is it without quotations (`unquoted`).

    In English nouns count too: those of `nouns`, and those beside a verb of saying. A word with a capital that only begins
    the sentence is a noun if it is in `lower`, the words that the article has in lower case.
    """
    patterns, lex = _patterns(language), lexicon(language)
    spans: dict[tuple[int, int], bool] = {}
    for match in patterns.name.finditer(outside):
        for s, e in _trimmed(outside, match.start(), match.end(), lex):
            begins = not regex.search(r"\p{L}", outside[:s])
            spans[s, e] = language == "en" and begins and outside[s:e].casefold() in lower
    if language == "en":
        taken = [span for span, common in spans.items() if not common]
        for s, e in _nouns(outside, patterns, lex, nouns):
            # of `Trump supporters` both the name and the phrase; of a phrase that is met twice the longer one; of `Treasury
            # minister Colin Abara` the name alone
            if not any(a < e <= b or a == e + 1 for a, b in taken):
                same = [span for span, common in spans.items() if common and span[1] == e]
                spans[min([s, *(a for a, _ in same)]), e] = True
    quoted = {"quotation"} if '"' in outside else set()
    for (s, e), common in sorted(spans.items()):
        before, after = outside[max(0, s - 70) : s], outside[e : e + 170]
        cues = {name for name, p in patterns.after.items() if p.match(after)}
        cues |= {name for name, p in patterns.before.items() if p.search(before) and (name != "first" or s < 40)}
        if "first" in cues and not patterns.before["first"].match(outside[:s]):
            cues.remove("first")
        leader, follower = _word(patterns.leader.search(before)), _word(patterns.follower.match(after))
        yield Mention(sentence[s:e], start + s, start + e, frozenset(cues | quoted), common, leader, follower)


def _word(match: regex.Match[str] | None) -> str:
    return str(match["word"] or match["sign"]).casefold() if match else ""


def pronoun_speaks(outside: str, language: str) -> bool:
    """Whether in a sentence somebody says something who is named by a pronoun (`he said`)."""
    return _patterns(language).pronoun.search(outside) is not None


def _trimmed(text: str, start: int, end: int, lex: Lexicon) -> Iterator[tuple[int, int]]:
    """A name's span without possessive, openers, titles in front and small words behind; nothing where nothing is left."""
    words = [(start + m.start(), start + m.end()) for m in regex.finditer(r"\S+", text[start:end])]
    if _MEMBER.match(text[start:end]):
        # `Ruth Okafor of the Coast Peace Network`; the University of Maine is one name
        words = words[: next(n for n, (s, e) in enumerate(words) if text[s:e] == "of")]
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


def _nouns(outside: str, patterns: _Patterns, lex: Lexicon, nouns: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Spans of nouns that may speak: `the party says`, `" said one questioner.`, `according to a report`, any of `nouns`."""
    for match in patterns.verb.finditer(outside):
        span = _noun_before(outside, match.start(), lex)
        if span:
            yield span
    for pattern in (patterns.inverted, patterns.according_noun):
        yield from (match.span("noun") for match in pattern.finditer(outside))
    for match in _WORD.finditer(outside):
        if match.group().casefold() in nouns and (match.group().islower() or not outside[: match.start()].strip()):
            yield _phrase(outside, match.end(), lex) or match.span()


def _noun_before(text: str, end: int, lex: Lexicon) -> tuple[int, int] | None:
    """The phrase before a verb, unless a preposition leads to it: `along the road stand empty` has no subject there."""
    span = _phrase(text, end, lex)
    earlier = _WORD.findall(text[max(0, span[0] - 30) : span[0]]) if span else []
    return None if earlier and earlier[-1].casefold() in _PREPOSITION_WORDS else span


def _phrase(text: str, end: int, lex: Lexicon) -> tuple[int, int] | None:
    """The span of up to four words before `end` that end in a noun in lower case, from their article on where there is one."""
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
    return chosen[0][0], chosen[-1][1]


def name_words(form: str, language: str) -> tuple[str, ...]:
    """The words of a form without titles and openers in front."""
    lex = lexicon(language)
    words: Sequence[str] = form.split()
    while words and (_is_title(words[0], lex) or words[0].casefold() in lex.openers | _DETERMINERS):
        words = words[1:]
    return tuple(words)
