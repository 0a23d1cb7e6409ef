"""The Batch API: every request is answered or has its reason, a batch that was begun is found again and paid once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import BudgetSpent, EndpointError, StoreError
from harness.models.batches import Batches
from harness.models.server import Completion, Server
from harness.results.store import PredictionStore
from harness.runs.predict import answer_all, plan
from harness.runs.usage import system_use
from harness.systems.base import Context, System
from harness.types import Answered, Dataset, Stance
from tests.batch_server import BatchServer
from tests.servers import Misbehaving, prompt_of, serving
from tests.unit.test_budget import counted
from tests.unit.test_endpoint import KEY, dataset, items, number, system
from tests.unit.test_endpoint_lists import honest


def answered(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    return 200, counted(body)


def with_batches(server: Misbehaving, **more: Any) -> BatchServer:
    server.batches = BatchServer(**{"answer": answered, **more})
    return server.batches


def batch_system(server: Misbehaving, **more: Any) -> System:
    return system(base_url=server.url, send="batch", poll_s=0.001, **more)


def run(judge: System, data: Dataset, folder: Path) -> Answered:
    store = PredictionStore(folder)
    return answer_all(judge, plan(judge, items("stance", data), data, store), Context(data), store, "stance")


def notes(folder: Path) -> list[Path]:
    return list(folder.rglob("batch-*.json"))


def test_a_batch_answers_what_live_requests_would_for_half_the_price(tmp_path: Path) -> None:
    data, price = dataset(12), {"input": 2.0, "output": 8.0}
    with serving(reply=counted) as server:
        api = with_batches(server)
        live = run(system(base_url=server.url, price=price), data, tmp_path / "live")
        n_live = len(server.bodies)
        judge = batch_system(server, price=price)
        done = run(judge, data, tmp_path)
        assert len(server.bodies) == n_live, "nothing was asked one by one"
    assert [p.key for p in done.predictions] == [p.key for p in live.predictions]
    assert [p.answer.label for p in done.predictions] == [p.answer.label for p in live.predictions]
    assert {p.answer.path for p in done.predictions} == {"parsed+batch"}
    costs = [system_use("stance", judge, d).cost for d in (live, done)]
    assert costs[1] == pytest.approx((costs[0] or 0) / 2)
    assert set(api.billed.values()) == {1}
    assert len(api.batches) == 1
    assert notes(tmp_path) == []
    run(judge, data, tmp_path)
    assert len(api.batches) == 1


class Killed(BaseException):
    """What a signal does to a process: nothing of ours runs any more."""


def killed_while_polling(judge: System, data: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(_: float) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Batches.__init__, "__kwdefaults__", {**Batches.__init__.__kwdefaults__, "sleep": kill})
        with pytest.raises(Killed):
            run(judge, data, folder)


def test_a_batch_that_is_killed_while_polling_is_found_again_and_paid_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = dataset(10)
    with serving() as server:
        api = with_batches(server)
        killed_while_polling(batch_system(server), data, tmp_path, monkeypatch)
        assert [json.loads(n.read_text())["batch"] for n in notes(tmp_path)] == ["batch_0"]
        lines: list[str] = []
        judge, store = batch_system(server), PredictionStore(tmp_path)
        work = plan(judge, items("stance", data), data, store)
        done = answer_all(judge, work, Context(data, tell=lines.append), store, "stance")
        assert {p.answer.error for p in done.predictions} == {None}
        assert (len(api.batches), api.events["POST batches"], api.events["POST files"]) == (1, 1, 1)
        assert set(api.billed.values()) == {1}
    assert "batch_0, begun" in lines[0]
    assert notes(tmp_path) == []


def test_more_articles_wait_for_the_batch_that_was_begun_and_make_one_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as server:
        api = with_batches(server)
        killed_while_polling(batch_system(server), dataset(10), tmp_path, monkeypatch)
        run(batch_system(server), dataset(4), tmp_path)
        [note] = notes(tmp_path)
        assert len(json.loads(note.read_text())["requests"]) == 6 * 4, "what was not wanted now stays to be found"
        done = run(batch_system(server), dataset(12), tmp_path)
        assert {p.answer.error for p in done.predictions} == {None}
        assert [b["request_counts"]["total"] for b in api.batches.values()] == [40, 8]
        assert set(api.billed.values()) == {1}
    assert notes(tmp_path) == []


def test_a_batch_whose_id_never_arrived_is_found_by_its_mark(tmp_path: Path) -> None:
    """The server began it, the answer was lost: the next attempt, or the next process, finds it in the server's list."""
    data = dataset(3)
    with serving() as server:
        api = with_batches(server, lost=1, page=1)
        api.batches["other"] = {"id": "other", "status": "completed", "metadata": None}
        run(batch_system(server), data, tmp_path)
        assert api.events["POST batches"] == 1
        assert set(api.billed.values()) == {1}
        api.lost = 1
        with pytest.raises(EndpointError, match="after 1 attempts"):
            run(batch_system(server, attempts=1), dataset(5), tmp_path)
        assert [json.loads(n.read_text())["batch"] for n in notes(tmp_path)] == [None]
        # another one is newer, so that the search turns a page
        api.batches["newer"] = {"id": "newer", "status": "completed"}
        done = run(batch_system(server), dataset(5), tmp_path)
        assert {p.answer.error for p in done.predictions} == {None}
        assert api.events["POST batches"] == 2
        assert set(api.billed.values()) == {1}


def test_a_note_whose_batch_is_gone_goes_and_its_requests_make_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = dataset(3)
    with serving() as server:
        api = with_batches(server)
        killed_while_polling(batch_system(server), data, tmp_path, monkeypatch)
        api.batches.clear()
        done = run(batch_system(server), data, tmp_path)
        assert {p.answer.error for p in done.predictions} == {None}
        assert notes(tmp_path) == []


def test_a_note_that_cannot_be_read_stops_the_work_before_anything_is_paid(tmp_path: Path) -> None:
    with serving() as server:
        api = with_batches(server)
        judge = batch_system(server)
        folder = PredictionStore(tmp_path).folder(judge.name, judge.fingerprint)
        folder.mkdir(parents=True)
        (folder / "batch-1.json").write_text("{")
        with pytest.raises(StoreError, match=r"batch-1\.json: no readable note"):
            run(judge, dataset(1), tmp_path)
        assert not api.batches


def test_a_request_that_fails_in_a_batch_has_its_reason_and_is_asked_again(tmp_path: Path) -> None:
    data = dataset(4)

    def answer(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if "<2>" in prompt_of(body) and len(api.batches) == 1:
            return 400, {"error": {"message": f"too long for {KEY}"}}
        return 200, counted(body)

    with serving() as server:
        api = with_batches(server, answer=answer)
        done = run(batch_system(server), data, tmp_path)
        errors = [p.answer.error for p in done.predictions]
        assert [e is not None for e in errors] == [number(i.article.text) == 2 for i in items("stance", data)]
        assert errors[8] == f"400 too long for {KEY}"
        done = run(batch_system(server), data, tmp_path)
        assert {p.answer.error for p in done.predictions} == {None}
        assert [b["request_counts"]["total"] for b in api.batches.values()] == [16, 4]


def test_what_a_batch_did_not_reach_before_it_expired_is_asked_again(tmp_path: Path) -> None:
    data = dataset(4)
    with serving() as server:
        api = with_batches(server, expires_after=10)
        done = run(batch_system(server), data, tmp_path)
        errors = [p.answer.error for p in done.predictions if p.answer.error]
        assert len(errors) == 6
        assert "before the batch expired" in errors[0]
        done = run(batch_system(server), data, tmp_path)
        assert {p.answer.error for p in done.predictions} == {None}
        assert set(api.billed.values()) == {1}


def test_a_batch_that_the_server_finds_invalid_says_why(tmp_path: Path) -> None:
    with serving() as server:
        with_batches(server)
        done = run(batch_system(server, model="unknown"), dataset(1), tmp_path)
    assert {p.answer.error for p in done.predictions} == {
        "the batch failed before this request was answered: line 1: The model does not exist.: line 2: The model does not exist."
    }
    assert notes(tmp_path) == []


def test_a_server_without_batches_is_named(tmp_path: Path) -> None:
    with serving() as server, pytest.raises(EndpointError, match="send=live"):
        run(batch_system(server), dataset(1), tmp_path)


def test_lines_that_make_no_sense_cost_their_own_request() -> None:
    bodies = [{"model": "m", "messages": [{"role": "user", "content": f"<{n}>"}]} for n in range(5)]

    def answer(body: dict[str, Any]) -> tuple[int, Any]:
        return 200, {0: {"choices": []}, 1: [], 2: None, 3: {"error": {"message": "busy"}}}.get(
            number(prompt_of(body)), counted(body)
        )

    with serving() as server:
        api = with_batches(server, answer=answer)
        [(_, outcomes)] = Batches(Server(server.url), None, 0.001).stream([bodies])
        assert [isinstance(o, Completion) for o in outcomes] == [False] * 4 + [True]
        api.answer = answered
        # a line that is cut off, and one of somebody else's
        real = api.get

        def torn(path: str, query: dict[str, str]) -> tuple[int, bytes]:
            status, content = real(path, query)
            if path.endswith("/content"):
                content = b'{"custom_id": "stranger"}\n' + content[: content.rindex(b"{")]
            return status, content

        api.get = torn  # type: ignore[method-assign]
        [(_, outcomes)] = Batches(Server(server.url), None, 0.001).stream([bodies])
        assert sum(isinstance(o, EndpointError) for o in outcomes) == 1


def test_a_budget_bounds_batches_too(tmp_path: Path) -> None:
    """A first batch by the estimate, a second by what the first one cost; then too little is left for a request."""
    data = dataset(20)
    with serving() as server:
        api = with_batches(server)
        judge = batch_system(server, max_tokens_in=2000)
        with pytest.raises(BudgetSpent):
            run(judge, data, tmp_path)
        tokens = [
            p.answer.tokens_in or 0 for p in PredictionStore(tmp_path).read(judge.name, judge.fingerprint).values()
        ]
        assert 2000 - max(tokens) <= sum(tokens) <= 2000
        assert 2 <= len(api.batches) <= 4
        for _ in range(9):
            try:
                done = run(judge, data, tmp_path)
                break
            except BudgetSpent:
                continue
        assert {p.answer.error for p in done.predictions} == {None}
        assert set(api.billed.values()) == {1}
        assert notes(tmp_path) == []


def test_lists_go_into_batches_as_well(tmp_path: Path) -> None:
    data = dataset(3)

    def answer(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        content = json.dumps(honest(prompt_of(body)))
        return 200, {"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}

    with serving() as server:
        api = with_batches(server, answer=answer)
        done = run(batch_system(server, ask="article"), data, tmp_path)
        assert [b["request_counts"]["total"] for b in api.batches.values()] == [3]
    assert [p.answer.label for p in done.predictions] == [
        Stance.OPPOSE,
        Stance.OPPOSE,
        Stance.SUPPORT,
        Stance.SUPPORT,
    ] * 3


def test_the_key_is_in_no_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_ENDPOINT_KEY", KEY)
    with serving() as server:
        with_batches(server)
        killed_while_polling(batch_system(server, api_key_env="TEST_ENDPOINT_KEY"), dataset(1), tmp_path, monkeypatch)
        assert {h["Authorization"] for h in server.headers} == {f"Bearer {KEY}"}
    assert KEY.encode() not in b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
