"""Records: the round trip, what newer and torn files say, item scores, and that every old record still loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.results.records import (
    AnswerRef,
    RunRecord,
    Value,
    read_answers,
    read_record,
    read_records,
    read_scores,
    write_record,
)
from harness.types import ItemScore

OLD = sorted((Path(__file__).parents[1] / "old_records").glob("*.json"))


def record(**fields: object) -> RunRecord:
    return RunRecord.model_validate({"run_id": "r", "status": "complete", "config": {"seed": 0}, **fields})


def test_round_trip(tmp_path: Path) -> None:
    written = record(metrics={"m": Value(value=None, reason="undefined")}, notes=["ü\u2028"])
    scores = [ItemScore("a/s/t", "a", "m", None, "s", "t", "why"), ItemScore("a", "a", "m", 0.1 + 0.2)]
    answers = [AnswerRef("judge", "summary", "a", "s", "t", "key")]
    path = write_record(tmp_path, written, scores, answers)
    assert read_record(path) == written
    assert read_scores(path.with_name("scores.parquet")) == scores
    assert read_answers(path.with_name("answers.parquet")) == answers


def test_an_empty_run_has_empty_tables(tmp_path: Path) -> None:
    path = write_record(tmp_path, record())
    assert read_scores(path.with_name("scores.parquet")) == []


def test_a_newer_record_says_upgrade(tmp_path: Path) -> None:
    path = write_record(tmp_path, record())
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 99'))
    with pytest.raises(StoreError, match="newer than this harness"):
        read_record(path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"run_id": 3}', '{"schema_version": 1, "nonsense": true}'])
def test_a_broken_record_is_named(tmp_path: Path, content: str) -> None:
    path = write_record(tmp_path, record())
    path.write_text(content)
    records, broken = read_records(tmp_path)
    assert records == []
    assert str(path) in broken[0].message


def test_torn_scores_are_named(tmp_path: Path) -> None:
    path = write_record(tmp_path, record(), [ItemScore("a", "a", "m", 1.0)]).with_name("scores.parquet")
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(StoreError, match=r"scores\.parquet"):
        read_scores(path)


def test_there_are_old_records() -> None:
    assert OLD


@pytest.mark.parametrize("path", OLD, ids=lambda p: p.name)
def test_every_old_record_still_loads(path: Path) -> None:
    assert read_record(path).status in {"complete", "failed"}
