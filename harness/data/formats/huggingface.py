"""A Hugging Face dataset: `data/<split>.parquet`, a dataset card README.md, and dataset.yaml with the card's own fields.

Mapping: a row is an article, nested fields are structs and lists; evidence is always {text, occurrence}; dates are
ISO texts. `datasets.load_dataset("FOLDER")` reads the splits `dev` and `test`. Nothing of an
article is lost; GUIDELINES.md and summary_stances.yaml go along as they are (`harness.data.convert`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from harness.data.formats.base import article_from, guard, unique
from harness.data.formats.ledger import Imported, Ledger, Loss
from harness.data.load import without_nulls
from harness.data.schema import ArticleRow, to_row
from harness.data.summary_stances import FILE as SUMMARY_STANCES
from harness.data.yaml_lines import read_yaml
from harness.errors import DataError, Place
from harness.runtime.files import replacing, write_text
from harness.types import SCALE, STANCES, Article, Dataset

COMPANIONS = ("GUIDELINES.md", SUMMARY_STANCES)
"""Files beside the articles that go along as they are."""

MAX_UNPACKED = 2_000_000_000
"""Bytes of all columns once unpacked: a Parquet file may claim to be small."""

_S, _SS = pa.string(), pa.list_(pa.string())
_STANCE = pa.struct(
    [
        *((n, _S) for n in ("speaker", "target", "stance", "act", "modality", "condition", "basis")),
        ("evidence", pa.list_(pa.struct([("text", _S), ("occurrence", pa.int32())]))),
        ("phenomena", _SS),
        ("confidence", pa.int32()),
        ("note", _S),
        ("reason", _S),
    ]
)
_FACT = pa.struct([("fact", _S), ("date", _S), ("checked", _S)])
SCHEMA = pa.schema(
    [
        *((n, _S) for n in ("id", "title", "text", "event", "split", "language")),
        ("complete", pa.bool_()),
        (
            "source",
            pa.struct(
                [
                    *((n, _S) for n in ("kind", "publisher", "date", "url", "licence", "note")),
                    ("facts", pa.list_(_FACT)),
                ]
            ),
        ),
        (
            "targets",
            pa.list_(
                pa.struct([("id", _S), ("proposition", _S), ("direction", _S), ("rung", pa.int32()), ("parent", _S)])
            ),
        ),
        (
            "speakers",
            pa.list_(
                pa.struct(
                    [
                        ("id", _S),
                        ("name", _S),
                        ("aliases", _SS),
                        ("side", _S),
                        ("role", _S),
                        ("kind", _S),
                        ("main", pa.bool_()),
                    ]
                )
            ),
        ),
        ("summaries", pa.list_(pa.struct([("annotator", _S), ("text", _S)]))),
        ("annotations", pa.list_(pa.struct([("annotator", _S), ("stances", pa.list_(_STANCE))]))),
        ("gold", pa.struct([("adjudicator", _S), ("stances", pa.list_(_STANCE))])),
    ]
)


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """A folder made by `save`, or any folder or file of Parquet in this schema."""
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    articles = [a for file in files for a in _read(file)]
    card_file = path / "dataset.yaml"
    card = dict(read_yaml(card_file, 1_000_000).data) if path.is_dir() and card_file.exists() else {}
    ledger = Ledger()
    for other in sorted(path.rglob("*")) if path.is_dir() else []:
        known = other.suffix == ".parquet" or other == card_file or other.name in ("README.md", *COMPANIONS)
        if other.is_file() and not known and not other.name.startswith("."):
            ledger.lose(str(other), "a file that is no Parquet is not read")
    return ledger.imported(unique(articles, path), {"complete": all(a.complete for a in articles), **card})


def _read(file: Path) -> list[Article]:
    try:
        parquet = pq.ParquetFile(guard(file))
        meta = parquet.metadata
        size = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
        if size > MAX_UNPACKED:
            raise DataError(
                Place(str(file)), f"unpacks to {size:,} bytes; the limit is {MAX_UNPACKED:,}", hint="split it"
            )
        _refuse_unknown(parquet.schema_arrow, SCHEMA, Place(str(file)))
        rows = parquet.read().to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DataError(Place(str(file)), f"not a readable Parquet file: {error}") from None
    return [article_from(without_nulls(row), Place(str(file), n)) for n, row in enumerate(rows, start=1)]


def _refuse_unknown(fields: Any, known: Any, place: Place, path: str = "") -> None:
    """DataError for a column, or a field of one, that an article does not have: its nulls would vanish unseen."""
    for i in range(fields.num_fields if isinstance(fields, pa.DataType) else len(fields)):
        name = fields.field(i).name
        names = [known.field(j).name for j in range(known.num_fields if isinstance(known, pa.DataType) else len(known))]
        if name not in names:
            raise DataError(place, f"there is no field {path}{name!r}", hint=f"known there: {', '.join(names)}")
        inner, expected = fields.field(i).type, known.field(names.index(name)).type
        while pa.types.is_list(inner) and pa.types.is_list(expected):
            inner, expected = inner.value_type, expected.value_type
        if pa.types.is_struct(inner) and pa.types.is_struct(expected):
            _refuse_unknown(inner, expected, place, f"{path}{name}.")


def save(dataset: Dataset, path: Path, mapping: Mapping[str, Any]) -> list[Loss]:
    """Writes the folder; `mapping` may hold the dataset card's other fields."""
    rows = [_row(a) for a in dataset]
    for split in sorted({row["split"] for row in rows}):
        table = pa.Table.from_pylist([r for r in rows if r["split"] == split], schema=SCHEMA)
        with replacing(path / "data" / f"{split}.parquet") as temporary:
            pq.write_table(table, temporary, compression="zstd")
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


def _row(article: Article) -> dict[str, Any]:
    row = ArticleRow.model_validate(to_row(article)).model_dump(mode="json")
    for labels in (*row["annotations"], *([row["gold"]] if row["gold"] else [])):
        for stance in labels["stances"]:
            stance["evidence"] = [{"text": e, "occurrence": 1} if isinstance(e, str) else e for e in stance["evidence"]]
    return row


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
