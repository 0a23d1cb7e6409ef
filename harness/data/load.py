"""Reads a dataset from a folder of YAML files, JSONL or Parquet into frozen articles; every error says where."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from harness.data.check import check_article
from harness.data.fingerprint import add_to_digest, fingerprint
from harness.data.kept import kept_table
from harness.data.large import LARGE, LargeDataset, Passes
from harness.data.schema import NULL_IS_ABSENT, SAFE_ID, ArticleRow, DatasetCard, to_article
from harness.data.yaml_lines import LinedDocument, read_yaml
from harness.errors import DataError, Place, ValidationFailed, nearest_hint
from harness.runtime.files import listed
from harness.runtime.paths import dataset_path
from harness.types import Article, Dataset

if TYPE_CHECKING:
    import pyarrow as pa

MAX_BYTES = 20_000_000
"""A single article file beyond this is refused: no news text is that long."""

_BLOCK = 1_000
"""Rows of a table that are decoded at a time."""

_SHAPES = {
    "model_type": "must be a mapping of fields",
    "model_attributes_type": "must be a mapping of fields",
    "dict_type": "must be a mapping of fields",
    "list_type": "must be a list",
}
"""What pydantic's errors of shape are called."""


def load_dataset(path: str | Path) -> Dataset:
    """The dataset in a folder (`dataset.yaml` and `articles/`), or in one .jsonl or .parquet file of the same schema.

    A name, such as `escalation`, is one that comes with the harness or lies in `datasets/`. Raises ConfigError for what is not
    there, and ValidationFailed with everything that is wrong, each with file, line and field.
    """
    dataset, errors = read_dataset(dataset_path(str(path)))
    if errors:
        raise ValidationFailed(errors)
    return dataset


def read_dataset(path: Path) -> tuple[Dataset, list[DataError]]:
    """What can be read, and everything that is wrong with the rest."""
    if not path.exists():
        raise DataError(
            Place(str(path)), "no such file or folder", hint="give a dataset folder, or a .jsonl or .parquet file"
        )
    errors: list[DataError] = []
    sources: Iterable[tuple[Any, Where]]
    if path.is_dir():
        card = _read_card(path / "dataset.yaml", errors)
        sources, context = list(_yaml_rows(path, errors)), None
    elif not path.is_file():
        raise DataError(
            Place(str(path)), "is no regular file", hint="give a dataset folder, or a .jsonl or .parquet file"
        )
    elif path.suffix in {".jsonl", ".parquet"}:
        if _is_large(path) and (large := _read_large(path, errors)) is not None:
            return large, errors
        errors.clear()
        card = DatasetCard.model_construct(name=path.stem, version="0")
        sources, context = _rows(path, errors), NULL_IS_ABSENT
    else:
        raise DataError(Place(str(path)), f"unknown kind of dataset {path.suffix!r}", hint="a folder, .jsonl, .parquet")
    articles: list[Article] = []
    seen: dict[str, str] = {}
    for row, where in sources:
        article = _to_article(row, where, errors, context, complete=card.complete)
        if article is None:
            continue
        if article.id in seen:
            errors.append(DataError(where(("id",)), f"duplicate id {article.id!r}", hint=f"also in {seen[article.id]}"))
            continue
        seen[article.id] = where(()).file
        articles.append(article)
    if not articles and not errors:
        errors.append(DataError(Place(str(path)), "holds no articles", hint="add articles/<id>.yaml"))
    articles.sort(key=lambda a: a.id)
    dataset = Dataset(
        name=card.name,
        version=card.version,
        articles=tuple(articles),
        fingerprint=fingerprint(articles),
        language=card.language,
        licence=card.licence,
        description=card.description,
        annotators=tuple(a.name for a in card.annotators),
    )
    return dataset, errors


def _is_large(path: Path) -> bool:
    """Whether a file has more articles than are held in memory: by its lines, or by what a Parquet file says of itself."""
    if path.suffix == ".jsonl":
        with path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(2**20), b"")) > LARGE
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return bool(pq.read_metadata(path).num_rows > LARGE)
    except (pa.ArrowException, OSError, ValueError):
        # what is wrong with it is said where it is read
        return False


def _read_large(path: Path, errors: list[DataError]) -> LargeDataset | None:
    """Checks every article of a large file in one pass and holds none; None where they do not stand in the order of their ids."""
    stamp = _stamp(path)
    # of a file that changes while it is read nothing is kept: a pass over it says so
    table = kept_table(path, lambda: _checked_ids(path, errors), is_sound=lambda: not errors and _stamp(path) == stamp)
    if table is None:
        return None
    passes = Passes(partial(_pass, path, stamp), partial(_plain_rows, path), table["id"], table["split"])
    return LargeDataset(passes, name=path.stem, version="0", fingerprint=table.schema.metadata[b"fingerprint"].decode())


def _checked_ids(path: Path, errors: list[DataError]) -> pa.Table | None:
    """Id and split of each article, in the order of ids, with their fingerprint; None where they stand in another order."""
    import pyarrow as pa

    digest, last = hashlib.sha256(), ""
    ids, splits = [pa.array([], pa.string())], [pa.array([], pa.string())]
    articles = _articles_in(path, errors)
    while block := list(islice(articles, _BLOCK)):
        for article in block:
            if article.id <= last:
                return None
            last = article.id
            add_to_digest(article, digest)
        ids.append(pa.array([a.id for a in block], pa.string()))
        splits.append(pa.array([a.split for a in block], pa.string()))
    table = pa.table({"id": pa.chunked_array(ids), "split": pa.chunked_array(splits)})
    return table.replace_schema_metadata({"fingerprint": digest.hexdigest()})


def _pass(path: Path, stamp: tuple[int, int]) -> Iterator[Article]:
    """The articles of a file that was checked; DataError if it is no longer the one that was."""
    if not path.exists() or _stamp(path) != stamp:
        raise DataError(Place(str(path)), "changed while it was read", hint="start again")
    return _articles_in(path, [])


def _plain_rows(path: Path) -> Iterator[Any]:
    """The rows of a file that was checked, without nulls."""
    return (_without_nulls(row) for row, _ in _rows(path, []))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(field) for name, field in value.items() if field is not None}
    return [_without_nulls(part) for part in value] if isinstance(value, list) else value


def _stamp(path: Path) -> tuple[int, int]:
    """Time and size of a file."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _articles_in(path: Path, errors: list[DataError]) -> Iterator[Article]:
    """The articles of a file in its order; those that are wrong are left out, and errors say why."""
    for row, where in _rows(path, errors):
        article = _to_article(row, where, errors, NULL_IS_ABSENT, complete=True)
        if article is not None:
            yield article


def to_huggingface(dataset: Dataset) -> Any:
    """The same rows as a Hugging Face `datasets.Dataset`: one article a row, nested fields kept."""
    from importlib import import_module

    from harness.data.article_table import table_row

    # by name: beside this checkout's folder datasets/ a type checker would take the wrong one
    return import_module("datasets").Dataset.from_list([table_row(article) for article in dataset])


Where = Callable[[tuple[str | int, ...]], Place]


def _read_card(path: Path, errors: list[DataError]) -> DatasetCard:
    if not path.exists():
        errors.append(
            DataError(
                Place(str(path)), "no such file", hint="a dataset folder holds dataset.yaml with name and version"
            )
        )
        return DatasetCard.model_construct(name=path.parent.name, version="0")
    try:
        document = read_yaml(path, MAX_BYTES)
        return DatasetCard.model_validate(document.data)
    except DataError as error:
        errors.append(error)
    except ValidationError as error:
        errors.extend(explain_all(error, document.place, DatasetCard))
    return DatasetCard.model_construct(name=path.parent.name, version="0")


def _yaml_rows(folder: Path, errors: list[DataError]) -> Iterator[tuple[Any, Where]]:
    for path in listed(folder / "articles", "*.y*ml"):
        try:
            document: LinedDocument = read_yaml(path, MAX_BYTES)
        except DataError as error:
            errors.append(error)
            continue
        data = document.data
        if isinstance(data, dict) and isinstance(data.get("id"), str) and data["id"] != path.stem:
            ways = [f"rename the file to {data['id']}.yaml"] if re.match(SAFE_ID, data["id"]) else []
            ways += [f"set id: {path.stem}"] if re.match(SAFE_ID, path.stem) else []
            errors.append(
                DataError(
                    document.place(("id",)), f"id {data['id']!r} is not the file's name", hint=" or ".join(ways) or None
                )
            )
        yield data, document.place


def _rows(path: Path, errors: list[DataError]) -> Iterator[tuple[Any, Where]]:
    return (_jsonl_rows if path.suffix == ".jsonl" else _parquet_rows)(path, errors)


def _jsonl_rows(path: Path, errors: list[DataError]) -> Iterator[tuple[Any, Where]]:
    with path.open("rb") as lines:
        for number, line in enumerate(iter(lambda: lines.readline(MAX_BYTES + 1), b""), start=1):
            if len(line) > MAX_BYTES:
                errors.append(
                    DataError(Place(str(path), number), f"more than {MAX_BYTES:,} bytes", hint="split the text")
                )
                return
            if not line.strip():
                continue
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                yield parse_object(text, Place(str(path), number)), _in_row(path, number)
            except DataError as error:
                errors.append(error)
            except UnicodeDecodeError as error:
                errors.append(DataError(Place(str(path), number), f"not UTF-8: {error}", hint="save the file as UTF-8"))
            except RecursionError:
                errors.append(DataError(Place(str(path), number), "not JSON: nested too deeply"))
            except ValueError as error:  # also a number of thousands of digits
                errors.append(DataError(Place(str(path), number), f"not JSON: {error}"))


def parse_object(text: str, place: Place) -> Any:
    """Decoded JSON; DataError where an object has a key twice, of which decoders drop one in silence."""

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        row = dict(pairs)
        if len(row) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(place, f"the key {twice!r} stands twice in one object", hint="keep one of them")
        return row

    return json.loads(text, object_pairs_hook=made)


def _parquet_rows(path: Path, errors: list[DataError]) -> Iterator[tuple[Any, Where]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from harness.data.article_table import decoded_rows

    number = 0
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        for batch in file.iter_batches(_BLOCK, use_threads=False):
            block = pa.Table.from_batches([batch])
            # Arrow does not look whether texts are UTF-8 until it is asked
            block.validate(full=True)
            for row in decoded_rows(block):
                number += 1
                yield row, _in_row(path, number)
    except (pa.ArrowException, OSError, ValueError) as error:
        errors.append(DataError(Place(str(path)), f"not a readable Parquet file: {error}"))


def _in_row(path: Path, number: int) -> Where:
    return lambda loc: Place(str(path), number, ".".join(map(str, loc)) or None)


def _to_article(data: Any, where: Where, errors: list[DataError], context: Any, *, complete: bool) -> Article | None:
    try:
        row = ArticleRow.model_validate(data, context=context)
        row.complete = row.complete and complete
    except ValidationError as error:
        errors.extend(explain_all(error, where, ArticleRow))
        return None
    wrong = list(check_article(row, where))
    errors.extend(wrong)
    return None if wrong else to_article(row)


def explain_all(error: ValidationError, where: Where, model: type[BaseModel]) -> Iterator[DataError]:
    """One DataError for each thing that pydantic found, in the words of someone who edits the file."""
    for item in error.errors(include_url=False):
        # a union's branch name ("str", "QuoteRow") is no part of the file's path
        loc = tuple(x for x in item["loc"] if not (isinstance(x, str) and x in {"str", "constrained-str", "QuoteRow"}))
        kind, given = item["type"], item.get("input")
        hint = None
        if kind == "extra_forbidden":
            known = _fields_at(model, loc[:-1])
            message = f"unknown field {loc[-1]!r}"
            hint = nearest_hint(str(loc[-1]), known) + (f"known here: {', '.join(known)}" if known else "") or None
        elif kind == "missing":
            message = "required field is missing"
        elif kind in {"enum", "literal_error"}:
            expected = str(item.get("ctx", {}).get("expected", ""))
            message = f"{given!r} is not allowed here"
            hint = (
                nearest_hint(str(given), expected.replace("'", "").replace(" or ", ", ").split(", "))
                + f"one of {expected}"
            )
        elif kind == "string_pattern_mismatch":
            message = f"{given!r} is no id"
            hint = "ids are lower-case letters, digits, '-', '_' and '.', at most 128, and begin with a letter or digit"
        elif kind == "string_type" and isinstance(given, bool | int | float):
            message = f"{given!r} is read as {type(given).__name__}, a text is wanted"
            hint = "put it in quotes"
        else:
            message = _SHAPES.get(kind) or item["msg"].removeprefix("Value error, ")
        yield DataError(where(loc), message, hint=hint)


def _fields_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """Names of the fields that are known at a place in the schema."""
    schema = TypeAdapter(model).json_schema()
    node: dict[str, Any] = schema
    for step in loc:
        node = _deref(node, schema)
        node = node.get("items", {}) if isinstance(step, int) else node.get("properties", {}).get(step, {})
    return sorted(_deref(node, schema).get("properties", {}))


def _deref(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    for option in node.get("anyOf", [node]):
        if "$ref" in option:
            found: dict[str, Any] = schema["$defs"][option["$ref"].rsplit("/", 1)[-1]]
            return found
        if "items" in option:
            return dict(option)
    return node
