"""How many requests a server has at once: as many as it answers faster together, never more than was allowed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import fmean

_FIRST = 2
"""Requests at once to begin with: the one that is answered and the next."""
_FEWEST = 4
"""Answers by which a number of requests is judged, at least."""
_GAIN = 0.25
"""Share of what further requests could bring at best that they must bring, of one more twice that: twice as many must have
1.25 times the rate."""
_SLOWER = 2.0
"""How many times slower than before answers are to the same number of requests, before it is halved."""
_LONGEST = 64
"""Rounds after which more requests are tried again, at most."""


@dataclass
class Turn:
    """One attempt that is under way: the round in which it began, and the seconds of its answer."""

    round: int
    seconds: float | None = None
    overloaded: bool = False


class Pace:
    """Lets `limit` attempts be under way, at most `most`, and follows the server.

    A round is as many answers as there are requests at once; by Little's law its rate is limit / mean latency. From two on the
    limit doubles while the rate grows with it, as on a server that batches. Where it does not, requests only wait for each
    other: the limit goes back, and after some rounds one more is tried, later and later. 429, 503, a timeout, and answers that
    take twice as long as they did at the same limit halve it (additive increase, multiplicative decrease).
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = min(most, _FIRST)
        self._n = self._peak = self._round = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._latencies: list[float] = []
        self._mean: dict[int, float] = {}
        self._lower: int | None = None
        self._doubling = True
        self._rest = 0
        self._patience = 2

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """Waits for room; on the way out the turn says how the attempt went."""
        await self._enter()
        turn = Turn(self._round)
        try:
            yield turn
        finally:
            self._n -= 1
            if turn.overloaded:
                self.overloaded(turn.round)
            elif turn.seconds is not None:
                self.answered(turn.round, turn.seconds)
            self._let_in()

    def answered(self, of_round: int, seconds: float) -> None:
        """An attempt of that round had its answer after so many seconds."""
        if of_round != self._round:
            return
        self._latencies.append(seconds)
        if len(self._latencies) < max(_FEWEST if self._doubling else 2 * _FEWEST, self.limit):
            return
        mean, full = max(fmean(self._latencies), 1e-6), self._peak >= self.limit
        lower, before = self._lower, self._mean.get(self.limit)
        if not full:
            # too few requests are left to say anything of more
            self._begin(self.limit)
        elif lower is not None and self.limit / mean < lower / self._mean[lower] * self._needed(lower):
            self._settle(lower)
        elif before is not None and mean > _SLOWER * before:
            self._mean.clear()
            self._settle(max(1, self.limit // 2))
        else:
            self._mean[self.limit] = mean if before is None else min(mean, before)
            self._climb()

    def overloaded(self, of_round: int) -> None:
        """An attempt of that round was turned away or not answered in time; a round counts once."""
        if of_round == self._round:
            self._mean.clear()
            self._settle(max(1, self.limit // 2))

    def _needed(self, lower: int) -> float:
        return 1 + (_GAIN if self._doubling else 2 * _GAIN) * (self.limit / lower - 1)

    def _climb(self) -> None:
        if self._rest or self.limit == self.most:
            self._rest = max(0, self._rest - 1)
            self._begin(self.limit)
            return
        lower, higher = self.limit, 2 * self.limit if self._doubling else self.limit + 1
        self._begin(min(self.most, higher))
        self._lower = lower

    def _settle(self, limit: int) -> None:
        self._doubling = False
        self._patience = min(_LONGEST, 2 * self._patience)
        self._rest = self._patience
        self._begin(limit)

    def _begin(self, limit: int) -> None:
        """A new round; of those under way none counts for it."""
        self.limit, self._lower = limit, None
        self._round += 1
        self._peak = self._n
        self._latencies.clear()

    async def _enter(self) -> None:
        if self._n < self.limit and not self._waiters:
            self._count()
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                self._waiters.remove(waiter)
            else:
                self._n -= 1
                self._let_in()
            raise

    def _let_in(self) -> None:
        while self._waiters and self._n < self.limit:
            waiter = self._waiters.popleft()
            if not waiter.cancelled():
                self._count()
                waiter.set_result(None)

    def _count(self) -> None:
        self._n += 1
        self._peak = max(self._peak, self._n)
