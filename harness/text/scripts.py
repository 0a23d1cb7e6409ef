"""Which scripts a text uses, and what each tokenizer keeps of it: a metric refuses a text that its tokenizer would empty."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

import regex

from harness.errors import MetricRefused

TokenizerName = Literal["google", "unicode"]

SCRIPTS_KEPT: dict[TokenizerName, str] = {
    "google": "Latin without diacritics (a to z) and the digits 0 to 9; everything else separates words",
    "unicode": "every script; scripts written without spaces are cut into single characters",
}
MAX_DROPPED_SHARE = 0.1
"""A text is refused when a tokenizer drops more than this share of its letters.

A foreign name in an English text passes, and so do French and German, which lose two to five letters in a hundred.
"""

_GOOGLE_TOKEN = re.compile(r"[a-z0-9]+")
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
_UNICODE_TOKEN = regex.compile(
    rf"(?V1)[{_UNSPACED}]\p{{M}}*|[[\p{{L}}\p{{N}}]--[{_UNSPACED}]][[\p{{L}}\p{{M}}\p{{N}}]--[{_UNSPACED}]]*"
)
# Soft hyphens, direction marks and the like, and the Arabic tatweel, which only stretches a word.
_INVISIBLE = regex.compile(r"[\p{Cf}\u0640]")
_SCRIPT_WORDS = {"Cjk": "Han", "Fullwidth": "Latin"}


def google_tokens(text: str) -> list[str]:
    """Lower-case runs of a to z and 0 to 9, as rouge-score 0.1.2 cuts them, before stemming."""
    return _GOOGLE_TOKEN.findall(text.lower())


def unicode_tokens(text: str) -> list[str]:
    """Case-folded words of letters, marks and digits of any script (NFKC); one character each for unspaced scripts."""
    if text.isascii():
        return _GOOGLE_TOKEN.findall(text.lower())
    tokens: list[str] = _UNICODE_TOKEN.findall(plain_form(text))
    return tokens


def plain_form(text: str) -> str:
    """The text for comparison: NFKC, no invisible characters, case-folded."""
    if text.isascii():
        return text.lower()
    folded: str = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold()
    # Case-folding can undo the composition, so it is composed again.
    return unicodedata.normalize("NFKC", folded)


@lru_cache(maxsize=4096)
def script_of(letter: str) -> str:
    """The script of a letter by its Unicode name: `Latin`, `Cyrillic`, `Arabic`, `Han`, …; `unknown` without a name."""
    word = unicodedata.name(letter, "unknown").split()[0].capitalize()
    return _SCRIPT_WORDS.get(word, word) if word != "Unknown" else "unknown"


def dropped_by_google(text: str) -> str | None:
    """What google's tokenizer drops of a text, in words, where that is more than MAX_DROPPED_SHARE of its letters."""
    if text.isascii():
        return None
    letters = [c for c in text if c.isalpha()]
    dropped = [c for c in letters if not c.isascii()]
    if len(dropped) <= MAX_DROPPED_SHARE * len(letters):
        return None
    script, _ = Counter(script_of(c) for c in dropped).most_common(1)[0]
    kind = "Latin letters with diacritics" if script == "Latin" else f"{script} letters"
    return f"{kind} ({len(dropped)} of {len(letters)} letters)"


def require_google_scripts(metric: str, texts: Iterable[str]) -> None:
    """Raise MetricRefused, naming metric, script and the way out, for a text of which google's tokenizer drops too much."""
    for text in texts:
        if dropped := dropped_by_google(text):
            raise MetricRefused(
                f"{metric} refuses this text: its tokenizer keeps only a to z and 0 to 9 and would drop {dropped}",
                hint="use metrics.rouge_tokenizer=unicode, which keeps every script and has a signature of its own",
            )
