"""Progress on stderr: a bar with items per second and time left, shown once something takes longer than two seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from harness.runtime.terminal import text_console

Advance = Callable[[float], None]
"""Called with the number of items that were done since the last call; part of a unit of work is part of its items."""
DELAY = 2.0
"""Seconds before a bar appears: quick work stays quiet."""


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="progress.data.speed")


class Reporter:
    """Where messages and bars go; a quiet one says nothing."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = text_console(stderr=True, quiet=quiet)
        self._lines_of_once: set[str] = set()

    def say(self, message: str) -> None:
        """One line for the person who waits."""
        self.console.print(message, soft_wrap=True)

    def plain(self, message: str) -> None:
        """The same for text that holds names and paths: nothing in it is taken for markup."""
        self.console.print(message, soft_wrap=True, markup=False)

    def once(self, message: str) -> None:
        """A plain line that a sweep does not repeat with every job."""
        if message not in self._lines_of_once:
            self._lines_of_once.add(message)
            self.plain(message)

    @contextmanager
    def track(self, what: str, total: int) -> Iterator[Advance]:
        """Yields a function that is told how many more items are done."""
        progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            # in a file or a pipe a bar would leave an empty line
            disable=not self.console.is_terminal,
        )
        task = progress.add_task(what, total=total)
        timer = threading.Timer(DELAY, progress.start)
        timer.daemon = True
        timer.start()
        try:
            yield lambda n: progress.advance(task, n)
        finally:
            timer.cancel()
            # stopping a bar that never showed would print an empty line
            if progress.live.is_started:
                progress.stop()


class UnitProgress:
    """Moves a bar within units of work that are done one after another; `size_of` tells how many items the first one (0) has
    and every next one, and is asked once that one is under way."""

    def __init__(self, advance: Advance, size_of: Callable[[int], int]) -> None:
        self._advance = advance
        self._size_of = size_of
        self._unit, self._shown = 0, 0.0

    def step(self, share: float) -> None:
        """The share, 0 to 1, of the unit that is done; the bar never goes back."""
        items = share * self._size_of(self._unit)
        if items > self._shown:
            self._advance(items - self._shown)
            self._shown = items

    def end(self, n_items: int) -> None:
        """The unit is done, with that many items."""
        self._advance(n_items - self._shown)
        self._unit, self._shown = self._unit + 1, 0.0
