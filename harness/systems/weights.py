"""What all systems with weights share: which files, which dtype, and one loaded model for all jobs of a process."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol, Self, TypeVar

from pydantic import Field

from harness.models.device import pick_device, pick_dtype
from harness.models.loading import weight_bytes
from harness.models.pool import Loaded
from harness.models.source import ModelSource, resolve
from harness.systems.base import Context, Options, System


class WeightOptions(Options):
    """Which model."""

    model: str = Field(description="hub id, folder, .gguf file (also ORG/NAME/FILE.gguf on the hub) or package:NAME")
    revision: str | None = Field(default=None, description="branch, tag or commit of a hub id; the commit is recorded")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"


class Loadable(Loaded, Protocol):
    """A class of models that a pool can hold."""

    @classmethod
    def load(cls, source: ModelSource, device: str, dtype: str) -> Self: ...


_Model = TypeVar("_Model", bound=Loadable)


class WeightedSystem(System):
    """A system with weights: its identity has their content and dtype, not the place where they lie."""

    Options: ClassVar[type[Options]] = WeightOptions

    @cached_property
    def source(self) -> ModelSource:
        """The model's files; ModelError where there are none."""
        return resolve(self.options.model, self.options.revision)

    @cached_property
    def dtype(self) -> str:
        """The dtype by name; `auto` follows the device that the executor uses."""
        return pick_dtype(self.options.dtype, pick_device(self.device))

    def identity(self) -> dict[str, Any]:
        base = super().identity()
        options = {k: v for k, v in base["options"].items() if k not in WeightOptions.model_fields}
        return {**base, "options": options, "weights": self.source.content_hash(), "dtype": self.dtype}

    def loaded(self, cls: type[_Model], context: Context) -> _Model:
        """The model, from the context's pool."""
        device = pick_device(context.device)
        key = (cls.__name__, self.source.content_hash(), device, self.dtype)
        return context.pool.get(
            key,
            lambda: cls.load(self.source, device, self.dtype),
            needs=lambda: weight_bytes(self.source.folder(), self.dtype),
            device=device,
        )
