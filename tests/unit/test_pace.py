"""Requests at once follow the server: a serial one gets few, a parallel one as many as are allowed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from harness.models.pace import Pace
from harness.models.server import Client, Completion, Server
from tests.servers import serving

PROMPTS = [{"prompt": str(i)} for i in range(96)]


def limits(seconds: Callable[[int], float], rounds: int, most: int = 64) -> list[int]:
    """The limit after each round, where requests have that latency at each number of them at once."""
    pace, after = Pace(most), []
    for _ in range(rounds):
        pace._peak = pace.limit
        before = pace._round
        while pace._round == before:
            pace.answered(before, seconds(pace.limit))
        after.append(pace.limit)
    return after


def test_a_server_that_answers_all_at_once_gets_all() -> None:
    assert limits(lambda n: 1.0, 6) == [4, 8, 16, 32, 64, 64]
    assert limits(lambda n: 1.0, 3, most=3) == [3, 3, 3]
    assert limits(lambda n: 1.0, 2, most=1) == [1, 1]


def test_a_server_that_batches_gets_more_though_each_answer_takes_longer() -> None:
    assert limits(lambda n: 1 + 0.04 * n, 6)[-1] == 64


def test_requests_that_wait_for_each_other_go_back_and_are_rarely_tried_again() -> None:
    after = limits(float, 200)
    assert after[:2] == [4, 2]
    assert set(after[1:]) == {2, 3}
    assert after.count(3) <= 6, "later and later"
    assert limits(lambda n: max(1.0, n / 8), 100)[-1] in (8, 9), "eight slots"


def test_what_turns_away_is_asked_by_half_and_a_round_counts_once() -> None:
    pace = Pace(64)
    pace.limit = 16
    pace.overloaded(0)
    pace.overloaded(0)
    assert pace.limit == 8
    for n in range(1, 5):
        pace.overloaded(n)
    assert pace.limit == 1


def test_a_server_that_slows_down_is_asked_less() -> None:
    slow = False
    pace = Pace(8)
    seen = []
    for n in range(12):
        slow = n > 6
        pace._peak, before = pace.limit, pace._round
        while pace._round == before:
            pace.answered(before, float(pace.limit) if slow else 1.0)
        seen.append(pace.limit)
    assert seen[6] == 8
    assert seen[7] == 4


def test_a_serial_server_is_not_stormed() -> None:
    """One request takes 0.04 s and each waits for those before it: with 32 at once each would time out."""
    busy, at_once = threading.Lock(), []

    def reply(_: object) -> dict[str, object]:
        at_once.append(server.now)
        with busy:
            time.sleep(0.04)
        return {"choices": [{"message": {"content": "ok"}}]}

    with serving(reply=reply) as server:
        client = Client(Server(server.url, concurrency=32, timeout_s=1.0, backoff_s=0.05))
        answers = client.complete(PROMPTS)
    assert all(isinstance(a, Completion) for a in answers)
    assert max(at_once[:24]) >= 4, "more is tried"
    assert sorted(at_once[-48:])[24] <= 3, "and given up"
    assert sum(server.seen.values()) == len(PROMPTS), "none timed out"


def test_a_parallel_server_gets_as_many_as_are_allowed() -> None:
    with serving(lambda *_: "slow 0.15") as server:
        Client(Server(server.url, concurrency=8)).complete(PROMPTS)
    assert server.most_at_once == 8


@pytest.mark.parametrize("status", ["429", "503"])
def test_a_server_that_refuses_more_than_two_at_once_is_asked_two(status: str) -> None:
    with serving(lambda *_: "slow 0.03" if server.now <= 2 else status) as server:
        client = Client(Server(server.url, concurrency=16, backoff_s=0.02, attempts=8))
        answers = client.complete(PROMPTS)
    assert all(isinstance(a, Completion) for a in answers)
    assert sum(server.seen.values()) < 1.5 * len(PROMPTS)
    assert client.pace.limit <= 3
