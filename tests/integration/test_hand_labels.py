"""Hand labels of summaries from file to report: a run knows them, one with new labels is scored again, a judge is checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.data.frozen_set import (
    FrozenArticle,
    FrozenSummary,
    SummaryLabel,
    open_labels,
    text_hash,
    write_frozen_article,
)
from harness.data.load import load_dataset
from harness.results.records import RunRecord, read_records
from tests.conftest import Harness, write_dataset

RUN = (
    "run",
    "dataset.path=river",
    "split=all",
    "summariser=lead3",
    "stance=none",
    "judge=sentiment",
    "results=results",
)


@pytest.fixture
def river(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "river", 12)


def label(folder: Path, stance: str, labeller: str = "ada") -> None:
    """Labels what lead3 writes of every article: its first three sentences, which are the whole of the quarrel."""
    for article in load_dataset(folder):
        text = json.loads((folder.parent / "texts.json").read_text(encoding="utf-8"))[article.id]
        summary = FrozenSummary(hash=text_hash(text), summarisers=["lead3"], text=text)
        summary.labels = [
            SummaryLabel.model_validate({"speaker": s, "target": t, "stance": stance, "labeller": labeller})
            for s, t in open_labels(summary, article)
        ]
        row = FrozenArticle(article=article.id, article_hash=text_hash(article.text), summaries=[summary])
        write_frozen_article(folder, row)


def only_record(folder: Path) -> RunRecord:
    [record], _ = read_records(folder / "results")
    return record


def test_a_run_is_scored_again_when_its_labels_change(river: Path, harness: Harness, tmp_path: Path) -> None:
    from harness.report.collect import load_runs

    harness(*RUN)
    first = only_record(tmp_path)
    assert "hand_labels" not in first.tables
    assert "no hand labels" in first.tables["preservation"]["validation"]["reason"]
    runs = load_runs(tmp_path / "results")
    [row] = runs.rows("summariser")
    texts = {ref.article_id: p.answer.output for ref, p in runs.answers(row) if p is not None}
    (tmp_path / "texts.json").write_text(json.dumps(texts), encoding="utf-8")

    label(river, "support")
    harness(*RUN)
    second = only_record(tmp_path)
    assert second.run_id == first.run_id, "labels are no part of a run's id"
    table = second.tables["hand_labels"]
    assert (table["n"], table["of"], table["n_labels"]) == (12, 12, 48)
    # olm, of whom gold has oppose, is read as support in every summary: half of what is conveyed
    assert table["metrics"]["preservation.harm"]["value"] == pytest.approx(50)
    assert second.tables["preservation"]["validation"]["n"] == 48
    assert second.metrics == first.metrics
    assert "nothing was computed" in "".join((done := harness(*RUN)).stdout + done.stderr)

    label(river, "oppose")
    harness(*RUN)
    assert only_record(tmp_path).tables["hand_labels"]["labels"] != table["labels"]
    said = " ".join(harness("report", "--results", "results").stdout.split())
    assert "Stance preservation by hand labels" in said
    assert "12 of 12" in said
    assert "judge not validated" in said

    # an edited summary is another summary, and without it the others are no fair part
    texts |= {name: f"{text} And more." for name, text in list(texts.items())[:1]}
    (tmp_path / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    label(river, "oppose")
    harness(*RUN)
    changed = only_record(tmp_path).tables["hand_labels"]
    assert "1 of its 12 labelled summaries has changed" in changed["refused"]
    assert "harness data sample-judge" in changed["refused"]
    assert (changed["n"], changed["of"], "metrics" in changed) == (11, 12, False)
    said = " ".join(harness("report", "--results", "results").stdout.split())
    assert "11 of 12" in said
    assert "refused" in said


def test_judges_are_checked_by_a_command(river: Path, harness: Harness, tmp_path: Path) -> None:
    texts = {a.id: f"Brandt demands it, says {a.id}. Olm warns." for a in load_dataset(river)}
    (tmp_path / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    args = ("judge", "check", "judge=sentiment,majority", "dataset.path=river", "split=all", "results=results")
    assert "no hand labels of these articles' summaries" in harness(*args, code=1).stderr
    label(river, "support")
    said = " ".join(harness(*args).stdout.split())
    assert "sentiment: judge not validated" in said
    checks: list[dict[str, Any]] = [
        json.loads(p.read_text(encoding="utf-8")) for p in sorted((tmp_path / "results" / "judges").glob("*.json"))
    ]
    assert [(c["judge"], c["n"], c["validated"]) for c in checks] == [("majority", 48, False), ("sentiment", 48, False)]
    assert "no judge is named" in harness("judge", "check", "split=all", code=1).stderr
