"""Small pieces of inline SVG: every picture has a title and a description in words, and colours come from the page's style."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

CHAR = 7.2
"""Width of a character at 12 px, in pixels: wide enough for the widest of the system fonts."""


Panel = tuple[float, float, Iterable[str]]
"""Width, height and body of a small picture."""


@dataclass(frozen=True)
class Picture:
    """A figure of the report: SVG, caption, and the same in words for those who cannot see it.

    `shape`: `fit` shrinks with its column, `wide` spans all columns, otherwise it scrolls where it has no room.
    """

    id: str
    title: str
    caption: str
    svg: Markup
    alternative: str = ""
    shape: str = ""


def svg(name: str, title: str, description: str, width: float, height: float, body: Iterable[str]) -> Markup:
    """The element with its text alternative; `name` is unique on the page."""
    inside = Markup("").join(Markup(b) for b in body)
    return Markup(
        '<svg role="img" aria-labelledby="{n}-t {n}-d" viewBox="0 0 {w:.0f} {h:.0f}" width="{w:.0f}" height="{h:.0f}">'
        '<title id="{n}-t">{t}</title><desc id="{n}-d">{d}</desc>{b}</svg>'
    ).format(n=name, t=clean(title), d=clean(description), w=width, h=height, b=inside)


def multiples(title: str, description: str, panels: Iterable[Panel]) -> Markup:
    """Small pictures (width, height, body) that flow into as many columns as there is room; one text alternative for all."""
    drawn = Markup("").join(
        Markup(
            '<svg aria-hidden="true" viewBox="0 0 {w:.0f} {h:.0f}" width="{w:.0f}" height="{h:.0f}">{b}</svg>'
        ).format(w=w, h=h, b=Markup("").join(Markup(b) for b in body))
        for w, h, body in panels
    )
    return Markup('<div class="multiples" role="img" aria-label="{}">{}</div>').format(
        clean(f"{title}. {description}"), drawn
    )


def figure(name: str, title: str, caption: str, spoken: str, panels: Iterable[Panel]) -> Picture:
    """A figure of small pictures that spans all columns; `spoken` says the same in words."""
    return Picture(name, title, caption, multiples(title, spoken, panels), spoken, "wide")


def clean(text: str) -> str:
    """Text without the control characters that XML cannot have."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t")


def _title(hint: str) -> Markup:
    return Markup("<title>{}</title>").format(clean(hint)) if hint else Markup("")


def text(x: float, y: float, content: str, cls: str = "", anchor: str = "start", hint: str = "") -> Markup:
    """A line of text; `hint` is shown on hovering."""
    return Markup('<text x="{:.1f}" y="{:.1f}" class="{}" text-anchor="{}">{}{}</text>').format(
        x, y, cls, anchor, clean(content), _title(hint)
    )


def line(x1: float, y1: float, x2: float, y2: float, cls: str = "axis") -> Markup:
    """A straight line."""
    return Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>').format(x1, y1, x2, y2, cls)


def rect(x: float, y: float, w: float, h: float, cls: str, *, opacity: float | None = None, hint: str = "") -> Markup:
    """A rectangle; `opacity` shades a cell."""
    style = Markup(' fill-opacity="{:.2f}"').format(opacity) if opacity is not None else ""
    return Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="{}"{}>{}</rect>').format(
        x, y, max(w, 0), max(h, 0), cls, style, _title(hint)
    )


MOST_SHADE = 0.58
"""Opacity of the darkest cell: text in the page's own colour stays readable on it, in light and dark."""


def cell(
    x: float,
    y: float,
    w: float,
    h: float,
    shade: float | None,
    label: str,
    *,
    under: str = "",
    kind: str = "hit",
    hint: str = "",
) -> Markup:
    """A cell of a heat map, darker with `shade` in [0, 1]; None leaves it blank. `kind` is its colour, `hint` a tooltip."""
    middle = y + h / 2 + (-2 if under else 3.5)
    if shade is None:
        drawn = [rect(x, y, w - 2, h - 2, "void", hint=hint)]
    else:
        opacity = 0.03 + (MOST_SHADE - 0.03) * min(max(shade, 0.0), 1.0)
        drawn = [rect(x, y, w - 2, h - 2, f"cell {kind}", opacity=opacity, hint=hint)]
    drawn.append(text(x + w / 2 - 1, middle, label, "few" if shade is None else "count", "middle"))
    if under:
        drawn.append(text(x + w / 2 - 1, middle + 14, under, "tick", "middle"))
    return Markup("").join(drawn)


def path(d: str, cls: str, hint: str = "") -> Markup:
    """A path."""
    return Markup('<path d="{}" class="{}">{}</path>').format(d, cls, _title(hint))


def shape(kind: int, x: float, y: float, r: float, cls: str, hint: str = "") -> Markup:
    """One of eight point shapes, so that systems differ without colour."""
    outlines = (
        f"M{x - r:.1f},{y:.1f}a{r},{r} 0 1,0 {2 * r},0a{r},{r} 0 1,0 {-2 * r},0Z",
        f"M{x - r:.1f},{y - r:.1f}h{2 * r}v{2 * r}h{-2 * r}Z",
        f"M{x:.1f},{y - 1.2 * r:.1f}l{1.2 * r:.1f},{2.2 * r:.1f}h{-2.4 * r:.1f}Z",
        f"M{x:.1f},{y - 1.3 * r:.1f}l{1.3 * r:.1f},{1.3 * r:.1f}l{-1.3 * r:.1f},{1.3 * r:.1f}l{-1.3 * r:.1f},{-1.3 * r:.1f}Z",
        f"M{x:.1f},{y + 1.2 * r:.1f}l{1.2 * r:.1f},{-2.2 * r:.1f}h{-2.4 * r:.1f}Z",
        f"M{x - r:.1f},{y - r:.1f}l{2 * r},{2 * r}M{x + r:.1f},{y - r:.1f}l{-2 * r},{2 * r}",
        f"M{x - 1.2 * r:.1f},{y:.1f}h{2.4 * r:.1f}M{x:.1f},{y - 1.2 * r:.1f}v{2.4 * r:.1f}",
        f"M{x - r:.1f},{y:.1f}l{r},{-r}h{r}v{r}l{-r},{r}h{-r}Z",
    )
    return path(outlines[kind % 8], cls, hint)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers between two bounds."""
    span = high - low
    if span <= 0:
        return [low]
    raw = span / most
    step = 10.0 ** math.floor(math.log10(raw))
    step *= next(m for m in (1, 2, 5, 10) if m * step >= raw)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, int(high / step + 1e-9) + 1)]


def cut(name: str, most: int = 22) -> str:
    """A name that fits."""
    return name if len(name) <= most else name[: most - 1] + "…"
