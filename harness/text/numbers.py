"""Numbers that a text states, in digits of any script or in English words, as values that can be compared."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

_UNITS_TEXT = """
zero one two three four five six seven eight nine ten
eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
"""
_TENS_TEXT = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: i for i, word in enumerate(_UNITS_TEXT.split())}
_TENS = {word: 10 * i for i, word in enumerate(_TENS_TEXT.split(), start=2)}
_SCALES = {
    "dozen": 12,
    "hundred": 100,
    "thousand": 1_000,
    "million": 1_000_000,
    "billion": 1_000_000_000,
    "trillion": 1_000_000_000_000,
}
_ORDINALS_TEXT = "first second third fourth fifth sixth seventh eighth ninth"
_ORDINALS = {word: i for i, word in enumerate(_ORDINALS_TEXT.split(), start=1)}
_LONE_TEXT = """
tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth
"""
_LONE_ORDINALS = (
    _ORDINALS
    | {word: i for i, word in enumerate(_LONE_TEXT.split(), start=10)}
    | {f"{word[:-1]}ieth": value for word, value in _TENS.items()}
)
_FRACTIONS = {"half": Decimal("0.5"), "quarter": Decimal("0.25")}
# a space between groups of three makes one number of them; other separators also of any digits
_SPACED = r"\d{1,3}(?:[ \u2009]\d{3})+(?!\d)(?:[.,]\d+)?"
_DIGITS = rf"(?:{_SPACED}|\d+(?:[.,'’\u00a0\u202f]\d+)*)"
_WORD = rf"(?:{'|'.join([*_SMALL, *_TENS, *_SCALES])})"
_SCALE = "|".join(_SCALES)
_NUMBER = re.compile(
    rf"(?P<digits>{_DIGITS})(?P<half>\s+and\s+a\s+half(?=[-\s]+(?:{_SCALE})\b))?"
    rf"(?:(?P<gap>[-\s]?)(?P<scale>{_SCALE}|bn|m)\b)?"
    rf"|\b(?P<fraction>{'|'.join(_FRACTIONS)})[-\s]+(?:of[-\s]+)?(?:an?[-\s]+)?(?P<of>{_SCALE})\b"
    rf"|\b(?P<words>{_WORD}(?:(?:[-\s]+|(?<=hundred|housand|million|billion)\s+and\s+){_WORD})*"
    rf"(?:(?<=ty)-(?:{'|'.join(_ORDINALS)}))?)"
    rf"(?:\s+and\s+a\s+half[-\s]+(?P<half_of>{_SCALE}))?\b"
    rf"|\b(?P<ordinal>{'|'.join(_LONE_ORDINALS)})\b",
    re.IGNORECASE,
)
_SHORT_SCALES = {"bn": 1_000_000_000, "m": 1_000_000}
_GROUPS = re.compile(r"\d{1,3}(?:([.,'’\u00a0\u202f])\d{3})(?:\1\d{3})*")


class Number(NamedTuple):
    """A number as the text has it, and the values that it may stand for: `1.200` is 1.2 or 1200.

    `parts` are what stands between spaces: `24 155 mm guns` may be two numbers.
    """

    text: str
    values: frozenset[Decimal]
    parts: frozenset[Decimal] = frozenset()


def numbers(text: str, *, every_word: bool = False) -> list[Number]:
    """Every number in order, English number words too; no vague plurals; `one`, mostly a pronoun, and ordinals (`sixth`,
    `second`) if asked for every word.

    Half and quarter count before a scale (`half a million`, `two and a half million`); `twenty-first` is 21, and
    `thirty-second` 30 or 32. `m` is million after a sum of money, metres after a space (`300 m of wire`), and either of them
    in `300m`.
    """
    # Arabic-Indic and other digits become ASCII ones, one for one, and so do their separators.
    ascii_digits = text if text.isascii() else "".join(map(_ascii_digit, text))
    stated: list[Number] = []
    for match in _NUMBER.finditer(ascii_digits):
        shown = text[match.start() : match.end()]
        parts = frozenset[Decimal]()
        if match["digits"]:
            values = _readings(match["digits"])
            if len(spaced := re.split(r"[ \u2009]", match["digits"])) > 1:
                parts = frozenset().union(*map(_readings, spaced))
            if match["half"]:
                values = frozenset(v + _FRACTIONS["half"] for v in values)
            if scale := match["scale"]:
                factor = _SHORT_SCALES.get(scale.lower()) or _SCALES[scale.lower()]
                scaled = frozenset(v * factor for v in values)
                money = ascii_digits[: match.start()][-2:].rstrip()[-1:] in tuple("$£€¥")
                if scale.lower() != "m" or money:
                    values = scaled
                elif not match["gap"]:
                    values |= scaled
        elif match["fraction"]:
            values = frozenset({_FRACTIONS[match["fraction"].lower()] * _SCALES[match["of"].lower()]})
        elif match["ordinal"]:
            if not every_word:
                continue
            values = frozenset({Decimal(_LONE_ORDINALS[match["ordinal"].lower()])})
        else:
            if match["words"].lower() == "one" and not every_word and not match["half_of"]:
                continue
            words = match["words"].lower()
            values = frozenset({Decimal(_in_words(words)), Decimal(_in_words(words.removesuffix("-second")))})
            if scale := match["half_of"]:
                values = frozenset((v + _FRACTIONS["half"]) * _SCALES[scale.lower()] for v in values)
        if values:
            stated.append(Number(shown, values, parts))
    return stated


def _ascii_digit(character: str) -> str:
    if character.isascii():
        return character
    if character == "٫":
        return "."
    if character == "٬":
        return ","
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


def _readings(digits: str) -> frozenset[Decimal]:
    plain = re.sub(r"['’ \u2009\u00a0\u202f]", "", digits)
    candidates = {plain.replace(",", "")}
    if _GROUPS.fullmatch(digits):
        candidates.add(re.sub(r"\D", "", digits))
    if plain.count(",") == 1:
        candidates.add(plain.replace(".", "").replace(",", "."))
    values: set[Decimal] = set()
    for candidate in candidates:
        try:
            values.add(Decimal(candidate).normalize())
        except InvalidOperation:
            # Dates and versions such as 24.12.2024 are no single number; their parts are.
            values.update(Decimal(part).normalize() for part in re.split(r"\D", candidate) if part)
    return frozenset(values)


def _in_words(words: str) -> int:
    total = current = 0
    for word in re.split(r"[-\s]+", words):
        if word in _SMALL or word in _ORDINALS:
            current += _SMALL[word] if word in _SMALL else _ORDINALS[word]
        elif word in _TENS:
            current += _TENS[word]
        elif word in ("hundred", "dozen"):
            current = max(current, 1) * _SCALES[word]
        elif word in _SCALES:
            total += max(current, 1) * _SCALES[word]
            current = 0
    return total + current
