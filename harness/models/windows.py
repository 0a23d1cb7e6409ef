"""Cuts an article that is too long for a model's window into pieces of text; what stands around it is never cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.errors import WindowExceeded

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LongInput = Literal["error", "truncate_article", "windows"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """The pieces of an article that fit the window one at a time, and how many of its tokens are in none of them."""

    pieces: tuple[str, ...]
    tokens_cut: int


def fit_article(
    article: str,
    spans: Callable[[str], Sequence[tuple[int, int]]],
    length: Callable[[str], int],
    window: int,
    policy: LongInput,
    model: str,
    overlap: int = 64,
) -> Fitted:
    """Pieces of `article` that fit `window` tokens one at a time.

    `spans(article)` are the code-point spans of its tokens, asked for where it is too long; `length(piece)` counts the
    tokens of the whole input with that piece in it. `truncate_article` keeps the beginning; `windows` covers everything in
    pieces that share `overlap` tokens. WindowExceeded under `error`, or where not even one token would fit.

    With words as tokens, of which the prompt around the article has two, `one two three four five` fits a window of 5 tokens as
    `one two three` and `three four five` under `windows` and an overlap of 1.
    """
    whole = length(article)
    if whole <= window:
        return Fitted((article,), 0)
    if policy == "error":
        raise WindowExceeded(
            f"the input has {whole} tokens, but the window of {model} is {window}",
            hint="long_input=truncate_article or long_input=windows",
        )
    offsets = spans(article)
    around, total = length(""), len(offsets)
    pieces: list[str] = []
    start = 0
    while True:
        size = min(window - around, total - start)
        while size > 0:
            piece = article[offsets[start][0] : offsets[start + size - 1][1]]
            # a piece on its own may have a token or two more than inside the article
            excess = length(piece) - window
            if excess <= 0:
                break
            size -= excess
        if size <= 0:
            raise WindowExceeded(
                f"without the article the input has {around} tokens: nothing of it fits the window of {model}, {window}"
            )
        pieces.append(piece)
        if policy == "truncate_article":
            return Fitted(tuple(pieces), total - size)
        if start + size >= total:
            return Fitted(tuple(pieces), 0)
        # windows with little room share half of it at most, or an article would need one for every few tokens
        start += size - min(overlap, size // 2)


def token_spans(tokenizer: PreTrainedTokenizerBase, text: str) -> Sequence[tuple[int, int]]:
    """Half-open code-point spans of a text's own tokens."""
    spans: Sequence[tuple[int, int]] = tokenizer(
        text, add_special_tokens=False, return_offsets_mapping=True
    ).offset_mapping
    return spans
