"""INCEpTION's exports: a project of zips with XMI, single documents, WebAnno TSV 3; offsets in UTF-16; what is refused."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import cassis
import pytest

from harness.data.formats.inception import load
from harness.data.formats.webanno_tsv import read_table
from harness.errors import DataError
from harness.types import Stance

TEXT = "🕊 Brandt wants peace.\nGates says no."

TSV = r"""#FORMAT=WebAnno TSV 3.3
#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value
#T_SP=webanno.custom.Stance|note|speaker|stance|target
#T_RL=webanno.custom.Against|label|BT_webanno.custom.Stance


#Text=🕊 Brandt wants peace.
1-1	0-2	🕊	_	_	_	_	_	_	_	_
1-2	3-9	Brandt	*	PER	_	_	_	_	_	_
1-3	10-15	wants	_	_	a \| b[7]	Ada Brandt[7]	pro[7]	war[7]	_	_
1-4	16-21	peace	_	_	a \| b[7]|*	Ada Brandt[7]|Gates	pro[7]|contra	war[7]|war	reply	1-3[0_7]
1-5	21-22	.	_	_	_	_	_	_	_	_

#Text=Gates says no.
2-1	23-28	Gates	_	_	_	_	_	_	_	_
2-2	29-33	says	_	_	_	_	_	_	_	_
2-2.1	29-32	say	_	_	*	Gates	contra	war	_	_
2-3	34-36	no	_	_	_	_	_	_	_	_
2-4	36-37	.	_	_	_	_	_	_	_	_
"""
# INCEpTION ends a token's line with a tab
TSV = re.sub(r"(?m)^(\d.*)$", r"\1\t", TSV)
MAPPING = {
    "stances": {"pro": "support", "contra": "oppose"},
    "targets": {"war": {"id": "war", "proposition": "There should be war."}},
}


def test_a_table(tmp_path: Path) -> None:
    (tmp_path / "peace.tsv").write_text(TSV, encoding="utf-8")
    imported = load(tmp_path / "peace.tsv", MAPPING)
    [article] = imported.articles
    assert article.text == TEXT
    assert article.gold is not None
    labels = {s.speaker: s for s in article.gold.stances}
    assert (labels["ada-brandt"].stance, labels["ada-brandt"].note) == (Stance.SUPPORT, "a | b")
    assert [(e.text, e.start) for e in labels["ada-brandt"].evidence] == [("wants peace", 9)]
    # stacked on one token without a number, and on a part of a token
    assert [e.text for e in labels["gates"].evidence] == ["peace", "say"]
    assert article.target("war").proposition == "There should be war."
    assert Counter({x.what: x.count for x in imported.losses}) == {
        "relations and links of `webanno.custom.Against` are not carried": 1,
        "what stands between two sentences is not in the file: set as line ends": 1,
        "spans of the layer `de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity` are not read "
        "(say layer: in --mapping for another one)": 1,
    }


def test_a_sentence_over_several_lines_and_escapes() -> None:
    raw = "#FORMAT=WebAnno TSV 3.3\n#T_SP=x.Y|v\n\n\n#Text=so \\[it\\] is\n#Text=said\\_\n"
    raw += (
        "1-1\t0-2\tso\t_\t\n1-2\t3-7\t\\[it\\]\ta\\[1\\]\\_\\\\\t\n1-3\t8-10\tis\t*[2]\t\n1-4\t11-16\tsaid\\_\t*[2]\t\n"
    )
    table = read_table(raw, "x.tsv")
    assert table.text == "so [it] is\nsaid_"
    assert [(m.start, m.end, m.features) for m in table.marked] == [(3, 7, {"v": "a[1]_\\"}), (8, 16, {"v": None})]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("WebAnno TSV 3.3", "CoNLL"), "x.tsv:1: is no WebAnno TSV 3"),
        (("3-9\tBrandt", "3-9\tBrundt"), "x.tsv:9: 3-9 holds 'Brandt', the line has 'Brundt'"),
        (("\t*\tPER\t_\t_\t_\t_\t_\t_", "\t*\tPER"), "x.tsv:9: has 3 columns of features; the head names 8"),
        (("2-1\t23-28", "2-1\t3-8"), "x.tsv:15: its token 'Gates' does not begin the sentence above it"),
    ],
)
def test_a_table_that_is_wrong(change: tuple[str, str], message: str) -> None:
    assert change[0] in TSV
    with pytest.raises(DataError) as error:
        read_table(TSV.replace(*change), "x.tsv")
    assert message in str(error.value)


def zipped(spans: list[dict[str, Any]], *, text: str = TEXT, link: bool = False) -> bytes:
    types = cassis.TypeSystem()
    stance = types.create_type("webanno.custom.Haltung", supertypeName="uima.tcas.Annotation")
    for name in ("wie", "wer", "was", "sicher"):
        types.create_feature(stance, name, "uima.cas.String")
    entity = types.create_type("webanno.custom.Entity", supertypeName="uima.tcas.Annotation")
    types.create_feature(entity, "of", "webanno.custom.Haltung")
    cas = cassis.Cas(types)
    cas.sofa_string = text
    made = [stance(**s) for s in spans]
    cas.add_all(made)
    if link:
        cas.add(entity(begin=0, end=1, of=made[0]))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("peace.xmi", cas.to_xmi())
        archive.writestr("TypeSystem.xml", types.to_xml())
    return out.getvalue()


def span(words: str, wie: str, wer: str, **more: str) -> dict[str, Any]:
    start = TEXT.index(words)
    return {"begin": start, "end": start + len(words), "wie": wie, "wer": wer, "was": "war", **more}


NAMES = {**MAPPING, "layer": "webanno.custom.Haltung", "features": {"stance": "wie", "speaker": "wer", "target": "was"}}


def test_a_project(tmp_path: Path) -> None:
    members = {
        "exportedproject.json": b"{}",
        "source/peace.txt": TEXT.encode(),
        "annotation/peace.txt/INITIAL_CAS.zip": zipped([]),
        "annotation/peace.txt/ada.zip": zipped([span("wants peace", "pro", "Brandt")], link=True),
        "annotation/peace.txt/ben.zip": zipped([span("no", "contra", "Gates", sicher="ja")]),
        "curation/peace.txt/CURATION_USER.zip": zipped([span("peace", "pro", "Brandt")]),
    }
    with zipfile.ZipFile(tmp_path / "project.zip", "w") as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    imported = load(tmp_path / "project.zip", NAMES)
    [article] = imported.articles
    assert article.id == "peace"
    assert [a.annotator for a in article.annotations] == ["ada", "ben"]
    assert article.gold is not None and article.gold.annotator == "CURATION_USER"
    # cassis counts code points inside, UTF-16 in the file: the dove is one or two
    assert [(e.text, e.start) for a in article.annotations for s in a.stances for e in s.evidence] == [
        ("wants peace", 9),
        ("no", 33),
    ]
    assert {x.what: x.count for x in imported.losses} == {
        "a file of kind .json is not read": 1,
        "links in `webanno.custom.Entity.of` are not carried": 1,
        "spans of the layer `webanno.custom.Entity` are not read (say layer: in --mapping for another one)": 1,
        "feature `webanno.custom.Haltung.sicher` is not carried": 1,
    }


def test_one_document_and_one_annotator_is_gold(tmp_path: Path) -> None:
    (tmp_path / "peace.zip").write_bytes(zipped([span("peace", "pro", "Brandt")]))
    [article] = load(tmp_path / "peace.zip", NAMES).articles
    assert article.gold is not None and not article.annotations


def test_labels_that_nobody_has_mapped(tmp_path: Path) -> None:
    (tmp_path / "peace.zip").write_bytes(zipped([span("peace", "dafür", "Brandt")]))
    with pytest.raises(DataError, match=r"9-14|15-20: 'dafür' is no stance(.|\n)*stances"):
        load(tmp_path / "peace.zip", NAMES)
    imported = load(tmp_path / "peace.zip", {})
    assert not imported.articles[0].speakers
    assert {x.what for x in imported.losses} == {
        "spans of the layer `webanno.custom.Haltung` are not read (say layer: in --mapping for another one)"
    }


def test_what_a_document_must_not_hold(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(zipped([]))) as archive:
        xmi, types = archive.read("peace.xmi").decode(), archive.read("TypeSystem.xml")
    (tmp_path / "peace.xmi").write_text(xmi, encoding="utf-8")
    with pytest.raises(DataError, match=r"TypeSystem.xml is not there(.|\n)*whole zip"):
        load(tmp_path / "peace.xmi", {})
    (tmp_path / "TypeSystem.xml").write_bytes(types)
    assert load(tmp_path / "peace.xmi", {}).articles[0].text == TEXT
    head, body = xmi.split("?>", 1)
    (tmp_path / "peace.xmi").write_text(f'{head}?><!DOCTYPE x [<!ENTITY e "y">]>{body}', encoding="utf-8")
    with pytest.raises(DataError, match="has a document type"):
        load(tmp_path / "peace.xmi", {})


def test_an_offset_that_cuts_a_character(tmp_path: Path) -> None:
    raw = zipped([span("peace", "pro", "Brandt")])
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        xmi, types = archive.read("peace.xmi").decode(), archive.read("TypeSystem.xml")
    assert 'begin="16"' in xmi
    (tmp_path / "peace.xmi").write_text(xmi.replace('begin="16"', 'begin="1"'), encoding="utf-8")
    (tmp_path / "TypeSystem.xml").write_bytes(types)
    with pytest.raises(DataError, match=r"offset \[1\](.|\n)*inside a character"):
        load(tmp_path / "peace.xmi", NAMES)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("x", encoding="utf-8")
    with pytest.raises(DataError, match=r"holds neither an \.xmi nor a WebAnno \.tsv"):
        load(tmp_path / "x.txt", {})
