"""Writes article files: text survives exactly, comments and order of an edited file stay, every write is whole or absent."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.data.load import MAX_BYTES
from harness.data.schema import ArticleRow, to_row
from harness.data.yaml_lines import parse_yaml
from harness.errors import DataError, Place
from harness.runtime.files import write_text
from harness.types import Article

_UNSAFE_IN_BLOCK = re.compile(
    r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029]|[ \t](?=\n|\Z)"
)
_FLOW = ("facts", "targets", "speakers", "stances")
"""Lists whose entries stand on one line each."""


def save_article(article: Article, path: Path) -> None:
    """Writes the article to its file atomically; where the file exists, its comments and order of fields are kept."""
    existing = path.read_bytes().decode() if path.exists() else None
    write_text(path, article_yaml(article, existing))


def article_yaml(article: Article, existing: str | None = None) -> str:
    """The article as YAML, edited into `existing` where there is one; reading it gives the same article back.

    Raises DataError for an article that no article file may hold (an id such as `../x`, a text beyond the limit).
    """
    check_size(article.text, article.id)
    row = to_row(article)
    if existing is None:
        text = _dump(_styled(row))
    else:
        yaml = _yaml()
        document = yaml.load(existing)
        full = ArticleRow.model_validate(row).model_dump(mode="json")
        _merge(document, full, row)
        text = _dump(document)
    if _read_row(parse_yaml(text, article.id).data) != _read_row(row):
        # the emitter's plain styles lost something: quote every text
        text = _dump(_styled(row, quoted=True))
    return text


def save_dataset(articles: Sequence[Article], card: Mapping[str, Any], folder: Path) -> None:
    """A dataset folder: `dataset.yaml` and `articles/<id>.yaml`; an existing folder that holds anything is refused."""
    if folder.exists() and any(folder.iterdir()):
        raise DataError(Place(str(folder)), "exists and is not empty", hint="give --out a new folder")
    for article in articles:
        save_article(article, folder / "articles" / f"{article.id}.yaml")
    write_text(folder / "dataset.yaml", _dump(_as_yaml(dict(card))))


def check_size(text: str, name: str) -> None:
    """DataError for a text that no article file may hold."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES // 2:
        raise DataError(
            Place(name), f"the text has {size:,} bytes; the limit is {MAX_BYTES // 2:,}", hint="split the text"
        )


def survives_block(text: str) -> bool:
    """Whether a block scalar gives the text back, and an editor that strips trailing space does not harm it."""
    return "\n" in text and _UNSAFE_IN_BLOCK.search(text) is None and bool(text.strip()) and text[0] not in " \t\n"


def _yaml() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=2, offset=0)
    yaml.representer.add_representer(
        type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    return yaml


def _dump(document: Any) -> str:
    out = io.StringIO()
    _yaml().dump(document, out)
    return out.getvalue()


def _read_row(row: Any) -> dict[str, Any]:
    return ArticleRow.model_validate(row).model_dump(mode="json")


def _styled(row: Mapping[str, Any], *, quoted: bool = False) -> Any:
    """A new document: the text in a block or in quotes, short lists of records one a line."""
    from ruamel.yaml.comments import CommentedMap

    order = [f for f in ArticleRow.model_fields if f in row]
    return CommentedMap((k, _as_yaml(row[k], flow=k in _FLOW, quoted=quoted)) for k in order)


def _as_yaml(value: Any, *, flow: bool = False, quoted: bool = False) -> Any:
    """Data in the emitter's types; `flow`: each entry of a list on one line."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

    if isinstance(value, str):
        if survives_block(value) and not flow and not quoted:
            return LiteralScalarString(value)
        return value if _bare(value) and not quoted else DoubleQuotedScalarString(value)
    if isinstance(value, Mapping):
        found = CommentedMap((k, _as_yaml(v, flow=flow or k in _FLOW, quoted=quoted)) for k, v in value.items())
        if flow:
            found.fa.set_flow_style()
        return found
    if isinstance(value, list):
        items = CommentedSeq(_as_yaml(v, flow=flow, quoted=quoted) for v in value)
        if not any(isinstance(v, Mapping) for v in value):
            items.fa.set_flow_style()
        return items
    return value


def _bare(text: str) -> bool:
    """Whether a scalar may stand without quotes: words that YAML reads as nothing but a string."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9 _.'-]*[A-Za-z0-9.]|[A-Za-z]", text) is not None
    return (
        plain
        and text.casefold() not in {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
        and "  " not in text
    )


def _merge(old: Any, full: Mapping[str, Any], lean: Mapping[str, Any]) -> None:
    """Edits a mapping in place: changed values are set, new ones added unless at their default, absent ones removed."""
    for key in [k for k in old if k not in full]:
        del old[key]
    for key, value in full.items():
        if key in old:
            old[key] = _merged(old[key], value, lean.get(key, value))
        elif key in lean:
            old[key] = _as_yaml(lean[key], flow=key in _FLOW)


def _merged(old: Any, value: Any, lean: Any) -> Any:
    if isinstance(old, dict) and isinstance(value, Mapping):
        _merge(old, value, lean if isinstance(lean, Mapping) else {})
        return old
    if isinstance(old, list) and isinstance(value, list):
        _merge_list(old, value, lean if isinstance(lean, list) else value)
        return old
    return old if _same(old, value) else _as_yaml(value)


def _merge_list(old: Any, values: list[Any], lean: list[Any]) -> None:
    """Entries that are still there keep their place and comments; what left is taken out, what came is put in."""
    names = [_name(v) for v in values]
    for index in reversed(range(len(old))):
        if _name(old[index]) not in names:
            del old[index]
    flow = bool(old) and bool(getattr(getattr(old[0], "fa", None), "flow_style", bool)())
    if [_name(x) for x in old] == [n for n in names if n in {_name(x) for x in old}]:
        for index, (value, short) in enumerate(zip(values, lean, strict=True)):
            if index < len(old) and _name(old[index]) == names[index]:
                old[index] = _merged(old[index], value, short)
            else:
                old.insert(index, _as_yaml(short, flow=flow or not len(old)))
    else:
        # the order changed: comments between entries would end up at the wrong ones
        kept = {_name(x): x for x in old}
        new = [
            _merged(kept[n], v, s) if n in kept else _as_yaml(s, flow=flow)
            for n, v, s in zip(names, values, lean, strict=True)
        ]
        del old[:]
        old.extend(new)


def _name(entry: Any) -> Any:
    """What makes an entry of a list the same entry after an edit."""
    if not isinstance(entry, dict):
        return str(entry)
    for keys in (("speaker", "target"), ("id",), ("annotator",), ("fact",), ("text",)):
        if all(k in entry for k in keys):
            return tuple(str(entry[k]) for k in keys)
    return str(dict(entry))


def _same(old: Any, value: Any) -> bool:
    return old == value or (
        type(old).__name__ in {"date", "datetime", "TimeStamp", "int", "float"} and str(old) == str(value)
    )
