"""What of a results folder nothing refers to any more, and its removal; whoever writes there meanwhile loses nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import StoreError
from harness.results.contents import answers_of, existing, folders_of, temporary_files
from harness.results.records import RunRecord, read_record, read_records, record_path
from harness.results.stored_columns import part_columns
from harness.runtime.files import is_temporary, listed

HOUR = 3600.0
"""Seconds within which a file without a record is taken for work in progress."""
DAY = 24 * HOUR
"""Seconds after which a temporary file, or a run's folder without a record, is taken for what a killed writer left."""

Stamps = dict[Path, tuple[int, int]]


@dataclass(frozen=True)
class Removal:
    """Something that may go: exactly these files, if they are unchanged, and the folder if that leaves it empty.

    `needs_runs`: the records show that nothing refers to it, so it goes only while those are unchanged.
    """

    what: str
    path: Path
    files: Stamps
    why: str
    needs_runs: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(size for _, size in self.files.values())


@dataclass(frozen=True)
class Pruning:
    """What may go, what stays and why, what cannot be decided now, and the records that all this follows from."""

    results: Path
    removals: tuple[Removal, ...]
    kept: tuple[str, ...]
    refused: tuple[str, ...]
    runs: Stamps

    @property
    def size(self) -> int:
        """Bytes of all removals."""
        return sum(r.size for r in self.removals)


def plan_pruning(results: Path, *, failed: bool = False, unused: bool = False, now: float | None = None) -> Pruning:
    """Finds what may go; touches nothing.

    Always: failed runs whose config has completed since, dataset snapshots that no record names, what killed writers left
    longer than a day ago. With `failed`: every failed run. With `unused`: predictions that no complete run uses. Those cost
    the most to make again, so they stay as long as a failed run names their system (its next try goes on from them), a
    record cannot be read (its systems cannot be known), or somebody seems to be at work in the folder.
    StoreError if there is no such folder.
    """
    existing(results)
    now = time.time() if now is None else now
    runs = _run_stamps(results)
    records, broken = read_records(results)
    gone = [r for r in records if r.status == "failed" and (failed or _done_since(r, records))]
    removals = [_failed_run(results, r) for r in gone if _is_failed(record_path(results, r.run_id))]
    removals += _without_record(results, now)
    kept: list[str] = []
    refused = []
    loose = list(_snapshots(results, records, now))
    if unused:
        stay = [r for r in records if r not in gone]
        folders, kept = _unused(results, stay)
        loose += folders
    if loose and broken:
        names = "; ".join(error.message for error in broken)
        refused.append(f"{_kinds(loose)}: a record cannot be read, so what it uses is not known: {names}")
        loose = []
    if loose and (busy := at_work(results, records, now)):
        refused.append(f"{_kinds(loose)}: a run seems to be going on: {busy}; prune when it is over, or in an hour")
        loose = []
    removals = [*loose, *removals]
    taken = {path for removal in removals for path in removal.files}
    removals += [
        Removal("temporary file", path, stamps([path]), "its writer was killed")
        for path in temporary_files(results)
        if path not in taken and _age(path, now) > DAY
    ]
    return Pruning(results, tuple(removals), tuple(kept), tuple(refused), runs)


def carry_out(pruning: Pruning) -> tuple[list[Removal], list[str]]:
    """Removes what was planned; returns what went, and what stayed because something about it changed meanwhile."""
    done, kept = [], []
    for removal in pruning.removals:
        now_there = _run_stamps(pruning.results) if removal.needs_runs else pruning.runs
        if now_there != pruning.runs:
            kept.append(f"{removal.path}: runs were written meanwhile; prune again")
        elif stamps(_files(removal.path)) != removal.files:
            kept.append(f"{removal.path}: it changed meanwhile; prune again")
        else:
            _remove(removal)
            done.append(removal)
    return done, kept


def at_work(results: Path, records: Iterable[RunRecord], now: float) -> str | None:
    """Names a file of the last hour that belongs to no finished run yet: somebody is computing, perhaps from older answers.

    None if there is no such file.
    """
    records = list(records)
    written = {*_files(results / "predictions"), *temporary_files(results)}
    young = sorted(p for p in written if _age(p, now) < HOUR)
    if not young:
        return None
    used = {name for r in records if r.status == "complete" for name in folders_of(results, r).values()}
    wanted = {ref.key for r in records if r.status == "complete" for ref in answers_of(results, r)}
    for path in young:
        try:
            finished = path.parent.name in used and not is_temporary(path)
            if finished and path.name.startswith("part-"):
                finished = wanted.issuperset(part_columns(path, ("key",))["key"].to_pylist())
        except StoreError:
            finished = False
        if not finished:
            return f"{path} is new"
    return None


def stamps(paths: Iterable[Path]) -> Stamps:
    """Time of the last change (ns) and size (bytes) of the files that are there."""
    return {path: stamp for path in paths if (stamp := _stamp(path)) is not None}


def _run_stamps(results: Path) -> Stamps:
    return stamps(folder / "record.json" for folder in listed(results / "runs"))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size)


def _age(path: Path, now: float) -> float:
    """Seconds since a file was written; 0 if it is gone, as if somebody were writing it now."""
    stamp = _stamp(path)
    return 0.0 if stamp is None else now - stamp[0] / 1e9


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir() and not path.is_symlink():
        yield from sorted(p for p in path.rglob("*") if not p.is_dir())
    elif path.exists():
        yield path


def _is_failed(path: Path) -> bool:
    """Whether the record at this path is a failed one: a folder that was renamed by hand holds another run's."""
    try:
        return read_record(path).status == "failed"
    except StoreError:
        return False


def _failed_run(results: Path, record: RunRecord) -> Removal:
    path = record_path(results, record.run_id)
    reason = (record.error.message.splitlines() or [record.error.type])[0] if record.error else "no reason recorded"
    return Removal("failed run", path.parent, stamps(_files(path.parent)), f"failed: {reason[:80]}")


def _done_since(failed: RunRecord, records: Iterable[RunRecord]) -> bool:
    """Whether the same config has completed later, under another id: a run that fails early does not know its id."""
    wanted = _computed_by(failed.config)
    return any(
        r.status == "complete" and r.started_at >= failed.started_at and _computed_by(r.config) == wanted
        for r in records
    )


def _computed_by(config: dict[str, Any]) -> dict[str, Any]:
    """The fields of a config that decide what is computed, without those that say where and how."""
    return {k: v for k, v in config.items() if k not in {"results", "executor", "dry", "repeats"}}


def _without_record(results: Path, now: float) -> Iterator[Removal]:
    for folder in (p for p in listed(results / "runs") if p.is_dir() and not (p / "record.json").exists()):
        if (files := list(_files(folder))) and all(_age(p, now) > DAY for p in files):
            yield Removal("run without record", folder, stamps(files), "its writer was killed")


def _snapshots(results: Path, records: Iterable[RunRecord], now: float) -> Iterator[Removal]:
    named = {r.dataset.fingerprint for r in records if r.dataset is not None}
    for path in listed(results / "datasets", "*.jsonl"):
        if path.stem not in named and _age(path, now) > HOUR:
            yield Removal("dataset snapshot", path, stamps([path]), "no record names it", needs_runs=True)


def _unused(results: Path, records: Iterable[RunRecord]) -> tuple[list[Removal], list[str]]:
    """Prediction folders that none of these records can use, and why others stay that no complete one uses."""
    records = list(records)
    used = {name for r in records for name in folders_of(results, r).values()}
    waiting = {name: r.run_id for r in records if r.status == "failed" for name in _system_names(r.config)}
    removals, kept = [], []
    for folder in (p for p in listed(results / "predictions") if p.is_dir() and p.name not in used):
        if (system := folder.name.rpartition("-")[0]) in waiting:
            kept.append(f"{folder}: the failed run {waiting[system]} names {system}; --failed lets both go")
        else:
            removals.append(
                Removal("predictions", folder, stamps(_files(folder)), "no complete run uses them", needs_runs=True)
            )
    return removals, kept


def _system_names(section: Any) -> Iterator[str]:
    """The names of the systems in a config, wherever they stand."""
    if isinstance(section, dict):
        if section.get("adapter") and isinstance(section.get("name"), str):
            yield section["name"]
        for value in section.values():
            yield from _system_names(value)


def _kinds(removals: Iterable[Removal]) -> str:
    return " and ".join(sorted({r.what for r in removals}))


def _remove(removal: Removal) -> None:
    for path in removal.files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{path} cannot be removed: {error.strerror}", hint="see who owns the folder") from None
    if removal.path.is_dir():
        for folder in [*sorted((p for p in removal.path.rglob("*") if p.is_dir()), reverse=True), removal.path]:
            try:
                folder.rmdir()
            except OSError:
                # somebody has begun to write there
                return
