"""Keeps loaded models for the jobs of one process; the least recently used leave when memory runs short."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from threading import RLock
from typing import Protocol, TypeVar, cast

from harness.models.device import free_memory, release_cached, total_memory


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
        self._asked: dict[Hashable, int] = {}

    def get(self, key: Hashable, loader: Callable[[], _Model], *, needs: int = 0, device: str = "cpu") -> _Model:
        """The model under `key`, loaded by `loader` if it is not here.

        `needs` is about how many bytes it will take on `device` (its weights' size on disk, say): others leave before
        it is loaded, so that both need not fit at once. A model larger than the budget is still loaded, alone.
        """
        with self._lock:
            if key in self._models:
                self._models.move_to_end(key)
                self._asked.setdefault(key, self._models[key].memory)
                return cast(_Model, self._models[key])
            if needs:
                self._make_room(needs, device, free=True)
            model = loader()
            self.loads[key] += 1
            self._make_room(model.memory, model.device)
            self._models[key] = model
            self._asked[key] = 0
            return model

    def reused(self) -> int:
        """Bytes of the models that were asked for and found here since the last call: not taken anew, yet in use."""
        with self._lock:
            total = sum(self._asked.values())
            self._asked.clear()
            return total

    def __contains__(self, key: Hashable) -> bool:
        return key in self._models

    def __len__(self) -> int:
        return len(self._models)

    def release(self, key: Hashable | None = None) -> None:
        """Drops one model, or all of them, and frees their memory."""
        with self._lock:
            leaving = list(self._models) if key is None else [key] if key in self._models else []
            devices = {self._models.pop(k).device for k in leaving}
            for device in devices:
                release_cached(device)

    def _make_room(self, needed: int, device: str, *, free: bool = False) -> None:
        """Drops the least recently used until `needed` bytes fit the budget (and, if `free`, the free memory)."""
        budget = self._budget if self._budget is not None else int(total_memory(device) * _SHARE)
        while here := [k for k, m in self._models.items() if m.device == device]:
            held = sum(self._models[k].memory for k in here)
            if held + needed <= budget and not (free and needed > free_memory(device)):
                break
            self.release(here[0])
