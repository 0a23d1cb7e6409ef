"""Files: writes that are whole or absent (to a temporary name, synced, then renamed), reads that are bounded, folders that
tell unreadable from empty."""

from __future__ import annotations

import errno
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path

from harness.errors import DataError, Place, StoreError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; when the block ends without an error it has replaced `path`, durably.

    StoreError where the system refuses: a full disk, a folder that is read-only, or where a file should be.
    """
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
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        hint = "make room there and type the same command again" if full else "name another place"
        raise StoreError(f"{path} cannot be written: {error.strerror or error}", hint=hint) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def listed(folder: Path, pattern: str = "*") -> list[Path]:
    """What a folder holds by that pattern (`*/part-*.parquet`), sorted; nothing where there is no such folder.

    StoreError where one on the way cannot be read: an unreadable folder is not an empty one.
    """
    head, _, tail = pattern.partition("/")
    try:
        paths = sorted(path for path in folder.iterdir() if fnmatch(path.name, head))
        folders = [path for path in paths if path.is_dir()] if tail else []
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{folder} cannot be read: {error.strerror}", hint="see who owns it, and what it is") from None
    return [path for inner in folders for path in listed(inner, tail)] if tail else paths


def read_regular(path: Path, most: int) -> bytes:
    """The bytes of a regular file, also behind a link; DataError for anything else (a device, a pipe, which may never end), for
    what cannot be read, and for more than `most` bytes, of which no more are read."""
    try:
        if path.exists() and not path.is_file():
            raise DataError(Place(str(path)), "is no regular file", hint="put the file itself there")
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except OSError as error:
        raise DataError(Place(str(path)), f"cannot be read: {error.strerror or error}") from None
    if len(raw) > most:
        raise DataError(Place(str(path)), f"more than {most:,} bytes, which is the limit", hint="split the text")
    return raw


def is_temporary(path: Path) -> bool:
    """Whether a name is one that `replacing` or a lease has: of a process at work, or left by one that was killed."""
    return re.fullmatch(r"\..+\.(\d+-[0-9a-f]{8}|lease)\.tmp", path.name) is not None


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


def holds(path: Path, text: str) -> bool:
    """Whether a file is there and holds exactly this text."""
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


def write_text(path: Path, text: str) -> None:
    """The text as UTF-8, newlines as given, atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode())
