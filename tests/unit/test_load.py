"""The dataset format: folder, JSONL and Parquet hold the same articles; fingerprints; Hugging Face rows; the seed article."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.data.load import load_dataset, to_huggingface
from harness.data.schema import ArticleRow, to_article, to_row
from harness.errors import ValidationFailed
from harness.types import Dataset, Stance

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def escalation() -> Dataset:
    return load_dataset(ROOT / "datasets" / "escalation")


def test_the_seed_article_is_verbatim(escalation: Dataset) -> None:
    raw = (ROOT / "seeds" / "000_15aeac74e3b31558.txt").read_bytes().decode()
    article = escalation.article("nato-weapons-russian-soil")
    assert article.text == raw
    assert article.source.licence == "unknown"
    assert article.text.count("NATO Members Debate Use of Western Weapons on Russian Soil") == 5


def test_evidence_spans_are_computed(river: Path) -> None:
    article = load_dataset(river).articles[0]
    assert article.gold is not None
    for stance in article.gold.stances:
        for e in stance.evidence:
            assert article.text[e.start : e.end] == e.text


def test_jsonl_and_parquet_hold_the_same(river: Path, tmp_path: Path) -> None:
    folder = load_dataset(river)
    rows = [to_row(a) for a in folder]
    (tmp_path / "river.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    pq.write_table(
        pa.Table.from_pylist([ArticleRow.model_validate(r).model_dump(mode="json") for r in rows]),
        tmp_path / "river.parquet",
    )
    for name in ("river.jsonl", "river.parquet"):
        other = load_dataset(tmp_path / name)
        assert other.articles == folder.articles
        assert other.fingerprint == folder.fingerprint


def test_jsonl_errors_name_the_line(river: Path, tmp_path: Path) -> None:
    rows = [to_row(a) for a in load_dataset(river)]
    rows[1]["gold"]["stances"][0]["stance"] = "maybe"
    (tmp_path / "river.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows) + "{\n", encoding="utf-8")
    with pytest.raises(ValidationFailed) as caught:
        load_dataset(tmp_path / "river.jsonl")
    places = [str(e.place) for e in caught.value.errors]
    assert places[0].endswith("river.jsonl:2: gold.stances.0.stance")
    assert places[1].endswith("river.jsonl:4")


def test_fingerprint_ignores_layout_and_sees_content(river: Path) -> None:
    before = load_dataset(river).fingerprint
    path = river / "articles" / "river-0.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text("# a comment\n" + text, encoding="utf-8")
    assert load_dataset(river).fingerprint == before
    path.write_text(text.replace("stance: oppose", "stance: lean_oppose", 1), encoding="utf-8")
    assert load_dataset(river).fingerprint != before


def test_rows_round_trip(escalation: Dataset) -> None:
    for article in escalation:
        assert to_article(ArticleRow.model_validate(to_row(article))) == article


def test_huggingface_rows(escalation: Dataset) -> None:
    rows = to_huggingface(escalation)
    assert rows.num_rows == len(escalation)
    first = rows[0]
    assert first["text"] == escalation.articles[0].text
    assert {s["id"] for s in first["speakers"]} == {s.id for s in escalation.articles[0].speakers}


def test_vague_speakers_make_no_scored_pairs(escalation: Dataset) -> None:
    article = escalation.article("nato-weapons-russian-soil")
    assert "observers" in {s.id for s in article.speakers}
    assert "observers" not in {s.id for s, _ in article.pairs()}


def test_labels_collapse_three_way() -> None:
    assert [s.three_way for s in Stance] == ["against", "against", "none", "favor", "favor", "none"]
