"""200 replies as models, templates and servers shape them (`replies.yaml`): the same is read of each by every system.

An endpoint reads them as a server sends them, a local model as it writes them; what is stored is read alike once more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.config import SystemConfig
from harness.models.server import read_completion
from harness.systems.causal import CausalGenerator
from harness.systems.endpoint import EndpointSystem, Request
from harness.systems.registry import build
from harness.text.replies import with_thought
from harness.types import Answer, Item, Stance
from tests.servers import chat
from tests.unit.test_endpoint import dataset, items, system

REPLIES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("replies.yaml").read_text(encoding="utf-8"))
PAIR: Item = items("stance", dataset(1))[0]


def test_the_table_has_at_least_200_replies_of_every_sort() -> None:
    assert len(REPLIES) >= 200
    assert len({(r["ask"], r["reply"], r.get("thought"), r.get("finish")) for r in REPLIES}) == len(REPLIES)
    assert set(Counter(r["is"] for r in REPLIES)) >= {*Stance, "unparsed", "refused", "no answer"}


def ident(case: dict[str, Any]) -> str:
    return f"{case['ask']}:{case['reply']}"[:60]


@pytest.mark.parametrize("case", REPLIES, ids=ident)
def test_of_a_server(case: dict[str, Any]) -> None:
    sent = chat(case["reply"] or None)
    sent["choices"][0]["finish_reason"] = case.get("finish", "stop")
    if "thought" in case:
        sent["choices"][0]["message"]["reasoning_content"] = case["thought"]
    kind = "summariser" if case["ask"] == "summary" else "stance"
    asked = system(kind, **({} if kind == "summariser" else {"reply": case["ask"]}))
    assert isinstance(asked, EndpointSystem)
    [answer] = asked._answer(Request([PAIR], ["prompt"], [], 0), [read_completion(json_bytes(sent), "chat")])
    check(case, answer)
    assert answer.raw == with_thought(case.get("thought", ""), case["reply"]).strip(), "nothing of it is lost"
    older = replace(answer, output="older", label=None, error=None, reading=0)
    again = asked.reread(PAIR, older if answer.path != "refused" else replace(answer, reading=0))
    assert again == answer, "what is stored is read as what comes"


@pytest.mark.parametrize("case", [r for r in REPLIES if r["ask"] != "letter"], ids=ident)
def test_of_a_local_model(case: dict[str, Any]) -> None:
    adapter, kind = ("causal", "summariser") if case["ask"] == "summary" else ("causal_generated", "stance")
    config = {"name": "local", "adapter": adapter, "model": "m", "prompt": "{article}"}
    asked = build(kind, SystemConfig.model_validate(config), "cpu")  # type: ignore[arg-type]
    assert isinstance(asked, CausalGenerator)
    raw = with_thought(case.get("thought", ""), case["reply"])
    finish = {"stop": "eos"}.get(case.get("finish", "stop"), case.get("finish"))
    check(case, asked.reread(PAIR, Answer("older", raw=raw, finish=finish, path="rows")))


def check(case: dict[str, Any], answer: Answer) -> None:
    expected = case["is"]
    refused = "refused" in answer.path.split("+")
    if expected == "no answer":
        assert answer.label is None
        assert case["why"] in str(answer.error)
    elif expected == "refused":
        assert refused
        assert answer.label is None
        assert (answer.error is None) == (case["ask"] != "summary")
    elif case["ask"] == "summary":
        assert (answer.output, answer.error, refused) == (expected, None, False)
    else:
        assert (answer.label, answer.error, refused) == (None if expected == "unparsed" else expected, None, False)


def json_bytes(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()
