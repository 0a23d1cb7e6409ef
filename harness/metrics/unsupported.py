"""Numbers and names of a summary that its article does not have: precision against the article, in any script."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import regex

from harness.text.names import CASED_SCRIPTS, NOUNS_WITH_CAPITALS, UNSPACED_SCRIPTS, Name, bare_word, main_script, names
from harness.text.numbers import numbers
from harness.text.scripts import script_of
from harness.text.speaker_mentions import ARABIC_FORMS

_WORD = regex.compile(r"\p{L}[\p{L}\p{M}\p{N}]*(?:['’.&]\p{L}[\p{L}\p{M}\p{N}]*)*\.?")
_ADJECTIVE_ENDINGS = ("an", "ian", "i", "ese", "ish", "s")
_ADJECTIVES_TEXT = """
french-france dutch-netherlands spanish-spain danish-denmark polish-poland finnish-finland swiss-switzerland greek-greece
thai-thailand afghan-afghanistan iraqi-iraq american-us british-uk
"""
_ADJECTIVES = dict(pair.split("-") for pair in _ADJECTIVES_TEXT.split())
_JOINTS = regex.compile(r"[-'’&]")
# Arabic writes and, so, by, to, as and the article as one word with the noun.
_ARABIC_PREFIX = regex.compile(r"^(?:[وف]?(?:[بكل]?ال|لل)|[وفبكل])(?=\p{L}{3})")
_ARABIC_MARKS = regex.compile(r"\p{M}")


@dataclass(frozen=True, slots=True)
class Support:
    """What a summary states and which of it the article lacks, each once, in order; `reason` where that means little."""

    stated: tuple[str, ...]
    unsupported: tuple[str, ...]
    reason: str | None = None

    @property
    def share(self) -> float | None:
        """Share in [0, 1] of what is stated that the article lacks; None where nothing is stated."""
        return len(self.unsupported) / len(self.stated) if self.stated else None


def unsupported_numbers(summary: str, article: str) -> Support:
    """Numbers of the summary that the article lacks, whatever their notation: 12, twelve, ١٢; 1,200, 1 200, 1.2
    thousand; 6th, sixth."""
    article_values = {value for number in numbers(article, every_word=True) for value in number.values | number.parts}
    stated = {number.values: number for number in reversed(numbers(summary))}
    ordered = tuple(reversed(stated.values()))
    return Support(
        tuple(n.text for n in ordered),
        tuple(n.text for n in ordered if not (n.values & article_values or (n.parts and n.parts <= article_values))),
        None if stated else "the summary has no numbers",
    )


def unsupported_names(summary: str, article: str, language: str = "en") -> Support:
    """Names of the summary (`names.names`) of which some word is nowhere in the article.

    Inflected forms (Путин, Путина; Ukraine, Ukrainian), Arabic prefixes, possessives and initials of a longer name (US,
    United States) count as the same name. A language that writes every noun with a capital is refused.
    """
    if refused := NOUNS_WITH_CAPITALS.get(language.lower().partition("-")[0]):
        return Support((), (), f"{refused} writes every noun with a capital, so names cannot be told from other words")
    script = main_script(summary)
    if script in UNSPACED_SCRIPTS:
        return Support((), (), f"{script} has neither capitals nor spaces, so names cannot be told from other words")
    vocabulary = _Vocabulary(article, language)
    stated = {name.words: name for name in reversed(names(summary, language, article))}
    ordered: list[Name] = list(reversed(stated.values()))
    missing = [name for name in ordered if not vocabulary.has(name)]
    reason = None
    if not ordered:
        reason = "the summary has no names"
    elif script is not None and script not in CASED_SCRIPTS:
        reason = f"{script} has no capitals: every word of three letters or more was taken for a name"
    return Support(tuple(n.text for n in ordered), tuple(n.text for n in missing), reason)


class _Vocabulary:
    """The article's words, ready to be asked for a name."""

    def __init__(self, article: str, language: str) -> None:
        words = list(map(bare_word, dict.fromkeys(_WORD.findall(article))))
        words += [part for word in words for part in _JOINTS.split(word)]
        self.words = set(words) | {_ADJECTIVES[w] for w in words if w in _ADJECTIVES}
        self.words |= {adjective for adjective, place in _ADJECTIVES.items() if place in self.words}
        self.arabic = {_arabic(word) for word in self.words if script_of(word[:1] or " ") == "Arabic"}
        self.by_start: dict[str, list[str]] = {}
        for word in self.words:
            self.by_start.setdefault(word[:4], []).append(word)
        # Of United States of America both us and usa.
        self.initials: set[str] = set()
        for name in names(article, language):
            letters = "".join(word[0] for word in name.words if word != "of")
            self.initials |= {letters[i:j] for i in range(len(letters)) for j in range(i + 2, len(letters) + 1)}

    def has(self, name: Name) -> bool:
        initials = "".join(word[0] for word in name.words if word != "of")
        if len(name.words) == 1 and name.words[0] in self.initials:
            return True
        if len(name.words) > 1 and initials in self.words:
            return True
        return all(self._has_word(part) for word in name.words for part in _JOINTS.split(word) if part)

    def _has_word(self, word: str) -> bool:
        if word in self.words:
            return True
        script = script_of(word[0])
        if script == "Arabic":
            return _arabic(word) in self.arabic
        near: Iterable[str] = self.by_start.get(word[:4], ())
        return any(_same_name(word, other, script) for other in near)


def _arabic(word: str) -> str:
    bare: str = _ARABIC_PREFIX.sub("", _ARABIC_MARKS.sub("", word).translate(ARABIC_FORMS))
    return bare


def _same_name(a: str, b: str, script: str) -> bool:
    """Whether two words that share their first four letters differ by an ending only."""
    common = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if common < 4 or max(len(a), len(b)) - common > 3:
        return False
    if script == "Latin":
        # Adjectives of places, and nothing else: Niger and Nigeria, John and Johnson stay apart.
        return a.endswith(_ADJECTIVE_ENDINGS) or b.endswith(_ADJECTIVE_ENDINGS)
    return script in CASED_SCRIPTS
