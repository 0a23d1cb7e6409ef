"""Writes that are whole or absent: to a temporary name in the same folder, synced, then renamed."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import DataError, Place, StoreError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; when the block ends without an error it has replaced `path`, durably."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path.parent} cannot be made: {error.strerror}", hint="name another folder") from None
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)


def is_temporary(path: Path) -> bool:
    """Whether a name is one that `replacing` gives: of a writer at work, or left by one that was killed."""
    return re.fullmatch(r"\..+\.\d+-[0-9a-f]{8}\.tmp", path.name) is not None


def utf8_text(raw: bytes, name: str) -> str:
    """The text of a file's bytes, without a byte order mark; DataError with the line that is not UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = raw.count(b"\n", 0, error.start) + 1, raw[error.start]
        raise DataError(Place(name, line), f"not UTF-8: byte 0x{byte:02x}", hint="save the file as UTF-8") from None


def encodable(text: str) -> str:
    """The text with U+FFFD for every lone surrogate (half an emoji, say), which UTF-8 cannot hold; nothing else changes."""
    return text if text.isascii() else re.sub("[\ud800-\udfff]", "\ufffd", text)


def write_text(path: Path, text: str) -> None:
    """The text as UTF-8, newlines as given, atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode())
