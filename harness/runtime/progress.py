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
    def track(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Yields a function that is told how many more items are done."""
        progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            # one unit may take minutes: this moves within it
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
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
