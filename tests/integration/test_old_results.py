"""A results folder of an earlier version still serves: its answers are not computed again, and its numbers do not move."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from harness.results.records import read_records
from tests.conftest import Harness

OLD = Path(__file__).parents[1] / "old_records" / "version_3"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(OLD, tmp_path, dirs_exist_ok=True)
    return tmp_path


def numbers(path: Path) -> dict[tuple[str, str, str], tuple[str, str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return {
            (r["kind"], r["system"], r["metric"]): (r["value"], r["ci_low"], r["ci_high"]) for r in csv.DictReader(file)
        }


RAISED = {"sentiment"}
"""Systems whose version has been raised since: they alone are asked again."""


def test_nothing_is_computed_again_but_by_systems_that_answer_otherwise(folder: Path, harness: Harness) -> None:
    args = ["dataset.path=fords.jsonl", "split=all", "summariser=lead3", "stance=majority,sentiment", "judge=sentiment"]
    older = {path.parent.name for path in (folder / "results" / "runs").glob("*/record.json")}
    harness("run", "-m", *args, "results=results")
    newer = [r for r in read_records(folder / "results")[0] if r.run_id not in older]
    assert {use.name for r in newer for use in r.systems} == {"lead3", "majority", "sentiment"}
    assert {use.name for r in newer for use in r.systems if use.n_computed} == RAISED
    done = harness("run", "-m", *args, "results=results")
    assert "nothing was computed: every run was complete" in done.stdout + done.stderr


def test_every_number_is_the_same(folder: Path, harness: Harness) -> None:
    harness("report", "--results", "results", "--out", "new", "--baseline", "majority")
    old, new = numbers(folder / "report" / "table.csv"), numbers(folder / "new" / "table.csv")
    assert old
    assert {key: new.get(key) for key in old} == old
