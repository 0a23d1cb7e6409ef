"""JSON schemas of replies, and the fields of a request by which servers are told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def object_schema(choices: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Of an object with exactly these members, each with one of its choices."""
    return {
        "type": "object",
        "properties": {name: {"type": "string", "enum": list(values)} for name, values in choices.items()},
        "required": list(choices),
        "additionalProperties": False,
    }


def list_schema(n: int, choices: Sequence[str]) -> dict[str, Any]:
    """Of an object with one of the choices for each of the numbers 1 to n."""
    return object_schema({str(number): choices for number in range(1, n + 1)})


def constraint(way: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The field of a request that holds a server to a schema: `response_format`, or vLLM's older and newer ones."""
    if way == "guided_choice":
        return {"guided_json": schema}
    if way == "structured_outputs":
        return {"structured_outputs": {"json": schema}}
    named = {"name": "stance", "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": named}}
