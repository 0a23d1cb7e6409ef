"""Reads a file of answers, whichever kind it is: a table, a log of lm-evaluation-harness, or one of Inspect."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.data.answers.inspect_log import read_inspect
from harness.data.answers.lm_eval_log import KEYS, read_lm_eval
from harness.data.answers.shape import FileAnswers, Words
from harness.data.answers.table import read_table
from harness.data.formats.base import as_expected, guard, json_lines
from harness.errors import DataError, Place

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".parquet", ".eval", ".json")
LOGS = ("samples_*.jsonl", "*.eval")
"""What is looked for in a folder: names of other harnesses' logs carry the time of the run."""


def read_answers(path: Path, words: Words, *, pairs: bool) -> FileAnswers:
    """The answers about pairs, or about articles (summaries), of a file, or of the one log in a folder.

    DataError with file, line and field for what cannot be read, and for answers of the other kind.
    """
    file = _one_log(path) if path.is_dir() else path
    with as_expected(file, "a file of answers"):
        read = _read(file, words, pairs=pairs)
    wanted = 3 if pairs else 1
    for answer in read.answers:
        if len(answer.ids) != wanted:
            other, hint = ("a pair", "stance=from_file") if wanted == 1 else ("an article", "summariser=from_file")
            raise DataError(answer.place, f"is an answer about {other}", hint=f"{hint} reads such a file")
    if not read.answers:
        raise DataError(Place(str(file)), "holds no answer")
    return read


def _read(file: Path, words: Words, *, pairs: bool) -> FileAnswers:
    suffix = file.suffix.casefold()
    if suffix not in SUFFIXES:
        raise DataError(Place(str(file)), f"unknown kind of file {suffix!r}", hint=f"known: {', '.join(SUFFIXES)}")
    if not file.is_file():
        raise DataError(Place(str(file)), "no such file or folder")
    if suffix in (".eval", ".json"):
        return read_inspect(file, words)
    if suffix in (".jsonl", ".ndjson"):
        first: Mapping[str, Any] = next(json_lines(guard(file)), (0, {}))[1]
        if first.keys() >= KEYS:
            return read_lm_eval(file, words)
    return read_table(file, words, pairs=pairs)


def _one_log(folder: Path) -> Path:
    logs = sorted(log for pattern in LOGS for log in folder.rglob(pattern))
    if len(logs) != 1:
        found = ", ".join(str(log.relative_to(folder)) for log in logs[:5]) or "none"
        raise DataError(Place(str(folder)), f"holds {len(logs)} logs ({found}), one is wanted", hint="name a file")
    return logs[0]
