"""Pictures of how good and how fast systems are, and what they confuse: quality against time, confusion matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from harness.metrics.catalogue import direction, label_of
from harness.report import svg as s
from harness.report.collect import Row
from harness.report.svg import Picture
from harness.report.table import Leaderboard, labels
from harness.report.verdicts import sentence
from harness.report.words import number

MOST = 12
"""Small multiples of so many systems, the best by the first primary metric; the caption says how many are left out."""

MOST_LABELS = 30
"""With more points than this only those on the front carry their names; the others have tooltips."""


def left_out(shown: int, total: int, what: str) -> str:
    """What a caption says where there was no room for all."""
    return f" The best {shown} of {total} {what}." if total > shown else ""


def stance_table(row: Row, name: str) -> object:
    """A stance table of the row's run."""
    tables = row.tables.get("stance")
    return tables.get(f"stance.{name}") if isinstance(tables, dict) else None


@dataclass
class Plot:
    """Axes on a canvas: where values stand, the frame, and labels that do not hit each other."""

    across: tuple[float, float]
    up: tuple[float, float]
    width: float = 460.0
    height: float = 300.0
    left: float = 46.0
    right: float = 14.0
    top: float = 14.0
    bottom: float = 44.0
    taken: list[tuple[float, float, float]] = field(default_factory=list)

    def x(self, v: float) -> float:
        """Pixels from the left."""
        low, high = self.across
        return self.left + (v - low) / (high - low) * (self.width - self.left - self.right)

    def y(self, v: float) -> float:
        """Pixels from the top."""
        low, high = self.up
        return self.top + (high - v) / (high - low) * (self.height - self.top - self.bottom)

    def frame(self, ticks: Sequence[tuple[float, str]], label: str) -> list[Markup]:
        """Grid and both axes; `ticks` are those of the horizontal one."""
        floor = self.height - self.bottom
        body: list[Markup] = []
        for tick in s.ticks(*self.up):
            body.append(s.line(self.left, self.y(tick), self.width - self.right, self.y(tick), "grid"))
            body.append(s.text(self.left - 8, self.y(tick) + 4, f"{tick:g}", "tick", "end"))
        for v, tick_label in ticks:
            body.append(s.line(self.x(v), floor, self.x(v), floor + 5))
            body.append(s.text(self.x(v), floor + 18, tick_label, "tick", "middle"))
        body.append(s.line(self.left, floor, self.width - self.right, floor))
        body.append(s.text((self.left + self.width - self.right) / 2, self.height - 8, label, "label", "middle"))
        return body

    def label(
        self, x: float, y: float, name: str, cls: str = "name", hint: str = "", *, shape: int | None = None
    ) -> list[Markup]:
        """A name beside a point, on the side where it fits; nothing where all is full (the point's tooltip has it)."""
        shown = s.cut(name, 24)
        wide = len(shown) * s.CHAR
        body: list[Markup] = []
        for anchor, start in (("start", x + 9), ("end", x - 9 - wide)):
            if start < 2 or start + wide > self.width:
                continue
            for shift in (-5, 9, -17, 21, -29, 33):
                at = y + shift
                clear = all(
                    abs(at - other) >= 11 or start + wide + 6 < a or start - 6 > b for a, b, other in self.taken
                )
                if clear and 8 <= at <= self.height - self.bottom - 2:
                    self.taken.append((start, start + wide, at))
                    where = start if anchor == "start" else x - 9
                    body.append(s.text(where, at, shown, cls, anchor, hint or name))
                    return body
        return body


@dataclass(frozen=True)
class _Point:
    name: str
    pace: float
    value: float
    low: float
    high: float


def frontier(board: Leaderboard, metric: str) -> Picture | None:
    """Quality against seconds per article (logarithmic), with intervals and the Pareto front; ceilings are only named."""
    names = labels([line.row for line in board.lines])
    points, missing, ceilings = [], [], []
    for line in board.lines:
        value, name = line.row.metrics.get(metric), names[line.row.fingerprint]
        if value is None or value.value is None or line.seconds_per_article is None:
            missing.append(name)
            continue
        v = value.value
        if line.row.use.ceiling:
            ceilings.append(f"{name.removesuffix(' (ceiling)')} {number(v, metric)}")
            continue
        low, high = (value.ci_low, value.ci_high) if value.ci_low is not None and value.ci_high is not None else (v, v)
        points.append(_Point(name, max(line.seconds_per_article, 1e-4), v, low, high))
    if len(points) < 2:
        return None
    front = pareto(points, direction(metric))
    label = sentence(label_of(metric))
    better = "up" if direction(metric) > 0 else "down"
    spoken = "; ".join(f"{p.name} {number(p.value, metric)} at {_pace(p.pace)} s" for p in points[:30])
    alternative = (
        f"{label} against seconds per article for {len(points)} systems: {spoken}. "
        f"On the Pareto front: {', '.join(p.name for p in front)}."
    )
    beyond = f" Ceilings, not drawn: {', '.join(ceilings)}." if ceilings else ""
    beyond += " Only those on it carry names; pointing at the others tells theirs." if len(points) > MOST_LABELS else ""
    unplaced = f" No time or score: {', '.join(missing[:8])}{' …' if len(missing) > 8 else ''}." if missing else ""
    caption = (
        f"Vertical bars are 95\u00a0% intervals; better is {better} and to the left. Filled, and joined by the line: the "
        f"Pareto front, systems that no other beats in both.{beyond}{unplaced}"
    )
    name = f"front-{metric.replace('.', '-').replace('_', '-')}"
    title = f"{label} against time"
    drawn = _frontier_svg(name, title, alternative, points, front, metric)
    return Picture(name, title, caption, drawn, alternative, "fit")


def pareto(points: Sequence[_Point], sign: int) -> list[_Point]:
    """Those that no other system beats in both quality and time, fastest first."""
    front: list[_Point] = []
    for p in sorted(points, key=lambda p: (p.pace, -sign * p.value, p.name)):
        if not front or sign * p.value > sign * front[-1].value:
            front.append(p)
    return front


def _frontier_svg(
    name: str, title: str, alternative: str, points: Sequence[_Point], front: Sequence[_Point], metric: str
) -> Markup:
    x0, x1 = math.log10(min(p.pace for p in points)) - 0.15, math.log10(max(p.pace for p in points)) + 0.15
    y0, y1 = min(p.low for p in points), max(p.high for p in points)
    margin = (y1 - y0) * 0.06 or 0.05
    plot = Plot((x0, x1), (max(0.0, y0 - margin), y1 + margin))
    digits = (1, 2, 5) if x1 - x0 < 2.2 else (1,)
    powers = range(math.floor(x0), math.ceil(x1) + 1)
    at = [power + math.log10(digit) for power in powers for digit in digits]
    body = plot.frame([(v, _pace(10**v)) for v in at if x0 <= v <= x1], "seconds per article (logarithmic)")

    def where(p: _Point) -> tuple[float, float]:
        return plot.x(math.log10(p.pace)), plot.y(p.value)

    start, floor = where(front[0]), plot.width - plot.right
    steps = "".join("H{:.1f}V{:.1f}".format(*where(p)) for p in front[1:])
    body.append(s.path(f"M{start[0]:.1f},{start[1]:.1f}{steps}H{floor:.1f}", "front"))
    on_front = set(front)
    plot.taken += [(where(p)[0] - 5, where(p)[0] + 5, where(p)[1] + 3) for p in points]
    hints = [f"{p.name}: {number(p.value, metric)} at {_pace(p.pace)} s per article" for p in points]
    for i, p in enumerate(points):
        x, y = where(p)
        body.append(s.line(x, plot.y(p.low), x, plot.y(p.high), "whisker"))
        body.append(s.shape(i, x, y, 4.6, "point best" if p in on_front else "point", hints[i]))
    # labels last, and those on the front first: they must be readable
    labelled = [i for i, p in enumerate(points) if p in on_front or len(points) <= MOST_LABELS]
    for i in sorted(labelled, key=lambda i: points[i] not in on_front):
        cls = "name" if points[i] in on_front else "name dim"
        body += plot.label(*where(points[i]), points[i].name, cls, hints[i])
    return s.svg(name, title, alternative, plot.width, plot.height, body)


def _pace(seconds: float) -> str:
    return f"{seconds:.3g}" if seconds < 1000 else f"{seconds:.0f}"


def confusions(board: Leaderboard) -> Picture | None:
    """Three-way confusion matrices on concrete targets, one panel a system: rows are gold, shading is the share of a row."""
    names = labels([line.row for line in board.lines])
    tables = [
        (names[line.row.fingerprint], table)
        for line in board.lines
        if isinstance(table := stance_table(line.row, "confusion.three_way"), dict) and any(map(sum, table["counts"]))
    ]
    if not tables:
        return None
    shown = tables[:MOST]
    spoken = [name + ": " + "; ".join(_row_words(table, k) for k in range(len(table["gold"]))) for name, table in shown]
    caption = (
        "What gold calls each concrete stance (rows) and what the classifier answered (columns), as counts; the stronger "
        "a cell's colour, the larger its share of the row; right answers on the diagonal in blue."
        f"{left_out(len(shown), len(tables), 'systems; table.json has all')}"
    )
    panels = [(268.0, 172.0, _confusion_panel(name, table)) for name, table in shown]
    return s.figure("confusions", "Confusion matrices, three-way", caption, ". ".join(spoken), panels)


def _row_words(table: dict[str, Any], k: int) -> str:
    counts = ", ".join(f"{n} {label}" for n, label in zip(table["counts"][k], table["predicted"], strict=True) if n)
    return f"gold {table['gold'][k]} answered {counts or 'nothing'}"


def _confusion_panel(name: str, table: dict[str, Any]) -> list[Markup]:
    wide, high, side, top = 53.0, 38.0, 54.0, 40.0
    body = [s.text(0, 13, s.cut(name, 40), "name", hint=name)]
    for j, label in enumerate(table["predicted"]):
        body.append(s.text(side + (j + 0.5) * wide - 1, top - 6, label[:8], "tick", "middle"))
    for k, label in enumerate(table["gold"]):
        row = table["counts"][k]
        total = sum(row)
        body.append(s.text(side - 6, top + (k + 0.5) * high + 3, label, "tick", "end"))
        for j, n in enumerate(row):
            share = n / total if total else 0.0
            hint = f"gold {label}, answered {table['predicted'][j]}: {n} of {total}"
            at = (side + j * wide, top + k * high)
            body.append(s.cell(*at, wide, high, share, str(n), kind="hit" if j == k else "miss", hint=hint))
    return body
