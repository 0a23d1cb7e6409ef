"""Import and export by hand-made files: documented mappings, hostile input, what the command prints."""

from __future__ import annotations

import gzip
import json
import sqlite3
import sys
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.data.convert import export_dataset, import_file
from harness.data.formats import FORMATS, LABEL_KEYS, MAPPING_KEYS, format_named
from harness.data.formats.csv_table import neutralised, restored
from harness.data.formats.dna_write import save as save_dna
from harness.data.formats.guess import guess_format
from harness.data.formats.offsets import Offsets, find_span
from harness.data.load import load_dataset, read_dataset, to_huggingface
from harness.data.save import article_yaml, save_article, save_dataset
from harness.errors import DataError, HarnessError
from harness.types import Article, Contrast, Stance
from tests.conftest import ROOT, Harness

FAMILY = "👨‍👩‍👧 e\u0301 war"


def test_offsets_count_as_others_do() -> None:
    # man, joiner, woman, joiner, girl, space, e, acute, space, war: 5 + 1 + 2 + 1 + 3 code points
    assert len(FAMILY) == 12
    at = FAMILY.index("war")
    assert at == 9
    # three of the code points are two UTF-16 units; the family and the accented letter are one cluster each
    assert Offsets(FAMILY, "utf16").out(at) == 12
    assert Offsets(FAMILY, "graphemes").out(at) == 4
    assert Offsets(FAMILY, "utf16").back(1) is None
    assert find_span(FAMILY, 12, 15, "war", "code_points") == (9, 12, True)
    assert find_span(FAMILY, 3, 6, "war", "code_points") == (9, 12, False)
    assert find_span(FAMILY, 3, 6, "peace", "code_points") is None


def task(start: int, end: int, quoted: str, **more: Any) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": quoted}
    region = {"id": "r", "to_name": "text"}
    result = [
        {**region, "from_name": "stance", "type": "labels", "value": {**value, "labels": ["oppose"]}},
        {**region, "from_name": "speaker", "type": "choices", "value": {**value, "choices": ["ann"]}},
        {**region, "from_name": "target", "type": "choices", "value": {**value, "choices": ["escalation"]}},
    ]
    return {"id": 7, "data": {"text": FAMILY}, "annotations": [{"completed_by": 3, "result": result, **more}]}


@pytest.mark.parametrize("start", [9, 12])
def test_label_studio_of_either_version(start: int, tmp_path: Path) -> None:
    (tmp_path / "tasks.json").write_text(json.dumps([task(start, start + 3, "war")]), encoding="utf-8")
    [article] = format_named("label_studio").load(tmp_path / "tasks.json", {}).articles
    [annotation] = article.annotations
    assert annotation.annotator == "annotator-3"
    assert [(e.text, e.start) for e in annotation.stances[0].evidence] == [("war", 9)]
    assert not article.complete


def test_label_studio_reports_what_moved_and_what_was_cancelled(tmp_path: Path) -> None:
    tasks = [task(2, 5, "war")]
    tasks[0]["annotations"].append({"completed_by": 4, "was_cancelled": True, "result": []})
    (tmp_path / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    losses = [str(x) for x in format_named("label_studio").load(tmp_path / "tasks.json", {}).losses]
    assert any("nearest" in x for x in losses)
    assert any("skipped" in x for x in losses)


def test_labelling_config_is_well_formed(river: Path, tmp_path: Path) -> None:
    from xml.etree import ElementTree

    export_dataset("label_studio", river, tmp_path / "tasks.json", {})
    view = ElementTree.parse(tmp_path / "tasks.xml").getroot()
    assert [x.get("value") for x in view.iter("Label")] == [str(s) for s in Stance]
    assert {x.get("name") for x in view if x.get("name")} >= {"stance", "text", "speaker", "target", "confidence"}


def test_conflicting_labels_of_one_pair(tmp_path: Path) -> None:
    spans = [
        {"start": 0, "end": 3, "label": "support|ann|gates"},
        {"start": 8, "end": 10, "label": "oppose|ann|gates"},
    ]
    line = {"text": "yes and no", "spans": spans}
    (tmp_path / "a.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    found = format_named("prodigy").load(tmp_path / "a.jsonl", {})
    [label] = found.articles[0].annotations[0].stances
    assert (label.stance, label.basis) == (Stance.NEUTRAL, "both_sides")
    assert [e.text for e in label.evidence] == ["yes", "no"]
    assert len(found.losses) == 1


def test_rejected_answers_are_reported(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x", "spans": [], "answer": "reject"}\n', encoding="utf-8")
    assert "reject" in str(format_named("prodigy").load(tmp_path / "a.jsonl", {}).losses[0])


def test_semeval_table(tmp_path: Path) -> None:
    path = tmp_path / "semeval.txt"
    path.write_text(
        "ID\tTarget\tTweet\tStance\n1\tWar\tNo war 🕊️\tAGAINST\n2\tWar\tFight on\tFAVOR\n3\tWar\tLunch\tNONE\n",
        encoding="utf-8",
    )
    found = import_file("csv_table", path, tmp_path / "out", {"version": "6"})
    dataset = load_dataset(tmp_path / "out")
    assert dataset.version == "6"
    stances = {a.text: [s.stance for s in a.gold.stances] for a in dataset if a.gold}
    assert stances == {"No war 🕊️": ["oppose"], "Fight on": ["support"], "Lunch": ["no_stance"]}
    assert [s.name for a in dataset for s in a.speakers] == ["author"] * 3
    assert not found.losses
    assert all(sum(1 for _ in a.pairs()) == 1 for a in dataset)


def test_unmapped_labels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("text,target,stance\nhello,war,pro\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"t\.csv:2: stance: 'pro' is no stance"):
        import_file("csv_table", path, tmp_path / "out", {})
    import_file("csv_table", path, tmp_path / "out", {"stances": {"pro": "lean_support"}})
    [article] = load_dataset(tmp_path / "out")
    assert article.gold
    assert article.gold.stances[0].stance is Stance.LEAN_SUPPORT


@pytest.mark.parametrize("cell", ["=1+1", "'=1", "''=x", "@cmd", "-2", "+3", "\t=1", "＝1", "'plain", "plain", ""])
def test_formulas_are_neutralised_and_restored(cell: str) -> None:
    assert not neutralised(cell).startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))
    assert restored(neutralised(cell)) == cell


def dna(
    path: Path, statements: list[tuple[str, str, int, int, int]], text: str = "🕊️ War is wrong. War is right."
) -> Path:
    """A file as Discourse Network Analyzer makes it: (person, concept, agreement, start, stop) by one coder."""
    from harness.types import Dataset

    save_dna(Dataset("empty", "1", (), ""), path, {"dna_version": 2})
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "INSERT INTO DOCUMENTS VALUES (1, '2003-03-18_Iraq', ?, 1, '', '', '', 'https://x.org', '', ?)", (text, 0)
        )
        for n, (person, concept, agreement, start, stop) in enumerate(statements, start=1):
            db.execute("INSERT INTO STATEMENTS VALUES (?, 1, 1, ?, ?, 1)", (n, start, stop))
            for variable, value in ((1, person), (2, "Labour"), (3, concept)):
                db.execute(
                    "INSERT INTO DATASHORTTEXT (StatementId, VariableId, StatementTypeId, Value) VALUES (?, ?, 1, ?)",
                    (n, variable, value),
                )
            db.execute(
                "INSERT INTO DATABOOLEAN (StatementId, VariableId, StatementTypeId, Value) VALUES (?, 4, 1, ?)",
                (n, agreement),
            )
    return path


def test_dna_statements_become_stances(tmp_path: Path) -> None:
    # the dove is two UTF-16 units and a selector: "War is wrong." begins at 4 there, at 3 in code points
    rows = [("J Straw", "22 - war", 0, 4, 17), ("J Straw", "22 - war", 1, 18, 31), ("T Blair", "22 - war", 1, 18, 31)]
    mapping = {"concepts": {"22 - war": {"id": "war", "proposition": "Go to war."}}}
    found = import_file("dna", dna(tmp_path / "x.dna", rows), tmp_path / "out", mapping)
    [article] = load_dataset(tmp_path / "out")
    assert article.gold
    straw, blair = article.gold.stances
    assert (straw.stance, straw.basis) == (Stance.NEUTRAL, "both_sides")
    assert [e.text for e in straw.evidence] == ["War is wrong.", "War is right."]
    assert straw.note == "agreement of the passages: 0, 1"
    assert (blair.stance, blair.target) == (Stance.SUPPORT, "war")
    assert article.speaker("j-straw").side == "Labour"
    assert str(article.source.date) == "2003-03-18"
    assert article.source.url == "https://x.org"
    assert not article.complete
    assert sorted(x.what.split(":")[0] for x in found.losses) == [
        "its date 1970-01-01 contradicts its title",
        "oppose, support became neutral",
    ]
    # and back: the same statements, the conflicting ones too
    export_dataset("dna", tmp_path / "out", tmp_path / "back.dna", {**mapping, "dna_version": 2})
    with closing(sqlite3.connect(tmp_path / "back.dna")) as db:
        query = (
            "SELECT p.Value, c.Value, a.Value, s.Start, s.Stop FROM STATEMENTS s "
            "JOIN DATASHORTTEXT p ON p.StatementId = s.ID AND p.VariableId = 1 "
            "JOIN DATASHORTTEXT c ON c.StatementId = s.ID AND c.VariableId = 3 "
            "JOIN DATABOOLEAN a ON a.StatementId = s.ID ORDER BY s.ID"
        )
        assert db.execute(query).fetchall() == rows


def test_dna_statements_that_cannot_be_placed_are_reported(tmp_path: Path) -> None:
    rows = [("A B", "c", 1, 0, 2), ("A B", "c", 1, 1, 4), ("A B", "c", 1, 5, 500), ("", "c", 1, 5, 6)]
    found = format_named("dna").load(dna(tmp_path / "x.dna", rows), {})
    assert sum(len(s.evidence) for a in found.articles if a.gold for s in a.gold.stances) == 1
    assert len([x for x in found.losses if x.where.startswith("statement")]) == 3


def test_malformed_dna(tmp_path: Path) -> None:
    whole = dna(tmp_path / "x.dna", [("A B", "c", 1, 0, 2)]).read_bytes()
    (tmp_path / "text.dna").write_text("no database", encoding="utf-8")
    (tmp_path / "torn.dna").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "noise.dna").write_bytes(whole[:100] + bytes(range(256)) * 64)
    for name in ("text", "torn", "noise"):
        with pytest.raises(DataError, match=r"dna file|SQLite"):
            format_named("dna").load(tmp_path / f"{name}.dna", {})
    with closing(sqlite3.connect(tmp_path / "view.dna")) as db, db:
        db.execute(
            "CREATE VIEW DOCUMENTS AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) SELECT x FROM n"
        )
    with pytest.raises(DataError, match="no table"):
        format_named("dna").load(tmp_path / "view.dna", {})


@pytest.mark.parametrize("name", [f for f in FORMATS if f != "huggingface"])
def test_archives_are_refused(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"0" * 1_000_000)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"0" * 1_000_000))
    for bomb in ("bomb.zip", "bomb.gz"):
        with pytest.raises(DataError, match="bomb"):
            import_file(name, tmp_path / bomb, tmp_path / "out", {})
    assert not (tmp_path / "out").exists()


def test_parquet_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.data.formats import huggingface

    monkeypatch.setattr(huggingface, "MAX_UNPACKED", 1000)
    pq.write_table(pa.table({"id": ["x" * 100_000]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="unpacks to"):
        format_named("huggingface").load(tmp_path / "a.parquet", {})
    (tmp_path / "b.parquet").write_bytes(b"PAR1" + b"\0" * 64)
    with pytest.raises(DataError, match="not a readable Parquet"):
        format_named("huggingface").load(tmp_path / "b.parquet", {})


HOSTILE_IDS = ["../evil", "a/../../evil", "/etc/evil", "..\\evil", ".hidden", "a\0b", "A B"]


@pytest.mark.parametrize("identifier", HOSTILE_IDS)
def test_ids_never_leave_the_folder(identifier: str, river: Path, tmp_path: Path) -> None:
    export_dataset("jsonl", river, tmp_path / "a.jsonl", {})
    row = json.loads((tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()[0])
    row["id"] = identifier
    own = {**row, "annotations": [], "gold": None}
    about = {k: v for k, v in own.items() if k != "text"}
    lines = {
        "jsonl": row,
        "prodigy": {"text": row["text"], "spans": [], "article": about},
        "doccano": {"text": row["text"], "label": [], "article": about},
        "label_studio": [{"data": {"text": row["text"], "article": about}}],
    }
    for name, content in lines.items():
        (tmp_path / "h.json").write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(HarnessError, match="is no id"):
            import_file(name, tmp_path / "h.json", tmp_path / "out" / "set", {})
    assert not (tmp_path / "out").exists()


def test_ids_made_of_hostile_names_stay_inside(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('id,text,target,stance\n../../evil,hello,"../war",support\n', encoding="utf-8")
    import_file("csv_table", path, tmp_path / "out", {})
    assert [p.name for p in (tmp_path / "out" / "articles").iterdir()] == ["evil.yaml"]


def test_too_long_texts_are_refused(tmp_path: Path) -> None:
    text = "war " * 12_500_000
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": text, "spans": []}) + "\n", encoding="utf-8")
    (tmp_path / "a.csv").write_text(f'text,target,stance\n"{text}",war,support\n', encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps([{"data": {"text": text}}]), encoding="utf-8")
    for name, file in (
        ("prodigy", "a.jsonl"),
        ("doccano", "a.jsonl"),
        ("csv_table", "a.csv"),
        ("label_studio", "a.json"),
    ):
        with pytest.raises(DataError, match=r"limit|more than"):
            import_file(name, tmp_path / file, tmp_path / "out", {})


def test_endless_nesting_is_refused(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 200_000 + "]" * 200_000, encoding="utf-8")
    for name in ("label_studio", "prodigy", "doccano", "jsonl"):
        with pytest.raises(DataError, match=r"nested too deeply|not JSON"):
            import_file(name, tmp_path / "deep.json", tmp_path / "out", {})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: &a [x, x]\nb: [*a, *a]\n", "anchors and aliases"),
        ("name: !!python/object/apply:os.system [echo]\n", "not YAML"),
        ("- a\n- b\n", "must be a mapping of fields"),
        ("a: " + "[" * 100_000 + "]" * 100_000, "nested more than"),
        ("- " * 100_000, "nested more than"),
        ("a: " + "[{" * 5_000, "nested more than"),
    ],
)
def test_hostile_mappings(content: str, message: str, tmp_path: Path) -> None:
    from harness.data.convert import read_mapping

    (tmp_path / "m.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_mapping(tmp_path / "m.yaml")


def test_comments_and_order_survive_an_edit(river: Path) -> None:
    path = river / "articles" / "river-0.yaml"
    old = (
        path.read_text(encoding="utf-8")
        .replace("split:", "# the split is fixed\nsplit:")
        .replace("- {id: olm", "# the general\n- {id: olm")
    )
    article = load_dataset(river).articles[0]
    assert article_yaml(article, old) == old
    from dataclasses import replace

    changed = replace(article, title="Another title", speakers=(*article.speakers,))
    new = article_yaml(changed, old)
    assert [x for x in new.splitlines() if x not in old.splitlines()] == ["title: Another title"]
    path.write_text(old, encoding="utf-8")
    save_article(changed, path)
    assert path.read_text(encoding="utf-8") == new
    assert load_dataset(river).articles[0] == changed


@pytest.mark.parametrize(
    "text", ["a\r\nb", "a\u0085b\n", "a\u2028b\n", "a  \nb\n", "a\x07\nb", " a\nb", "\ufeffa\nb", "a\n\n\n"]
)
def test_texts_that_a_block_would_change_are_quoted(text: str, river: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    article: Article = replace(load_dataset(river).articles[0], text=text, gold=None, summaries=(), annotations=())
    (tmp_path / "set" / "articles").mkdir(parents=True)
    (tmp_path / "set" / "dataset.yaml").write_text("name: x\nversion: 1\n", encoding="utf-8")
    save_article(article, tmp_path / "set" / "articles" / f"{article.id}.yaml")
    assert load_dataset(tmp_path / "set").articles == (article,)


def test_incomplete_sets_ask_about_labelled_pairs_only(river: Path) -> None:
    path = river / "articles" / "river-0.yaml"
    text = path.read_text(encoding="utf-8")
    lines = [x for x in text.splitlines() if "{speaker: olm, target: gates" not in x]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert "olm on gates is not labelled" in str(read_dataset(river)[1][0])
    card = river / "dataset.yaml"
    card.write_text(card.read_text(encoding="utf-8") + "complete: false\n", encoding="utf-8")
    first = load_dataset(river).articles[0]
    assert [(s.id, x.id) for s, x in first.pairs()] == [
        ("brandt", "escalation"),
        ("brandt", "gates"),
        ("olm", "escalation"),
    ]


def test_huggingface_rows_with_repeated_evidence(river: Path) -> None:
    path = river / "articles" / "river-0.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace(
            "evidence: [shutting them", "evidence: [{text: shut, occurrence: 2}, shutting them", 1
        ),
        encoding="utf-8",
    )
    row = to_huggingface(load_dataset(river))[0]
    assert row["gold"]["stances"][2]["evidence"][0] == {"text": "shut", "occurrence": 2}


def test_what_datasets_saves_comes_back_whole(river: Path, tmp_path: Path) -> None:
    articles = [probed(a) for a in load_dataset(river)]
    save_dataset(articles, {"name": "river", "version": "1"}, tmp_path / "rich")
    dataset = load_dataset(tmp_path / "rich")
    format_named("jsonl").save(dataset, tmp_path / "rich.jsonl", {})
    # its records have not all the same fields, so that `datasets` keeps some of them as JSON
    lines = to_huggingface(dataset).from_json(str(tmp_path / "rich.jsonl"), cache_dir=str(tmp_path / "cache"))
    assert "Json" in str(lines.features)
    for name, rows in (("typed", to_huggingface(dataset)), ("json", lines)):
        rows.save_to_disk(tmp_path / name)
        rows.to_parquet(tmp_path / f"{name}.parquet")
        rows.to_json(tmp_path / f"{name}.jsonl")
        for path in (tmp_path / name, tmp_path / f"{name}.parquet", tmp_path / f"{name}.jsonl"):
            guess = guess_format(path).name
            assert guess == ("jsonl" if path.suffix == ".jsonl" else "huggingface")
            imported = format_named(guess).load(path, {})
            assert imported.articles == dataset.articles, path
            assert imported.losses == ()
            assert path.suffix == "" or load_dataset(path).articles == dataset.articles


def probed(article: Article) -> Article:
    """The article with everything that only probes need."""
    label = replace(article.gold.stances[0], stance=Stance.NO_STANCE, act=None, evidence=())
    return replace(
        article,
        targets=tuple(replace(x, paraphrases=("Or so.",), negated="Not so.") for x in article.targets),
        contrast=Contrast(article.text + " No.", (label,), "one word more"),
        canary=f"canary {article.id}",
    )


def test_a_saved_dataset_names_what_is_not_there(river: Path, tmp_path: Path) -> None:
    to_huggingface(load_dataset(river)).save_to_disk(tmp_path / "saved")
    info = tmp_path / "saved" / "dataset_info.json"
    info.write_text(json.dumps({**json.loads(info.read_text()), "license": "CC0"}), encoding="utf-8")
    (tmp_path / "saved" / "notes.txt").write_text("x", encoding="utf-8")
    losses = [str(x) for x in format_named("huggingface").load(tmp_path / "saved", {}).losses]
    assert losses == [
        f"{info}: license: is not read: say it in the mapping",
        f"{tmp_path / 'saved' / 'notes.txt'}: a file that is no Parquet is not read",
    ]
    state = tmp_path / "saved" / "state.json"
    state.write_text(json.dumps({"_data_files": [{"filename": "../away.arrow"}]}), encoding="utf-8")
    with pytest.raises(DataError, match=r"'away\.arrow' is no file of its folder"):
        format_named("huggingface").load(tmp_path / "saved", {})
    state.write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="names no `_data_files`"):
        format_named("huggingface").load(tmp_path / "saved", {})


def test_a_null_of_an_unknown_field_does_not_vanish(river: Path, tmp_path: Path) -> None:
    row = {**to_huggingface(load_dataset(river))[0], "stance_of_author": None}
    (tmp_path / "x.jsonl").write_text(json.dumps(row, default=str), encoding="utf-8")
    with pytest.raises(HarnessError, match="stance_of_author"):
        format_named("jsonl").load(tmp_path / "x.jsonl", {})


def test_commands_print_what_was_lost(river: Path, tmp_path: Path, harness: Harness) -> None:
    done = harness("data", "export", "--format", "doccano", str(river), "--out", "d.jsonl")
    assert "lost or changed: 1\n  dataset card: name" in done.stderr
    done = harness("data", "export", "--format", "csv_table", str(river), "--out", "t.csv", "--losses", "lost.txt")
    assert "lost or changed: 2" in done.stderr
    assert "evidence" in (tmp_path / "lost.txt").read_text(encoding="utf-8")
    harness("data", "import", "--format", "doccano", "d.jsonl", "--out", "back")
    assert load_dataset(tmp_path / "back").articles == load_dataset(river).articles
    done = harness("data", "import", "--format", "doccano", "d.jsonl", "--out", "back", code=1)
    assert "exists and is not empty" in done.stderr
    done = harness("data", "import", "--format", "prodgy", "d.jsonl", "--out", "x", code=1)
    assert "did you mean 'prodigy'" in done.stderr


def test_the_format_of_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module that CONTRIBUTING shows is imported, as a format is."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    module = ModuleType("harness.data.formats.debates")
    exec(page.partition("# debates.py\n")[2].partition("```")[0], module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(FORMATS, "debates", "debates as JSON Lines")
    monkeypatch.setitem(MAPPING_KEYS, "debates", (*LABEL_KEYS, "annotator"))
    position = {"who": "Ada", "on": "The gates", "side": "pro", "from": 0, "to": 15, "tone": "loud"}
    line = {"debate": "Gates", "words": "Shut the gates!", "positions": [position], "room": "12", "saved_at": "noon"}
    (tmp_path / "d.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    imported = import_file("debates", tmp_path / "d.jsonl", tmp_path / "out", {"stances": {"pro": "support"}})
    [article] = load_dataset(tmp_path / "out").articles
    assert article.gold is not None
    [label] = article.gold.stances
    assert (article.title, article.speakers[0].name, article.targets[-1].proposition) == ("Gates", "Ada", "The gates")
    assert (label.stance, label.evidence[0].text) == (Stance.SUPPORT, "Shut the gates!")
    assert [x.what for x in imported.losses] == ["the room is not carried", "`positions.tone` is not read"]
    assert imported.bookkeeping == {"saved_at": 1}


@pytest.mark.parametrize("name", ["machine:", "machine:tiny", "machine: "])
def test_label_studio_keeps_the_name_of_a_machine(name: str, river: Path, tmp_path: Path) -> None:
    article = load_dataset(river).articles[0]
    assert article.gold is not None
    labelled = replace(article, annotations=(replace(article.gold, annotator=name),))
    save_dataset([labelled], {"name": "river", "version": "1"}, tmp_path / "one")
    export_dataset("label_studio", tmp_path / "one", tmp_path / "t.json", {})
    assert [len(t["predictions"]) for t in json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))] == [1]
    [back] = format_named("label_studio").load(tmp_path / "t.json", {}).articles
    assert back == labelled
