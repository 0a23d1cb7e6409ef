"""What a results folder holds, what may go, and merging: nothing that a record refers to is ever lost."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.results.contents import contents
from harness.results.merge import carry_out as copy
from harness.results.merge import plan_merging
from harness.results.prune import DAY, HOUR, carry_out, plan_pruning
from harness.results.records import AnswerRef, DatasetUse, Failure, RunRecord, SystemUse, read_record, write_record
from harness.results.store import PredictionStore
from harness.types import Answer, Article, Item, Source, Target

NOW = time.time()


def item(article_id: str = "a") -> Item:
    return Item(Article(article_id, "T", "Text.", "e", Source("fictional"), (Target("escalation", "P."),), ()))


def store(results: Path, system: str, fingerprint: str, **answers: str | None) -> Path:
    """One part; an answer of None is an error. Returns the folder."""
    made = PredictionStore(results / "predictions")
    made.describe(system, fingerprint, {"adapter": system})
    rows = [(k, item(), Answer(v) if v is not None else Answer(error="boom")) for k, v in answers.items()]
    made.write(system, fingerprint, "stance", rows)
    return made.folder(system, fingerprint)


def run(
    results: Path, run_id: str, system: str, fingerprint: str, *keys: str, data: str = "d" * 64, **fields: object
) -> Path:
    """A complete run that used these answers; returns its folder."""
    record = RunRecord(
        run_id=run_id,
        status="complete",
        config={"stance": {"name": system, "adapter": "x"}, "results": "here"},
        dataset=DatasetUse(name="n", version="1", fingerprint=data, split="all", articles=["a"]),
        systems=[SystemUse(name=system, kind="stance", fingerprint=fingerprint)],
        started_at="2026-07-01T12:00:00+00:00",
    ).model_copy(update=fields)
    return write_record(results, record, [], [AnswerRef("stance", "", "a", None, None, k) for k in keys]).parent


def failed(results: Path, run_id: str, system: str, started_at: str = "2026-07-01T11:00:00+00:00") -> Path:
    error = Failure(type="ModelError", message="no memory\nleft", traceback="")
    config = {"stance": {"name": system, "adapter": "x"}, "results": "elsewhere", "executor": {"device": "cuda"}}
    record = RunRecord(run_id=run_id, status="failed", config=config, error=error, started_at=started_at)
    return write_record(results, record).parent


def snapshot(results: Path, name: str, text: str = "{}\n") -> Path:
    path = results / "datasets" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def undigested(text: str) -> str:
    """A record's text without the digest, which an edit would belie."""
    return re.sub(r',\s*"digest": "[0-9a-f]{64}"', "", text)


def aged(results: Path, seconds: float = 2 * DAY) -> None:
    for path in results.rglob("*"):
        os.utime(path, (NOW - seconds, NOW - seconds))


def going(results: Path, **flags: bool) -> set[str]:
    return {str(r.path.relative_to(results)) for r in plan_pruning(results, now=NOW, **flags).removals}


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Old: one run with two answers of `used`, predictions of `loose` that no run uses, two snapshots, one of them named."""
    folder = tmp_path / "results"
    store(folder, "used", "a" * 64, k="one", l="two")
    store(folder, "loose", "b" * 64, m="three")
    run(folder, "used-1", "used", "a" * 64, "k", "l")
    snapshot(folder, "d" * 64)
    snapshot(folder, "e" * 64)
    aged(folder)
    return folder


class TestDu:
    def test_counts(self, results: Path) -> None:
        store(results, "used", "a" * 64, k="again", n=None)
        part = sorted(store(results, "loose", "b" * 64, x="torn").glob("part-*"), key=os.path.getmtime)[-1]
        part.write_bytes(part.read_bytes()[:-9])
        run(results, "used-2", "used", "a" * 64, "k", "gone")
        run(results, "used-3", "used", "a" * 64, "k")
        (results / "runs" / "used-3" / "scores.parquet").unlink()
        failed(results, "used-4", "used")
        (results / "runs" / "torn" / "record.json").parent.mkdir()
        (results / "runs" / "torn" / "record.json").write_text("{")
        found = contents(results)
        assert found.runs == {"complete": 2, "incomplete": 1, "failed": 1, "unreadable": 1}
        assert "torn/record.json" in found.unreadable[0]
        loose, used = found.predictions
        assert (used.name, used.parts, used.answers, used.errors, used.records, used.lost) == (
            "used-aaaaaaaa", 2, 2, 1, 3, 1,
        )  # fmt: skip
        assert (loose.parts, loose.answers, loose.records, loose.torn) == (2, 1, 0, (part.name,))
        assert found.datasets == {"d" * 64: 3, "e" * 64: 0}
        assert found.total == sum(len(content) for content in files(results).values())

    def test_predictions_that_are_gone_are_lost(self, results: Path) -> None:
        for path in (results / "predictions" / "used-aaaaaaaa").iterdir():
            path.unlink()
        (results / "predictions" / "used-aaaaaaaa").rmdir()
        assert [(f.name, f.parts, f.lost) for f in contents(results).predictions][-1] == ("used-aaaaaaaa", 0, 2)

    def test_no_folder_is_an_error_with_a_next_step(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="no such results folder") as found:
            contents(tmp_path / "nowhere")
        assert "--results" in (found.value.hint or "")

    def test_a_part_that_is_no_parquet_is_torn(self, tmp_path: Path) -> None:
        [part] = store(tmp_path, "s", "f" * 64, k=None, l="two").glob("part-*")
        [folder] = contents(tmp_path).predictions
        assert (folder.answers, folder.errors, folder.torn) == (1, 1, ())
        part.write_bytes(b"PAR1")
        [folder] = contents(tmp_path).predictions
        assert (folder.answers, folder.errors, folder.torn) == (0, 0, (part.name,))


class TestPrune:
    def test_by_default_predictions_stay(self, results: Path) -> None:
        assert going(results) == {f"datasets/{'e' * 64}.jsonl"}

    def test_planning_removes_nothing(self, results: Path) -> None:
        before = files(results)
        plan_pruning(results, failed=True, unused=True)
        assert files(results) == before

    def test_unused_predictions_go_and_used_ones_never(self, results: Path) -> None:
        used = files(results / "predictions" / "used-aaaaaaaa")
        done, kept = carry_out(plan_pruning(results, failed=True, unused=True, now=NOW))
        assert (len(done), kept) == (2, [])
        assert not (results / "predictions" / "loose-bbbbbbbb").exists()
        assert files(results / "predictions" / "used-aaaaaaaa") == used
        assert contents(results).predictions[0].lost == 0
        assert going(results, failed=True, unused=True) == set()

    def test_an_incomplete_run_keeps_its_predictions(self, results: Path) -> None:
        (results / "runs" / "used-1" / "answers.parquet").unlink()
        assert going(results, failed=True, unused=True) == {"predictions/loose-bbbbbbbb", f"datasets/{'e' * 64}.jsonl"}

    def test_an_unreadable_record_keeps_predictions_and_snapshots_and_is_named(self, results: Path) -> None:
        (results / "runs" / "used-1" / "record.json").write_text('{"schema_version": 99}')
        plan = plan_pruning(results, failed=True, unused=True, now=NOW)
        assert plan.removals == ()
        [refused] = plan.refused
        assert "used-1/record.json" in refused
        assert "predictions" in refused

    def test_a_failed_run_goes_once_its_config_has_completed(self, results: Path) -> None:
        failed(results, "early", "used")
        failed(results, "late", "used", started_at="2026-07-01T13:00:00+00:00")
        failed(results, "other", "loose")
        assert {"runs/early"} == {p for p in going(results) if p.startswith("runs")}
        assert {"runs/early", "runs/late", "runs/other"} <= going(results, failed=True)

    def test_a_failed_run_keeps_what_its_next_try_goes_on_from(self, results: Path) -> None:
        failed(results, "other", "loose")
        plan = plan_pruning(results, unused=True, now=NOW)
        assert "predictions/loose-bbbbbbbb" not in going(results, unused=True)
        assert any("other" in line and "--failed" in line for line in plan.kept)
        assert {"predictions/loose-bbbbbbbb", "runs/other"} <= going(results, unused=True, failed=True)

    def test_systems_inside_metrics_are_named_too(self, results: Path) -> None:
        folder = failed(results, "other", "none")
        text = undigested((folder / "record.json").read_text())
        nested = '"config": {"metrics": {"nli": {"name": "loose", "adapter": "nli"}}, '
        (folder / "record.json").write_text(text.replace('"config": {', nested))
        assert read_record(folder / "record.json").config["metrics"]
        assert "predictions/loose-bbbbbbbb" not in going(results, unused=True)

    def test_a_renamed_folder_takes_nobody_elses_run_away(self, results: Path) -> None:
        failed(results, "used-1x", "used").rename(results / "runs" / "copy")
        record = results / "runs" / "copy" / "record.json"
        record.write_text(undigested(record.read_text()).replace('"used-1x"', '"used-1"'))
        assert "runs/used-1" not in going(results, failed=True)

    @pytest.mark.parametrize("folder", ["loose", "used", "brand-new"])
    def test_new_answers_that_no_run_used_yet_keep_all_predictions(self, results: Path, folder: str) -> None:
        store(results, folder, {"loose": "b", "used": "a"}.get(folder, "c") * 64, fresh="four")
        plan = plan_pruning(results, unused=True, now=NOW)
        assert plan.removals == ()
        assert folder in plan.refused[0]
        assert len(plan_pruning(results, unused=True, now=NOW + 2 * HOUR).removals) >= 2

    def test_new_answers_of_a_finished_run_hinder_nothing(self, results: Path) -> None:
        store(results, "quick", "c" * 64, fresh="four")
        run(results, "quick-1", "quick", "c" * 64, "fresh")
        assert "predictions/loose-bbbbbbbb" in going(results, unused=True)

    def test_a_part_being_written_keeps_all_predictions(self, results: Path) -> None:
        half = results / "predictions" / "used-aaaaaaaa" / ".part-x.parquet.12-0123abcd.tmp"
        half.write_bytes(b"half")
        assert going(results, unused=True) == set()
        os.utime(half, (NOW - DAY / 2, NOW - DAY / 2))
        assert str(half.relative_to(results)) not in going(results, unused=True)

    def test_what_a_killed_writer_left_goes_after_a_day(self, results: Path) -> None:
        left = {"predictions/used-aaaaaaaa/.part-x.parquet.12-0123abcd.tmp", "runs/used-1/.record.json.3-0123abcd.tmp"}
        for name in left:
            (results / name).write_bytes(b"half")
        write_record(results, RunRecord(run_id="half", status="complete", config={})).unlink()
        (results / "predictions" / "used-aaaaaaaa" / ".mine.tmp").write_bytes(b"not ours")
        aged(results, DAY / 2)
        assert "runs/half" not in going(results)
        assert not left & going(results)
        aged(results)
        plan = plan_pruning(results, now=NOW)
        assert going(results) == {*left, "runs/half", f"datasets/{'e' * 64}.jsonl"}
        assert carry_out(plan)[1] == []
        assert not (results / "runs" / "half").exists()
        assert (results / "predictions" / "used-aaaaaaaa" / ".mine.tmp").exists()

    def test_a_temporary_file_in_a_folder_that_goes_is_counted_once(self, results: Path) -> None:
        (results / "predictions" / "loose-bbbbbbbb" / ".part-x.parquet.12-0123abcd.tmp").write_bytes(b"half")
        aged(results)
        done, kept = carry_out(plan_pruning(results, unused=True, now=NOW))
        assert (len(done), kept) == (2, [])

    def test_a_run_that_ends_meanwhile_keeps_its_predictions(self, results: Path) -> None:
        plan = plan_pruning(results, unused=True, now=NOW)
        run(results, "loose-1", "loose", "b" * 64, "m", data="e" * 64)
        done, kept = carry_out(plan)
        assert done == []
        assert len(kept) == 2
        assert contents(results).predictions[0].lost == 0

    def test_an_answer_written_meanwhile_keeps_its_folder(self, results: Path) -> None:
        plan = plan_pruning(results, unused=True, now=NOW)
        folder = store(results, "loose", "b" * 64, fresh="four")
        done, kept = carry_out(plan)
        assert [r.what for r in done] == ["dataset snapshot"]
        assert "loose" in kept[0]
        assert len(list(folder.glob("part-*"))) == 2

    def test_a_failed_run_that_completes_meanwhile_stays(self, results: Path) -> None:
        failed(results, "other", "loose")
        plan = plan_pruning(results, failed=True, now=NOW)
        run(results, "other", "loose", "b" * 64, "m")
        assert any("other" in line for line in carry_out(plan)[1])
        assert read_record(results / "runs" / "other" / "record.json").status == "complete"


class TestMerge:
    def merged(self, into: Path, *sources: Path) -> tuple[str, ...]:
        plan = plan_merging(sources, into)
        copy(plan)
        return plan.notes

    def test_two_machines_results_become_one(self, results: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        store(other, "used", "a" * 64, z="five")
        run(other, "used-9", "used", "a" * 64, "z")
        snapshot(other, "d" * 64)
        assert self.merged(tmp_path / "all", results, other) == ()
        assert files(tmp_path / "all") == {**files(other), **files(results)}
        assert set(PredictionStore(tmp_path / "all" / "predictions").read("used", "a" * 64)) == {"k", "l", "z"}

    def test_again_it_copies_nothing(self, results: Path, tmp_path: Path) -> None:
        self.merged(tmp_path / "all", results)
        plan = plan_merging([results], tmp_path / "all")
        assert plan.copies == ()
        # two parts, two descriptions, two snapshots, one run
        assert plan.equal == 7

    def test_an_interrupted_merge_leaves_no_run_without_answers_and_goes_on(
        self, results: Path, tmp_path: Path
    ) -> None:
        class Killed(BaseException):
            pass

        for stop_after in range(1, len(plan_merging([results], tmp_path / "all").copies)):
            into = tmp_path / str(stop_after)
            copied: list[int] = []

            def count(n: int, copied: list[int] = copied, stop_after: int = stop_after) -> None:
                copied.append(n)
                if len(copied) == stop_after:
                    raise Killed

            with pytest.raises(Killed):
                copy(plan_merging([results], into), count)
            assert len(files(into)) == stop_after
            assert contents(into).runs["incomplete"] == 0
            assert not any(f.lost for f in contents(into).predictions)
            self.merged(into, results)
            assert files(into) == files(results)

    def test_parts_of_one_name_that_differ_are_an_error_that_names_both(self, results: Path, tmp_path: Path) -> None:
        self.merged(tmp_path / "all", results)
        [part] = (results / "predictions" / "loose-bbbbbbbb").glob("part-*")
        [another] = store(tmp_path / "x", "loose", "b" * 64, m="changed").glob("part-*")
        part.write_bytes(another.read_bytes())
        store(results, "new", "c" * 64, x="y")
        before = files(tmp_path / "all")
        with pytest.raises(StoreError, match=part.name) as found:
            self.merged(tmp_path / "all", results)
        assert str(part) in found.value.message
        assert str(tmp_path / "all") in found.value.message
        assert files(tmp_path / "all") == before

    def test_two_sources_are_compared_with_each_other(self, results: Path, tmp_path: Path) -> None:
        self.merged(tmp_path / "twin", results)
        [part] = (results / "predictions" / "loose-bbbbbbbb").glob("part-*")
        [another] = store(tmp_path / "x", "loose", "b" * 64, m="changed").glob("part-*")
        part.write_bytes(another.read_bytes())
        with pytest.raises(StoreError, match="differ"):
            plan_merging([results, tmp_path / "twin"], tmp_path / "all")

    def test_a_torn_part_is_not_copied_and_a_whole_one_replaces_it(self, results: Path, tmp_path: Path) -> None:
        into = tmp_path / "all"
        [part] = (results / "predictions" / "loose-bbbbbbbb").glob("part-*")
        whole = part.read_bytes()
        part.write_bytes(whole[:-9])
        assert any(part.name in note for note in self.merged(into, results))
        target = into / part.relative_to(results)
        assert not target.exists()
        target.write_bytes(whole[:-9])
        part.write_bytes(whole)
        self.merged(into, results)
        assert target.read_bytes() == whole

    @pytest.mark.parametrize("complete_in_source", [True, False])
    def test_complete_stands_over_failed(self, results: Path, tmp_path: Path, complete_in_source: bool) -> None:
        other = tmp_path / "other"
        failed(other, "used-1", "used")
        source, into = (results, other) if complete_in_source else (other, results)
        self.merged(into, source)
        assert contents(into).runs == {"complete": 1, "incomplete": 0, "failed": 0, "unreadable": 0}

    def test_complete_stands_over_incomplete(self, results: Path, tmp_path: Path) -> None:
        self.merged(tmp_path / "all", results)
        (tmp_path / "all" / "runs" / "used-1" / "scores.parquet").unlink()
        self.merged(tmp_path / "all", results)
        assert contents(tmp_path / "all").runs["complete"] == 1

    def test_of_two_complete_records_the_first_stands_and_the_other_is_named(
        self, results: Path, tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        run(other, "used-1", "used", "a" * 64, "k", "l", seconds=99.0)
        before = files(results / "runs")
        notes = self.merged(results, other)
        assert files(results / "runs") == before
        assert any(str(other / "runs" / "used-1") in note and "differ" in note for note in notes)

    def test_answers_that_differ_are_counted(self, results: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        store(other, "used", "a" * 64, k="one", l="said otherwise")
        run(other, "used-1", "used", "a" * 64, "k", "l")
        assert any("used-aaaaaaaa: 1 answers differ" in n and "rescore" in n for n in self.merged(results, other))

    def test_unreadable_records_are_named_and_never_overwritten(self, results: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        self.merged(other, results)
        record = results / "runs" / "used-1" / "record.json"
        record.write_text('{"schema_version": 99}')
        plan = plan_merging([other], results)
        assert "newer than this harness" in plan.problems[0]
        copy(plan)
        assert record.read_text() == '{"schema_version": 99}'
        assert "newer" in plan_merging([results], tmp_path / "third").problems[0]

    def test_snapshots_that_differ_and_are_not_what_they_say(self, results: Path, tmp_path: Path) -> None:
        snapshot(tmp_path / "other", "d" * 64, "{ }\n")
        (tmp_path / "other" / "runs").mkdir()
        with pytest.raises(StoreError, match="differ"):
            plan_merging([tmp_path / "other"], results)

    def test_of_two_snapshots_the_true_one_stands(self, results: Path, tmp_path: Path) -> None:
        from harness.results.states import snapshot as real
        from tests.make_believe import dataset

        path = real(results, dataset(2))
        wrong = snapshot(tmp_path / "other", path.stem, "{}\n")
        (tmp_path / "other" / "runs").mkdir()
        assert not plan_merging([tmp_path / "other"], results).copies
        good = path.read_bytes()
        self.merged(tmp_path / "other", results)
        assert wrong.read_bytes() == good

    def test_what_is_no_results_folder_is_refused(self, results: Path, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        for source in (tmp_path / "empty", tmp_path / "nowhere", results):
            with pytest.raises(StoreError):
                plan_merging([source], results)
