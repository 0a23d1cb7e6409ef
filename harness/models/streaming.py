"""Hands on what a coroutine has ready while it goes on, in a thread with a loop of its own: a notebook has one already."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from queue import SimpleQueue
from typing import TypeVar

_Ready = TypeVar("_Ready")


def streamed(work: Callable[[Callable[[_Ready], None]], Awaitable[None]]) -> Iterator[_Ready]:
    """What `work` gives to the function that it is called with, as it comes; an error in it is raised at the end.

    On Ctrl-C `work` is cancelled; what it still gives while it ends comes too, and then KeyboardInterrupt goes on. A caller
    that stops early has to close the iterator, which cancels the work.
    """
    ready: SimpleQueue[tuple[_Ready] | None] = SimpleQueue()
    begun = threading.Event()
    cancels: list[Callable[[], object]] = []
    ended: list[BaseException] = []

    async def main() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        cancels.append(lambda: loop.call_soon_threadsafe(task.cancel))
        begun.set()
        await work(lambda one: ready.put((one,)))

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            ended.append(error)
        begun.set()
        ready.put(None)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while (one := ready.get()) is not None:
            yield one[0]
    except KeyboardInterrupt as interrupt:
        ended.insert(0, interrupt)
    finally:
        begun.wait()
        # a loop that is closed needs no cancelling
        with suppress(RuntimeError):
            for cancel in cancels:
                cancel()
        thread.join()
    while not ready.empty() and (one := ready.get()) is not None:
        yield one[0]
    if ended:
        raise ended[0]
