"""Independent jobs at once: each in a process of its own on this machine (joblib), or a job of Slurm's (submitit).

What a job returns comes back; a job that is killed costs itself alone, and says how it ended.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Generic, TypeVar

from harness.errors import ConfigError, SystemFailed
from harness.runtime.install import install_extra

TARGET = "harness.runs.launch."
"""How the `_target_` of the configs in `configs/hydra/launcher` begins that are launched here."""
BASE = frozenset(
    {"timeout_min", "cpus_per_task", "gpus_per_node", "tasks_per_node", "mem_gb", "nodes", "name", "stderr_to_stdout"}
)
"""What submitit calls alike on every cluster; other fields are the cluster's own, as in `partition`."""
PLUGIN = frozenset({"submitit_folder", "max_num_timeout"})
"""What Hydra adds of its plugin's own to a config of that name, where hydra-submitit-launcher is installed."""

Job = TypeVar("Job")
Result = TypeVar("Result")


def launch(
    launcher: Mapping[str, Any], jobs: Sequence[Job], work: Callable[[Job], Result], folder: Path
) -> Iterator[tuple[int, Result | SystemFailed]]:
    """The number of each job and what `work` returned, in any order; SystemFailed, not raised, for one that did not end.

    `launcher` is a config of `configs/hydra/launcher`; `work` and the jobs can be pickled; `folder` is for what Slurm's jobs
    write, and keeps that of the failed ones.
    """
    fields = {name: value for name, value in launcher.items() if value is not None}
    match fields.pop("_target_").removeprefix(TARGET):
        case "joblib":
            return _on_cores(int(fields["n_jobs"]), jobs, work)
        case "submitit_local" | "submitit_slurm" as name:
            return _by_submitit(name.removeprefix("submitit_"), fields, jobs, work, folder)
        case other:
            hint = "joblib, submitit_local or submitit_slurm"
            raise ConfigError(f"hydra.launcher._target_: {TARGET}{other} is no launcher", hint=hint)


def _on_cores(
    n_jobs: int, jobs: Sequence[Job], work: Callable[[Job], Result]
) -> Iterator[tuple[int, Result | SystemFailed]]:
    from joblib import Parallel, cpu_count, delayed, effective_n_jobs

    threads = max(1, cpu_count() // effective_n_jobs(n_jobs))
    # threads wait, processes work: joblib's own processes would all end with one that is killed
    at_once = Parallel(n_jobs=n_jobs, backend="threading", batch_size=1, return_as="generator_unordered")
    yield from at_once(delayed(_in_a_process)(number, job, work, threads) for number, job in enumerate(jobs))


def _in_a_process(
    number: int, job: Job, work: Callable[[Job], Result], threads: int
) -> tuple[int, Result | SystemFailed]:
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sending, work, job, threads))
    process.start()
    sending.close()
    try:
        result: Result | SystemFailed = receiving.recv()
    except EOFError:
        process.join()
        result = SystemFailed(ended(process.exitcode), hint="the same command goes on from what is stored")
    process.join()
    return number, result


def _send(sending: Connection, work: Callable[[Job], Result], job: Job, threads: int) -> None:
    # before torch is loaded: processes that each take all cores slow each other down
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    with suppress(KeyboardInterrupt):
        sending.send(work(job))


def ended(exit_code: int | None) -> str:
    """How a process ended that sent nothing, by its exit code."""
    if exit_code is not None and exit_code < 0:
        with suppress(ValueError):
            name = signal.Signals(-exit_code).name
            return f"its process was killed ({name})" + ("; short of memory?" if name == "SIGKILL" else "")
    return f"its process ended with exit code {exit_code}"


@dataclass(frozen=True)
class _Resumed(Generic[Job, Result]):
    """The work as submitit calls it: a job that Slurm preempts or stops at its time limit is queued again."""

    work: Callable[[Job], Result]

    def __call__(self, job: Job) -> Result:
        return self.work(job)

    def checkpoint(self, job: Job) -> Any:
        """What is queued in place of the stopped job: the same, which goes on from stored answers."""
        import submitit

        return submitit.helpers.DelayedSubmission(self, job)


def _by_submitit(
    cluster: str, fields: dict[str, Any], jobs: Sequence[Job], work: Callable[[Job], Result], folder: Path
) -> Iterator[tuple[int, Result | SystemFailed]]:
    try:
        import submitit
    except ImportError:
        raise ConfigError("this launcher needs submitit", hint=install_extra("launchers")) from None
    executor = submitit.AutoExecutor(folder=folder / "%j", cluster=cluster)
    executor.update_parameters(
        **{k if k in BASE else f"{cluster}_{k}": v for k, v in fields.items() if k not in PLUGIN}
    )
    handles = executor.map_array(_Resumed(work), list(jobs))
    for number, handle in enumerate(handles):
        try:
            result: Result | SystemFailed = handle.result()
            shutil.rmtree(handle.paths.folder, ignore_errors=True)
        except Exception as error:
            words = " ".join(str(error).split())[:300] or type(error).__name__
            log = handle.paths.stderr
            result = SystemFailed(f"job {handle.job_id} of {cluster}: {words}", hint=f"its log is {log}")
        yield number, result
    with suppress(OSError):
        folder.rmdir()
