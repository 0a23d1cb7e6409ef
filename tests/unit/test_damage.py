"""Damage is seen and mended: no flipped bit is read as good data, and the same command remakes what is torn."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.errors import StoreError
from harness.results.check import check_results
from harness.results.records import RunRecord, read_record, read_scores, write_record
from harness.results.states import checked_state, snapshot
from harness.runs.sweep import run
from harness.runtime.parquet import SEAL, is_sealed, read_table, write_table
from tests.conftest import write_dataset

TABLE = pa.table({"key": [f"k{i}" for i in range(300)], "value": [i / 7 if i % 5 else None for i in range(300)]})


def test_no_flipped_bit_is_read_as_other_data(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_table(TABLE, path)
    raw = path.read_bytes()
    chance = random.Random(5)
    n_seen = 0
    for _ in range(400):
        flipped = bytearray(raw)
        flipped[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        try:
            assert read_table(path) == TABLE
        except (OSError, ValueError, pa.ArrowException):
            n_seen += 1
    assert n_seen > 380, "only flips in the name of the seal change nothing"


def test_a_sealed_file_is_plain_parquet_with_page_checksums(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_table(TABLE, path)
    assert is_sealed(path)
    assert pq.read_table(path, page_checksum_verification=True) == TABLE
    assert len(pq.read_metadata(path).metadata[SEAL.encode()]) == 64


def test_files_of_before_there_were_seals_are_read_and_their_texts_checked(tmp_path: Path) -> None:
    path = tmp_path / "old.parquet"
    pq.write_table(TABLE, path)
    assert not is_sealed(path)
    assert read_table(path) == TABLE
    no_text = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")])
    pq.write_table(pa.table({"key": no_text}), path)
    with pytest.raises(ValueError, match="UTF"):
        read_table(path)


def test_a_record_that_was_changed_is_no_record(tmp_path: Path) -> None:
    path = write_record(tmp_path, RunRecord(run_id="r", status="complete", config={"seed": 17}))
    assert read_record(path).config == {"seed": 17}
    path.write_text(path.read_text().replace("17", "18"))
    with pytest.raises(StoreError, match="changed after it was written"):
        read_record(path)


@pytest.mark.parametrize("name", ["../../elsewhere", "a/b", ".hidden", "a\nb", ""])
def test_a_record_from_elsewhere_leads_nowhere(name: str, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps({"run_id": name, "status": "failed", "config": {}}))
    with pytest.raises(StoreError, match="run_id"):
        read_record(path)


@pytest.mark.parametrize(
    "text",
    ['{"schema_version": ' + "9" * 5000 + "}", '{"a":' * 3000, "[" * 100_000, "7", "", '{"run_id": "\\ud800"}', "null"],
    ids=["digits", "depth", "brackets", "number", "empty", "surrogate", "null"],
)
def test_what_is_no_record_is_refused_by_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(text)
    with pytest.raises(StoreError, match=r"record\.json"):
        read_record(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    finished(folder, write_dataset(folder / "river"))
    return folder


def finished(folder: Path, river: Path) -> RunRecord:
    fields = {"dataset.path": str(river), "results": str(folder / "results"), "metrics.resamples": 100}
    [record] = run(summariser="lead3", stance="majority", split="all", **fields)
    return record


def flip(raw: bytes) -> bytes:
    return raw[: len(raw) // 2] + bytes([raw[len(raw) // 2] ^ 4]) + raw[len(raw) // 2 + 1 :]


@pytest.mark.parametrize("damage", [flip, lambda raw: raw[:100], lambda raw: b""], ids=["flipped", "cut", "emptied"])
@pytest.mark.parametrize(
    "pattern",
    [
        "runs/*/record.json",
        "runs/*/scores.parquet",
        "runs/*/answers.parquet",
        "datasets/*.jsonl",
        "predictions/lead3-*/part-*.parquet",
        "predictions/majority-*/part-*.parquet",
        "predictions/lead3-*/system.json",
    ],
)
def test_the_same_command_remakes_what_is_torn(
    pattern: str, damage: Callable[[bytes], bytes], whole: Path, tmp_path: Path
) -> None:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    results = tmp_path / "results"
    [before] = (read_record(p) for p in results.glob("runs/*/record.json"))
    scores = read_scores(next(results.glob("runs/*/scores.parquet")))
    assert check_results(results).damages == ()
    path = next(results.glob(pattern))
    path.write_bytes(damage(path.read_bytes()))
    [seen] = check_results(results).damages
    assert str(path) in str(seen)
    after = finished(tmp_path, whole / "river")
    # a part is left where it is, for whoever wonders; everything else is as new
    assert [d.path for d in check_results(results).damages] == ([path] if "part-" in pattern else [])
    assert after.metrics == before.metrics
    assert read_scores(next(results.glob("runs/*/scores.parquet"))) == scores
    assert finished(tmp_path, whole / "river").started_at == after.started_at, "nothing is left to do"


def test_a_changed_snapshot_is_not_scored_data(whole: Path, tmp_path: Path) -> None:
    from harness.data.load import load_dataset

    dataset = load_dataset(whole / "river")
    path = snapshot(tmp_path, dataset)
    assert len(checked_state(path).articles) == 3
    path.write_text(path.read_text().replace("Brandt", "Grandt"))
    with pytest.raises(StoreError, match="changed after it was written"):
        checked_state(path)
    snapshot(tmp_path, dataset)
    assert "Grandt" not in path.read_text()


@pytest.mark.parametrize("table", ["scores.parquet", "answers.parquet"])
def test_a_torn_table_of_a_run_that_was_stopped_before_its_record_is_named(table: str, tmp_path: Path) -> None:
    path = tmp_path / "runs" / "stopped" / table
    path.parent.mkdir(parents=True)
    write_table(TABLE, path)
    assert not check_results(tmp_path).damages
    path.write_bytes(flip(path.read_bytes()))
    [damage] = check_results(tmp_path).damages
    assert (damage.path, damage.what) == (path, "damaged")
