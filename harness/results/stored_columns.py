"""Stored answers and scores as Arrow columns: all reading of Parquet, the version check, and which of two answers counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import StoreError
from harness.runtime.files import listed
from harness.runtime.parquet import read_table
from harness.types import STANCES

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "2"
"""Version of a part's columns, in its Parquet metadata. Format 1 had scores as a map, which `datasets` cannot load, and neither
`finish` nor `reading`."""

_READABLE = ("1", FORMAT)
_FORMAT_KEY = b"harness.predictions"
_NEW = ("finish", "reading")
"""Columns that parts of format 1 do not have."""


class TornPart(StoreError):
    """A part that cannot be read: it is reported and left where it is; its unit is computed again."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: not readable: {reason}", hint="the next run computes its answers again")
        self.path = path
        self.reason = reason


@dataclass(frozen=True)
class StoredAnswers:
    """The answers in one folder of parts: `table` has one row a key; `torn` are the parts that could not be read."""

    table: pa.Table
    torn: tuple[TornPart, ...] = ()


def part_schema(columns: Iterable[str] | None = None) -> pa.Schema:
    """The columns of a part, or these of them, with its version in the metadata."""
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    fields = {
        "key": text,
        "system": text,
        "article_id": text,
        "speaker_id": text,
        "target_id": text,
        "kind": text,
        "output": text,
        "label": text,
        "scores": pa.list_(pa.struct([("label", text), ("value", pa.float64())])),
        "raw": text,
        "prompt": text,
        "tokens_in": number,
        "tokens_out": number,
        "tokens_cut": number,
        "seconds": pa.float64(),
        "path": text,
        "error": text,
        "finish": text,
        "reading": pa.int16(),
        "created_at": text,
    }
    names = fields if columns is None else columns
    return pa.schema([pa.field(name, fields[name]) for name in names], metadata={_FORMAT_KEY: FORMAT})


def parts_of(folder: Path) -> list[Path]:
    """The parts in a system's folder, in the order of their names, which begin with the time of writing."""
    return listed(folder, "part-*.parquet")


def part_columns(path: Path, columns: Sequence[str]) -> pa.Table:
    """These columns of one part, a row for each answer that was written; other columns are not read.

    Raises TornPart if the file is damaged or gone, is of another format or lacks a column, or if one of the columns holds
    something else than it should (a number for a text, a label that is no stance).
    """
    return _read_part(path, part_schema(columns))


def stored_answers(folder: Path, columns: Sequence[str], parts: Sequence[Path] | None = None) -> StoredAnswers:
    """These columns of all parts in a folder (or of these), with `key` and `error`, one row a key, in the order of writing.

    Of two rows for one key the newer reading of the reply counts; of one reading an answer beats an error, and of two answers
    (or two errors) the later one counts.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    schema = part_schema(dict.fromkeys(["key", "error", *columns]))
    tables, torn = [schema.empty_table()], []
    try:
        parts = parts_of(folder) if parts is None else parts
    except StoreError as error:
        return StoredAnswers(tables[0], (TornPart(folder, error.message),))
    for path in parts:
        try:
            tables.append(_read_part(path, schema))
        except TornPart as problem:
            torn.append(problem)
    table = pa.concat_tables(tables)
    if len(pc.unique(table["key"])) == len(table):
        return StoredAnswers(table, tuple(torn))
    if not {"created_at", "reading"} <= set(schema.names):
        # rare: most folders hold one answer a key, and their times are not read
        return stored_answers(folder, [*columns, "reading", "created_at"], parts)
    keys, errors, readings, times = (table[name].to_pylist() for name in ("key", "error", "reading", "created_at"))
    ranked = sorted(range(len(keys)), key=lambda row: (readings[row] or 0, errors[row] is None, times[row]))
    best_row = {keys[row]: row for row in ranked}
    return StoredAnswers(table.take(pa.array(sorted(best_row.values()))), tuple(torn))


def _read_part(path: Path, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        table = read_table(path, schema.names)
        version = (table.schema.metadata or {}).get(_FORMAT_KEY, b"").decode()
        if version not in _READABLE:
            raise ValueError(f"predictions of format {version!r}; this version reads {', '.join(_READABLE)}")
        for name in _NEW:
            if version == "1" and name in schema.names and name not in table.column_names:
                table = table.append_column(name, pa.nulls(len(table), schema.field(name).type))
        table = table.select(schema.names)
        if not table.schema.equals(schema):
            table = table.cast(schema)
        if "label" in schema.names:
            unknown = set(pc.unique(table["label"]).to_pylist()) - {None, *STANCES}
            if unknown:
                raise ValueError(f"{min(unknown)!r} is no stance")
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise TornPart(path, first_line(error)) from None
    return table


def run_columns(path: Path, columns: Sequence[str], *, dictionaries: Sequence[str] = ()) -> pa.Table:
    """These columns of a run's `scores.parquet` or `answers.parquet`, those in `dictionaries` as dictionary arrays.

    StoreError names the file and the next step if it is gone, damaged or lacks a column.
    """
    import pyarrow as pa

    try:
        return read_table(path, columns, dictionaries=dictionaries).select(list(columns))
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise StoreError(
            f"{path}: not readable ({first_line(error)})", hint="harness rescore, or the run's command, writes it anew"
        ) from None


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its type if it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0]
