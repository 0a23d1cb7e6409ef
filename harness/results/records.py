"""The run record: what a run was, what it scored and how it ended; written whole, old versions stay readable."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from harness.errors import StoreError
from harness.results.store import content_hash
from harness.results.stored_columns import run_columns
from harness.runtime.files import encodable, listed, write_text
from harness.runtime.parquet import is_sealed, read_table, tables_written
from harness.types import ItemScore

SCHEMA = 1
SCORING_VERSION = "4"
"""Raised whenever a metric's number can change; part of a run's identity, so old scores are never mixed with new."""

SHARED = "shared"
"""The split of a run that was scored again on articles that it shares with others: it stands for an earlier run."""


Name = Annotated[str, Field(pattern=r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,254}$")]
"""What becomes part of a path: a record, which may come from elsewhere, leads nowhere outside the results folder."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Value(_Part):
    """An aggregate: value and 95 % interval, None where undefined (`reason` says why)."""

    value: float | None
    ci_low: float | None = None
    ci_high: float | None = None
    n_scored: int = 0
    n_unscored: int = 0
    reason: str | None = None


class SystemUse(_Part):
    """A system of the run, how many items it was asked and computed, and what that took.

    `cost` is that of the answers' tokens at the run's price. `n_no_usage` counts the answers whose server reported no tokens:
    the sums of tokens leave them out, and a run with one of them has no `cost`. `n_refused` counts refusals: a classifier's
    are no label and not among `n_unparsed`, a summariser's are no summary and among `n_failed` too. `remarks` say what the
    system left aside. `seconds` are the answers' own, whenever they were computed; of those that this run computed,
    `load_seconds` went to loading and converting the model, and `wall_seconds` passed from the first question to the last
    answer, loading apart (None: nothing was computed, or a fleet or an earlier version did). `fitted`: what it answers hangs on
    the gold of the whole dataset.
    """

    name: Name
    kind: Literal["summariser", "stance", "judge", "speakers", "bertscore", "nli"]
    fingerprint: Name
    description: str = ""
    identity: dict[str, Any] = {}
    n_items: int = 0
    n_computed: int = 0
    n_failed: int = 0
    first_error: str | None = None
    n_unparsed: int = 0
    n_refused: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    n_no_usage: int = 0
    tokens_cut: int = 0
    n_cut: int = 0
    seconds: float = 0.0
    load_seconds: float | None = None
    wall_seconds: float | None = None
    peak_memory_bytes: int | None = None
    cost: float | None = None
    paths: dict[str, int] = {}
    status: str = "ok"
    ceiling: bool = False
    entered_gold: bool = False
    remarks: list[str] = []
    fitted: bool = False

    @model_serializer(mode="wrap")
    def _as_before_these_came(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        return {name: value for name, value in fields.items() if name not in _CAME_LATER or value != _CAME_LATER[name]}

    @property
    def learns(self) -> bool:
        """Whether it learned from gold; of records that were made before there was `fitted`, by its adapter."""
        return self.fitted or self.identity.get("adapter") in _FITTED_BEFORE


_CAME_LATER = {"remarks": [], "entered_gold": False, "fitted": False, "load_seconds": None, "wall_seconds": None}
"""Fields that records of before do not have, with what stands for that."""
_FITTED_BEFORE = (
    "systems.labels:Majority",
    "systems.linear:LinearText",
    "systems.probe:EmbeddingProbe",
    "stance.metadata",
)


class DatasetUse(_Part):
    """The articles of the run."""

    name: str
    version: str
    fingerprint: Name
    split: str
    articles: list[str]
    labelled: bool = True
    unchanged: str | None = None
    """Of a probe's articles, the fingerprint of the dataset that it changes."""
    left_out: list[str] = []
    """Files that could not be read, each with the reason."""

    @model_serializer(mode="wrap")
    def _as_before_there_were_probes(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        return {name: value for name, value in fields.items() if value or name not in ("unchanged", "left_out")}


class Failure(_Part):
    """Why a run failed."""

    type: str
    message: str
    traceback: str


class RunRecord(_Part):
    """`record.json`."""

    schema_version: int = SCHEMA
    run_id: Name
    status: Literal["complete", "failed"]
    config: dict[str, Any]
    overrides: list[str] = []
    dataset: DatasetUse | None = None
    systems: list[SystemUse] = []
    scoring_version: str = SCORING_VERSION
    metrics: dict[str, Value] = {}
    tables: dict[str, Any] = {}
    signatures: dict[str, str] = {}
    environment: dict[str, Any] = {}
    notes: list[str] = []
    error: Failure | None = None
    started_at: str = ""
    seconds: float = 0.0

    def __repr__(self) -> str:
        systems = " + ".join(s.name for s in self.systems)
        return f"<{self.status} run {self.run_id}: {systems}>"

    def system(self, kind: str) -> SystemUse | None:
        """The run's system of that kind; None if it has none."""
        return next((s for s in self.systems if s.kind == kind), None)


DIGEST = "digest"
"""Field of `record.json` with the SHA-256 of the others; records of earlier versions have none."""
RECORD_HINT = "delete the folder and run again: answers that are stored are not asked for again"

UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From an old schema version to the next; none is needed yet."""


def record_path(results: Path, run_id: str) -> Path:
    """Where the record of a run stands."""
    return results / "runs" / run_id / "record.json"


def scores_path(results: Path, run_id: str) -> Path:
    """Where the item scores of a run stand."""
    return record_path(results, run_id).with_name("scores.parquet")


def answers_path(results: Path, run_id: str) -> Path:
    """Where it stands which stored predictions a run used."""
    return record_path(results, run_id).with_name("answers.parquet")


@dataclass(frozen=True, slots=True)
class AnswerRef:
    """Which stored prediction answers an item of the run; `reading` says what the judge read (see questions.judge_items)."""

    role: str
    reading: str
    article_id: str
    speaker_id: str | None
    target_id: str | None
    key: str


def write_record(
    results: Path,
    record: RunRecord,
    scores: Sequence[ItemScore] | None = (),
    answers: Sequence[AnswerRef] | None = (),
) -> Path:
    """Writes scores and answers first, then the record: a complete record on disk means that the run's folder is whole.

    Returns the record's path. A failed run has neither scores nor answers; None stands for those that are written already
    (`rows_written`).
    """
    path = record_path(results, record.run_id)
    if record.status == "complete":
        if scores is not None:
            with rows_written(scores_path(results, record.run_id), ItemScore) as write_scores:
                write_scores(scores)
        if answers is not None:
            with rows_written(answers_path(results, record.run_id), AnswerRef) as write_answers:
                write_answers(answers)
    content = json.loads(encodable(json.dumps(record.model_dump(mode="json"), ensure_ascii=False)))
    content[DIGEST] = content_hash(content)
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return path


def read_record(path: Path) -> RunRecord:
    """The record in a file; StoreError names the file and what is wrong with it."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        digest, version = raw.pop(DIGEST, None), raw.get("schema_version", 0)
        if not isinstance(version, int) or version > SCHEMA:
            raise StoreError(
                f"{path}: record version {version!r} is newer than this harness", hint="upgrade stance-harness"
            )
        if digest is not None and digest != content_hash(raw):
            raise ValueError(f"it was changed after it was written: its {DIGEST} does not fit")
        while version < SCHEMA and version in UPGRADES:
            raw = UPGRADES[version](raw)
            version = raw["schema_version"]
        return RunRecord.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise StoreError(f"{path}: {where}: {first['msg']}", hint=RECORD_HINT) from None
    except (OSError, ValueError, RecursionError, AttributeError, TypeError, KeyError) as error:
        raise StoreError(f"{path}: not a readable record: {error}", hint=RECORD_HINT) from None


def read_records(results: Path) -> tuple[list[RunRecord], list[StoreError]]:
    """All records of a results folder by run id, and those that cannot be read; StoreError where the folder itself cannot."""
    records, broken = [], []
    for folder in listed(results / "runs"):
        path = folder / "record.json"
        try:
            if path.exists():
                records.append(read_record(path))
        except OSError as error:
            broken.append(StoreError(f"{folder} cannot be read: {error.strerror}", hint="see who owns it"))
        except StoreError as error:
            broken.append(error)
    return records, broken


def complete_runs(records: Sequence[RunRecord], *, with_shared: bool = False) -> list[RunRecord]:
    """The complete ones, without those that stand for earlier ones (`SHARED`) unless asked for."""
    complete = [r for r in records if r.status == "complete"]
    return [r for r in complete if r.dataset is not None and (with_shared or r.dataset.split != SHARED)]


def newest_run(complete: Sequence[RunRecord]) -> RunRecord:
    """The run beside which others stand or are stale: the last one that this version scored."""
    return max(complete, key=lambda r: (r.scoring_version == SCORING_VERSION, r.started_at, r.run_id))


def check_writable(results: Path) -> None:
    """Raises StoreError if nothing can be written there: better now than after hours of inference."""
    try:
        results.mkdir(parents=True, exist_ok=True)
        writable = os.access(results, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise StoreError(f"the results folder {results} cannot be written", hint="results=DIR names another")


def finished_record(results: Path, run_id: str) -> RunRecord | None:
    """The record of a run that is complete with its scores and answers, None if it failed, is torn or was never made."""
    path = record_path(results, run_id)
    try:
        record = read_record(path) if path.exists() else None
    except StoreError:
        return None
    if record is None or record.status != "complete":
        return None
    return record if all(map(is_whole, (scores_path(results, run_id), answers_path(results, run_id)))) else None


def is_whole(path: Path) -> bool:
    """Whether a Parquet file is there and as it was written: by its seal, or, of earlier versions, by reading all of it."""
    try:
        if is_sealed(path):
            return True
    except (OSError, ValueError):
        return False
    import pyarrow as pa

    try:
        read_table(path)
    except (pa.ArrowException, OSError, ValueError):
        return False
    return True


def read_scores(path: Path) -> list[ItemScore]:
    """The item scores in a run's `scores.parquet`; StoreError if the file is torn."""
    return _read_rows(path, ItemScore)


def read_answers(path: Path) -> list[AnswerRef]:
    """Which predictions a run used, from its `answers.parquet`; StoreError if the file is torn."""
    return _read_rows(path, AnswerRef)


_R = TypeVar("_R", ItemScore, AnswerRef)


@contextmanager
def rows_written(path: Path, kind: type[_R]) -> Iterator[Callable[[Sequence[_R]], None]]:
    """Yields what appends rows to a file that is there, whole, once the block ends without an error."""
    import pyarrow as pa

    names = [f.name for f in fields(kind)]
    schema = pa.schema([(n, pa.float64() if n == "value" else pa.string()) for n in names])
    with tables_written(path, schema) as write:
        yield lambda rows: write(pa.table({n: [getattr(r, n) for r in rows] for n in names}, schema=schema))


def _read_rows(path: Path, kind: type[_R]) -> list[_R]:
    names = [f.name for f in fields(kind)]
    table = run_columns(path, names)
    return [kind(*row) for row in zip(*(table[name].to_pylist() for name in names), strict=True)]
