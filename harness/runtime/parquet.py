"""Parquet files that show damage: every page has a checksum, and a seal in the footer covers what page checksums do not.

Arrow verifies the bytes of pages; headers of pages, statistics and the footer are not covered, and one flipped bit there can
rename a column or drop a value in silence. The seal is the SHA-256 of the whole file, with zeros where the seal stands.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from harness.runtime.files import replacing

if TYPE_CHECKING:
    import pyarrow as pa

SEAL = "harness.sha256"
"""Key of the seal in the footer's metadata."""

_UNSEALED = b"0" * 64
# between key and value stand the two bytes in which Parquet's footer says that a text of 64 bytes follows
_SEAL = re.compile(re.escape(SEAL.encode()) + rb"..([0-9a-f]{64})", re.DOTALL)
_CHUNK = 1 << 20


@contextmanager
def tables_written(path: Path, schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
    """Yields what appends a table to a sealed Parquet file, which is there, whole, once the block ends without an error;
    StoreError where it cannot be written."""
    import pyarrow.parquet as pq

    with replacing(path) as temporary:
        with pq.ParquetWriter(temporary, schema, compression="zstd", write_page_checksum=True) as writer:
            yield writer.write_table
            writer.add_key_value_metadata({SEAL: _UNSEALED.decode()})
        with temporary.open("r+b") as file:
            digest, place = _digest(file)
            assert place is not None
            file.seek(place)
            file.write(digest.encode())


def write_table(table: pa.Table, path: Path) -> None:
    """The table as a sealed Parquet file, whole or not at all; StoreError where it cannot be written."""
    with tables_written(path, table.schema) as write:
        write(table)


def read_table(path: Path, columns: Sequence[str] | None = None, *, dictionaries: Sequence[str] = ()) -> pa.Table:
    """These columns of a Parquet file (all by default), those in `dictionaries` as dictionary arrays.

    Raises ValueError where the file is not as it was written: its seal, if it has one, a page's checksum, or a text that is
    not UTF-8; OSError, KeyError or an ArrowException where it is no such file.
    """
    import pyarrow.parquet as pq

    sealed = is_sealed(path)
    with pq.ParquetFile(path, read_dictionary=list(dictionaries), page_checksum_verification=True) as file:
        table = file.read(columns=None if columns is None else list(columns), use_threads=False)
    if not sealed:
        table.validate(full=True)
    return table


def is_sealed(path: Path) -> bool:
    """Whether the file has a seal, which other writers' files and those of earlier versions have not.

    ValueError where the seal does not fit: the file was changed after it was written.
    """
    with path.open("rb") as file:
        digest, place = _digest(file)
        if place is None:
            return False
        file.seek(place)
        if file.read(len(_UNSEALED)) != digest.encode():
            raise ValueError("damaged: its bytes are not those that were written")
    return True


def _digest(file: BinaryIO) -> tuple[str, int | None]:
    """SHA-256 of the file with zeros for its seal, and where that stands; None for a file without one, which is not read."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 8))
    tail = file.read(8)
    start = size - 8 - int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1" or start < 4:
        raise ValueError("no whole Parquet file")
    file.seek(start)
    footer = file.read()
    seals = list(_SEAL.finditer(footer))
    if not seals:
        return "", None
    begin, end = seals[-1].span(1)
    digest = hashlib.sha256()
    file.seek(0)
    for at in range(0, start, _CHUNK):
        digest.update(file.read(min(_CHUNK, start - at)))
    digest.update(footer[:begin] + _UNSEALED + footer[end:])
    return digest.hexdigest(), start + begin
