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
from harness.results.stored_columns import FORMAT, TornPart, part_columns, part_schema, run_columns, stored_answers
from harness.types import Answer, Article, Item, Source, Stance, Target

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
    metadata = {"harness.predictions": overrides.get("version", FORMAT)}
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


def test_the_newer_reading_of_a_reply_counts(tmp_path: Path) -> None:
    """What an older version read as an answer is none once a newer one saw that it is a thought; then it is asked again."""
    store = PredictionStore(tmp_path)
    rows = [
        Answer("support", label=Stance.SUPPORT, raw="<think>support"),
        Answer(error="no end", raw="<think>support", reading=1),
    ]
    for answer in rows:
        store.write("s", "f", "stance", [("k", ITEM, answer)])
    assert store.read("s", "f")["k"].answer == rows[1]
    assert stored_answers(store.folder("s", "f"), ("output",)).table["error"].to_pylist() == ["no end"]
    store.write("s", "f", "stance", [("k", ITEM, Answer("neutral", label=Stance.NEUTRAL, reading=1))])
    assert store.read("s", "f")["k"].answer.output == "neutral"


def test_parts_of_the_first_format_are_read(tmp_path: Path) -> None:
    """Scores were a map, and there was neither `finish` nor `reading`; both formats stand in one folder."""
    store = PredictionStore(tmp_path)
    scores = pa.array([[("oppose", 0.25), ("support", 0.75)]], pa.map_(pa.string(), pa.float64()))
    part(store.folder("s", "f"), "1", ONE, version="1", scores=scores, finish=None, reading=None)
    store.write("s", "f", "stance", [("l", ITEM, Answer("x", scores={"support": 1.0}, finish="stop", reading=1))])
    first, second = (store.read("s", "f")[key].answer for key in ("k", "l"))
    assert (first.scores, first.finish, first.reading) == ({"oppose": 0.25, "support": 0.75}, None, 0)
    assert (second.scores, second.finish, second.reading) == ({"support": 1.0}, "stop", 1)
    assert store.torn == []


def test_parts_load_in_datasets(tmp_path: Path) -> None:
    """Which knows no map; polars reads lists as lists, and a map as a map on which list operations fail."""
    from datasets import Dataset

    store = PredictionStore(tmp_path / "store")
    store.write("s", "f", "stance", [("k", ITEM, Answer("x", scores={"support": 1.0})), ("l", ITEM, Answer("y"))])
    [path] = store.folder("s", "f").iterdir()
    rows = Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "cache"))
    assert rows["scores"][:] == [[{"label": "support", "value": 1.0}], []]
    assert rows["output"][:] == ["x", "y"]


TORN = {
    "a format of the future": {"version": "3"},
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
    part(store.folder("s", "f"), "1", ONE, version="3")
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
