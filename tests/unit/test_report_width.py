"""Tables in narrow terminals: no number is cut, and what is left out is named."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from harness.errors import ConfigError
from harness.report.cells import Shown, Table, comparison_row
from harness.report.collect import load_runs
from harness.report.compare import Comparison, MetricDifference, compare
from harness.report.data import comparison_csv, csv_text, json_text
from harness.report.latex import comparison_latex, latex
from harness.report.markdown import comparison_markdown, markdown, one_line
from harness.report.table import chosen_columns, leaderboards
from harness.report.terminal import broken, comparison_terminal, plain_table, terminal
from harness.report.words import p_words
from harness.results.records import Value
from tests.conftest import ROOT
from tests.make_believe import dataset, judge, run, stance, summariser


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    results = tmp_path_factory.mktemp("pair")
    data = dataset(12)
    ids = [
        run(results, data, stance=stance(name, e), resamples=100).run_id for name, e in (("good", 0.1), ("bad", 0.6))
    ]
    return results, ids[0], ids[1]


def printed(comparison: Comparison, width: int) -> str:
    out = io.StringIO()
    comparison_terminal(Console(file=out, width=width, highlight=False), comparison)
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 250])
def test_compare_cuts_no_number_and_names_the_columns_left_out(pair: tuple[Path, str, str], width: int) -> None:
    [comparison] = compare(pair[1], pair[2], pair[0])
    text = printed(comparison, width)
    assert all(len(line) <= width for line in text.splitlines())
    table = text.partition("Articles where")[0]
    caption = " ".join(table.partition("not shown for want of width:")[2].split())
    left_out = [h for h in ("difference [95 %]", "p corrected", "detectable", "items") if h in caption]
    assert ("--html" in caption) == bool(left_out)
    row = list(map(one_line, comparison_row(comparison.differences[0])))
    for heading, cell in zip(("difference [95 %]", "detectable"), (row[3], row[6]), strict=True):
        if heading not in left_out:
            for number in re.findall(r"[+-]?\d\.\d{3}", cell):
                assert number in table, (width, heading)
    if width >= 80:
        assert "p corrected" not in left_out
    if width == 250:
        assert not left_out
    if width == 40:
        assert "items" in left_out


def test_what_matters_least_gives_way_first_and_a_reason_takes_no_room_from_numbers() -> None:
    table = Table(
        ["system", "labels", "coverage", "harm", "p"],
        [
            [
                Shown("annotator_reader-a.second"),
                Shown("12"),
                Shown("0.500", ("0.400", "0.600")),
                Shown("5.0"),
                Shown("0.1"),
            ],
            [Shown("x"), Shown("1"), Shown(missing="undefined on all of these items"), Shown("6.0"), Shown("0.2")],
        ],
    )

    def lines(width: int) -> str:
        out = io.StringIO()
        Console(file=out, width=width).print(plain_table("t", table, width, yielding=("labels", "coverage")))
        return out.getvalue()

    wide, narrow, narrower = (" ".join(lines(width).split()) for width in (70, 60, 45))
    assert "not shown" not in wide
    assert "labels (table.csv has them)" in narrow
    assert "[0.400, 0.600]" in narrow
    assert "labels, coverage" in narrower
    assert "5.0" in narrower
    assert "0.2" in narrower
    assert broken("annotator_reader-a.second", 12) == ["annotator_", "reader-a.", "second"]


def test_compare_without_scores_says_so(pair: tuple[Path, str, str], tmp_path: Path) -> None:
    data = dataset(3)
    ids = []
    for name, error in (("one", 0.4), ("two", 0.5)):
        record = run(tmp_path, data, stance=stance(name, error), resamples=100)
        ids.append(record.run_id)
        assert record.dataset is not None
        use = record.dataset.model_copy(update={"labelled": False})
        bare = record.model_copy(update={"metrics": dict[str, Value](), "dataset": use})
        path = tmp_path / "runs" / record.run_id / "record.json"
        path.write_text(bare.model_dump_json(), encoding="utf-8")
    assert load_runs(tmp_path).rows("stance")
    with pytest.raises(ConfigError, match="nothing was scored") as raised:
        compare(*ids, tmp_path)
    assert "harness report" in (raised.value.hint or "")


def test_p_values_are_never_zero_and_say_which_correction() -> None:
    made = {"metric": "stance.kappa.five_point", "a": 0.9, "b": 0.1, "difference": 0.8, "ci_low": 0.7, "ci_high": 0.9}
    row = comparison_row(MetricDifference(**made, p_value=0.0001, p_corrected=0.0004))
    assert row[4:6] == [Shown("< 0.001 real"), Shown("< 0.001")]
    assert comparison_row(MetricDifference(**made, p_value=0.0123, p_corrected=None))[4:6] == [Shown(), Shown("0.012")]


def test_compare_heads_its_corrected_p_for_every_row(pair: tuple[Path, str, str]) -> None:
    [comparison] = compare(pair[1], pair[2], pair[0])
    text = printed(comparison, 250)
    assert "p corrected" in text
    # of the metrics beside the primary ones, the correction is not Holm's
    assert "Holm)" not in text.partition("Stance classifiers:")[2]


def test_differences_to_a_chosen_baseline_are_in_every_format(pair: tuple[Path, str, str]) -> None:
    runs = load_runs(pair[0])
    boards = leaderboards(runs, baseline="bad")
    out = io.StringIO()
    terminal(Console(file=out, width=120, highlight=False), runs, boards)
    d = next(d for _, _, d in boards[1].tests)
    value, low, high = (f"{abs(x):.3f}" for x in (d.difference, d.ci_low, d.ci_high))
    assert d.real
    for text in (out.getvalue(), markdown(runs, boards), latex(runs, boards)):
        said = " ".join(text.split())
        for wanted in (f"+{value}", f"+{low}", f"+{high}"):
            assert wanted in said, wanted
        assert "Δ" in said or r"\Delta" in said
        assert p_words(d.p_corrected).removeprefix("p < ") in said
    rows = [r for r in csv.DictReader(io.StringIO(csv_text(runs, boards))) if r["system"] == "good"]
    told = next(r for r in rows if r["metric"] == "stance.macro_f1.three_way")
    assert told["baseline"] == "bad"
    assert f"{float(told['difference']):.3f}" == value
    assert float(told["p_corrected"]) == d.p_corrected
    [good] = [
        s for s in json.loads(json_text(runs, boards))["leaderboards"]["stance"]["systems"] if s["name"] == "good"
    ]
    assert good["against_baseline"]["stance.macro_f1.three_way"]["p_corrected"] == pytest.approx(d.p_corrected)


def test_what_the_terminal_leaves_out_is_in_the_csv(pair: tuple[Path, str, str]) -> None:
    runs = load_runs(pair[0])
    boards = leaderboards(runs)
    rows = [r for r in csv.DictReader(io.StringIO(csv_text(runs, boards))) if r["system"] == "good"]
    told = {r["metric"]: r for r in rows}
    [line] = [line for line in boards[1].lines if line.row.name == "good"]
    assert float(told["use.seconds_per_article"]["value"]) == line.seconds_per_article
    assert int(told["use.tokens_in"]["value"]) == line.row.use.tokens_in > 0
    assert told["use.cost"]["value"] == ""
    assert "no price" in told["use.cost"]["reason"]
    assert {metric for metric, _ in boards[1].columns} <= set(told)


def test_agreement_code_and_hardware_are_in_markdown_and_json(pair: tuple[Path, str, str]) -> None:
    runs = load_runs(pair[0])
    boards = leaderboards(runs)
    about = json.loads(json_text(runs, boards))["about"]
    text = markdown(runs, boards)
    for term in ("Agreement", "Code", "Packages", "Hardware", "Runs made"):
        assert about[term]
        assert f"- {term}: " in text


def test_an_unvalidated_judge_is_named_in_csv_and_json(tmp_path: Path) -> None:
    run(tmp_path, dataset(3), summariser=summariser("short", 0.5), judge=judge(), resamples=100)
    runs = load_runs(tmp_path)
    boards = leaderboards(runs)
    rows = list(csv.DictReader(io.StringIO(csv_text(runs, boards))))
    doubted = {r["metric"] for r in rows if "judge not validated" in r["reason"]}
    assert doubted == {r["metric"] for r in rows if r["metric"].startswith("preservation.")} != set()
    [line] = json.loads(json_text(runs, boards))["leaderboards"]["summariser"]["systems"]
    shown = {row["metric"]: row["reason"] or "" for row in runs.table_rows()}
    for metric in doubted:
        assert "judge not validated" in line["metrics"][metric]["reason"]
        assert "judge not validated" in shown[metric]
    assert "judge not validated" not in shown["summary.rouge_lsum"]
    assert "judge not validated" in runs._repr_html_()
    told = json.loads(json_text(runs, boards))["judge"]
    assert told["name"] == "word-judge"
    assert told["note"].startswith("judge not validated")
    assert told["validation"]["validated"] is False


def test_latex_tables_fit_a_line_without_being_scaled(pair: tuple[Path, str, str], tmp_path: Path) -> None:
    runs = load_runs(pair[0])
    text = latex(runs, leaderboards(runs))
    assert "resizebox" not in text
    assert text.count("{") == text.count("}")
    assert r"\label{tab:stances}" in text
    assert r"\label{tab:stances-2}" in text
    assert r"Table~\ref{tab:stances}, further columns" in text
    compiles(text + comparison_latex(compare(pair[1], pair[2], pair[0])), tmp_path)


@pytest.mark.parametrize("report", sorted((ROOT / "results").rglob("table.tex")), ids=lambda p: p.parent.name)
def test_committed_latex_tables_fit_a_line(report: Path, tmp_path: Path) -> None:
    compiles(report.read_text(encoding="utf-8"), tmp_path)


def compiles(tables: str, folder: Path) -> None:
    """Typesets them where a LaTeX is installed; no line may stick out by more than 5 pt."""
    program = shutil.which("pdflatex")
    if program is None:
        return
    page = "\\documentclass{article}\\usepackage{booktabs,graphicx}\\begin{document}\n%s\\end{document}\n"
    (folder / "page.tex").write_text(page % tables, encoding="utf-8")
    command = [program, "-halt-on-error", "-interaction=nonstopmode", "page.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="latin-1", timeout=60)
    assert done.returncode == 0, done.stdout[-2000:]
    assert all(float(pt) <= 5 for pt in re.findall(r"Overfull .hbox \(([\d.]+)pt", done.stdout))


def test_columns_and_systems_are_chosen_by_name(pair: tuple[Path, str, str]) -> None:
    runs = load_runs(pair[0], systems=["good"])
    [stances] = chosen_columns(leaderboards(runs), ["kappa", "stance.macro_f1.three_way"])
    assert [label for _, label in stances.columns] == ["kappa", "macro-F1 3-way"]
    assert [line.row.name for line in stances.lines] == ["good"]
    assert [cell.metric for cell in stances.lines[0].cells] == [metric for metric, _ in stances.columns]
    with pytest.raises(ConfigError, match="no column is called 'kapa'") as raised:
        chosen_columns(leaderboards(runs), ["kapa"])
    assert "kappa" in (raised.value.hint or "")
    with pytest.raises(ConfigError, match="no run has a system called 'god'"):
        load_runs(pair[0], systems=["god"])


def test_compare_writes_csv_and_markdown(pair: tuple[Path, str, str]) -> None:
    comparisons = compare(pair[1], pair[2], pair[0])
    rows = list(csv.DictReader(io.StringIO(comparison_csv(comparisons))))
    assert [r["metric"] for r in rows] == [d.metric for c in comparisons for d in c.differences]
    assert float(rows[0]["p_corrected"]) == comparisons[0].differences[0].p_corrected
    assert f"{comparisons[0].differences[0].difference:+.3f}" in comparison_markdown(comparisons)
