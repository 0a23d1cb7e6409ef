"""Budgets: requests stop within one of the bound, what is answered is stored, and the same work goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import BudgetSpent, ConfigError
from harness.models.budget import Meter
from harness.results.store import PredictionStore
from harness.runs.predict import answer_all, plan
from harness.systems.base import Context
from harness.types import Dataset
from tests.servers import chat, prompt_of, serving
from tests.unit.test_endpoint import dataset, items, system

BODY = {"messages": [{"role": "user", "content": "x" * 300}], "max_tokens": 10}
"""100 tokens by the rule of bytes and 32 of the chat, 10 of output."""


def test_what_is_set_aside_is_corrected_by_what_answers_cost() -> None:
    """Of 132 estimated tokens the server counts 66: two fit 270 at first, and then two more beside 132 paid."""
    meter = Meter(max_tokens_in=270)
    first, second = meter.admit(BODY), meter.admit(BODY)
    assert first is not None
    assert second is not None
    assert meter.admit(BODY) is None, "132 x 3 > 270"
    meter.settle(first, 66, 1)
    meter.settle(second, 66, 1)
    third, fourth = meter.admit(BODY), meter.admit(BODY)
    assert third is not None
    assert fourth is not None
    assert meter.admit(BODY) is None, "132 + 66 x 3 > 270"
    meter.settle(third, None, None)
    assert (meter.tokens_in, meter.tokens_out) == (198, 12), "what nobody counted is what was set aside, corrected"
    meter.release(fourth)
    assert meter.admit(BODY) is not None


def test_a_cost_is_bounded_with_the_longest_answer() -> None:
    """132 x 1 + 10 x 3 = 162 each; after one that cost 132 + 1 x 3 there is room for one more, not for two."""
    meter = Meter(max_cost=299.0, cost=lambda i, o: float(i + 3 * o))
    first = meter.admit(BODY)
    assert first is not None
    assert meter.admit(BODY) is None
    meter.settle(first, 132, 1)
    assert meter.admit(BODY) is not None
    assert meter.admit(BODY) is None


def counted(body: dict[str, Any]) -> dict[str, Any]:
    """As servers do: some tokens for every prompt, here one for each five characters and 9 of the chat."""
    usage = {"prompt_tokens": len(prompt_of(body)) // 5 + 9, "completion_tokens": 1}
    return chat("A") | {"usage": usage}


def paid(folder: Path, name: str, fingerprint: str) -> list[int]:
    return [p.answer.tokens_in or 0 for p in PredictionStore(folder).read(name, fingerprint).values()]


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize(
    "bound", [{"max_tokens_in": 1000}, {"max_cost": 0.0011, "price": {"input": 1.0, "output": 5.0}}]
)
def test_a_budget_stops_within_one_request_and_the_same_work_goes_on(
    bound: dict[str, Any], concurrency: int, tmp_path: Path
) -> None:
    data, store = dataset(20), PredictionStore(tmp_path)
    asked = items("stance", data)
    with serving(reply=counted) as server:
        judge = system(base_url=server.url, concurrency=concurrency, max_tokens=2, **bound)
        limit = bound.get("max_cost", bound.get("max_tokens_in"))
        total, n_runs = 0.0, 0
        while (work := plan(judge, asked, data, store)).n_missing * 15 > 200:
            n_before = len(server.bodies)
            with pytest.raises(BudgetSpent) as spent:
                answer_all(judge, work, Context(data), store, "stance")
            tokens = paid(tmp_path, judge.name, judge.fingerprint)
            before, total, one = total, float(sum(tokens)), float(max(tokens))
            if "max_cost" in bound:
                total, one = (total + 5 * len(tokens)) / 1e6, (one + 5 * 2) / 1e6
            assert limit - one <= total - before <= limit
            assert len(tokens) == len(server.bodies), "all that was paid is stored"
            assert f"{len(server.bodies) - n_before} requests" in str(spent.value)
            n_runs += 1
        answer_all(judge, work, Context(data), store, "stance")
        assert n_runs > 3
        assert set(server.seen.values()) == {1}, "nothing was paid twice"
        assert len(server.bodies) == len(asked)


def test_a_bound_without_room_for_one_request_says_so() -> None:
    data = dataset(1)
    with serving() as server:
        judge = system(base_url=server.url, max_tokens_in=10)
        with pytest.raises(BudgetSpent, match="leaves no room for one request"):
            judge.answer(items("stance", data), Context(data))
        assert not server.bodies


def test_a_bound_of_the_cost_needs_a_price() -> None:
    with pytest.raises(ConfigError, match="max_cost needs a price"):
        system(max_cost=1.0)


def test_requests_that_fail_cost_nothing(tmp_path: Path) -> None:
    data: Dataset = dataset(4)
    with serving(lambda p, _: "400" if "<0>" in p else "ok", counted) as server:
        judge = system(base_url=server.url, max_tokens_in=16 * 80, concurrency=1)
        answers = judge.answer(items("stance", data), Context(data))
    assert sum(a.error is not None for a in answers) == 4
