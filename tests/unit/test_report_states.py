"""What a report says of few data, and which records it calls failed, stale or of another dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.report.cells import value_shown
from harness.report.collect import Runs, load_runs
from harness.report.columns import item_scores, shared_scores
from harness.report.compare import MetricDifference, corrected
from harness.report.head import problem_lines
from harness.report.html import html
from harness.report.table import Leaderboard, labels, leaderboards
from harness.report.verdicts import verdicts
from harness.results.records import DatasetUse, Failure, RunRecord, SystemUse, Value, write_record
from harness.stats.power import more_articles
from harness.types import ItemScore
from tests.make_believe import dataset, run, stance, summariser


def record(
    results: Path, run_id: str, day: int, *, name: str = "d", scores: Sequence[ItemScore] = (), **made: Any
) -> None:
    use = DatasetUse(name=name, version="1", fingerprint=name * 8, split="dev", articles=["a"])
    started = f"2026-07-{day:02d}T00:00:00+00:00"
    write_record(
        results,
        RunRecord(
            **{"run_id": run_id, "status": "complete", "config": {}, "dataset": use, **made, "started_at": started}
        ),
        scores,
    )


def test_one_system_is_not_the_best(tmp_path: Path) -> None:
    run(tmp_path, dataset(3), stance=stance("alone", 0.3), resamples=100)
    run(tmp_path, dataset(3), summariser=summariser("only", 0.3), resamples=100)
    runs = load_runs(tmp_path)
    boards = leaderboards(runs)
    said = " ".join(v.text for board in boards for v in verdicts(runs, board))
    assert "alone: three-way macro-F1 0." in said
    assert "only: ROUGE-Lsum 0." in said
    for word in ("best", "fewest", "closest"):
        assert word not in said
    assert said.count("no interval under 10 articles") == 3
    assert all(value_shown(c).sign == "" for board in boards for line in board.lines for c in line.cells)
    page = html(runs, boards)
    assert "highest value</span>" not in page
    assert "lowest value</span>" not in page


def test_two_systems_are_ranked(tmp_path: Path) -> None:
    for name, error in (("good", 0.1), ("bad", 0.9)):
        run(tmp_path, dataset(12), stance=stance(name, error), resamples=100)
    runs = load_runs(tmp_path)
    text = verdicts(runs, leaderboards(runs)[1])[0].text
    assert text.startswith("good tells stances best")
    assert "no interval" not in text


def test_states_of_runs(tmp_path: Path) -> None:
    error = Failure(type="E", message="gone wrong", traceback="")
    failed: dict[str, Any] = {"status": "failed", "error": error}
    record(tmp_path, "new", 9, overrides=["stance=a"])
    record(tmp_path, "mended", 1, overrides=["stance=a"], **failed)
    record(tmp_path, "broken-again", 10, overrides=["stance=a"], **failed)
    record(tmp_path, "never", 1, overrides=["stance=b"], **failed)
    record(tmp_path, "elsewhere", 2, name="e")
    record(tmp_path, "old", 2, scoring_version="0")
    runs = load_runs(tmp_path)
    assert [r.run_id for r in runs.failed] == ["broken-again", "never"]
    assert [r.run_id for r, _ in runs.stale] == ["old"]
    assert [r.run_id for r, _ in runs.others] == ["elsewhere"]
    lines = problem_lines(runs)
    assert "failed: never: gone wrong (to remove it, delete results/runs/never)" in lines
    assert "other dataset: elsewhere: e, not d" in lines
    assert [r.run_id for r in load_runs(tmp_path, ["mended", "new"]).failed] == ["mended"]


def test_bertscore_is_shown_of_one_encoder_only(tmp_path: Path) -> None:
    def scored(run_id: str, system: str, encoder: str, value: float) -> None:
        uses = [
            SystemUse(name=system, kind="summariser", fingerprint=system * 8),
            SystemUse(name=encoder, kind="bertscore", fingerprint=encoder * 8),
        ]
        metrics = {"summary.rouge_lsum": Value(value=0.3), "summary.bertscore": Value(value=value)}
        signatures = {"summary.rouge_lsum": "rouge|x", "summary.bertscore": f"model:{encoder}"}
        scores = [ItemScore("a", "a", "summary.rouge_lsum", 0.3), ItemScore("a", "a", "summary.bertscore", value)]
        record(tmp_path, run_id, 9, scores=scores, systems=uses, metrics=metrics, signatures=signatures)

    scored("1", "x", "small", 0.5)
    scored("2", "x", "large", 0.8)
    scored("3", "y", "large", 0.9)
    scored("4", "z", "small", 0.6)
    scored("5", "w", "large", 0.7)
    runs = load_runs(tmp_path)
    assert runs.judges["bertscore"].name == "large"
    shown = {row.name: row.metrics.get("summary.bertscore") for row in runs.rows("summariser")}
    assert {name: value and value.value for name, value in shown.items()} == {"x": 0.8, "y": 0.9, "z": None, "w": 0.7}
    assert runs.signatures["summary.bertscore"] == "model:large"
    x = next(row for row in runs.rows("summariser") if row.name == "x")
    z = next(row for row in runs.rows("summariser") if row.name == "z")
    y = next(row for row in runs.rows("summariser") if row.name == "y")
    assert item_scores(runs, x, "summary.rouge_lsum").value.tolist() == [0.3]
    assert item_scores(runs, x, "summary.bertscore").value.tolist() == [0.8], "of the run under the report's judge"
    assert item_scores(runs, z, "summary.bertscore").value.tolist() == []
    assert shared_scores(runs, x, y, "summary.bertscore") == [("a", 0.8, 0.9)]
    [board, _] = leaderboards(runs)
    empty = {line.row.name: c.empty for line in board.lines for c in line.cells if c.metric == "summary.bertscore"}
    assert empty == {"x": None, "y": None, "z": "not computed", "w": None}


def test_a_system_that_failed_on_most_items_is_not_ranked_and_spoils_no_other_test(tmp_path: Path) -> None:
    def tests_of(folder: Path) -> tuple[Leaderboard, dict[str, MetricDifference]]:
        [_, board] = leaderboards(load_runs(folder))
        names = {line.row.fingerprint: line.row.name for line in board.lines}
        return board, {names[a]: d for a, b, d in board.tests if names[b] == "good"}

    for name, error in (("good", 0.1), ("bad", 0.9)):
        for folder in ("with", "without"):
            run(tmp_path / folder, dataset(14), stance=stance(name, error), resamples=100)
    run(tmp_path / "with", dataset(14), stance=stance("lucky", 0.0, failing=0.97), resamples=100)
    run(tmp_path / "with", dataset(14), stance=stance("patchy", 0.6, failing=0.05), resamples=100)
    board, tests = tests_of(tmp_path / "with")
    _, alone = tests_of(tmp_path / "without")
    assert set(tests) == {"bad", "patchy"}
    assert tests["bad"].n_items == alone["bad"].n_items > tests["patchy"].n_items > 0
    assert tests["bad"].difference == alone["bad"].difference
    assert tests["bad"].real
    assert tests["patchy"].real
    text = verdicts(load_runs(tmp_path / "with"), board)[0].text
    assert text.startswith("good tells stances best")
    assert "; lucky: not ranked, " in text
    notes = {line.row.name: line.cells[0].note or "" for line in board.lines}
    assert notes["lucky"].startswith("not ranked, ")
    assert not notes["patchy"]
    tied = {line.row.name: line.cells[0].tied for line in board.lines}
    assert tied == {"good": True, "bad": False, "patchy": False, "lucky": None}


def test_more_articles_are_counted_for_a_named_difference_at_the_level_that_the_correction_leaves() -> None:
    def made(metric: str, p: float, seen: float = 0.07) -> MetricDifference:
        more = more_articles(0.04, 0.02, 40).more
        return MetricDifference(
            metric, 0.5, 0.5 - seen, seen, 0.0, 0.08, p, se=0.02, detectable=0.0574, effect=0.04, more_articles=more,
            n_articles=40, primary=True,
        )  # fmt: skip

    [alone] = corrected([made("a", 0.06)])
    # t(39) at 0.975 and 0.8: 2.0227 + 0.8512 = 2.8739, x 0.02 = 0.0575. Of 81 articles t(80): 1.9901 + 0.8461 = 2.8362;
    # 2.8362 x 0.02 x sqrt(40 / 81) = 0.0399 <= 0.04, of 80 it is 0.0401
    assert alone.detectable == pytest.approx(0.0574)
    assert alone.more_articles == more_articles(0.04, 0.02, 40).more == 41
    # whatever a pilot shows
    [small] = corrected([made("a", 0.06, seen=0.001)])
    assert small.more_articles == 41
    family = corrected([made(str(i), 0.06) for i in range(9)] + [made("sure", 1e-6)])
    assert family[-1].real
    # nine are not marked: the next one has to pass 0.05 / 9
    assert family[0].more_articles == more_articles(0.04, 0.02, 40, alpha=0.05 / 9).more
    assert (family[0].more_articles or 0) > 60
    assert (family[0].detectable or 0) > 0.07


def test_labels_that_gold_was_decided_from_are_no_ceiling(tmp_path: Path) -> None:
    uses = [
        SystemUse(kind="stance", name=name, fingerprint=name * 8, ceiling=True, entered_gold=entered)
        for name, entered in (("reader-a", True), ("reader-c", False))
    ]
    records = [RunRecord(run_id=u.name, status="complete", config={}, systems=[u]) for u in uses]
    rows = Runs(tmp_path, tuple(records)).rows("stance")
    assert list(labels(rows).values()) == ["reader-a (entered the gold)", "reader-c (ceiling)"]
    # a record says it only where it is so
    assert "entered_gold" not in records[1].model_dump(mode="json")["systems"][0]


def test_a_system_that_ran_on_another_dataset_is_not_called_unknown(tmp_path: Path) -> None:
    use = {"kind": "stance", "fingerprint": "f"}
    record(tmp_path, "earlier", 1, name="a", systems=[SystemUse(name="lead3", **use)])
    record(tmp_path, "newest", 2, name="b", systems=[SystemUse(name="majority", **use)])
    with pytest.raises(ConfigError, match="no run has a system called 'lead3'") as raised:
        load_runs(tmp_path, systems=["lead3"])
    assert raised.value.hint == "the newest runs are on b; harness report earlier … names runs of before"
