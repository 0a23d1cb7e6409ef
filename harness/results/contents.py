"""What a results folder holds: runs, stored predictions and who uses them, dataset snapshots, reports, and their bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.errors import StoreError
from harness.results.records import (
    AnswerRef,
    RunRecord,
    answers_path,
    finished_record,
    is_whole,
    read_answers,
    read_records,
)
from harness.results.store import PredictionStore
from harness.results.stored_columns import parts_of, stored_answers
from harness.runtime.files import is_temporary, listed

STATES = ("complete", "incomplete", "failed", "unreadable")
"""States of a run; `incomplete`: its record says complete, but its scores or answers are gone."""

SECTIONS = ("runs", "predictions", "datasets", "reports")
"""Folders of a results folder; whatever else lies there is `other`."""


@dataclass(frozen=True)
class PredictionFolder:
    """The stored predictions of one system and fingerprint.

    `answers` and `errors` count different keys, an answer beating an error; `records`: complete runs that use the folder;
    `lost`: answers that those refer to and that are not stored (any more).
    """

    name: str
    parts: int = 0
    answers: int = 0
    errors: int = 0
    size: int = 0
    torn: tuple[str, ...] = ()
    records: int = 0
    lost: int = 0


@dataclass(frozen=True)
class Contents:
    """A results folder in numbers; sizes are bytes."""

    results: str
    runs: dict[str, int]
    unreadable: tuple[str, ...]
    predictions: tuple[PredictionFolder, ...]
    datasets: dict[str, int]
    """Records that name a dataset snapshot, by its fingerprint."""
    reports: tuple[str, ...]
    sizes: dict[str, int]

    @property
    def total(self) -> int:
        """Bytes of everything."""
        return sum(self.sizes.values())

    def as_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**asdict(self), "total": self.total}


def contents(results: Path) -> Contents:
    """Counts what is there; StoreError if there is no such folder.

    Of predictions only keys, errors and times are read, so that a big store is counted fast: a part whose texts alone are
    damaged is found by the runs that read them.
    """
    existing(results)
    records, broken = read_records(results)
    records_by_folder, keys_by_folder = Counter[str](), dict[str, set[str]]()
    for record in records:
        folders = folders_of(results, record)
        records_by_folder.update(set(folders.values()))
        for ref in answers_of(results, record):
            if ref.role in folders:
                keys_by_folder.setdefault(folders[ref.role], set()).add(ref.key)
    stored = {p.name for p in listed(results / "predictions") if p.is_dir()}
    named = Counter(r.dataset.fingerprint for r in records if r.dataset is not None)
    snapshots = [p.stem for p in listed(results / "datasets", "*.jsonl")]
    sizes = {name: size_of((results / name).rglob("*")) for name in SECTIONS}
    sizes["other"] = size_of(p for top in results.iterdir() if top.name not in SECTIONS for p in (top, *top.rglob("*")))
    states = Counter(state_of(results, r) for r in records) + Counter(unreadable=len(broken))
    return Contents(
        results=str(results),
        runs={state: states[state] for state in STATES},
        unreadable=tuple(error.message for error in broken),
        predictions=tuple(
            _prediction_folder(results / "predictions" / name, records_by_folder[name], keys_by_folder.get(name, set()))
            for name in sorted(stored | records_by_folder.keys())
        ),
        datasets={fingerprint: named[fingerprint] for fingerprint in snapshots},
        reports=tuple(p.name for p in listed(results / "reports") if p.is_dir()),
        sizes=sizes,
    )


def existing(results: Path) -> Path:
    """The folder; StoreError with the next step if it is not there."""
    if not results.is_dir():
        raise StoreError(f"{results}: no such results folder", hint="harness run makes one; --results names another")
    return results


def state_of(results: Path, record: RunRecord) -> str:
    """Which of STATES a readable record is in."""
    if record.status != "complete":
        return record.status
    return "complete" if finished_record(results, record.run_id) is not None else "incomplete"


def folders_of(results: Path, record: RunRecord) -> dict[str, str]:
    """Name of the prediction folder of each of a run's systems, by role; a failed run's are not known."""
    store = PredictionStore(results / "predictions")
    return {use.kind: store.folder(use.name, use.fingerprint).name for use in record.systems}


def answers_of(results: Path, record: RunRecord) -> list[AnswerRef]:
    """The predictions that a complete run used; none where that list is gone or torn."""
    try:
        return read_answers(answers_path(results, record.run_id))
    except StoreError:
        return []


def lost_answers(results: Path, record: RunRecord) -> bool:
    """Whether a part is torn in which answers of a complete run were: they are stored no more."""
    folders = {role: results / "predictions" / name for role, name in folders_of(results, record).items()}
    torn = {folder for folder in folders.values() if not all(map(is_whole, parts_of(folder)))}
    stored = {folder: set(stored_answers(folder, ()).table["key"].to_pylist()) for folder in torn}
    refs = answers_of(results, record) if torn else ()
    return any(ref.key not in stored.get(folders.get(ref.role, results), {ref.key}) for ref in refs)


def size_of(paths: Iterable[Path]) -> int:
    """Bytes of the files among the paths; those that vanish meanwhile count nothing."""
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size if path.is_file() and not path.is_symlink() else 0
        except OSError:
            continue
    return total


def temporary_files(results: Path) -> list[Path]:
    """Temporary files below the results folder: those of writers at work, and those that killed writers left."""
    return sorted(p for name in SECTIONS for p in (results / name).rglob(".*.tmp") if is_temporary(p))


def _prediction_folder(path: Path, records: int, wanted: set[str]) -> PredictionFolder:
    stored = stored_answers(path, ("key", "error"))
    keys = stored.table["key"].to_pylist()
    return PredictionFolder(
        path.name,
        parts=len(parts_of(path)),
        answers=stored.table["error"].null_count,
        errors=len(keys) - stored.table["error"].null_count,
        size=size_of(path.rglob("*")),
        torn=tuple(part.path.name for part in stored.torn),
        records=records,
        lost=len(wanted.difference(keys)),
    )
