"""Offsets into a text as other programs count them: UTF-16 units (JavaScript, Java), doccano's clusters, code points (ours)."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import Literal

from harness.data.formats.graphemes import clusters
from harness.data.schema import occurrences

Unit = Literal["utf16", "graphemes", "code_points"]


class Offsets:
    """Converts between code points and another unit for one text."""

    def __init__(self, text: str, unit: Unit) -> None:
        self._starts: list[int] | None = None
        """Of each code point, and of the end, the offset in the unit; None where the two agree."""
        if unit == "utf16" and any(ord(ch) > 0xFFFF for ch in text):
            self._starts = [0, *accumulate(2 if ord(ch) > 0xFFFF else 1 for ch in text)]
        elif unit == "graphemes":
            lengths = [len(cluster) for cluster in clusters(text)]
            self._starts = [i for i, n in enumerate(lengths) for _ in range(n)] + [len(lengths)]
        self._length = len(text)

    def out(self, code_point: int) -> int:
        """The offset in the unit; inside a cluster, that of the cluster."""
        return code_point if self._starts is None else self._starts[code_point]

    def back(self, offset: int) -> int | None:
        """The code point at an offset in the unit; None where the text has none there."""
        if self._starts is None:
            return offset if 0 <= offset <= self._length else None
        at = bisect_left(self._starts, offset)
        return at if at < len(self._starts) and self._starts[at] == offset else None


def find_span(text: str, start: int, end: int, quoted: str | None, unit: Unit) -> tuple[int, int, bool] | None:
    """Code-point span of a passage given in some unit, and whether it stands exactly where it was said to.

    With `quoted` the first reading that gives those words wins: `unit`, code points, UTF-16, then the nearest place
    where they stand. None if there is no reading.
    """
    for kind in dict.fromkeys((unit, "code_points", "utf16") if quoted is not None else (unit,)):
        offsets = Offsets(text, kind)
        a, b = offsets.back(start), offsets.back(end)
        if a is not None and b is not None and a < b and (quoted is None or _same(text[a:b], quoted)):
            return a, b, True
    if not quoted:
        return None
    places = occurrences(text, quoted)
    if not places:
        return None
    nearest = min(places, key=lambda at: abs(at - start))
    return nearest, nearest + len(quoted), False


def _same(passage: str, quoted: str) -> bool:
    # a browser turns every line end into \n
    return passage == quoted or passage.replace("\r\n", "\n").replace("\r", "\n") == quoted.replace("\\n", "\n")


def cuts_words(text: str, start: int, end: int) -> bool:
    """Whether a span of code points begins or ends between two letters or digits."""

    def inside(at: int) -> bool:
        return 0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum()

    return inside(start) or inside(end)
