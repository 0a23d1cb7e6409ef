"""Zip files that are read without being unpacked to disk: no paths are followed, sizes are bounded."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.version_info >= (3, 14):
    import zipfile
else:
    from backports.zstd import zipfile  # as Python 3.14 has it: it reads members that are packed with Zstandard

from harness.errors import DataError, Place

MAX_UNPACKED = 500_000_000
"""Bytes of all members of an archive together."""

MAX_MEMBERS = 20_000


class Archive:
    """The members of an open zip by name, as they stand in it."""

    def __init__(self, opened: zipfile.ZipFile, file: str) -> None:
        self._opened, self._file = opened, file
        self._infos = {info.filename: info for info in opened.infolist() if not info.is_dir()}

    def names(self) -> list[str]:
        """Names of the members, in the archive's order."""
        return list(self._infos)

    def read(self, name: str) -> bytes:
        """The bytes of a member; DataError for one that is torn or not there."""
        if name not in self._infos:
            raise DataError(Place(self._file, field=name), "is not in the archive", hint="export the project again")
        try:
            with self._opened.open(self._infos[name]) as member:
                raw = member.read(self._infos[name].file_size + 1)
        except Exception as error:  # every kind of packing has errors of its own
            raise DataError(Place(self._file, field=name), f"cannot be read: {error}") from None
        if len(raw) != self._infos[name].file_size:
            raise DataError(Place(self._file, field=name), "is not as long as the archive says: torn or tampered with")
        return raw


@contextmanager
def members(path: Path, most: int = MAX_UNPACKED) -> Iterator[Archive]:
    """An archive to read from; DataError for what is no zip, or is larger unpacked than `most` bytes."""
    with _opened(path, Place(str(path)), most) as archive:
        yield archive


@contextmanager
def members_of(raw: bytes, name: str, most: int = MAX_UNPACKED) -> Iterator[Archive]:
    """An archive inside another one, to read from; DataError as in `members`."""
    with _opened(io.BytesIO(raw), Place(name), most) as archive:
        yield archive


@contextmanager
def _opened(source: Path | io.BytesIO, place: Place, most: int) -> Iterator[Archive]:
    try:
        opened = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise DataError(
            place, f"not a readable zip: {error}", hint="is the file whole, and of this format? copy or export it again"
        ) from None
    with opened:
        infos = opened.infolist()
        size = sum(info.file_size for info in infos)
        if size > most or len(infos) > MAX_MEMBERS:
            raise DataError(
                place, f"unpacks to {size:,} bytes in {len(infos):,} files; the limits are {most:,} and {MAX_MEMBERS:,}"
            )
        yield Archive(opened, place.file)
