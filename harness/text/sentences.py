"""Sentences of a text as half-open spans, cut by the rules that the library sentencex ships for each language."""

from __future__ import annotations

import re
from typing import NamedTuple

# A line break ends a sentence unless the next line goes on in lower case, as hard-wrapped text does.
_LINE = re.compile(r"[^\n\r\u2028\u2029]+(?:\r?\n(?=[^\S\n]*[a-zß-öø-ÿа-яё])[^\n\r\u2028\u2029]+)*")
_AFTER_STOP = re.compile(r"(?<=[.!?])\s+")


class Sentence(NamedTuple):
    """`text` is exactly `whole[start:end]`, in code points, without surrounding white space."""

    start: int
    end: int
    text: str


def sentences(text: str, language: str = "en") -> list[Sentence]:
    """Every sentence in order; nothing but white space lies outside of them.

    `language` is an ISO 639-1 code; an unknown one falls back to the library's general rules. A heading on a line of
    its own is a sentence.
    """
    from sentencex import segment

    pieces: list[Sentence] = []
    for line in _LINE.finditer(text):
        position = line.start()
        for piece in segment(language, line.group()):
            # The library may drop or alter white space between pieces, so each is looked up, not counted.
            core = piece.strip()
            if not core:
                continue
            start = text.index(core, position)
            position = start + len(core)
            pieces.append(Sentence(start, position, core))
    return pieces


def with_sentence_newlines(text: str, language: str = "en") -> str:
    """The text with one sentence a line and single spaces inside, the form that ROUGE-Lsum reads."""
    return "\n".join(" ".join(s.text.split()) for s in sentences(text, language))


def split_tokenised(text: str) -> str:
    """One sentence a line for a text whose tokens are already apart (`left . Then`), as summarisation benchmarks have it.

    There the rules of `sentences` trip over stray quotation marks, so the cut is after every full stop, question or
    exclamation mark that white space follows. SummEval's published ROUGE-L correlations are met with this cut only.
    """
    return _AFTER_STOP.sub("\n", text.strip())
