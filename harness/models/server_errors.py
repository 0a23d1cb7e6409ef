"""Responses that are no answers: what they say, whether another attempt may fare better, and when to stop asking at all."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from harness.errors import EndpointError
from harness.runtime.secrets import without

PASSING = frozenset({408, 409, 425, 429})
"""Statuses below 500 that another attempt may not meet."""
OVERLOADED = frozenset({429, 503, 529})
"""Statuses of a server that has too much to do."""
_REASON = 300
"""Characters of what a server says that a reason quotes."""
_ALIKE = 3
"""Articles whose requests a server refuses with the same words, before it answers any, at which the work stops."""
_OF_VALIDATION = re.compile(
    r"validat|extra_forbidden|value_?error|type_?error|logits_all|(?:not|un)[ -]?(?:supported|implemented)|"
    r"(?:unknown|unexpected|unrecogni[sz]ed|invalid|missing)\b.{0,40}\b(?:field|param|argument|keyword|value|request)",
    re.IGNORECASE,
)
_OF_THE_TEXT = re.compile(
    r"context|length|token|too (?:long|large|big)|exceed|filter|polic|safety|moderat", re.IGNORECASE
)
"""What a server says where the text of one request is at fault, and another may be answered."""
_FIELD = re.compile(r"\b(?:max|min)_(?:\w+_)?tokens\b|\bsingle tokens\b")
"""Fields and labels of every request, whatever its text."""


def is_refusal(status: int, content: bytes) -> bool:
    """Whether the same request would be refused again: a client's error that does not pass, or a validation's under 500.

    transformers serve and llama-cpp-python answer a field that they do not take with 500.
    """
    if status < 500:
        return status not in PASSING
    return status in (500, 501) and _OF_VALIDATION.search(message_of(content, None)) is not None


class Refusals:
    """What a server refused before it answered anything. The same words for three articles will be those for all others."""

    def __init__(self) -> None:
        self._answered = False
        self._units: dict[str, set[int]] = defaultdict(set)

    def answered(self) -> None:
        """Something is answered, so what is refused has its own reasons."""
        self._answered = True
        self._units.clear()

    def refused(self, reason: str, unit: int) -> None:
        """A request of that unit, which is an article's, is refused with these words."""
        if not self._answered and not _OF_THE_TEXT.search(_FIELD.sub("", reason)):
            # the number of a request is no other reason
            words = re.sub(r"\b[0-9a-f-]*\d[0-9a-f-]{5,}\b", "#", reason)
            self._units[words].add(unit)

    def verdict(self) -> EndpointError | None:
        """The error that ends the work, in the server's words; None while it makes sense to go on."""
        for words, units in self._units.items():
            if len(units) >= _ALIKE:
                return EndpointError(
                    f"the server answers nothing and refuses every request alike: {words}",
                    hint="when the config or the server is put right, the same command goes on",
                )
        return None


def retry_after(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a `Retry-After` header asks for, given as a number or an HTTP date; None where it says neither."""
    if header is None:
        return None
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", header):
        return float(header)
    try:
        date = parsedate_to_datetime(header)
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def message_of(content: bytes, key: str | None) -> str:
    """What an error response says, in at most 300 characters, without the key."""
    text = content.decode("utf-8-sig", "replace")
    try:
        body = json.loads(text)
        message = body.get("error") or body.get("detail") or body.get("message") or body
        message = message.get("message") or message if isinstance(message, dict) else message
        text = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
    except (ValueError, AttributeError, RecursionError):
        pass
    # first the key, then the cut: half a key is one, too
    text = " ".join(without(text, key).split())
    return text if len(text) <= _REASON else text[: _REASON - 1] + "…"
