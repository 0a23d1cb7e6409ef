"""Whatever a server's answer holds, it costs its own item at most; no key and no half character gets into the store."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError, EndpointError
from harness.models.server import Client, Completion, Server
from harness.models.server_errors import retry_after
from harness.results.store import PredictionStore
from harness.runs.predict import answer_all, plan
from harness.systems.base import Context
from harness.systems.stance_scores import letter_scores
from harness.types import Prediction, Stance
from tests.servers import chat, prompt_of, serving
from tests.unit.test_endpoint import KEY, dataset, items, number, system


def body(content: str = '"A"', more: str = "", usage: str = "", **rest: str) -> bytes:
    """A chat completion by the JSON of its parts."""
    top = "".join(f',"{name}":{value}' for name, value in rest.items())
    usage = f',"usage":{usage}' if usage else ""
    return f'{{"choices":[{{"message":{{"content":{content}{more}}}{top}}}]{usage}}}'.encode()


def logs(token: str, value: str) -> str:
    return f'{{"content":[{{"top_logprobs":[{{"token":{token},"logprob":{value}}}]}}]}}'


READ = [
    body(usage='{"prompt_tokens":1e999}'),
    body(usage='{"prompt_tokens":-1,"completion_tokens":NaN}'),
    body(usage='{"prompt_tokens":"many","completion_tokens":[1]}'),
    body(usage='{"prompt_tokens":' + "9" * 30 + "}"),
    body(usage="[1]"),
    body(usage='"x"'),
    body(usage='{"prompt_tokens":true}'),
    body(logprobs=logs('"A"', "NaN")),
    body(logprobs=logs('"E"', "1000.0")),
    body(logprobs=logs('"E"', "1e999")),
    body(logprobs=logs('"E"', "-1e999")),
    body(logprobs=logs('"E"', "-9999.0")),
    body(logprobs=logs('["E"]', "-0.1")),
    body(logprobs=logs('"E"', '"x"')),
    body(logprobs='"x"'),
    body(logprobs="[1]"),
    body(logprobs='{"content":[]}'),
    body(logprobs='{"content":[null]}'),
    body(finish_reason='["a"]'),
    body(finish_reason='"\\ud83d"'),
    body('["A"]'),
    body('[{"type":"thinking","thinking":[]},{"type":"text","text":"A"}]'),
    body('"A \\ud83d"'),
    b"\xef\xbb\xbf" + body(),
    body('"A"', ',"refusal":{"x":1}'),
]
"""Each says A, whatever else it says."""
FAILED = [
    b"[" * 200_000,
    b'{"a":' * 200_000,
    b"9" * 10_000,
    b'{"choices":null}',
    b'{"choices":{}}',
    b'{"choices":"A"}',
    b'{"choices":[null]}',
    b'{"choices":[{"message":null}]}',
    b'{"choices":[{"message":{}}]}',
    b"null",
    b'"A"',
    b"[]",
    body("5"),
    body('{"text":"A"}'),
    body("[5]"),
    b'{"error":{"message":["\\ud83d"]}}',
    b'{"error":' + b"[" * 200_000 + b"}",
]


def stored(tmp_path: Path, bodies: list[bytes], **options: Any) -> list[Prediction]:
    """What is in the store after one question to each body, all in one unit."""
    assert len(bodies) <= 32
    data, store = dataset(len(bodies)), PredictionStore(tmp_path)
    with serving(reply=lambda b: bodies[number(prompt_of(b))]) as server:
        judge = system("summariser", base_url=server.url, attempts=2, timeout_s=20.0, **options)
        work = plan(judge, items("summariser", data), data, store)
        assert len(work.units) == 1
        done = answer_all(judge, work, Context(data), store, "summary")
    assert len(store.read(judge.name, judge.fingerprint)) == len(bodies)
    return done.predictions


def test_every_odd_answer_costs_its_own_item_at_most(tmp_path: Path) -> None:
    found = stored(tmp_path, [body(), *FAILED, body()])
    assert [p.answer.error is None for p in found] == [True, *[False] * len(FAILED), True]
    for prediction in found[1:-1]:
        assert (prediction.answer.error or "").startswith("no answer after 2 attempts: ")
        assert len(prediction.answer.error or "") < 700


def test_an_answer_is_kept_whatever_else_comes_with_it(tmp_path: Path) -> None:
    for prediction in stored(tmp_path, READ):
        answer = prediction.answer
        assert (answer.error, answer.output.removesuffix(" \ufffd")) == (None, "A"), READ[
            int(prediction.article_id[1:])
        ]
        assert (answer.tokens_in, answer.tokens_out) == (None, None)


def test_stances_too(tmp_path: Path) -> None:
    # a letter with half a character after it is no clear choice
    clear = [b for b in READ if b"A \\ud83d" not in b]
    data, store = dataset(len(clear)), PredictionStore(tmp_path)
    with serving(reply=lambda b: clear[number(prompt_of(b))]) as server:
        judge = system(base_url=server.url)
        done = answer_all(judge, plan(judge, items("stance", data), data, store), Context(data), store, "stance")
    assert {(p.answer.error, p.answer.label, p.answer.path) for p in done.predictions} == {
        (None, Stance.OPPOSE, "parsed")
    }


def test_half_a_character_is_replaced_where_it_enters(tmp_path: Path) -> None:
    invalid = '{"choices":[{"message":{"content":"War é'.encode()[:-1] + b'"}}]}'
    found = stored(tmp_path, [body('"War \\ud83d"'), body('"War \\ud83d\\ude00"'), invalid, body()])
    assert [p.answer.output for p in found] == ["War \ufffd", "War \U0001f600", "War \ufffd", "A"]


def test_half_a_character_can_be_asked_about() -> None:
    with serving() as server:
        [found] = Client(Server(server.url)).complete([{"prompt": "War \ud83d"}])
        assert isinstance(found, Completion)
        assert server.bodies[0]["prompt"] == "War \ufffd"


def test_a_request_that_cannot_be_sent_costs_itself_alone() -> None:
    with serving() as server:
        good, bad = Client(Server(server.url)).complete([{"prompt": "x"}, {"prompt": "y", "top_k": float("nan")}])
    assert isinstance(good, Completion)
    assert "ValueError: Out of range float values" in str(bad)
    [found] = Client(Server("http://host:port/v1")).complete([{"prompt": "x"}])
    assert "InvalidURL" in str(found)


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.models.server._LARGEST", 2**20)
    with serving(reply=lambda b: b" " * (2**21 if prompt_of(b) == "x" else 10) + body()) as server:
        long, good = Client(Server(server.url)).complete([{"prompt": "x"}, {"prompt": "y"}])
        assert server.seen["x"] == 1
    assert str(long) == "the server's answer is longer than 1.0 MB"
    assert isinstance(good, Completion)


def test_a_refusal_is_no_summary_and_no_stance() -> None:
    refused = body("null", ',"refusal":"I cannot support this."')
    data = dataset(1)
    with serving(reply=lambda _: refused) as server:
        [summary] = system("summariser", base_url=server.url).answer(items("summariser", data), Context(data))
        [stance, *_] = system(base_url=server.url).answer(items("stance", data), Context(data))
    assert summary.error == "the model refused: I cannot support this."
    assert (stance.error, stance.label, stance.path) == (None, None, "refused")
    assert stance.raw == "I cannot support this."


def test_a_letter_that_is_certain_leaves_nothing_for_the_others() -> None:
    """Only E is listed, with 0.9: the other five share what cannot be theirs alone, 0.1 each; 0.9 / (0.9 + 5 x 0.1) = 9/14."""
    letters = dict(zip("ABCDEF", Stance, strict=True))
    found = letter_scores({"E": -0.10536051565782628}, letters)
    assert found is not None
    assert found[Stance.SUPPORT] == pytest.approx(9 / 14)
    assert letter_scores({"E": 0.0}, letters) == {s: float(s is Stance.SUPPORT) for s in Stance}
    assert letter_scores({"E": -9999.0}, letters) is None


def test_odd_headers() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert retry_after("9" * 400, now) == float("inf")
    for odd in ("Thu, 01 Jan 2026 12:00:30 +99999999", "Thu, 99 Jan 99999 12:00:30 GMT", "", ",", "1e9"):
        assert retry_after(odd, now) is None, odd


# the key


def with_key(monkeypatch: pytest.MonkeyPatch, said: str, key: str = KEY, status: int = 400) -> str:
    monkeypatch.setenv("TEST_ENDPOINT_KEY", key)
    with serving(lambda *_: f"say {status} {said}") as server:
        [found] = Client(Server(server.url, api_key_env="TEST_ENDPOINT_KEY", attempts=1)).complete([{"prompt": "x"}])
    return found.message if isinstance(found, EndpointError) else found.text


def leaked(text: str, key: str = KEY) -> bool:
    return any(key[i : i + 6] in text for i in range(len(key) - 5))


@pytest.mark.parametrize("before", [0, 270, 280, 290, 298])
def test_no_part_of_a_key_is_left_where_an_error_is_cut(before: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not leaked(with_key(monkeypatch, "x" * before + KEY + "y" * 300))
    assert not leaked(with_key(monkeypatch, json.dumps({"error": {"message": "x" * before + KEY}})))


@pytest.mark.parametrize("before", [0, 45, 55])
def test_no_part_of_a_key_is_left_where_garbage_is_quoted(before: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not leaked(with_key(monkeypatch, "<" * before + KEY, status=200))


def test_a_key_in_an_answer_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert with_key(monkeypatch, body(f'"You sent Bearer {KEY}."').decode(), status=200) == "You sent Bearer ***."
    assert with_key(monkeypatch, body('"It is EMPTY."').decode(), key="EMPTY", status=200) == "It is EMPTY."


def test_a_key_is_sent_without_the_end_of_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_ENDPOINT_KEY", f" {KEY}\r\n")
    with serving() as server:
        client = Client(Server(server.url, api_key_env="TEST_ENDPOINT_KEY"))
        assert isinstance(client.complete([{"prompt": "x"}])[0], Completion)
        assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("key", ["sk-é-0123456789", "sk-01234\n56789"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="TEST_ENDPOINT_KEY holds what no HTTP header can carry") as error:
        with_key(monkeypatch, "x", key=key)
    assert "sk-" not in str(error.value)


def test_chat_still_reads_as_before() -> None:
    with serving(reply=lambda _: chat("  ok\n")) as server:
        [found] = Client(Server(server.url)).complete([{"prompt": "x"}])
    assert isinstance(found, Completion)
    assert (found.text, found.finish, found.tokens_in, found.tokens_out) == ("ok", "stop", 100, 10)
