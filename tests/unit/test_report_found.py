"""Speaker finders and suspected flips in every format of the report, with nothing that could act as markup."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.report.collect import load_runs
from harness.report.table import leaderboards
from harness.report.terminal import terminal
from harness.report.write import write_report
from harness.results.records import DatasetUse, RunRecord, SystemUse, Value, write_record
from tests.make_believe import dataset, run, stance

BAD = "<script>alert(1)<b> | [b]"


def written(results: Path, out: Path, width: int = 80) -> dict[str, str]:
    runs = load_runs(results)
    boards = leaderboards(runs)
    write_report(runs, boards, out)
    said = io.StringIO()
    terminal(Console(file=said, width=width, highlight=False, emoji=False), runs, boards)
    texts = {p.name: p.read_text(encoding="utf-8") for p in out.iterdir() if p.suffix != ".parquet"}
    return {"terminal": said.getvalue(), **texts}


def record(labelled: bool, systems: list[SystemUse], **made: Any) -> RunRecord:
    use = DatasetUse(name="d", version="1", fingerprint="f" * 64, split="dev", articles=["a"], labelled=labelled)
    return RunRecord(run_id="r", status="complete", config={}, dataset=use, systems=systems, **made)


def test_finders_stand_in_every_format(tmp_path: Path) -> None:
    systems = [
        SystemUse(name=f"rule {BAD}", kind="speakers", fingerprint="a" * 64),
        SystemUse(name="sentiment", kind="stance", fingerprint="b" * 64),
    ]
    metrics = {
        "speakers.f1": Value(value=0.625, ci_low=0.5, ci_high=0.75, n_scored=12),
        "speakers.stance_f1.three_way": Value(value=0.25, n_scored=12),
        "speakers.evidence_f1": Value(value=None, reason="no evidence"),
    }
    tables = {"speakers": {"speakers.stages": {"speaker_missed": 17, "correct": 4}}}
    write_record(tmp_path / "results", record(True, systems, metrics=metrics, tables=tables))
    files = written(tmp_path / "results", tmp_path / "out")
    for name in ("terminal", "report.md", "index.html"):
        assert "Speaker finders" in files[name], name
        assert "0.625" in files[name], name
        assert ("0.500–0.750" if name == "index.html" else "0.500, 0.750") in files[name], name
        assert "17" in files[name], name
        assert "sentiment" in files[name], name
    assert "speaker missed 17, correct 4" in " ".join(files["terminal"].split())
    assert BAD not in files["index.html"]
    assert "<script>" not in files["report.md"]
    rows = {r["metric"]: r["value"] for r in csv.DictReader(io.StringIO(files["table.csv"])) if r["kind"] == "speakers"}
    assert rows["speakers.f1"] == "0.625"
    assert rows["speakers.stages.speaker_missed"] == "17"
    [finder] = json.loads(files["table.json"])["speaker_finders"]
    assert finder["stance_classifier"] == "sentiment"
    assert finder["errors_by_stage"] == {"speaker_missed": 17, "correct": 4}


def test_no_finder_no_section(tmp_path: Path) -> None:
    write_record(tmp_path / "results", record(True, [SystemUse(name="s", kind="stance", fingerprint="b" * 64)]))
    files = written(tmp_path / "results", tmp_path / "out")
    assert not any("Speaker finders" in text for text in files.values())
    assert 'id="suspected"' not in files["index.html"]


def test_a_classifier_of_found_speakers_alone_is_no_baseline(tmp_path: Path) -> None:
    """It answered about other people: nothing of it can be compared with answers about the declared speakers."""
    data = dataset(12)
    run(tmp_path, data, stance=stance("good", 0.1), resamples=100)
    found = run(tmp_path, data, stance=stance("majority", 0.9), resamples=100)
    finder = SystemUse(name="rule", kind="speakers", fingerprint="f" * 64)
    write_record(
        tmp_path,
        found.model_copy(update={"systems": [*found.systems, finder], "metrics": {"speakers.f1": Value(value=0.5)}}),
    )
    runs = load_runs(tmp_path)
    board = leaderboards(runs)[1]
    assert board.baseline is None
    assert board.tests == ()
    line = next(line for line in board.lines if line.row.name == "majority")
    assert line.cells[0].empty == "found speakers: scored end to end, with the speaker finder"


def test_suspected_flips_stand_in_the_page_with_their_sentences(tmp_path: Path) -> None:
    row = {
        "article": "a",
        "speaker": "olm",
        "speaker_name": f"Ulf Olm {BAD}",
        "target": "escalation",
        "outcome": "flipped",
        "article_says": "oppose",
        "summary_says": "support",
        "sentences": [f"Olm warned of war {BAD}."],
    }
    systems = [SystemUse(name="lead3", kind="summariser", fingerprint="c" * 64)]
    write_record(
        tmp_path / "results", record(False, systems, tables={"suspected": [row, {**row, "outcome": "dropped_speaker"}]})
    )
    page = written(tmp_path / "results", tmp_path / "out")["index.html"]
    section = page.partition('id="suspected"')[2].partition("</section>")[0]
    assert "Suspected flips" in section
    assert "flipped" in section
    assert "dropped speaker" not in section, "that a summary leaves people out is no alarm"
    assert "<b>Ulf Olm &lt;script&gt;" in section
    assert "Olm warned of war &lt;script&gt;" in section
    assert "<script>" not in section
