"""Where a text mentions a speaker: by name, alias, role or metonym, in any script."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import regex

from harness.text.metonyms import adjectives_of, governments_named
from harness.text.names import UNSPACED_SCRIPTS
from harness.text.scripts import script_of
from harness.types import Speaker

MentionKind = Literal["name", "alias", "role", "metonym"]

_DETERMINER = regex.compile(r"^(?:the|a|an|his|her|its|their|our)\s+", regex.IGNORECASE)
_REQUIRED_DETERMINER = r"(?:(?:the|his|her|its|their|our)\s+|\p{L}['’]s?\s+)"
_LETTER = r"[\p{L}\p{M}\p{N}]"
# A hyphen ties a name to another word: pro-Moscow rebels and a Saudi-led campaign mention nobody.
_BEFORE = rf"(?<!{_LETTER})(?<!\p{{L}}[-\u2011])"
_AFTER = rf"(?!{_LETTER})(?![-\u2011]\p{{L}})"
_ARABIC_PREFIX = r"(?:[وف]?(?:[بك]?ال|لل|[بكل])?)"
ARABIC_FORMS = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه"})
_PLAIN_LETTERS = str.maketrans("łŁøØđĐıß", "lLoOdDis")
_VAGUE_HEADS = frozenset({"head", "chief", "leader", "member", "part", "one", "house", "speaker"})
_ACRONYM = regex.compile(r"\p{Lu}{2,5}|(?:\p{Lu}\.){2,5}")
# In lower case these acronyms are pronouns.
_PRONOUNS = frozenset({"US", "IT", "WHO"})
_CYRILLIC_CASES = (
    "ами|ями|ого|его|ому|ему|ией|ом|ем|ой|ей|ою|ым|им|ых|их|ам|ах|ям|ях|ии|ию|ия|ої|ові|а|у|е|ы|и|ю|я|о|ь|й|і|ї"
)
_CYRILLIC_ENDINGS = "аеиоуыэюяйьії"


class Mention(NamedTuple):
    """A half-open span of the text, in code points of its NFC form, and how it names the speaker."""

    start: int
    end: int
    kind: MentionKind


def mentioned(speaker: Speaker, text: str, speakers: Sequence[Speaker] = ()) -> bool:
    """Whether the text names the speaker in any way; `speakers` are all of the article, to keep namesakes apart."""
    return next(_matches(speaker, text, tuple(speakers)), None) is not None


def mentions(speaker: Speaker, text: str, speakers: Sequence[Speaker] = ()) -> list[Mention]:
    """Every mention, by position; one place counts once.

    A full name, an alias, a person's first or last name alone, a role that no other speaker shares (`prime minister of
    Pakistan`, `Pakistan's prime minister`, `the prime minister`), or for an institution a place that stands for it.
    Possessives, missing diacritics, inflected Cyrillic, prefixed Arabic and the dots of an acronym (`US`, `U.S.`) count or
    may be missing. A capital of the name must be one in the text, unless the text has none at all, and `US` alone is never
    the pronoun `us`. A surname right after another speaker's first name is that speaker's.
    """
    kept: list[Mention] = []
    for mention in sorted(_matches(speaker, text, tuple(speakers)), key=lambda m: (m.start, -m.end)):
        if not kept or mention.start >= kept[-1].end:
            kept.append(mention)
    return kept


def _matches(speaker: Speaker, text: str, speakers: tuple[Speaker, ...]) -> Iterator[Mention]:
    plain = plain_letters(text)
    shouted_or_lower = not any(c.isupper() for c in plain)
    for form in _forms(speaker, speakers):
        for match in form.pattern.finditer(plain):
            start, end = match.span("form")
            if form.capital and not plain[start].isupper() and not shouted_or_lower:
                continue
            if plain[start:end].upper() in _PRONOUNS and not plain[start:end].isupper():
                continue
            if form.part is not None and _belongs_to_another(plain, start, end, form.part, speaker, speakers):
                continue
            yield Mention(start, end, form.kind)


class _Form(NamedTuple):
    kind: MentionKind
    pattern: regex.Pattern[str]
    capital: bool
    part: Literal["first", "last"] | None


@lru_cache(maxsize=512)
def _forms(speaker: Speaker, speakers: tuple[Speaker, ...]) -> tuple[_Form, ...]:
    others = [s for s in speakers if s.id != speaker.id]
    taken = {_key(name) for other in others for name in other.names}
    forms = [_form("name" if i == 0 else "alias", name) for i, name in enumerate(speaker.names) if name.strip()]
    words = speaker.name.split()
    if speaker.kind == "person" and len(words) > 1:
        forms += [_form("name", words[-1], "last"), _form("name", words[0], "first")]
    other_roles = {_key(role) for other in others for role in _role_forms(other)}
    other_roles |= {_key(alias) for other in others for alias in other.aliases}
    forms += [_form("role", role) for role in _role_forms(speaker) if _key(role) not in other_roles | taken]
    if speaker.kind == "institution":
        speaker_keys = frozenset(_key(n) for n in (*speaker.names, *((speaker.role,) if speaker.role else ())))
        metonyms = {
            form for g in governments_named(speaker_keys) for form in g.forms if _key(form) not in speaker_keys | taken
        }
        forms += [_form("metonym", form) for form in sorted(metonyms)]
    return tuple(forms)


def _role_forms(speaker: Speaker) -> list[str]:
    """The role and the ways to say it: `president of Russia`, `Russia's president`, `Russian president`, `the president`."""
    role = _DETERMINER.sub("", (speaker.role or "").strip())
    # A role of a single word that many have (`government`, `spokesman`) is found only with an article before it.
    if not role or speaker.kind != "person":
        return []
    head, of, place = role.partition(" of ")
    place = _DETERMINER.sub("", place)
    forms = [role]
    if of:
        # The head alone (the prime minister) says who it is only where a determiner stands right before it.
        forms += [] if head.casefold() in _VAGUE_HEADS else [f"the {head}"]
        forms += [f"{place}'s {head}", *(f"{adjective} {head}" for adjective in adjectives_of(place))]
    return forms


def _form(kind: MentionKind, written: str, part: Literal["first", "last"] | None = None) -> _Form:
    plain = plain_letters(written).strip()
    bare = _DETERMINER.sub("", plain)
    words = regex.split(r"\s+", bare)
    body = r"\s+".join(_word_pattern(word) for word in words)
    before = "" if script_of(bare[0]) in UNSPACED_SCRIPTS else _BEFORE
    after = "" if script_of(bare[-1]) in UNSPACED_SCRIPTS else _AFTER
    if script_of(bare[0]) == "Arabic":
        before += _ARABIC_PREFIX
    # One common word (the general, the president) is a mention only where something says which one.
    lone = len(words) == 1 and bare[0].islower()
    if lone or (kind == "role" and bare != plain):
        before = rf"(?<={_REQUIRED_DETERMINER})"
        after = after if lone and kind != "role" else rf"{after}(?!\s+of\s)"
    elif kind == "role":
        before = rf"{before}(?<!\b(?:deputy|vice|former|acting|shadow)[\s-]+)"
    pattern = regex.compile(rf"{before}(?P<form>{body})(?:['’]s|['’](?!{_LETTER}))?{after}", regex.IGNORECASE)
    return _Form(kind, pattern, bare[0].isupper(), part)


def _word_pattern(word: str) -> str:
    script = script_of(word[-1])
    if _ACRONYM.fullmatch(word):
        letters = word.replace(".", "")
        dotted = r"\.".join(letters)
        # possessive, so that U.S.-led is not cut before its last dot
        return rf"(?:{letters}|{dotted}\.?+)"
    if script == "Arabic":
        return "".join(f"{c}\\p{{M}}*" for c in word.removeprefix("ال"))
    if script == "Cyrillic" and len(word) > 3:
        stem = word[:-1] if word[-1].casefold() in _CYRILLIC_ENDINGS and len(word) > 4 else word
        return f"{regex.escape(stem)}(?:{_CYRILLIC_CASES})?"
    escaped: str = regex.escape(word)
    hyphens: str = regex.sub(r"\\-", "[-\u2011]", escaped)
    return hyphens.replace("'", "’").replace("’", "['’]")


def _belongs_to_another(
    text: str, start: int, end: int, part: str, speaker: Speaker, speakers: tuple[Speaker, ...]
) -> bool:
    """Whether a lone first or last name is part of somebody else's full name."""
    speaker_words = {_key(word) for name in speaker.names for word in name.split()}
    if part == "first":
        # Any capitalised word after a first name makes it another person's, unless it is this one's own.
        following = regex.match(r"\s+(\p{Lu}[\p{L}\p{M}'’-]*)", text, pos=end)
        return following is not None and _key(following[1]) not in speaker_words
    preceding = regex.search(r"(\p{L}[\p{L}\p{M}'’-]*)\s+$", text[max(0, start - 60) : start])
    if preceding is None or _key(preceding[1]) in speaker_words:
        return False
    first_names = {_key(s.name.split()[0]) for s in speakers if s.id != speaker.id and len(s.name.split()) > 1}
    return _key(preceding[1]) in first_names


def plain_letters(text: str) -> str:
    """NFC with Latin diacritics and Arabic spelling variants undone, one code point for one."""
    composed = unicodedata.normalize("NFC", text).translate(ARABIC_FORMS).translate(_PLAIN_LETTERS)
    if composed.isascii():
        return composed
    return "".join(
        c if c.isascii() or script_of(c) != "Latin" else unicodedata.normalize("NFD", c)[0] for c in composed
    )


def _key(name: str) -> str:
    bare: str = _DETERMINER.sub("", plain_letters(name).strip())
    return " ".join(bare.split()).removesuffix("'s").removesuffix("’s").casefold()
