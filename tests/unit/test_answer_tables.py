"""Tables of answers: which columns and words are known, and what is refused with file, line and field."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.data.answers.read import read_answers
from harness.data.answers.shape import FileAnswer, Words
from harness.errors import DataError
from harness.results.store import PredictionStore
from harness.runs.questions import items_for
from harness.types import Answer, Stance
from tests.make_believe import dataset

HEADER = "article,speaker,target,stance\n"


def read(path: Path, content: str | bytes, words: Words | None = None, *, pairs: bool = True) -> list[FileAnswer]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_answers(path, words or Words(), pairs=pairs).answers)


@pytest.mark.parametrize(
    ("word", "stance"),
    [
        ("lean_oppose", Stance.LEAN_OPPOSE),
        (" Lean Oppose ", Stance.LEAN_OPPOSE),
        ("LEAN-OPPOSE", Stance.LEAN_OPPOSE),
        ("FAVOR", Stance.SUPPORT),
        ("none", Stance.NO_STANCE),
        ("pro", Stance.SUPPORT),
    ],
)
def test_words_for_labels(tmp_path: Path, word: str, stance: Stance) -> None:
    words = Words(labels={"Pro": Stance.SUPPORT})
    [answer] = read(tmp_path / "a.csv", f"{HEADER}a,s,t,{word}\n", words)
    assert (answer.ids, answer.label) == (("a", "s", "t"), stance)


def test_columns_by_their_own_names_and_what_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("doc\twho\tabout\tcoder_2\tcoder_1\na\ts\tt\tsupport\toppose\n", encoding="utf-8-sig")
    columns = {"article": "doc", "speaker": "who", "target": "about", "stance": "coder_2"}
    answers = read_answers(path, Words(columns=columns), pairs=True)
    assert answers.answers[0].label is Stance.SUPPORT
    assert answers.remarks == ("columns that are not read: coder_1",)


def test_columns_of_labels_are_scores(tmp_path: Path) -> None:
    rows = "article,speaker,target,oppose,neutral,support\na,s,t,0.2,0.3,0.5\na,s,u,-3,-1.5,-0.5\na,s,v,,,\n"
    first, second = read(tmp_path / "a.csv", rows)
    assert first.scores == {**dict.fromkeys(Stance, 0.0), Stance.OPPOSE: 0.2, Stance.NEUTRAL: 0.3, Stance.SUPPORT: 0.5}
    assert not first.log
    assert second.log
    assert second.scores[Stance.SUPPORT] == -0.5


@pytest.mark.parametrize("kind", ["struct", "map"])
def test_parquet_with_scores(tmp_path: Path, kind: str) -> None:
    scores = {"oppose": 0.25, "support": 0.75}
    kinds = {
        "struct": pa.array([scores]),
        "map": pa.array([list(scores.items())], pa.map_(pa.string(), pa.float64())),
    }
    table = pa.table({"article": ["a"], "speaker": ["s"], "target": ["t"], "scores": kinds[kind]})
    pq.write_table(table, tmp_path / "a.parquet")
    [answer] = read_answers(tmp_path / "a.parquet", Words(), pairs=True).answers
    assert answer.scores[Stance.SUPPORT] == 0.75


def test_stored_predictions_of_the_harness_are_a_table(tmp_path: Path) -> None:
    items = list(items_for("stance", dataset(1).articles))
    answers = [Answer("support", label=Stance.SUPPORT, scores={"support": 1.0})] * (len(items) - 1)
    store = PredictionStore(tmp_path)
    rows = [(f"k{n}", i, a) for n, (i, a) in enumerate(zip(items, [*answers, Answer(error="busy")], strict=True))]
    store.write("other", "f" * 64, "stance", rows)
    [part] = tmp_path.rglob("*.parquet")
    read_back = read_answers(part, Words(), pairs=True).answers
    assert ["/".join(a.ids) for a in read_back] == [i.id for i in items]
    assert [a.label for a in read_back[:-1]] == [Stance.SUPPORT] * (len(items) - 1)
    assert read_back[-1].error == "busy"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER + "a,s,t,maybe\n", r"a.csv:2: stance: 'maybe' is no stance"),
        (HEADER + "a,,t,support\n", r"a.csv:2: speaker: is empty"),
        (HEADER + "a,s,t,support\na,s,t,oppose\n", r"a.csv:3: a/s/t was answered before, at .*a.csv:2"),
        (HEADER + "a,s,t\n", r"a.csv:2: has 3 of the header's 4 cells"),
        (HEADER + 'a,s,t,"support\n', r"a.csv:2: not a table"),
        ("article,speaker,target\na,s,t\n", r"a.csv:1: there is no column 'stance'"),
        ("article,stance\na,support\n", r"a.csv:1: there is no column 'speaker'"),
        ("stance,stance\n", r"a.csv:1: two columns are called 'stance'"),
        (HEADER, r"a.csv:1: there is no column 'article'"),
        (HEADER + "a,s,t,\n", r"a.csv: holds no answer"),
        (b"article,speaker,target,stance\na,s,t,\xff\n", r"a.csv:2: not UTF-8"),
        ("article,speaker,target,oppose,support\na,s,t,0.2,0.3\n", r"a.csv:2: scores are neither"),
        ("article,speaker,target,oppose,support\na,s,t,0.2,nan\n", r"a.csv:2: support: 'nan' is no score"),
        ("article,speaker,target,oppose,support\na,s,t,3,-4\n", r"a.csv:2: scores are neither"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path / "a.csv", content)
    assert "Traceback" not in str(caught.value)


def test_a_summary_is_no_stance(tmp_path: Path) -> None:
    [answer] = read(tmp_path / "s.csv", "article,summary\na,Two words.\nb,\n", pairs=False)
    assert (answer.ids, answer.reply) == (("a",), "Two words.")
    with pytest.raises(DataError, match="there is no column 'summary'"):
        read(tmp_path / "s.csv", HEADER + "a,s,t,support\n", pairs=False)


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    for name, message in {
        "a.xlsx": "unknown kind of file",
        "a.json": "not JSON",
        "a.eval": "not a readable zip",
        "a.parquet": "not a readable Parquet file",
    }.items():
        with pytest.raises(DataError, match=message):
            read(tmp_path / name, HEADER)
    with pytest.raises(DataError, match="no such file or folder"):
        read_answers(tmp_path / "none.csv", Words(), pairs=True)
    (tmp_path / "b.eval").touch()
    with pytest.raises(DataError, match=r"holds 2 logs \(a.eval, b.eval\), one is wanted"):
        read_answers(tmp_path, Words(), pairs=True)
    with pytest.raises(DataError, match=r"columns: stence: unknown.*\n.*did you mean 'stance'"):
        read(tmp_path / "a.csv", HEADER + "a,s,t,support\n", Words(columns={"stence": "stance"}))
