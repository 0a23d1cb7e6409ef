"""Runs on the real command line: resume, sweeps, failures, selection, dry runs; and what a finished run must not import."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.results.records import read_answers, read_record, read_scores
from tests.conftest import Harness, write_dataset
from tests.servers import chat, serving

RUN = ("run", "dataset.path=river", "split=all")


def records(folder: Path) -> dict[str, Path]:
    return {p.parent.name: p for p in (folder / "results" / "runs").glob("*/record.json")}


def test_a_run_writes_record_scores_answers_and_snapshot(river: Path, harness: Harness, tmp_path: Path) -> None:
    process = harness(*RUN, "summariser=lead3", "stance=sentiment")
    [path] = records(tmp_path).values()
    record = read_record(path)
    assert record.status == "complete"
    assert process.stdout == ""
    assert record.run_id in process.stderr
    assert {"summary.rouge_lsum", "stance.macro_f1.three_way", "stance.kappa.five_point"} <= record.metrics.keys()
    value = record.metrics["stance.accuracy.six_label"]
    assert value.value is not None
    assert value.ci_low is None
    assert "articles" in (value.reason or "")
    scores = read_scores(path.with_name("scores.parquet"))
    assert {s.article_id for s in scores} == {"river-0", "river-1", "river-2"}
    answers = read_answers(path.with_name("answers.parquet"))
    assert len([a for a in answers if a.role == "stance"]) == 12
    assert record.dataset is not None
    assert (tmp_path / "results" / "datasets" / f"{record.dataset.fingerprint}.jsonl").exists()
    assert "rouge-score" in record.signatures["summary.rouge_lsum"]


def test_second_run_computes_nothing_and_says_so(river: Path, harness: Harness) -> None:
    harness(*RUN)
    process = harness(*RUN)
    assert "complete already, nothing to compute" in process.stderr
    assert "nothing was computed" in process.stderr


def test_a_new_article_is_the_only_one_computed(river: Path, harness: Harness, tmp_path: Path) -> None:
    harness(*RUN, "summariser=lead3", "stance=none")
    extra = write_dataset(tmp_path / "more", 4)
    (extra / "articles" / "river-3.yaml").rename(river / "articles" / "river-3.yaml")
    process = harness(*RUN, "summariser=lead3", "stance=none")
    assert "1 of 4 answers computed" in process.stderr


def test_relabelling_reruns_only_systems_that_read_labels(river: Path, harness: Harness) -> None:
    # -m may stand anywhere
    args = ("run", "dataset.path=river", "split=all", "-m", "summariser=none", "stance=majority,sentiment")
    harness(*args)
    path = river / "articles" / "river-0.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("stance: oppose", "stance: lean_oppose"), encoding="utf-8")
    process = harness(*args)
    sentiment = next(line for line in process.stderr.splitlines() if line.startswith("sentiment"))
    majority = next(line for line in process.stderr.splitlines() if line.startswith("majority"))
    assert "0 of 12 answers computed" in sentiment
    assert "0 of 12 answers computed" not in majority


def test_sweep_shows_one_row_a_system(river: Path, harness: Harness, tmp_path: Path) -> None:
    harness("run", "-m", "dataset.path=river", "split=all", "summariser=lead3,lexrank", "stance=majority,sentiment")
    assert len(records(tmp_path)) == 4
    process = harness("report")
    out = process.stdout
    assert "Runs: 4 complete, 0 failed, 0 stale" in out
    for system in ("lead3", "lexrank", "majority", "sentiment"):
        assert len(re.findall(rf"^ *{system}  +\S", out, flags=re.MULTILINE)) == 1
    folder = tmp_path / "results" / "reports" / "latest"
    table = json.loads((folder / "table.json").read_text(encoding="utf-8"))
    assert {s["name"] for s in table["leaderboards"]["stance"]["systems"]} == {"majority", "sentiment"}
    assert (folder / "report.md").read_text(encoding="utf-8").startswith("# Comparison report")
    assert "stance.macro_f1.three_way" in (folder / "table.csv").read_text(encoding="utf-8")


def test_report_is_deterministic(river: Path, harness: Harness, tmp_path: Path) -> None:
    harness("run", "-m", "dataset.path=river", "split=all", "summariser=lead3,lexrank", "stance=sentiment")
    contents = []
    for name in ("one", "two"):
        harness("report", "--out", name)
        contents.append({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()})
    assert contents[0] == contents[1]


def test_a_failing_job_is_named_and_the_others_complete(river: Path, harness: Harness, tmp_path: Path) -> None:
    """A run that fails while it works leaves a record; one whose config is wrong leaves nothing."""
    process = harness(
        "run", "-m", "dataset.path=river", "split=all", "summariser=lead3", "stance=sentiment,smollm2",
        "++stance.model=package:no_such_package", code=1,
    )  # fmt: skip
    assert "model: unknown field" in process.stderr
    [failed] = map(read_record, records(tmp_path).values())
    assert failed.status == "failed"
    assert failed.error is not None
    assert "Traceback" in failed.error.traceback
    harness("run", "dataset.path=river", "split=all", "summariser=lead3", "stance=majority")
    assert "1 of 2 runs failed" in process.stderr
    report = harness("report").stdout
    assert "failed: lead3+smollm2-river-all" in report


@pytest.mark.parametrize(
    "override", ["stance.lean=0.9", "articles=[river-9]", "dataset.path=rivr", "stance.adapter=majorit", "split=devv"]
)
@pytest.mark.parametrize("sweep", [(), ("-m",)], ids=["one", "sweep"])
def test_a_typo_leaves_no_trace(
    river: Path, harness: Harness, tmp_path: Path, override: str, sweep: tuple[str, ...]
) -> None:
    process = harness("run", *sweep, "dataset.path=river", "stance=majority", override, code=1)
    assert "refused: " in process.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["river"]


def test_a_typo_in_one_job_of_a_sweep_leaves_the_others(river: Path, harness: Harness, tmp_path: Path) -> None:
    process = harness("run", "-m", "dataset.path=river", "articles=[river-0],[river-9]", "stance=sentiment", code=1)
    assert "there is no article 'river-9'" in process.stderr
    assert [read_record(p).status for p in records(tmp_path).values()] == ["complete"]
    assert not (tmp_path / "results" / ".hydra").exists()


def test_limit_articles_and_split_choose(river: Path, harness: Harness, tmp_path: Path) -> None:
    harness("run", "dataset.path=river", "split=all", "limit=2", "stance=none")
    harness("run", "dataset.path=river", "split=dev", "stance=none")
    harness("run", "dataset.path=river", "articles=[river-1]", "stance=none")
    chosen = sorted(tuple(r.dataset.articles) for r in map(read_record, records(tmp_path).values()) if r.dataset)
    assert chosen == [("river-0", "river-1"), ("river-0", "river-2"), ("river-1",)]


def test_dry_run_counts_and_computes_nothing(river: Path, harness: Harness, tmp_path: Path) -> None:
    process = harness(*RUN, "stance=sentiment", "dry=true")
    assert not records(tmp_path)
    assert "12" in process.stderr
    assert "sentiment" in process.stderr


def test_dry_run_tells_what_a_pair_adds_to_the_trie(river: Path, harness: Harness) -> None:
    estimate = harness(*RUN, "summariser=none", "stance=smollm2", "dry=true").stderr
    [numbers] = re.findall(
        r"smollm2: (\d+) trie nodes for the (\d+) pairs of river-0, (\d+) that all of them share", estimate
    )
    nodes, pairs, shared = map(int, numbers)
    assert pairs == 4
    assert f"and {(nodes - shared) / pairs:.1f} more a pair" in estimate


def test_dry_run_of_a_folder_counts_what_the_run_then_asks(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for i in range(3):
        text = f"The gates\n\nMinister Ada Brandt said that gate {i} must be shut. General Ulf Olm warned of war.\n"
        (tmp_path / "mine" / f"{i}.txt").write_text(text, encoding="utf-8")
    args = ("run", "dataset=folder", "dataset.path=mine", "summariser=none", "stance=sentiment")
    estimate = harness(*args, "dry=true").stderr
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]
    asked = {cells[1].strip(): cells[3].strip() for line in estimate.splitlines() if len(cells := line.split("│")) > 3}
    assert asked == {"speakers": "3", "stance": "6"}
    harness(*args)
    [record] = map(read_record, records(tmp_path).values())
    assert {s.kind: str(s.n_items) for s in record.systems} == asked
    # a model as finder is not asked by a dry run
    unknown = harness(*args, "speakers=smollm2", "dry=true").stderr
    assert "smollm2 has not read 3 of 3 articles yet" in unknown


def test_one_event_leaves_a_fitted_system_unfitted(river: Path, harness: Harness, tmp_path: Path) -> None:
    for i in (1, 2):
        (river / "articles" / f"river-{i}.yaml").unlink()
    harness(*RUN, "summariser=none", "stance=majority")
    [path] = records(tmp_path).values()
    record = read_record(path)
    assert record.status == "complete"
    assert record.systems[0].status.startswith("unfitted")
    assert "unfitted" in harness("report").stdout


def test_torn_part_is_reported_and_its_unit_computed_again(river: Path, harness: Harness, tmp_path: Path) -> None:
    harness(*RUN, "summariser=lexrank", "stance=none")
    parts = sorted((tmp_path / "results" / "predictions").glob("lexrank-*/part-*.parquet"))
    assert len(parts) == 3
    parts[0].write_bytes(parts[0].read_bytes()[:100])
    for path in records(tmp_path).values():
        path.unlink()
    process = harness(*RUN, "summariser=lexrank", "stance=none")
    assert "1 of 3 answers computed" in process.stderr
    [path] = records(tmp_path).values()
    assert any(parts[0].name in note for note in read_record(path).notes)


def test_corrupted_record_is_named_in_the_report(river: Path, harness: Harness, tmp_path: Path) -> None:
    harness("run", "-m", "dataset.path=river", "split=all", "summariser=lead3,lexrank", "stance=none")
    path = next(p for name, p in records(tmp_path).items() if name.startswith("lexrank"))
    path.write_text("{", encoding="utf-8")
    out = harness("report").stdout
    assert "1 unreadable" in out
    assert path.parent.name in out
    assert "lead3" in out


def test_a_record_of_another_dataset_state_is_stale(river: Path, harness: Harness) -> None:
    harness(*RUN, "summariser=lexrank", "stance=none")
    path = river / "articles" / "river-0.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("Ferris", "Perris"), encoding="utf-8")
    harness(*RUN, "summariser=lead3", "stance=none")
    out = harness("report").stdout
    assert "1 complete, 0 failed, 1 stale" in out
    assert "another state of river" in out


def test_compare_and_show(river: Path, harness: Harness, tmp_path: Path) -> None:
    harness("run", "-m", "dataset.path=river", "split=all", "summariser=lead3", "stance=sentiment,majority")
    a, b = sorted(records(tmp_path))
    out = harness("compare", a, b).stdout
    assert "stance.macro_f1.three_way" in out
    assert "not distinguishable" in out
    shown = harness("show", b, "--article", "river-0").stdout
    assert "Ada Brandt" in shown
    assert "demanded that the gates be shut" in shown
    assert "sentiment" in shown
    assert "river-0" in harness("show", b).stdout
    error = harness("show", b, "--article", "river-9", code=1).stderr
    assert "not among the run's articles" in error


def test_rescore_from_stored_predictions(river: Path, harness: Harness, tmp_path: Path) -> None:
    harness(*RUN, "stance=sentiment")
    [path] = records(tmp_path).values()
    before = read_record(path)
    path.with_name("scores.parquet").unlink()
    assert "1 of 1 runs scored" in harness("rescore").stderr
    assert read_record(path).metrics == before.metrics
    assert path.with_name("scores.parquet").exists()
    for part in (tmp_path / "results" / "predictions").glob("sentiment-*/part-*"):
        part.unlink()
    assert "answers of sentiment are not stored" in harness("rescore", code=1).stderr


def test_list(river: Path, harness: Harness) -> None:
    harness(*RUN, "stance=none")
    assert "lead3-river-all" in harness("list", "runs").stdout
    systems = harness("list", "systems").stdout
    assert "lexrank" in systems
    assert "VADER" in systems
    assert "escalation" in harness("list", "datasets").stdout


def imported(args: list[str], cwd: Path) -> set[str]:
    """Top-level modules in sys.modules after the command ran in a process of its own."""
    code = (
        "import sys\n"
        "from harness.cli import main\n"
        f"sys.argv = ['harness', *{args!r}]\n"
        "try:\n    main()\nexcept SystemExit as e:\n    assert not e.code, e.code\n"
        "print('\\nMODULES', *sorted({m.partition('.')[0] for m in sys.modules}))\n"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=True)
    return set(process.stdout.rpartition("MODULES")[2].split())


def test_help_is_light(tmp_path: Path) -> None:
    assert not imported(["--help"], tmp_path) & {"torch", "transformers", "pandas", "hydra", "pyarrow", "numpy"}


def test_a_finished_sweep_is_light(river: Path, harness: Harness, tmp_path: Path) -> None:
    args = ["run", "-m", "dataset.path=river", "split=all", "summariser=lead3,lexrank", "stance=majority,sentiment"]
    harness(*args)
    loaded = imported(args, tmp_path)
    assert not loaded & {"torch", "transformers", "rouge_score", "sklearn", "scipy", "pandas"}


def test_python_entry_points(river: Path, tmp_path: Path, monkeypatch: object) -> None:
    code = (
        "from harness import load_dataset, run, load_runs, compare\n"
        "assert len(load_dataset('river')) == 3\n"
        "records = run('dataset.path=river', 'split=all', 'summariser=none', 'stance=majority,sentiment')\n"
        "assert [r.status for r in records] == ['complete', 'complete'], records\n"
        "runs = load_runs('results')\n"
        "assert {row.name for row in runs.rows('stance')} == {'majority', 'sentiment'}\n"
        "[comparison] = compare(records[0].run_id, records[1].run_id)\n"
        "assert comparison.differences[0].metric == 'stance.macro_f1.three_way'\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_preservation_with_a_judge(river: Path, harness: Harness, tmp_path: Path) -> None:
    harness(
        "run", "-m", "dataset.path=river", "split=all", "summariser=lead3,lexrank", "stance=none", "judge=sentiment"
    )
    for path in records(tmp_path).values():
        record = read_record(path)
        judged = record.system("judge")
        assert judged is not None
        # per article 4 pairs; read from the summary, the article, the reference, nothing, another article's reference
        assert judged.n_items == 3 * 4 * 5
        coverage = record.metrics["preservation.coverage"]
        assert coverage.value is not None
        assert coverage.n_scored == 12
        table = record.tables["preservation"]
        assert table["judge_on"]["empty"]["preservation.coverage"]["value"] == 0
        assert table["judge_on"]["empty"]["preservation.fidelity"]["value"] is None
        assert len(table["rows"]) == 12
    assert "Judge: sentiment" in harness("report").stdout


def test_failed_answers_are_said_and_asked_for_again(river: Path, harness: Harness, tmp_path: Path) -> None:
    state = {"down": True}
    common = ["summariser=endpoint", "stance=none", "summariser.model=any", "summariser.attempts=1"]

    def behave(prompt: str, _: int) -> str:
        return "400" if state["down"] and "month 1" in prompt else "ok"

    with serving(behave, lambda _: chat("The mill protested.")) as server:
        args = (*RUN, *common, f"summariser.base_url={server.url}")
        first = harness(*args, "articles=[river-1]", code=1)
        assert "1 of 1 answers failed, such as: " in first.stderr
        assert "the same command asks for them again" in first.stderr
        first = harness(*args)
        assert "endpoint: 1 of 3 answers failed" in first.stderr
        # scored again they stay failed, and nothing is lost
        assert "2 of 2 runs scored" in harness("rescore").stderr
        state["down"] = False
        again = harness(*args)
        assert "1 of 3 answers computed" in again.stderr
        assert "failed" not in again.stderr
        done = {p.read_text(encoding="utf-8") for p in records(tmp_path).values()}
        assert "complete already" in harness(*args).stderr
    assert sum(server.seen.values()) == 1 + 3 + 1
    assert len(done) == 2


def test_a_second_try_that_cannot_begin_leaves_the_record(river: Path, harness: Harness, tmp_path: Path) -> None:
    with serving(lambda prompt, _: "400" if "month 1" in prompt else "ok", lambda _: chat("Yes.")) as server:
        args = (*RUN, "summariser=endpoint", "summariser.model=any", "stance=none", f"summariser.base_url={server.url}")
        harness(*args)
        [path] = records(tmp_path).values()
        before = path.read_bytes()
        torn = tmp_path / "results" / "datasets"
        for snapshot in torn.iterdir():
            snapshot.unlink()
        torn.rmdir()
        torn.write_text("a file where a folder belongs")
        again = harness(*args, code=1)
    assert "its failed answers could not be asked for again, so its record stays as it was" in again.stderr
    assert path.read_bytes() == before
