"""Hydra composes configs, jobs run one after another with shared models; the only module that imports hydra."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.config import RunConfig, parse_run_config
from harness.errors import ConfigError, HarnessError
from harness.models.pool import ModelPool
from harness.results.records import RunRecord, record_path
from harness.runs.interpolations import environment_closed, explained
from harness.runs.job import Finished, run_job
from harness.runs.outcome import answers_line, headlines, next_command, stopped, sweep_table
from harness.runs.overrides import MULTIRUN, prepared, quoted, split_flags
from harness.runs.probes import suite
from harness.runs.together import answer_together
from harness.runtime.paths import config_dir
from harness.runtime.progress import Reporter

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""
FILES_LEFT_OUT = 3
"""Exit code where everything was done but for files of the folder that could not be read; each is named."""


@dataclass
class Session:
    """The jobs of one process: they share loaded models, and each ends in a record, whatever happens to the others."""

    reporter: Reporter
    pool: ModelPool | None = None
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
        for repeat in range(config.repeats):
            one = config.model_copy(update={"seed": config.seed + repeat, "repeats": 1})
            try:
                jobs = suite(one)
            except HarnessError as error:
                self.refused.append((" ".join(overrides), error))
                return
            if len(jobs) > 1:
                answer_together(jobs, self.pool, self.reporter)
            for job in jobs:
                self._run_one(job, overrides)

    def _run_one(self, config: RunConfig, overrides: Sequence[str]) -> None:
        assert self.pool is not None
        try:
            finished = run_job(config, overrides, self.pool, self.reporter)
        except HarnessError as error:
            # not even a record can be written
            self.refused.append((" ".join(overrides), error))
            return
        self.finished.append(finished)
        record = finished.record
        path = record_path(config.results, record.run_id)
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


def run_command(overrides: Sequence[str], *, quiet: bool = False) -> int:
    """`harness run`: the exit code; records are on disk."""
    session = Session(Reporter(quiet))
    words = _readable(prepared(overrides))
    try:
        jobs = composed(words)
        if jobs is None:
            _run_by_hydra(words, session)
        for config, job_overrides in jobs or ():
            session.run(config, job_overrides)
    except KeyboardInterrupt:
        session.reporter.plain(stopped(session.results or Path("results")))
        return INTERRUPTED
    return session.close()


def _run_by_hydra(words: Sequence[str], session: Session) -> None:
    """What only Hydra's own program does: its flags, another launcher or sweeper, a folder of further configs."""
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    @hydra.main(version_base="1.3", config_path=str(config_dir()), config_name="run")
    def job(cfg: Any) -> None:
        words_of_job = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)
        assert isinstance(words_of_job, list)
        try:
            resolved = _resolved(cfg, words_of_job)
        except OmegaConfBaseException as error:
            session.refused.append((" ".join(o.removeprefix("++") for o in words_of_job), explained(error)))
            return
        session.run(*resolved)

    # hydra keeps a copy of a sweep's config, secrets and all: it goes when the sweep ends
    with TemporaryDirectory() as folder:
        argv, sys.argv = sys.argv, ["harness run", *words, f"hydra.sweep.dir={folder}"]
        try:
            with environment_closed():
                job()
        finally:
            sys.argv = argv


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
    jobs = composed(_readable(["-m", *prepared(overrides)]))
    if jobs is None:
        raise ConfigError("hydra's own settings are for the command line", hint="harness run takes them")
    return jobs


def composed(words: Sequence[str]) -> list[tuple[dict[str, Any], list[str]]] | None:
    """The config of every job that prepared words name, each composed once; None where Hydra itself has to run them.

    What a job's groups choose is put together once for all jobs that choose alike, its fields are then set in a copy: a
    sweep over seeds or limits composes one config. Raises ConfigError for what Hydra refuses, before anything runs.
    """
    import hydra
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.types import RunMode
    from omegaconf import OmegaConf, open_dict

    flags, overrides = split_flags(words)
    if not MULTIRUN.issuperset(flags) or any(re.match(r"[~+]*hydra\b", o) or "${hydra:" in o for o in overrides):
        return None
    with environment_closed(), hydra.initialize_config_dir(str(config_dir()), version_base="1.3"):
        loader: Any = GlobalHydra.instance().config_loader()
        parser = OverridesParser.create(config_loader=loader)

        def config_of(words: Sequence[str], mode: RunMode) -> Any:
            return loader.load_configuration("run", list(words), mode, validate_sweep_overrides=mode == RunMode.RUN)

        sweep = config_of(overrides, RunMode.MULTIRUN)
        plugins = (sweep.hydra.launcher._target_, sweep.hydra.sweeper._target_)
        if not all(place.startswith("hydra._internal.core_plugins.basic_") for place in plugins):
            return None
        jobs = [overrides]
        if flags or sweep.hydra.mode == RunMode.MULTIRUN:
            swept = [f"{name}={values}" for name, values in (sweep.hydra.sweeper.get("params") or {}).items()]
            [jobs] = BasicSweeper.split_arguments(parser.parse_overrides([*swept, *overrides]), None)
        bases: dict[tuple[str, ...], Any] = {}
        configs = []
        for job in jobs:
            parsed = parser.parse_overrides(list(job))
            loader.validate_sweep_overrides_legal(parsed, RunMode.RUN, from_shell=True)
            fields = [o for o in parsed if not loader.repository.group_exists(o.key_or_group)]
            choices = tuple(str(o.input_line) for o in parsed if o not in fields)
            if choices not in bases:
                bases[choices] = config_of(choices, RunMode.RUN)
                with open_dict(bases[choices]):
                    del bases[choices]["hydra"]
            config = deepcopy(bases[choices])
            loader._apply_overrides_to_config(fields, config)
            OmegaConf.copy_cache(sweep, config)
            configs.append(_resolved(config, job))
        return configs


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


def _resolved(cfg: Any, overrides: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The composed config as plain data, and the overrides that led to it, as a user would write them."""
    from omegaconf import OmegaConf

    raw = OmegaConf.to_container(cfg, resolve=True)
    assert isinstance(raw, dict)
    return {str(k): v for k, v in raw.items()}, [o.removeprefix("++") for o in overrides]


def _missing(raw: Any, path: str = "") -> str | None:
    """The first field that a config leaves to the command line (`???`) and that was not set there, as `summariser.model`."""
    if isinstance(raw, dict):
        return next((m for k, v in raw.items() if (m := _missing(v, f"{path}.{k}".lstrip(".")))), None)
    return path if raw == "???" else None


def _readable(words: list[str]) -> list[str]:
    """The words, each of which Hydra's grammar can read; ConfigError says how to quote one that it cannot."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    for word in split_flags(words)[1]:
        try:
            parser.parse_override(word)
        except HydraException:
            name, _, value = word.lstrip("+").partition("=")
            raise ConfigError(
                f"{name}={value}: this value has signs that mean something to Hydra",
                hint=f'quote it twice, once for the shell: "{name}={quoted(value)}"',
            ) from None
    return words
