"""Jobs run one after another with shared models; what became of each is told, and gives the exit code."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.config import ExecutorConfig, RunConfig, parse_run_config
from harness.errors import ConfigError, HarnessError
from harness.models.pool import ModelPool
from harness.results.records import RunRecord, record_path
from harness.runs.composition import LAUNCHERS, composed, launcher_of, readable, run_by_hydra
from harness.runs.job import Finished, record_lost, run_job
from harness.runs.outcome import answers_line, headlines, next_command, stopped, sweep_table
from harness.runs.overrides import prepared, quoted
from harness.runtime.progress import Reporter

if TYPE_CHECKING:
    from harness.runs.fleet import Fleet

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""
FILES_LEFT_OUT = 3
"""Exit code where everything was done but for files of the folder that could not be read; each is named."""


@dataclass
class Session:
    """The jobs of one process: they share loaded models, and each ends in a record, whatever happens to the others."""

    reporter: Reporter
    pool: ModelPool | None = None
    fleet: Fleet | None = None
    finished: list[Finished] = field(default_factory=list)
    refused: list[tuple[str, HarnessError]] = field(default_factory=list)
    results: Path | None = None

    def run(self, raw: dict[str, Any], overrides: Sequence[str]) -> None:
        """One job, and its repeats with the following seeds."""
        try:
            if missing := _missing(raw):
                examples = {"dataset.path": "my_articles/", "summariser.model": "ORG/NAME or a folder or a .gguf file"}
                raise ConfigError(f"{missing} is not set", hint=f"{missing}={examples.get(missing, '...')}")
            config = parse_run_config(raw)
        except ConfigError as error:
            self.refused.append((" ".join(overrides), error))
            return
        self.results = config.results
        if config.dry:
            from harness.runs.dry import print_estimate

            try:
                print_estimate(config, self.reporter)
            except HarnessError as error:
                self.refused.append((" ".join(overrides), error))
            return
        if self.pool is None:
            self.pool = ModelPool(int(config.executor.model_memory_gb * 2**30))
        self._call_fleet(config.executor)
        for repeat in range(config.repeats):
            one = config.model_copy(update={"seed": config.seed + repeat, "repeats": 1})
            try:
                jobs = _jobs(one)
            except HarnessError as error:
                self.refused.append((" ".join(overrides), error))
                return
            if len(jobs) > 1 and self.fleet is None:
                from harness.runs.together import answer_together

                answer_together(jobs, self.pool, self.reporter)
            for job in jobs:
                self._run_one(job, overrides)

    def _call_fleet(self, executor: ExecutorConfig) -> None:
        """The workers of a cluster, where the config wants them: all jobs that name the same share them."""
        if self.fleet is not None and self.fleet.executor != executor:
            self.fleet.close()
            self.fleet = None
        if self.fleet is None and executor.name == "ray":
            from harness.runs.fleet import Fleet

            self.fleet = Fleet(executor, tell=self.reporter.once)

    def _run_one(self, config: RunConfig, overrides: Sequence[str]) -> None:
        assert self.pool is not None
        try:
            finished = run_job(config, overrides, self.pool, self.reporter, self.fleet)
        except HarnessError as error:
            # not even a record can be written
            self.refused.append((" ".join(overrides), error))
            return
        self.add(finished, config.results)

    def add(self, finished: Finished, results: Path) -> None:
        """Takes the outcome of a job into the account, and tells it."""
        self.finished.append(finished)
        record = finished.record
        path = record_path(results, record.run_id)
        if finished.kept_for is not None:
            self.reporter.plain(
                f"{record.run_id}: its failed answers could not be asked for again, so its record stays as it was: "
                f"{finished.kept_for}"
            )
        elif finished.skipped:
            self.reporter.plain(f"{record.run_id}: complete already, nothing to compute")
        elif record.error is not None:
            self.reporter.plain(f"{record.run_id}: failed")
        else:
            self.reporter.plain(f"{record.run_id}: {answers_line(record)}, {record.seconds:.1f} s → {path.parent}")
            for label, value in headlines(record):
                self.reporter.plain(f"  {label} {value}")
            for use in record.systems:
                if use.status != "ok":
                    self.reporter.plain(f"  {use.name}: {use.status}")
                if use.n_failed:
                    self.reporter.plain(
                        f"  {use.name}: {use.n_failed} of {use.n_items} answers failed, such as: {use.first_error}; "
                        "the same command asks for them again"
                    )
                for remark in use.remarks:
                    self.reporter.plain(f"  {use.name}: {remark}")

    def close(self) -> int:
        """Names what failed, says when nothing was computed, and gives the exit code."""
        failed = [f.record for f in self.finished if f.record.error is not None]
        for overrides, error in self.refused:
            self.reporter.plain(f"refused: {overrides or 'the config'}\n{error}")
        for record in failed:
            assert record.error is not None
            self.reporter.plain(f"failed: {record.run_id}: {record.error.message}")
        if failed:
            total = len(self.finished) + len(self.refused)
            self.reporter.plain(f"{len(failed)} of {total} runs failed; tracebacks are in their record.json")
        elif self.finished and all(f.skipped for f in self.finished):
            self.reporter.plain("nothing was computed: every run was complete")
        self._say_what_follows()
        if self.pool is not None:
            self.pool.release()
        if self.fleet is not None:
            self.fleet.close()
        hopeless = any(use.n_items == use.n_failed > 0 for f in self.finished for use in f.record.systems)
        if failed or self.refused or hopeless or any(f.kept_for for f in self.finished):
            return 1
        return FILES_LEFT_OUT if any(f.left_out for f in self.finished) else 0

    def _say_what_follows(self) -> None:
        """The scores of a sweep side by side, and the command that shows what was made."""
        complete = [f.record for f in self.finished if f.record.error is None]
        if not complete:
            return
        if (table := sweep_table(complete)) is not None:
            self.reporter.console.print(table)
        self.reporter.plain(next_command(Path(str(complete[-1].config.get("results", "results")))))


def _jobs(config: RunConfig) -> list[RunConfig]:
    """The runs that a config stands for: itself, unless it names a probe."""
    if config.probe is None:
        return [config]
    from harness.runs.probes import suite

    return suite(config)


def run_command(overrides: Sequence[str], *, quiet: bool = False) -> int:
    """`harness run`: the exit code; records are on disk."""
    gc.freeze()  # modules stay: without this a sixth of a sweep's time with nothing to do is looking for garbage among them
    session = Session(Reporter(quiet))
    words = readable(prepared(overrides))
    try:
        launcher = launcher_of(words)
        jobs = [] if launcher is not None else composed(words)
        if launcher is not None:
            _launch(launcher, words, session)
        if jobs is None:
            run_by_hydra(words, session.run, lambda overrides, error: session.refused.append((overrides, error)))
        for config, job_overrides in jobs or ():
            session.run(config, job_overrides)
    except KeyboardInterrupt:
        session.reporter.plain(stopped(session.results or Path("results")))
        return INTERRUPTED
    return session.close()


def _launch(launcher: Mapping[str, Any], words: Sequence[str], session: Session) -> None:
    """Every job of a sweep in a process of its own; one that is killed leaves a failed record, and the sweep goes on."""
    from harness.runs.launch import launch

    jobs = composed([word for word in words if not LAUNCHERS.match(word)])
    if jobs is None:
        raise ConfigError("a launcher takes hydra.launcher fields alone", hint="leave Hydra's other settings out")
    if any(config.get("dry") for config, _ in jobs):
        for config, overrides in jobs:
            session.run(config, overrides)
        return
    results = {str(config.get("results", "results")) for config, _ in jobs}
    session.results = Path(min(results))
    folder = session.results.absolute() / ".launched"
    for number, outcome in launch(launcher, [overrides for _, overrides in jobs], launched, folder):
        config, overrides = jobs[number]
        try:
            if isinstance(outcome, HarnessError):
                lost = parse_run_config(config)
                session.add(record_lost(lost, overrides, outcome), lost.results)
            else:
                session.refused += outcome[1]
                for finished in outcome[0]:
                    session.add(finished, Path(str(finished.record.config.get("results", "results"))))
        except HarnessError as error:
            session.refused.append((" ".join(overrides), error))


def launched(overrides: Sequence[str]) -> tuple[list[Finished], list[tuple[str, HarnessError]]]:
    """What became of one job of a sweep, run by a process of its own that says nothing."""
    session = Session(Reporter(quiet=True))
    for config, words in compose(overrides):
        session.run(config, words)
    session.close()
    return session.finished, session.refused


def run(*overrides: str, quiet: bool = True, **fields: object) -> list[RunRecord]:
    """Runs from Python: `run(summariser="lead3", stance=["majority", "sentiment"], limit=3)` is a sweep over both stances.

    `fields` are groups and fields as the command line has them, a dotted one by `**{"dataset.path": path}`: a list of a field
    that holds one value, or of a group, is swept over; None, True and numbers are meant as such. Overrides as the command
    line takes them go before. Returns the records in order; a failed job's record says why. Raises ConfigError for a config
    that says something impossible.
    """
    overrides = (*overrides, *(_override(name, value) for name, value in fields.items()))
    session = Session(Reporter(quiet))
    for config, job_overrides in compose(overrides):
        session.run(config, job_overrides)
    session.close()
    if session.refused:
        raise session.refused[0][1]
    return [f.record for f in session.finished]


def compose(overrides: Sequence[str]) -> list[tuple[dict[str, Any], list[str]]]:
    """The resolved config of each combination that the overrides name, and the overrides that led to it.

    Raises ConfigError for what Hydra refuses, and for what only `harness run` can do: another launcher or sweeper.
    """
    jobs = composed(readable(["-m", *prepared(overrides)]))
    if jobs is None:
        raise ConfigError("hydra's own settings are for the command line", hint="harness run takes them")
    return jobs


HOLDS_LISTS = ("articles", "dataset.targets")
"""Fields whose value is a list, and not a sweep."""


def _override(name: str, value: object) -> str:
    """`name=value` in Hydra's spelling."""
    if isinstance(value, list | tuple):
        values = ",".join(map(_spelled, value))
        return f"{name}=[{values}]" if name in HOLDS_LISTS else f"{name}={values}"
    return f"{name}={_spelled(value)}"


def _spelled(value: object) -> str:
    """A value as Hydra's grammar reads it back: text in quotation marks unless it is a plain word or a path."""
    if value is None or isinstance(value, bool | int | float):
        return "null" if value is None else str(value).lower()
    return quoted(str(value))


def _missing(raw: Any, path: str = "") -> str | None:
    """The first field that a config leaves to the command line (`???`) and that was not set there, as `summariser.model`."""
    if isinstance(raw, dict):
        return next((m for k, v in raw.items() if (m := _missing(v, f"{path}.{k}".lstrip(".")))), None)
    return path if raw == "???" else None
