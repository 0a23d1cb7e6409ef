"""YAML with line numbers: plain data, plus where each field stands; aliases, unknown tags and repeated keys are refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harness.errors import DataError, Place
from harness.runtime.files import read_regular, utf8_text

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Words(_Loader):  # type: ignore[misc, valid-type]
    """Keys are texts as they stand in the file, and only true and false are booleans: `no: oppose` is about the word no."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, words) for tag, words in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        return {str(key.value): self.construct_object(value, deep=True) for key, value in node.value}


_Words.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
MAX_DEPTH = 60
"""Levels of nesting; an article file has six."""
_BRACKET = re.compile(r"[\[\]{}]")
_INDENT = re.compile(r"^[ \-?:]+", re.MULTILINE)
Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class LinedDocument:
    """The data of one file and the line (from 1) of every path into it."""

    file: str
    data: Any
    lines: dict[Path_, int] = field(repr=False)

    def place(self, loc: Path_) -> Place:
        """The place of `loc`, or of its nearest ancestor that stands in the file."""
        known = loc
        while known and known not in self.lines:
            known = known[:-1]
        return Place(self.file, self.lines.get(known, 1), ".".join(map(str, loc)) or None)


def read_yaml(path: Path, max_bytes: int, *, words: bool = False) -> LinedDocument:
    """One YAML file; raises DataError with file and line for anything that a careful reader would not accept.

    With `words` every key is a text as it stands, and yes, no, on and off are words.
    """
    file = str(path)
    return parse_yaml(utf8_text(read_regular(path, max_bytes), file), file, words=words)


def parse_yaml(text: str, file: str, *, words: bool = False) -> LinedDocument:
    """The same from text; `file` is the name used in errors."""
    _check_depth(text, file)
    loader = (_Words if words else _Loader)(text)
    try:
        node = loader.get_single_node()
        lines: dict[Path_, int] = {}
        if node is None:
            raise DataError(Place(file, 1), "is empty")
        _walk(node, (), lines, set(), file)
        data = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(filter(None, [error.context, error.problem]))
        raise DataError(
            Place(file, mark.line + 1 if mark else None),
            f"not YAML: {problem}",
            hint="a text with ': ' or a leading quote, dash or bracket goes in quotes",
        ) from None
    except (yaml.YAMLError, ValueError) as error:  # a forbidden character; a date such as 2024-02-31
        raise DataError(Place(file), f"not YAML: {error}") from None
    finally:
        loader.dispose()
    return LinedDocument(file, data, lines)


def _check_depth(text: str, file: str) -> None:
    """Refuses endless nesting before the parser meets it: the C library recurses, and would take the process with it."""
    if _nested_at_most(text) <= MAX_DEPTH:
        return
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else None
                raise DataError(Place(file, line), f"nested more than {MAX_DEPTH} levels deep")
    except (yaml.YAMLError, ValueError):
        return


def _nested_at_most(text: str) -> int:
    """An upper bound of the nesting, found without parsing; brackets inside texts make it too high, never too low."""
    depth = most = 0
    for bracket in _BRACKET.finditer(text):
        depth = depth + 1 if bracket.group() in "[{" else max(0, depth - 1)
        most = max(most, depth)
    indents = max((len(m.group()) for m in _INDENT.finditer(text)), default=0)
    return most + indents


def _walk(node: yaml.Node, path: Path_, lines: dict[Path_, int], seen: set[int], file: str) -> None:
    line = node.start_mark.line + 1
    # an alias is the same node met again: refusing it is what keeps a "billion laughs" file small
    if id(node) in seen:
        raise DataError(Place(file, line), "anchors and aliases are not allowed", hint="write the value out")
    seen.add(id(node))
    lines.setdefault(path, line)
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else str(key.value)
            place = (*path, name)
            if name in keys:
                raise DataError(Place(file, key.start_mark.line + 1, ".".join(map(str, place))), "stands twice")
            keys.add(name)
            lines[place] = key.start_mark.line + 1
            _walk(value, place, lines, seen, file)
    elif isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            _walk(child, (*path, index), lines, seen, file)
