"""Reads what a model answered to a numbered list: a JSON object or list, also one that is cut off or wrapped in other text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_NUMBERS = ("number", "id", "n", "no", "nr", "question", "item", "pair", "index", "key")
"""Fields that hold an entry's number, where a model writes a list of objects."""
_ANSWERS = ("answer", "stance", "label", "letter", "position", "option", "choice", "value")
"""Fields that hold its answer."""
_OPENING = re.compile(r"[\[{]")
_MOST_BROKEN = 1000
"""Brackets that begin no JSON value, after which no further one is tried."""
_ENTRY = re.compile(r'"?\b(\d{1,4})\b"?\s*:\s*"((?:[^"\\\n]|\\.)*)"')
_LINE = re.compile(r"^\W*(\d{1,4})\s*[.):=\-–—][\s*:]*(\S.*?)[\s,]*$", re.MULTILINE)


def read_list(reply: str, n: int) -> dict[int, str]:
    """The answers of a reply by their numbers 1 to n, as texts; numbers that it does not answer, or answers twice and
    differently, are left out.

    Of several JSON values in the text the last of those with most answers counts: `{"1": "A", "2": "B"}`,
    `[{"number": 1, "stance": "A"}, ...]`, `["A", "B"]` with exactly n texts, or any of these inside an object. Without
    such a value single entries count (`{"1": "A", "2": "B", "3` gives two), and then lines like `1. A`.
    """
    best: dict[int, str] = {}
    for value in _json_values(reply):
        answers = _answers(value, n)
        best = answers if len(answers) >= len(best) else best
    return best or _agreeing(_ENTRY.findall(reply), n) or _agreeing(_LINE.findall(reply), n)


class _Members(list[tuple[str, Any]]):
    """The members of a JSON object in order, with those that share a name."""


def _json_values(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder(object_pairs_hook=_Members)
    position = n_broken = 0
    while n_broken < _MOST_BROKEN and (match := _OPENING.search(text, position)) is not None:
        try:
            value, position = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            position = match.end()
            n_broken += 1
        else:
            yield value


def _answers(value: Any, n: int) -> dict[int, str]:
    if isinstance(value, _Members):
        named = [(name, text) for name, answer in value if (text := _answer(answer)) is not None]
        inner = [_answers(member, n) for _, member in value if isinstance(member, list)]
        return max([_agreeing(named, n), *inner], key=len)
    if isinstance(value, list):
        if len(value) == n and all(isinstance(entry, str) for entry in value):
            return dict(enumerate(value, 1))
        return _agreeing([one for entry in value if isinstance(entry, _Members) for one in _entries(entry)], n)
    return {}


def _entries(entry: _Members) -> list[tuple[str, str]]:
    """Number and answer of an object in a list; its members themselves where none of them is a number by its name."""
    number, text = _field(entry, _NUMBERS), _answer(entry)
    if number is None:
        return [(name, value) for name, value in entry if isinstance(value, str)]
    return [] if text is None else [(number, text)]


def _answer(value: Any) -> str | None:
    """The text of an answer: itself, or a field of the object that it stands in."""
    if isinstance(value, str):
        return value
    return _field(value, _ANSWERS) if isinstance(value, _Members) else None


def _field(members: _Members, names: tuple[str, ...]) -> str | None:
    """The text of the first of these fields that is there, a number as its digits."""
    texts: Mapping[str, str] = {
        name.casefold(): str(value)
        for name, value in members
        if isinstance(value, str | int) and not isinstance(value, bool)
    }
    return next((texts[name] for name in names if name in texts), None)


def _agreeing(entries: list[tuple[str, str]], n: int) -> dict[int, str]:
    """Answers by number, without what is no number of the list and without numbers that have two different answers."""
    answers: dict[int, set[str]] = {}
    for name, text in entries:
        number = re.fullmatch(r"\D{0,12}?0*(\d{1,4})\W?", name.strip())
        if number and 1 <= int(number[1]) <= n and text.strip():
            answers.setdefault(int(number[1]), set()).add(text.strip())
    return {number: texts.pop() for number, texts in sorted(answers.items()) if len(texts) == 1}
