"""Whether everything in a results folder is as it was written, and what to do about what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import StoreError
from harness.results.contents import answers_of, existing, folders_of, temporary_files
from harness.results.records import RunRecord, answers_path, is_whole, read_records, scores_path
from harness.results.states import checked_state, snapshot_path
from harness.results.store import content_hash
from harness.results.stored_columns import TornPart, part_schema, stored_answers
from harness.runtime.files import listed

AGAIN = "harness run --again remakes what is lost and keeps the rest"


@dataclass(frozen=True)
class Damage:
    """Something that is not as it was written, and the next step."""

    path: Path
    what: str
    step: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}\n  → {self.step}"


@dataclass(frozen=True)
class Checked:
    """What was looked at, and everything that is wrong."""

    n_runs: int
    n_parts: int
    n_snapshots: int
    damages: tuple[Damage, ...]


def check_results(results: Path) -> Checked:
    """Reads every file that the harness will read again: records, scores, answers, parts, snapshots, checks of judges.

    Files of versions before there were seals and digests are only read: a change that leaves them readable is not seen there.
    StoreError if there is no such folder.
    """
    existing(results)
    records, broken = read_records(results)
    damages = [Damage(results / "runs", error.message, error.hint or AGAIN) for error in broken]
    # tables stand before the record: a run that was stopped may have some, and those are whole as well
    for path in listed(results / "runs", "*/*.parquet"):
        if not is_whole(path):
            damages.append(Damage(path, "damaged", f"harness rescore, or {AGAIN}"))
    for record in records:
        if record.status == "complete":
            damages += _missing_tables(results, record)
    stored: dict[str, set[str]] = {}
    torn: set[str] = set()
    n_parts = 0
    for folder in (p for p in listed(results / "predictions") if p.is_dir()):
        answers = stored_answers(folder, part_schema().names)
        stored[folder.name] = set(answers.table["key"].to_pylist())
        n_parts += len(listed(folder, "part-*.parquet"))
        damages += [Damage(part.path, part.reason, _step(part)) for part in answers.torn]
        torn |= {folder.name for _ in answers.torn}
        damages += _description_damages(folder / "system.json")
    damages += _lost_answers(results, records, stored, torn)
    snapshots = listed(results / "datasets", "*.jsonl")
    damages += [damage for path in snapshots if (damage := _snapshot_damage(path))]
    damages += [damage for path in listed(results / "judges", "*.json") if (damage := _unreadable(path))]
    damages += [
        Damage(path, "left by a writer that was killed, or of one at work", "harness results prune --yes, in a day")
        for path in temporary_files(results)
    ]
    return Checked(len(records), n_parts, len(snapshots), tuple(damages))


def _step(part: TornPart) -> str:
    if part.path.is_file() and is_whole(part.path):
        return "a newer harness may have written it: upgrade stance-harness"
    return f"{AGAIN}; then delete this file, in which nothing can be read"


def _missing_tables(results: Path, record: RunRecord) -> Iterator[Damage]:
    tables = (scores_path(results, record.run_id), answers_path(results, record.run_id))
    # a folder of records alone is meant to be so
    if any(path.exists() for path in tables):
        for path in tables:
            if not path.exists():
                yield Damage(path, "missing", f"harness rescore, or {AGAIN}")
        if record.dataset is not None and not (path := snapshot_path(results, record.dataset.fingerprint)).exists():
            yield Damage(path, "missing", AGAIN)


def _lost_answers(
    results: Path, records: Sequence[RunRecord], stored: dict[str, set[str]], torn: set[str]
) -> Iterator[Damage]:
    """Answers that complete runs refer to and that no part holds; of a folder with torn parts those say enough."""
    for record in records:
        folders = {role: name for role, name in folders_of(results, record).items() if name not in torn}
        refs = [ref for ref in answers_of(results, record) if ref.role in folders]
        lost = sum(ref.key not in stored.get(folders[ref.role], ()) for ref in refs)
        if lost:
            path = scores_path(results, record.run_id)
            yield Damage(
                path, f"{lost} answers that it rests on are no longer stored", f"delete this file, then {AGAIN}"
            )


def _description_damages(path: Path) -> Iterator[Damage]:
    damage = _unreadable(path) if path.exists() else None
    if damage is None and path.exists():
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and content_hash(content.get("identity")) == content.get("fingerprint"):
            return
        damage = Damage(
            path, "what it says is not what its fingerprint is made of", "delete it: the next run writes it"
        )
    if damage is not None:
        yield damage


def _snapshot_damage(path: Path) -> Damage | None:
    try:
        checked_state(path)
    except StoreError as error:
        return Damage(path, error.message, error.hint or AGAIN)
    return None


def _unreadable(path: Path) -> Damage | None:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        return Damage(path, f"not readable: {error}", "delete it: the command that wrote it writes it anew")
    return None
