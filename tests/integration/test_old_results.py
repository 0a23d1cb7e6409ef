"""A results folder of an earlier version still serves: its answers are not computed again, and its numbers do not move."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

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


def test_nothing_is_computed_again(folder: Path, harness: Harness) -> None:
    # sentiment and lexrank have had new versions since, and are asked anew
    args = ["dataset.path=fords.jsonl", "split=all", "summariser=lead3", "stance=majority", "judge=none"]
    done = harness("run", *args, "results=results")
    assert ": 0 of 83 answers computed" in done.stdout + done.stderr


def test_every_number_is_the_same(folder: Path, harness: Harness) -> None:
    harness("report", "--results", "results", "--out", "new", "--baseline", "majority")
    old, new = numbers(folder / "report" / "table.csv"), numbers(folder / "new" / "table.csv")
    assert old
    assert {key: new.get(key) for key in old} == old
