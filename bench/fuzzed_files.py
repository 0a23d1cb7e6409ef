"""Valid files of every kind that the harness reads, and random changes of them: bytes, JSON, cells, members of archives."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from harness.data.formats.archive import zipfile  # noqa: E402 - it knows the packing of all logs

DEEP, DIGITS = 3000, 5000
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        0,
        -1,
        2**63,
        10**30,
        1.5,
        float("nan"),
        "",
        "support",
        " ",
        "\x00",
        "\u202e",
        "\x1b[2J",
        "\ud800",
        "../../x",
        "a" * 300,
    ),
    *([], {}, [[]], {"a": 1}, ["x"], [None], {"": None}, [{}], {"label": "oppose", "start": -1, "end": 10**12}),
)
PIECES: tuple[bytes, ...] = (
    *(
        b"\xff",
        b"\x00",
        b"\xed\xa0\x80",
        b"\\ud800",
        b"9" * DIGITS,
        b"[" * DEEP,
        b'{"a":' * DEEP,
        b"- " * 200,
        b"&a *a",
        b"!!python/x",
    ),
    *(
        b"NaN",
        b"null",
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"\n",
        b"\t",
        b":",
        b"-",
        b",",
        b"1e999",
        b"2024-02-31",
        b"\xe2\x80\xae",
        b"\x1b[2J",
    ),
)
ARTICLE = {
    "id": "a",
    "title": "The gates",
    "text": "Ada wants the gates shut. Olm warns of war.",
    "event": "e",
    "split": "dev",
    "source": {"kind": "fictional"},
    "targets": [{"id": "escalation", "proposition": "More."}, {"id": "gates", "proposition": "Shut them.", "rung": 2}],
    "speakers": [{"id": "ada", "name": "Ada", "aliases": ["A."], "main": True}],
    "summaries": [{"annotator": "one", "text": "Ada wants gates shut."}],
    "gold": {
        "adjudicator": "chief",
        "stances": [
            {"speaker": "ada", "target": "escalation", "stance": "support", "evidence": ["the gates shut"]},
            {
                "speaker": "ada",
                "target": "gates",
                "stance": "neutral",
                "basis": "undecided",
                "evidence": ["wants the gates"],
            },
        ],
    },
}


def changed_bytes(raw: bytes, chance: random.Random) -> bytes:
    """One to four changes: a bit, a piece put in or in place of others, a cut, a repetition."""
    data = bytearray(raw)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(6)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[at:at] = chance.choice(PIECES)
        elif kind == 2:
            data[at : at + chance.randrange(1, 9)] = chance.choice(PIECES)
        elif kind == 3:
            del data[at : at + chance.randrange(1, 40)]
        elif kind == 4:
            data[at:at] = data[at : at + chance.randrange(1, 60)]
        elif chance.random() < 0.2:
            del data[at:]
    return bytes(data)


def changed_value(value: Any, chance: random.Random) -> Any:
    """JSON data with one value in it, or one key, replaced, dropped or put twice."""
    if isinstance(value, dict | list) and value and chance.random() < 0.85:
        copy: Any = dict(value) if isinstance(value, dict) else list(value)
        key = chance.choice(list(copy)) if isinstance(copy, dict) else chance.randrange(len(copy))
        roll = chance.random()
        if roll < 0.08:
            del copy[key]
        elif roll < 0.14 and isinstance(copy, dict):
            copy[str(chance.choice(VALUES))] = copy.pop(key)
        elif roll < 0.18 and isinstance(copy, list):
            copy.append(copy[key])
        else:
            copy[key] = changed_value(copy[key], chance)
        return copy
    return chance.choice(VALUES)


def changed_json(raw: bytes, chance: random.Random) -> bytes:
    """A JSON file, or one line of JSON Lines, changed as data half of the time, as bytes else."""
    if chance.random() < 0.5:
        return changed_bytes(raw, chance)
    try:
        return json.dumps(changed_value(json.loads(raw), chance)).encode()
    except ValueError:
        lines = raw.splitlines()
        at = chance.randrange(len(lines))
        try:
            lines[at] = json.dumps(changed_value(json.loads(lines[at]), chance)).encode()
        except ValueError:
            return changed_bytes(raw, chance)
        return b"\n".join(lines)


def change_file(path: Path, chance: random.Random) -> None:
    """Changes a file in its place, after its kind."""
    raw = path.read_bytes()
    if raw.startswith(b"PK") and chance.random() < 0.8:
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        name = chance.choice(sorted(members))
        members[name] = changed_bytes(members[name], chance)
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    elif raw.startswith(b"SQLite") and chance.random() < 0.7:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table'")]
            table = chance.choice(tables)
            column = chance.choice([row[1] for row in db.execute(f'pragma table_info("{table}")')])
            value = chance.choice([None, -1, 2**62, "x", "", b"\xff", "9" * 30, 1.5])
            db.execute("pragma foreign_keys = off")
            try:
                db.execute(
                    f'update "{table}" set "{column}" = ? where rowid = (select min(rowid) from "{table}")', (value,)
                )
            except sqlite3.Error:
                return
    elif raw[:1] in b"{[":
        path.write_bytes(changed_json(raw, chance))
    else:
        path.write_bytes(changed_bytes(raw, chance))


def import_seeds(folder: Path) -> list[tuple[str, Path, dict[str, Any]]]:
    """(format, a small file or folder in it, the mapping that reads it), for every format that is imported."""
    from harness.data.formats import FORMATS, READ_ONLY, format_named
    from harness.data.load import load_dataset
    from tests import news_files
    from tests.conftest import write_dataset
    from tests.property.test_ledger_formats import MAPPINGS, seeds_of_others

    dataset = load_dataset(write_dataset(folder / "river", 1))
    ends = {"label_studio": ".json", "csv_table": ".csv", "dna": ".dna", "huggingface": ""}
    files: list[tuple[str, Path]] = []
    for name in sorted(FORMATS.keys() - READ_ONLY - {"brat", "inception"}):
        path = folder / f"{name}{ends.get(name, '.jsonl')}"
        format_named(name).save(dataset, path, {})
        files.append((name, path))
    files += [(name, path) for name, paths in seeds_of_others(folder, dataset).items() for path in paths]
    pieces = news_files.printed(2)
    writers: tuple[tuple[Callable[[list[str], Path], Path], str], ...] = (
        (news_files.as_text, "txt"),
        (news_files.as_rtf, "rtf"),
        (news_files.as_html, "html"),
        (news_files.as_docx, "docx"),
    )
    for write, end in writers:
        files.append(("nexis", write(news_files.nexis_lines(pieces), folder / f"nexis.{end}")))
        files.append(("factiva", write(news_files.factiva_lines(pieces), folder / f"factiva.{end}")))
    return [(name, path, MAPPINGS.get(path.name, MAPPINGS.get(name, {}))) for name, path in files]


def copied(seed: Path, to: Path) -> Path:
    """A fresh copy of a file or folder below `to`."""
    path = to / seed.name
    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    return Path(shutil.copytree(seed, path) if seed.is_dir() else shutil.copy(seed, path))
