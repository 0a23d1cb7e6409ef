"""What import and export report as lost, carry beside the articles, or refuse in a mapping."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data.convert import export_dataset, import_file
from harness.data.formats import FORMATS, READ_ONLY
from harness.errors import DataError
from tests.conftest import ROOT


def test_a_table_reports_the_attributes_that_it_drops(river: Path, tmp_path: Path) -> None:
    path = river / "articles" / "river-0.yaml"
    old = "target: gates, stance: support,"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, old + " act: demand, phenomena: [threat], confidence: 2,"), encoding="utf-8")
    said = [str(loss) for loss in export_dataset("csv_table", river, tmp_path / "t.csv", {})]
    assert "river-0: chief: brandt on gates: act, phenomena, confidence not carried" in said


def test_what_stands_beside_the_articles(river: Path, tmp_path: Path) -> None:
    (river / "GUIDELINES.md").write_text("Label.\n", encoding="utf-8")
    (river / "summary_stances.yaml").write_text("samples: []\n", encoding="utf-8")
    (river / "summaries").mkdir()
    (river / "summaries" / "river.yaml").write_text("article: river\n", encoding="utf-8")
    (river / "notes.txt").write_text("x", encoding="utf-8")
    with (river / "dataset.yaml").open("a", encoding="utf-8") as card:
        card.write("limits: few\nannotators:\n- {name: one, description: knows rivers}\n")
    for name in set(FORMATS) - READ_ONLY:
        lost = {loss.where for loss in export_dataset(name, river, tmp_path / name, {})}
        carried = name == "huggingface"
        assert "notes.txt" in lost
        assert ({"GUIDELINES.md", "summary_stances.yaml", "summaries", "dataset card"} <= lost) is not carried, name
    assert not import_file("huggingface", tmp_path / "huggingface", tmp_path / "back", {}).losses
    for file in ("GUIDELINES.md", "summary_stances.yaml", "summaries/river.yaml"):
        assert (tmp_path / "back" / file).read_bytes() == (river / file).read_bytes()
    card_back = (tmp_path / "back" / "dataset.yaml").read_text(encoding="utf-8")
    assert "few" in card_back
    assert "knows rivers" in card_back


@pytest.mark.parametrize(
    ("name", "key", "hint"),
    [
        ("csv_table", "colums", "did you mean 'columns'"),
        ("dna", "offsets", "known: "),
        ("jsonl", "licens", "'licence'"),
    ],
)
def test_unknown_keys_of_a_mapping_are_refused(name: str, key: str, hint: str, river: Path, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("", encoding="utf-8")
    for act in (
        lambda: import_file(name, tmp_path / "x", tmp_path / "out", {key: {}}),
        lambda: export_dataset(name, river, tmp_path / "out", {key: {}}),
    ):
        with pytest.raises(DataError, match=rf"mapping: {key}: unknown for {name}(.|\n)*{hint}"):
            act()


def test_a_wrong_field_of_the_card_is_named_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"text": "No.", "label": "FAVOR", "answer": "accept"}', encoding="utf-8")
    with pytest.raises(DataError, match=r"mapping: dataset card: labels: (.|\n)*`stances` says what"):
        import_file(
            "prodigy", tmp_path / "x.jsonl", tmp_path / "out", {"labels": {"FAVOR": "support"}, "default_target": "a"}
        )


def test_the_documented_mapping_is_known() -> None:
    from harness.data.convert import check_mapping, read_mapping

    check_mapping("dna", read_mapping(ROOT / "docs" / "uk_iraq_mapping.yaml"))
