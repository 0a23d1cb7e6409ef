"""What endpoints cost: the stored tokens of their answers at the price that a run is given, or no figure at all."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.report.html_board import _costs
from harness.results.records import SystemUse
from harness.results.store import PredictionStore
from harness.runs.predict import answer_all, plan
from harness.runs.usage import system_use
from harness.systems.base import Context
from harness.types import Answer, Dataset
from tests.servers import chat, prompt_of, serving
from tests.unit.test_endpoint import dataset, items, number, system


def use(tmp_path: Path, data: Dataset, url: str, **overrides: Any) -> SystemUse:
    """What a record says of the summariser, whose answers are stored under `tmp_path`."""
    asked, store = items("summariser", data), PredictionStore(tmp_path)
    writer = system("summariser", base_url=url, **overrides)
    done = answer_all(writer, plan(writer, asked, data, store), Context(data), store, "summary")
    return system_use("summariser", writer, done)


def test_the_cost_is_that_of_stored_tokens_at_the_run_s_price(tmp_path: Path) -> None:
    """3 x 100 tokens in at 2 and 3 x 10 out at 8 a million: (600 + 240) / 10^6."""
    with serving() as server:
        free = use(tmp_path, dataset(2), server.url)
        priced = use(tmp_path, dataset(3), server.url, price={"input": 2.0, "output": 8.0})
        dearer = use(tmp_path, dataset(3), server.url, price={"input": 4.0, "output": 16.0})
        assert sum(server.seen.values()) == 3
    assert (free.tokens_in, free.tokens_out, free.cost) == (200, 20, None)
    assert (priced.tokens_in, priced.tokens_out, priced.n_no_usage) == (300, 30, 0)
    assert priced.cost == pytest.approx(840e-6)
    assert dearer.cost == pytest.approx(1680e-6)
    assert priced.seconds > 0


def test_there_is_no_cost_where_one_answer_s_tokens_are_not_known(tmp_path: Path) -> None:
    price = {"input": 2.0, "output": 8.0}
    with serving(reply=lambda b: chat("ok", usage=number(prompt_of(b)) > 0)) as server:
        found = use(tmp_path, dataset(3), server.url, price=price)
        assert (found.n_items, found.n_no_usage, found.tokens_in, found.cost) == (3, 1, 200, None)
        server.behave = lambda *_: "400"
        failed = use(tmp_path / "failed", dataset(1), server.url, price=price)
    assert (failed.n_failed, failed.n_no_usage, failed.cost) == (1, 0, None), "a failure is counted as such"


def test_no_tokens_in_an_older_store_are_tokens_that_nobody_counted(tmp_path: Path) -> None:
    data, store = dataset(1), PredictionStore(tmp_path)
    writer = system("summariser", price={"input": 2.0, "output": 8.0})
    work = plan(writer, items("summariser", data), data, store)
    store.write(writer.name, writer.fingerprint, "summary", [(work.keys[0], work.items[0], Answer("ok"))])
    found = use(tmp_path, data, "http://localhost:8000/v1", price={"input": 2.0, "output": 8.0})
    assert (found.n_computed, found.n_no_usage, found.cost) == (0, 1, None)


def test_the_report_says_that_tokens_were_not_counted() -> None:
    use = SystemUse(name="e", kind="summariser", fingerprint="f", n_items=9, tokens_in=600, tokens_out=60, n_no_usage=3)
    line: Any = SimpleNamespace(seconds_per_article=1.0)
    _, tokens, *_, cost = _costs(line, use)
    assert (cost.text, cost.empty) == ("no usage (3 of 9)", "no counts of tokens came with 3 of 9 answers")
    assert "3 of 9 answers" in (tokens.note or "")
