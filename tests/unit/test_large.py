"""Datasets that stay in their file: the same articles and the same identity, and nothing is held."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.scale_articles import rows, write
from harness.data import load
from harness.data.large import ChosenArticles, LargeDataset, ids_of
from harness.errors import DataError, ValidationFailed


@pytest.fixture(params=["jsonl", "parquet"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write(tmp_path / f"news.{request.param}", 40)


@pytest.fixture
def _large_from_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "LARGE", 10)
    monkeypatch.setattr(load, "_BLOCK", 7)


def large(path: Path) -> LargeDataset:
    dataset = load.load_dataset(path)
    assert isinstance(dataset, LargeDataset)
    return dataset


def test_a_pass_reads_what_memory_would_hold(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = load.load_dataset(file)
    monkeypatch.setattr(load, "LARGE", 10)
    read = large(file)
    assert (len(read), read.fingerprint, read.name) == (40, held.fingerprint, held.name)
    assert list(read) == list(read) == list(held)
    assert read.held() == held
    assert read["a0000007"] == read[7] == held[7]
    assert read[-1] == held[-1]


@pytest.mark.usefixtures("_large_from_ten")
def test_a_choice_is_a_view(file: Path) -> None:
    chosen = large(file).of_split("test")
    assert isinstance(chosen, ChosenArticles)
    assert [len(block) for block in chosen.blocks(16)] == [16, 16, 8]
    assert ids_of(chosen) == [a.id for a in chosen]
    assert [a.id for a in chosen[:2]] == ["a0000000", "a0000001"]
    assert chosen[-1].id == "a0000039"
    assert len(large(file).of_split("dev")) == 0


@pytest.mark.usefixtures("_large_from_ten")
def test_everything_that_is_wrong_is_said_with_its_line(tmp_path: Path) -> None:
    articles = list(rows(30))
    articles[3]["gold"]["stances"][0]["stance"] = "sometimes"
    del articles[28]["title"]
    path = tmp_path / "bad.jsonl"
    path.write_text("".join(json.dumps(a) + "\n" for a in articles), encoding="utf-8")
    with pytest.raises(ValidationFailed) as caught:
        load.load_dataset(path)
    assert "bad.jsonl:4" in str(caught.value)
    assert "bad.jsonl:29" in str(caught.value)


@pytest.mark.usefixtures("_large_from_ten")
def test_files_in_another_order_are_held_and_two_of_one_id_refused(tmp_path: Path) -> None:
    articles = list(rows(20))
    path = tmp_path / "news.jsonl"
    path.write_text("".join(json.dumps(a) + "\n" for a in reversed(articles)), encoding="utf-8")
    held = load.load_dataset(path)
    assert not isinstance(held, LargeDataset)
    assert [a.id for a in held] == [a["id"] for a in articles]
    path.write_text("".join(json.dumps(a) + "\n" for a in [*articles, articles[-1]]), encoding="utf-8")
    with pytest.raises(ValidationFailed, match="duplicate id"):
        load.load_dataset(path)


@pytest.mark.usefixtures("_large_from_ten")
def test_a_file_that_changes_between_passes_is_refused(file: Path) -> None:
    dataset = large(file)
    write(file, 39)
    with pytest.raises(DataError, match="changed while it was read"):
        list(dataset)


def test_a_parquet_file_with_a_column_name_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "articles.parquet", 3)
    path.write_bytes(path.read_bytes().replace(b"title", b"t\xf5tle"))
    with pytest.raises(DataError, match="not a readable Parquet file"):
        load.load_dataset(path)


@pytest.mark.usefixtures("_large_from_ten")
def test_a_file_that_was_found_sound_is_not_checked_again(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    first = large(file)
    with monkeypatch.context() as patch:
        patch.setattr(load, "_checked_ids", lambda *_: pytest.fail("checked again"))
        again = large(file)
    assert (again.fingerprint, ids_of(again.of_split(None))) == (first.fingerprint, ids_of(first.of_split(None)))
    assert list(again) == list(first)
    # a byte that is another makes another file of it, a torn note of it is none
    [note] = (tmp_path / "cache" / "parsed").glob("articles-*.parquet")
    note.write_bytes(note.read_bytes()[:-50])
    assert large(file).fingerprint == first.fingerprint
    write(file, 41)
    assert len(large(file)) == 41


@pytest.mark.usefixtures("_large_from_ten")
def test_of_a_file_with_something_wrong_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    path = write(tmp_path / "news.jsonl", 40)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines[:20], '{"id": "a0000019b"}\n', *lines[20:]]), encoding="utf-8")
    for _ in range(2):
        with pytest.raises(ValidationFailed, match=r"news\.jsonl:21"):
            load.load_dataset(path)
