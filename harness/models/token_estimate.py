"""How many tokens a text may have for a server, which says so only afterwards: a rule by bytes."""

from __future__ import annotations

import math

TOKEN_BYTES = 3
"""UTF-8 bytes that count as a token; see `estimate`."""
USUAL_BYTES = 4
"""UTF-8 bytes that a token of English has as a rule: of prompts on the gold set, 3.8 to 4.2 with the tokenizer of SmolLM2."""


def estimate(text: str) -> int:
    """Tokens that a text has at most, as a rule: one for every three bytes of UTF-8.

    No server says how it tokenises before it is asked. English has 4 to 5 bytes a token, Russian and Arabic 4 to 6,
    Chinese 3 to 5 with the vocabularies of today's models (100,000 tokens and more); older ones may need more tokens
    than this, and then the server's own refusal is what is recorded.
    """
    return math.ceil(len(text.encode("utf-8", "surrogatepass")) / TOKEN_BYTES)


def estimated_spans(text: str) -> list[tuple[int, int]]:
    """Half-open code-point spans of as many bytes as count as one token, or of one longer character."""
    spans: list[tuple[int, int]] = []
    start = size = 0
    for i, character in enumerate(text):
        width = len(character.encode("utf-8", "surrogatepass"))
        if i > start and size + width > TOKEN_BYTES:
            spans.append((start, i))
            start, size = i, 0
        size += width
    return [*spans, (start, len(text))] if text else []
