"""The benchmark of large reports: a copied run is another system that a report takes like any."""

from __future__ import annotations

from pathlib import Path

from bench.report_scale import copy
from harness.report.collect import load_runs
from harness.report.columns import codes
from harness.report.html import html
from harness.report.table import leaderboards
from tests.make_believe import dataset, judge, run, stance, summariser


def test_copied_runs_are_systems_of_their_own(tmp_path: Path) -> None:
    data = dataset(12)
    first = run(tmp_path, data, stance=stance("classifier-000", 0.1), resamples=100)
    copy(tmp_path, first.run_id, "stance", "classifier-001", share=0.5)
    judged = run(tmp_path, data, summariser=summariser("summariser-000", 0.1), judge=judge(), resamples=100)
    copy(tmp_path, judged.run_id, "summariser", "summariser-001", share=0.5)
    runs = load_runs(tmp_path)
    rows = {kind: runs.rows(kind) for kind in ("stance", "summariser")}
    assert [row.name for row in rows["stance"]] == ["classifier-000", "classifier-001"]
    one, other = (codes(runs, row) for row in rows["stance"])
    assert len(one) == len(runs.items)
    assert 0.2 < (one != other).mean() < 0.8
    assert sorted(one.tolist()) == sorted(other.tolist())
    boards = leaderboards(runs)
    assert all(d.difference for board in boards for _, _, d in board.tests if d.metric != "preservation.harm")
    assert "summariser-001" in html(runs, boards)
    assert not runs.problems
