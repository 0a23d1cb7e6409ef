"""harness results on the real command line: count, prune, merge, and reports that come out the same afterwards."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

from tests.conftest import Harness

RUN = ("run", "dataset.path=river", "split=all")


def test_du_prune_and_merge(river: Path, harness: Harness, tmp_path: Path) -> None:
    harness(*RUN, "summariser=lead3", "stance=sentiment", "results=one")
    harness(*RUN, "summariser=none", "stance=majority", "results=two")
    harness(*RUN, "summariser=none", "stance=sentiment", "results=two")
    broken = ("summariser=none", "stance=smollm2", "++stance.model=package:no_such_package")
    harness("run", "-m", *RUN[1:], *broken, "results=two", code=1)
    runs = sorted(p.name for folder in ("one", "two") for p in (tmp_path / folder / "runs").iterdir())

    merged = harness("results", "merge", "one", "two", "--into", "all")
    assert sorted(merged.stdout.split()) == runs
    assert "harness report --results all" in merged.stderr
    assert "0 files copied" in harness("results", "merge", "one", "two", "--into", "all").stderr
    found = json.loads(harness("results", "du", "--results", "all", "--json").stdout)
    assert found["runs"] == {"complete": 3, "incomplete": 0, "failed": 1, "unreadable": 0}
    answers = {f["name"].rpartition("-")[0]: (f["answers"], f["records"], f["lost"]) for f in found["predictions"]}
    # sentiment answers once for the two targets of each of two speakers in three articles
    assert answers["lead3"] == (3, 1, 0)
    assert answers["sentiment"] == (6, 2, 0)
    assert "3 complete, 1 failed" in harness("results", "du", "--results", "all").stdout
    assert "Runs: 3 complete" in harness("report", "--results", "all").stdout
    assert "answers differ" not in merged.stderr

    lead = next((tmp_path / "all" / "runs").glob("lead3+sentiment-*"))
    shutil.rmtree(lead)
    new = harness("results", "prune", "--results", "all", "--failed", "--unused", "--yes", code=1)
    assert "a run seems to be going on" in new.stderr
    assert list((tmp_path / "all" / "predictions").glob("lead3-*"))

    old = time.time() - 3 * 86400
    for path in (tmp_path / "all").rglob("*"):
        os.utime(path, (old, old))
    plan = harness("results", "prune", "--results", "all", "--failed", "--unused")
    assert "predictions: all/predictions/lead3-" in plan.stdout
    assert "nothing was removed, --yes does it" in plan.stderr
    assert list((tmp_path / "all" / "predictions").glob("lead3-*"))
    done = harness("results", "prune", "--results", "all", "--failed", "--unused", "--yes")
    assert done.stdout == plan.stdout
    assert not list((tmp_path / "all" / "predictions").glob("lead3-*"))
    assert "nothing to remove" in harness("results", "prune", "--results", "all", "--failed", "--unused").stderr
    # what was kept is enough to score again without a model
    assert "2 of 2 runs scored" in harness("rescore", "--results", "all").stderr
    harness("results", "merge", "one", "--into", "all")
    assert "complete already" in harness(*RUN, "summariser=lead3", "stance=sentiment", "results=all").stderr


def test_errors_name_the_folder_and_the_next_step(harness: Harness, tmp_path: Path) -> None:
    assert "nowhere: no such results folder" in harness("results", "du", "--results", "nowhere", code=1).stderr
    (tmp_path / "empty").mkdir()
    error = harness("results", "merge", "empty", "--into", "all", code=1).stderr
    assert "empty: no results folder" in error
    assert "name the folder that holds runs/" in error
    assert "did you mean 'prune'?" in harness("results", "prun", code=2).stderr
    record = tmp_path / "results" / "runs" / "broken" / "record.json"
    record.parent.mkdir(parents=True)
    record.write_text("{", encoding="utf-8")
    (tmp_path / "results" / "predictions" / "loose-00000000").mkdir(parents=True)
    error = harness("results", "prune", "--unused", code=1).stderr
    assert "broken/record.json" in error
    assert "Traceback" not in error
