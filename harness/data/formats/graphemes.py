"""Grapheme clusters as grapheme-splitter 1.0.4 (2018, Unicode 10) counts them, the library of doccano's browser page.

It follows UAX #29 of Unicode 10: an emoji modifier joins the bases of that version only, and what stands after a zero-width
joiner joins it only if it was in a short list; newer emoji are several clusters. Everything else is as today.
"""

from __future__ import annotations

import regex

_GLUE = (
    r"\u2640\u2642\u2695-\u2696\u2708\u2764\U0001F308\U0001F33E\U0001F373\U0001F393\U0001F3A4\U0001F3A8\U0001F3EB\U0001F3ED"
    r"\U0001F48B\U0001F4BB-\U0001F4BC\U0001F527\U0001F52C\U0001F5E8\U0001F680\U0001F692"
)
"""Glue_After_Zwj."""
_PEOPLE = r"\U0001F466-\U0001F469"
"""E_Base_GAZ."""
_BASES = (
    r"\u261D\u26F9\u270A-\u270D\U0001F385\U0001F3C2-\U0001F3C4\U0001F3C7\U0001F3CA-\U0001F3CC\U0001F442-\U0001F443"
    r"\U0001F446-\U0001F450\U0001F46E\U0001F470-\U0001F478\U0001F47C\U0001F481-\U0001F483\U0001F485-\U0001F487\U0001F4AA"
    r"\U0001F574-\U0001F575\U0001F57A\U0001F590\U0001F595-\U0001F596\U0001F645-\U0001F647\U0001F64B-\U0001F64F\U0001F6A3"
    r"\U0001F6B4-\U0001F6B6\U0001F6C0\U0001F6CC\U0001F918-\U0001F91C\U0001F91E-\U0001F91F\U0001F926\U0001F930-\U0001F939"
    r"\U0001F93D-\U0001F93E\U0001F9D1-\U0001F9DD"
)
"""E_Base."""
_TONE = r"[\U0001F3FB-\U0001F3FF]"
_EXTEND = rf"(?:(?!{_TONE})\p{{GCB=Extend}})"
_JOINS = rf"(?:(?!{_TONE})[\p{{GCB=Extend}}\p{{GCB=ZWJ}}])"
_HANGUL = r"(?:\p{GCB=L}*(?:\p{GCB=V}+|\p{GCB=LV}\p{GCB=V}*|\p{GCB=LVT})\p{GCB=T}*|\p{GCB=L}+|\p{GCB=T}+)"
_EMOJI = rf"[{_BASES}{_PEOPLE}](?:{_EXTEND}*{_TONE})?"
_JOINED = rf"\u200D[{_GLUE}]|\u200D[{_PEOPLE}](?:{_EXTEND}*{_TONE})?"
_CLUSTER = regex.compile(
    rf"\r\n|[\r\n\p{{GCB=Control}}]"
    rf"|\p{{GCB=Prepend}}*(?:{_JOINED}|\p{{GCB=RI}}\p{{GCB=RI}}|{_HANGUL}|{_EMOJI}|[^\r\n\p{{GCB=Control}}])"
    rf"(?:{_JOINED}|{_JOINS}|\p{{GCB=SpacingMark}})*"
)


def clusters(text: str) -> list[str]:
    """The clusters of a text in order; joined they are the text."""
    found: list[str] = _CLUSTER.findall(text)
    return found
