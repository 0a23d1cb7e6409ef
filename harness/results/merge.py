"""Several results folders made one: parts, runs and snapshots are copied, nothing that stands is lost."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.data.load import load_dataset
from harness.errors import HarnessError, StoreError
from harness.results.contents import existing, state_of
from harness.results.records import check_writable, read_record, record_path
from harness.results.stored_columns import TornPart, part_columns, parts_of, stored_answers
from harness.runtime.files import listed, replacing

RANK = {"failed": 0, "incomplete": 1, "complete": 2}
"""Of two records of one run the one with the higher rank stands."""


@dataclass(frozen=True)
class Copy:
    """A file and where it goes."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Merging:
    """What is to be copied, in this order, and what is not.

    A record comes after all that it refers to, so that an interrupted merge leaves no run without its answers and the same
    command goes on where it stopped. `equal` counts the files that are there already; `notes` are decisions that a person may
    want to know; `problems` say what is not merged, and why.
    """

    into: Path
    copies: tuple[Copy, ...]
    equal: int
    notes: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes to copy."""
        return sum(c.source.stat().st_size for c in self.copies)


def plan_merging(sources: Sequence[Path], into: Path) -> Merging:
    """Compares the sources with each other and with `into`; touches nothing.

    - A prediction part is immutable and has a name of its own: equal names must have equal bytes. Where they do not and one
      of the two is torn, the whole one stands; else StoreError names both.
    - A dataset snapshot is named by the fingerprint of its content. Of two files with one name and different bytes the first
      whose content has that fingerprint stands, so that an edited one gives way; StoreError if neither has it.
    - Of two records of one run the complete one stands, a failed or incomplete one gives way. Two complete ones have the
      same config, systems, articles and scoring version (all are in the run's id); they differ in when and where they ran,
      and in the answers of systems that do not repeat exactly. The first stands, `into` before the sources, and a note names
      the other one, which stays in its source. Whichever record stands, the store gives the later of two answers to one
      question; where some differ, a note says so, and `harness rescore` scores the answers that count.

    Reports are not merged: `harness report` makes them of the merged runs. StoreError if a source is no results folder.
    """
    for source in sources:
        existing(source)
        if source.resolve() == into.resolve():
            raise StoreError(f"{source} is the folder to merge into", hint="name the other folders as SOURCE")
        if not any((source / name).is_dir() for name in ("runs", "predictions")):
            raise StoreError(
                f"{source}: no results folder: neither runs nor predictions there",
                hint="name the folder that holds runs/ and predictions/",
            )
    folders = [into, *dict.fromkeys(sources)]
    draft = _Draft(into)
    for section, pattern, choose in (
        ("datasets", "*.jsonl", _snapshot),
        ("predictions", "*/system.json", lambda there, _: there[0]),
        ("predictions", "*/part-*.parquet", _part),
    ):
        for name in sorted({p.relative_to(f) for f in folders for p in listed(f / section, pattern)}):
            there = [f / name for f in folders if (f / name).is_file()]
            if (chosen := choose(there, draft)) is not None:
                draft.take(chosen, name, n_there=len(there))
    draft.notes.extend(_differing_answers(folders))
    for run_id in sorted({p.parent.name for f in folders for p in listed(f / "runs", "*/record.json")}):
        _run(run_id, folders, draft)
    return Merging(into, tuple(draft.copies), draft.equal, tuple(draft.notes), tuple(draft.problems))


def carry_out(merging: Merging, progress: Callable[[int], None] = lambda n: None) -> None:
    """Copies, each file whole or not at all; StoreError names the file that could not be copied."""
    check_writable(merging.into)
    for copy in merging.copies:
        try:
            with replacing(copy.target) as temporary:
                shutil.copyfile(copy.source, temporary)
        except StoreError as error:
            raise StoreError(
                f"{copy.source} could not be copied: {error.message}",
                hint="what was copied is whole; the same command goes on from there",
            ) from None
        progress(1)


@dataclass
class _Draft:
    """A merging in the making."""

    into: Path
    copies: list[Copy] = field(default_factory=list)
    equal: int = 0
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def take(self, chosen: Path, name: Path, n_there: int) -> None:
        """Plans to copy the chosen one of several files with one name, or counts it if it is there already."""
        if chosen != self.into / name:
            self.copies.append(Copy(chosen, self.into / name))
        elif n_there > 1:
            self.equal += 1


def _same(a: Path, b: Path) -> bool:
    return filecmp.cmp(a, b, shallow=False)


def _different(paths: Sequence[Path]) -> list[Path]:
    """The first of each content."""
    firsts: list[Path] = []
    for path in paths:
        if not any(_same(path, other) for other in firsts):
            firsts.append(path)
    return firsts


def _snapshot(there: Sequence[Path], _: _Draft) -> Path:
    versions = _different(there)
    if len(versions) == 1:
        return versions[0]
    unedited = [path for path in versions if _has_its_fingerprint(path)]
    if not unedited:
        raise StoreError(f"{versions[0]} and {versions[1]} differ", hint="one of them was edited: put it elsewhere")
    return unedited[0]


def _has_its_fingerprint(path: Path) -> bool:
    """Whether the dataset in a snapshot still has the fingerprint that the file is named by."""
    try:
        return load_dataset(path).fingerprint == path.stem
    except HarnessError:
        return False


def _part(there: Sequence[Path], draft: _Draft) -> Path | None:
    versions = _different(there)
    if len(versions) == 1 and versions[0].parents[2] == draft.into:
        return versions[0]
    whole = []
    for path in versions:
        try:
            part_columns(path, ("key", "error"))
            whole.append(path)
        except TornPart as error:
            draft.notes.append(f"torn part, not copied: {error.message}")
    if len(whole) > 1:
        raise StoreError(
            f"{whole[0]} and {whole[1]} have one name and differ, though parts never change",
            hint="one of them was written by something else than the harness: put it elsewhere",
        )
    return whole[0] if whole else None


def _differing_answers(folders: Sequence[Path]) -> Iterator[str]:
    """One note for each system that has different answers to the same question in two of the folders."""
    for name in sorted({p.name for f in folders for p in listed(f / "predictions", "*-*") if p.is_dir()}):
        places = [path for f in folders if (path := f / "predictions" / name).is_dir()]
        if len({frozenset(part.name for part in parts_of(path)) for path in places}) < 2:
            continue
        first_answers: dict[str, tuple[str, str | None]] = {}
        differing = set()
        for path in places:
            table = stored_answers(path, ("output", "label")).table
            columns = (table[column].to_pylist() for column in ("key", "output", "label", "error"))
            for key, output, label, error in zip(*columns, strict=True):
                if error is None and first_answers.setdefault(key, (output, label)) != (output, label):
                    differing.add(key)
        if differing:
            yield f"{name}: {len(differing)} answers differ between the folders; the later-made count: run harness rescore"


def _run(run_id: str, folders: Sequence[Path], draft: _Draft) -> None:
    """Chooses one of the records of a run; the record is copied after the tables beside it."""
    candidates: list[tuple[str, Path]] = []
    for folder in folders:
        path = record_path(folder, run_id)
        if not path.exists():
            continue
        try:
            record = read_record(path)
        except StoreError as error:
            draft.problems.append(error.message)
            if folder == draft.into:
                # a newer harness may be able to read it: it is not overwritten
                return
            continue
        if record.run_id != run_id:
            draft.problems.append(f"{path}: this is the record of {record.run_id}: the folder was renamed")
            continue
        candidates.append((state_of(folder, record), folder))
    if not candidates:
        return
    best = max(RANK[state] for state, _ in candidates)
    chosen = next(folder for state, folder in candidates if RANK[state] == best)
    for state, folder in candidates:
        winner, other = (record_path(f, run_id).parent for f in (chosen, folder))
        if folder == chosen or _same_run(winner, other):
            continue
        if RANK[state] == best:
            draft.notes.append(f"{winner} and {other} are both {state} and differ: the first stands")
        elif folder == draft.into:
            draft.notes.append(f"{other} is {state}: {winner} stands")
    if chosen == draft.into:
        draft.equal += len(candidates) > 1
        return
    files = [p for p in record_path(chosen, run_id).parent.iterdir() if p.is_file() and not p.name.startswith(".")]
    for path in sorted(files, key=lambda p: (p.name == "record.json", p.name)):
        draft.copies.append(Copy(path, draft.into / path.relative_to(chosen)))


def _same_run(one: Path, other: Path) -> bool:
    """Whether two folders of a run hold the same record, scores and answers."""
    pairs = [(one / name, other / name) for name in ("record.json", "scores.parquet", "answers.parquet")]
    return all(a.exists() == b.exists() and (not a.exists() or _same(a, b)) for a, b in pairs)
