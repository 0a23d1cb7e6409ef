"""Batches, budgets and dry runs on the real command line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.batch_server import BatchServer
from tests.conftest import Harness
from tests.servers import chat, prompt_of, serving
from tests.unit.test_endpoint_lists import asked, honest


def args(river: Path, url: str, *more: str) -> list[str]:
    where = [f"dataset.path={river}", f"stance.base_url={url}", "stance.model=tiny"]
    return ["run", "split=all", "summariser=none", "stance=endpoint", *where, *more]


def record(results: Path) -> Any:
    [path] = results.glob("runs/*/record.json")
    return json.loads(path.read_text(encoding="utf-8"))


def answered(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    return 200, chat(json.dumps(honest(prompt_of(body))))


def test_a_process_killed_while_its_batch_is_polled_is_continued_by_the_same_command(
    harness: Harness, river: Path, tmp_path: Path
) -> None:
    with serving() as server:
        api = server.batches = BatchServer(answered, held=True)
        command = args(river, server.url, "stance.send=batch", "stance.poll_s=0.05", "stance.ask=article")
        command += ["stance.price={input: 2.0, output: 8.0}"]
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.cli", *command], cwd=tmp_path, env=os.environ, stderr=subprocess.PIPE
        )
        assert api.looked.wait(120)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not list(tmp_path.glob("results/runs/*/record.json"))
        assert len(list(tmp_path.rglob("batch-*.json"))) == 1
        api.held = False
        done = harness(*command)
        assert "found again" in done.stderr
        assert (len(api.batches), api.events["POST files"]) == (1, 1)
        assert set(api.billed.values()) == {1}
        harness(*command)
        assert len(api.batches) == 1
    [use] = record(tmp_path / "results")["systems"]
    assert (use["n_items"], use["n_failed"], use["paths"]) == (12, 0, {"listed+batch": 12})
    n = len(api.billed)
    assert use["cost"] == (2.0 * 100 + 8.0 * 10) * n / 1e6 / 2
    assert list(tmp_path.rglob("batch-*.json")) == []


def test_a_spent_budget_ends_the_run_and_the_same_command_goes_on(
    harness: Harness, river: Path, tmp_path: Path
) -> None:
    with serving(reply=lambda _: chat("A")) as server:
        command = args(river, server.url, "stance.max_tokens_in=500")
        n_runs = 0
        while not n_runs or record(tmp_path / "results")["status"] != "complete":
            before = len(server.bodies)
            done = harness(*command, code=None)
            n_runs += 1
            assert len(server.bodies) - before <= 5, "100 tokens each"
            if len(server.bodies) < 12:
                assert "the budget max_tokens_in=500 is spent: " in done.stderr
                assert "the same command goes on" in done.stderr
        assert (len(server.bodies), set(server.seen.values())) == (12, {1})
        assert n_runs == 3
        harness("rescore")
    assert record(tmp_path / "results")["systems"][0]["tokens_in"] == 1200


def test_a_dry_run_tells_what_each_mode_would_ask_and_cost(harness: Harness, river: Path, tmp_path: Path) -> None:
    with serving(reply=lambda b: chat(json.dumps(honest(prompt_of(b))) if asked(prompt_of(b)) else "A")) as server:
        price = "stance.price={input: 1.0, output: 0.0}"
        done = harness(*args(river, server.url, price, "dry=true"))
        assert not server.bodies
        rows = {m[0]: list(map(int, m[1:])) for m in re.findall(r"ask=(\w+)\D+(\d+)\D+(\d+)", done.stderr)}
        assert set(rows) == {"pair", "speaker", "article"}
        assert rows["pair"][0] == 12
        assert rows["pair"][0] > rows["speaker"][0] > rows["article"][0]
        for ask, (n_requests, _) in rows.items():
            server.bodies.clear()
            harness(*args(river, server.url, f"stance.ask={ask}", f"results={ask}"))
            assert len(server.bodies) == n_requests, ask
        done = harness(*args(river, server.url, "stance.ask=article", "results=article", "dry=true"))
        assert re.search(r"ask=article \(chosen\)\W+0\W", done.stderr), "what is stored is not asked again"


def test_lists_with_missing_entries_are_scored_rescored_and_completed(
    harness: Harness, river: Path, tmp_path: Path
) -> None:
    short = {"on": True}

    def reply(body: dict[str, Any]) -> dict[str, Any]:
        answers = honest(prompt_of(body))
        if short["on"]:
            answers.pop("1", None)
        return chat(json.dumps(answers))

    with serving(reply=reply) as server:
        command = args(river, server.url, "stance.ask=article")
        harness(*command)
        n_failed = record(tmp_path / "results")["systems"][0]["n_failed"]
        assert n_failed == len(server.bodies) > 0
        harness("rescore")
        assert record(tmp_path / "results")["systems"][0]["n_failed"] == n_failed
        short["on"] = False
        harness(*command)
        assert record(tmp_path / "results")["systems"][0]["n_failed"] == 0
        harness("rescore")
        assert record(tmp_path / "results")["systems"][0]["n_failed"] == 0
        assert len(server.bodies) == 2 * n_failed
