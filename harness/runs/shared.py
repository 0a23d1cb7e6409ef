"""Runs over states of a dataset that differ, scored again on the articles that they share, from stored answers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.config import RunConfig, parse_run_config
from harness.errors import ConfigError, HarnessError
from harness.models.pool import ModelPool
from harness.results.records import (
    SHARED,
    RunRecord,
    complete_runs,
    finished_record,
    newest_run,
    read_records,
    write_record,
)
from harness.results.states import State, read_state, snapshot
from harness.runs.compute import compute
from harness.runs.prepare import prepare
from harness.runtime.progress import Reporter


@dataclass(frozen=True)
class Shared:
    """The runs that can be compared on the articles that they share, and why others cannot."""

    articles: tuple[str, ...]
    run_ids: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


def shared_runs(results: Path, names: Sequence[str] = ()) -> Shared:
    """Scores every complete run of the newest one's dataset on the articles that all of them asked about and that are today
    as they were then; no system is asked. ConfigError where there are none.

    A system that learns is left out where what it learned from has changed.
    """
    records, _ = read_records(results)
    plain = [r for r in complete_runs(records) if r.dataset is not None and r.dataset.unchanged is None]
    chosen = [r for r in plain if not names or any(r.run_id.startswith(name) for name in names)]
    if not chosen:
        raise ConfigError(f"no such runs in {results / 'runs'}", hint="harness list runs shows them")
    newest = newest_run(chosen)
    assert newest.dataset is not None
    today_path = snapshot(results, prepare(_config(newest, results), newest.systems).dataset)
    today = read_state(results, today_path.stem)
    assert today is not None
    left_out: list[tuple[str, str]] = []
    unchanged: dict[str, list[str]] = {}
    for record in chosen:
        assert record.dataset is not None
        then = read_state(results, record.dataset.fingerprint)
        if record.dataset.name == newest.dataset.name:
            ids = today.unchanged(then or State({}), record.dataset.articles)
            if ids:
                unchanged[record.run_id] = ids
            else:
                left_out.append((record.run_id, "none of its articles is as it was"))
    articles = sorted(set.intersection(*map(set, unchanged.values()))) if unchanged else []
    if not articles:
        raise ConfigError(
            "the runs share no article that is as it was", hint="harness run --again brings all up to date"
        )
    run_ids = []
    for record in (r for r in chosen if r.run_id in unchanged):
        try:
            run_ids.append(_scored_on(record, articles, results))
        except HarnessError as error:
            left_out.append((record.run_id, error.message))
    return Shared(tuple(articles), tuple(dict.fromkeys(run_ids)), tuple(left_out))


def _config(record: RunRecord, results: Path, articles: Sequence[str] | None = None) -> RunConfig:
    raw = {**record.config, "results": str(results)}
    return parse_run_config(raw if articles is None else {**raw, "articles": list(articles), "limit": None})


def _scored_on(record: RunRecord, articles: Sequence[str], results: Path) -> str:
    """The id of the run that has the record's answers about these articles alone."""
    job = prepare(_config(record, results, articles), record.systems)
    done = finished_record(results, job.run_id)
    if done is not None:
        return done.run_id
    scored, scores, answers = compute(job, ModelPool(), Reporter(quiet=True), record)
    assert scored.dataset is not None
    kept = record.model_dump(include={"started_at", "seconds", "environment"})
    overrides = [o for o in record.overrides if not o.startswith(("articles=", "limit=", "split="))]
    kept["overrides"] = [*overrides, f"articles=[{','.join(articles)}]"]
    dataset = scored.dataset.model_copy(update={"split": SHARED})
    write_record(results, scored.model_copy(update={**kept, "dataset": dataset}), scores, answers)
    return job.run_id
