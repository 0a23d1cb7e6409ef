"""One resolved config, from articles to run record; finished runs are skipped, failures are recorded."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.config import RunConfig
from harness.errors import ConfigError
from harness.models.pool import ModelPool
from harness.results.records import Failure, RunRecord, check_writable, finished_record, write_record
from harness.results.states import snapshot
from harness.results.store import PredictionStore, content_hash
from harness.runs.prepare import prepare, slug
from harness.runtime.progress import Reporter
from harness.runtime.secrets import keyless

if TYPE_CHECKING:
    from harness.runs.fleet import Fleet


@dataclass(frozen=True)
class Finished:
    """The outcome of a job: its record, whether it was complete before, and why the old record was kept after a new try."""

    record: RunRecord
    skipped: bool = False
    kept_for: str | None = None
    left_out: tuple[str, ...] = ()
    """Files that could not be read: the run is about the others."""


def run_job(
    config: RunConfig, overrides: Sequence[str], pool: ModelPool, reporter: Reporter, fleet: Fleet | None = None
) -> Finished:
    """Runs one config to its record. An error ends this job alone: it is recorded, with its traceback, and returned.

    A complete run some of whose answers failed asks for these again; if that cannot even begin, its record stands.
    ConfigError for a config that names something that there is not (an article, an option, a dataset), before anything is
    written; StoreError if no record can be written.
    """
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    clock = time.perf_counter()
    run_id = _early_id(config)
    earlier, job = None, None
    try:
        job = prepare(config)
        for line in (*(f"left out: {line}" for line in job.dataset.left_out), *job.dataset.notes):
            reporter.once(line)
        check_writable(config.results)
        run_id = job.run_id
        earlier = finished_record(config.results, run_id)
        if earlier is not None and job.is_finished(earlier):
            # what stands beside the answers may have been torn since
            snapshot(config.results, job.dataset)
            for system in job.systems.values():
                PredictionStore(config.results / "predictions").describe(
                    system.name, system.fingerprint, system.identity()
                )
            return Finished(earlier, skipped=True, left_out=job.dataset.left_out)
        from harness.runs.compute import compute

        record, scores, answers = compute(job, pool, reporter, fleet=fleet)
    except Exception as error:
        if earlier is not None:
            return Finished(earlier, kept_for=str(error) or repr(error))
        if job is None and isinstance(error, ConfigError):
            raise
        from harness.runs.compute import record_of

        check_writable(config.results)
        record, scores, answers = record_of(config, run_id, error=_failure(error)), [], []
    seconds = time.perf_counter() - clock
    record = keyless(
        record.model_copy(update={"overrides": list(overrides), "started_at": started, "seconds": seconds})
    )
    write_record(config.results, record, scores, answers)
    return Finished(record, left_out=job.dataset.left_out if job is not None else ())


def record_lost(config: RunConfig, overrides: Sequence[str], error: Exception) -> Finished:
    """The failed record of a run whose process could not write one itself; StoreError if none can be written."""
    from harness.runs.compute import record_of

    check_writable(config.results)
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    record = record_of(config, _early_id(config), error=_failure(error))
    record = keyless(record.model_copy(update={"overrides": list(overrides), "started_at": started}))
    write_record(config.results, record, [], [])
    return Finished(record)


def _early_id(config: RunConfig) -> str:
    """Of a run that ends before its articles and systems are known."""
    return f"{slug(config)}-{content_hash(config.model_dump(mode='json'))[:10]}"


def _failure(error: Exception) -> Failure:
    trace = "".join(traceback.format_exception(error))
    return Failure(type=type(error).__name__, message=str(error) or repr(error), traceback=trace)
