"""Which language a text is in, by the library py3langid (97 languages, offline, 5 MB)."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

LEAST_SURE = 0.9
"""Probability below which a language is not taken; a sentence or two of news have 0.99."""


class Guess(NamedTuple):
    """An ISO 639-1 code and how probable it is, in [0, 1]."""

    language: str
    probability: float


def language_of(text: str) -> Guess | None:
    """The language of a text; None where nothing is sure enough, or where py3langid is not installed."""
    identifier = _identifier()
    if identifier is None or not any(c.isalpha() for c in text):
        return None
    language, probability = identifier.classify(text)
    return Guess(str(language), float(probability)) if probability >= LEAST_SURE else None


def can_detect() -> bool:
    """Whether py3langid is installed."""
    return _identifier() is not None


@cache
def _identifier() -> Any:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ModuleNotFoundError:
        return None
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
