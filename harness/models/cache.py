"""The cache folder: where conversions of models and remembered hashes of files live."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from harness.errors import StoreError
from harness.runtime.files import write_text

_SMALL = 1 << 20
"""Files below this many bytes are hashed anew: that is as fast as trusting a time stamp."""


def cache_root() -> Path:
    """The cache folder: `HARNESS_CACHE`, else `~/.cache/stance-harness`."""
    folder = os.environ.get("HARNESS_CACHE")
    return Path(folder).expanduser() if folder else Path.home() / ".cache" / "stance-harness"


def remembered_sha256(files: Iterable[Path]) -> dict[Path, str]:
    """SHA-256 (hex) by file; those of big files are remembered by (path, size, mtime) under the cache root."""
    memory_file = cache_root() / "hashes.json"
    memory = _read_memory(memory_file)
    hashes: dict[Path, str] = {}
    new_entries: dict[str, list[object]] = {}
    for file in files:
        resolved = file.resolve()
        stat = resolved.stat()
        entry = memory.get(str(resolved))
        if entry and entry[:2] == [stat.st_size, stat.st_mtime_ns]:
            hashes[file] = str(entry[2])
            continue
        with resolved.open("rb") as stream:
            hashes[file] = hashlib.file_digest(stream, "sha256").hexdigest()
        if stat.st_size >= _SMALL:
            new_entries[str(resolved)] = [stat.st_size, stat.st_mtime_ns, hashes[file]]
    if new_entries:
        # Read again just before writing: of two processes at once the worse that can happen is one hash computed twice.
        write_if_possible(memory_file, json.dumps(_read_memory(memory_file) | new_entries, indent=0))
    return hashes


def write_if_possible(file: Path, text: str) -> None:
    """Writes `file` whole or not at all; a cache that cannot be written is no error, only slower."""
    with suppress(OSError, StoreError):
        write_text(file, text)


def _read_memory(file: Path) -> dict[str, list[object]]:
    """What is remembered: [size, mtime in ns, SHA-256] by path; nothing where the file is absent or damaged."""
    try:
        memory = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(memory, dict):
        return {}
    return {path: entry for path, entry in memory.items() if isinstance(entry, list) and len(entry) == 3}
