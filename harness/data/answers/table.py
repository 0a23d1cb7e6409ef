"""Answers in a table (CSV, TSV, JSON Lines, Parquet): a row an answer.

Columns: `article` and, of a stance, `speaker` and `target`, each by id or as the set words it (name, alias, proposition);
`stance`, or `reply` from which a stance is parsed; of a summary `summary`. Scores are columns called like the six labels, or
one column `scores` with an object. `error` says why there is no answer. `article_id`, `id`, `speaker_id`, `target_id` and `label`
are known too, so that predictions which the harness stored and tables that it exported can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data.answers.shape import FileAnswer, FileAnswers, Words, number, once, scores_of
from harness.data.csv_rows import csv_rows
from harness.data.formats.base import guard, json_lines, read_guarded
from harness.data.formats.csv_table import MAX_TABLE
from harness.errors import DataError, Place, nearest_hint
from harness.runtime.parquet import read_table as read_parquet
from harness.types import STANCES, Stance

COLUMNS: dict[str, tuple[str, ...]] = {
    "article": ("article", "article_id", "id"),
    "speaker": ("speaker", "speaker_id"),
    "target": ("target", "target_id"),
    "stance": ("stance", "label"),
    "reply": ("reply",),
    "summary": ("summary", "output"),
    "scores": ("scores",),
    "error": ("error",),
}
"""Our columns, and what a file may call each."""

IDS = ("article", "speaker", "target")

Row = tuple[int, Mapping[str, Any]]
"""Line of a file (of Parquet: number of the row), from 1, and its cells."""


def read_table(path: Path, words: Words, *, pairs: bool) -> FileAnswers:
    """The answers of a table, about pairs or about articles."""
    rows = list(_rows(path))
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    by_label = {label: name for label in STANCES for name in names if name.strip().casefold() == label} if pairs else {}
    columns = _columns(names, words, path)
    needed = (*IDS, "stance") if pairs else ("article", "summary")
    for ours in needed:
        labelled = ours == "stance" and (by_label or {"reply", "scores"} & columns.keys())
        if ours not in columns and not labelled:
            hint = f"{_have(names)}: say columns={{{ours}: ...}}"
            raise DataError(Place(str(path), 1), f"there is no column {ours!r}", hint=hint)
    read = {ours: columns[ours] for ours in (*needed, "reply", "scores", "error") if ours in columns}
    cells = _Cells(read, by_label, words)
    unread = [name for name in names if name not in read.values() and name not in by_label.values()]
    answer = cells.stance if pairs else cells.summary
    answers = (answer(row, Place(str(path), line)) for line, row in rows)
    remarks = (f"columns that are not read: {', '.join(unread)}",) if unread else ()
    return FileAnswers(tuple(once(filter(None, answers), "keep one of the rows")), remarks)


def _rows(path: Path) -> Iterator[Row]:
    suffix = path.suffix.casefold()
    if suffix == ".parquet":
        return _parquet(path)
    return json_lines(path) if suffix in (".jsonl", ".ndjson") else csv_rows(read_guarded(path, MAX_TABLE), str(path))


def _parquet(path: Path) -> Iterator[Row]:
    import pyarrow as pa

    try:
        yield from enumerate(read_parquet(guard(path)).to_pylist(), start=1)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(Place(str(path)), f"not a readable Parquet file: {error}") from None


def _columns(names: list[str], words: Words, path: Path) -> dict[str, str]:
    """The file's name of each of our columns that it has; DataError for one that `columns` wants and that is not there."""
    for name in words.columns:
        if name not in COLUMNS:
            hint = f"{nearest_hint(name, list(COLUMNS))}known: {', '.join(COLUMNS)}"
            raise DataError(Place("columns", field=name), "unknown", hint=hint)
    folded = {name.strip().casefold(): name for name in reversed(names)}
    columns = {}
    for ours, known in COLUMNS.items():
        wanted = words.columns.get(ours)
        if wanted is not None and wanted not in names:
            raise DataError(Place(str(path), 1), f"there is no column {wanted!r}", hint=_have(names))
        column = wanted or next((folded[name] for name in known if name in folded), None)
        if column is not None:
            columns[ours] = column
    return columns


def _have(names: list[str]) -> str:
    return f"the file has {', '.join(names) or 'none'}"


@dataclass(frozen=True, slots=True)
class _Cells:
    """Makes answers of rows: the file's names of our columns, and of the columns with labels' scores."""

    columns: Mapping[str, str]
    by_label: Mapping[Stance, str]
    words: Words

    def stance(self, row: Mapping[str, Any], place: Place) -> FileAnswer | None:
        """The row's answer about a pair; None for a row that gives none, whose item is then missing."""
        ids = tuple(self._id(row, ours, place) for ours in IDS)
        word, reply, error = (self._text(row, ours, place) for ours in ("stance", "reply", "error"))
        scores, log = scores_of(self._scores(row, place), place)
        if error is None and word is None and reply is None and not scores:
            return None
        label = None if word is None else self.words.stance(word, self._at("stance", place))
        parse = label is None and reply is not None
        return FileAnswer(place, ids, label, reply, parse, scores=scores, log=log, error=error)

    def summary(self, row: Mapping[str, Any], place: Place) -> FileAnswer | None:
        """The row's summary; None for a row that has none."""
        ids = (self._id(row, "article", place),)
        summary, error = self._text(row, "summary", place), self._text(row, "error", place)
        return None if summary is None and error is None else FileAnswer(place, ids, reply=summary, error=error)

    def _at(self, ours: str, place: Place) -> Place:
        return Place(place.file, place.line, self.columns[ours])

    def _id(self, row: Mapping[str, Any], ours: str, place: Place) -> str:
        value = row.get(self.columns[ours])
        # a table's reader may have made a number of an id
        text = str(value) if isinstance(value, int) else self._text(row, ours, place)
        if text is None:
            raise DataError(self._at(ours, place), "is empty")
        return text.strip()

    def _text(self, row: Mapping[str, Any], ours: str, place: Place) -> str | None:
        """The text of a cell; None for an empty one."""
        value = row.get(self.columns[ours]) if ours in self.columns else None
        if value is None or isinstance(value, str):
            return value if value and value.strip() else None
        raise DataError(self._at(ours, place), f"{value!r} is no text")

    def _scores(self, row: Mapping[str, Any], place: Place) -> dict[Stance, float]:
        """Scores by label: of the column `scores` (an object, pairs as Parquet gives maps, or the list of {label, value} of
        our prediction parts), else of the labels' columns."""
        if "scores" in self.columns and row.get(self.columns["scores"]) is not None:
            raw, where = row[self.columns["scores"]], self._at("scores", place)
            try:
                entries = raw if isinstance(raw, list) else []
                listed = bool(entries) and all(isinstance(e, dict) and e.keys() == {"label", "value"} for e in entries)
                given = {e["label"]: e["value"] for e in entries} if listed else dict(raw)
            except (TypeError, ValueError):
                raise DataError(where, f"{raw!r}: an object of numbers by label is wanted") from None
            named = {name: value for name, value in given.items() if value is not None}
            return {self.words.stance(str(name), where): number(value, where) for name, value in named.items()}
        return {
            label: number(row[name], Place(place.file, place.line, name))
            for label, name in self.by_label.items()
            if row.get(name) not in (None, "")
        }
