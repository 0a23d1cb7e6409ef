"""The frozen set: what its files may say, how errors name line and field, and that a label hangs on texts alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given

from harness.data.frozen_set import (
    FrozenArticle,
    FrozenSummary,
    frozen_set_problems,
    frozen_yaml,
    open_labels,
    read_frozen_set,
    text_hash,
    write_frozen_article,
)
from harness.data.load import load_dataset
from harness.errors import ValidationFailed
from harness.types import Stance
from tests.articles import texts

ROOT = Path(__file__).parents[2]
SUMMARY = "Brandt demanded that the gates be shut. Olm warned of war."
ARTICLE = """\
id: river
title: The council meets
text: Brandt demanded that the gates be shut. Olm warned that this would bring war.
event: river
source: {kind: fictional}
targets:
- {id: escalation, proposition: Raise it.}
speakers:
- {id: brandt, name: Ada Brandt, aliases: [Brandt]}
- {id: olm, name: Olm}
gold:
  adjudicator: editor
  stances:
  - {speaker: brandt, target: escalation, stance: support, evidence: ["demanded that the gates be shut"]}
  - {speaker: olm, target: escalation, stance: oppose, evidence: ["warned that this would bring war"]}
"""
FILE = f"""\
article: river
article_hash: {text_hash("Brandt demanded that the gates be shut. Olm warned that this would bring war.")}
summaries:
- hash: {text_hash(SUMMARY)}
  summarisers: [lead3]
  text: {SUMMARY}
  labels:
  - {{speaker: brandt, target: escalation, stance: support, labeller: ada, second: {{stance: lean_support, labeller: bo}}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "articles").mkdir()
    (tmp_path / "summaries").mkdir()
    (tmp_path / "dataset.yaml").write_text("name: river\nversion: 1\n", encoding="utf-8")
    (tmp_path / "articles" / "river.yaml").write_text(ARTICLE, encoding="utf-8")
    (tmp_path / "summaries" / "river.yaml").write_text(FILE, encoding="utf-8")
    return tmp_path


def test_a_label_belongs_to_texts(folder: Path) -> None:
    frozen, [article] = read_frozen_set(folder), load_dataset(folder)
    summary = frozen.summary(article, SUMMARY)
    assert summary is not None
    assert summary.stances() == {("brandt", "escalation"): Stance.SUPPORT}
    assert open_labels(summary, article) == [("olm", "escalation")]
    assert frozen.summary(article, SUMMARY + " ") is None
    changed = replace(article, text=article.text + " More.")
    assert frozen.summary(changed, SUMMARY) is None
    assert frozen.of(changed) == ()
    assert frozen.written_by("lead3") == {"river"}
    assert not frozen.written_by("lexrank")


def test_the_set_is_no_part_of_the_dataset(folder: Path) -> None:
    with_it = load_dataset(folder).fingerprint
    (folder / "summaries" / "river.yaml").unlink()
    assert load_dataset(folder).fingerprint == with_it
    assert read_frozen_set(folder).articles == {}
    assert read_frozen_set(folder / "articles" / "river.yaml").articles == {}


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("Olm warned of war.", "Olm warned of peace.", 4, "summaries.0.hash: the text's hash is"),
        ("stance: support", "stance: yes", 8, "summaries.0.labels.0.stance"),
        ("labeller: ada, ", "", 8, "a stance needs its labeller"),
        ("stance: support, labeller: ada, second", "second", 8, "a second label stands beside a first one"),
        ("labeller: bo", "labeller: ada", 8, "the second label is another person's"),
        ("article: river", "article: lake", 1, "is not the file's name"),
        ("speaker: brandt", "speaker: brant", 8, "did you mean 'brandt'"),
        ("target: escalation", "target: escalatoin", 8, "did you mean 'escalation'"),
        ("summarisers: [lead3]", "summariser: [lead3]", 5, "did you mean 'summarisers'"),
        ("article_hash: ", "article_hash: a", 2, "the article's text has changed"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(folder: Path, old: str, new: str, line: int, words: str) -> None:
    path = folder / "summaries" / "river.yaml"
    path.write_text(FILE.replace(old, new, 1), encoding="utf-8")
    errors = [str(e) for e in frozen_set_problems(folder, load_dataset(folder))]
    assert any(f"river.yaml:{line}" in e and words in e for e in errors), errors


def test_a_pair_and_a_summary_stand_once(folder: Path) -> None:
    path = folder / "summaries" / "river.yaml"
    path.write_text(FILE + "  - {speaker: brandt, target: escalation}\n", encoding="utf-8")
    with pytest.raises(ValidationFailed, match=r"river.yaml:9.*brandt on escalation is labelled twice"):
        read_frozen_set(folder)
    path.write_text(FILE + FILE[FILE.index("- hash") :], encoding="utf-8")
    with pytest.raises(ValidationFailed, match=r"river.yaml:9.*this summary stands twice"):
        read_frozen_set(folder)


@given(texts)
def test_every_text_survives_its_file(text: str) -> None:
    row = FrozenArticle(
        article="river",
        article_hash="123456789012",
        summaries=[FrozenSummary(hash=text_hash(text), summarisers=["a: b", "c"], text=text)],
    )
    assert FrozenArticle.model_validate(yaml.safe_load(frozen_yaml(row))) == row


def test_a_written_file_is_read_again(folder: Path) -> None:
    row = read_frozen_set(folder).articles["river"]
    write_frozen_article(folder, row)
    assert read_frozen_set(folder).articles["river"] == row


def test_the_committed_set_is_whole() -> None:
    """Every speaker that a summary mentions has a label on every target with gold, none is of an earlier text."""
    dataset = load_dataset(ROOT / "datasets" / "escalation")
    assert frozen_set_problems(ROOT / "datasets" / "escalation", dataset) == []
    frozen = read_frozen_set(ROOT / "datasets" / "escalation")
    assert [a.id for a in dataset if any(open_labels(s, a) for s in frozen.of(a))] == []
    for name in ("lead3", "lexrank", "smollm2"):
        assert len(frozen.written_by(name)) == 96
    for name in ("oracle_extract", "reference"):
        assert len(frozen.written_by(name)) == 20
