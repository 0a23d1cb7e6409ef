"""Units of a run on the workers of a Ray cluster: placement, transport and the loss of nodes are Ray's, units are ours.

A worker is an actor: one process with its own loaded models, the whole session long. It never gets a second unit before it
has answered the first. A unit whose worker is gone goes to another one under the same part name: it is neither lost nor
stored twice. Ray's own retries (`max_task_retries`) are not used: they wait for the lost actor to be placed again, for ever
where the nodes that are left have no room for it, while its unit could go to a worker that idles.
"""

from __future__ import annotations

import os
import platform
import sys
import time
import uuid
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.config import ExecutorConfig
from harness.errors import ConfigError, SystemFailed
from harness.models.pool import ModelPool
from harness.results.leases import Claimed
from harness.results.store import PredictionStore, part_name
from harness.runtime.install import install_extra
from harness.systems.base import Context, System, timed
from harness.systems.class_place import USER_MODULE
from harness.systems.contract import difference
from harness.types import Answer, Dataset, Item

MOST_TRIES = 4
"""Workers that may end while they answer a unit before it is given up."""
PATIENCE = 30.0
"""Seconds without any worker after which the person who waits is told what the cluster has."""

Rows = Sequence[tuple[str, Item]]
Answers = Sequence[Answer | None]


@dataclass(frozen=True)
class Order:
    """What a worker needs to answer any unit of one system; the class travels, what it has loaded does not."""

    system: type[System]
    name: str
    options: Any
    description: str
    adapter: str | None
    fingerprint: str
    identity: dict[str, Any]
    kind: str
    dataset: Dataset
    device: str
    token_budget: int
    store: Path
    marker: Path
    """A file that the driver has just made in the store: who sees it shares the folder."""


@dataclass
class Unit:
    """A unit under way: its number in the plan, what it asks, the name of its part, and how many workers have ended over it."""

    number: int
    rows: Rows
    part: str = field(default_factory=part_name)
    losses: int = 0

    def lose(self, error: Exception) -> None:
        """Counts a worker that ended over it; SystemFailed once it has cost enough of them."""
        self.losses += 1
        if self.losses >= MOST_TRIES:
            ids = ", ".join(dict.fromkeys(item.article.id for _, item in self.rows[:3]))
            raise SystemFailed(
                f"{self.losses} workers have ended over the unit of {ids}: {_last_line(error)}",
                hint="short of memory? executor.workers=N makes fewer of them, executor.num_cpus=N gives each more of its node",
            ) from error


@dataclass(frozen=True)
class Outcome:
    """What a worker sends back: the answers, None where it has stored them itself, and the bytes that it took at most."""

    answers: Answers | None
    peak: int | None


class Worker:
    """One process of the cluster."""

    def __init__(self, model_memory_gb: float) -> None:
        self.pool = ModelPool(int(model_memory_gb * 2**30))
        self._order: Order | None = None
        self._reference: Any = None

    def ready(self) -> None:
        """Answers as soon as the process runs."""

    def answer(self, references: Sequence[Any], rows: Rows, part: str) -> Outcome:
        """Answers a unit, and stores it where the results folder is shared. `references` is a list of one, so that Ray does
        not fetch the order, and the dataset in it, anew for every unit."""
        import ray

        if references[0] != self._reference:
            self._order, self._reference = ray.get(references[0]), references[0]
            self._system = made(self._order)
            self.pool.watch(self._device(self._order.device))
        assert self._order is not None
        return answered(self._order, self._system, self.pool, rows, part)

    def _device(self, wanted: str) -> str:
        from harness.models.device import pick_device

        return pick_device(wanted)


def made(order: Order) -> System:
    """The system as this machine has it; ConfigError if it would answer otherwise than the driver's."""
    system = order.system(order.name, order.options, order.description, order.device)
    system.adapter = order.adapter
    if system.fingerprint != order.fingerprint:
        raise ConfigError(
            f"{order.name} is another system on the worker {platform.node()} (there first): "
            f"{difference(system.identity(), order.identity)}",
            hint="driver and workers need the same version of the harness, the same weights and one dtype, as in "
            "stance.dtype=bfloat16",
        )
    return system


def answered(order: Order, system: System, pool: ModelPool, rows: Rows, part: str) -> Outcome:
    """A unit's answers; what a worker before has stored under that name is not computed again."""
    store = PredictionStore(order.store)
    folder = store.folder(order.name, order.fingerprint)
    shared = order.marker.exists()
    if shared and (folder / part).exists():
        return Outcome(None, pool.peak())
    context = Context(order.dataset, pool, order.device, order.token_budget, folder if shared else None)
    started = time.perf_counter() - pool.load_seconds
    [(_, answers)] = system.answer_units([[item for _, item in rows]], context)
    answers = timed(answers, time.perf_counter() - pool.load_seconds - started)
    if not shared:
        return Outcome(answers, pool.peak())
    whole = [(*row, answer) for row, answer in zip(rows, answers, strict=True) if answer is not None]
    store.write(order.name, order.fingerprint, order.kind, whole, part)
    return Outcome(None, pool.peak())


class Fleet:
    """A session's workers. Nothing is imported or started before the first unit; `close` ends the workers."""

    def __init__(self, executor: ExecutorConfig, tell: Callable[[str], None] = lambda line: None) -> None:
        self.executor = executor
        self.tell = tell
        self.peak: int | None = None
        self._idle: list[Any] = []
        self._starting: dict[Any, Any] = {}
        self._failed_starts = 0
        self._joined = False

    def takes(self, system: System) -> bool:
        """Whether units of that system go to workers: one that keeps requests to a server in a window of its own (an
        `answer_units` of its own) is asked from here."""
        return type(system).answer_units is System.answer_units

    def answers(
        self,
        system: System,
        claimed: Claimed[list[Item]],
        units: Sequence[Rows],
        context: Context,
        store: PredictionStore,
        kind: str,
    ) -> Generator[tuple[int, Answers | None, str]]:
        """The number of each claimed unit among `units`, its answers and the name of their part, in any order; None where a
        worker has stored them.

        What a system raises on a worker is raised here. ConfigError if there is no cluster; SystemFailed for a unit that ends
        one worker after the other.
        """
        ray = self._connected()
        folder = store.folder(system.name, system.fingerprint).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        marker = folder / f".fleet.{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp"
        marker.touch()
        order = Order(
            type(system), system.name, system.options, system.description, system.adapter, system.fingerprint,
            system.identity(), kind, context.dataset, context.device, context.token_budget, store.root.absolute(), marker,
        )  # fmt: skip
        busy: dict[Any, tuple[Any, Unit]] = {}
        try:
            if order.system.__module__.startswith(USER_MODULE):
                # the class of a file of the user's, which no worker can import
                ray.cloudpickle.register_pickle_by_value(sys.modules[order.system.__module__])
            reference = [ray.put(order)]
            self.peak = None
            fresh = (Unit(number := claimed.numbers[n], units[number]) for n, _ in enumerate(claimed))
            lost: list[Unit] = []
            while True:
                while self._idle and (unit := lost.pop() if lost else next(fresh, None)) is not None:
                    worker = self._idle.pop()
                    busy[worker.answer.remote(reference, unit.rows, unit.part)] = worker, unit
                if self._idle and not busy:
                    return
                ready, _ = ray.wait([*busy, *self._starting], num_returns=1, timeout=PATIENCE)
                for result in ready:
                    worker, unit = busy.pop(result) if result in busy else (self._starting.pop(result), None)
                    outcome = self._outcome(ray, result, worker, unit)
                    if unit is None:
                        continue
                    if outcome is None:
                        lost.append(unit)
                    else:
                        self.peak = max(filter(None, (self.peak, outcome.peak)), default=None)
                        yield unit.number, outcome.answers, unit.part
                if not ready and not busy:
                    self.tell(self._why_nobody_starts(ray))
        finally:
            for worker, _ in busy.values():
                # what it is at is no longer wanted
                ray.kill(worker)
            marker.unlink(missing_ok=True)

    def start(self) -> None:
        """Waits until all workers have started."""
        ray = self._connected()
        ray.get(list(self._starting))

    def close(self) -> None:
        """Ends the workers, and the connection if it was made here; a cluster that others started stays."""
        if workers := [*self._idle, *self._starting.values()]:
            import ray

            for worker in workers:
                ray.kill(worker)
            if self._joined:
                ray.shutdown()
        self._idle, self._starting, self._joined = [], {}, False

    def _outcome(self, ray: Any, result: Any, worker: Any, unit: Unit | None) -> Outcome | None:
        """What a worker has sent, and the worker is free again; None where it is gone: another one is asked for."""
        try:
            outcome: Outcome | None = ray.get(result)
        except ray.exceptions.RayTaskError as error:
            self._idle.append(worker)
            raise getattr(error, "cause", None) or error from error
        except ray.exceptions.RayError as error:
            ray.kill(worker)
            if unit is not None:
                unit.lose(error)
            else:
                self._failed_starts += 1
                if self._failed_starts >= MOST_TRIES:
                    raise ConfigError(
                        f"no worker starts: {_last_line(error)}",
                        hint="every node needs the harness with its extra `ray`, in the same version, and the same Python",
                    ) from error
            self._start(ray)
            return None
        self._failed_starts = 0
        self._idle.append(worker)
        return outcome

    def _connected(self) -> Any:
        """Ray, connected, with as many workers as the config says, running or asked for."""
        try:
            import ray
        except ImportError:
            raise ConfigError("executor=ray needs Ray", hint=install_extra("ray")) from None
        address = self.executor.address or "local"
        if not ray.is_initialized():
            here = {"include_dashboard": False} if address == "local" else {}
            try:
                ray.init(address=address, log_to_driver=False, logging_level="ERROR", **here)
            except Exception as error:
                raise unreachable(address, error) from error
            self._joined = True
        for _ in range(self._n_workers(ray) - len(self._idle) - len(self._starting)):
            self._start(ray)
        return ray

    def _n_workers(self, ray: Any) -> int:
        """As many as the config says; else as many as the cluster has room for now."""
        if self.executor.workers is not None:
            return self.executor.workers
        there, e = ray.cluster_resources(), self.executor
        rooms = [there.get(name, 0.0) / each for name, each in (("CPU", e.num_cpus), ("GPU", e.num_gpus)) if each]
        return max(1, int(min(rooms, default=1.0) + 1e-9))

    def _start(self, ray: Any) -> None:
        e = self.executor
        actor = ray.remote(Worker).options(num_cpus=e.num_cpus, num_gpus=e.num_gpus, max_restarts=0, max_task_retries=0)
        worker = actor.remote(e.model_memory_gb)
        self._starting[worker.ready.remote()] = worker

    def _why_nobody_starts(self, ray: Any) -> str:
        free, there, e = ray.available_resources(), ray.cluster_resources(), self.executor
        rooms = [f"{free.get(name, 0):g} of {there.get(name, 0):g} {name}" for name in ("CPU", "GPU")]
        needed = f"{e.num_cpus:g} CPU and {e.num_gpus:g} GPU"
        return f"no worker has started yet: each needs {needed}, of the cluster are free {', '.join(rooms)}"


def unreachable(address: str, error: Exception) -> ConfigError:
    """What to do where `ray.init` has raised this."""
    words = str(error).lower()
    if type(error).__name__ == "AuthenticationError" or "unauthenticated" in words or "auth_token" in words:
        return ConfigError(
            f"the Ray cluster at {address} does not know this machine's token",
            hint="RAY_AUTH_MODE=token, and in ~/.ray/auth_token or RAY_AUTH_TOKEN the token of the head, on every node and here",
        )
    if "version mismatch" in words:
        return ConfigError(
            f"the Ray cluster at {address} has other versions: {_last_line(error)}",
            hint="driver and nodes need the same Ray and the same Python",
        )
    start = "ray start --head starts one on this machine; executor.address=local needs none"
    # Ray 2.60.0 says of a wrong token in its log alone that it was wrong
    at = (
        "executor.address=ray://HOST:10001, or auto on a machine of the cluster; it may not know this machine's token: "
        "RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN as the head has it"
    )
    return ConfigError(
        f"no Ray cluster answers at {address}: {_last_line(error)}", hint=start if address == "auto" else at
    )


def _last_line(error: Exception) -> str:
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)
