"""speakers.yaml or speakers.csv beside texts: whom people add, rename and take out, and what the file may not say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.data.found_speakers import found_speakers, quoted_spans, with_found_speakers
from harness.data.plain_texts import load_texts
from harness.data.schema import ArticleRow, to_article, to_row
from harness.errors import DataError, HarnessError, ValidationFailed
from harness.types import Answer, Article, Prediction
from harness.web.folder import LabelFolder

GATES = 'The gates\n\nAda Brandt said: "Shut them." The minister went home, Reuters wrote. Ulf Olm agreed.\n'
OTHER = "Another day\n\nReuters wrote that it rained.\n"
FOUND = [
    {"name": "Ada Brandt", "aliases": ["Brandt"], "quotes": ["Shut them."]},
    {"name": "minister", "aliases": [], "quotes": ["The minister went home"]},
    {"name": "Reuters", "aliases": [], "quotes": []},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gates.txt").write_text(GATES, encoding="utf-8")
    (tmp_path / "other.txt").write_text(OTHER, encoding="utf-8")
    return tmp_path


def corrected(folder: Path, text: str) -> dict[str, Article]:
    (folder / "speakers.yaml").write_text(text, encoding="utf-8")
    return {a.id: a for a in load_texts(folder)}


def prediction(article: Article, error: str | None = None) -> Prediction:
    answer = Answer(error=error) if error else Answer(output=json.dumps(FOUND))
    return Prediction("k", "f", "speakers", article.id, None, None, answer, "")


CORRECTIONS = """\
speakers:
- {name: Ada Brandt, aliases: [minister], side: north, role: minister}
- {name: Reuters, speaks: false}
- {name: Ulf Olm}
- {name: Jane Doe, aliases: [I], article: other}
"""


def test_people_add_rename_and_take_out_speakers(folder: Path) -> None:
    articles = corrected(folder, CORRECTIONS)
    gates, other = articles["gates"], articles["other"]
    [brandt, olm] = found_speakers(prediction(gates), gates)
    assert (brandt.name, brandt.aliases, brandt.side) == ("Ada Brandt", ("minister", "Brandt"), "north")
    assert olm.name == "Ulf Olm"
    spans = quoted_spans(prediction(gates), gates)
    # the words of both forms are hers
    assert [gates.text[a:b] for a, b in spans["Ada Brandt"]] == ["Shut them.", "The minister went home"]
    # named for one article, she speaks there though no line names her; the others' names stand elsewhere
    assert [s.name for s in other.added_speakers] == ["Jane Doe"]
    assert other.silent_names == ("Reuters",)


TABLE = """\
name;aliases;article;side;role;speaks
Ada Brandt;minister;;north;minister;
Reuters;;;;;no
Ulf Olm;;;;;
Jane Doe;I;other;;;yes
"""


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_a_table_says_the_same(folder: Path, delimiter: str) -> None:
    wanted = corrected(folder, CORRECTIONS)
    (folder / "speakers.yaml").unlink()
    (folder / "speakers.csv").write_text(TABLE.replace(";", delimiter), encoding="utf-8-sig")
    assert {a.id: a for a in load_texts(folder)} == wanted
    (folder / "speakers.yaml").write_text(CORRECTIONS, encoding="utf-8")
    with pytest.raises(HarnessError, match=r"speakers\.csv: speakers\.yaml stands beside it"):
        load_texts(folder)


def test_several_aliases_of_a_cell_are_parted_by_semicolons(folder: Path) -> None:
    (folder / "speakers.csv").write_text('name,aliases\nAda Brandt,"the minister; Brandt"\n', encoding="utf-8")
    [speaker] = {a.id: a for a in load_texts(folder)}["gates"].added_speakers
    assert speaker.aliases == ("the minister", "Brandt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,alias\nAda,B\n", "speakers.csv:2: speakers.0.alias: unknown field 'alias'"),
        ("name,role\nAda,x\n,minister\n", "speakers.csv:3: speakers.1.name: required field is missing"),
        ("name,speaks\nAda,perhaps\n", "speakers.csv:2: speakers.0.speaks: "),
        ("name,role\nAda\n", "speakers.csv:2: has 1 of the header's 2 cells"),
        ("name\n", "speakers.csv:1: speakers: "),
    ],
)
def test_what_is_wrong_in_a_table_is_named_with_its_line(folder: Path, text: str, message: str) -> None:
    (folder / "speakers.csv").write_text(text, encoding="utf-8")
    with pytest.raises(HarnessError) as raised:
        load_texts(folder)
    assert message in str(raised.value)


def test_an_article_that_no_finder_reads_has_the_speakers_of_people(folder: Path) -> None:
    gates = corrected(folder, CORRECTIONS)["gates"]
    [article] = with_found_speakers([gates], [prediction(gates, error="no finder for the language 'sv'")])
    assert [s.name for s in article.speakers] == ["Ada Brandt", "Ulf Olm"]


def test_corrections_are_part_of_the_article(folder: Path) -> None:
    bare = load_texts(folder)
    articles = corrected(folder, "speakers:\n- {name: Ulf Olm, kind: person}\n")
    assert to_article(ArticleRow.model_validate(to_row(articles["gates"]))) == articles["gates"]
    assert load_texts(folder).fingerprint != bare.fingerprint
    # the other article is what it was: runs over it stay comparable
    assert articles["other"] == bare.article("other")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("speakers:\n- {name: Ada, alias: [B]}\n", "speakers.yaml:2: speakers.0.alias: unknown field 'alias'"),
        ("speakers:\n- {aliases: [B]}\n", "speakers.yaml:2: speakers.0.name: required field is missing"),
        (
            "speakers:\n- {name: Ada, article: gate}\n",
            "speakers.yaml:2: speakers.0.article: there is no article 'gate'",
        ),
        (
            "speakers:\n- {name: Ada}\n- {name: ada, speaks: false}\n",
            "speakers.yaml:3: speakers.1.name: 'ada' stands in line 2",
        ),
        ("speakers:\n- {name: Ada, kind: pope}\n", "speakers.0.kind: 'pope' is not allowed here"),
        ("- name: Ada\n", "must be a mapping of fields"),
        ("", "is empty"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(folder: Path, text: str, message: str) -> None:
    with pytest.raises(Exception, match=r"speakers\.yaml") as raised:
        corrected(folder, text)
    assert message in str(raised.value)
    if "gate'" in message:
        assert "did you mean 'gates'" in str(raised.value)


def test_a_name_that_stands_nowhere_and_a_file_that_is_not_read_are_said(folder: Path) -> None:
    (folder / "speakers.json").write_text("{}", encoding="utf-8")
    (folder / "speakers.yaml").write_text("speakers:\n- {name: Ada Brnadt}\n", encoding="utf-8")
    notes = load_texts(folder).notes
    assert any("speakers.yaml:2: speakers.0.name: 'Ada Brnadt' stands in no text" in note for note in notes)
    assert any("speakers.json: not read as speakers" in note for note in notes)
    with pytest.raises(ValidationFailed):
        corrected(folder, "speakers: []\n")


def test_the_labelling_page_says_where_such_speakers_are_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"holds no dataset\.yaml") as raised:
        LabelFolder(folder, "ada")
    assert "speakers.yaml" in str(raised.value.hint)
