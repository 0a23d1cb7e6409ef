"""Units on workers, with a make-believe Ray: every unit once, workers that end, and words for what goes wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from harness.config import ExecutorConfig, parse_run_config
from harness.errors import ConfigError, SystemFailed
from harness.models.pool import ModelPool
from harness.results.store import PredictionStore
from harness.results.stored_columns import parts_of
from harness.runs import fleet as fleets
from harness.runs.fleet import MOST_TRIES, Fleet, Worker, made, unreachable
from harness.runs.predict import answer_all, plan
from harness.runs.questions import items_for
from harness.systems.base import Context, Options, System
from harness.types import Answer, Item
from tests.make_believe import dataset

DATA = dataset(6, 2)
RAY = ExecutorConfig(name="ray", workers=2)


class First(System):
    kind = "summariser"
    adapter = "test.first"

    def reads(self, item: Item, dataset: Any) -> dict[str, Any]:
        return {"text": item.article.text}

    def answer(self, items: Any, context: Context) -> list[Answer]:
        return [Answer(item.article.text[:20], seconds=1.0) for item in items]


class Refusing(First):
    def answer(self, items: Any, context: Context) -> list[Answer]:
        raise SystemFailed("no", hint="ask another")


class RayError(Exception):
    pass


class RayTaskError(RayError):
    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(eq=False)
class Reference:
    value: Any = None


@dataclass(eq=False)
class Actor:
    """A worker whose calls are answered when they are looked at; `ends` says at which its process ends, after the work."""

    ray: FakeRay
    worker: Worker

    def __getattr__(self, name: str) -> Any:
        def remote(*args: Any) -> Reference:
            return Reference(lambda: self.ray.call(self, name, args))

        return SimpleNamespace(remote=remote)


@dataclass
class FakeRay:
    """As much of Ray as the fleet uses."""

    ends: Callable[[FakeRay, str], bool] = lambda ray, name: False
    calls: list[str] = field(default_factory=list)
    killed: list[Actor] = field(default_factory=list)
    started: int = 0
    exceptions: ClassVar = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)

    def is_initialized(self) -> bool:
        return True

    def put(self, value: Any) -> Reference:
        return Reference(value)

    def get(self, reference: Reference) -> Any:
        return reference.value() if callable(reference.value) else reference.value

    def wait(self, references: list[Reference], num_returns: int, timeout: float) -> tuple[list[Reference], None]:
        assert references, "nothing would ever come"
        return references[:1], None

    def remote(self, kind: type[Worker]) -> Any:
        def start(memory: float) -> Actor:
            self.started += 1
            return Actor(self, kind(memory))

        return SimpleNamespace(options=lambda **options: SimpleNamespace(remote=start))

    def kill(self, actor: Actor) -> None:
        self.killed.append(actor)

    def call(self, actor: Actor, name: str, args: Any) -> Any:
        self.calls.append(name)
        try:
            value = getattr(actor.worker, name)(*args)
        except Exception as error:
            raise RayTaskError(error) from None
        if self.ends(self, name):
            raise RayError("actor died\nnode terminated unexpectedly")
        return value


def ask(
    system: System, ray: FakeRay, store: PredictionStore, monkeypatch: pytest.MonkeyPatch, shared: bool = True
) -> Any:
    monkeypatch.setitem(sys.modules, "ray", ray)
    if not shared:
        monkeypatch.setattr(fleets.Path, "exists", lambda path: False)
    fleet = Fleet(RAY)
    work = plan(system, list(items_for("summariser", DATA.articles)), DATA, store)
    answered = answer_all(system, work, Context(DATA), store, "summary", fleet=fleet)
    fleet.close()
    return answered


def keys(store: PredictionStore, system: System) -> list[str]:
    from harness.results.stored_columns import part_columns

    parts = parts_of(store.folder(system.name, system.fingerprint))
    return [key for part in parts for key in part_columns(part, ("key",))["key"].to_pylist()]


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("ends_at", [0, 3])
def test_workers_answer_as_this_process_does_and_every_unit_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: bool, ends_at: int
) -> None:
    system = First("first", Options())
    here = PredictionStore(tmp_path / "here")
    work = plan(system, list(items_for("summariser", DATA.articles)), DATA, here)
    expected = [p.answer for p in answer_all(system, work, Context(DATA), here, "summary").predictions]
    # one worker is gone with its answer, which was stored already where the folder is shared
    ray = FakeRay(ends=lambda ray, name: name == "answer" and ray.calls.count("answer") == ends_at)
    store = PredictionStore(tmp_path / "there")
    answered = ask(system, ray, store, monkeypatch, shared)
    assert [p.answer for p in answered.predictions] == expected
    assert answered.n_computed == 6
    assert sorted(keys(store, system)) == sorted(keys(here, system)), "none lost, none stored twice"
    assert ray.started == 2 + (ends_at > 0)
    assert len(ray.killed) == 2 + (ends_at > 0), "nobody is left when the session ends"
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_unit_that_ends_every_worker_is_given_up_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = FakeRay(ends=lambda ray, name: name == "answer")
    with pytest.raises(
        SystemFailed, match=rf"{MOST_TRIES} workers have ended over the unit of .*: node terminated"
    ) as error:
        ask(First("first", Options()), ray, PredictionStore(tmp_path), monkeypatch, shared=False)
    assert "executor.workers" in str(error.value.hint)
    assert ray.calls.count("answer") <= 2 * MOST_TRIES


def test_workers_that_never_start_end_the_run_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="no worker starts: node terminated unexpectedly"):
        ask(First("first", Options()), FakeRay(ends=lambda ray, name: True), PredictionStore(tmp_path), monkeypatch)


def test_what_a_system_raises_on_a_worker_is_raised_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemFailed, match="no") as error:
        ask(Refusing("refusing", Options()), FakeRay(), PredictionStore(tmp_path), monkeypatch)
    assert error.value.hint == "ask another"


def test_a_worker_with_other_weights_is_refused() -> None:
    class Order(SimpleNamespace):
        pass

    order: Any = Order(
        system=First, name="first", options=Options(), description="", device="cpu", adapter="test.first",
        fingerprint="f" * 64, identity={"adapter": "test.first", "version": "0", "options": {}},
    )  # fmt: skip
    with pytest.raises(ConfigError, match="version is '1', then '0'"):
        made(order)


def test_a_system_with_a_window_of_its_own_stays_here() -> None:
    class Server(First):
        def answer_units(self, units: Any, context: Context) -> Any:
            yield from ()

    assert Fleet(RAY).takes(First("first", Options()))
    assert not Fleet(RAY).takes(Server("server", Options()))


@pytest.mark.parametrize(
    ("error", "words", "hint"),
    [
        (
            type("AuthenticationError", (Exception,), {})("no"),
            "does not know this machine's token",
            "~/.ray/auth_token",
        ),
        (RuntimeError("Version mismatch:\nRay: 1"), "has other versions: Ray: 1", "same Ray"),
        (
            ConnectionError("Could not find any running Ray instance."),
            "no Ray cluster answers at auto",
            "ray start --head",
        ),
    ],
)
def test_a_cluster_that_cannot_be_reached_says_what_to_do(error: Exception, words: str, hint: str) -> None:
    refused = unreachable("auto", error)
    assert words in refused.message
    assert hint in str(refused.hint)


def test_without_ray_the_way_to_install_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match="executor=ray needs Ray") as error:
        Fleet(RAY)._connected()
    assert "[ray]" in str(error.value.hint)


BASE = {"dataset": {"path": "x"}, "stance": {"name": "majority", "adapter": "majority"}}


def test_what_is_rays_is_refused_elsewhere_and_local_records_stay_as_they_were() -> None:
    with pytest.raises(ConfigError, match="num_gpus: of executor=ray alone"):
        parse_run_config({**BASE, "executor": {"name": "local", "num_gpus": 1}})
    with pytest.raises(ConfigError, match=r"executor\.num_gpus=1"):
        parse_run_config({**BASE, "executor": {"name": "ray", "device": "cuda"}})
    with pytest.raises(ConfigError, match=r"executor\.address"):
        parse_run_config({**BASE, "executor": {"name": "ray", "address": "nowhere at all"}})
    local, ray = (parse_run_config({**BASE, "executor": {"name": name}}) for name in ("local", "ray"))
    assert set(local.model_dump()["executor"]) == {"name", "device", "token_budget", "model_memory_gb"}
    assert parse_run_config(ray.model_dump()) == ray
    assert local.identity() == ray.identity()


def test_the_models_of_a_worker_stay_loaded_between_systems() -> None:
    assert isinstance(Worker(1.0).pool, ModelPool)
