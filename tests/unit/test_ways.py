"""What computing answers took is told apart: loading a model, the answers, the clock; and the path they came by."""

from __future__ import annotations

import time
from pathlib import Path

from harness.models.pool import ModelPool
from harness.report.cells import Shown
from harness.report.collect import load_runs
from harness.report.ways import path_lines, ways_table
from harness.results.records import SystemUse
from harness.runs.sweep import run
from tests.conftest import write_dataset


class Slow:
    device = "cpu"
    memory = 1


def test_loading_is_counted_apart() -> None:
    pool = ModelPool()

    def load() -> Slow:
        time.sleep(0.05)
        return Slow()

    pool.get("a", load)
    once = pool.load_seconds
    assert once >= 0.05
    pool.get("a", load)
    assert pool.load_seconds == once, "what is here is not loaded"
    pool.get("b", lambda: pool.get("c", load))
    assert pool.load_seconds < 2.8 * once, "a load within a load counts once"


def test_a_record_without_the_newer_fields_is_written_as_before() -> None:
    use = SystemUse(name="a", kind="stance", fingerprint="f")
    assert not {"load_seconds", "wall_seconds"} & use.model_dump().keys()
    assert SystemUse(name="a", kind="stance", fingerprint="f", load_seconds=0.0).model_dump()["load_seconds"] == 0.0


def test_the_report_says_path_pace_loading_and_clock(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "river")
    options = {"dataset.path": str(dataset), "results": str(tmp_path / "results"), "metrics.resamples": 100}
    [record] = run("judge=none", summariser="lead3", stance="smollm2", split="all", **options)
    use = record.system("stance")
    assert use is not None
    assert use.load_seconds is not None
    assert use.wall_seconds is not None
    assert use.load_seconds > 0
    assert use.wall_seconds >= use.seconds * 0.9, "one question after the other"
    runs = load_runs(tmp_path / "results")
    table = ways_table(runs)
    assert table is not None
    [cells] = [row for row in table.rows if row[0].words == "smollm2"]
    assert cells[2].words == f"prefix_trie {use.n_items}"
    assert cells[4].number == f"{use.load_seconds:.1f}"
    assert any(line.startswith("prefix_trie: ") for line in path_lines(runs))
    # of a run that computed nothing, what the one that did took
    run("judge=none", stance="smollm2", summariser="none", split="all", **options)
    table = ways_table(load_runs(tmp_path / "results"))
    assert table is not None
    assert cells in [list(row) for row in table.rows]
    assert Shown(missing="not measured") not in cells
