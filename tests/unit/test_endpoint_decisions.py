"""The decision route: what it is asked, whose probabilities are whose, and what makes no sense."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.config import SystemConfig
from harness.errors import ConfigError
from harness.models.budget import bytes_of
from harness.models.decisions import probabilities
from harness.systems.rewording import reworded
from harness.types import STANCES, Stance
from tests.servers import serving
from tests.unit.test_endpoint import config, dataset, items, system
from tests.unit.test_endpoint_lists import labels, right, run

OPTIONS = ("oppose", "lean oppose", "neutral", "lean support", "support", "no stance")


def decided(body: dict[str, Any]) -> dict[str, Any]:
    """Olm supports everything, the others oppose it, with 0.75."""
    answers = {}
    for name, question in body["questions"].items():
        choice = "support" if "Olm" in question["instructions"] else "oppose"
        shares = {o: 0.75 if o == choice else 0.05 for o in question["criteria"]}
        answers[name] = {"type": "choice", "choice": choice, "confidence": 0.7, "probabilities": shares}
    return {"model": body["model"], "answers": answers, "usage": {"input_tokens": 90, "output_tokens": 0}}


@pytest.mark.parametrize(("ask", "n_requests"), [("pair", 12), ("speaker", 6), ("article", 3)])
def test_every_pair_has_a_probability_for_every_label(ask: str, n_requests: int, tmp_path: Path) -> None:
    data = dataset(3)
    with serving(reply=decided) as server:
        judge = system(base_url=server.url, api="systemone", ask=ask)
        done = run(judge, data, tmp_path)
        assert labels(done) == right(data)
        assert len(server.bodies) == n_requests
        body = server.bodies[0]
        assert run(judge, data, tmp_path).n_computed == 0
    assert set(body) == {"model", "state", "questions"}, "the route refuses any other field"
    assert body["state"] == "Text number <0>."
    question = body["questions"]["1"]
    assert question["instructions"].startswith("According to the article, what is the position of Ada Brandt on")
    assert tuple(question["criteria"]) == OPTIONS
    answer = done.predictions[0].answer
    assert answer.scores == pytest.approx({s.value: 0.75 if s is Stance.OPPOSE else 0.05 for s in STANCES})
    assert sum(p.answer.tokens_in or 0 for p in done.predictions) == 90 * n_requests
    assert done.paths == {"decision": 12}


def test_stored_decisions_are_read_again_as_they_were(tmp_path: Path) -> None:
    data = dataset(1)
    with serving(reply=decided) as server:
        judge = system(base_url=server.url, api="systemone", ask="article")
        done = run(judge, data, tmp_path)
    asked = items("stance", data)
    for item, prediction in zip(asked, done.predictions, strict=True):
        assert judge.reread(item, prediction.answer, asked) == prediction.answer


def test_windows_of_an_article_are_decided_together(tmp_path: Path) -> None:
    with serving(reply=decided) as server:
        judge = system(base_url=server.url, api="systemone", context_tokens=140, long_input="windows", max_tokens=1)
        data = dataset(1)
        [request] = judge.requests(items("stance", data)[:1])  # type: ignore[attr-defined]
        assert request.bodies[0]["state"] == "Text number <0>."
        done = run(judge, data, tmp_path)
    assert labels(done) == right(data)


@pytest.mark.parametrize(
    "shares",
    [None, {}, {"oppose": 1.0}, dict.fromkeys(OPTIONS, 0.5), dict.fromkeys(OPTIONS, "x"), dict.fromkeys(OPTIONS, -0.1)],
)
def test_a_decision_that_makes_no_sense_is_an_error(shares: Any, tmp_path: Path) -> None:
    assert probabilities(json.dumps({"1": shares}), 1, OPTIONS) is None
    with serving(reply=lambda _: {"answers": {"1": {"probabilities": shares}}}) as server:
        done = run(system(base_url=server.url, api="systemone"), dataset(1), tmp_path)
    assert all("no probability for every option" in (p.answer.error or "") for p in done.predictions)


def test_a_server_without_the_route_says_so(tmp_path: Path) -> None:
    with serving(reply=lambda _: {"choices": [{"text": "A"}]}) as server:
        done = run(system(base_url=server.url, api="systemone", attempts=1), dataset(1), tmp_path)
    assert all("not the shape" in (p.answer.error or "") for p in done.predictions)


def test_what_the_route_does_not_look_at_is_no_part_of_the_identity() -> None:
    plain = system(api="systemone")
    for same in ({"max_tokens": 99}, {"prompt": "{article} {speaker} {target}"}, {"reply": "label"}, {"question": "x"}):
        assert system(api="systemone", **same).fingerprint == plain.fingerprint
    assert system(api="systemone", instructions="{speaker}: {target}").fingerprint != plain.fingerprint
    assert system(instructions="{speaker}: {target}").fingerprint == system().fingerprint


def test_a_request_counts_the_article_once_for_every_question() -> None:
    judge = system(api="systemone", ask="article")
    [request] = judge.requests(items("stance", dataset(1)))  # type: ignore[attr-defined]
    body = request.bodies[0]
    assert len(body["questions"]) == 4
    assert bytes_of(body) == 4 * len(body["state"]) + sum(len(json.dumps(q)) for q in body["questions"].values())


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"instructions": None}, "the template has no {speaker}, {target}"),
        ({"system": "Be fair."}, "api=systemone has no system=Be fair."),
        ({"temperature": 0.5}, "has no temperature=0.5"),
        ({"send": "batch"}, "has no send=batch"),
        ({"answers": dict.fromkeys(map(str, STANCES), "same")}, "an answer of its own for every label"),
    ],
)
def test_what_the_route_does_not_take_is_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        system(api="systemone", **overrides)


def test_a_summariser_cannot_decide() -> None:
    with pytest.raises(ConfigError, match="api"):
        system("summariser", api="systemone")


def test_the_words_of_the_server_cannot_be_put_otherwise() -> None:
    section: SystemConfig = config("stance", api="systemone")
    with pytest.raises(ConfigError, match="no prompt that could be put otherwise"):
        reworded(section, "template_1")
