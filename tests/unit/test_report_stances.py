"""Who wants what: stances, agreement and passages in stances.csv, stances.parquet, Markdown, terminal and page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from harness.data.fingerprint import fingerprint as fingerprint_of
from harness.report.collect import load_runs
from harness.report.stances import stance_rows
from harness.report.table import leaderboards
from harness.report.terminal import terminal
from harness.report.write import write_report
from harness.results.records import AnswerRef, DatasetUse, RunRecord, SystemUse, write_record
from harness.results.states import snapshot
from harness.results.store import PredictionStore
from harness.types import (
    ESCALATION,
    Annotation,
    Answer,
    Article,
    Dataset,
    Evidence,
    Item,
    Source,
    Speaker,
    Stance,
    StanceLabel,
    Target,
)

TEXT = """The river council 𝔐eets

Minister Ada Brandt rose at noon. "Shut the gates. Strike first," Brandt said.

General Ulf Olm warned of war <b>.
"""
OLM = TEXT.index("General")


def article(labelled: bool) -> Article:
    speakers = (Speaker("brandt", "Ada Brandt", ("Brandt",)), Speaker("olm", "Ulf Olm"))
    evidence = Evidence("warned of war", TEXT.index("warned"), TEXT.index("warned") + 13)
    stances = (
        StanceLabel("brandt", ESCALATION, Stance.NO_STANCE),
        StanceLabel("olm", ESCALATION, Stance.OPPOSE, evidence=(evidence,)),
    )
    gold = Annotation("g", stances) if labelled else None
    source = Source("news")
    targets = (Target(ESCALATION, "Raise it."),)
    return Article(
        "river", "The river council", TEXT, "river", source, targets, speakers if labelled else (), gold=gold
    )


def folder(results: Path, labels: Sequence[str], labelled: bool) -> Path:
    """A results folder in which classifiers c0, c1, … give `labels[i]`: a character for Brandt and one for Olm."""
    meaning = {"+": Stance.SUPPORT, "-": Stance.OPPOSE, "l": Stance.LEAN_OPPOSE, "?": None}
    one = article(labelled)
    data = Dataset("d", "1", (one,), content := fingerprint_of((one,)))
    snapshot(results, data)
    store = PredictionStore(results / "predictions")
    finder_rows = [
        {"name": "Ada Brandt", "aliases": ["Brandt"], "quotes": ["Shut the gates. Strike first,"]},
        {"name": "Ulf Olm", "aliases": [], "quotes": ["warned of war"]},
    ]
    people = [
        Speaker("ada-brandt" if not labelled else "brandt", "Ada Brandt"),
        Speaker("ulf-olm" if not labelled else "olm", "Ulf Olm"),
    ]
    for n, text in enumerate(labels):
        name, fingerprint = f"c{n}", f"{n:x}" * 64
        uses = [SystemUse(name=name, kind="stance", fingerprint=fingerprint, n_items=2)]
        refs = []
        if not labelled:
            finder = SystemUse(name="rule", kind="speakers", fingerprint="e" * 64, n_items=1)
            uses.append(finder)
            answer = Answer(json.dumps(finder_rows))
            [found] = store.write("rule", finder.fingerprint, "speakers", [("k", Item(one), answer)])
            refs.append(AnswerRef("speakers", "", found.article_id, None, None, found.key))
        answers = [
            (f"{name}{who.id}", Item(one, who, one.targets[0]), Answer(label=meaning[letter]))
            for who, letter in zip(people, text, strict=True)
        ]
        for p in store.write(name, fingerprint, "stance", answers):
            refs.append(AnswerRef("stance", "", p.article_id, p.speaker_id, p.target_id, p.key))
        use = DatasetUse(name="d", version="1", fingerprint=content, split="all", articles=["river"], labelled=labelled)
        record = RunRecord(
            run_id=f"r{n}", status="complete", config={}, dataset=use, systems=uses, started_at=f"2026-01-0{n + 1}"
        )
        write_record(results, record, (), refs)
    return results


@pytest.mark.parametrize(
    ("labels", "side", "n_agree"),
    [
        (["+-"], "favor", 1),
        (["+-", "--"], "disputed", 1),
        (["+-", "+-", "--"], "favor", 2),
        (["--", "l-"], "against", 2),  # lean_oppose and oppose are one side
        (["?-", "+-"], "favor", 1),
        (["?-", "?-"], "", 0),
    ],
)
def test_the_side_is_what_more_than_half_say(tmp_path: Path, labels: list[str], side: str, n_agree: int) -> None:
    rows = {r.speaker: r for r in stance_rows(load_runs(folder(tmp_path, labels, labelled=False)))}
    assert (rows["Ada Brandt"].side, rows["Ada Brandt"].n_agree) == (side, n_agree)
    assert rows["Ulf Olm"].side == "against"
    if "?" in labels[0]:
        assert rows["Ada Brandt"].by["c0"] == "unparsed"


@pytest.mark.parametrize("labelled", [True, False])
def test_every_format_has_stance_and_sentence(tmp_path: Path, labelled: bool) -> None:
    runs = load_runs(folder(tmp_path / "results", ["+-", "--"], labelled))
    boards = leaderboards(runs)
    out = tmp_path / "out"
    write_report(runs, boards, out)
    rows = {r["speaker"]: r for r in csv.DictReader(io.StringIO((out / "stances.csv").read_text(encoding="utf-8")))}
    brandt, olm = rows["Ada Brandt"], rows["Ulf Olm"]
    assert (brandt["by c0"], brandt["by c1"], brandt["side"]) == ("support", "oppose", "disputed")
    assert (brandt["n_agree"], brandt["n_labels"]) == ("1", "2")
    # where a finder quotes two sentences of one quotation, both are the passage, and it is the text's own
    for row in rows.values():
        assert TEXT[int(row["start"]) : int(row["end"])] == row["quote"]
    if labelled:
        assert olm["gold"] == "oppose"
        assert olm["quote"] == "warned of war"
    else:
        assert brandt["quote"] == '"Shut the gates. Strike first," Brandt said.'
        assert olm["quote"] == "General Ulf Olm warned of war <b>."
    table = pq.read_table(out / "stances.parquet")
    assert {r["speaker"]: r["by c1"] for r in table.to_pylist()} == {n: r["by c1"] for n, r in rows.items()}
    said = io.StringIO()
    terminal(Console(file=said, width=80, highlight=False, emoji=False), runs, boards)
    assert (
        "Ulf Olm on escalation: " + ("gold oppose; " if labelled else "") + "c0 oppose, c1 oppose (2 of 2 agree)"
        in said.getvalue()
    )
    # without gold nothing stands before it; with gold the scores come first
    markdown = (out / "report.md").read_text(encoding="utf-8")
    assert (markdown.index("## Who wants what") < markdown.index("- Dataset: ")) is not labelled
    assert "| against escalation | 2 of 2 agree | " in markdown
    page = (out / "index.html").read_text(encoding="utf-8")
    assert (page.index('<section id="stances"') < page.index('<section id="verdict"')) is not labelled
    assert "<b>classifiers disagree</b>: Ada Brandt" in page
    # 𝔐 is two units of a browser's strings and one code point here
    start = OLM + 1 if not labelled else TEXT.index("warned") + 1
    assert f"#a=river&amp;s={'olm' if labelled else 'ulf-olm'}&amp;at={start}-" in page
    assert "war <b>" not in page


def test_many_classifiers_are_counted_and_not_listed(tmp_path: Path) -> None:
    runs = load_runs(folder(tmp_path / "results", ["+-", "--", "l-", "+-", "--"], labelled=False))
    said = io.StringIO()
    terminal(Console(file=said, width=200, highlight=False, emoji=False), runs, leaderboards(runs))
    assert (
        "Ada Brandt on escalation: 2 of 5 oppose, 2 of 5 support, 1 of 5 lean_oppose (3 of 5 agree)" in said.getvalue()
    )


def test_summaries_are_a_table_of_their_own(tmp_path: Path) -> None:
    one = article(labelled=False)
    results = tmp_path / "results"
    content = fingerprint_of((one,))
    snapshot(results, Dataset("d", "1", (one,), content))
    use = SystemUse(name="lead3", kind="summariser", fingerprint="a" * 64, n_items=1)
    store = PredictionStore(results / "predictions")
    [p] = store.write("lead3", use.fingerprint, "summary", [("k", Item(one), Answer('Two\nwords, quoted "so" \n'))])
    where = DatasetUse(name="d", version="1", fingerprint=content, split="all", articles=["river"], labelled=False)
    record = RunRecord(run_id="r", status="complete", config={}, dataset=where, systems=[use])
    write_record(results, record, (), [AnswerRef("summariser", "", "river", None, None, p.key)])
    runs = load_runs(results)
    write_report(runs, leaderboards(runs), tmp_path / "out")
    [row] = csv.DictReader(io.StringIO((tmp_path / "out" / "summaries.csv").read_text(encoding="utf-8"), newline=""))
    assert row["summary"] == 'Two\nwords, quoted "so"'
    assert (row["system"], row["words"], row["error"]) == ("lead3", "4", "")
