"""Text for a terminal: what would steer it, turn its reading direction or cannot be written at all is shown as an escape."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.measure import Measurement
from rich.segment import Segment

_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and newline, marks of direction (Unicode Standard Annex 9), halves of characters."""


def visible(text: str) -> str:
    """The text with `\\u001b` for ESC, `\\u202e` for a right-to-left override and the like: as JSON writes them.

    >>> visible("good\\x1b[2Jnews")
    'good\\\\u001b[2Jnews'
    """
    return _STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def text_console(*, stderr: bool = False, quiet: bool = False) -> Console:
    """A console for names and texts of other people: colours are rich's, nothing of a text reaches the terminal as a command."""
    made = Console(stderr=stderr, quiet=quiet, highlight=False, emoji=False)
    made.push_render_hook(_VisibleText())
    return made


class _VisibleText(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Visible(renderable) for renderable in renderables]


@dataclass(frozen=True)
class _Visible:
    """A renderable, made visible after rich has laid it out and before it adds its own commands to the terminal."""

    renderable: ConsoleRenderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        segments: Iterable[Segment] = console.render(self.renderable, options)
        for segment in segments:
            yield segment if segment.control else Segment(visible(segment.text), segment.style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self.renderable)
