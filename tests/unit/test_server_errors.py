"""Responses that are no answers: which are tried again, and when a server is asked no further."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.errors import EndpointError
from harness.models.server import Client, Completion, Outcome, Server
from harness.models.server_errors import is_refusal
from tests.servers import chat, serving

PYDANTIC = json.dumps({"error": {"message": "[{'type': 'extra_forbidden', 'loc': ('body', 'top_k')}]"}})
LOGITS = json.dumps({"error": {"message": "logprobs is not supported for models created with logits_all=False"}})
LONG = "This model's maximum context length is 4096 tokens."


@pytest.mark.parametrize(
    ("status", "words", "refusal"),
    [
        (400, "no", True),
        (401, "Incorrect API key", True),
        (429, "slow down", False),
        (500, PYDANTIC, True),
        (500, LOGITS, True),
        (500, '{"detail": "Unexpected fields in the request: guided_choice"}', True),
        (500, "ValueError: temperature must be positive", True),
        (501, "not implemented", True),
        (500, "Internal Server Error", False),
        (500, "CUDA out of memory", False),
        (502, "Bad Gateway: invalid request upstream", False),
        (503, "model is loading", False),
    ],
)
def test_a_validation_error_is_a_refusal_whatever_its_status(status: int, words: str, refusal: bool) -> None:
    assert is_refusal(status, words.encode()) is refusal


def test_a_validation_error_that_arrives_as_500_is_sent_once() -> None:
    with serving(lambda *_: f"say 500 {PYDANTIC}") as server:
        [error] = Client(Server(server.url, backoff_s=0)).complete([{"prompt": "x"}])
        assert "extra_forbidden" in str(error)
        assert server.seen["x"] == 1


def test_log_probabilities_that_are_refused_with_500_are_left_out() -> None:
    with serving(lambda *_: f"say 500 {LOGITS}" if "logprobs" in server.bodies[-1] else "ok") as server:
        client = Client(Server(server.url, concurrency=1))
        answers = client.complete([{"prompt": n, "logprobs": True, "top_logprobs": 20} for n in "ab"])
        assert all(isinstance(a, Completion) for a in answers)
        assert ["logprobs" in b for b in server.bodies] == [True, False, False]


def articles(n: int) -> list[list[dict[str, Any]]]:
    return [[{"messages": [{"role": "user", "content": f"Article {i}. Who wants what?"}]}] for i in range(n)]


def asked(
    behave: Any, units: list[list[dict[str, Any]]], **more: Any
) -> tuple[list[Outcome], EndpointError | None, int]:
    """The outcomes, how the work ended, and how many requests arrived."""
    outcomes: list[Outcome] = []
    with serving(behave, lambda _: chat("A")) as server:
        client = Client(Server(server.url, concurrency=1, backoff_s=0, **more))
        try:
            for _, of_unit in client.stream(units):
                outcomes += of_unit
        except EndpointError as error:
            return outcomes, error, len(server.bodies)
        return outcomes, None, len(server.bodies)


@pytest.mark.parametrize(("status", "attempts"), [(404, 1), (401, 1), (500, 2)])
def test_after_three_refusals_in_the_same_words_the_work_stops_with_them(status: int, attempts: int) -> None:
    """Also where a server's own failures are all it says, each tried as often as is set."""
    outcomes, error, n = asked(
        lambda *_: f"say {status} the model `tiny` does not exist", articles(9), attempts=attempts
    )
    assert f"refuses every request alike: {status} the model `tiny` does not exist" in str(error)
    assert "the same command goes on" in str(error)
    assert n == 3 * attempts
    assert [o is not None for o in outcomes] == [True] * 3 + [False] * (len(outcomes) - 3)


def test_requests_that_are_refused_for_their_text_leave_the_others_alone() -> None:
    for words in (LONG, "the prompt triggered the content filter"):
        _, error, n = asked(lambda *_, words=words: f"say 400 {words}", articles(6))
        assert (error, n) == (None, 6)
    one_article = [[{"prompt": f"A short article. Who {i}?"} for i in range(6)]]
    _, error, n = asked(lambda *_: "say 400 bad", one_article)
    assert (error, n) == (None, 6), "nobody knows of the other articles"


def test_a_field_that_every_request_has_is_no_reason_of_its_text() -> None:
    words = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    _, error, n = asked(lambda *_: f"say 400 {words}", articles(6))
    assert "max_completion_tokens" in str(error)
    assert n == 3


def test_a_server_that_has_answered_once_is_asked_to_the_end() -> None:
    outcomes, error, n = asked(lambda p, _: "ok" if "Article 0" in p else "say 400 bad", articles(6))
    assert (error, n) == (None, 6)
    assert [isinstance(o, Completion) for o in outcomes] == [True, *[False] * 5]


def test_words_that_differ_by_the_number_of_the_request_are_the_same() -> None:
    _, error, n = asked(lambda p, _: f"say 400 bad model (request req-{hash(p) % 10**9:09d}ab)", articles(6))
    assert error is not None
    assert n == 3
