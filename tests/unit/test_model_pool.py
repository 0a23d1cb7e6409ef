"""The pool loads once, drops the least recently used by memory and counts loads; devices and dtypes follow their rule."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped, unused-ignore]
import pytest

from harness.errors import ModelError
from harness.models.device import (
    PeakMemory,
    free_memory,
    is_out_of_memory,
    pick_device,
    pick_dtype,
    release_cached,
    total_memory,
)
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

    pool.get("b", load, needs=lambda: 60)
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


def test_where_memory_runs_out_the_others_leave_and_it_is_loaded_again() -> None:
    pool = ModelPool(budget=100)
    pool.get("a", lambda: Fake(10))
    pool.get("b", lambda: Fake(10, "elsewhere"))
    present: list[int] = []

    def load() -> Fake:
        present.append(len(pool))
        if len(pool):
            raise ModelError("cannot load c") from RuntimeError("CUDA error: out of memory")
        return Fake(10)

    pool.get("c", load)
    assert present == [2, 0]
    assert "c" in pool and len(pool) == 1 and pool.loads["c"] == 1


def test_memory_that_never_suffices_is_an_error_after_one_more_try() -> None:
    pool = ModelPool(budget=100)
    pool.get("a", lambda: Fake(10))
    tries: list[int] = []

    def load() -> Fake:
        tries.append(len(pool))
        raise MemoryError

    for _ in range(2):
        with pytest.raises(MemoryError):
            pool.get("b", load)
    assert tries == [1, 0, 0], "alone there is nobody to make room"


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


class Block:
    """A model of so many bytes that are really there."""

    device = "cpu"

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self._bytes = bytearray(b"x") * memory


MIB = 1 << 20


def peak_of(pool: ModelPool, work: Callable[[], object]) -> int:
    """MiB, to the next ten, that the work took; skips where the system keeps no peak."""
    pool.watch("cpu")
    work()
    peak = pool.peak()
    if peak is None:
        pytest.skip("only Linux lets a process reset its peak")
    return round(peak / MIB, -1)


def test_a_model_that_was_there_before_counts_for_whoever_uses_it() -> None:
    pool = ModelPool(1000 * MIB)
    assert pool.peak() is None, "nothing was watched"
    assert peak_of(pool, lambda: pool.get("a", lambda: Block(100 * MIB))) == 100

    def both() -> None:
        pool.get("a", lambda: Block(100 * MIB))
        pool.get("a", lambda: Block(100 * MIB))
        pool.get("b", lambda: Block(30 * MIB))
        pool.get("b", lambda: Block(30 * MIB))

    assert peak_of(pool, both) == 130
    assert peak_of(pool, lambda: pool.get("b", lambda: Block(30 * MIB))) == 30


@pytest.mark.parametrize("known", [True, False], ids=["size known", "size not known"])
@pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
def test_a_model_that_leaves_meanwhile_hides_nothing_of_what_comes(known: bool, used: bool) -> None:
    pool = ModelPool(130 * MIB)
    pool.get("a", lambda: Block(100 * MIB))

    def work() -> None:
        if used:
            pool.get("a", lambda: Block(100 * MIB))
        pool.get("b", lambda: Block(120 * MIB), needs=lambda: 120 * MIB if known else 0)

    # where nobody knows how much b needs, a model that the work used is still there while b is loaded
    assert peak_of(pool, work) == (220 if used and not known else 120)
    assert "a" not in pool


def test_what_leaves_is_taken_from_a_gpu_s_measure_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """400 MB are there and leave, 450 come: they are what the work took, not 50."""
    import torch

    held = {"now": 400, "most": 400}
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: held["now"])
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _: held["most"])
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda _: held.update(most=held["now"]))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: held.update(now=0))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (500, 500))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: held["now"])

    def load() -> Fake:
        held.update(now=held["now"] + 450, most=max(held["most"], held["now"] + 450))
        return Fake(450, "cuda")

    pool = ModelPool(budget=500)
    pool.get("a", lambda: Fake(400, "cuda"))
    pool.watch("cuda")
    pool.get("b", load, needs=lambda: 450, device="cuda")
    assert pool.peak() == 450


def test_what_is_freed_goes_back_to_the_system() -> None:
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        pytest.skip("only glibc can be asked to")
    blocks = [bytearray(b"x") * 100_000 for _ in range(1000)]
    above = bytearray(100_000)
    held = psutil.Process().memory_info().rss
    blocks.clear()
    release_cached("cpu")
    assert held - psutil.Process().memory_info().rss > 80_000_000
    assert above


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
