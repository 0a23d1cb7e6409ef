"""A Hugging Face dataset: `data/<split>.parquet`, a dataset card README.md, and dataset.yaml with the card's own fields.

Mapping: a row is an article, nested fields are structs and lists; evidence is always {text, occurrence}; dates are
ISO texts. `datasets.load_dataset("FOLDER")` reads the splits `dev` and `test`. Nothing of an article is lost;
GUIDELINES.md, summary_stances.yaml and the labelled summaries go along as they are (`harness.data.convert`). What
`datasets` writes is read, too: Parquet of
`to_parquet`, Arrow of `save_to_disk`, and records that it keeps as JSON because they have not all the same fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from harness.data.article_table import article_schema, decoded_rows, refuse_unknown, table_row
from harness.data.companions import companions
from harness.data.formats.base import article_from, guard, parse_json, read_guarded, unique
from harness.data.formats.ledger import Imported, Ledger, Loss
from harness.data.load import MAX_BYTES
from harness.data.schema import NULL_IS_ABSENT
from harness.data.yaml_lines import read_yaml
from harness.errors import DataError, Place
from harness.runtime.files import write_text
from harness.runtime.parquet import read_table, write_table
from harness.types import SCALE, STANCES, Article, Dataset

STATE, INFO = "state.json", "dataset_info.json"
"""What `datasets` writes beside the Arrow files of a split: their names; what is known of the data."""

MAX_UNPACKED = 2_000_000_000
"""Bytes of all columns once unpacked: a file may claim to be small."""


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """A folder made by `save` or by `save_to_disk`, or any folder or file of Parquet in this schema."""
    ledger = Ledger()
    files, known = [path], {path / "dataset.yaml", *(path / name for name in companions(path))}
    if path.is_dir():
        files = sorted(path.rglob("*.parquet"))
        for state in sorted(path.rglob(STATE)):
            files += _saved(state, ledger)
            known |= {state, state.with_name(INFO), *path.rglob("dataset_dict.json")}
    articles = [a for file in files for a in _read(file)]
    card_file = path / "dataset.yaml"
    card = dict(read_yaml(card_file, 1_000_000).data) if path.is_dir() and card_file.exists() else {}
    for other in sorted(path.rglob("*")) if path.is_dir() else []:
        if other.is_file() and not (
            other in known or other in files or other.name == "README.md" or other.name.startswith(".")
        ):
            ledger.lose(str(other), "a file that is no Parquet is not read")
    return ledger.imported(unique(articles, path), {"complete": all(a.complete for a in articles), **card})


def _saved(state: Path, ledger: Ledger) -> list[Path]:
    """The Arrow files of a folder of `save_to_disk`; what else its two files of JSON say of the data is listed."""
    raw = parse_json(read_guarded(state, MAX_BYTES), Place(str(state)))
    try:
        files = [state.parent / str(entry["filename"]) for entry in raw["_data_files"]]
    except (KeyError, TypeError):
        raise DataError(Place(str(state)), "names no `_data_files`", hint="save the dataset again") from None
    if strange := [file for file in files if file.parent != state.parent or not file.is_file()]:
        raise DataError(Place(str(state), field="_data_files"), f"{strange[0].name!r} is no file of its folder")
    info = state.with_name(INFO)
    said = parse_json(read_guarded(info, MAX_BYTES), Place(str(info))) if info.is_file() else {}
    for name in ("description", "citation", "homepage", "license"):
        if isinstance(said, dict) and said.get(name):
            ledger.lose(Place(str(info), field=name), "is not read: say it in the mapping")
    return files


def _read(file: Path) -> list[Article]:
    place = Place(str(file))
    kind = "Arrow" if file.suffix == ".arrow" else "Parquet"
    try:
        table = _arrow(guard(file), place) if kind == "Arrow" else _parquet(guard(file), place)
        refuse_unknown(table.schema, place)
        rows = list(decoded_rows(table))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(place, f"not a readable {kind} file: {error}") from None
    return [article_from(row, Place(str(file), n), context=NULL_IS_ABSENT) for n, row in enumerate(rows, start=1)]


def _parquet(file: Path, place: Place) -> pa.Table:
    metadata = pq.read_metadata(file)
    _check_size(sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)), place)
    return read_table(file)


def _arrow(file: Path, place: Place) -> pa.Table:
    batches, size = [], 0
    with pa.memory_map(str(file)) as source, pa.ipc.open_stream(source) as stream:
        for batch in stream:
            size += batch.nbytes
            _check_size(size, place)
            batches.append(batch)
        return pa.Table.from_batches(batches, stream.schema)


def _check_size(size: int, place: Place) -> None:
    if size > MAX_UNPACKED:
        raise DataError(place, f"unpacks to {size:,} bytes; the limit is {MAX_UNPACKED:,}", hint="split it")


def save(dataset: Dataset, path: Path, mapping: Mapping[str, Any]) -> list[Loss]:
    """Writes the folder; `mapping` may hold the dataset card's other fields."""
    rows = [table_row(a) for a in dataset]
    for split in sorted({row["split"] for row in rows}):
        table = pa.Table.from_pylist([r for r in rows if r["split"] == split], schema=article_schema())
        write_table(table, path / "data" / f"{split}.parquet")
    card = {
        "name": dataset.name,
        "version": dataset.version,
        "description": dataset.description,
        "language": dataset.language,
        "licence": dataset.licence,
        "complete": all(a.complete for a in dataset),
        "annotators": [{"name": n} for n in dataset.annotators],
        **mapping,
    }
    write_text(path / "dataset.yaml", yaml.safe_dump(card, allow_unicode=True, sort_keys=False))
    write_text(path / "README.md", _readme(dataset, sorted({row["split"] for row in rows})))
    return []


def _readme(dataset: Dataset, splits: list[str]) -> str:
    n = len(dataset)
    size = "n<1K" if n < 1000 else "1K<n<10K" if n < 10_000 else "10K<n<100K" if n < 100_000 else "100K<n<1M"
    front = {
        "pretty_name": dataset.name,
        "license": (dataset.licence or "other").lower(),
        "language": [dataset.language],
        "task_categories": ["summarization", "text-classification"],
        "tags": ["stance-detection", "conflict"],
        "size_categories": [size],
        "configs": [
            {"config_name": "default", "data_files": [{"split": s, "path": f"data/{s}.parquet"} for s in splits]}
        ],
    }
    gold = sum(len(a.gold.stances) for a in dataset if a.gold)
    scale = ", ".join(f"`{s}`" for s in SCALE)
    lines = [
        "---",
        yaml.safe_dump(front, allow_unicode=True, sort_keys=False).rstrip(),
        "---",
        "",
        f"# {dataset.name} {dataset.version}",
        "",
        dataset.description or "Articles with the stances of their speakers.",
        "",
        f"{n} articles, {gold} gold stances. A stance is one of {scale}, or `{STANCES[-1]}`, of one `speaker` on one "
        "`target` (a proposition); `evidence` is copied verbatim from `text`, `occurrence` (from 1) says which one is meant "
        "where it stands more than once.",
        "",
    ]
    if not all(a.complete for a in dataset):
        lines += ["Not every (speaker, target) pair is labelled: silence means nothing.", ""]
    if dataset.annotators:
        lines += ["Annotators: " + ", ".join(dataset.annotators) + ".", ""]
    return "\n".join(lines)
