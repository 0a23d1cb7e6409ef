"""Logs of other harnesses: those that lm-eval 0.4.13 and inspect-ai 0.3.285 wrote of a small set, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.data.answers.read import read_answers
from harness.data.answers.shape import FileAnswer, Words
from harness.data.formats.archive import members
from harness.data.load import load_dataset
from harness.errors import DataError
from harness.metrics.stance import aggregate
from harness.metrics.stance_pair import StancePair
from harness.systems.base import Context, pair_item
from harness.systems.from_file import StanceFileOptions, StancesFromFile
from harness.types import STANCES, Answer, Dataset, Stance

ANSWERED = Path(__file__).parents[1] / "answered"
INSPECT = ANSWERED / "harbour_inspect.eval"
LM_EVAL = ANSWERED / "harbour_lm_eval" / "samples_harbour_stances.jsonl"


@pytest.fixture
def harbour() -> Dataset:
    return load_dataset(ANSWERED / "harbour")


def answered(path: Path, dataset: Dataset, **options: Any) -> dict[str, Answer]:
    system = StancesFromFile("other", StanceFileOptions(path=str(path), **options))
    items = [pair_item(article, s, t) for article in dataset for s, t in article.pairs()]
    assert system.remarks(dataset) == []
    return {i.id: a for i, a in zip(items, system.answer(items, Context(dataset)), strict=True)}


def read(path: Path, words: Words | None = None) -> list[FileAnswer]:
    return list(read_answers(path, words or Words(), pairs=True).answers)


def edited(tmp_path: Path, change: Callable[[dict[str, Any]], Any], lines: int = 6) -> Path:
    """The recorded log of lm-eval with every line changed."""
    rows = [json.loads(line) for line in LM_EVAL.read_text(encoding="utf-8").splitlines()[:lines]]
    for row in rows:
        change(row)
    path = tmp_path / "samples_edited.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def samples() -> list[dict[str, Any]]:
    with members(INSPECT) as archive:
        return [json.loads(archive.read(n)) for n in archive.names() if n.startswith("samples/")]


def inspect_json(tmp_path: Path, rows: list[dict[str, Any]]) -> Path:
    path = tmp_path / "log.json"
    path.write_text(json.dumps({"version": 2, "status": "success", "samples": rows}), encoding="utf-8")
    return path


def test_what_inspect_read_is_what_is_scored(harbour: Dataset) -> None:
    answers = answered(INSPECT, harbour)
    outcome = {i.removeprefix("harbour/"): (a.label, a.raw, a.error) for i, a in answers.items()}
    assert outcome == {
        "venn/escalation": ("support", "ANSWER: E", None),
        "venn/strike": ("support", "ANSWER: E", None),
        "venn/sanctions": ("oppose", "ANSWER: A", None),
        "reed/escalation": (None, "I will not say.", None),
        "reed/strike": ("lean_oppose", "ANSWER: B", None),
        "reed/sanctions": (None, None, "Inspect: RuntimeError('the model fell asleep')"),
    }
    assert (answers["harbour/venn/strike"].tokens_in, answers["harbour/venn/strike"].tokens_out) == (200, 3)


def test_a_log_of_inspect_in_json_says_the_same(tmp_path: Path) -> None:
    content = [a.content() for a in read(inspect_json(tmp_path, samples()))]
    assert sorted(map(str, content)) == sorted(str(a.content()) for a in read(INSPECT))


def test_a_sample_without_metadata_is_named_by_its_id_and_a_reply_without_a_scorer_is_parsed(
    tmp_path: Path, harbour: Dataset
) -> None:
    rows = [{k: v for k, v in s.items() if k not in ("metadata", "scores")} for s in samples()]
    answers = answered(inspect_json(tmp_path, rows), harbour)
    assert [a.label for a in answers.values()] == ["support", "support", "oppose", None, "lean_oppose", None]
    assert answers["harbour/venn/strike"].path == "parsed"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.update(id="harbour", metadata={}), "an answer about an article"),
        (lambda s: s.update(id=7, metadata={}), "the sample 7 names no article"),
        (lambda s: s["metadata"].pop("target"), "needs an article, or an article, a speaker and a target"),
        (lambda s: s["metadata"].update(labels=None) or s.update(choices=["yes", "no"]), "'yes' is no stance"),
        (
            lambda s: s["scores"].update(match={"value": "C", "answer": "B"}),
            "its scorers read different answers: choice 'E', match 'B'",
        ),
        (lambda s: s.pop("output"), "is no sample of Inspect"),
    ],
)
def test_samples_of_inspect_that_are_refused(tmp_path: Path, change: Callable[[Any], Any], message: str) -> None:
    [first, *_] = samples()
    change(first)
    with pytest.raises(DataError, match=message):
        read(inspect_json(tmp_path, [first]))


def test_epochs_are_refused(tmp_path: Path) -> None:
    [first, *_] = samples()
    with pytest.raises(DataError, match=r"(?s)was answered before.*--epochs 1"):
        read(inspect_json(tmp_path, [first, {**first, "epoch": 2}]))


def test_another_text_is_an_error_of_its_items(tmp_path: Path, harbour: Dataset) -> None:
    rows = samples()
    rows[0]["metadata"]["text_sha256"] = "0" * 64
    answers = answered(inspect_json(tmp_path, rows), harbour)
    assert "was answered from another text of harbour" in (answers["harbour/venn/escalation"].error or "")
    changed = edited(tmp_path, lambda row: row["doc"].update(text=row["doc"]["text"] + " More."))
    assert all("another text" in (a.error or "") for a in answered(changed, harbour).values())


def test_log_probabilities_of_lm_eval_give_the_label_that_it_counts(harbour: Dataset) -> None:
    rows = [json.loads(line) for line in LM_EVAL.read_text(encoding="utf-8").splitlines()]
    for normalise, metric in (("sum", "acc"), ("characters", "acc_norm")):
        answers = answered(LM_EVAL, harbour, normalise=normalise)
        for row in rows:
            answer = answers["/".join(row["doc"][name] for name in ("article", "speaker", "target"))]
            assert float(STANCES[row["doc"]["gold"]] == answer.label) == row[metric]
            assert sum(answer.scores.values()) == pytest.approx(1)


def test_macro_f1_is_that_of_the_same_log_probabilities(harbour: Dataset) -> None:
    """Labels taken from the numbers of the log by hand and those of `from_file` score alike."""
    rows = [json.loads(line) for line in LM_EVAL.read_text(encoding="utf-8").splitlines()]
    answers = answered(LM_EVAL, harbour)

    def pairs(label: Callable[[dict[str, Any], str], Stance | None]) -> list[StancePair]:
        found = []
        for row in rows:
            article, speaker, target = (row["doc"][name] for name in ("article", "speaker", "target"))
            item = f"{article}/{speaker}/{target}"
            gold = STANCES[row["doc"]["gold"]]
            found.append(StancePair(item, article, speaker, target, gold, label(row, item)))
        return found

    def by_hand(row: dict[str, Any], _: str) -> Stance:
        values = [float(response[0]) for response in row["filtered_resps"]]
        return STANCES[values.index(max(values))]

    expected = aggregate(pairs(by_hand)).metrics
    metrics = aggregate(pairs(lambda _, item: answers[item].label)).metrics
    for scale in ("three_way", "five_point"):
        assert metrics[f"stance.macro_f1.{scale}"] == expected[f"stance.macro_f1.{scale}"]


def test_choices_without_labels_mean_what_they_say(tmp_path: Path) -> None:
    plain = edited(tmp_path, lambda row: row["doc"].pop("labels") and row["doc"].pop("choices"))
    assert [a.content() for a in read(plain)] == [a.content() for a in read(LM_EVAL)]


def test_mutual_information_is_left_out(tmp_path: Path) -> None:
    def twice(row: dict[str, Any]) -> None:
        for n in range(6):
            continuation = row["arguments"][f"gen_args_{n}"]["arg_1"]
            row["arguments"][f"gen_args_{n + 6}"] = {"arg_0": "", "arg_1": continuation}
        row["filtered_resps"] += [["-1.0", "False"]] * 6

    assert [a.content() for a in read(edited(tmp_path, twice))] == [a.content() for a in read(LM_EVAL)]


def test_generated_replies_are_parsed_and_a_filter_is_chosen(tmp_path: Path, harbour: Dataset) -> None:
    def generated(row: dict[str, Any]) -> None:
        row.update(filtered_resps=["Answer: E"], arguments={"gen_args_0": {"arg_0": "…", "arg_1": {}}})

    path = edited(tmp_path, generated)
    assert {a.label for a in answered(path, harbour).values()} == {Stance.SUPPORT}
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text + text.replace('"filter": "none"', '"filter": "strict"').replace(": E", ": A"), encoding="utf-8"
    )
    with pytest.raises(DataError, match=r"(?s)holds 2 filters.*none, strict"):
        read(path)
    system = StancesFromFile("other", StanceFileOptions(path=str(path), filter="strict"))
    assert system.remarks(harbour) == [f"{path}: 6 lines of other filters than 'strict' are not read"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r["doc"].pop("article"), "samples_edited.jsonl:1: doc: names no article"),
        (lambda r: r.update(filtered_resps=[["nan", "False"]] * 6), "'nan' is no score"),
        (lambda r: r.update(filtered_resps=[["-inf", "False"]] * 6), "scores are neither"),
        (lambda r: r.update(filtered_resps=r["filtered_resps"][:5]), "5 responses to 6 requests"),
        (lambda r: r.update(filtered_resps=[["-1"]] * 6), "is no \\(log-probability, is greedy\\)"),
        (lambda r: r.update(filtered_resps=None), "is no list of responses"),
        (lambda r: r.update(arguments=[]), "responses to 0 requests"),
        (lambda r: r["doc"].update(labels=["oppose"] * 6), "two of the choices mean one stance"),
    ],
)
def test_lines_of_lm_eval_that_are_refused(tmp_path: Path, change: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(edited(tmp_path, change))


def test_a_log_that_two_runs_were_written_to_is_refused(tmp_path: Path) -> None:
    path = edited(tmp_path, lambda row: None)
    path.write_text(path.read_text(encoding="utf-8") * 2, encoding="utf-8")
    with pytest.raises(DataError, match=r"samples_edited.jsonl:7: harbour/.* was answered before"):
        read(path)


def test_the_one_log_of_a_folder_is_read() -> None:
    assert [a.content() for a in read(LM_EVAL.parent)] == [a.content() for a in read(LM_EVAL)]
