"""Pictures of how good, how fast and how sure systems are: quality against time, confusion matrices, reliability curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.report import svg as s
from harness.report.collect import PRIMARY, Row
from harness.report.counts import direction
from harness.report.svg import Markup, Picture
from harness.report.table import Leaderboard, labels
from harness.report.text import number

MOST = 12
"""Small multiples of so many systems, the best by the first primary metric; the caption says how many are left out."""

NAMES = {
    "summary.rouge_lsum": "ROUGE-Lsum",
    "preservation.harm": "harm per 100 conveyed stances",
    "stance.macro_f1.three_way": "three-way macro-F1",
}


def pictures(boards: Sequence[Leaderboard]) -> list[Picture]:
    """The pictures that the records have numbers for."""
    found: list[Picture | None] = []
    for board in boards:
        found += [frontier(board, metric) for metric in PRIMARY[board.kind]]
        if board.kind == "stance":
            found += [confusions(board), reliability(board)]
    return [p for p in found if p is not None]


@dataclass(frozen=True)
class _Point:
    name: str
    pace: float
    value: float
    low: float
    high: float


def frontier(board: Leaderboard, metric: str) -> Picture | None:
    """Quality against seconds per article (logarithmic), with intervals and the Pareto front."""
    names = labels([line.row for line in board.lines])
    points, missing = [], []
    for one in board.lines:
        value, name = one.row.metrics.get(metric), names[one.row.fingerprint]
        if value is None or value.value is None or one.seconds_per_article is None:
            missing.append(name)
            continue
        v = value.value
        low, high = (value.ci_low, value.ci_high) if value.ci_low is not None and value.ci_high is not None else (v, v)
        points.append(_Point(name, max(one.seconds_per_article, 1e-4), v, low, high))
    if len(points) < 2:
        return None
    front = pareto(points, direction(metric))
    label = NAMES[metric]
    better = "up" if direction(metric) > 0 else "down"
    told = "; ".join(f"{p.name} {number(p.value, metric)} at {_pace(p.pace)} s" for p in points[:30])
    alternative = (
        f"{label} against seconds per article for {len(points)} systems: {told}. "
        f"On the Pareto front: {', '.join(p.name for p in front)}."
    )
    left = f" No time or score: {', '.join(missing[:8])}{' …' if len(missing) > 8 else ''}." if missing else ""
    caption = (
        f"Vertical bars are 95 % intervals; better is {better} and to the left. "
        f"The line joins the Pareto front: systems that no other beats in both.{left}"
    )
    name = f"front-{metric.replace('.', '-').replace('_', '-')}"
    title = f"{label[0].upper()}{label[1:]} against time"
    return Picture(name, title, caption, _frontier_svg(name, title, alternative, points, front, metric), alternative)


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
    width, height, left, right, top, bottom = 680.0, 340.0, 52.0, 130.0, 14.0, 46.0
    x0, x1 = math.log10(min(p.pace for p in points)) - 0.15, math.log10(max(p.pace for p in points)) + 0.15
    y0, y1 = min(p.low for p in points), max(p.high for p in points)
    margin = (y1 - y0) * 0.06 or 0.05
    y0, y1 = max(0.0, y0 - margin), y1 + margin

    def x(v: float) -> float:
        return left + (math.log10(v) - x0) / (x1 - x0) * (width - left - right)

    def y(v: float) -> float:
        return top + (y1 - v) / (y1 - y0) * (height - top - bottom)

    body: list[Markup] = []
    for tick in s.ticks(y0, y1):
        body += [
            s.line(left, y(tick), width - right, y(tick), "grid"),
            s.text(left - 8, y(tick) + 4, f"{tick:g}", "tick", "end"),
        ]
    for power in range(math.floor(x0), math.ceil(x1) + 1):
        for digit in (1, 2, 5):
            if x0 <= (at := power + math.log10(digit)) <= x1 and (digit == 1 or x1 - x0 < 2.2):
                v = 10**at
                body += [
                    s.line(x(v), height - bottom, x(v), height - bottom + 5),
                    s.text(x(v), height - bottom + 18, _pace(v), "tick", "middle"),
                ]
    body += [
        s.line(left, height - bottom, width - right, height - bottom),
        s.text((left + width - right) / 2, height - 8, "seconds per article (logarithmic)", "label", "middle"),
    ]
    steps = f"M{x(front[0].pace):.1f},{y(front[0].value):.1f}" + "".join(
        f"H{x(p.pace):.1f}V{y(p.value):.1f}" for p in front[1:]
    )
    body.append(s.path(steps + f"H{width - right:.1f}", "front"))
    on_front = set(front)
    taken = [(x(p.pace) - 5, x(p.pace) + 5, y(p.value) + 3) for p in points]
    for i, p in enumerate(points):
        hint = f"{p.name}: {number(p.value, metric)} at {_pace(p.pace)} s per article"
        body.append(s.line(x(p.pace), y(p.low), x(p.pace), y(p.high), "whisker"))
        body.append(s.shape(i, x(p.pace), y(p.value), 4.6, "point best" if p in on_front else "point", hint))
        label_y = _place(x(p.pace) + 9, y(p.value) - 5, len(s.cut(p.name, 20)) * s.CHAR, taken)
        if label_y is not None:
            body.append(
                s.text(x(p.pace) + 9, label_y, s.cut(p.name, 20), "name" if p in on_front else "name dim", hint=hint)
            )
    return s.svg(name, title, alternative, width, height, body)


def _place(x: float, y: float, width: float, taken: list[tuple[float, float, float]]) -> float | None:
    """A height near `y` at which a label of that width hits no other; None where all is full."""
    for shift in (0, -11, 11, -22, 22, -33, 33):
        at = y + shift
        if all(abs(at - other) >= 11 or x + width < left or x > right for left, right, other in taken):
            taken.append((x, x + width, at))
            return at
    return None


def _pace(seconds: float) -> str:
    return f"{seconds:.3g}" if seconds < 1000 else f"{seconds:.0f}"


def confusions(board: Leaderboard) -> Picture | None:
    """Three-way confusion matrices on concrete targets, one panel a system: rows are gold, shading is the share of a row."""
    names = labels([line.row for line in board.lines])
    tables = [
        (names[one.row.fingerprint], table)
        for one in board.lines
        if isinstance(table := _table(one.row, "confusion.three_way"), dict) and any(map(sum, table["counts"]))
    ]
    if not tables:
        return None
    shown = tables[:MOST]
    cell, side, top, per_row = 50.0, 56.0, 40.0, 2
    panel_w, panel_h = side + 4 * cell + 22, top + 3 * cell + 18
    columns = min(per_row, len(shown))
    width, height = columns * panel_w, math.ceil(len(shown) / columns) * panel_h
    body, told = [], []
    for i, (name, table) in enumerate(shown):
        body += _confusion_panel(name, table, (i % columns) * panel_w, (i // columns) * panel_h, cell, side, top)
        told.append(name + ": " + "; ".join(_row_words(table, k) for k in range(len(table["gold"]))))
    left_out = (
        f" The best {len(shown)} of {len(tables)} systems; table.json has all." if len(tables) > len(shown) else ""
    )
    caption = (
        "What gold calls each concrete stance (rows) and what the classifier answered (columns), as counts; the darker "
        f"a cell, the larger its share of the row.{left_out}"
    )
    title = "Confusion matrices, three-way"
    alternative = ". ".join(told)
    return Picture(
        "confusions", title, caption, s.svg("confusions", title, alternative, width, height, body), alternative
    )


def _table(row: Row, name: str) -> object:
    """One of the stance tables of the run that stands for the row."""
    tables = row.tables.get("stance")
    return tables.get(f"stance.{name}") if isinstance(tables, dict) else None


def _row_words(table: dict[str, Any], k: int) -> str:
    counts = ", ".join(f"{n} {label}" for n, label in zip(table["counts"][k], table["predicted"], strict=True) if n)
    return f"gold {table['gold'][k]} answered {counts or 'nothing'}"


def _confusion_panel(
    name: str, table: dict[str, Any], x: float, y: float, cell: float, side: float, top: float
) -> list[Markup]:
    body = [s.text(x, y + 13, s.cut(name, 34), "name")]
    for j, label in enumerate(table["predicted"]):
        body.append(s.text(x + side + (j + 0.5) * cell, y + top - 6, label[:8], "tick", "middle"))
    for k, label in enumerate(table["gold"]):
        row = table["counts"][k]
        total = sum(row)
        body.append(s.text(x + side - 6, y + top + (k + 0.5) * cell + 4, label, "tick", "end"))
        for j, n in enumerate(row):
            share = n / total if total else 0.0
            at = (x + side + j * cell, y + top + k * cell)
            hint = f"gold {label}, answered {table['predicted'][j]}: {n} of {total}"
            body.append(
                s.rect(*at, cell - 2, cell - 2, "cell hit" if j == k else "cell", opacity=0.04 + 0.9 * share, hint=hint)
            )
            cls = "count on" if share > 0.5 else "count"
            body.append(s.text(at[0] + cell / 2 - 1, at[1] + cell / 2 + 3, str(n), cls, "middle"))
    return body


def reliability(board: Leaderboard) -> Picture | None:
    """Accuracy against confidence in bins of equal mass, one panel a system that gives probabilities."""
    names = labels([line.row for line in board.lines])
    tables = [
        (names[one.row.fingerprint], bins)
        for one in board.lines
        if isinstance(bins := _table(one.row, "reliability.three_way"), list) and bins
    ]
    if not tables:
        return None
    shown = tables[:MOST]
    size, left, top, per_row = 150.0, 34.0, 26.0, 4
    columns = min(per_row, len(shown))
    panel_w, panel_h = left + size + 20, top + size + 40
    width, height = columns * panel_w, math.ceil(len(shown) / columns) * panel_h
    body: list[Markup] = []
    told = []
    for i, (name, bins) in enumerate(shown):
        x, y = (i % columns) * panel_w + left, (i // columns) * panel_h + top
        body += _reliability_panel(name, bins, x, y, size)
        told.append(
            f"{name}: "
            + ", ".join(f"sure {b['confidence']:.2f} right {b['accuracy']:.2f} ({b['n']} items)" for b in bins)
        )
    left_out = f" The best {len(shown)} of {len(tables)} systems." if len(tables) > len(shown) else ""
    silent = len(board.lines) - len(tables)
    none = f" {silent} system{'s give' if silent != 1 else ' gives'} no probabilities." if silent else ""
    caption = (
        "How often an answer is right (three-way) against how sure the classifier says it is; bins of equal mass, larger "
        f"points hold more items. On the diagonal its probabilities can be believed; below it, it is too sure.{left_out}{none}"
    )
    title = "Reliability curves"
    alternative = ". ".join(told)
    return Picture(
        "reliability", title, caption, s.svg("reliability", title, alternative, width, height, body), alternative
    )


def _reliability_panel(name: str, bins: Sequence[dict[str, Any]], x: float, y: float, size: float) -> list[Markup]:
    def at(b: dict[str, Any]) -> tuple[float, float]:
        return x + b["confidence"] * size, y + (1 - b["accuracy"]) * size

    body = [
        s.text(x, y - 10, s.cut(name), "name"),
        s.rect(x, y, size, size, "frame"),
        s.line(x, y + size, x + size, y, "diagonal"),
        s.text(x + size / 2, y + size + 32, "confidence", "label", "middle"),
    ]
    for v in (0, 0.5, 1):
        body.append(s.text(x + v * size, y + size + 15, f"{v:g}", "tick", "middle"))
        body.append(s.text(x - 6, y + (1 - v) * size + 4, f"{v:g}", "tick", "end"))
    most = max(b["n"] for b in bins)
    body.append(s.path("M" + "L".join(f"{px:.1f},{py:.1f}" for px, py in map(at, bins)), "front"))
    for b in bins:
        hint = f"{b['n']} items: confidence {b['confidence']:.2f}, right {b['accuracy']:.2f}"
        body.append(s.shape(0, *at(b), 2.5 + 2.5 * math.sqrt(b["n"] / most), "point best", hint))
    return body
