"""Reads a stance from what a model wrote, of one window of an article or of several; what is not clearly a label is none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from harness.types import Stance

_NEGATION = r"(?:not|n['’]t|never|neither|nor|no longer|without|cannot|hardly|refus\w+ to|rather than|instead of)"
_OPPOSE = r"(?:oppos(?:e|es|ed|ing|ition)|against|disagree[sd]?|reject(?:s|ed)?)"
_SUPPORT = r"(?:support(?:s|ed|ing|ive)?|in favou?r(?: of)?|favou?r(?:s|ed)?|agree[sd]?|endorse[sd]?)"
_LEAN = r"(?:lean(?:s|ed|ing)?|somewhat|weakly|partly|partially|slightly|mildly|cautiously)"
_STEP = r"[\s_-]+(?:(?:to|toward|towards)[\s_-]+)?"

# Tried in this order at every place, so that a longer label hides the shorter one inside it.
_LABELS: tuple[tuple[Stance, re.Pattern[str]], ...] = tuple(
    (stance, re.compile(rf"\b{pattern}\b"))
    for stance, pattern in (
        (Stance.NO_STANCE, r"no[\s_-]*(?:clear[\s_-]+)?(?:stance|position|opinion)"),
        (
            Stance.NO_STANCE,
            r"(?:not|n['’]t) (?:take|have|express|state|give) an?(?: clear)? (?:stance|position|opinion)",
        ),
        (Stance.NO_STANCE, r"(?:not[\s_-]+mentioned|says?[\s_-]+nothing|does[\s_-]+not[\s_-]+say|unstated)"),
        (Stance.LEAN_OPPOSE, rf"{_LEAN}{_STEP}{_OPPOSE}"),
        (Stance.LEAN_SUPPORT, rf"{_LEAN}{_STEP}{_SUPPORT}"),
        (Stance.NEUTRAL, r"(?:neutral(?:ity)?|undecided|ambivalent)"),
        (Stance.OPPOSE, _OPPOSE),
        (Stance.SUPPORT, _SUPPORT),
    )
)
_NEGATED = re.compile(rf"\b(?:\w*{_NEGATION})\W+(?:\w+\W+){{0,2}}$")
_MARKER = re.compile(r"\b(?:stance|answer|label|classification|position)\b\W*(?:is\b|:|=)\W*")
_OBJECT = re.compile(r"\{[^{}]*\}")
_LETTER = re.compile(
    r"(?:(?:option|answer|choice|label|letter)\b(?: is)?\W*)?\(?([a-z])\)?(?:[\s.):,*\"'`]*$|[.):,]\s|\s*\n|\s+[-–—]\s)"
)


def parse_label(text: str) -> Stance | None:
    """The one label that `text` gives, or None.

    In this order: a JSON object with a field `stance` or `label`; the label that directly follows the last `stance:`,
    `answer is` or the like; the only label mentioned in the first line that mentions one; the only one in the whole.
    Case, underscores, hyphens and inflection do not matter (`Lean-Support`, `leans towards support`, `opposed`). A
    label that is negated (`does not support`) makes the answer unclear, and so do two different labels.
    """
    if (field := stated(text)) is not None:
        return _only(field.casefold())
    folded = re.sub(r"[*`\"“”]", " ", text.casefold())
    for marker in reversed(list(_MARKER.finditer(folded))):
        rest = folded[marker.end() :]
        first = next(_mentions(rest), None)
        if first is not None and first[1] == 0:
            return _only(rest.partition("\n")[0])
    for line in filter(None, map(str.strip, folded.splitlines())):
        if next(_mentions(line), None) is not None:
            label = _only(line)
            if label is not None or _is_unclear(line):
                return label
    return _only(folded)


def parse_choice(text: str, labels: Sequence[Stance]) -> Stance | None:
    """The label whose letter (`A` for the first) begins `text`, alone or as in `B)`, `(B)` or `Answer: B`; else `parse_label`."""
    text = stated(text) or text
    match = _LETTER.match(re.sub(r"^[\s*`\"'“]+", "", text).casefold())
    if match:
        index = ord(match.group(1)) - ord("a")
        if index < len(labels):
            return labels[index]
    return parse_label(text)


def first_stance(labels: Sequence[Stance | None]) -> int | None:
    """Which of the answers to several windows of an article counts: the first with a stance, else the first with a label.

    Most windows of a long article do not mention the speaker: of `[None, NO_STANCE, OPPOSE, SUPPORT]` it is the answer 2, of
    `[None, NO_STANCE]` the answer 1. None where no answer could be read.
    """
    readable = [n for n, label in enumerate(labels) if label is not None]
    stances = [n for n in readable if labels[n] is not Stance.NO_STANCE]
    return next(iter([*stances, *readable]), None)


def stated(text: str) -> str | None:
    """The text of the field `stance` or `label` of the first JSON object that has one, None if there is none."""
    for braces in _OBJECT.findall(text):
        try:
            value = json.loads(braces)
        except ValueError:
            continue
        for name in ("stance", "label"):
            if isinstance(value.get(name), str):
                return str(value[name])
    return None


def _mentions(text: str) -> Iterator[tuple[Stance | None, int]]:
    """(label, or None where it is negated; where it begins) of every mention in order."""
    position = 0
    while True:
        matches = [
            (m.start(), order, m.end(), stance)
            for order, (stance, pattern) in enumerate(_LABELS)
            if (m := pattern.search(text, position))
        ]
        if not matches:
            return
        start, _, end, stance = min(matches)
        # silence is worded with a negation itself
        negated = stance is not Stance.NO_STANCE and _NEGATED.search(text[:start])
        yield (None if negated else stance), start
        position = end


def _only(text: str) -> Stance | None:
    stances = {stance for stance, _ in _mentions(text)}
    return stances.pop() if len(stances) == 1 else None


def _is_unclear(line: str) -> bool:
    return len({stance for stance, _ in _mentions(line)}) > 1
