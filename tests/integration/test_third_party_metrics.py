"""A package with metrics of its own is installed beside the harness: runs, rescored runs and every report have them."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest

from harness.results.records import RunRecord, read_record, read_scores
from tests.conftest import ROOT, Harness

MODULE = '''
"""Counts commas, and how far answers are from gold."""
from harness.metrics.plugins import StanceMetric, SummaryMetric


def commas(summary, article):
    if article.id == "river-1":
        raise ValueError("no commas in month 1")
    return summary.count(".") * 0.1 + (0.2 if "Minister" in summary else 0.0)


def distance(pair, article):
    assert article.id == pair.article_id
    if pair.predicted is None or pair.predicted.degree is None:
        return None, "the answer is not on the scale"
    return abs(pair.gold.degree - pair.predicted.degree)


COMMAS = SummaryMetric(
    key="summary.stops", label="stops", higher_is_better=False, range=(0, 10), digits=2, source="toneplug",
    signature="stops 1", score=commas,
)
DISTANCE = StanceMetric(
    key="stance.distance", label="distance", higher_is_better=False, range=(0, 4), source="toneplug",
    signature="distance 1", scales=("five_point",), score=distance,
)
'''


def install(folder: Path, module: str, points: str) -> str:
    """What `pip install` leaves of a small package; the PYTHONPATH on which it is found."""
    info = folder / "toneplug-0.3.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toneplug\nVersion: 0.3\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[harness.metrics]\n{points}\n", encoding="utf-8")
    (folder / "toneplug.py").write_text(module, encoding="utf-8")
    return os.pathsep.join([str(folder), str(ROOT)])


def only_record(folder: Path, name: str) -> tuple[RunRecord, Path]:
    [path] = (folder / "results" / "runs").glob(f"{name}*/record.json")
    return read_record(path), path


def test_a_metric_of_another_package_is_in_runs_rescored_runs_and_every_report(
    river: Path, harness: Harness, tmp_path: Path
) -> None:
    run = ("run", "dataset.path=river", "split=all", "stance=sentiment")
    harness(*run, "summariser=lead3")
    before, path = only_record(tmp_path, "lead3")
    assert "summary.stops" not in before.metrics

    path_with = install(tmp_path / "site", MODULE, "stops = toneplug:COMMAS\ndistance = toneplug:DISTANCE")
    assert "nothing was computed" in harness(*run, "summariser=lead3", PYTHONPATH=path_with).stderr
    harness("rescore", PYTHONPATH=path_with)
    after, again = only_record(tmp_path, "lead3")
    assert again == path, "a metric is no part of a run's identity"
    value = after.metrics["summary.stops"]
    assert (value.n_scored, value.n_unscored) == (2, 1)
    # lead3 takes three sentences, and the Minister is in them: 3 stops of 0.1, and 0.2
    assert value.value == pytest.approx(0.5)
    assert after.signatures["summary.stops"] == "toneplug 0.3|stops 1"
    assert after.signatures["stance.distance.five_point"] == "toneplug 0.3|distance 1"
    assert {k: v for k, v in after.metrics.items() if k in before.metrics} == before.metrics
    scores = read_scores(path.with_name("scores.parquet"))
    failed = [s for s in scores if s.metric == "summary.stops" and s.value is None]
    assert [(s.item, s.reason) for s in failed] == [
        ("river-1", "summary.stops of toneplug 0.3 raised ValueError: no commas in month 1")
    ]
    scopes = [after.metrics[f"stance.{scope}distance.five_point"] for scope in ("", "escalation.", "all.")]
    assert [v.n_scored + v.n_unscored for v in scopes] == [6, 6, 12]
    mean = sum((v.value or 0) * v.n_scored for v in scopes[:2]) / sum(v.n_scored for v in scopes[:2])
    assert scopes[2].value == pytest.approx(mean)

    # a run that is made with the package has the metrics at once
    harness(*run, "summariser=lexrank", PYTHONPATH=path_with)
    assert only_record(tmp_path, "lexrank")[0].metrics["summary.stops"].n_scored == 2

    terminal = harness("report", PYTHONPATH=path_with, COLUMNS="160").stdout
    assert "stops ↓" in terminal
    assert "distance" in terminal
    folder = tmp_path / "results" / "reports" / "latest"
    files = {p.name: p.read_text(encoding="utf-8") for p in folder.iterdir() if p.suffix != ".parquet"}
    assert "| stops ↓ |" in files["report.md"]
    assert "| distance ↓ |" in files["report.md"]
    assert "stops: toneplug 0.3\\|stops 1" in files["report.md"]
    assert "| 0.50 (1 unscored) |" in files["report.md"]
    assert r"stops~$\downarrow$" in files["table.tex"]
    assert "stops\xa0↓" in files["index.html"]
    rows = {(row["system"], row["metric"]): row for row in csv.DictReader(io.StringIO(files["table.csv"]))}
    assert float(rows["lead3", "summary.stops"]["value"]) == pytest.approx(0.5)
    assert rows["sentiment", "stance.escalation.distance.five_point"]["n_scored"]
    [lead3] = (
        s for s in json.loads(files["table.json"])["leaderboards"]["summariser"]["systems"] if s["name"] == "lead3"
    )
    assert lead3["metrics"]["summary.stops"]["n_unscored"] == 1
    compared = harness("compare", "lead3", "lexrank", PYTHONPATH=path_with).stdout
    assert "summary.stops" in compared

    # gone again, its numbers stay in the data and nothing is claimed about them
    harness("report")
    assert "summary.stops" in (folder / "table.csv").read_text(encoding="utf-8")
    assert "stops" not in (folder / "report.md").read_text(encoding="utf-8")


def test_a_metric_of_stances_is_compared_on_the_items_of_its_scope(
    river: Path, harness: Harness, tmp_path: Path
) -> None:
    path = install(tmp_path / "site", MODULE, "distance = toneplug:DISTANCE")
    run = ("run", "-m", "dataset.path=river", "split=all", "summariser=none", "stance=sentiment,annotator_a,majority")
    harness(*run, PYTHONPATH=path, code=None)
    text = harness("compare", "sentiment", "majority", PYTHONPATH=path, COLUMNS="250").stdout
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.strip().startswith("stance.")}
    assert {k for k in rows if "distance" in k} == {
        "stance.distance.five_point", "stance.escalation.distance.five_point", "stance.all.distance.five_point",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (
            "import nothing_of_the_kind",
            "cannot be imported: ModuleNotFoundError: No module named 'nothing_of_the_kind'",
        ),
        ("COMMAS = 7", "is of type int, not a SummaryMetric or StanceMetric"),
        (
            MODULE.replace("summary.stops", "summary.words"),
            "has the key 'summary.words', which a metric of the harness",
        ),
        (MODULE.replace("range=(0, 10)", "range=(1, 1)"), "ValueError: summary.stops: the range (1, 1) is empty"),
    ],
)
def test_a_package_that_cannot_be_used_is_named_before_anything_is_computed(
    module: str, said: str, river: Path, harness: Harness, tmp_path: Path
) -> None:
    path = install(tmp_path / "site", module, "stops = toneplug:COMMAS")
    text = harness("run", "dataset.path=river", "split=all", "stance=none", PYTHONPATH=path, code=1).stderr
    message = " ".join(text.split())
    assert "the metric 'stops' (toneplug:COMMAS) of toneplug 0.3" in message
    assert said in message
    assert "uninstall toneplug" in message
    assert not (tmp_path / "results" / "predictions").exists(), "the mistake is found before anything is computed"
