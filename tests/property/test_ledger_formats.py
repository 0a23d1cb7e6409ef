"""No key vanishes: random keys at every depth of every format are in the losses or in a text, or refused by name.

A file that is refused as a whole loses nothing in silence either, but its refusal has to name the key here: one strange key
is no reason to refuse a file for want of what it holds.

`HARNESS_LEDGER_RECORDS` says how many records are generated; a few hundred in `make test`, 50,000 by the command in CONTRIBUTING.
They are the same every time but in `make fuzz`; a failure names its seed, which `HARNESS_LEDGER_SEED` draws again.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from lxml import etree

from harness.data.formats import dna_tables, doccano, format_named, inception, label_studio, newsml, ninjs, prodigy
from harness.data.load import load_dataset
from harness.errors import HarnessError
from harness.types import Dataset
from tests.conftest import ROOT
from tests.property import strange_keys
from tests.unit.test_brat import annotations, collection
from tests.unit.test_inception import MAPPING as IN_TSV
from tests.unit.test_inception import NAMES, TSV, span, zipped
from tests.unit.test_news_feeds import NITF, ONE, PLAIN, THREE, TWO, XHTML, item
from tests.unit.test_refi_qda import MAPPING as IN_QDPX
from tests.unit.test_refi_qda import project, selection
from tests.unit.test_seesaw import folder as seesaw_folder
from tests.unit.test_seesaw import statement

RECORDS = int(os.environ.get("HARNESS_LEDGER_RECORDS", "600"))
NEW = settings.get_current_profile_name() == "new_examples"
SEED = os.environ.get("HARNESS_LEDGER_SEED") or str(random.randrange(10**6) if NEW else 7)
IMPORTS = ROOT / "tests" / "imports"


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
    return files | seeds_of_others(folder, dataset)


def seeds_of_others(folder: Path, dataset: Dataset) -> dict[str, list[Path]]:
    """Files in the formats of other programs, and our exports of brat and INCEpTION."""
    (folder / "one").mkdir()
    (folder / "news").mkdir()
    said = {"0": [statement(1, "Ada Brandt", "POS", "flood gates", "A", "B")]}
    (folder / "ninjs.json").write_text(json.dumps([ONE, TWO, THREE]), encoding="utf-8")
    for n, content in enumerate([PLAIN, NITF, XHTML]):
        (folder / f"news/{n}.xml").write_text(item(content), encoding="utf-8")
    message = f'<newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/"><header/><itemSet>{item(PLAIN)}</itemSet></newsMessage>'
    (folder / "news/message.xml").write_text(message, encoding="utf-8")
    (folder / "peace.tsv").write_text(TSV, encoding="utf-8")
    (folder / "peace.zip").write_bytes(
        zipped([span("wants peace", "pro", "Brandt"), span("no", "contra", "Gates")], link=True)
    )
    one = selection("wants peace", "pro", "Brandt", "war", name="wants peace")
    for name in ("brat", "inception"):
        format_named(name).save(dataset, folder / name, {})
    return {
        "seesaw": [seesaw_folder(folder / "one", said)],
        "ninjs": [folder / "ninjs.json"],
        "newsml": sorted((folder / "news").glob("*.xml")),
        "inception": [
            folder / "peace.tsv",
            folder / "peace.zip",
            *sorted((folder / "inception" / "gold").glob("*.zip")),
        ],
        "refi_qda": [project(folder, one)],
        "brat": [collection(folder / "bridge", bridge=annotations("A1\tAttitude E1 against")), folder / "brat"],
    }


SHAPES: dict[str, Callable[[Path, random.Random, Path, str], None]] = {
    "jsonl": strange_keys.in_json,
    "huggingface": strange_keys.in_parquet,
    "label_studio": strange_keys.in_json,
    "doccano": strange_keys.in_json,
    "prodigy": strange_keys.in_json,
    "dna": strange_keys.in_dna,
    "csv_table": strange_keys.in_table,
    "seesaw": strange_keys.in_folder_of_json,
    "ninjs": strange_keys.in_json,
    "newsml": strange_keys.in_news,
    "inception": strange_keys.in_cas,
    "refi_qda": strange_keys.in_project,
    "brat": strange_keys.in_brat,
}
MAPPINGS: dict[str, dict[str, Any]] = {
    "doccano": {"default_target": "gates"},
    "prodigy": {"default_target": "gates"},
    "refi_qda": IN_QDPX,
    "peace.tsv": IN_TSV,
    "peace.zip": NAMES,
}
"""What a format's files, or one file, need to be read."""


def records_in(path: Path) -> int:
    """Records of a file: objects at the top, rows, documents."""
    if path.is_dir() or path.suffix not in (".json", ".jsonl", ".csv"):
        return 1
    text = path.read_text(encoding="utf-8")
    return len(json.loads(text)) if path.suffix == ".json" else len(text.splitlines())


@pytest.mark.parametrize("name", SHAPES)
def test_a_random_key_never_vanishes(
    name: str, seeds: dict[str, list[Path]], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(f"{name} {SEED}")
    done = turn = 0
    while done < RECORDS / len(SHAPES):
        seed = seeds[name][turn % len(seeds[name])]
        turn += 1
        letters = "abcdefghijklmnopqrstuvwxyz"
        key = chance.choice(letters) + "".join(chance.choices(letters + "_", k=chance.randint(2, 8))) + "_zz"
        path = tmp_path / f"{turn}{seed.suffix}"
        SHAPES[name](seed, chance, path, key)
        done += records_in(seed)
        listed, bookkeeping, texts = account(name, path, MAPPINGS.get(seed.name, MAPPINGS.get(name, {})))
        # a record that is left out, or a value that is not read, is listed as a whole
        assert (
            any(key in x.casefold() for x in listed)
            or any(key in text for text in texts)
            or is_inside_a_loss(path, key, listed)
        ), f"{seed.name}: {key} (HARNESS_LEDGER_SEED={SEED})"
        assert not any(key in x for x in bookkeeping)
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    record_property("records", done)
    record_property("files", turn)


def account(name: str, path: Path, mapping: dict[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """The losses of an import, or the reason of its refusal, the names of bookkeeping keys, and the articles' texts."""
    try:
        imported = format_named(name).load(path, mapping)
    except HarnessError as error:
        return [str(error)], [], []
    return [str(loss) for loss in imported.losses], list(imported.bookkeeping), [a.text for a in imported.articles]


def is_inside_a_loss(path: Path, key: str, listed: list[str]) -> bool:
    """Whether one of the places that are listed holds the key: a draft, a skipped annotation, a rejected line."""
    if path.is_dir():
        return any(is_inside_a_loss(file, key, listed) for file in path.rglob("*") if file.is_file())
    if path.suffix == ".ann":
        lines = path.read_text(encoding="utf-8").splitlines()
        return any(f"{path}:{n}: " in x for n, line in enumerate(lines, start=1) if key in line for x in listed)
    if path.suffix in (".xml", ".qdpx", ".zip"):
        return any(
            f"`{name}` is not" in x or f"`{name}` are not" in x or f"`{name}` of the text's markup is not" in x
            for name in elements_around(path, key)
            for x in listed
        )
    if path.suffix not in (".json", ".jsonl"):
        return False
    text = path.read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else json.loads(text)
    if isinstance(rows, dict):
        return any(
            x.startswith(f"{path}: {'.'.join(at)}: ")
            for at, value in places(rows, ())
            if at and key in json.dumps(value)
            for x in listed
        )
    for number, row in enumerate(rows, start=1):
        name = f"item {number}" if "uri" in row else f"task {row.get('id', number)}"
        record = f"{path}:{number}" if path.suffix == ".jsonl" else f"{path}: {name}"
        whole = [f"{record}: {'.'.join(at)}: " for at, value in places(row, ()) if at and key in json.dumps(value)]
        rejected = [f"{record}: answer "] if key in json.dumps(row) else []
        if any(x.startswith(place) for x in listed for place in (*whole, *rejected)):
            return True
    return False


def elements_around(path: Path, key: str) -> Iterator[str]:
    """Names of the elements of XML (also in a zip) that hold an element or attribute of that name; types of a CAS in full."""
    raws = [path.read_bytes()]
    if path.suffix != ".xml":
        with zipfile.ZipFile(path) as archive:
            raws = [archive.read(n) for n in archive.namelist() if n.endswith((".qde", ".xmi"))]
    for raw in raws:
        for element in etree.fromstring(raw).iter():
            name = etree.QName(element)
            if name.localname == key or key in element.attrib:
                around = list(element.iterancestors()) if name.localname == key else [element, *element.iterancestors()]
                for e in around:
                    space = (
                        (etree.QName(e).namespace or "")
                        .removeprefix("http:///")
                        .removesuffix(".ecore")
                        .replace("/", ".")
                    )
                    yield from (etree.QName(e).localname, f"{space}.{etree.QName(e).localname}")


def places(value: Any, at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield at, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*at, str(key)))


def test_bookkeeping_holds_no_label() -> None:
    names = {x for m in (label_studio, doccano, prodigy, dna_tables, ninjs, newsml, inception) for x in m.BOOKKEEPING}
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
