"""Copies of files of every format with one new key, attribute, element, line or column that no reader knows."""

from __future__ import annotations

import copy
import csv
import io
import json
import random
import re
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cassis
import pyarrow as pa
import pyarrow.parquet as pq
from lxml import etree

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
    """A new key in one object of the file."""
    lines = seed.suffix == ".jsonl"
    text = seed.read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines() if line.strip()] if lines else json.loads(text)
    rows = copy.deepcopy(rows)
    chance.choice(list(objects(rows)))[name] = chance.choice(VALUES)
    content = "".join(json.dumps(row) + "\n" for row in rows) if lines else json.dumps(rows)
    path.write_text(content, encoding="utf-8")


def in_folder_of_json(seed: Path, chance: random.Random, path: Path, name: str) -> None:
    """A new key in one object of one file of the folder, or a new file."""
    shutil.copytree(seed, path)
    file = chance.choice(sorted(path.rglob("*.json")))
    if chance.random() < 0.1:
        shutil.copy(file, file.with_name(f"{name}.json"))
    else:
        in_json(file, chance, file, name)


def in_table(seed: Path, chance: random.Random, path: Path, name: str) -> None:
    """A new column."""
    with seed.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    at = chance.randrange(len(header) + 1)
    value = str(chance.choice(VALUES))
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [[*r[:at], n, *r[at:]] for r, n in zip([header, *rows], [name, *[value] * len(rows)], strict=True)]
        )


def in_dna(seed: Path, chance: random.Random, path: Path, name: str) -> None:
    """A new table, or a new column of one."""
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
    """A new column, or a new field of one."""
    rows = pq.read_table(next(seed.rglob("*.parquet"))).to_pylist()
    value = chance.choice(VALUES[:6])
    part = chance.choice([None, "source", "targets", "speakers", "gold"])
    for row in rows:
        inside = row if part is None else row[part]
        for place in inside if isinstance(inside, list) else [inside]:
            place[name] = value
    path.mkdir()
    pq.write_table(pa.Table.from_pylist(rows), path / "data.parquet")


def in_tree(raw: bytes, chance: random.Random, name: str, inline: tuple[str, ...] = ()) -> bytes:
    """A new attribute or element somewhere in the XML, but not in the markup that elements called `inline` hold."""
    root = etree.fromstring(raw)
    places = [
        e
        for e in root.iter()
        if isinstance(e.tag, str) and not any(etree.QName(a).localname in inline for a in e.iterancestors())
    ]
    place = chance.choice(places)
    value = str(chance.choice(VALUES[:6]))
    if chance.random() < 0.5:
        place.set(name, value)
    else:
        space = etree.QName(place).namespace
        new = etree.Element(f"{{{space}}}{name}" if space else name)
        new.text = value
        place.insert(chance.randrange(len(place) + 1), new)
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True))


def in_news(seed: Path, chance: random.Random, path: Path, name: str) -> None:
    """A new attribute or element outside the text's own markup, or a new element with words in it."""
    root = etree.fromstring(seed.read_bytes())
    marked = [e for form in root.iter("{*}inlineXML") for e in form.iterdescendants() if isinstance(e.tag, str)]
    if marked and chance.random() < 0.3:
        place = chance.choice(marked)
        new = etree.Element(f"{{{etree.QName(place).namespace}}}{name}")
        new.text = f"support {name}"
        place.insert(chance.randrange(len(place) + 1), new)
        path.write_bytes(bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True)))
    else:
        path.write_bytes(in_tree(seed.read_bytes(), chance, name, ("inlineXML",)))


def in_zip(seed: Path, path: Path, change: Callable[[str, bytes], bytes], new: tuple[str, bytes] | None = None) -> None:
    """The archive with its members changed, and a new one."""
    with zipfile.ZipFile(seed) as old, zipfile.ZipFile(path, "w") as archive:
        for member in old.namelist():
            archive.writestr(member, change(member, old.read(member)))
        if new is not None:
            archive.writestr(*new)


def in_project(seed: Path, chance: random.Random, path: Path, name: str) -> None:
    """A new attribute or element of project.qde, or a new member of the archive."""
    if chance.random() < 0.1:
        in_zip(seed, path, lambda _, raw: raw, (f"sources/{name}.txt", b"support"))
    else:
        in_zip(seed, path, lambda m, raw: in_tree(raw, chance, name) if m.casefold().endswith(".qde") else raw)


def in_cas(seed: Path, chance: random.Random, path: Path, name: str) -> None:
    """A new attribute or element of the XMI, or a new feature of one of its types; a table gets a line or a column."""
    if seed.suffix == ".tsv":
        path.write_text(in_webanno(seed.read_text(encoding="utf-8"), chance, name), encoding="utf-8")
    elif chance.random() < 0.5:
        in_zip(seed, path, lambda m, raw: in_tree(raw, chance, name) if m.endswith(".xmi") else raw)
    else:
        with zipfile.ZipFile(seed) as archive:
            [xmi] = [n for n in archive.namelist() if n.endswith(".xmi")]
            types = cassis.load_typesystem(io.BytesIO(archive.read("TypeSystem.xml")))
            cas = cassis.load_cas_from_xmi(io.BytesIO(archive.read(xmi)), typesystem=types)
        kinds = sorted({fs.type.name for fs in cas.select_all_fs()} - {"uima.cas.Sofa"})
        kind = types.get_type(chance.choice(kinds))
        types.create_feature(kind, name, "uima.cas.String")
        types = cassis.load_typesystem(io.BytesIO(types.to_xml().encode()))
        cas = cassis.load_cas_from_xmi(io.BytesIO(cas.to_xmi().encode()), typesystem=types)
        chance.choice(list(cas.select(kind.name)))[name] = str(chance.choice(VALUES[:6]))
        changed = {xmi: cas.to_xmi().encode(), "TypeSystem.xml": types.to_xml().encode()}
        in_zip(seed, path, lambda member, _: changed[member])


def in_webanno(text: str, chance: random.Random, name: str) -> str:
    """A line of a new kind, a new layer, a new feature of each layer of spans, or a column that the head does not name."""
    way = chance.choice(["line", "kind", "layer", "feature", "column"])
    value = chance.choice(["support", "x\\|y"]) + ("[7]" if way == "feature" else "")
    head = re.search(r"(?m)^#T_SP=webanno.custom.Stance.*$", text)
    assert head is not None
    if way in ("line", "kind"):
        line = f"#{name}=support" if way == "line" else f"#T_{name}=webanno.custom.Other|a"
        return text.replace("\n#Text", f"\n{line}\n#Text", 1)
    if way == "feature":
        text = text.replace(head[0], f"{head[0]}|{name}")
        at = 3 + 2 + 4
    else:
        last = re.findall(r"(?m)^#T_.*$", text)[-1]
        text = text.replace(last, f"{last}\n#T_SP=webanno.custom.{name}|a") if way == "layer" else text
        at = 3 + 8
        value = value if way == "layer" else name
    rows = list(re.finditer(r"(?m)^\d+-\d+.*$", text))
    marked = chance.choice([r.start() for r in rows if "Brandt" in r[0] and "pro" in r[0]])

    def widened(row: re.Match[str]) -> str:
        cells = row[0].removesuffix("\t").split("\t")
        return "\t".join([*cells[:at], value if row.start() == marked else "_", *cells[at:]]) + "\t"

    return re.sub(r"(?m)^\d+-\d+.*$", widened, text)


def in_brat(seed: Path, chance: random.Random, path: Path, name: str) -> None:
    """A role, a type or a line of a new kind in an annotation file, or a text without one."""
    shutil.copytree(seed, path)
    file = chance.choice(sorted(f for f in path.rglob("*.ann") if f.read_text(encoding="utf-8").strip()))
    text = file.read_text(encoding="utf-8")
    spans, events = re.findall(r"(?m)^(T\d+)\t", text), re.findall(r"(?m)^(E\d+)\t", text)
    of = chance.choice([*spans, *events])
    lines = [
        f"A99\t{name} {of}",
        f"A99\t{name} {of} support",
        f"R99\t{name} Arg1:{spans[0]} Arg2:{spans[-1]}",
        f"N99\t{name} {of} Wiki:1\tsupport",
        f"#99\t{name} {of}\tsupport",
        f"*\t{name} {spans[0]} {spans[-1]}",
        f"{name}\tsupport {of}",
        f"E99\tAttribution:{spans[0]} {name}:{spans[-1]}",
        f"E99\t{name}:{spans[0]}",
    ]
    if chance.random() < 0.1:
        (path / f"{name}.txt").write_text("A text.", encoding="utf-8")
    else:
        file.write_text(text + chance.choice(lines) + "\n", encoding="utf-8")
