"""No key vanishes: random keys at every depth of every format are in the losses, or refused by name.

`HARNESS_LEDGER_RECORDS` says how many records are generated; a few hundred in `make test`, 50,000 by the command in CONTRIBUTING.
"""

from __future__ import annotations

import copy
import csv
import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.data.formats import dna_tables, doccano, format_named, label_studio, prodigy
from harness.data.load import load_dataset
from harness.errors import HarnessError
from tests.conftest import ROOT

RECORDS = int(os.environ.get("HARNESS_LEDGER_RECORDS", "600"))
IMPORTS = ROOT / "tests" / "imports"
VALUES: tuple[Any, ...] = ("support", "", None, 0, 3.5, True, [], {}, ["oppose"], {"label": "oppose"}, [[1, 2, "x"]])
DNA_TABLES = (
    "DOCUMENTS",
    "STATEMENTS",
    "CODERS",
    "VARIABLES",
    "ENTITIES",
    "ATTRIBUTEVALUES",
    "DATASHORTTEXT",
    "SETTINGS",
)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON value, at every depth."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(inner)


def in_json(seed: Path, chance: random.Random, path: Path, name: str) -> None:
    """A copy of the seed with one new key in one of its objects."""
    lines = seed.suffix == ".jsonl"
    text = seed.read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines() if line.strip()] if lines else json.loads(text)
    rows = copy.deepcopy(rows)
    chance.choice(list(objects(rows)))[name] = chance.choice(VALUES)
    content = "".join(json.dumps(row) + "\n" for row in rows) if lines else json.dumps(rows)
    path.write_text(content, encoding="utf-8")


def in_table(seed: Path, chance: random.Random, path: Path, name: str) -> None:
    with seed.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    at = chance.randrange(len(header) + 1)
    value = str(chance.choice(VALUES))
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [[*r[:at], n, *r[at:]] for r, n in zip([header, *rows], [name, *[value] * len(rows)], strict=True)]
        )


def in_dna(seed: Path, chance: random.Random, path: Path, name: str) -> None:
    shutil.copy(seed, path)
    with closing(sqlite3.connect(path)) as db, db:
        if chance.random() < 0.2:
            db.execute(f'CREATE TABLE "{name}" (a TEXT)')
            db.execute(f'INSERT INTO "{name}" VALUES (?)', (str(chance.choice(VALUES)),))
        else:
            table = chance.choice(DNA_TABLES)
            db.execute(f'ALTER TABLE {table} ADD COLUMN "{name}" TEXT')
            db.execute(f'UPDATE {table} SET "{name}" = ?', (chance.choice(VALUES[:6]),))


def in_parquet(seed: Path, chance: random.Random, path: Path, name: str) -> None:
    table = pq.read_table(next(seed.rglob("*.parquet")))
    rows = table.to_pylist()
    value = chance.choice(VALUES[:6])
    part = chance.choice([None, "source", "targets", "speakers", "gold"])
    for row in rows:
        inside = row if part is None else row[part]
        for place in inside if isinstance(inside, list) else [inside]:
            place[name] = value
    path.mkdir()
    pq.write_table(pa.Table.from_pylist(rows), path / "data.parquet")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Small files of every format: our exports of a dataset, the inputs of tests/imports and the recorded exports."""
    from tests.conftest import write_dataset

    folder = tmp_path_factory.mktemp("seeds")
    dataset = load_dataset(write_dataset(folder / "river"))
    files: dict[str, list[Path]] = {}
    ends = {"label_studio": ".json", "csv_table": ".csv", "dna": ".dna", "huggingface": ""}
    for name in ("jsonl", "huggingface", "label_studio", "doccano", "prodigy", "dna", "csv_table"):
        path = folder / f"{name}{ends.get(name, '.jsonl')}"
        format_named(name).save(dataset, path, {})
        files[name] = [path]
    for name, pattern in (
        ("label_studio", "labelstudio_*.json"),
        ("label_studio", "recorded/*.23.2.json"),
        ("label_studio", "recorded/*snapshot.json"),
        ("doccano", "recorded/doccano*.jsonl"),
        ("doccano", "doccano_*.jsonl"),
        ("prodigy", "prodigy_*.jsonl"),
    ):
        files[name] += sorted(IMPORTS.glob(pattern))
    return files


SHAPES: dict[str, Callable[[Path, random.Random, Path, str], None]] = {
    "jsonl": in_json,
    "huggingface": in_parquet,
    "label_studio": in_json,
    "doccano": in_json,
    "prodigy": in_json,
    "dna": in_dna,
    "csv_table": in_table,
}
MAPPINGS = {"doccano": {"default_target": "gates"}, "prodigy": {"default_target": "gates"}}


def records_in(path: Path) -> int:
    """Records of a file: objects at the top, rows, documents."""
    if path.is_dir() or path.suffix == ".dna":
        return 1
    text = path.read_text(encoding="utf-8")
    return len(json.loads(text)) if path.suffix == ".json" else len(text.splitlines())


@pytest.mark.parametrize("name", SHAPES)
def test_a_random_key_never_vanishes(name: str, seeds: dict[str, list[Path]], tmp_path: Path) -> None:
    chance = random.Random(f"{name} 7")
    done = turn = 0
    while done < RECORDS / len(SHAPES):
        seed = seeds[name][turn % len(seeds[name])]
        turn += 1
        key = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz_", k=chance.randint(3, 9))) + "_zz"
        path = tmp_path / f"{turn}{seed.suffix}"
        SHAPES[name](seed, chance, path, key)
        done += records_in(seed)
        listed, bookkeeping = account(name, path)
        # a record that is left out, or a value that is not read, is listed as a whole
        assert any(key in x.casefold() for x in listed) or is_inside_a_loss(path, key, listed), f"{seed.name}: {key}"
        assert not any(key in x for x in bookkeeping)
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def account(name: str, path: Path) -> tuple[list[str], list[str]]:
    """The losses of an import, or the reason of its refusal, and the names of bookkeeping keys."""
    try:
        imported = format_named(name).load(path, MAPPINGS.get(name, {}))
    except HarnessError as error:
        return [str(error)], []
    return [str(loss) for loss in imported.losses], list(imported.bookkeeping)


def is_inside_a_loss(path: Path, key: str, listed: list[str]) -> bool:
    """Whether one of the places that are listed holds the key: a draft, a skipped annotation, a rejected line."""
    if path.suffix not in (".json", ".jsonl"):
        return False
    text = path.read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else json.loads(text)
    for number, row in enumerate(rows, start=1):
        record = f"{path}:{number}" if path.suffix == ".jsonl" else f"{path}: task {row.get('id', number)}"
        whole = [f"{record}: {'.'.join(at)}: " for at, value in places(row, ()) if at and key in json.dumps(value)]
        rejected = [f"{record}: answer "] if key in json.dumps(row) else []
        if any(x.startswith(place) for x in listed for place in (*whole, *rejected)):
            return True
    return False


def places(value: Any, at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield at, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*at, str(key)))


def test_bookkeeping_holds_no_label() -> None:
    names = {x for m in (label_studio, doccano, prodigy, dna_tables) for x in m.BOOKKEEPING}
    speaking = {
        "label",
        "labels",
        "choices",
        "stance",
        "accept",
        "entities",
        "relations",
        "cats",
        "answer",
        "rating",
        "result",
    }
    assert not {x for x in names if x.rsplit(".", 1)[-1] in speaking}
    assert not any("*" in x for x in names)
