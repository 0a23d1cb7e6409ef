"""How much memory weights will take is known before they are loaded, from whatever they are stored in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.models import gguf
from harness.models.causal import CausalModel
from harness.models.loading import weight_bytes
from harness.models.pool import ModelPool
from harness.models.source import weight_files
from harness.systems.base import Context
from harness.systems.weights import WeightedSystem, WeightOptions
from harness.types import Dataset
from tests.tiny import load_tiny, save_tiny


def stored(folder: Path, **saving: Any) -> Path:
    """A tiny model whose weights are stored in bfloat16."""
    import torch
    from transformers import AutoModelForCausalLM

    save_tiny(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, **saving)
    return folder


def as_bin(folder: Path) -> Path:
    """The same as old-style weights."""
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


@pytest.mark.parametrize(
    "make",
    [save_tiny, stored, lambda f: stored(f, max_shard_size="20KB")],
    ids=["float32", "bfloat16", "several files"],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_weights_will_take_what_they_take_once_loaded(make: Callable[[Path], Path], dtype: str, tmp_path: Path) -> None:
    from harness.models.source import resolve

    folder = make(tmp_path / "m")
    assert weight_bytes(folder, dtype) == CausalModel.load(resolve(str(folder)), "cpu", dtype).memory


def test_old_weights_are_taken_for_what_the_config_says(tmp_path: Path) -> None:
    """Their size on disk, a little more than the tensors, doubled from bfloat16 to float32."""
    new, old = stored(tmp_path / "new"), as_bin(stored(tmp_path / "old"))
    assert weight_bytes(new, "float32") <= weight_bytes(old, "float32") <= 1.2 * weight_bytes(new, "float32")
    assert weight_bytes(old, "bfloat16") == (old / "pytorch_model.bin").stat().st_size


def test_the_files_of_weights_are_those_of_the_index(tmp_path: Path) -> None:
    assert weight_files(tmp_path) == ()
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    assert weight_files(tmp_path) == (tmp_path / "pytorch_model.bin",)
    (tmp_path / "model-00001-of-00002.safetensors").write_bytes(b"")
    assert weight_files(tmp_path) == (), "one of two, and nothing says which"
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "y.safetensors", "b": "x.safetensors", "c": "x.safetensors"}}))
    assert weight_files(tmp_path) == (tmp_path / "x.safetensors", tmp_path / "y.safetensors")
    index.write_text("{torn")
    assert weight_files(tmp_path) == ()
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert weight_files(tmp_path) == (tmp_path / "model.safetensors",)


@dataclass
class Other:
    memory: int
    device: str = "cpu"


@pytest.mark.parametrize("kind", ["bfloat16", "gguf", "hub"])
def test_others_leave_before_a_model_is_loaded(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At half of what the model takes as float32 another one would still fit; a GGUF file and a hub id tell nothing."""
    import huggingface_hub

    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    folder = stored(tmp_path / "m")
    needed = weight_bytes(folder, "float32")
    model = str(folder)
    if kind == "gguf":
        monkeypatch.setattr(gguf, "_convert", lambda _, into: [p.rename(into / p.name) for p in folder.iterdir()])
        model = str(tmp_path / "m.gguf")
        Path(model).write_bytes(b"x")
    elif kind == "hub":
        snapshot = folder.rename(tmp_path / ("c" * 40))
        monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda _, name, **__: str(snapshot / name))
        model = "org/name"

    class Weighted(WeightedSystem):
        answer = reads = None  # type: ignore[assignment]

    Weighted.__abstractmethods__ = frozenset()
    system = Weighted("w", WeightOptions(model=model), device="cpu")
    pool = ModelPool(budget=needed + 100)
    pool.get("other", lambda: Other(needed // 4))
    load, present = CausalModel.load, []
    monkeypatch.setattr(CausalModel, "load", lambda *a: present.append("other" in pool) or load(*a))
    system.loaded(CausalModel, Context(Dataset("d", "1", (), "f"), pool, "cpu"))
    system.loaded(CausalModel, Context(Dataset("d", "1", (), "f"), pool, "cpu"))
    assert present == [False]


def test_packed_weights_are_counted(tmp_path: Path) -> None:
    model = load_tiny(tmp_path)
    before = model.memory
    linears = sum(p.numel() for n, p in model.model.named_parameters() if "proj" in n or "lm_head" in n) * 4
    if not model.packed:
        pytest.skip("nothing is packed on this processor")
    assert model.memory == before + linears
