"""Import of a foreign file into a dataset folder, export of a dataset into a foreign format, with what either loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.data.formats import format_named
from harness.data.formats.base import Imported, Loss
from harness.data.load import load_dataset
from harness.data.plain_texts import slug
from harness.data.save import save_dataset
from harness.data.schema import DatasetCard
from harness.data.yaml_lines import read_yaml
from harness.errors import DataError, Place

MAX_MAPPING = 1_000_000


def read_mapping(path: Path | None) -> dict[str, Any]:
    """What a mapping file (YAML) says; empty without one."""
    if path is None:
        return {}
    found = read_yaml(path, MAX_MAPPING).data
    if not isinstance(found, dict):
        raise DataError(Place(str(path)), "a mapping of fields is wanted")
    return found


def import_file(name: str, path: Path, out: Path, mapping: Mapping[str, Any]) -> Imported:
    """Reads `path` in the named format and writes the dataset folder `out`; what was lost is in the result.

    The card's fields (name, version, licence, ...) come from the mapping, then from the file.
    """
    if not path.exists():
        raise DataError(Place(str(path)), "no such file or folder")
    found = format_named(name).load(path, mapping)
    stem = slug(path.stem) or "imported"
    fields: dict[str, Any] = {"name": stem, "version": "1", **found.card}
    fields.update({k: v for k, v in mapping.items() if k in DatasetCard.model_fields and k != "complete"})
    try:
        card = DatasetCard.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(map(str, problem["loc"]))
        raise DataError(Place(str(path), field=f"dataset card: {field}"), str(problem["msg"])) from None
    save_dataset(found.articles, card.model_dump(mode="json", exclude_defaults=True), out)
    return found


def export_dataset(name: str, folder: Path, out: Path, mapping: Mapping[str, Any]) -> list[Loss]:
    """Writes the dataset to `out` in the named format; returns what the format does not carry."""
    form = format_named(name)
    if out.exists() and (out.is_dir() and any(out.iterdir())):
        raise DataError(Place(str(out)), "exists and is not empty", hint="give --out a new path")
    return form.save(load_dataset(folder), out, mapping)


def grouped(losses: Sequence[Loss], most: int = 20) -> list[str]:
    """Lines that say what was lost: each kind once with how often and where first, then how many kinds are left."""
    kinds: dict[str, list[Loss]] = {}
    for loss in losses:
        kinds.setdefault(loss.what, []).append(loss)
    lines = [
        f"{own[0].where}{f' and {len(own) - 1} more' if len(own) > 1 else ''}: {what}" for what, own in kinds.items()
    ]
    return lines[:most] + (
        [f"and {len(lines) - most} other kinds (--losses FILE writes all)"] if len(lines) > most else []
    )
