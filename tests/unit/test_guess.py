"""The format of a file by what it holds, on files that the formats themselves write and on those of other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.data.convert import export_dataset
from harness.data.formats import FORMATS, READ_ONLY, format_named
from harness.data.formats.guess import guess_format
from harness.errors import DataError
from tests.conftest import Harness
from tests.news_files import (
    as_docx,
    as_html,
    as_rtf,
    as_text,
    factiva_html,
    factiva_lines,
    lexis_lines,
    nexis_lines,
    printed,
)
from tests.unit.test_inception import TSV, zipped
from tests.unit.test_news_feeds import ONE, PLAIN, THREE, TWO, item
from tests.unit.test_refi_qda import project
from tests.unit.test_seesaw import folder

SUFFIXES = {
    "jsonl": "jsonl",
    "label_studio": "json",
    "doccano": "jsonl",
    "prodigy": "jsonl",
    "dna": "dna",
    "csv_table": "csv",
}


@pytest.mark.parametrize("name", sorted(set(FORMATS) - READ_ONLY))
def test_what_is_exported_is_known_again(name: str, river: Path, tmp_path: Path) -> None:
    out = tmp_path / f"out.{SUFFIXES.get(name, '')}".rstrip(".")
    export_dataset(name, river, out, {})
    assert guess_format(out).name == name


@pytest.mark.parametrize("write", [as_docx, as_rtf, as_html, as_text])
def test_news_databases(write: Any, tmp_path: Path) -> None:
    articles = printed(3)
    assert guess_format(write(nexis_lines(articles), tmp_path / "a")).name == "nexis"
    assert guess_format(write(lexis_lines(articles), tmp_path / "b.txt")).name == "nexis"
    assert guess_format(write(factiva_lines(articles), tmp_path / "c.rtf")).name == "factiva"
    assert guess_format(factiva_html(articles, tmp_path / "d.html")).name == "factiva"


def test_files_of_other_programs(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(TSV, encoding="utf-8")
    (tmp_path / "b.zip").write_bytes(zipped([]))
    (tmp_path / "c.xml").write_text('<?xml version="1.0"?>' + item(PLAIN), encoding="utf-8")
    (tmp_path / "d.json").write_text(json.dumps([ONE]), encoding="utf-8")
    (tmp_path / "e.jsonl").write_text(json.dumps(TWO) + "\n", encoding="utf-8")
    (tmp_path / "f.json").write_text(json.dumps(THREE, indent=1), encoding="utf-8")
    named = {path.name: guess_format(path).name for path in sorted(tmp_path.iterdir())}
    assert named == {
        "a.tsv": "inception",
        "b.zip": "inception",
        "c.xml": "newsml",
        "d.json": "ninjs",
        "e.jsonl": "ninjs",
        "f.json": "ninjs",
    }
    assert guess_format(project(tmp_path)).name == "refi_qda"
    (tmp_path / "seesaw").mkdir()
    assert guess_format(folder(tmp_path / "seesaw", {})).name == "seesaw"
    (tmp_path / "x.txt").write_text("A text.", encoding="utf-8")
    with pytest.raises(DataError, match=r"nothing in it says(.|\n)*say --format"):
        guess_format(tmp_path / "x.txt")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "x: is empty\n  → export it again"),
        (bytes(range(256)) * 9, "x: is neither text nor a kind of file that is read\n  → say --format"),
        (b"PK\x03\x04 cut short", "x: not a readable zip: File is not a zip file\n  → is the file whole"),
        (
            b'[{"id": 1, "data": {"te',
            "x: not JSON: Unterminated string starting at: line 1 column 21 (char 20)\n  → is the file whole",
        ),
        (b"%PDF-1.7\n\0", "x: is a PDF, whose lines cannot be told apart\n  → export DOCX or RTF"),
        ("caf\xe9,b\nc".encode("utf-16"), "x: nothing in it says which format it is in\n  → say --format"),
    ],
)
def test_what_is_in_no_format(raw: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x").write_bytes(raw)
    with pytest.raises(DataError) as error:
        guess_format(Path("x"))
    assert str(error.value).startswith(message)
    Path("folder").mkdir()
    with pytest.raises(DataError, match="folder: is empty"):
        guess_format(Path("folder"))
    with pytest.raises(DataError, match="folder: is a folder"):
        format_named("dna").load(Path("folder"), {})


def test_the_command_says_what_it_takes_a_file_for(harness: Harness, tmp_path: Path) -> None:
    as_docx(nexis_lines(printed(3)), tmp_path / "Files (3).DOCX")
    run = harness("data", "import", str(tmp_path / "Files (3).DOCX"), "--out", str(tmp_path / "out"))
    assert run.returncode == 0, run.stderr
    assert "taken for nexis: a Word file with the line 'End of Document' (--format says otherwise)" in run.stderr
    assert "3 articles" in run.stdout
