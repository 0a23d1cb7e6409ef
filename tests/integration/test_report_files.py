"""Reports as files: same bytes, size, what is broken is named and the rest stands, the command line around them."""

from __future__ import annotations

import base64
import csv
import json
import os
import random
import re
import shutil
import string
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.report.collect import load_runs
from harness.report.html import html
from harness.report.table import leaderboards
from harness.report.write import write_report
from harness.results.records import read_scores, scores_path
from harness.systems.base import Context
from harness.types import Answer, Item
from tests.conftest import ROOT, Harness
from tests.make_believe import HOSTILE, NoisyStance, dataset, judge, results_folder, run, stance, summariser, trust

FILES = {
    "index.html",
    "report.md",
    "table.csv",
    "table.tex",
    "table.json",
    "stances.csv",
    "stances.parquet",
    "summaries.csv",
}
WRITE = """
import sys
import tempfile
from pathlib import Path
from harness.report.collect import load_runs
from harness.results.records import read_scores, scores_path
from harness.report.table import leaderboards
from harness.report.write import write_report
runs = load_runs(sys.argv[1])
write_report(runs, leaderboards(runs), Path(sys.argv[2]))
bad = {"torch", "transformers"} & set(sys.modules)
assert not bad, bad
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results_folder(tmp_path_factory.mktemp("report"), resamples=100)


def report(results: Path, out: Path) -> dict[str, str]:
    runs = load_runs(results)
    write_report(runs, leaderboards(runs), out)
    return {path.name: path.read_text(encoding="utf-8") for path in out.iterdir() if path.suffix != ".parquet"}


class Page(HTMLParser):
    """Tags, ids and addresses of a page, and its text outside of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.said: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "action", "srcset"):
                self.addresses.append(value or "")
            assert not name.startswith("on"), (tag, name)

    def handle_data(self, data: str) -> None:
        if not self.tags or self.tags[-1] not in ("script", "style"):
            self.said.append(data)


def test_same_records_give_the_same_bytes(results: Path, tmp_path: Path) -> None:
    pages = []
    for seed in ("1", "2"):
        out = tmp_path / seed
        subprocess.run(
            [sys.executable, "-c", WRITE, str(results), str(out)],
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo" if seed == "1" else "UTC"},
        )
        pages.append({p.name: p.read_bytes() for p in out.iterdir()})
    assert pages[0].keys() == FILES
    assert pages[0] == pages[1]


def test_same_broken_records_give_the_same_bytes_elsewhere(results: Path, tmp_path: Path) -> None:
    broken = tmp_path / "here" / "broken"
    shutil.copytree(results, broken)
    runs = {p.name.rpartition("-")[0]: p for p in sorted((broken / "runs").iterdir())}
    (runs["majority"] / "record.json").write_text("{half", encoding="utf-8")
    (runs["lead3"] / "scores.parquet").write_bytes(b"torn")
    (runs["hasty"] / "answers.parquet").write_bytes(b"torn")
    for path in (broken / "datasets").iterdir():
        path.write_text("{half a li", encoding="utf-8")
    shutil.copytree(broken, tmp_path / "elsewhere" / "named otherwise")
    first = report(broken, tmp_path / "one")
    assert "unreadable: runs/majority-" in first["report.md"]
    assert str(tmp_path) not in "".join(first.values())
    assert first == report(tmp_path / "elsewhere" / "named otherwise", tmp_path / "two")


def test_page_is_whole_and_asks_for_nothing(results: Path, tmp_path: Path) -> None:
    text = report(results, tmp_path)["index.html"]
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert all(a.startswith("#") or a == "data:," for a in page.addresses), page.addresses
    scripts = re.findall(r"<script([^>]*)>", text)
    assert [s for s in scripts if "text/plain" not in s] == [""], "hostile text opened a script element of its own"
    assert all(
        re.fullmatch(r' type="text/plain" (id="(data|prose)"|data-name="(raw|prompt):[0-9a-f]+")', s)
        for s in scripts
        if s
    )
    assert "window.pwned=1</script>" not in text
    assert not re.search(r"url\((?!#)|@import|https?://(?!www\.w3\.org)", text)
    said = "".join(page.said)
    for words in (
        "careful-twin",
        "1 failed",
        "1 stale",
        "annotator ceiling",
        "fingerprint",
        "harness run stance=hasty",
    ):
        assert words in said, words
    for part in ("verdict", "board-summariser", "board-stance", "pictures", "articles", "reproduce"):
        assert part in page.ids
    # an untrusted judge has no picture of who is best
    assert "picture-front-preservation-harm" not in page.ids
    fronts = ["front-summary-rouge-lsum", "front-stance-macro-f1-three-way"]
    for picture in (*fronts, "sides", "bands", "judges", "selective", "reliability", "confusions", "slices"):
        assert f"picture-{picture}" in page.ids, picture


def test_failed_and_stale_runs_are_listed_never_mixed(results: Path, tmp_path: Path) -> None:
    files = report(results, tmp_path)
    data = json.loads(files["table.json"])
    assert [r for r, _ in data["runs"]["failed"]] == ["broken-model-0000000000"]
    [(stale, why)] = data["runs"]["stale"]
    assert stale.startswith("hasty-")
    assert "another state of make-believe" in why
    assert stale not in data["runs"]["complete"]
    for name in ("index.html", "report.md"):
        assert "broken-model-0000000000" in files[name]
        assert stale in files[name]


def test_tables_say_the_same_in_every_format(results: Path, tmp_path: Path) -> None:
    files = report(results, tmp_path)
    rows = list(csv.DictReader(files["table.csv"].splitlines()))
    told = {(r["system"], r["metric"]): r for r in rows}
    value = float(told["careful", "stance.macro_f1.three_way"]["value"])
    assert f"{value:.3f}" in files["table.tex"]
    assert f"{value:.3f}" in files["report.md"]
    assert f'data-v="{value!r}"' in files["index.html"]
    assert files["table.tex"].count(r"\begin{table}") >= 2
    assert r"\toprule" in files["table.tex"]
    assert r"\textbf" not in files["table.tex"], "nothing is bold without a test"
    assert "harm" not in files["table.tex"], "no judge passed its check"


RANKED = re.compile(r"misstate|harm[^|]*(?:≈|not distinguishable|more article|p = |separable)")


def test_an_untrusted_judge_ranks_nobody_in_any_format(results: Path, tmp_path: Path) -> None:
    files = report(results, tmp_path)
    board = json.loads(files["table.json"])["leaderboards"]["summariser"]
    assert set(board["best"]) == {"summary.rouge_lsum"}
    assert {test["metric"] for test in board["tests"]} == {"summary.rouge_lsum"}
    assert not any(key.startswith("preservation.") for line in board["systems"] for key in line["ranks"])
    judged = [r for r in csv.DictReader(files["table.csv"].splitlines()) if r["metric"].startswith("preservation.")]
    assert judged
    for row in judged:
        assert not any(row[name] for name in ("rank_low", "rank_high", "difference", "p_corrected"))
        assert row["basis"] == "judge word-judge"
        assert "judge not validated" in row["reason"]
    for name in ("report.md", "table.tex"):
        assert not RANKED.search(files[name]), name
    assert "misstates" not in files["index.html"]
    doubtful = files["index.html"].partition('<div class="doubtful">')[2].partition("</div>\n</section>")[0]
    assert "fidelity" in doubtful
    assert "not to be relied on (judge not validated" in files["report.md"]
    [table] = re.findall(r"## Summarisers\n\n(\|.*\|)", files["report.md"])
    assert "fidelity" not in table


def test_a_trusted_judge_is_ranked_with_its_figures(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results, tmp_path / "trusted")
    trust(tmp_path / "trusted")
    files = report(tmp_path / "trusted", tmp_path / "out")
    board = json.loads(files["table.json"])["leaderboards"]["summariser"]
    assert "preservation.harm" in board["best"]
    assert "judge word-judge validated against 400 hand labels: sensitivity 0.85 [0.78–0.91]" in files["report.md"]
    assert "validated against 400 hand labels" in files["table.tex"]
    assert "misstates the fewest stances" in files["report.md"]
    assert "picture-front-preservation-harm" in Page(files["index.html"]).ids


def test_hand_labels_stand_first_and_a_changed_row_says_why(results: Path, tmp_path: Path) -> None:
    labelled = tmp_path / "labelled"
    shutil.copytree(results, labelled)
    value = {"value": 9.4, "ci_low": 4.3, "ci_high": 15.0, "n_scored": 128, "n_unscored": 0, "reason": None}
    whole = {"labels": "x", "n": 14, "of": 14, "n_labels": 200, "metrics": {"preservation.harm": value}}
    refused = {
        "labels": "x",
        "n": 9,
        "of": 14,
        "n_labels": 100,
        "refused": "5 of its 14 labelled summaries have changed",
    }
    for name, table in (("terse", whole), ("lead3", refused)):
        path = next((labelled / "runs").glob(f"{name}-*")) / "record.json"
        record = json.loads(path.read_text(encoding="utf-8"))
        record["tables"]["hand_labels"] = table
        del record["digest"]
        path.write_text(json.dumps(record), encoding="utf-8")
    files = report(labelled, tmp_path / "out")
    sentence = "By hand labels, of 100 stances that a summary conveys these are misstated: terse 9 [4–15]."
    assert sentence in files["report.md"]
    text = files["report.md"]
    assert (
        text.index("## Stance preservation by hand labels")
        < text.index("<details>")
        < text.index("## Stance classifiers")
    )
    assert "| terse | 14 of 14 | 200 |" in text
    assert "9.4 [4.3, 15.0]" in text
    assert "lead3: refused: 5 of its 14 labelled summaries have changed." in text
    rows = list(csv.DictReader(files["table.csv"].splitlines()))
    assert (rows[0]["kind"], rows[0]["basis"]) == ("by_hand", "hand labels")
    first = json.loads(files["table.json"])["preservation_by_hand"]
    assert [(e["name"], e["n"], e["of"]) for e in first] == [("lead3", 9, 14), ("terse", 14, 14)]
    page = files["index.html"]
    assert page.index("Stance preservation by hand labels") < page.index('class="doubtful"')
    assert "9.4" in files["table.tex"]


def test_tied_systems_are_marked(results: Path, tmp_path: Path) -> None:
    text = report(results, tmp_path)["index.html"]
    body = text[text.index('data-board="stance"') :]
    rows = dict(re.findall(r'class="name" data-v="([^"]+)">(.*?)</tr>', body.partition("</table>")[0], re.DOTALL))
    assert "highest value" in rows["careful"]
    assert "not distinguishable from the best" in rows["careful-twin"]
    first_cell = rows["majority"].partition("</td>")[0]
    assert "not distinguishable from the best" not in first_cell


def test_what_is_broken_is_named_and_the_rest_stands(results: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(results, broken)
    runs = {p.name.rpartition("-")[0]: p for p in sorted((broken / "runs").iterdir())}
    (runs["majority"] / "record.json").write_text('{"schema_version": 1, "run_id"', encoding="utf-8")
    part = next((broken / "predictions").glob("careful-twin-*/part-*.parquet"))
    part.write_bytes(part.read_bytes()[:200])
    (runs["lead3"] / "scores.parquet").write_bytes(b"torn")
    record = json.loads((runs["careful"] / "record.json").read_text(encoding="utf-8"))
    del record["digest"]
    record["tables"]["stance"]["stance.confusion.three_way"] = {"counts": [[1]], "gold": "?"}
    (runs["careful"] / "record.json").write_text(json.dumps(record), encoding="utf-8")
    files = report(broken, tmp_path / "out")
    said = "".join(Page(files["index.html"]).said)
    for words in (
        f"{runs['majority'].name}/record.json: not a readable record",
        f"torn part {part.parent.name}/{part.name}",
        f"{runs['lead3'].name}/scores.parquet: not readable",
        "missing picture: Confusion matrices, three-way",
    ):
        assert words in said, words
    assert 'data-board="stance"' in files["index.html"]
    for picture in ("slices", "reliability", "front-stance-macro-f1-three-way"):
        assert f'id="picture-{picture}"' in files["index.html"]


@pytest.mark.parametrize(
    "odd",
    [
        {"preservation": [1]},
        {"preservation": {"rows": [{"article": 1}]}},
        {"preservation": {"rows": "x", "by_length": 3, "judge_on": [], "validation": [2]}},
        {"preservation": {"by_length": {"many": {}}, "judge_on": {"article": {"preservation.harm": 1}}}},
        {"hand_labels": {"n": "x", "of": [], "metrics": [1], "reference": 3}},
        {
            "preservation": {
                "validation": {"n": 3, "errors": [1], "by_summariser": {"a": 3}, "sensitivity": {"value": "x"}}
            }
        },
        {"stance": 7, "speakers": "x", "suspected": [{"article": 1}]},
    ],
    ids=["a list", "rows", "parts", "bands", "labels", "check", "elsewhere"],
)
def test_odd_tables_spoil_nothing_but_themselves(results: Path, tmp_path: Path, odd: dict[str, object]) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(results, broken)
    path = next((broken / "runs").glob("lead3-*")) / "record.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["tables"] = odd
    del record["digest"]
    path.write_text(json.dumps(record), encoding="utf-8")
    files = report(broken, tmp_path / "out")
    assert 'data-board="summariser"' in files["index.html"]
    assert "thorough" in files["report.md"]
    if "by_length" in json.dumps(odd) and "many" in json.dumps(odd):
        assert "missing picture: Stance preservation by length of the summary" in files["index.html"]


def test_missing_snapshot_leaves_the_leaderboards(results: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(results, broken)
    for path in (broken / "datasets").iterdir():
        path.write_text("{half a li", encoding="utf-8")
    text = report(broken, tmp_path / "out")["index.html"]
    assert "dataset snapshot" in text
    assert "careful-twin" in text[text.index('data-board="stance"') :]


def test_without_any_complete_run_the_failure_is_the_report(results: Path, tmp_path: Path) -> None:
    only = tmp_path / "only"
    shutil.copytree(results / "runs" / "broken-model-0000000000", only / "runs" / "broken-model-0000000000")
    files = report(only, tmp_path / "out")
    assert "no memory left" in files["index.html"]
    assert HOSTILE not in files["index.html"]


class Talkative(NoisyStance):
    """Thinks aloud in words that no compression knows, for its first items at length."""

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        letters = string.ascii_letters + string.digits + " "
        said = []
        for n, (item, answer) in enumerate(zip(items, super().answer(items, context), strict=True)):
            length = 12_000 if n < 5 else 1_500
            words = "".join(random.Random(f"{self.name}/{item.id}").choices(letters, k=length))
            said.append(replace(answer, raw=f"Let me think. {words} The answer is {answer.label}."))
        return said


@pytest.fixture(scope="module")
def ten_summarisers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ten")
    for i in range(10):
        one = summariser(f"summariser-{i}", i / 10)
        run(folder, dataset(60, 12, hostile=True), summariser=one, judge=judge(), resamples=100)
    return folder


@pytest.mark.parametrize("kind", [NoisyStance, Talkative], ids=["short answers", "long answers"])
def test_twenty_systems_and_sixty_articles_fit_into_five_megabytes(
    ten_summarisers: Path, tmp_path: Path, kind: type[NoisyStance]
) -> None:
    folder = tmp_path / "twenty"
    shutil.copytree(ten_summarisers, folder)
    for i in range(10):
        system = kind(f"classifier-{i}", stance("any", i / 10).options, "make-believe")
        run(folder, dataset(60, 12, hostile=True), stance=system, resamples=100)
    runs = load_runs(folder)
    text = html(runs, leaderboards(runs))
    assert len(text.encode()) < 5_000_000
    notes = text.partition('class="problems"')[2].partition("</details>")[0]
    prompts = len(re.findall(r'data-name="prompt:', text))
    assert len(re.findall(r'data-name="raw:', text)) == 20
    if kind is NoisyStance:
        assert prompts == 20
        assert "left out" not in notes
        return
    assert re.search(r"left out: the ends of \d+ raw answers, after \d+ characters, are left out of this page", notes)
    [raw] = re.findall(rf'data-name="raw:{runs.rows("stance")[0].fingerprint[:12]}">([^<]*)<', text)
    answers = json.loads(zlib.decompress(base64.b64decode(raw)))
    whole = {p.answer.raw for _, p in runs.answers(runs.rows("stance")[0]) if p is not None}
    beginning, more = next(a for a in answers if isinstance(a, list))
    assert any(w.startswith(beginning) and len(w) == len(beginning) + more for w in whole if w)


def test_compare_writes_a_page_and_ranks_articles(results: Path, harness: Harness, tmp_path: Path) -> None:
    page = tmp_path / "pair.html"
    process = harness("compare", "careful-twin", "majority", "--results", str(results), "--html", str(page))
    assert "Articles where they part most" in process.stdout
    said = r"careful-twin flips \d+ \[\d+–\d+\] of 100 stances \(\d+ % of its answers unparsed\), majority \d+ \[\d+–\d+\]: "
    assert re.search(said, process.stdout)
    counted = re.search(
        r"only careful-twin is right on (\d+) items, only majority on (\d+)\s+\(McNemar", process.stdout
    )
    assert counted
    runs = load_runs(results)
    right = {}
    for row in runs.rows("stance"):
        scores = read_scores(scores_path(results, row.run.run_id))
        right[row.name] = {s.item for s in scores if s.metric == "stance.accuracy.three_way" and s.value == 1}
    only = len(right["careful-twin"] - right["majority"]), len(right["majority"] - right["careful-twin"])
    assert tuple(map(int, counted.groups())) == only
    text = page.read_text(encoding="utf-8")
    assert "careful-twin − majority" in text
    said = text.partition('<ul class="verdicts">')[2].partition("</ul>")[0]
    assert said.count("flips") == 1, "one verdict on flips, not one a family of tests"
    assert 'data-board="stance"' in text


def test_show_prints_prompt_and_raw_answer_word_for_word(results: Path, harness: Harness) -> None:
    runs = load_runs(results)
    row = next(r for r in runs.rows("stance") if r.name == "careful")
    ref, prediction = next((r, p) for r, p in runs.answers(row) if r.speaker_id == "s1")
    assert prediction is not None
    assert prediction.answer.prompt
    args = ("show", row.run.run_id, "--results", str(results), "--article", ref.article_id)
    process = harness(*args, "--speaker", "s1", "--prompt", COLUMNS="60")
    assert prediction.answer.prompt.strip() in process.stdout
    assert "The answer is" in process.stdout
    assert "Prompt" not in harness(*args).stdout
    assert "did you mean" in harness(*args, "--speaker", "s11", code=1).stderr


def test_show_has_a_row_for_every_pair(results: Path, harness: Harness) -> None:
    runs = load_runs(results)
    row = next(r for r in runs.rows("stance") if r.name == "careful")
    article = next(a for a in runs.articles if HOSTILE not in a.text)
    args = ("show", row.run.run_id, "--results", str(results), "--article", article.id)
    pairs = list(article.pairs())
    assert len(pairs) > 3
    for chosen in (None, article.speakers[1].id):
        said = harness(*args, *(("--speaker", chosen) if chosen else ()), COLUMNS="250").stdout
        table = said.partition("Stance")[2]
        wanted = [(s.name, t.id) for s, t in pairs if chosen in (None, s.id)]
        for name, target in wanted:
            assert re.search(rf"{re.escape(name)}\W+{re.escape(target)}\b", table), (name, target)


def test_report_writes_all_five_files(results: Path, harness: Harness, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = harness("report", "--results", str(results), "--out", str(out), "--baseline", "hasty")
    assert {p.name for p in out.iterdir()} == FILES
    assert "is closest to the reference summaries" in process.stdout
    assert "misstates" not in process.stdout, "its judge did not pass a check"
    assert "not to be relied on (judge not validated" in " ".join(process.stdout.split())
    assert "Δ: difference to <b>hasty</b>" in (out / "index.html").read_text(encoding="utf-8")


def test_a_reader_who_leaves_early_leaves_the_files_whole(results: Path, tmp_path: Path) -> None:
    broken, out = tmp_path / "broken", tmp_path / "out"
    shutil.copytree(results, broken)
    part = next((broken / "predictions").glob("careful-twin-*/part-*.parquet"))
    part.write_bytes(part.read_bytes()[:200])
    command = [sys.executable, "-m", "harness.cli", "report", "--results", str(broken), "--out", str(out)]
    env = {**os.environ, "COLUMNS": "200"}
    process = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait() == 0
    assert {p.name for p in out.iterdir()} == FILES
    # what only the drill-down reads is named in the terminal, too
    said = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True).stdout
    assert f"torn part {part.parent.name}/{part.name}" in said


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["report", "--out", "out"], 0),
        (["list", "runs"], 0),
        (["results", "du"], 0),
        (["show", "careful"], 0),
        (["list", "systems", "--help"], 0),
        # what is wrong stays wrong, whoever reads of it
        (["show", "no-such-run"], 1),
    ],
    ids=lambda part: part[0] if isinstance(part, list) else str(part),
)
def test_a_closed_pipe_is_a_quiet_exit(results: Path, tmp_path: Path, command: list[str], code: int) -> None:
    runs = [p.name for p in (results / "runs").iterdir() if p.name.startswith("careful-") and "twin" not in p.name]
    words = [runs[0] if word == "careful" else word for word in command]
    where = [] if "--help" in command else ["--results", str(results)]
    # the reader has gone before the first word is written
    read_end, write_end = os.pipe()
    os.close(read_end)
    with tempfile.TemporaryFile() as errors:
        # an error is written to the other stream, whose reader has gone as well
        error_stream = write_end if code else errors.fileno()
        process = subprocess.run(
            [sys.executable, "-m", "harness.cli", *words, *where], cwd=tmp_path, stdout=write_end, stderr=error_stream
        )
        errors.seek(0)
        lines = errors.read().decode().splitlines()
    os.close(write_end)
    assert process.returncode == code
    assert [line for line in lines if not line.startswith("written: ")] == []


def test_records_alone_do_not_replace_a_better_report(results: Path, harness: Harness, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(results / "runs", bare / "runs", ignore=shutil.ignore_patterns("*.parquet"))
    latest = bare / "reports" / "latest"
    latest.mkdir(parents=True)
    (latest / "table.csv").write_text("better", encoding="utf-8")
    error = harness("report", "--results", str(bare), code=1).stderr
    assert "holds records alone" in error
    assert "--out DIR" in error
    assert (latest / "table.csv").read_text(encoding="utf-8") == "better"
    said = harness("report", "--results", str(bare), "--out", "out").stdout
    assert "the records are all that is here" in said
    assert "rescore" not in said
    assert "careful" in (tmp_path / "out" / "table.csv").read_text(encoding="utf-8")
