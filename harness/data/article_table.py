"""Articles as rows of a table with typed columns (Arrow, Parquet, Hugging Face): the schema, a row, and the way back.

The schema is made of the article file's models, so that no field can be missing in it. A dataset that Hugging Face's
`datasets` wrote may hold records as JSON (`arrow.json`) where they had not all the same fields; they are decoded.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pyarrow as pa
from pydantic import BaseModel

from harness.data.schema import ArticleRow, to_row
from harness.errors import DataError, Place
from harness.types import Article

_JSON = "arrow.json"


def article_schema() -> pa.Schema:
    """Every field of an article file as a column; records are structs, evidence is always {text, occurrence}, dates are texts."""
    return pa.schema(list(_struct(ArticleRow)))


def table_row(article: Article) -> dict[str, Any]:
    """The article in the shape of `article_schema`, JSON-able, all fields there."""
    row = ArticleRow.model_validate(to_row(article)).model_dump(mode="json")
    for labels in (*row["annotations"], *filter(None, (row["gold"], row["contrast"]))):
        for stance in labels["stances"]:
            # a column holds one type only
            stance["evidence"] = [{"text": e, "occurrence": 1} if isinstance(e, str) else e for e in stance["evidence"]]
    return row


def decoded_rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """The table's rows with what is JSON in them decoded; ValueError where it is none. Absent fields stay null."""
    types = {field.name: field.type for field in table.schema if _holds_json(field.type)}
    if not types:
        # most files: nothing to decode
        yield from table.to_pylist()
        return
    for row in table.to_pylist():
        yield row | {name: _decoded(row[name], kind) for name, kind in types.items()}


def refuse_unknown(schema: pa.Schema, place: Place) -> None:
    """DataError for a column, or a field of one, that an article does not have: its nulls would vanish unseen."""
    _refuse(pa.struct(list(schema)), pa.struct(list(article_schema())), place, "")


def _struct(model: type[BaseModel]) -> pa.StructType:
    return pa.struct([(name, _type(field.annotation)) for name, field in model.model_fields.items()])


def _type(annotation: Any) -> pa.DataType:
    """The column type of a model's field; a union with a record is that record, which evidence needs."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(inner[0])
    if origin in (Union, UnionType):
        kinds = [_type(x) for x in inner if x is not NoneType]
        return next((x for x in kinds if pa.types.is_struct(x)), kinds[0])
    if origin is list:
        return pa.list_(_type(inner[0]))
    if origin is Literal or issubclass(annotation, str | Enum | dt.date):
        return pa.string()
    if issubclass(annotation, BaseModel):
        return _struct(annotation)
    return pa.bool_() if annotation is bool else pa.int32()


def _holds_json(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(_holds_json(kind.field(i).type) for i in range(len(kind)))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _holds_json(kind.value_type)
    return getattr(kind, "extension_name", None) == _JSON


def _decoded(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if getattr(kind, "extension_name", None) == _JSON:
        return json.loads(value)
    if pa.types.is_struct(kind):
        return {kind.field(i).name: _decoded(value[kind.field(i).name], kind.field(i).type) for i in range(len(kind))}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [_decoded(item, kind.value_type) for item in value]
    return value


def _refuse(fields: pa.StructType, known: pa.StructType, place: Place, path: str) -> None:
    names = [known.field(i).name for i in range(len(known))]
    for i in range(len(fields)):
        name, inner = fields.field(i).name, fields.field(i).type
        if name not in names:
            raise DataError(place, f"there is no field {path}{name!r}", hint=f"known there: {', '.join(names)}")
        expected = known.field(names.index(name)).type
        while pa.types.is_list(expected) and (pa.types.is_list(inner) or pa.types.is_large_list(inner)):
            inner, expected = inner.value_type, expected.value_type
        if pa.types.is_struct(inner) and pa.types.is_struct(expected):
            _refuse(inner, expected, place, f"{path}{name}.")
