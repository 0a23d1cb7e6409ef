"""Porter's stemmer with the changes that nltk made to it, which is the one that ROUGE's published numbers rest on.

Importing nltk for it costs 1.5 s, more than scoring a thousand summaries; a property test holds the two equal.
"""

from __future__ import annotations

from functools import lru_cache

_VOWELS = frozenset("aeiou")
_IRREGULAR_TEXT = """
skies-sky sky-sky dying-die lying-lie tying-tie news-news innings-inning inning-inning outings-outing outing-outing
cannings-canning canning-canning howe-howe proceed-proceed exceed-exceed succeed-succeed
"""
# Order matters in each list: the first suffix that fits decides, even if its condition then fails.
_STEP_2_TEXT = """
ational-ate tional-tion enci-ence anci-ance izer-ize bli-ble alli-al entli-ent eli-e ousli-ous ization-ize ation-ate
ator-ate alism-al iveness-ive fulness-ful ousness-ous aliti-al iviti-ive biliti-ble fulli-ful
"""
_STEP_3_TEXT = "icate-ic ative- alize-al iciti-ic ical-ic ful- ness-"
_STEP_4_TEXT = "al ance ence er ic able ible ant ement ment ent ion ou ism ate iti ous ive ize"


def _rules(text: str) -> dict[str, str]:
    """Ending (or word) and what replaces it, from `ending-replacement`."""
    return dict(rule.split("-") for rule in text.split())


_IRREGULAR, _STEP_2, _STEP_3 = map(_rules, (_IRREGULAR_TEXT, _STEP_2_TEXT, _STEP_3_TEXT))
_STEP_4 = tuple(_STEP_4_TEXT.split())
_SUFFIXES_2, _SUFFIXES_3 = tuple(_STEP_2), tuple(_STEP_3)


@lru_cache(maxsize=1 << 16)
def stem_long(word: str) -> str:
    """The stem of a word of more than three characters of a to z and 0 to 9, any other word as it is (rouge-score)."""
    return stem(word) if len(word) > 3 and word.isascii() else word


def stem(word: str) -> str:
    """The stem of a lower-case word, as `nltk.stem.porter.PorterStemmer().stem` gives it (Porter 1980)."""
    irregular = _IRREGULAR.get(word)
    if irregular is not None:
        return irregular
    if len(word) <= 2:
        return word
    word = _plural(word)
    word = _past_or_gerund(word)
    if word.endswith("y") and len(word) > 2 and _pattern(word[:-1])[-1] == "c":
        word = word[:-1] + "i"
    word = _step_2(word)
    if word.endswith(_SUFFIXES_3):
        suffix = next(suffix for suffix in _STEP_3 if word.endswith(suffix))
        stem_ = word[: -len(suffix)]
        word = stem_ + _STEP_3[suffix] if _measure(stem_) > 0 else word
    if word.endswith(_STEP_4):
        suffix = next(suffix for suffix in _STEP_4 if word.endswith(suffix))
        stem_ = word[: -len(suffix)]
        if _measure(stem_) > 1 and (suffix != "ion" or stem_[-1] in "st"):
            word = stem_
    return _final(word)


def _pattern(word: str) -> str:
    """`c` or `v` for each letter; a y after a consonant is a vowel."""
    marks: list[str] = []
    for letter in word:
        vowel = letter in _VOWELS or (letter == "y" and bool(marks) and marks[-1] == "c")
        marks.append("v" if vowel else "c")
    return "".join(marks)


def _measure(stem_: str) -> int:
    """Porter's m, the number of vowel runs that a consonant follows."""
    return _pattern(stem_).count("vc")


def _ends_cvc(stem_: str) -> bool:
    pattern = _pattern(stem_)
    return pattern == "vc" or (pattern.endswith("cvc") and stem_[-1] not in "wxy")


def _plural(word: str) -> str:
    if word.endswith("ies"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("sses"):
        return word[:-2]
    if word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word


def _past_or_gerund(word: str) -> str:
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    if word.endswith("ed") and "v" in _pattern(word[:-2]):
        stem_ = word[:-2]
    elif word.endswith("ing") and "v" in _pattern(word[:-3]):
        stem_ = word[:-3]
    else:
        return word
    if stem_.endswith(("at", "bl", "iz")):
        return stem_ + "e"
    pattern = _pattern(stem_)
    if len(stem_) >= 2 and stem_[-1] == stem_[-2] and pattern[-1] == "c":
        return stem_ if stem_[-1] in "lsz" else stem_[:-1]
    if pattern.count("vc") == 1 and _ends_cvc(stem_):
        return stem_ + "e"
    return stem_


def _step_2(word: str) -> str:
    if word.endswith("alli") and _measure(word[:-4]) > 0:
        return _step_2(word[:-2])
    if word.endswith(_SUFFIXES_2):
        suffix = next(suffix for suffix in _STEP_2 if word.endswith(suffix))
        stem_ = word[: -len(suffix)]
        return stem_ + _STEP_2[suffix] if _measure(stem_) > 0 else word
    if word.endswith("logi") and _measure(word[:-3]) > 0:
        return word[:-1]
    return word


def _final(word: str) -> str:
    if word.endswith("e"):
        stem_ = word[:-1]
        measure = _measure(stem_)
        if measure > 1 or (measure == 1 and not _ends_cvc(stem_)):
            word = stem_
    if word.endswith("ll") and _measure(word[:-1]) > 1:
        return word[:-1]
    return word
