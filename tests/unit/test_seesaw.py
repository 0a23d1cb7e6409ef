"""SEESAW's stances between entities: the special subjects, several annotators, conflicts, and the counts of the whole set."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harness.data.formats.seesaw import load
from harness.data.formats.spans import passage_signs
from harness.errors import DataError
from harness.types import Stance
from tests.external_data import external


def statement(n: int, subject: str, sign: str, target: str, *annotators: str) -> dict[str, Any]:
    return {"id": n, "subject": subject, "sentiment": sign, "object": target, "annotators": list(annotators)}


def folder(path: Path, by_sentence: dict[str, list[dict[str, Any]]], **more: Any) -> Path:
    sentences = ["Brandt praised the gates.", "The gates were cursed by Brandt.", "Who would not?"]
    annotated = {
        "title": "The gates",
        "entity lists": [
            ["Ada Brandt", ["People", "People"], ["Main", "Main"], ["A", "B"]],
            ["flood gates", ["Topic"], ["Salient"], ["A"]],
            ["river board", ["Organization"], ["Salient"], ["A"]],
        ],
        "sentence-level stances": by_sentence,
        "entity sentiments": {"Ada Brandt": [["Neutral", "A"]]},
        "entity ideologies": {},
        "article ideology": [{"ideology": "Moderate", "annotator": a} for a in "ABC"],
        **more,
    }
    printed = {"title": "The gates", "text": [{"id": n, "text": s} for n, s in enumerate(sentences)]}
    about = {"source": "Herald", "url": "https://example.org/1", "title": "The gates", "bias_label": 2}
    story = {
        "story_title": "Gates",
        "story_url": "https://example.org",
        "story_time": "2020-02-03",
        "story_topic": "rivers",
        "Split": "valid",
        "Meta info for article 0": about,
        "triplet_id": "007",
    }
    for name, file, content in (
        ("annotations", "TRIPLET_007_DOCUMENT_0", annotated),
        ("articles", "TRIPLET_007_DOCUMENT_0", printed),
        ("meta", "TRIPLET_007", story),
    ):
        (path / name).mkdir(exist_ok=True)
        (path / name / f"{file}.json").write_text(json.dumps(content), encoding="utf-8")
    return path


def test_an_article(tmp_path: Path) -> None:
    said = {
        "0": [statement(0, "Ada Brandt", "POS", "flood gates", "A", "B")],
        "1": [statement(0, "Ada Brandt", "NEG", "flood gates", "A")],
        "2": [
            statement(0, "None", "NEG", "Ada Brandt", "B"),
            statement(1, "Not in the list", "POS", "Ada Brandt", "B"),
        ],
    }
    imported = load(folder(tmp_path, said), {})
    [article] = imported.articles
    assert (article.id, article.event, article.split) == ("triplet-007-document-0", "story-007", "dev")
    assert str(article.source.date) == "2020-02-03" and article.source.publisher == "Herald"
    assert {s.name: (s.kind, s.main) for s in article.speakers} == {
        "Ada Brandt": ("person", True),
        "author": ("vague", False),
        "someone": ("vague", False),
    }
    gold = {(s.speaker, s.target): s for s in article.gold_stances().values()}
    conflict = gold["ada-brandt", "flood-gates"]
    assert (conflict.stance, conflict.basis, passage_signs(conflict)) == (Stance.NEUTRAL, "both_sides", [1, -1])
    assert gold["author", "ada-brandt"].stance is Stance.OPPOSE
    assert gold["someone", "ada-brandt"].stance is Stance.SUPPORT
    # B read one sentence of the pair, C read the article and saw nothing
    assert {a.annotator: len(a.stances) for a in article.annotations} == {"A": 1, "B": 3, "C": 0}
    assert "Moderate" in str(article.source.note) and "bias label" in str(article.source.note)
    assert {x.what for x in imported.losses} >= {
        "entities that no statement is about are not carried",
        "an entity's sentiment in the whole article is not carried",
    }


def test_unknown_keys_are_losses(tmp_path: Path) -> None:
    imported = load(folder(tmp_path, {}, stance={"x": 1}), {})
    assert "`stance` is not read" in {x.what for x in imported.losses}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"9": [statement(0, "a", "POS", "b", "A")]}, "stances.9: the article has 3 sentences, counted from 0"),
        ({"0": [statement(0, "a", "NEU", "b", "A")]}, "stances.0: sentiment 'NEU' is neither NEG nor POS"),
    ],
)
def test_what_is_wrong_is_named(said: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        load(folder(tmp_path, said), {})
    assert message in str(error.value)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        load(tmp_path, {})


@pytest.mark.skipif(external("seesaw") is None, reason="no SEESAW: HARNESS_EXTERNAL names its folder")
def test_counts_of_the_whole_set() -> None:
    path = external("seesaw")
    assert path is not None
    by_hand: Counter[str] = Counter()
    for file in (path / "annotations").glob("*.json"):
        for rows in json.loads(file.read_text(encoding="utf-8"))["sentence-level stances"].values():
            by_hand.update(row["sentiment"] for row in rows)
    signs: Counter[int] = Counter()
    for article in load(path, {}).articles:
        for label in article.gold_stances().values():
            signs.update(passage_signs(label))
    assert (signs[-1], signs[1]) == (by_hand["NEG"], by_hand["POS"])
