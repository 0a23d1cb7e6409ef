"""Columns of stored answers: which of two rows counts, what is torn, and that all readers agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.errors import StoreError
from harness.results.contents import contents
from harness.results.store import PredictionStore
from harness.results.stored_columns import TornPart, part_columns, part_schema, run_columns, stored_answers
from harness.types import Answer, Article, Item, Source, Target

ITEM = Item(Article("a", "T", "Text.", "e", Source("fictional"), (Target("escalation", "P."),), ()))


def part(folder: Path, name: str, *rows: tuple[str, str, str | None, str], **overrides: Any) -> Path:
    """A part of (key, output, error, time) rows; an override replaces a column, None leaves it out."""
    keys, outputs, errors, times = (list(column) for column in zip(*rows, strict=True))
    columns = {"key": keys, "output": outputs, "error": errors, "created_at": times, "article_id": ["a"] * len(rows)}
    columns |= {"system": ["s"] * len(rows), "kind": ["stance"] * len(rows), "path": [""] * len(rows)}
    schema = part_schema()
    arrays = {
        field.name: pa.array(columns.get(field.name, [None] * len(rows)), field.type)
        for field in schema
        if overrides.get(field.name, "") is not None
    }
    arrays |= {name: column for name, column in overrides.items() if name in schema.names and column is not None}
    path = folder / f"part-{name}.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {"harness.predictions": overrides.get("version", "1")}
    pq.write_table(pa.table(arrays).replace_schema_metadata(metadata), path)
    return path


ONE = ("k", "one", None, "2026-07-01")

CASES = {
    "an answer beats a later error": ([ONE], [("k", "", "boom", "2026-07-02")], "one"),
    "an answer beats an earlier error": ([("k", "", "boom", "2026-06-01")], [ONE], "one"),
    "the later of two answers counts": ([("k", "two", None, "2026-07-02")], [ONE], "two"),
    "the later of two errors counts": ([("k", "", "b", "2026-07-02")], [("k", "", "a", "2026-07-01")], "b"),
    "of two of one time the one written last counts": ([ONE], [("k", "two", None, "2026-07-01")], "two"),
    "two rows for a key in one part": ([("k", "", "boom", "2026-07-02"), ONE], [("l", "x", None, "2026-07-01")], "one"),
}


@pytest.mark.parametrize("case", CASES)
def test_every_reader_takes_the_same_of_two_rows(tmp_path: Path, case: str) -> None:
    first, second, expected = CASES[case]
    store = PredictionStore(tmp_path / "predictions")
    folder = store.folder("s", "f" * 64)
    part(folder, "1", *first)
    part(folder, "2", *second)
    answer = store.read("s", "f" * 64)["k"].answer
    assert (answer.error or answer.output) == expected
    table = stored_answers(folder, ("output",)).table
    [row] = [row for row in table.to_pylist() if row["key"] == "k"]
    assert (row["error"] or row["output"]) == expected
    [counted] = contents(tmp_path).predictions
    assert counted.errors == (answer.error is not None)
    assert counted.answers + counted.errors == len(table)


TORN = {
    "a format of the future": {"version": "2"},
    "no column of errors": {"error": None},
    "lists where texts should be": {"key": pa.array([[1]])},
    "a label that is no stance": {"label": pa.array(["maybe"])},
}


@pytest.mark.parametrize("case", TORN)
def test_what_is_wrong_with_a_part_is_said_alike_to_every_reader(tmp_path: Path, case: str) -> None:
    store = PredictionStore(tmp_path / "predictions")
    folder = store.folder("s", "f" * 64)
    torn = part(folder, "1", ONE, **TORN[case])
    part(folder, "2", ("l", "two", None, "2026-07-01"))
    with pytest.raises(TornPart, match=torn.name) as problem:
        part_columns(torn, part_schema().names)
    assert problem.value.hint
    assert set(store.read("s", "f" * 64)) == {"l"}
    stored = stored_answers(folder, ("label",))
    assert stored.table["key"].to_pylist() == ["l"]
    assert [p.path for p in stored.torn] == [p.path for p in store.torn] == [torn]
    assert [p.reason for p in store.torn] == [problem.value.reason]


def test_a_part_is_torn_once_however_often_it_is_read(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    part(store.folder("s", "f"), "1", ONE, version="2")
    store.read("s", "f")
    store.columns("s", "f", ("output",))
    assert len(store.torn) == 1


def test_no_folder_is_no_answers_of_the_same_columns(tmp_path: Path) -> None:
    table = PredictionStore(tmp_path).columns("s", "f", ("scores",))
    assert table.schema.equals(part_schema(("key", "error", "scores")))
    assert len(table) == 0


def test_only_the_columns_asked_for_must_be_whole(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    path = part(store.folder("s", "f"), "1", ONE, raw=None)
    assert part_columns(path, ("key", "output")).to_pylist() == [{"key": "k", "output": "one"}]


def test_texts_of_another_width_are_texts(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    part(store.folder("s", "f"), "1", ONE, output=pa.array(["large"], pa.large_string()))
    store.write("s", "f", "stance", [("l", ITEM, Answer("written"))])
    assert sorted(store.columns("s", "f", ("output",))["output"].to_pylist()) == ["large", "written"]


@pytest.mark.parametrize("columns", [("item", "value"), ("item", "other")])
def test_a_damaged_table_of_a_run_is_named_with_the_next_step(tmp_path: Path, columns: tuple[str, ...]) -> None:
    path = tmp_path / "scores.parquet"
    pq.write_table(pa.table({"item": ["a"], "value": [1.0]}), path)
    if "other" not in columns:
        assert run_columns(path, columns, dictionaries=("item",)).to_pylist() == [{"item": "a", "value": 1.0}]
        path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(StoreError, match=r"scores\.parquet: not readable") as problem:
        run_columns(path, columns)
    assert "rescore" in (problem.value.hint or "")
