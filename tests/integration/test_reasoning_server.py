"""A server whose model thinks, refuses, runs out of budget and answers in JSON: right labels or reasons, and nobody pays twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.config import RunConfig, parse_run_config
from harness.models.pool import ModelPool
from harness.results.records import RunRecord, read_answers, read_records
from harness.results.store import PredictionStore
from harness.runs.job import run_job
from harness.runs.rescore import rescore_runs
from harness.runtime.progress import Reporter
from harness.systems import registry
from harness.types import Answer, Prediction, Stance
from tests.servers import Misbehaving, chat, serving
from tests.unit.test_endpoint import FAST, config

ROOT = Path(__file__).parents[2]
SHAPES: list[tuple[dict[str, Any], str, str]] = [
    ({"content": "<think>Is it A? No.</think>\n\nE"}, "stop", "support"),
    ({"content": "A", "reasoning_content": "Perhaps E."}, "stop", "oppose"),
    ({"content": "The answer is B.", "reasoning": "Perhaps E."}, "stop", "lean_oppose"),
    ({"content": '```json\n{"answer": "D"}\n```'}, "stop", "lean_support"),
    ({"content": "analysisIs it A?assistantfinalC"}, "stop", "neutral"),
    ({"content": "I would choose (F) no stance."}, "stop", "no_stance"),
    ({"content": None, "reasoning_content": "Okay, the answer is E"}, "length", "budget"),
    ({"content": None}, "length", "budget"),
    ({"content": "<think>The answer is E"}, "length", "no end"),
    ({"content": "I'm sorry, but I can't help with that."}, "stop", "refused"),
    ({"content": None, "refusal": "I cannot support this."}, "stop", "refused"),
    ({"content": "I would not choose E."}, "stop", "unparsed"),
]


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    """Answers the nth prompt that it meets in the nth shape, always the same prompt alike."""
    numbers: dict[str, int] = {}

    def reply(body: dict[str, Any]) -> dict[str, Any]:
        shape = SHAPES[numbers.setdefault(str(body["messages"]), len(numbers)) % len(SHAPES)]
        answer = chat("")
        answer["choices"][0] |= {"message": {"role": "assistant", **shape[0]}, "finish_reason": shape[1]}
        return answer

    with serving(reply=reply) as state:
        state.numbers = numbers  # type: ignore[attr-defined]
        yield state


def run_config(server: Misbehaving, results: Path) -> RunConfig:
    stance = config("stance", base_url=server.url, concurrency=1, **{**FAST, "timeout_s": 30.0})
    raw = {
        "dataset": {"path": str(ROOT / "datasets" / "escalation")},
        "split": "dev",
        "limit": 4,
        "stance": stance.model_dump(mode="json"),
        "results": str(results),
    }
    return parse_run_config(raw)


def run(server: Misbehaving, results: Path) -> RunRecord:
    record = run_job(run_config(server, results), [], ModelPool(), Reporter()).record
    assert record.error is None, record.error
    return record


def stored(record: RunRecord, results: Path) -> list[Prediction]:
    [use] = record.systems
    rows = PredictionStore(results / "predictions").read(use.name, use.fingerprint)
    return [rows[ref.key] for ref in read_answers(results / "runs" / record.run_id / "answers.parquet")]


def seen(answer: Answer) -> str:
    return answer.error or ("refused" if answer.path == "refused" else str(answer.label or "unparsed"))


def test_every_item_has_its_label_or_its_reason_and_only_errors_are_asked_again(
    server: Misbehaving, tmp_path: Path
) -> None:
    record = run(server, tmp_path)
    [use] = record.systems
    asked = sum(server.seen.values())
    predictions = stored(record, tmp_path)
    assert asked == len({p.key for p in predictions}) >= 2 * len(SHAPES)
    by_prompt = {p.answer.prompt: seen(p.answer) for p in predictions}
    for prompt, number in server.numbers.items():  # type: ignore[attr-defined]
        [answer] = [a for p, a in by_prompt.items() if str([{"role": "user", "content": p}]) == prompt]
        assert SHAPES[number % len(SHAPES)][2] in answer
    counts = [sum(word in seen(p.answer) for p in predictions) for word in ("refused", "unparsed")]
    failed = [p for p in predictions if p.answer.error]
    assert [use.n_refused, use.n_unparsed, use.n_failed] == [*counts, len(failed)]
    assert f"endpoint refused {use.n_refused} of {use.n_items} items" in record.notes
    run(server, tmp_path)
    assert sum(server.seen.values()) == asked + len({p.key for p in failed}), "the next run asks for the errors alone"
    assert {p for p, n in server.seen.items() if n > 1} == {p.answer.prompt for p in failed}


def test_a_better_reading_costs_no_request(
    server: Misbehaving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older version took the first letter of the thought; its answers are read again, by a run as by `rescore`."""
    asked_system = registry.build("stance", config("stance", base_url=server.url))
    with monkeypatch.context() as older:
        older.setattr(type(asked_system), "reading", 0)
        older.setattr(
            type(asked_system), "_read_one", lambda self, c: Answer("support", label=Stance.SUPPORT, path="parsed")
        )
        first = run(server, tmp_path)
    assert {p.answer.label for p in stored(first, tmp_path)} == {"support"}
    asked = sum(server.seen.values())
    assert rescore_runs(tmp_path, []) == 0
    assert sum(server.seen.values()) == asked
    records, _ = read_records(tmp_path)
    [again] = [r for r in records if r.run_id != first.run_id]
    words = {seen(p.answer) for p in stored(again, tmp_path)}
    assert {"support", "oppose", "neutral", "refused", "unparsed"} <= words
    assert any("no end" in word for word in words)
    assert first.systems[0].fingerprint == again.systems[0].fingerprint
    keys = [[p.key for p in stored(record, tmp_path)] for record in (first, again)]
    assert keys[0] == keys[1], "no key of the store has changed"
    assert again.systems[0].tokens_in == first.systems[0].tokens_in, "and nothing is counted twice"
    run(server, tmp_path)
    failed = {p.key for p in stored(again, tmp_path) if p.answer.error}
    assert sum(server.seen.values()) == asked + len(failed)
