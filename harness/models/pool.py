"""Keeps loaded models for the jobs of one process; the least recently used leave when memory runs short."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from threading import RLock
from typing import Protocol, TypeVar, cast

from harness.models.device import PeakMemory, free_memory, is_out_of_memory, release_cached, total_memory


class Loaded(Protocol):
    """What a pool holds."""

    @property
    def device(self) -> str:
        """Where it lives: `cpu`, `cuda`, `cuda:N`."""
        ...

    @property
    def memory(self) -> int:
        """Bytes that its weights take."""
        ...


_Model = TypeVar("_Model", bound=Loaded)
_SHARE = 0.6
"""Share of a device's memory that models may take by default; the rest is for activations and caches."""


class ModelPool:
    """Loaded models by key; `budget` is bytes per device (default: 60 % of it). Safe to share between threads."""

    def __init__(self, budget: int | None = None) -> None:
        self._budget = budget
        self._models: OrderedDict[Hashable, Loaded] = OrderedDict()
        self._lock = RLock()
        self.loads: Counter[Hashable] = Counter()
        """How often each key was loaded from disk."""
        self.load_seconds = 0.0
        """Seconds that all loads took, with the conversion of weights and the features of what fitted systems learn from."""
        self._watch: PeakMemory | None = None
        self._before: dict[Hashable, int] = {}
        self._used: set[Hashable] = set()
        self._most = 0

    def get(
        self, key: Hashable, loader: Callable[[], _Model], *, needs: Callable[[], int] = lambda: 0, device: str = "cpu"
    ) -> _Model:
        """The model under `key`, loaded by `loader` if it is not here.

        `needs` says about how many bytes it will take on `device`, 0 if nobody knows: others leave before it is loaded, so
        that both need not fit at once. A model larger than the budget is still loaded, alone. Where memory runs out while
        it loads, all others leave and it is loaded once more.
        """
        with self._lock:
            if key in self._models:
                self._models.move_to_end(key)
                self._used.add(key)
                return cast(_Model, self._models[key])

            def load() -> _Model:
                if needed := needs():
                    self._make_room(needed, device, free=True)
                return loader()

            # what a load loads in turn is part of it
            begun, before = time.perf_counter(), self.load_seconds
            model = self._unless_full(load)
            if model is None:
                self.release()
                model = load()
            self.load_seconds = before + time.perf_counter() - begun
            self.loads[key] += 1
            self._make_room(model.memory, model.device)
            self._models[key] = model
            return model

    def _unless_full(self, load: Callable[[], _Model]) -> _Model | None:
        """What `load` returns; None if memory ran out and models are here that could leave.

        A function of its own: when it returns, the error is gone, and with it the half-loaded model that its traceback holds.
        """
        try:
            return load()
        except Exception as error:
            if not self._models or not is_out_of_memory(error):
                raise
        return None

    def watch(self, device: str) -> None:
        """Begins to measure the most memory that work takes on `device` (see `peak`)."""
        with self._lock:
            self._before = {k: m.memory for k, m in self._models.items() if m.device == device}
            self._used.clear()
            self._most = 0
            self._watch = PeakMemory.start(device)

    def peak(self) -> int | None:
        """Bytes that the work since `watch` took at most, with the models that it found here and used, and without those
        that only were here before; None where that cannot be told."""
        with self._lock:
            taken = self._watch.bytes() if self._watch else None
            if taken is None:
                return None
            reused = sum(memory for key, memory in self._before.items() if key in self._used)
            return max(self._most, taken + reused)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._models

    def __len__(self) -> int:
        return len(self._models)

    def release(self, key: Hashable | None = None) -> None:
        """Drops one model, or all of them, and frees their memory."""
        with self._lock:
            leaving = list(self._models) if key is None else [key] if key in self._models else []
            # what leaves was there before the work and is so no longer: the measure begins anew without it
            gone = [k for k in leaving if k in self._before]
            if gone:
                self._most = self.peak() or 0
            devices = {self._models.pop(k).device for k in leaving}
            for device in devices:
                release_cached(device)
            if gone and self._watch:
                self._watch = self._watch.without(sum(self._before.pop(k) for k in gone))

    def _make_room(self, needed: int, device: str, *, free: bool = False) -> None:
        """Drops the least recently used until `needed` bytes fit the budget (and, if `free`, the free memory)."""
        budget = self._budget if self._budget is not None else int(total_memory(device) * _SHARE)
        while here := [k for k, m in self._models.items() if m.device == device]:
            held = sum(self._models[k].memory for k in here)
            if held + needed <= budget and not (free and needed > free_memory(device)):
                break
            self.release(here[0])
