"""GGUF files: their metadata, and their conversion to a safetensors folder: dequantising takes twenty seconds, loading one."""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import tempfile
from pathlib import Path

from harness.errors import ModelError
from harness.models.cache import cache_root
from harness.models.quiet import quiet_transformers

_CONVERSION = 1
"""Raised when a conversion writes something else than before; old folders are then left alone."""

_HEAD = 64 * 2**20
"""Bytes at the head of a file in which metadata are looked for: they stand before tensors."""
_UINT32, _STRING = 4, 8


def metadata(path: Path, key: str) -> int | str | None:
    """The 32-bit number or the text that stands under a key in a GGUF file's metadata; None where it has none."""
    if not path.stat().st_size:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        name = struct.pack("<Q", len(key)) + key.encode()
        for kind in (_UINT32, _STRING):
            entry = name + struct.pack("<I", kind)
            place = content.find(entry, 0, _HEAD)
            start = place + len(entry)
            if place >= 0 and kind == _UINT32:
                return int(struct.unpack_from("<I", content, start)[0])
            if place >= 0:
                (length,) = struct.unpack_from("<Q", content, start)
                return content[start + 8 : start + 8 + length].decode("utf-8", "replace")
    return None


def converted(gguf: Path, sha256: str) -> Path:
    """The folder with the float32 safetensors of a GGUF file whose content has this SHA-256 (hex).

    Two processes may ask at once: one converts, the other waits. A crash leaves nothing that looks complete.
    ModelError if transformers cannot read the file or the disk is full.
    """
    from filelock import FileLock

    parent = cache_root() / "converted"
    folder = parent / f"{sha256[:20]}-v{_CONVERSION}"
    if folder.is_dir():
        return folder
    parent.mkdir(parents=True, exist_ok=True)
    with FileLock(parent / f"{folder.name}.lock"):
        if folder.is_dir():
            return folder
        # Only the holder of the lock makes such folders, so any that is there was left by a crash.
        for stale in parent.glob(f".{folder.name}.*"):
            shutil.rmtree(stale, ignore_errors=True)
        temporary = Path(tempfile.mkdtemp(dir=parent, prefix=f".{folder.name}."))
        try:
            _convert(gguf, temporary)
            _sync(temporary)
            os.replace(temporary, folder)
        except Exception as error:
            shutil.rmtree(temporary, ignore_errors=True)
            raise ModelError(
                f"cannot convert {gguf.name}: {error}", hint=f"the cache is {parent}; HARNESS_CACHE moves it"
            ) from error
    return folder


def _convert(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with quiet_transformers():
        model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        # save_pretrained refuses to write a model that it still believes to be quantised.
        for owner, name in ((model, "hf_quantizer"), (model.config, "quantization_config")):
            if hasattr(owner, name):
                delattr(owner, name)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def _sync(folder: Path) -> None:
    for file in folder.iterdir():
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
