"""Keys, parts, torn files and which of two answers wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.results.store import PredictionStore, content_hash, prediction_key
from harness.results.stored_columns import part_columns
from harness.types import Answer, Article, Item, Source, Stance, Target


def item(article_id: str = "a") -> Item:
    return Item(Article(article_id, "T", "Text.", "e", Source("fictional"), (Target("escalation", "P."),), ()))


def test_key_depends_on_fingerprint_and_reads_only() -> None:
    key = prediction_key("f", {"text": "x", "speaker": "y"})
    assert key == prediction_key("f", {"speaker": "y", "text": "x"})
    assert key != prediction_key("g", {"text": "x", "speaker": "y"})
    assert key != prediction_key("f", {"text": "x ", "speaker": "y"})
    assert len(key) == 40


def test_key_is_stable_across_versions() -> None:
    # computed once with sha256sum over ["f",{"text":"é"}]; a change here would orphan everybody's stored answers
    assert content_hash(["f", {"text": "é"}]) == "59117f55f4c8d77f920c4ce6295e90ba904f10ad22127482f93b497be6b554ff"
    assert content_hash([]) == "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"


def test_an_answer_survives_the_round_trip(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    answer = Answer(
        output="lean_oppose",
        label=Stance.LEAN_OPPOSE,
        scores={"oppose": 0.25, "support": 0.75},
        raw="raw \u202e\U0001f600",
        prompt="prompt\r\n\x85",
        tokens_in=12,
        tokens_out=3,
        tokens_cut=1,
        seconds=0.5,
        path="prefix_trie",
    )
    store.write("s", "f" * 64, "stance", [("k", item(), answer)])
    [prediction] = store.read("s", "f" * 64).values()
    assert prediction.answer == answer
    assert prediction.article_id == "a"


def test_half_a_character_costs_no_part_and_changes_nothing_else(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    odd = Answer(
        "War \ud83d", scores={"\udfff": 1.0}, raw="\ud83d\U0001f600 a\ud83d", prompt="\ud800?", path="x", error="\udc00"
    )
    written = store.write("s", "f" * 64, "stance", [("k", item(), odd), ("l", item("b"), Answer("fine \U0001f600"))])
    found = store.read("s", "f" * 64)
    assert found["l"].answer.output == "fine \U0001f600"
    assert found["k"].answer == Answer(
        "War \ufffd", scores={"\ufffd": 1.0}, raw="\ufffd\U0001f600 a\ufffd", prompt="\ufffd?", path="x", error="\ufffd"
    )
    assert written[0].answer == found["k"].answer, "what is read next is what is stored"
    assert prediction_key("f", {"text": "\ud83d"}) != prediction_key("f", {"text": "\ufffd"})


def test_an_answer_beats_an_error_and_the_later_beats_the_earlier(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    store.write("s", "f", "summary", [("k", item(), Answer("one"))])
    store.write("s", "f", "summary", [("k", item(), Answer(error="boom"))])
    assert store.read("s", "f")["k"].answer.output == "one"
    store.write("s", "f", "summary", [("k", item(), Answer("two"))])
    assert store.read("s", "f")["k"].answer.output == "two"


def test_systems_never_share_answers(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    store.write("s", "a" * 64, "summary", [("k", item(), Answer("one"))])
    assert store.read("s", "b" * 64) == {}
    assert store.read("t", "a" * 64) == {}


def test_torn_part_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    store.write("s", "f", "summary", [("k", item(), Answer("one"))])
    store.write("s", "f", "summary", [("l", item("b"), Answer("two"))])
    part = sorted(store.folder("s", "f").glob("part-*"))[0]
    parts = [other for other in store.folder("s", "f").glob("part-*") if other != part]
    kept = {key for other in parts for key in part_columns(other, ["key"])["key"].to_pylist()}
    part.write_bytes(part.read_bytes()[:-20])
    assert set(store.read("s", "f")) == kept
    assert [t.path for t in store.torn] == [part]


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever pyarrow raises for a value of the wrong type
        store.write("s", "f", "summary", [("k", item(), Answer(tokens_in="many"))])  # type: ignore[arg-type]
    assert list(tmp_path.rglob("*part*")) == []
