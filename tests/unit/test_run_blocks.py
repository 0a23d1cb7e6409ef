"""A run in blocks has the answers, scores and metrics of the same run in memory."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from bench.scale_articles import write
from harness.config import parse_run_config
from harness.data import load
from harness.errors import MetricRefused
from harness.metrics import stance_blocks
from harness.metrics.plugins import StanceMetric
from harness.metrics.stance_pair import StancePair
from harness.results.records import RunRecord, answers_path, read_answers, read_scores, scores_path
from harness.results.stored_keys import StoredKeys
from harness.runs import blocks, run, selection
from harness.runs.dry import print_estimate
from harness.runs.sweep import compose
from harness.runtime.progress import Reporter
from harness.scoring import blocks as scoring_blocks
from harness.scoring import stances
from harness.stats import bootstrap
from harness.types import Article

ARTICLES = 45


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("news") / "news.parquet", ARTICLES)


def record_of(file: Path, results: Path, stance: str = "sentiment") -> RunRecord:
    fields = {"dataset.path": str(file), "results": str(results), "metrics.resamples": 500}
    [record] = run(summariser="lead3", stance=stance, split="all", **fields)
    assert record.error is None, record.error.traceback
    return record


@pytest.fixture
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "LARGE", 10)
    monkeypatch.setattr(load, "_BLOCK", 6)
    for module in (blocks, selection):
        monkeypatch.setattr(module, "BLOCK", 8)
    selection._load.cache_clear()


def plain(record: RunRecord) -> dict[str, object]:
    left_out = {"metrics", "config", "overrides", "started_at", "seconds", "systems", "environment", "tables"}
    return record.model_dump(exclude=left_out)


@pytest.mark.parametrize("stance", ["sentiment", "majority"])
def test_it_is_the_run_in_memory(file: Path, tmp_path: Path, stance: str, request: pytest.FixtureRequest) -> None:
    whole = record_of(file, tmp_path / "whole", stance)
    request.getfixturevalue("_small_blocks")
    record = record_of(file, tmp_path / "blocks", stance)
    assert plain(record) == plain(whole)
    assert record.metrics == whole.metrics
    assert record.tables == whole.tables
    for use, same in zip(record.systems, whole.systems, strict=True):
        assert use.n_items == same.n_items
        assert use.paths == same.paths
    paths = [
        [path(tmp_path / name, record.run_id) for name in ("blocks", "whole")] for path in (scores_path, answers_path)
    ]
    assert sorted(map(repr, read_scores(paths[0][0]))) == sorted(map(repr, read_scores(paths[0][1])))
    assert sorted(map(repr, read_answers(paths[1][0]))) == sorted(map(repr, read_answers(paths[1][1])))
    assert pq.ParquetFile(paths[0][0]).num_row_groups == 6


@pytest.mark.usefixtures("_small_blocks")
def test_of_many_articles_the_intervals_are_analytic(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = record_of(file, tmp_path / "drawn")
    for module in (bootstrap, scoring_blocks, stance_blocks):
        monkeypatch.setattr(module, "MOST_RESAMPLED", 20)
    record = record_of(file, tmp_path / "analytic")
    assert record.metrics.keys() == drawn.metrics.keys()
    for name in ("stance.all.macro_f1.three_way", "stance.escalation.accuracy.six_label", "summary.rouge1"):
        ours, theirs = record.metrics[name], drawn.metrics[name]
        assert ours.value == pytest.approx(theirs.value)
        assert ours.reason is not None and bootstrap.ANALYTIC in ours.reason
        assert ours.ci_low == pytest.approx(theirs.ci_low, abs=0.05)
        assert (ours.n_scored, ours.n_unscored) == (theirs.n_scored, theirs.n_unscored)
    assert record.metrics["stance.ece.six_label"].reason == stance_blocks.NOT_IN_BLOCKS
    ours, theirs = (r.tables["stance"]["stance.all.confusion.six_label"] for r in (record, drawn))
    assert ours == theirs


@pytest.mark.usefixtures("_small_blocks")
def test_what_is_stored_is_not_computed_again(file: Path, tmp_path: Path) -> None:
    first = record_of(file, tmp_path)
    parts = sorted((tmp_path / "predictions").glob("sentiment-*/part-*.parquet"))
    assert len(parts) == 6
    n_lost = len(pq.read_table(parts[2]))
    parts[2].unlink()
    scores_path(tmp_path, first.run_id).unlink()
    again = record_of(file, tmp_path)
    assert [use.n_computed for use in again.systems] == [0, n_lost]
    assert again.metrics == first.metrics


def test_keys_are_found_in_the_parts_that_hold_them(tmp_path: Path) -> None:
    keys = StoredKeys(tmp_path / "none")
    for n in range(20):
        keys.add(tmp_path / f"part-{n:02d}", [f"k{i}" for i in range(n * 7, n * 7 + 10)])
    assert [p.name for p in keys.parts_with(["k0", "k139", "x"])] == ["part-00", "part-19"]
    assert [p.name for p in keys.parts_with(["k8"])] == ["part-00", "part-01"]
    assert keys.parts_with(["x"]) == []


def dry(file: Path, results: Path) -> str:
    words = [f"dataset.path={file}", f"results={results}", "summariser=lead3", "stance=sentiment", "split=all"]
    [(raw, _)] = compose(words)
    reporter = Reporter()
    reporter.console = Console(file=StringIO(), width=200)
    print_estimate(parse_run_config(raw), reporter)
    return str(reporter.console.file.getvalue())  # type: ignore[attr-defined]


def test_a_dry_run_counts_the_same(file: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    whole = dry(file, tmp_path)
    request.getfixturevalue("_small_blocks")
    assert dry(file, tmp_path) == whole
    assert "202" in whole


def test_metrics_of_other_packages_are_computed_in_blocks(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    def distance(pair: StancePair, _: Article) -> float:
        if pair.predicted is None or pair.predicted.degree is None:
            raise MetricRefused("the answer is not on the scale")
        return abs((pair.gold.degree or 0) - pair.predicted.degree)

    metric = StanceMetric(
        key="stance.distance.five_point", label="distance", higher_is_better=False, range=(0, 4), source="x", signature="d 1", scales=("five_point",),
        score=distance,
    )  # fmt: skip
    monkeypatch.setattr(stances, "stance_plugins", lambda: (metric,))
    whole = record_of(file, tmp_path / "whole")
    assert whole.metrics["stance.all.distance.five_point"].n_scored
    request.getfixturevalue("_small_blocks")
    record = record_of(file, tmp_path / "blocks")
    assert record.metrics == whole.metrics
    assert record.signatures == whole.signatures
