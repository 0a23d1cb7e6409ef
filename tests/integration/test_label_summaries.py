"""The labelling page for summaries: what it sends and keeps back, what a save does to the file, and the page in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.data.frozen_set import (
    FrozenArticle,
    FrozenSummary,
    SummaryLabel,
    frozen_set_problems,
    read_frozen_set,
    text_hash,
    write_frozen_article,
)
from harness.data.load import load_dataset
from tests.conftest import write_dataset
from tests.labelling import Server, label_server

pytest.importorskip("uvicorn")

TEXT = "Minister Brandt demands war, <b>at once</b>. Olm warns of it."
ONE = f"/api/summaries/river-0/{text_hash(TEXT)}"
PAIRS = [("brandt", "escalation"), ("brandt", "gates"), ("olm", "escalation"), ("olm", "gates")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_dataset(tmp_path / "river", 1)
    [article] = load_dataset(folder)
    labels = [SummaryLabel(speaker=s, target=t) for s, t in PAIRS]
    summary = FrozenSummary(hash=text_hash(TEXT), sampled_from=["mine"], text=TEXT, labels=labels)
    write_frozen_article(
        folder, FrozenArticle(article=article.id, article_hash=text_hash(article.text), summaries=[summary])
    )
    return folder


def put(server: Server, pair: tuple[str, str], stance: str | None, before: str | None = None) -> tuple[int, Any]:
    return server.call("PUT", ONE, {"speaker": pair[0], "target": pair[1], "stance": stance, "before": before})


def labels(folder: Path) -> list[SummaryLabel]:
    return read_frozen_set(folder).articles["river-0"].summaries[0].labels


def test_a_label_is_saved_into_the_file_and_the_article_is_never_shown(folder: Path) -> None:
    with label_server(folder, "--annotator", "dana", "--summaries") as server:
        status, state = server.call("GET", ONE)
        assert status == 200
        assert state["text"] == TEXT
        assert [(p["speaker"], p["target"], p["stance"]) for p in state["pairs"]] == [(*pair, None) for pair in PAIRS]
        assert not {"gold", "article", "title", "summaries", "others"} & set(state)
        status, state = put(server, PAIRS[0], "support")
        assert status == 200
        assert labels(folder)[0] == SummaryLabel(
            speaker="brandt", target="escalation", stance="support", labeller="dana"
        )
        assert put(server, PAIRS[0], "oppose", "neutral")[0] == 409, "another window changed it"
        assert put(server, PAIRS[0], None, "support")[0] == 200
        assert labels(folder)[0].labeller is None
        assert put(server, ("brandt", "bridge"), "support")[0] == 404
        assert server.call("PUT", ONE, {"speaker": "brandt", "target": "gates", "stance": "yes"})[0] == 422
        assert server.call("GET", "/api/summaries/river-0/000000000000")[0] == 404
        assert server.request("GET", ONE, None, {"X-Token": "wrong"})[0] == 403
        for pair in PAIRS:
            put(server, pair, "oppose")
        assert server.call("GET", "/api/summaries")[1] == [
            {"id": f"river-0/{text_hash(TEXT)}", "state": "done", "labelled": 4, "pairs": 4}
        ]
    assert frozen_set_problems(folder, load_dataset(folder)) == []


def test_a_second_pass_is_blind_to_the_first(folder: Path) -> None:
    with label_server(folder, "--annotator", "dana", "--summaries") as server:
        for pair in PAIRS:
            put(server, pair, "support")
    with label_server(folder, "--annotator", "emil", "--summaries", "--blind") as server:
        assert [p["stance"] for p in server.call("GET", ONE)[1]["pairs"]] == [None] * 4
        put(server, PAIRS[1], "lean_support")
    label = labels(folder)[1]
    assert (label.stance, label.labeller) == ("support", "dana")
    assert label.second is not None
    assert (label.second.stance, label.second.labeller) == ("lean_support", "emil")


def test_nothing_to_label_is_said_with_what_to_do(folder: Path, harness: Any) -> None:
    (folder / "summaries" / "river-0.yaml").unlink()
    said = harness("label", "river", "--annotator", "dana", "--summaries", code=1).stderr
    assert "has no summary for dana to label" in said
    assert "harness data sample-judge" in said
