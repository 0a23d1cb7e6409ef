"""The pool loads once, drops the least recently used by memory and counts loads; devices and dtypes follow their rule."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from harness.errors import ModelError
from harness.models.device import PeakMemory, free_memory, is_out_of_memory, pick_device, pick_dtype, total_memory
from harness.models.pool import ModelPool


@dataclass
class Fake:
    memory: int
    device: str = "cpu"


def test_a_model_is_loaded_once() -> None:
    pool = ModelPool(budget=100)
    first = pool.get("a", lambda: Fake(10))
    assert pool.get("a", lambda: Fake(10)) is first
    assert pool.loads["a"] == 1


def test_the_least_recently_used_leaves() -> None:
    pool = ModelPool(budget=100)
    for key in "ab":
        pool.get(key, lambda: Fake(45))
    pool.get("a", lambda: Fake(45))
    pool.get("c", lambda: Fake(45))
    assert "a" in pool and "c" in pool and "b" not in pool
    pool.get("b", lambda: Fake(45))
    assert pool.loads["b"] == 2 and len(pool) == 2


def test_room_is_made_before_loading_where_the_need_is_known() -> None:
    pool = ModelPool(budget=100)
    pool.get("a", lambda: Fake(60))
    present: list[bool] = []

    def load() -> Fake:
        present.append("a" in pool)
        return Fake(60)

    pool.get("b", load, needs=60)
    assert present == [False]


def test_a_model_larger_than_the_budget_is_held_alone() -> None:
    pool = ModelPool(budget=10)
    pool.get("a", lambda: Fake(5))
    pool.get("b", lambda: Fake(50))
    assert "b" in pool and len(pool) == 1


def test_devices_have_budgets_of_their_own() -> None:
    pool = ModelPool(budget=10)
    pool.get("a", lambda: Fake(8, "cpu"))
    pool.get("b", lambda: Fake(8, "elsewhere"))
    assert len(pool) == 2


def test_release_drops_one_or_all() -> None:
    pool = ModelPool(budget=100)
    for key in "abc":
        pool.get(key, lambda: Fake(1))
    pool.release("a")
    pool.release("never seen")
    assert "a" not in pool and len(pool) == 2
    pool.release()
    assert len(pool) == 0


def test_a_failed_load_leaves_the_pool_as_it_was() -> None:
    pool = ModelPool(budget=100)

    def fail() -> Fake:
        raise ModelError("no")

    with pytest.raises(ModelError):
        pool.get("a", fail)
    assert "a" not in pool and pool.loads["a"] == 0


def test_dtype_follows_the_device() -> None:
    assert pick_dtype("auto", "cpu") == "float32"
    assert pick_dtype("auto", "cuda:1") == "bfloat16"
    assert pick_dtype("fp16", "cpu") == "float16"
    with pytest.raises(ModelError, match="unknown dtype"):
        pick_dtype("int3")


def test_a_device_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto") == "cpu"
    with pytest.raises(ModelError, match="there is no device cuda"):
        pick_device("cuda:0")
    with pytest.raises(ModelError, match="unknown device"):
        pick_device("abacus")


def test_memory_is_measured_in_bytes() -> None:
    assert 0 < free_memory() < total_memory()


def test_peak_memory_is_that_of_the_work_watched() -> None:
    size = 64 << 20
    earlier = bytearray(b"x" * size)
    del earlier
    memory = PeakMemory.start("cpu")
    before = memory.bytes()
    later = bytearray(b"x" * size)
    del later
    after = memory.bytes()
    # only Linux lets a process reset its peak; elsewhere nothing is claimed
    assert (before is None) == (after is None) == (memory.before is None)
    assert before is None or before < size // 4
    assert after is None or 0.9 * size < after < 2 * size
    assert PeakMemory("cpu", None).bytes() is None


def test_a_model_that_was_there_before_counts_for_whoever_uses_it() -> None:
    pool = ModelPool(10_000)
    pool.get("a", lambda: Fake(100))
    assert pool.reused() == 0
    pool.get("a", lambda: Fake(100))
    pool.get("a", lambda: Fake(100))
    pool.get("b", lambda: Fake(30))
    assert pool.reused() == 100
    assert pool.reused() == 0


def test_running_out_of_memory_is_recognised() -> None:
    import torch

    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
    assert not is_out_of_memory(ValueError("out of memory"))


@pytest.mark.parametrize(
    "says",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes",
        "unable to mmap 9 bytes from file <x>: Cannot allocate memory (12)",
    ],
)
def test_whoever_runs_out_of_memory_is_recognised(says: str) -> None:
    import torch

    assert is_out_of_memory(RuntimeError(says))
    assert is_out_of_memory(torch.AcceleratorError(says))
    wrapped = ModelError("cannot load x")
    wrapped.__cause__ = RuntimeError(says)
    assert is_out_of_memory(wrapped)
