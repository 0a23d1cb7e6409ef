"""What was read from files and found sound, kept in the cache folder under the files' content: reading again is one parse."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from harness.errors import StoreError
from harness.models.cache import cache_root
from harness.runtime.files import write_text

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
KEPT = 32
"""Files that stay; of more the oldest go."""
MOST_BYTES = 64_000_000
"""Of all files together: what is larger is read anew each time."""


def kept(kind: type[T], files: Sequence[Path], read: Callable[[], T]) -> T:
    """What `read` makes of the files, from the cache folder where their names, content and this package's readers are as then.

    Whatever `read` raises passes, and nothing is kept of it. A kept file that is damaged is read anew; a cache folder that
    cannot be written makes nothing worse. It is for its owner alone to read, since the articles stand in it.
    """
    from pydantic import TypeAdapter, ValidationError
    from pydantic_core import PydanticSerializationError

    if not all(f.is_file() for f in files) or sum(f.stat().st_size for f in files) > MOST_BYTES:
        return read()
    adapter = TypeAdapter(kind)
    try:
        path = cache_root() / "parsed" / f"{kind.__name__}-{_content(files)}.json"
        return adapter.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        pass
    value = read()
    with suppress(OSError, StoreError, PydanticSerializationError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_text(path, adapter.dump_json(value).decode())
        _leave_newest(path.parent, "*.json")
    return value


def kept_table(file: Path, read: Callable[[], pa.Table | None], is_sound: Callable[[], bool]) -> pa.Table | None:
    """The table that `read` makes of a large file, from the cache folder where content and readers are as then.

    Nothing is kept of None, nor where `is_sound` denies it afterwards. The file is hashed, not parsed: a
    million articles are known again in seconds.
    """
    import pyarrow as pa

    from harness.runtime.parquet import read_table, write_table

    try:
        path = cache_root() / "parsed" / f"articles-{_content([file])}.parquet"
        return read_table(path)
    except (OSError, ValueError, pa.ArrowException):
        pass
    table = read()
    if table is not None and is_sound():
        with suppress(OSError, StoreError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_table(table, path)
            _leave_newest(path.parent, "*.parquet")
    return table


def _leave_newest(folder: Path, pattern: str) -> None:
    for old in sorted(folder.glob(pattern), key=lambda p: -p.stat().st_mtime_ns)[KEPT:]:
        old.unlink(missing_ok=True)


def _content(files: Sequence[Path]) -> str:
    """SHA-256 over the files' names and bytes, and over the code that reads them."""
    digest = hashlib.sha256(_readers())
    for path in files:
        digest.update(f"{path}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    return digest.hexdigest()[:32]


@cache
def _readers() -> bytes:
    """SHA-256 of the modules that say what a sound file is, so that a rule that changes reads every file again."""
    folder = Path(__file__).parent

    def sources() -> Iterator[bytes]:
        yield from (path.read_bytes() for path in sorted(folder.glob("*.py")))
        yield (folder.parent / "types.py").read_bytes()

    return hashlib.sha256(b"\0".join(sources())).digest()
