"""Import of a foreign file into a dataset folder, export of a dataset into a foreign format, with what either loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.data.companions import NAMES as COMPANIONS
from harness.data.companions import companions
from harness.data.formats import MAPPING_KEYS, format_named, writer_named
from harness.data.formats.base import as_expected
from harness.data.formats.ledger import Imported, Loss
from harness.data.load import load_dataset
from harness.data.plain_texts import slug
from harness.data.save import save_dataset
from harness.data.schema import DatasetCard
from harness.data.yaml_lines import read_yaml
from harness.errors import DataError, Place, nearest_hint
from harness.runtime.files import write_text

MAX_MAPPING = 1_000_000


def read_mapping(path: Path | None) -> dict[str, Any]:
    """What a mapping file (YAML) says; empty without one."""
    if path is None:
        return {}
    found = read_yaml(path, MAX_MAPPING, words=True).data
    if not isinstance(found, dict):
        raise DataError(Place(str(path)), "must be a mapping of fields")
    return found


def import_file(name: str, path: Path, out: Path, mapping: Mapping[str, Any]) -> Imported:
    """Reads `path` in the named format and writes the dataset folder `out`; what was lost is in the result.

    The card's fields (name, version, licence, ...) come from the mapping, then from the file.
    """
    found = read_foreign(name, path, mapping)
    stem = slug(path.stem) or "imported"
    fields: dict[str, Any] = {"name": stem, "version": "1", **found.card}
    fields.update({k: v for k, v in mapping.items() if k in DatasetCard.model_fields and k != "complete"})
    try:
        card = DatasetCard.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(map(str, problem["loc"]))
        place = Place("mapping" if field.split(".")[0] in mapping else str(path), field=f"dataset card: {field}")
        hint = "`stances` says what the file's labels mean" if field == "labels" else None
        raise DataError(place, str(problem["msg"]), hint=hint) from None
    save_dataset(found.articles, card.model_dump(mode="json", exclude_defaults=True), out)
    if name == "huggingface" and path.is_dir():
        _copy(path, out)
    return found


def read_foreign(name: str, path: Path, mapping: Mapping[str, Any]) -> Imported:
    """What a foreign file or folder holds; DataError for everything that keeps it from being read."""
    if not path.exists():
        raise DataError(Place(str(path)), "no such file or folder")
    form = format_named(name)
    check_mapping(name, mapping)
    with as_expected(path, name):
        return form.load(path, mapping)


def export_dataset(name: str, folder: Path, out: Path, mapping: Mapping[str, Any]) -> list[Loss]:
    """Writes the dataset to `out` in the named format; returns what the format does not carry."""
    form = writer_named(name)
    if out.exists() and (out.is_dir() and any(out.iterdir())):
        raise DataError(Place(str(out)), "exists and is not empty", hint="give --out a new path")
    check_mapping(name, mapping)
    dataset = load_dataset(folder)
    if name == "huggingface" and folder.is_dir():
        card = DatasetCard.model_validate(read_yaml(folder / "dataset.yaml", MAX_MAPPING).data)
        losses = form.save(dataset, out, {**card.model_dump(mode="json", exclude_defaults=True), **mapping})
        _copy(folder, out)
        return losses + _left_out(folder, COMPANIONS)
    losses = form.save(dataset, out, mapping)
    if name not in {"huggingface", "jsonl"}:
        losses.append(Loss("dataset card", "name, version, licence, description and so on are not carried"))
    return losses + _left_out(folder, ())


def check_mapping(name: str, mapping: Mapping[str, Any]) -> None:
    """DataError for a key that the format does not know: a misspelt one must not be ignored."""
    # whether a set is complete is read from its articles
    known = sorted({*MAPPING_KEYS.get(name, ()), *DatasetCard.model_fields} - {"complete"})
    for key in mapping:
        if key not in known:
            raise DataError(
                Place("mapping", field=str(key)),
                f"unknown for {name}",
                hint=nearest_hint(str(key), known) + f"known: {', '.join(known)}",
            )


def _copy(source: Path, to: Path) -> None:
    for name in companions(source):
        write_text(to / name, (source / name).read_bytes().decode())


def _left_out(folder: Path, carried: Sequence[str]) -> list[Loss]:
    """What stands in a dataset folder beside the articles and goes nowhere."""
    known = {"articles", "dataset.yaml", *carried}
    names = sorted(p.name for p in folder.iterdir() if p.name not in known) if folder.is_dir() else []
    return [Loss(name, "stands beside the articles, is not carried") for name in names]


def grouped(losses: Sequence[Loss], most: int = 20) -> list[str]:
    """Lines that say what was lost: each kind once with how often and where first, then how many kinds are left."""
    kinds: dict[str, list[Loss]] = {}
    for loss in losses:
        kinds.setdefault(loss.what, []).append(loss)
    counts = {what: sum(loss.count for loss in same) for what, same in kinds.items()}
    lines = [
        f"{same[0].where}{f' and {counts[what] - 1:,} more' if counts[what] > 1 else ''}: {what}"
        for what, same in kinds.items()
    ]
    return lines[:most] + (
        [f"and {len(lines) - most} other kinds (--losses FILE writes all)"] if len(lines) > most else []
    )
