"""Systems whose answers stand in a file: what is scored, what is missing or unknown, and what makes the fingerprint."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.config import SystemConfig, parse_run_config
from harness.data.load import load_dataset
from harness.errors import DataError, SystemFailed
from harness.models.pool import ModelPool
from harness.results.records import RunRecord, read_record
from harness.runs.job import run_job
from harness.runs.rescore import rescore_runs
from harness.runtime.progress import Reporter
from harness.systems.base import Context, System, pair_item
from harness.systems.registry import build
from harness.types import Dataset, Item, Stance

HARBOUR = Path(__file__).parents[1] / "answered" / "harbour"
HEADER = "article,speaker,target,stance\n"
ROWS = """\
harbour,venn,escalation,support
harbour,venn,strike,lean support
harbour,venn,sanctions,neutral
harbour,reed,escalation,Against
harbour,reed,strike,oppose
harbour,reed,sanctions,no_stance
"""


@pytest.fixture
def harbour() -> Dataset:
    return load_dataset(HARBOUR)


def stances(tmp_path: Path, content: str, name: str = "answers.csv", **options: Any) -> System:
    (tmp_path / name).write_text(content, encoding="utf-8")
    config = {"name": "human", "adapter": "from_file", "path": str(tmp_path / name), **options}
    return build("stance", SystemConfig.model_validate(config))


def summaries(tmp_path: Path, content: str, name: str = "summaries.csv", **options: Any) -> System:
    (tmp_path / name).write_text(content, encoding="utf-8")
    config = {"name": "human", "adapter": "from_file", "path": str(tmp_path / name), **options}
    return build("summariser", SystemConfig.model_validate(config))


def items(dataset: Dataset) -> list[Item]:
    return [pair_item(article, s, t) for article in dataset for s, t in article.pairs()]


def labels(system: System, dataset: Dataset) -> list[Stance | None]:
    return [a.label for a in system.answer(items(dataset), Context(dataset))]


def run(tmp_path: Path, **systems: Any) -> RunRecord:
    config = parse_run_config({"dataset": {"path": str(HARBOUR)}, "results": str(tmp_path / "results"), **systems})
    return run_job(config, [], ModelPool(), Reporter()).record


def test_answers_are_looked_up_by_article_speaker_and_target(tmp_path: Path, harbour: Dataset) -> None:
    system = stances(tmp_path, HEADER + ROWS)
    assert system.remarks(harbour) == []
    assert labels(system, harbour) == ["support", "lean_support", "neutral", "oppose", "oppose", "no_stance"]


def test_names_aliases_and_propositions_stand_for_ids(tmp_path: Path, harbour: Dataset) -> None:
    rows = "harbour,General Orla Venn,The fleet may strike the harbour.,oppose\nharbour,Reed,strike,support\n"
    system = stances(tmp_path, HEADER + rows)
    assert system.remarks(harbour) == []
    assert labels(system, harbour) == [None, "oppose", None, None, "support", None]


def test_an_item_without_an_answer_is_an_error_that_names_it(tmp_path: Path, harbour: Dataset) -> None:
    system = stances(tmp_path, HEADER + ROWS.replace("harbour,venn,sanctions,neutral", "harbour,venn,sanctions,"))
    answers = system.answer(items(harbour), Context(harbour))
    assert [a.error for a in answers if a.error] == ["answers.csv has no answer to harbour/venn/sanctions"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("harbor,venn,strike,support", r"answers.csv:8: no article 'harbor' \(did you mean 'harbour'\?\)"),
        ("harbour,Rood,strike,support", r"no speaker 'Rood' in harbour \(did you mean 'Reed'\?\)"),
        ("harbour,reed,strikes,support", r"no target 'strikes' in harbour \(did you mean 'strike'\?\)"),
    ],
)
def test_an_answer_about_nothing_in_the_dataset_is_an_error_or_a_note(
    tmp_path: Path, harbour: Dataset, row: str, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        stances(tmp_path, HEADER + ROWS + row).remarks(harbour)
    assert "1 of 7 answers are about nothing in harbour" in caught.value.message
    assert "unknown=note" in (caught.value.hint or "")
    [note] = stances(tmp_path, HEADER + ROWS + row, unknown="note").remarks(harbour)
    assert note.startswith("1 of 7 answers are about nothing in harbour")


def test_many_unknown_answers_are_counted(tmp_path: Path, harbour: Dataset) -> None:
    rows = "".join(f"harbour,nobody-{n},strike,support\n" for n in range(9))
    [note] = stances(tmp_path, HEADER + rows, unknown="note").remarks(harbour)
    assert note.count("no speaker") == 5
    assert note.endswith("; and 4 more")


def test_a_name_that_two_speakers_have_is_refused(tmp_path: Path, harbour: Dataset) -> None:
    [article] = harbour
    venn, reed = article.speakers
    both = replace(article, speakers=(venn, replace(reed, aliases=("Orla Venn",))))
    with pytest.raises(DataError, match="could be about harbour/venn/strike or harbour/reed/strike"):
        stances(tmp_path, HEADER + "harbour,Orla Venn,strike,support\n").remarks(replace(harbour, articles=(both,)))
    assert stances(tmp_path, HEADER + "harbour,venn,strike,support\n").remarks(replace(harbour, articles=(both,))) == []


def test_one_item_under_two_names_is_refused(tmp_path: Path, harbour: Dataset) -> None:
    rows = "harbour,Reed,strike,oppose\nharbour,reed,strike,support\n"
    with pytest.raises(DataError, match=r"answers.csv:2: harbour/reed/strike was answered before.*answers.csv:3"):
        stances(tmp_path, HEADER + rows).remarks(harbour)


def test_the_fingerprint_is_what_the_file_says(tmp_path: Path) -> None:
    first = stances(tmp_path, HEADER + ROWS)
    turned = HEADER + "".join(reversed(ROWS.splitlines(keepends=True)))
    same = [
        stances(tmp_path, turned, "turned.csv"),
        stances(tmp_path, (HEADER + ROWS).replace(",", ";"), "semicolons.csv"),
        stances(tmp_path, HEADER.replace("stance", "label") + ROWS, "label.csv", unknown="note"),
    ]
    assert {s.fingerprint for s in same} == {first.fingerprint}
    assert stances(tmp_path, HEADER + ROWS.replace("neutral", "support")).fingerprint != first.fingerprint
    assert stances(tmp_path, HEADER + ROWS[: ROWS.rindex("harbour")]).fingerprint != first.fingerprint
    scored = "article,speaker,target,oppose,support\nharbour,venn,strike,0.5,0.5\n"
    assert stances(tmp_path, scored).fingerprint != stances(tmp_path, scored.replace("0.5,0.5", "0.4,0.6")).fingerprint


def test_replies_are_parsed_and_scores_are_chosen_from(tmp_path: Path, harbour: Dataset) -> None:
    rows = (
        '{"article": "harbour", "speaker": "venn", "target": "strike", "reply": "Stance: **lean support**."}\n'
        '{"article": "harbour", "speaker": "reed", "target": "strike", "reply": "I cannot tell."}\n'
        '{"article": "harbour", "speaker": "venn", "target": "sanctions", "scores": {"oppose": 0.7, "neutral": 0.3}}\n'
        '{"article": "harbour", "speaker": "reed", "target": "sanctions", "scores": {"oppose": -9, "neutral": -1}}\n'
    )
    system = stances(tmp_path, rows, "answers.jsonl")
    answers = {i.id: a for i, a in zip(items(harbour), system.answer(items(harbour), Context(harbour)), strict=True)}
    assert (answers["harbour/venn/strike"].label, answers["harbour/venn/strike"].path) == ("lean_support", "parsed")
    unread = answers["harbour/reed/strike"]
    assert (unread.label, unread.error, unread.raw) == (None, None, "I cannot tell.")
    assert answers["harbour/venn/sanctions"].label == "oppose"
    assert answers["harbour/venn/sanctions"].scores["oppose"] == pytest.approx(0.7)
    # e^-1 / (e^-1 + e^-9)
    assert answers["harbour/reed/sanctions"].scores["neutral"] == pytest.approx(0.36787944 / (0.36787944 + 0.00012341))
    assert answers["harbour/reed/sanctions"].scores["support"] == 0


def test_a_run_scores_the_answers_and_keeps_what_was_left_out(tmp_path: Path) -> None:
    (tmp_path / "answers.csv").write_text(HEADER + ROWS + "harbour,nobody,strike,support\n", encoding="utf-8")
    section = {"name": "human", "adapter": "from_file", "path": str(tmp_path / "answers.csv")}
    failed = run(tmp_path, stance=section)
    assert failed.error is not None
    assert "no speaker 'nobody'" in failed.error.message
    record = run(tmp_path, stance={**section, "unknown": "note"})
    # on strike and sanctions gold is support, neutral, oppose, lean_support; answered was lean_support, neutral, oppose, no_stance
    accuracy = record.metrics["stance.accuracy.six_label"]
    assert (accuracy.value, accuracy.n_scored, accuracy.n_unscored) == (2 / 4, 4, 0)
    [note] = [n for n in record.notes if n.startswith("human: ")]
    assert "1 of 7 answers are about nothing in harbour" in note
    (tmp_path / "answers.csv").unlink()
    # scores are made again though the file is gone, and what it left out is still said
    assert rescore_runs(tmp_path / "results", [record.run_id]) == 0
    [path] = (tmp_path / "results" / "runs").glob(f"{record.run_id}/record.json")
    assert read_record(path).notes == record.notes


def test_missing_answers_are_unscored_and_counted(tmp_path: Path) -> None:
    (tmp_path / "answers.csv").write_text(HEADER + ROWS[: ROWS.index("harbour,reed")], encoding="utf-8")
    record = run(tmp_path, stance={"name": "human", "adapter": "from_file", "path": str(tmp_path / "answers.csv")})
    accuracy = record.metrics["stance.accuracy.six_label"]
    assert (accuracy.value, accuracy.n_scored, accuracy.n_unscored) == (1 / 2, 2, 2)
    assert [s.n_failed for s in record.systems] == [3]


def test_summaries_are_scored_and_judged(tmp_path: Path) -> None:
    (tmp_path / "summaries.csv").write_text("id,summary\nharbour,Venn wants to strike.\n", encoding="utf-8")
    section = {"name": "human", "adapter": "from_file", "path": str(tmp_path / "summaries.csv")}
    record = run(tmp_path, summariser=section, judge={"name": "sentiment", "adapter": "sentiment"})
    assert record.metrics["summary.words"].value == 4
    assert "preservation.coverage" in record.metrics


def test_unknown_articles_of_summaries_are_named(tmp_path: Path, harbour: Dataset) -> None:
    system = summaries(tmp_path, "id,summary\nharbour,Venn wants to strike.\nport,Nothing.\n")
    with pytest.raises(DataError, match="no article 'port'"):
        system.remarks(harbour)


def test_a_file_answers_about_articles_and_judges_no_summaries(tmp_path: Path, harbour: Dataset) -> None:
    system = stances(tmp_path, HEADER + ROWS)
    [article] = harbour
    item = Item(article, article.speakers[0], article.targets[0], summary="Venn said no.").as_article()
    with pytest.raises(SystemFailed, match="answers about articles, this is another text"):
        system.answer([item], Context(harbour))


def test_an_edited_article_is_answered_anew(tmp_path: Path, harbour: Dataset) -> None:
    system = stances(tmp_path, HEADER + ROWS)
    item = items(harbour)[0]
    edited = replace(item, article=replace(item.article, text=item.article.text + "More."))
    assert system.reads(item, harbour) != system.reads(edited, harbour)


def test_a_copied_dataset_elsewhere_needs_no_other_file(tmp_path: Path) -> None:
    shutil.copytree(HARBOUR, tmp_path / "moved")
    system = stances(tmp_path, HEADER + ROWS)
    assert labels(system, load_dataset(tmp_path / "moved"))[0] is Stance.SUPPORT
