"""Quotations that end in a question or exclamation mark: whoever is named right after one, before a verb of saying, said it."""

from __future__ import annotations

from collections.abc import Sequence

import regex

from harness.text.marks import plain_marks
from harness.text.sentences import Sentence

_SAYING = (
    "ask asks asked say says said tell tells told add adds added cry cries cried shout shouts shouted exclaim exclaims exclaimed "
    "wonder wonders wondered demand demands demanded reply replies replied answer answers answered write writes wrote warn warns "
    "warned insist insists insisted argue argues argued declare declares declared yell yells yelled call calls called"
)
_NAMED = r"(?:[\p{L}\p{M}\p{N}.'-]+\s+){0,6}[\p{L}\p{M}\p{N}.'-]+"
"""A name, perhaps after an article and titles."""
_ATTRIBUTION = regex.compile(
    rf"{_NAMED}(?:,[^,;:.!?\n]{{1,90}},)?\s+(?:\p{{Ll}}+ly\s+)?(?:{'|'.join(_SAYING.split())})\b(?!:|\s+that\b)"
)
_ENDED = regex.compile(r"[?!]\.{0,3}[\"']$")


def quotation_before(text: str, sentences: Sequence[Sentence], n: int) -> Sentence | None:
    """The quotation that sentence `n` of `text` gives to somebody: `"Will they kill us?"` where `Orlan Sen asked.` follows.

    None where the sentence before is none or stands on another line, or where sentence `n` brings what was said itself
    (`Sen asked that ...`). In this form alone is a quotation a sentence of its own: `"We go," Sen said.` is one sentence.
    """
    if n == 0:
        return None
    before, sentence = sentences[n - 1], sentences[n]
    apart = "\n" in text[before.end : sentence.start]
    if apart or not _ENDED.search(plain_marks(before.text)) or not _ATTRIBUTION.match(plain_marks(sentence.text)):
        return None
    return before
