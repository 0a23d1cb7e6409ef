"""Reads a stance from what a model answered (`replies` sets its thoughts apart); what is not clearly a label is none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from string import ascii_uppercase

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
_REACH = 100
"""Characters before a mention in which a negation of it is looked for."""
# No part of a pattern gives back what it took where another could take it, and gaps are bounded: else a reply of 24 kB that is
# made for it takes seconds.
_GAP, _GAP_KEPT = r"\W{0,40}", r"\W{0,40}+"
_HEDGE = (
    r"(?:(?:clearly|therefore|thus|most|more|likely|probably|best|described|classified|categori[sz]ed|as|that|of)\b"
    rf"{_GAP_KEPT})*+"
)
_MARKER = re.compile(
    rf"\b(?:stance|answer|label|classification|position|verdict|conclusion)\b{_GAP}(?:is\b|would be\b|:|=|->|→|–){_GAP_KEPT}"
    + _HEDGE
)
MOST_OBJECTS = 1000
"""Objects that are looked at in one reply."""
MOST_READINGS = 30
"""How often the characters of a reply are looked at for JSON, on average."""
_FIELDS = ("stance", "label", "answer", "choice", "option", "classification", "position", "final_answer")
_CUT_FIELD = re.compile(rf'"(?:{"|".join(_FIELDS)})"\s*:\s*"([^"{{}}\n]++)"?+\s*+,?+\s*+\Z', re.IGNORECASE)
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{\s*(?:\\(?:text(?:bf|it)?|mathrm|mathbf)\s*\{)?([^{}]*)\}")
# A capital that stands for itself, not the article of "A neutral tone" at the head of a sentence.
_OF_ITSELF = r"[\s*_\"'“`(\[]{0,40}+(?:option|answer|choice|letter)?+[\s*_\"'“`(\[]{0,40}+([A-Z])(?![\w'’])"
_NOT = re.compile(r"(?:\b(?:not|never|neither|nor|cannot|than|instead of|rule out|exclude)|n['’]t)\b", re.IGNORECASE)
_CHOSEN = re.compile(
    r"\b(?:"
    rf"(?:answer|choice|option|label|letter|stance|classification|position)\b{_GAP}(?:is|would be|:|=|->|→){_GAP_KEPT}{_HEDGE}|"
    r"(?:choose|chose|choosing|pick|picked|select|selected|go with|going with|opt for|answer with|answer|say|select(?:ing)?)\b"
    rf"{_GAP_KEPT}"
    rf")(?-i:{_OF_ITSELF})",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"\A[\s*\"'“`(]*(?:option |answer |letter )?([A-Z])\b[\s*\"'”`)]*(?:is (?:the|correct|right|my)|seems|fits|matches)"
)
_ENCLOSED = re.compile(r"(?:\(([A-Z])\)|\*\*\(?([A-Z])[).:]?\*\*|\boption ([A-Z])\b)")
_LISTED = re.compile(r"^[ \t>*_-]*\(?([A-Z])[).:]\s+\S.*$", re.MULTILINE)
_LETTER = re.compile(
    r"(?:(?:final )?(?:option|answer|choice|label|letter)\b(?: is)?\W*)?\(?([a-z])\)?"
    r"(?:[\s.):,*\"'`]*$|[.):,]\s|\s*\n|\s+[-–—]\s)"
)


def parse_label(text: str) -> Stance | None:
    """The one label that `text` gives, or None.

    In this order: a JSON object with a field `stance`, `label`, `answer` or the like; what stands in `\\boxed{}`; the label
    that directly follows the last `stance:`, `answer is` or the like; a last line that is a label; the only label mentioned
    in the first line that mentions one; the only one in the whole. Case, underscores, hyphens and inflection do not matter
    (`Lean-Support`, `leans towards support`, `opposed`). A label that is negated (`does not support`) makes the answer
    unclear, and so do two different labels.
    """
    if (field := stated(text)) is not None:
        return _only(field.casefold())
    if boxes := _BOXED.findall(text):
        return _only(boxes[-1].casefold())
    folded = re.sub(r"[*`\"“”#]", " ", text.casefold())
    for marker in reversed(list(_MARKER.finditer(folded))):
        if any(pattern.match(folded, marker.end()) for _, pattern in _LABELS):
            return _only(folded[marker.end() :].partition("\n")[0])
    lines = list(filter(None, map(str.strip, folded.splitlines())))
    whole = [label for label in map(_whole_label, lines) if label is not None]
    if len(set(whole)) >= 3:
        # the labels are listed, not chosen from
        return None
    if len(lines) > 1 and (last := _whole_label(lines[-1])) is not None:
        return last
    for line in lines:
        if next(_mentions(line), None) is not None:
            label = _only(line)
            if label is not None or _is_unclear(line):
                return label
    return _only(folded)


def parse_choice(text: str, labels: Sequence[Stance]) -> Stance | None:
    """The label whose letter (`A` for the first) `text` chooses; else `parse_label`.

    A letter is chosen that begins the text, alone or as in `B)`, `(B)`, `Answer: B`; in a JSON field or `\\boxed{}`; in the
    last `the answer is B` or `I would choose (B)`; in a last line of its own; or that alone stands in brackets or bold.
    `I would not choose B` chooses nothing, and neither does a list of the options.
    """
    text = stated(text) or text
    if boxes := _BOXED.findall(text):
        text = boxes[-1]
    options = _LISTED.findall(text)
    if len(set(options)) >= 3 or (len(options) == len(labels) > 1):
        # the options are repeated: what is chosen stands around them
        text = _LISTED.sub("", text).strip()
    letters = dict(zip(ascii_uppercase, labels, strict=False))
    if letter := _letter(text):
        return letters.get(letter)
    return parse_label(text)


def _letter(text: str) -> str | None:
    """The capital letter that a text chooses, None where it chooses none."""
    head = _LETTER.match(re.sub(r"^[\s*`\"'“]+", "", text).casefold())
    if head:
        return head.group(1).upper()
    chosen = [m[1] for m in _CHOSEN.finditer(text) if not _denied(text, m.start(1))]
    if chosen:
        return chosen[-1]
    lines = [line.strip(" \t*_`\"'“”.()[]") for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and len(lines[-1]) == 1 and lines[-1].isupper():
        return lines[-1]
    if subject := _SUBJECT.match(text):
        return None if _denied(text, subject.end() + 4) else subject[1]
    enclosed = {m[m.lastindex or 0]: _denied(text, m.start()) for m in _ENCLOSED.finditer(text)}
    return next(iter(enclosed)) if len(enclosed) == 1 and not any(enclosed.values()) else None


def _denied(text: str, end: int) -> bool:
    """Whether the clause that goes up to `end` has a negation."""
    clause = re.split(r"[.!?;\n]", text[max(0, end - 100) : end])[-1]
    return _NOT.search(clause) is not None


def _whole_label(line: str) -> Stance | None:
    """The label that is all of a line, but for a word such as `therefore` or `final answer`."""
    bare = re.sub(r"^(?:so|thus|therefore|hence|final answer|final)\W+", "", line.strip(" .:,;!()[]"))
    first = next(_mentions(bare), None)
    label = _only(bare)
    return label if first is not None and first[1] == 0 and len(bare.split()) <= 4 else None


def first_stance(labels: Sequence[Stance | None]) -> int | None:
    """Which of the answers to several windows of an article counts: the first with a stance, else the first with a label.

    Most windows of a long article do not mention the speaker: of `[None, NO_STANCE, OPPOSE, SUPPORT]` it is the answer 2, of
    `[None, NO_STANCE]` the answer 1. None where no answer could be read.
    """
    readable = [n for n, label in enumerate(labels) if label is not None]
    stances = [n for n in readable if labels[n] is not Stance.NO_STANCE]
    return next(iter([*stances, *readable]), None)


def stated(text: str) -> str | None:
    """The text of the field `stance`, `label`, `answer` or the like of the first JSON object that has one, also of one that
    was cut off right after it; None if there is none."""
    decoder = json.JSONDecoder()
    # an object inside one that is none is read again: of a text that is made for it, that many times and no more
    patience = MOST_READINGS * len(text)
    for brace in islice(re.finditer(r'\{(?=\s*")', text), MOST_OBJECTS):
        end = len(text)
        try:
            value, end = decoder.raw_decode(text, brace.start())
        except json.JSONDecodeError as error:
            end, value = error.pos, {}
        except (ValueError, RecursionError):
            value = {}
        patience -= end - brace.start()
        if patience < 0:
            break
        fields = {str(name).casefold(): field for name, field in value.items()}
        for name in _FIELDS:
            if isinstance(fields.get(name), str):
                return str(fields[name])
    cut = _CUT_FIELD.search(text)
    return cut[1].strip() if cut and "{" in text[: cut.start()] else None


def _mentions(text: str) -> Iterator[tuple[Stance | None, int]]:
    """(label, or None where it is negated; where it begins) of every mention in order."""
    position = 0
    following = [pattern.search(text) for _, pattern in _LABELS]
    while True:
        for order, (_, pattern) in enumerate(_LABELS):
            if (m := following[order]) is not None and m.start() < position:
                following[order] = pattern.search(text, position)
        matches = [(m.start(), order, m.end()) for order, m in enumerate(following) if m is not None]
        if not matches:
            return
        start, order, end = min(matches)
        stance = _LABELS[order][0]
        # silence is worded with a negation itself
        negated = stance is not Stance.NO_STANCE and _NEGATED.search(text[max(0, start - _REACH) : start])
        yield (None if negated else stance), start
        position = end


def _only(text: str) -> Stance | None:
    stances = {stance for stance, _ in _mentions(text)}
    return stances.pop() if len(stances) == 1 else None


def _is_unclear(line: str) -> bool:
    return len({stance for stance, _ in _mentions(line)}) > 1
