"""Who computes what: a lease on each unit of work, so that processes that share a results folder compute it once.

A lease is a file that one process alone can create and that its claimant touches every few seconds. It is void when its
process is gone (seen at once on the same machine) or when it was not touched for a while by the clock of whoever looks, so
that no two clocks need agree. A process that works in a folder leaves its presence there in the same way. Two claimants at
once, which a shared file system with stale views may cause, cost double work and nothing else: answers are whole parts, and
of two rows for one key one counts.
"""

from __future__ import annotations

import hashlib
import os
import platform
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar, overload

from harness.errors import StoreError

EXPIRY = 60.0
"""Seconds without a touch after which a lease is void; a shared file system must show a touch sooner to who opens the file."""
_TOUCHES = 6
"""Touches within that time."""
_PATIENCE = (0.05, 1.0)
"""Seconds between two looks at other claimants' leases: at first, and at most."""
_SUFFIX = ".lease.tmp"
_PRESENCE = "process-"
_LEFT = "left"
"""Stands in place of the process in the presence of one that is done here."""

T = TypeVar("T")


class Leases:
    """The leases of this process in one folder; left, it gives back what it holds. Safe to use from one thread."""

    def __init__(self, folder: Path, expiry: float = EXPIRY) -> None:
        self.folder = folder / "leases"
        self.expiry = expiry
        self._machine = _machine()
        self._presence = f"{_PRESENCE}{uuid.uuid4().hex[:12]}"
        self._held: dict[str, str] = {}
        self._seen: dict[str, tuple[str, float]] = {}
        self._over = threading.Event()
        self._touching: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._touching is None:
            return
        self._touching.join()
        for name in [name for name in self._held if name != self._presence]:
            self.release(name)
        if self._void_presences():
            # whoever goes on must know that somebody else was here, and has stored units
            with suppress(OSError):
                self._path(self._presence).write_text(_LEFT)
        else:
            self.release(self._presence)
        with suppress(OSError):
            self.folder.rmdir()

    @property
    def alone(self) -> bool:
        """Whether no other process works in the folder, or did while this one was there."""
        return not self._others()

    def _others(self) -> list[str]:
        try:
            with os.scandir(self.folder) as entries:
                names = [entry.name[1:].removesuffix(_SUFFIX) for entry in entries]
        except OSError:
            return []
        return [name for name in names if name.startswith(_PRESENCE) and name != self._presence]

    def _void_presences(self) -> bool:
        """Takes away what processes that are gone have left; whether there are others."""
        others = [name for name in self._others() if not self._is_void(name, self._path(name))]
        for name in set(self._others()).difference(others):
            self._path(name).unlink(missing_ok=True)
        return bool(others)

    def claim(self, name: str) -> bool:
        """Whether the lease of that name (letters and digits) is this process's now; StoreError if none can be written."""
        if self._touching is None:
            self._created(self._presence, self._path(self._presence))
            self._void_presences()
        path = self._path(name)
        for _ in range(2):
            if self._created(name, path):
                return True
            if not (self._is_void(name, path) and self._removed(name, path)):
                return False
        return False

    def release(self, name: str) -> None:
        """Gives a lease back, unless another process has taken it over."""
        token = self._held.pop(name)
        path = self._path(name)
        if _read(path)[0] == token:
            path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / f".{name}{_SUFFIX}"

    def _created(self, name: str, path: Path) -> bool:
        token = f"{self._machine} {os.getpid()} {uuid.uuid4().hex}"
        try:
            try:
                file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
            except FileNotFoundError:
                self.folder.mkdir(parents=True, exist_ok=True)
                file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
            try:
                os.write(file, token.encode())
            finally:
                os.close(file)
        except FileExistsError:
            return False
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}", hint="name another folder") from None
        self._held[name] = token
        self._seen.pop(name, None)
        if self._touching is None:
            self._touching = threading.Thread(target=self._touch, name="leases", daemon=True)
            self._touching.start()
        return True

    def _is_void(self, name: str, path: Path) -> bool:
        token, touched = _read(path)
        if token is None or token == _LEFT:
            return token is not None
        machine, _, process = token.rpartition(" ")[0].rpartition(" ")
        if machine == self._machine and process.isdigit() and not _runs(int(process)):
            return True
        state, since = self._seen.setdefault(name, (f"{token} {touched}", time.monotonic()))
        if state != f"{token} {touched}":
            self._seen[name] = (f"{token} {touched}", time.monotonic())
            return False
        return time.monotonic() - since > self.expiry

    def _removed(self, name: str, path: Path) -> bool:
        """Takes a void lease away; False if meanwhile another process did, whose new lease then stands."""
        void, _ = _read(path)
        aside = path.with_name(f".{name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp")
        try:
            path.rename(aside)
        except OSError:
            return False
        same = _read(aside)[0] == void
        if not same:
            # between the look and the renaming somebody had taken it over
            with suppress(OSError):
                os.link(aside, path)
        aside.unlink(missing_ok=True)
        return same

    def _touch(self) -> None:
        while not self._over.wait(self.expiry / _TOUCHES):
            for name, token in list(self._held.items()):
                path = self._path(name)
                if _read(path)[0] == token:
                    with suppress(OSError):
                        os.utime(path)


def unit_name(keys: Iterable[str]) -> str:
    """The name of the lease on a unit, by the keys of its answers: processes that cut the same units meet at it."""
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:20]


def _read(path: Path) -> tuple[str | None, int]:
    """A lease's token and when it was touched (ns); None for one that is gone. Opened, because that is when shared file
    systems look whether their copy is stale."""
    try:
        lease = os.open(path, os.O_RDONLY)
    except OSError:
        return None, 0
    try:
        return os.read(lease, 4096).decode(errors="replace"), os.fstat(lease).st_mtime_ns
    except OSError:
        return None, 0
    finally:
        os.close(lease)


def _machine() -> str:
    """This machine since its start, and the space in which its process numbers count."""
    parts = [platform.node()]
    for place in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with suppress(OSError):
            parts.append(str(Path(place).readlink()) if place.endswith("pid") else Path(place).read_text().strip())
    return "/".join(parts)


def _runs(process: int) -> bool:
    import psutil  # type: ignore[import-untyped, unused-ignore]

    try:
        # one that has ended stays in the table until its parent asks
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


class Claimed(Sequence[T], Generic[T]):
    """Units of work of which this process has the lease: each is claimed when it is first looked at, in the order of `units`.

    What others hold is passed over, and stands in `left`.
    """

    def __init__(self, units: Sequence[T], claim: Callable[[int], bool | None], numbers: Sequence[int]) -> None:
        self._units = units
        self._claim = claim
        self._waiting = iter(numbers)
        self.numbers: list[int] = []
        """Those of the claimed ones among `units`."""
        self.left: list[int] = []

    def _next(self) -> bool:
        for number in self._waiting:
            if (claimed := self._claim(number)) is True:
                self.numbers.append(number)
                return True
            if claimed is None:
                self.left.append(number)
        return False

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._units[n] for n in self.numbers[: len(self)][index]]
        while (index < 0 or index >= len(self.numbers)) and self._next():
            pass
        return self._units[self.numbers[index]]

    def __len__(self) -> int:
        while self._next():
            pass
        return len(self.numbers)

    def __iter__(self) -> Iterator[T]:
        index = 0
        while index < len(self.numbers) or self._next():
            yield self._units[self.numbers[index]]
            index += 1


def rounds(
    units: Sequence[T],
    leases: Leases,
    name_of: Callable[[int], str],
    is_done: Callable[[int], bool],
    tell: Callable[[str], None] = lambda line: None,
) -> Iterator[Claimed[T]]:
    """All units, each in one round and in that of one process: what others hold is left to later rounds, until it is done
    or its claimant is gone.

    Whoever takes a round gives every lease of it back before the next one (so that no two wait for each other), and does so
    for each unit as soon as it is stored. `is_done` is asked, with the lease in hand, whether another has stored the unit;
    `tell` is for whoever waits.
    """

    def claim(number: int) -> bool | None:
        """True: to be computed here. False: done elsewhere. None: another process is at it."""
        name = name_of(number)
        if not leases.claim(name):
            return None
        if is_done(number):
            leases.release(name)
            return False
        return True

    left, patience, told = list(range(len(units))), _PATIENCE[0], False
    while left:
        claimed = Claimed(units, claim, left)
        if next(iter(claimed), None) is not None:
            yield claimed
            patience = _PATIENCE[0]
        else:
            if patience == _PATIENCE[1] and not told:
                told = True
                tell(f"waiting for other processes, which are at {len(claimed.left)} units of this run")
            time.sleep(patience)
            patience = min(2 * patience, _PATIENCE[1])
        left = claimed.left
