"""New scores for old runs from their stored predictions, under this version's metrics; no model is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.config import parse_run_config
from harness.errors import HarnessError
from harness.models.pool import ModelPool
from harness.results.records import finished_record, read_records, write_record
from harness.runs.compute import compute
from harness.runs.prepare import prepare
from harness.runtime.progress import Reporter


def rescore_runs(results: Path, run_ids: Sequence[str]) -> int:
    """Scores the named runs (default: all complete ones) anew; the exit code is 1 if one could not be scored."""
    reporter = Reporter()
    records, broken = read_records(results)
    chosen = [r for r in records if r.status == "complete" and (not run_ids or r.run_id in run_ids)]
    problems = [error.message for error in broken]
    problems += [
        f"{wanted}: no complete run of that id" for wanted in run_ids if wanted not in {r.run_id for r in chosen}
    ]
    done = 0
    for old in chosen:
        try:
            job = prepare(parse_run_config({**old.config, "results": str(results)}), old.systems)
            scored_already = finished_record(results, job.run_id) is not None and job.run_id != old.run_id
            if scored_already:
                reporter.say(f"{old.run_id}: scored already as {job.run_id}")
                continue
            record, scores, answers = compute(job, ModelPool(), reporter, old)
        except HarnessError as error:
            problems.append(f"{old.run_id}: {error.message}")
            continue
        except Exception as error:
            # whatever is wrong with it, the others are scored
            problems.append(f"{old.run_id}: {type(error).__name__}: {error}")
            continue
        # what computed the answers, where and when, stays true of them
        kept = old.model_dump(include={"overrides", "started_at", "seconds", "environment"})
        write_record(results, record.model_copy(update=kept), scores, answers)
        done += 1
        reporter.say(f"{old.run_id}: scored again" + ("" if job.run_id == old.run_id else f" as {job.run_id}"))
    for problem in problems:
        reporter.plain(f"not scored: {problem}")
    reporter.say(f"{done} of {len(chosen)} runs scored, no model loaded")
    return 1 if problems else 0
