"""REFI-QDA projects: codes as stances, speakers and targets, several users, units of positions, names in either case."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest

from harness.data.formats.refi_qda import load
from harness.errors import DataError
from harness.types import Stance

TEXT = "🕊 Brandt wants peace.\nGates says no.\n"
GUID = "{:08x}-0000-4000-8000-000000000000".format
CODES = {"Stances": ["pro", "oppose"], "Speakers": ["Brandt", "Gates"], "Targets": ["war"], "Mood": ["angry"]}
NUMBERS = {name: GUID(100 + n) for n, name in enumerate([*CODES, *(c for kids in CODES.values() for c in kids)])}
MAPPING = {"stances": {"pro": "support"}}


def selection(
    words: str, *codes: str, user: int = 1, text: str = TEXT, unit: str = "code", name: str | None = None
) -> str:
    start = text.index(words)
    end = start + len(words)
    if unit == "utf16":
        start, end = (len(text[:n].encode("utf-16-le")) // 2 for n in (start, end))
    codings = "".join(
        f'<Coding guid="{GUID(7)}" creatingUser="{GUID(user)}"><CodeRef targetGUID="{NUMBERS[c]}"/></Coding>'
        for c in codes
    )
    named = "" if name is None else f" name={quoteattr(name)}"
    return f'<PlainTextSelection guid="{GUID(8)}"{named} startPosition="{start}" endPosition="{end}">{codings}</PlainTextSelection>'


def project(
    path: Path,
    *selections: str,
    text: str = TEXT,
    origin: str = "NVivo for Mac 15.0.0",
    folder: str = "sources",
    more: str = "",
    head: str = "",
) -> Path:
    codes = "".join(
        f'<Code guid="{NUMBERS[parent]}" isCodable="true" name="{parent}">'
        + "".join(f'<Code guid="{NUMBERS[c]}" isCodable="true" name="{c}" color="#ff0000"/>' for c in kids)
        + "</Code>"
        for parent, kids in CODES.items()
    )
    users = "".join(f'<User guid="{GUID(n)}" id="{name[0]}" name="{name}"/>' for n, name in ((1, "Ada"), (2, "Ben")))
    qde = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="no" ?>{head}<Project basePath="" creatingUserGUID="{GUID(1)}" name="peace" '
        f'origin="{origin}" xmlns="urn:QDA-XML:project:1.0"><Users>{users}</Users><CodeBook><Codes>{codes}</Codes></CodeBook>'
        f'<Sources><TextSource guid="{GUID(9)}" name="peace.docx" creatingUser="{GUID(1)}" plainTextPath="internal://{GUID(9)}.txt" '
        f'richTextPath="internal://{GUID(9)}.docx">{"".join(selections)}</TextSource></Sources>{more}</Project>'
    )
    with zipfile.ZipFile(path / "peace.qdpx", "w") as archive:
        archive.writestr("Project.qde" if folder == "Sources" else "project.qde", qde)
        archive.writestr(f"{folder}/{GUID(9).upper()}.txt", "\ufeff" + text)
    return path / "peace.qdpx"


@pytest.mark.parametrize("folder", ["sources", "Sources"])
def test_codes_of_one_selection_or_of_several(folder: str, tmp_path: Path) -> None:
    one = selection("wants peace", "pro", "Brandt", "war")
    several = [selection("no", code) for code in ("oppose", "Gates", "war")]
    imported = load(project(tmp_path, one, *several, folder=folder), MAPPING)
    [article] = imported.articles
    assert (article.id, article.text, article.complete) == ("peace", TEXT, False)
    assert article.gold is not None and article.gold.annotator == "Ada"
    assert [(s.speaker, s.target, s.stance, s.evidence[0].text) for s in article.gold.stances] == [
        ("brandt", "war", Stance.SUPPORT, "wants peace"),
        ("gates", "war", Stance.OPPOSE, "no"),
    ]
    assert {x.what for x in imported.losses} == {"rich text is not carried"}


def test_several_users(tmp_path: Path) -> None:
    ada = selection("wants peace", "pro", "Brandt", "war")
    ben = selection("wants peace", "oppose", "Brandt", "war", user=2)
    [article] = load(project(tmp_path, ada, ben), MAPPING).articles
    assert article.gold is None
    assert {a.annotator: a.stances[0].stance for a in article.annotations} == {
        "Ada": Stance.SUPPORT,
        "Ben": Stance.OPPOSE,
    }


def test_nothing_vanishes(tmp_path: Path) -> None:
    more = (
        f'<Cases><Case guid="{GUID(3)}" name="Brandt"><SelectionRef targetGUID="{GUID(8)}"/></Case></Cases>'
        f'<Notes><Note guid="{GUID(4)}"/></Notes>'
    )
    selections = [
        selection("no", "angry"),
        selection("peace", "Brandt"),
        '<Description>A talk</Description><NoteRef targetGUID="x"/>',
    ]
    imported = load(project(tmp_path, *selections, more=more), MAPPING)
    assert {x.what for x in imported.losses} == {
        "`Cases` is not carried",
        "`Notes` is not carried",
        "`Description` is not carried",
        "`NoteRef` is not carried",
        "rich text is not carried",
        "code `Mood/angry` is neither stance, speaker nor target: not carried",
        "passages without a code for the stance say no stance",
    }


@pytest.mark.parametrize("unit", ["code", "utf16"])
def test_positions_by_the_names_of_selections(unit: str, tmp_path: Path) -> None:
    named = selection("wants peace", "pro", "Brandt", "war", unit=unit, name="wants pe...")
    imported = load(project(tmp_path, named), MAPPING)
    [label] = imported.articles[0].gold_stances().values()
    assert [e.text for e in label.evidence] == ["wants peace"]
    said = "its positions count UTF-16 units, as the names of its selections show" in {x.what for x in imported.losses}
    assert said == (unit == "utf16")


def test_positions_by_the_mapping(tmp_path: Path) -> None:
    coded = selection("wants peace", "pro", "Brandt", "war", unit="utf16")
    [label] = load(project(tmp_path, coded), {**MAPPING, "offsets": "utf16"}).articles[0].gold_stances().values()
    assert [e.text for e in label.evidence] == ["wants peace"]
    with pytest.raises(DataError, match="one of code_points, utf16"):
        load(project(tmp_path, coded), {"offsets": "bytes"})


def test_line_ends_of_windows_count_as_one_for_atlas(tmp_path: Path) -> None:
    windows = TEXT.replace("\n", "\r\n")
    coded = selection("no", "oppose", "Gates", "war")
    imported = load(project(tmp_path, coded, text=windows, origin="ATLAS.ti"), MAPPING)
    [label] = imported.articles[0].gold_stances().values()
    assert [e.text for e in label.evidence] == ["no"]
    counted = selection("no", "oppose", "Gates", "war", text=windows)
    [label] = load(project(tmp_path, counted, text=windows), MAPPING).articles[0].gold_stances().values()
    assert [e.text for e in label.evidence] == ["no"]


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    unknown = selection("no", "pro").replace(NUMBERS["pro"], GUID(1))
    with pytest.raises(DataError, match=r"project.qde:1: PlainTextSelection: its code .* is not in the code book"):
        load(project(tmp_path, unknown), {})
    imported = load(project(tmp_path, selection("no", "pro").replace('endPosition="', 'endPosition="9')), {})
    assert "a selection that is not in the text is left out" in {x.what for x in imported.losses}
    with pytest.raises(DataError, match="has a document type"):
        load(project(tmp_path, head='<!DOCTYPE Project [<!ENTITY a "b">]>'), {})
    with zipfile.ZipFile(tmp_path / "x.qdpx", "w") as archive:
        archive.writestr("x", "x")
    with pytest.raises(DataError, match=r"holds no project\.qde"):
        load(tmp_path / "x.qdpx", {})
    (tmp_path / "y.qdpx").write_text("no zip", encoding="utf-8")
    with pytest.raises(DataError, match="not a readable zip"):
        load(tmp_path / "y.qdpx", {})
