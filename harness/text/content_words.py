"""The words of a text that say what it is about."""

from __future__ import annotations

from collections.abc import Iterable

from harness.text.porter import stem_long
from harness.text.scripts import unicode_tokens

_FUNCTION_TEXT = """
about after also because been before being both could does each from have here into just might more most must only other
over said same says should since some still such than that their them then there these they this those told under until
very were what when where which while whom whose will with would your
"""
_FUNCTION_WORDS = frozenset(map(stem_long, _FUNCTION_TEXT.split()))


def content_words(texts: Iterable[str]) -> set[str]:
    """Stems of words of four letters or more that are no function words."""
    return {stem_long(w) for text in texts for w in unicode_tokens(text) if len(w) > 3} - _FUNCTION_WORDS
