"""Files of other people and tools: each small input of tests/imports with its right value, and recorded exports."""

from __future__ import annotations

import datetime as dt
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.data.convert import check_mapping, export_dataset, read_mapping
from harness.data.formats import format_named
from harness.data.formats.ledger import Imported
from harness.data.load import load_dataset
from harness.errors import DataError
from harness.types import Dataset
from tests.conftest import ROOT, Harness

IMPORTS = ROOT / "tests" / "imports"
RECORDED = IMPORTS / "recorded"
BRANDT = "Minister Ada Brandt demanded that the gates be shut."


def load(name: str, file: str | Path, mapping: dict[str, Any] | None = None) -> Imported:
    check_mapping(name, mapping or {})
    return format_named(name).load(IMPORTS / file, mapping or {})


def samples() -> Path | None:
    """The folder of DNA's samples: below HARNESS_EXTERNAL, or beside the checkout; None where neither is."""
    named = os.environ.get("HARNESS_EXTERNAL")
    folder = (Path(named) if named else ROOT.parent / "shared" / "external") / "dna3"
    return folder if folder.is_dir() else None


def export_dataset_of_nothing(path: Path) -> None:
    format_named("dna").save(Dataset("empty", "1", (), ""), path, {})


def labels(found: Imported) -> list[list[tuple[str, str, str, str]]]:
    """For each article (annotator, speaker, target, stance) of all annotations and of gold, which is called *name."""
    return [
        [
            (who, s.speaker, s.target, str(s.stance))
            for who, layer in [(x.annotator, x) for x in a.annotations]
            + ([(f"*{a.gold.annotator}", a.gold)] if a.gold else [])
            for s in layer.stances
        ]
        for a in found.articles
    ]


def whats(found: Imported) -> list[str]:
    return [loss.what for loss in found.losses]


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_doccano_reads_the_key_of_older_projects() -> None:
    found = load("doccano", "doccano_labels_key.jsonl")
    assert labels(found) == [[("doccano", "brandt", "gates", "support")]]
    assert not found.losses


def test_doccano_entities_win_over_what_went_in() -> None:
    found = load("doccano", "doccano_stale_label.jsonl")
    assert labels(found) == [[("*ada", "brandt", "gates", "support")]]
    assert whats(found)[0].startswith("`label` differs from `entities`")


def test_prodigy_labels_of_a_whole_text() -> None:
    listed = load("prodigy", "prodigy_textcat.jsonl")
    assert [w.split(":")[0] for w in whats(listed)] == [
        "answer 'reject'",
        "label 'AGAINST' of the whole text has no target",
    ]
    found = load("prodigy", "prodigy_textcat.jsonl", {"default_target": "gates"})
    assert labels(found) == [[("prodigy", "author", "gates", "oppose")]]


def test_prodigy_relations_and_comments_are_losses() -> None:
    found = load("prodigy", "prodigy_relations.jsonl")
    assert labels(found) == [[("ada", "brandt", "gates", "support")]]
    assert whats(found) == ["`relations` is not read", "`comments` is not read"]


def test_prodigy_session_is_the_annotator(tmp_path: Path) -> None:
    line = {"text": "No.", "spans": [{"start": 0, "end": 2, "label": "oppose|a|b"}], "_session_id": "set-ada"}
    found = format_named("prodigy").load(write(tmp_path / "a", line), {"annotators": {"set-ada": "ada"}})
    assert labels(found) == [[("ada", "a", "b", "oppose")]]


def test_label_studio_drafts() -> None:
    found = load("label_studio", "labelstudio_drafts.json")
    assert labels(found) == [[]]
    assert whats(found) == ["a draft is not read: drafts: true in --mapping reads it as an annotation"]
    found = load("label_studio", "labelstudio_drafts.json", {"drafts": True})
    assert labels(found) == [[("a@b.c", "brandt", "gates", "support")]]
    assert not found.losses


def test_label_studio_contradicting_ground_truths() -> None:
    found = load("label_studio", "labelstudio_two_ground_truths.json", {"annotators": {"annotator-2": "ben"}})
    assert labels(found) == [
        [("annotator-1", "brandt", "gates", "support"), ("ben", "brandt", "gates", "oppose")],
    ]
    [what] = whats(found)
    assert "they differ, none is gold" in what


def test_label_studio_bare_predictions_and_relations() -> None:
    found = load("label_studio", "labelstudio_prediction_ids.json")
    assert labels(found) == [[("annotator-1", "brandt", "gates", "support")]]
    assert "only_id: false" in whats(found)[0]
    found = load("label_studio", "labelstudio_relation.json")
    assert [x[1] for x in labels(found)[0]] == ["brandt", "voss"]
    assert whats(found)[0] == "a relation between regions is not carried"


def test_label_studio_of_every_shape(tmp_path: Path) -> None:
    [task] = json.loads((IMPORTS / "labelstudio_prediction_ids.json").read_text(encoding="utf-8"))
    [entry] = task["annotations"]
    stance, speaker, target = entry["result"]
    two = {**stance, "value": {**stance["value"], "labels": ["support", "oppose"]}}
    other = [{**x, "id": "z"} for x in (speaker, target)]
    tasks = [
        {**task, "id": 1, "predictions": None, "annotations": [{**entry, "result": [two, speaker, target]}]},
        {**task, "id": 2, "predictions": [{"result": entry["result"]}], "annotations": []},
        {
            **task,
            "id": 3,
            "predictions": [],
            "annotations": [entry, {**entry, "was_cancelled": True}, {**entry, "id": 9}],
        },
        {**task, "id": 4, "predictions": [], "annotations": [{**entry, "result": [*entry["result"], *other]}]},
        {"id": 5, "data": task["data"], "completions": [{"id": 1, "lead_time": 2, "result": entry["result"]}]},
    ]
    path = tmp_path / "t.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    found = format_named("label_studio").load(path, {})
    one = ("brandt", "gates", "support")
    assert labels(found) == [
        [("annotator-1", "brandt", "gates", "neutral")],
        [("machine:unnamed", *one)],
        [("annotator-1", *one), ("annotator-1 (2)", *one)],
        [("annotator-1", *one)],
        [("label-studio", *one)],
    ]
    assert whats(found) == [
        "support, oppose became neutral",
        "skipped by its annotator: left out",
        "annotation 2 of annotator-1 is called 'annotator-1 (2)'",
        "a region without stance is left out: half done",
    ]


def test_label_studio_labels_of_others(tmp_path: Path) -> None:
    choice = {"value": {"choices": ["pro"]}, "id": "x", "from_name": "sentiment", "to_name": "text", "type": "choices"}
    other = {**choice, "from_name": "topic", "value": {"choices": ["sport"]}}
    task = {
        "data": {"text": "Shut them.", "about": "Gates", "by": "Ada Brandt"},
        "annotations": [{"result": [choice, other]}],
    }
    path = tmp_path / "t.json"
    path.write_text(json.dumps([task]), encoding="utf-8")
    mapping = {
        "controls": {"stance": "sentiment"},
        "fields": {"speaker": "by", "target": "about"},
        "stances": {"pro": "support"},
        "speakers": {"Ada Brandt": {"id": "brandt", "name": "Ada Brandt", "side": "north"}},
    }
    check_mapping("label_studio", mapping)
    found = format_named("label_studio").load(path, mapping)
    assert labels(found) == [[("label-studio", "brandt", "gates", "support")]]
    assert found.articles[0].speaker("brandt").side == "north"
    assert [w.split(" is ")[0] for w in whats(found)] == ["a result of the control 'topic'"]


def test_tables_of_tabs_have_no_quoting() -> None:
    found = load("csv_table", "table_swallowed_rows.tsv")
    assert len(found.articles) == 4
    assert {a.text for a in load("csv_table", "table_literal_quotes.tsv").articles} == {
        '"Shut the gates" is what she said',
        '"Never',
        "So it is",
    }
    with pytest.raises(DataError, match=r"table_literal_quotes\.tsv:\d"):
        load("csv_table", "table_literal_quotes.tsv", {"quoting": "csv"})


def test_table_columns_and_apostrophes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"csv:1: columns 1 and 2 are both called 'text'"):
        load("csv_table", "table_two_columns_of_one_name.csv")
    [article] = load("csv_table", "table_leading_apostrophe.csv").articles
    assert article.text == "'@olm is right' says Brandt"
    (tmp_path / "t.csv").write_text("text,target,stance,topic\na,b,FAVOR,war\nc,b,NONE,\n", encoding="utf-8")
    found = format_named("csv_table").load(tmp_path / "t.csv", {})
    assert [(x.where.split(": ")[1], x.count) for x in found.losses] == [("column 'topic'", 1)]


def test_tables_of_json_lines(tmp_path: Path) -> None:
    rows = [{"tweet": "No war", "label": 0, "more": {"a": 1}}, {"tweet": "Yes", "label": 9, "who": "Ada"}]
    mapping = {
        "columns": {"text": "tweet", "stance": "label"},
        "default_target": "War",
        "stances": {"0": "oppose", "9": "unlabelled"},
    }
    found = format_named("csv_table").load(write(tmp_path / "t.jsonl", *rows), mapping)
    assert sorted(map(str, labels(found))) == ["[('*table', 'author', 'war', 'oppose')]", "[]"]
    assert sorted(whats(found)) == [
        "`more` is no text or number: not read",
        "a column that is not read (rows with a value)",
        "label '9' is unlabelled by the mapping: left out",
    ]


def test_keys_of_a_mapping_are_words(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("stances: {yes: support, no: oppose, 010: neutral, ~: unlabelled}\ndrafts: true\n")
    assert read_mapping(tmp_path / "m.yaml") == {
        "stances": {"yes": "support", "no": "oppose", "010": "neutral", "~": "unlabelled"},
        "drafts": True,
    }


def test_a_dataset_with_a_byte_order_mark() -> None:
    [article] = load_dataset(IMPORTS / "dataset_with_bom.jsonl")
    assert article.id == "a-0"


def test_a_repeated_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a", "label": "x", "label": "y"}\n', encoding="utf-8")
    for name in ("doccano", "prodigy", "jsonl", "csv_table"):
        with pytest.raises(DataError, match="'label' stands twice"):
            format_named(name).load(tmp_path / "a.jsonl", {})
    with pytest.raises(DataError, match="'label' stands twice"):
        load_dataset(tmp_path / "a.jsonl")


def test_recorded_label_studio() -> None:
    found = load("label_studio", "recorded/label_studio_1.23.2.json")
    brandt, voss = ("brandt", "gates", "support"), ("voss", "gates", "oppose")
    assert labels(found) == [
        [("annotator-1", "brandt", "gates", "oppose"), ("*annotator-1", *brandt), ("*annotator-1", *voss)],
        [],
        [],
    ]
    assert sorted(set(whats(found)), key=whats(found).index)[:2] == [
        "a relation between regions is not carried",
        "skipped by its annotator: left out",
    ]
    assert sum("bare id in predictions" in w for w in whats(found)) == 3
    assert sum("a draft is not read" in w for w in whats(found)) == 1
    assert sum("half done" in w for w in whats(found)) == 1
    assert sum("prediction that stood there" in w for w in whats(found)) == 1
    assert len(found.losses) == 9
    whole = load("label_studio", "recorded/label_studio_1.23.2_snapshot.json")
    assert [x[0] for x in labels(whole)[0]] == [
        "annotator-1",
        *["machine:undefined"] * 2,
        *["machine:tiny"] * 2,
        *["*annotator-1"] * 2,
    ]
    with pytest.raises(DataError, match=r"JSON-MIN(.|\n)*export as JSON"):
        load("label_studio", "recorded/label_studio_1.23.2_min.json")


@pytest.mark.parametrize("kind", ["spans", "relations"])
def test_recorded_doccano(kind: str) -> None:
    found = load("doccano", f"recorded/doccano_1.8.4_{kind}.jsonl", {"annotator": "ada"})
    [article] = found.articles
    evidence = {(s.speaker, s.target): s.evidence[0].text for s in article.annotations[0].stances}
    assert evidence == {
        ("brandt", "gates"): BRANDT,
        ("brandt", "war"): BRANDT[:23],
        ("voss", "gates"): "Lena Voss opposed the closure.",
    }
    assert set(whats(found)) >= {
        "a comment is not carried",
        "a relation between spans is not carried",
        "`topic` is not read",
    }


def test_recorded_doccano_classes() -> None:
    found = load("doccano", "recorded/doccano_1.8.4_classes.jsonl", {"fields": {"target": "topic"}})
    assert labels(found) == [[("doccano", "author", "gates", "support")], []]
    assert not found.losses


def test_spans_that_doccano_dropped_are_unlabelled(river: Path, tmp_path: Path) -> None:
    doccano = format_named("doccano")
    doccano.save(load_dataset(river), tmp_path / "d.jsonl", {})
    rows = [json.loads(line) for line in (tmp_path / "d.jsonl").read_text(encoding="utf-8").splitlines()]
    gone = rows[0]["label"].pop()[2]
    rows[0]["entities"] = []
    del rows[0]["entities"]
    found = doccano.load(write(tmp_path / "e.jsonl", *rows), {})
    first = found.articles[0]
    assert not first.complete
    assert first.gold
    assert gone.split("|", 1)[1] not in {f"{s.speaker}|{s.target}" for s in first.gold.stances}
    assert any("allow overlapping spans" in w for w in whats(found))
    assert any("unlabelled, not no_stance" in w for w in whats(found))


def test_doccano_units(tmp_path: Path) -> None:
    text = "👩🏽‍🚀 Shut the gates."
    astronaut = len("👩🏽‍🚀")
    assert astronaut == 4
    line = {"text": text, "label": [[2, 6, "support|a|b"]]}
    path = write(tmp_path / "d.jsonl", line)
    with pytest.raises(DataError, match=r"cuts a character|counted in graphemes"):
        format_named("doccano").load(path, {})
    [article] = format_named("doccano").load(path, {"offsets": "graphemes"}).articles
    assert article.annotations[0].stances[0].evidence[0].text == "Shut"
    by = {"annotator": "a", "gold": True, "offsets": "utf16", "check": [8, 12, "Shut"], "sent": {}, "no_stance": []}
    about = {
        "id": "x",
        "title": "x",
        "event": "x",
        "source": {"kind": "news"},
        "targets": [{"id": "b", "proposition": "B"}],
    }
    line = {"text": text, "label": [[8, 12, "support|a|b"]], "article": {**about, "complete": False, "labelled_by": by}}
    with pytest.raises(DataError, match="check passage"):
        format_named("doccano").load(write(tmp_path / "d.jsonl", line), {"offsets": "code_points"})


def test_half_done_annotations_of_a_complete_article(river: Path, tmp_path: Path) -> None:
    prodigy = format_named("prodigy")
    prodigy.save(load_dataset(river), tmp_path / "p.jsonl", {})
    rows = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text(encoding="utf-8").splitlines()]
    gold = next(row for row in rows if row.get("gold"))
    empty = {**gold, "spans": [], "_annotator_id": "ben", "gold": False}
    empty.pop("no_stance", None)
    half = {**empty, "spans": gold["spans"][:1], "_annotator_id": "cleo"}
    found = prodigy.load(write(tmp_path / "q.jsonl", gold, empty, half), {})
    [article] = found.articles
    assert [a.annotator for a in article.annotations] == ["cleo"]
    assert len(article.annotations[0].stances) == 1
    assert not article.complete
    assert sum("unlabelled, not no_stance" in w for w in whats(found)) == 2
    found = prodigy.load(tmp_path / "q.jsonl", {"silence": "no_stance"})
    assert found.articles[0].complete
    assert not found.losses


def test_import_prints_bookkeeping_apart(tmp_path: Path, harness: Harness) -> None:
    file = str(IMPORTS / "prodigy_relations.jsonl")
    done = harness("data", "import", "--format", "prodigy", file, "--out", "p")
    assert "lost or changed: 2\n" in done.stderr
    assert "bookkeeping of prodigy, not carried: spans.token_end 1, spans.token_start 1" in done.stderr
    done = harness("data", "import", "--format", "doccano", str(IMPORTS / "doccano_labels_key.jsonl"), "--out", "d")
    assert "nothing was lost" in done.stderr


def names_of(rows: Any) -> set[str]:
    return {str(row[0]) for row in rows}


@pytest.mark.skipif(not samples(), reason="no samples of DNA: HARNESS_EXTERNAL names their folder")
@pytest.mark.parametrize("file", ["sample_3.0.7.dna", "sample_2.0.dna"])
def test_samples_of_dna(file: str) -> None:
    path = samples() / file  # type: ignore[operator]
    found = format_named("dna").load(path, {})
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        value = "JOIN ENTITIES e ON e.ID = d.Entity" if "3" in file else ""
        name = "e.Value" if "3" in file else "d.Value"
        query = f"SELECT DISTINCT {name} FROM DATASHORTTEXT d {value} WHERE d.VariableId = ?"
        persons, concepts = (names_of(db.execute(query, (n,))) for n in (1, 3))
        statements = db.execute("SELECT count(*) FROM STATEMENTS WHERE StatementTypeId = 1").fetchone()[0]
        days = {
            str(dt.date.fromtimestamp(t if "3" in file else t / 1000))
            for (t,) in db.execute("SELECT Date FROM DOCUMENTS")
        }
    gold = [(a, s) for a in found.articles if a.gold for s in a.gold.stances]
    assert statements == sum(len(s.evidence) for _, s in gold) == 40
    assert {a.speaker(s.speaker).name for a, s in gold} == persons
    assert {a.target(s.target).proposition for a, s in gold} == concepts
    assert {str(a.source.date) for a in found.articles} == days
    assert {s.role for a in found.articles for s in a.speakers} == {
        "Business",
        "Congress-Republican",
        "Government",
        "NGO",
    }
    assert sorted(set(whats(found))) == [
        "oppose, support became neutral",
        "regular expressions are not carried",
        "statements without actor, concept and agreement are not carried",
        "the attribute 'Type' is not carried",
    ]


@pytest.mark.skipif(not samples(), reason="no samples of DNA: HARNESS_EXTERNAL names their folder")
def test_dna_3_has_the_tables_of_the_sample(river: Path, tmp_path: Path) -> None:
    export_dataset("dna", river, tmp_path / "x.dna", {})
    schemas = []
    for path in (tmp_path / "x.dna", samples() / "sample_3.0.7.dna"):  # type: ignore[operator]
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            rows = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
            schemas.append({name: "".join(sql.split()) for name, sql in rows})
    assert schemas[0] == schemas[1]


def test_dna_3_export_is_sound_and_comes_back(river: Path, tmp_path: Path) -> None:
    export_dataset("dna", river, tmp_path / "x.dna", {})
    with closing(sqlite3.connect(tmp_path / "x.dna")) as db:
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    found = format_named("dna").load(tmp_path / "x.dna", {})
    assert not found.losses
    before = load_dataset(river).articles
    # lean_support is support there
    assert [a.id for a in found.articles if a in before] == [a.id for a in before if "lean_" not in str(a.gold)]
    assert [(a.speakers, a.source, a.text) for a in found.articles] == [(a.speakers, a.source, a.text) for a in before]


def test_dna_types_and_scales_by_mapping(tmp_path: Path) -> None:
    export_dataset_of_nothing(tmp_path / "x.dna")
    with closing(sqlite3.connect(tmp_path / "x.dna")) as db, db:
        db.execute("INSERT INTO STATEMENTTYPES (ID, Label) VALUES (7, 'Frame')")
        for n, name, kind in ((11, "who", "short text"), (12, "what", "short text"), (13, "how", "integer")):
            db.execute("INSERT INTO VARIABLES VALUES (?, ?, ?, 7)", (n, name, kind))
        db.execute("INSERT INTO DOCUMENTS (ID, Title, Text, Coder, Date) VALUES (1, 'T', 'Never again war.', 1, 86400)")
        db.executemany(
            "INSERT INTO ENTITIES (ID, VariableId, Value) VALUES (?, ?, ?)", [(91, 11, "Ada"), (92, 12, "war")]
        )
        db.execute("INSERT INTO STATEMENTS VALUES (1, 7, 1, 0, 5, 1)")
        db.executemany(
            "INSERT INTO DATASHORTTEXT (StatementId, VariableId, Entity) VALUES (1, ?, ?)", [(11, 91), (12, 92)]
        )
        db.execute("INSERT INTO DATAINTEGER (StatementId, VariableId, Value) VALUES (1, 13, -1)")
        attribute = db.execute(
            "INSERT INTO ATTRIBUTEVARIABLES (VariableId, AttributeVariable) VALUES (11, 'Alias')"
        ).lastrowid
        db.execute(
            "INSERT INTO ATTRIBUTEVALUES (EntityId, AttributeVariableId, AttributeValue) VALUES (91, ?, 'A. B.; Ms B')",
            (attribute,),
        )
    roles = {"person": "who", "concept": "what", "agreement": "how"}
    mapping = {"types": {"Frame": roles}, "stances": {"-1": "lean_oppose"}}
    check_mapping("dna", mapping)
    found = format_named("dna").load(tmp_path / "x.dna", mapping)
    assert [x[1:] for x in labels(found)[0]] == [("ada", "war", "lean_oppose")]
    assert found.articles[0].speaker("ada").aliases == ("A. B.", "Ms B")
    assert str(found.articles[0].source.date) == "1970-01-02"
    assert not found.losses
    with pytest.raises(DataError, match=r"types: unknown: Frames(.|\n)*the file has"):
        format_named("dna").load(tmp_path / "x.dna", {"types": ["Frames"]})
