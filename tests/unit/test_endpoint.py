"""Endpoints: whatever the server does, each item is answered or recorded as failed with its reason, once."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.config import SystemConfig, parse_run_config
from harness.errors import ConfigError, EndpointError
from harness.models.server import Client, Completion, Server
from harness.models.server_errors import retry_after
from harness.results.store import PredictionStore
from harness.runs.predict import answer_all, plan
from harness.runs.questions import items_for
from harness.systems.base import Context, System
from harness.systems.registry import build
from harness.systems.stance_scores import letter_scores
from harness.types import Article, Dataset, Source, Speaker, Stance, Target
from tests.servers import chat, prompt_of, serving

CONFIGS = Path(__file__).parents[2] / "configs"
FAST = {"backoff_s": 0.001, "timeout_s": 0.4, "attempts": 3}
KEY = "sk-very-secret-0123456789"


def config(kind: str, **overrides: Any) -> SystemConfig:
    raw = yaml.safe_load((CONFIGS / kind / "endpoint.yaml").read_text(encoding="utf-8"))
    return SystemConfig.model_validate({**raw, "model": "tiny", **FAST, **overrides})


def system(kind: str = "stance", **overrides: Any) -> System:
    return build("summariser" if kind == "summariser" else "stance", config(kind, **overrides), "cpu")


def dataset(n: int = 5) -> Dataset:
    targets = (Target("shut", "The council may shut the gates."), Target("war", "War is right."))
    speakers = (Speaker("brandt", "Ada Brandt"), Speaker("olm", "General Olm"))
    articles = tuple(
        Article(f"a{i}", "", f"Text number <{i}>.", f"e{i}", Source("fictional"), targets, speakers) for i in range(n)
    )
    return Dataset("d", "1", articles, "f")


def items(kind: str, data: Dataset) -> list[Any]:
    return list(items_for(kind, data.articles))


MISDEEDS = (
    "429",
    "429 0",
    "500",
    "502",
    "503 0",
    "408",
    "garbage",
    "empty",
    "shape",
    "stream",
    "half",
    "nothing",
    "hangup",
    "drip",
)


def number(prompt: str) -> int:
    return int(prompt.partition("<")[2].partition(">")[0])


@pytest.mark.parametrize("kind", ["summariser", "stance"])
def test_nothing_is_lost_and_nothing_doubled(kind: str, tmp_path: Path) -> None:
    """Articles 2i and 2i + 1 meet misdeed i: the first of them once, the other always; the answers say whose they are."""
    data = dataset(2 * len(MISDEEDS))

    def behave(prompt: str, attempt: int) -> str:
        misdeed = MISDEEDS[number(prompt) // 2]
        return misdeed if attempt == 1 or number(prompt) % 2 else "ok"

    def reply(body: dict[str, Any]) -> dict[str, Any]:
        prompt = prompt_of(body)
        return chat(
            "E" if "Olm" in prompt and kind == "stance" else f"A <{number(prompt)}>" if kind == "summariser" else "A"
        )

    asked = items(kind, data)
    store = PredictionStore(tmp_path)
    with serving(behave, reply) as server:
        judge = system(kind, base_url=server.url, concurrency=32, attempts=2, timeout_s=4.0)
        work = plan(judge, asked, data, store)
        done = answer_all(judge, work, Context(data), store, kind)
        assert [p.article_id for p in done.predictions] == [i.article.id for i in asked]
        for item, prediction in zip(asked, done.predictions, strict=True):
            answer, n = prediction.answer, int(item.article.id[1:])
            if n % 2:
                assert answer.error is not None, MISDEEDS[n // 2]
                assert "after 2 attempts: " in answer.error
                assert answer.label is None
            else:
                assert answer.error is None, MISDEEDS[n // 2]
                assert answer.output == (
                    f"A <{n}>" if kind == "summariser" else "support" if item.speaker.id == "olm" else "oppose"
                )
        assert set(server.seen.values()) == {2}, "one misdeed, one more attempt"
        assert len(server.seen) == len(asked)

        rows = store.read(judge.name, judge.fingerprint)
        assert len(rows) == len(asked)
        server.behave = lambda *_: "ok"
        again = plan(judge, asked, data, store)
        failed = [i for i in asked if int(i.article.id[1:]) % 2]
        assert again.n_missing == len(failed), "what failed is asked again, what was answered is not"
        server.seen.clear()
        done = answer_all(judge, again, Context(data), store, kind)
        assert all(p.answer.error is None for p in done.predictions)
        assert set(server.seen.values()) == {1}
        assert len(server.seen) == len(failed)


def test_reasons_are_told_apart() -> None:
    with serving(lambda prompt, _: prompt) as server:
        client = Client(Server(server.url, attempts=1, timeout_s=0.3))
        prompts = ["500", "garbage", "half", "nothing", "hangup", "shape", "empty", "404"]
        found = client.complete([{"prompt": p} for p in prompts])
        reasons = dict(zip(prompts, map(str, found), strict=True))
    assert "500 status 500" in reasons["500"]
    assert "is no JSON" in reasons["garbage"]
    assert "RemoteProtocolError" in reasons["half"]
    assert "no complete answer within 0.3 s" in reasons["nothing"]
    assert reasons["hangup"].startswith("no answer after 1 attempt: R")
    assert "not the shape of a completion" in reasons["shape"]
    assert "the answer is empty" in reasons["empty"]
    assert reasons["404"].startswith("404 status 404")


def test_what_will_not_pass_is_not_tried_again() -> None:
    with serving(lambda *_: "400") as server:
        [found] = Client(Server(server.url)).complete([{"prompt": "x"}])
        assert isinstance(found, EndpointError)
        assert server.seen["x"] == 1


def waits(server: Any, **more: Any) -> tuple[list[float], list[Any]]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    client = Client(Server(server.url, **more), sleep=sleep, draw=lambda low, high: high)
    return slept, client.complete([{"prompt": "x"}])


def test_waits_grow_exponentially_up_to_the_longest() -> None:
    with serving(lambda *_: "500") as server:
        slept, [found] = waits(server, attempts=6, backoff_s=1.0, longest_wait_s=5.0)
        assert slept == [1.0, 2.0, 4.0, 5.0, 5.0]
        assert "after 6 attempts" in str(found)


def test_waits_are_jittered() -> None:
    drawn: list[tuple[float, float]] = []

    async def sleep(_: float) -> None:
        return

    with serving(lambda _, n: "500" if n < 3 else "ok") as server:
        client = Client(Server(server.url, backoff_s=2.0), sleep=sleep, draw=lambda a, b: drawn.append((a, b)) or a)
        client.complete([{"prompt": "x"}])
    assert drawn == [(1.0, 2.0), (2.0, 4.0)]


def test_retry_after_is_honoured() -> None:
    with serving(lambda _, n: "429 7" if n == 1 else "ok") as server:
        slept, [found] = waits(server, backoff_s=0.5)
        assert isinstance(found, Completion)
        assert found.attempts == 2
        assert slept[0] == 7.5, "7 s and up to half a second of jitter"


def test_a_server_that_asks_for_too_much_patience_is_given_up() -> None:
    with serving(lambda *_: "429 3600") as server:
        slept, [found] = waits(server, longest_wait_s=60)
        assert slept == []
        assert "asks for 3600 s of patience" in str(found)


def test_retry_after_in_both_notations() -> None:
    now = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
    assert retry_after("12") == 12
    assert retry_after("0.5") == 0.5
    assert retry_after("Thu, 01 Jan 2026 12:00:30 GMT", now) == 30
    assert retry_after("Thu, 01 Jan 2026 11:00:00 GMT", now) == 0
    assert retry_after("soon") is None
    assert retry_after(None) is None


def test_no_more_than_the_limit_is_under_way() -> None:
    with serving(lambda *_: "slow 0.05") as server:
        Client(Server(server.url, concurrency=3)).complete([{"prompt": str(i)} for i in range(12)])
        assert server.most_at_once == 3


def test_retry_after_shortens_no_wait() -> None:
    for header in ("0", "Thu, 01 Jan 2026 11:00:00 GMT"):
        with serving(lambda *_, header=header: f"429 {header}") as server:  # type: ignore[misc]
            slept, _ = waits(server, attempts=4, backoff_s=4.0, longest_wait_s=10.0)
        assert slept == [4.0, 8.0, 10.0], "the back-off is longer than what the server asks for"


def test_a_unit_holds_items_of_many_articles() -> None:
    asked = items("stance", dataset(20))
    assert [len(u) for u in system().plan(asked)] == [32, 32, 16]


def test_a_server_that_is_not_there_is_soon_given_up() -> None:
    with serving() as server:
        url = server.url
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    client = Client(Server(url, attempts=4, concurrency=1), sleep=sleep)
    found = client.complete([{"prompt": str(i)} for i in range(5)])
    assert all(isinstance(f, EndpointError) and "ConnectError" in str(f) for f in found)
    assert len(slept) == 3, "only the first request is patient"
    with serving() as server:
        client.server = Server(server.url)
        assert isinstance(client.complete([{"prompt": "x"}])[0], Completion)


def test_units_share_one_window_of_requests(tmp_path: Path) -> None:
    """A unit has 32 items; of a server that answers all of them at once more are under way."""
    data, store = dataset(256), PredictionStore(tmp_path)
    with serving(lambda *_: "slow 0.2") as server:
        writer = system("summariser", base_url=server.url, concurrency=64, attempts=1, timeout_s=30)
        work = plan(writer, items("summariser", data), data, store)
        done = answer_all(writer, work, Context(data), store, "summary")
        assert 32 < server.most_at_once <= 64
    assert [p.answer.error for p in done.predictions] == [None] * 256
    assert len(list(tmp_path.rglob("part-*"))) == 8


def test_a_slow_answer_keeps_no_other_unit_waiting(tmp_path: Path) -> None:
    others, data, store = threading.Semaphore(0), dataset(48), PredictionStore(tmp_path)

    def reply(body: dict[str, Any]) -> dict[str, Any]:
        if number(prompt_of(body)):
            others.release()
            return chat("soon")
        return chat("late" if all(others.acquire(timeout=20) for _ in range(47)) else "alone")

    with serving(reply=reply) as server:
        writer = system("summariser", base_url=server.url, concurrency=2, attempts=1, timeout_s=30)
        work = plan(writer, items("summariser", data), data, store)
        done = answer_all(writer, work, Context(data), store, "summary")
    assert [p.answer.output for p in done.predictions] == ["late", *["soon"] * 47]


@pytest.mark.parametrize("finished", [0, 40], ids=["first unit", "second unit"])
def test_ctrl_c_keeps_what_was_answered(finished: int, tmp_path: Path) -> None:
    """Eight answers after those that were finished before, and then the key is pressed while the others wait."""
    last, data, store = finished + 8, dataset(96), PredictionStore(tmp_path)
    answered = threading.Semaphore(0)

    def press() -> None:
        assert all(answered.acquire(timeout=20) for _ in range(last))
        time.sleep(0.3)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def reply(_: dict[str, Any]) -> dict[str, Any]:
        answered.release()
        return chat("ok")

    with serving(lambda prompt, _: "ok" if number(prompt) < last else "nothing", reply) as server:
        writer = system("summariser", base_url=server.url, concurrency=8, attempts=1, timeout_s=30)
        work = plan(writer, items("summariser", data), data, store)
        thread = threading.Thread(target=press)
        # a shell starts its background jobs with the key ignored
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        thread.start()
        try:
            with pytest.raises(KeyboardInterrupt):
                answer_all(writer, work, Context(data), store, "summary")
        finally:
            signal.signal(signal.SIGINT, before)
        thread.join()
        stored = store.read(writer.name, writer.fingerprint)
        assert {p.article_id for p in stored.values()} == {f"a{i}" for i in range(last)}
        assert all(p.answer.error is None for p in stored.values())
        assert plan(writer, items("summariser", data), data, store).n_missing == 96 - last


def test_work_that_is_left_early_sends_nothing_more() -> None:
    data = dataset(96)
    with serving() as server:
        writer = system("summariser", base_url=server.url, concurrency=1)
        done = writer.answer_units(writer.plan(items("summariser", data)), Context(data))
        next(done)
        done.close()
        sent = sum(server.seen.values())
        assert 32 <= sent < 96
        time.sleep(0.3)
        assert sum(server.seen.values()) <= sent + 1, "nothing goes on but the one request that was under way"


def test_an_error_in_between_is_raised_after_what_was_answered() -> None:
    def units() -> Iterator[list[dict[str, str]]]:
        yield [{"prompt": "x"}]
        raise RuntimeError("no prompt")

    with serving() as server:
        done = Client(Server(server.url)).stream(units())
        [outcome] = next(done)[1]
        assert outcome is None or isinstance(outcome, Completion)
        with pytest.raises(RuntimeError, match="no prompt"):
            next(done)


def test_it_works_inside_a_running_loop() -> None:
    async def notebook(url: str) -> list[Any]:
        return Client(Server(url)).complete([{"prompt": "x"}])

    with serving() as server:
        assert isinstance(asyncio.run(notebook(server.url))[0], Completion)


# the key


def test_the_key_goes_into_the_header_and_nowhere_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TEST_ENDPOINT_KEY", KEY)
    data = dataset(2)
    store = PredictionStore(tmp_path)
    with serving(lambda prompt, _: "401" if number(prompt) else "ok") as server:
        judge = system(base_url=server.url, api_key_env="TEST_ENDPOINT_KEY")
        done = answer_all(judge, plan(judge, items("stance", data), data, store), Context(data), store, "stance")
        assert {h["Authorization"] for h in server.headers} == {f"Bearer {KEY}"}
    errors = [p.answer.error for p in done.predictions if p.answer.error]
    assert len(errors) == 4
    assert errors[0] == "401 status 401 for Bearer ***"
    assert KEY not in repr(done) + repr(judge.identity()) + repr(judge.options)
    assert KEY.encode() not in b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


def test_a_missing_key_is_named_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_ENDPOINT_KEY", raising=False)
    with serving() as server:
        judge = system(base_url=server.url, api_key_env="TEST_ENDPOINT_KEY")
        with pytest.raises(ConfigError, match="TEST_ENDPOINT_KEY is not set"):
            judge.answer(items("stance", dataset(1)), Context(dataset(1)))
        assert not server.seen


@pytest.mark.parametrize(
    "pasted",
    [{"api_key_env": KEY}, {"api_key": KEY}, {"base_url": f"https://me:{KEY}@host/v1"}, {"openai_api_key": KEY}],
)
def test_a_pasted_key_is_refused_and_not_repeated(pasted: dict[str, str]) -> None:
    raw = {"dataset": {"path": "x"}, "stance": {"name": "endpoint", "adapter": "endpoint", **pasted}}
    with pytest.raises(ConfigError, match="api_key_env") as error:
        parse_run_config(raw)
    assert KEY not in str(error.value)


# what is asked, and what is read from the answer


def test_the_article_comes_first_and_only_what_is_shown_is_read() -> None:
    judge = system()
    item = items("stance", dataset(1))[0]
    prompt = judge.prompt([item])  # type: ignore[attr-defined]
    assert prompt.startswith("Text number <0>.")
    assert "A. oppose\nB. lean oppose\n" in prompt
    assert set(judge.reads(item, dataset(1))) == {"article", "speaker", "target"}
    assert set(system("summariser").reads(item, dataset(1))) == {"article"}


def test_letters_are_scored_by_log_probability() -> None:
    """A 0.5, E 0.2 + 0.1, the least listed token 0.05 for B, C, D, F: 0.5 / (0.5 + 0.3 + 4 x 0.05) = 0.5."""
    listed = {"A": 0.5, " E": 0.2, "e": 0.1, "The": 0.05}
    logs = {t: math.log(p) for t, p in listed.items()}
    with serving(reply=lambda _: chat("A", logs)) as server:
        [answer, *_] = system(base_url=server.url).answer(items("stance", dataset(1)), Context(dataset(1)))
        assert server.bodies[0]["logprobs"] is True
        assert server.bodies[0]["top_logprobs"] == 20
    assert answer.path == "logprobs"
    assert answer.label is Stance.OPPOSE
    assert answer.scores["oppose"] == pytest.approx(0.5)
    assert answer.scores["support"] == pytest.approx(0.3)
    assert answer.scores["neutral"] == pytest.approx(0.05)
    assert sum(answer.scores.values()) == pytest.approx(1)
    assert letter_scores({"The": -0.1}, {"A": Stance.OPPOSE}) is None


def test_without_log_probabilities_the_text_is_parsed() -> None:
    texts = iter(["E", "I would say: lean oppose", "no idea", ""])
    with serving(reply=lambda _: chat(next(texts))) as server:
        judge = system(base_url=server.url, concurrency=1)
        found = judge.answer(items("stance", dataset(1)), Context(dataset(1)))
    assert [a.label for a in found] == [Stance.SUPPORT, Stance.LEAN_OPPOSE, None, None]
    assert [a.error for a in found] == [None] * 4, "unparsed is an answer"
    assert [a.output for a in found] == ["support", "lean_oppose", "no idea", ""]
    assert {a.path for a in found} == {"parsed"}


def test_a_server_that_refuses_log_probabilities_is_asked_without_them() -> None:
    with serving(reply=lambda _: chat("E")) as server:
        server.behave = lambda *_: "422 logprobs" if "logprobs" in server.bodies[-1] else "ok"
        judge = system(base_url=server.url, concurrency=1)
        found = judge.answer(items("stance", dataset(1)), Context(dataset(1)))
        assert [a.label for a in found] == [Stance.SUPPORT] * 4
        assert ["logprobs" in body for body in server.bodies] == [True] + [False] * 4, "it asks for them once"


def test_the_completions_interface() -> None:
    def reply(_: dict[str, Any]) -> dict[str, Any]:
        return {
            "choices": [
                {"text": " C", "finish_reason": "stop", "logprobs": {"top_logprobs": [{" C": -0.1, " A": -3.0}]}}
            ],
            "usage": {"prompt_tokens": 5, "completion_tokens": 1},
        }

    with serving(reply=reply) as server:
        judge = system(base_url=server.url, api="completions", system="Be short.")
        [answer, *_] = judge.answer(items("stance", dataset(1)), Context(dataset(1)))
        assert server.bodies[0]["logprobs"] == 5
        assert server.bodies[0]["prompt"].startswith("Be short.\n\nText number")
    assert (answer.label, answer.path) == (Stance.NEUTRAL, "logprobs")


@pytest.mark.parametrize(
    ("constrain", "reply", "text", "field", "expected"),
    [
        ("guided_choice", "letter", "D", "guided_choice", list("ABCDEF")),
        ("structured_outputs", "label", "lean support", "structured_outputs", None),
        ("response_format", "letter", '{"stance": "D"}', "response_format", None),
        ("response_format", "label", '{"stance": "lean support"}', "response_format", None),
    ],
)
def test_constrained_choices(constrain: str, reply: str, text: str, field: str, expected: Any) -> None:
    with serving(reply=lambda _: chat(text)) as server:
        judge = system(base_url=server.url, constrain=constrain, reply=reply)
        [answer, *_] = judge.answer(items("stance", dataset(1)), Context(dataset(1)))
        sent, room = server.bodies[0][field], server.bodies[0]["max_tokens"]
    assert answer.label is Stance.LEAN_SUPPORT
    assert not [line for line in judge.unheeded([answer]) if "logprobs" not in line], "the server held to it"
    # an object of JSON stands around its label
    assert room == (20 if field == "response_format" else 8)
    assert expected is None or sent == expected
    assert ("D" in str(sent)) if reply == "letter" else ("lean support" in str(sent))


@pytest.mark.parametrize("field", ["guided_choice", "structured_outputs", "response_format"])
def test_what_a_server_takes_and_ignores_is_said(field: str) -> None:
    text = "I think that the answer is D, lean support."
    with serving(reply=lambda _: chat(text)) as server:
        judge = system(base_url=server.url, constrain=field, reply="letter", logprobs=field != "response_format")
        answers = judge.answer(items("stance", dataset(2)), Context(dataset(2)))
    n = len(answers)
    held = f"`{field}` was sent, and {n} of {n} replies do not hold to it: the server may ignore it"
    bare = f"`logprobs` was asked for, and {n} of {n} replies gave none of a label"
    assert judge.unheeded(answers) == ([held] if field == "response_format" else [bare, held])


def test_an_empty_summary_is_an_answer_if_the_model_ended_it() -> None:
    def cut(body: dict[str, Any]) -> dict[str, Any]:
        answer = chat("")
        answer["choices"][0]["finish_reason"] = "length"
        return answer

    for reply, error in (
        (lambda _: chat("  "), None),
        (cut, "the budget of tokens was spent before an answer (finish_reason: length)"),
    ):
        with serving(reply=reply) as server:
            [answer] = system("summariser", base_url=server.url).answer(
                items("summariser", dataset(1)), Context(dataset(1))
            )
        assert (answer.output, answer.error) == ("", error)


def test_a_reply_that_does_not_begin_with_a_letter_is_parsed() -> None:
    # E stands for support; the letters have next to nothing of the first token's probability
    for text, label in (("**E**", Stance.SUPPORT), ("support", Stance.SUPPORT), ("Neutral.", Stance.NEUTRAL)):
        with serving(reply=lambda _, text=text: chat(text, {"**": -0.01, "A": -9.0})) as server:
            [answer, *_] = system("stance", base_url=server.url).answer(
                items("stance", dataset(1)), Context(dataset(1))
            )
        assert (answer.label, answer.path, dict(answer.scores)) == (label, "parsed", {})


def test_more_fields_of_the_request_and_fewer() -> None:
    extra = {"max_tokens": None, "max_completion_tokens": 9, "temperature": None}
    with serving() as server:
        system("summariser", base_url=server.url, extra_body=extra, system="Be short.").answer(
            items("summariser", dataset(1)), Context(dataset(1))
        )
        body = server.bodies[0]
    assert set(body) == {"model", "messages", "max_completion_tokens"}
    assert [m["role"] for m in body["messages"]] == ["system", "user"]


def test_the_fingerprint_leaves_delivery_out() -> None:
    plain = system().fingerprint
    for same in (
        {"concurrency": 3},
        {"timeout_s": 9},
        {"attempts": 1},
        {"price": {"input": 1, "output": 1}},
        {"seed": 7},
    ):
        assert system(**same).fingerprint == plain
    assert system(api_key_env="OTHER_KEY").fingerprint == plain
    for other in (
        {"model": "x"},
        {"base_url": "http://other/v1"},
        {"max_tokens": 9},
        {"temperature": 0.5},
        {"reply": "label"},
    ):
        assert system(**other).fingerprint != plain
    assert system(temperature=0.5, seed=1).fingerprint != system(temperature=0.5, seed=2).fingerprint


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"prompt": "{speaker} {target}"}, "no {article}"),
        ({"prompt": "{article} {speaker} {target} {x}"}, "nothing fills {x}"),
        ({"answers": {"oppose": "no"}}, "no wording for lean_oppose"),
        ({"base_url": "localhost:8000"}, "base_url"),
        ({"model": None}, "name the model as the server knows it"),
        ({"extra_body": {"echo": True}}, "the reply would begin with the prompt"),
        ({"concurency": 3}, "did you mean 'concurrency'"),
    ],
)
def test_bad_options_are_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        system(**overrides)


def test_braces_in_an_article_are_only_braces() -> None:
    data = dataset(1)
    odd = dataclasses.replace(data.articles[0], text="{speaker} said {0} {")
    judge = system()
    prompt = judge.prompt(items("stance", dataclasses.replace(data, articles=(odd,)))[:1])  # type: ignore[attr-defined]
    assert prompt.startswith("{speaker} said {0} {\n")
    assert Counter(prompt)["{"] == 3
