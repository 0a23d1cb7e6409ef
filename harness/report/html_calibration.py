"""Pictures of how far a classifier's probabilities can be believed: reliability curves and selective accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from harness.report import svg as s
from harness.report.html_pictures import MOST, Plot, left_out, stance_table
from harness.report.svg import Picture
from harness.report.table import Leaderboard, labels


def reliability(board: Leaderboard) -> Picture | None:
    """Accuracy against confidence in bins of equal mass, one panel a system that gives probabilities."""
    tables = _tables(board, "reliability.three_way")
    if not tables:
        return None
    shown = tables[:MOST]
    spoken = [
        f"{name}: " + ", ".join(f"sure {b['confidence']:.2f} right {b['accuracy']:.2f} ({b['n']} items)" for b in bins)
        for name, bins in shown
    ]
    caption = (
        "How often an answer is right (three-way) against how sure the classifier says it is; bins of equal mass, larger "
        "points hold more items. On the diagonal its probabilities can be believed; below it, it is too sure."
        f"{left_out(len(shown), len(tables), 'systems')}{_silent(board, len(tables))}"
    )
    panels = [(196.0, 214.0, _panel(name, bins)) for name, bins in shown]
    return s.figure("reliability", "Reliability curves", caption, ". ".join(spoken), panels)


def selective(board: Leaderboard) -> Picture | None:
    """Accuracy on the answers of which a system is most sure, against the share of items that it then answers."""
    tables = _tables(board, "selective.three_way")
    if not tables:
        return None
    shown = tables[:MOST]
    values = [p["accuracy"] for _, points in shown for p in points]
    margin = max(0.02, (max(values) - min(values)) * 0.08)
    plot = Plot((0.0, 1.0), (max(0.0, min(values) - margin), min(1.0, max(values) + margin)), right=104.0)
    body = plot.frame([(v / 100, f"{v} %") for v in range(0, 101, 20)], "share of items answered, the surest first")
    for i, (name, points) in enumerate(shown):
        at = [(plot.x(p["coverage"]), plot.y(p["accuracy"])) for p in points]
        body.append(s.path("M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in at), f"curve k{i % 3}"))
        for (x, y), p in zip(at, points, strict=True):
            hint = f"{name}: accuracy {p['accuracy']:.2f} on the surest {100 * p['coverage']:.0f} % of items"
            body.append(s.shape(i, x, y, 3.6, "point", hint))
    for name, points in shown:
        body += plot.label(plot.x(points[-1]["coverage"]), plot.y(points[-1]["accuracy"]) + 9, name)
    spoken = [
        f"{name}: " + ", ".join(f"{100 * p['coverage']:.0f} % answered {p['accuracy']:.2f} right" for p in points)
        for name, points in shown
    ]
    caption = (
        "Three-way accuracy if a classifier keeps silent where it is least sure. A line that falls to the right means "
        "that its doubts are justified; a flat one, that they mean nothing."
        f"{left_out(len(shown), len(tables), 'systems')}{_silent(board, len(tables))}"
    )
    title, alternative = "Selective accuracy", ". ".join(spoken)
    drawn = s.svg("selective", title, alternative, plot.width, plot.height, body)
    return Picture("selective", title, caption, drawn, alternative, "fit")


def _tables(board: Leaderboard, name: str) -> list[tuple[str, list[dict[str, Any]]]]:
    names = labels([line.row for line in board.lines])
    return [
        (names[line.row.fingerprint], table)
        for line in board.lines
        if isinstance(table := stance_table(line.row, name), list) and table
    ]


def _silent(board: Leaderboard, speaking: int) -> str:
    n = len(board.lines) - speaking
    return f" {n} system{'s give' if n != 1 else ' gives'} no probabilities." if n else ""


def _panel(name: str, bins: Sequence[dict[str, Any]]) -> list[Markup]:
    x, y, size = 34.0, 26.0, 150.0

    def at(b: dict[str, Any]) -> tuple[float, float]:
        return x + b["confidence"] * size, y + (1 - b["accuracy"]) * size

    body = [
        s.text(x, y - 10, s.cut(name), "name", hint=name),
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
