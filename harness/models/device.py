"""Which device and dtype a model gets, how much memory is free and how much was used at most."""

from __future__ import annotations

import ctypes
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import ModelError

if TYPE_CHECKING:
    import torch

DTYPES = ("float32", "bfloat16", "float16")
_NO_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "alloc_failed",
    "allocation_failed",
)
"""What errors say in lower case where memory was short; the last two of cuBLAS's and cuDNN's statuses."""
_SHORT = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


def pick_device(wanted: str = "auto") -> str:
    """`auto` is CUDA where there is one, else the processor; ModelError if what is wanted is not there."""
    if wanted == "cpu":
        return "cpu"
    if wanted != "auto" and not re.fullmatch(r"cuda(:\d+)?", wanted):
        raise ModelError(f"unknown device {wanted!r}", hint="auto, cpu, cuda or cuda:N")
    if wanted == "auto" and not _gpu_driver():
        return "cpu"
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    index = int(wanted.partition(":")[2] or 0)
    if not torch.cuda.is_available() or index >= torch.cuda.device_count():
        raise ModelError(f"there is no device {wanted}", hint="device=auto takes what there is")
    return wanted


def _gpu_driver() -> bool:
    """Whether a GPU's driver may be there. A finished run asks for its dtype, and must not import torch for a no."""
    return sys.platform != "linux" or any(Path(p).exists() for p in ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd"))


def pick_dtype(wanted: str = "auto", device: str = "cpu") -> str:
    """`auto` is bfloat16 on a GPU and float32 on a processor (where bfloat16 is slower); the full name otherwise."""
    if wanted == "auto":
        return "bfloat16" if device.startswith("cuda") else "float32"
    name = _SHORT.get(wanted, wanted)
    if name not in DTYPES:
        raise ModelError(f"unknown dtype {wanted!r}", hint=f"auto, {', '.join(DTYPES)}")
    return name


def torch_dtype(name: str) -> torch.dtype:
    """The torch dtype of that name."""
    import torch

    dtype = getattr(torch, name)
    if not isinstance(dtype, torch.dtype):
        raise ModelError(f"unknown dtype {name!r}")
    return dtype


def free_memory(device: str = "cpu") -> int:
    """Bytes that can still be allocated on the device."""
    if device.startswith("cuda"):
        import torch

        free, _ = torch.cuda.mem_get_info(device)
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + held)
    import psutil  # type: ignore[import-untyped, unused-ignore]

    return int(psutil.virtual_memory().available)


def total_memory(device: str = "cpu") -> int:
    """Bytes of memory that the device has."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[1])
    import psutil  # type: ignore[import-untyped, unused-ignore]

    return int(psutil.virtual_memory().total)


@dataclass(frozen=True, slots=True)
class PeakMemory:
    """Most bytes taken since `start`, beyond the `before` that were in use then: by torch's allocator on a GPU, by the
    process on a processor, where `before` None says that the system keeps no peak which can be reset."""

    device: str
    before: int | None

    @classmethod
    def start(cls, device: str) -> PeakMemory:
        """Starts to watch."""
        if device.startswith("cuda"):
            import torch

            torch.cuda.reset_peak_memory_stats(device)
            return cls(device, int(torch.cuda.memory_allocated(device)))
        try:
            # 5 resets the peak of resident memory (man 5 proc)
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            return cls(device, None)
        return cls(device, _resident("VmRSS"))

    def without(self, released: int) -> PeakMemory:
        """Starts anew after so many bytes of `before` were given back."""
        now = PeakMemory.start(self.device)
        return now if self.before is None else replace(now, before=max(0, self.before - released))

    def bytes(self) -> int | None:
        """The peak so far, None where it cannot be told."""
        if self.before is None:
            return None
        if self.device.startswith("cuda"):
            import torch

            return max(0, int(torch.cuda.max_memory_allocated(self.device)) - self.before)
        return max(0, _resident("VmHWM") - self.before)


def _resident(field: str) -> int:
    """A field of the process's status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return 0


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed, on a GPU or on a processor: what was raised, or the error that it was raised from.

    Only torch's own allocator has an error type for it; the driver, cuBLAS, cuDNN and the processor's allocator say it in
    the text of a plain RuntimeError, or the system in that of an OSError.
    """
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, RuntimeError | OSError):
        import torch

        text = str(error).lower()
        if isinstance(error, torch.OutOfMemoryError) or any(words in text for words in _NO_MEMORY):
            return True
    return error.__cause__ is not None and is_out_of_memory(error.__cause__)


def release_cached(device: str) -> None:
    """Gives memory that nothing uses any more back to the system."""
    import gc

    gc.collect()
    if device.startswith("cuda"):
        import torch

        torch.cuda.empty_cache()
    elif sys.platform == "linux":
        # glibc keeps what is freed below something that is not; other libraries have no such function
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
