"""Each format joins a cell's parts its own way; every sign has one meaning."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from harness.report import marks
from harness.report.cells import Shown
from harness.report.collect import load_runs
from harness.report.html import environment, html
from harness.report.html_board import interval_text, minus
from harness.report.latex import _parts
from harness.report.markdown import one_line
from harness.report.table import leaderboards
from harness.report.terminal import stacked, terminal
from harness.results.records import DatasetUse, RunRecord, SystemUse, Value, write_record

DIFFERENCE = Shown("-0.176", ("-0.351", "+0.013"), marks.TIED, "p = 0.426")


@pytest.mark.parametrize(
    ("cell", "line", "lines", "tex"),
    [
        (
            Shown("0.879", ("0.805", "0.937"), marks.TIED, unscored=3),
            "0.879 [0.805, 0.937] ≈ (3 unscored)",
            ["0.879 ≈", "[0.805, 0.937]", "(3 unscored)"],
            (r"0.879~$\approx$", "[0.805, 0.937]"),
        ),
        (Shown("0.500", unscored=3), "0.500 (3 unscored)", ["0.500 (3 unscored)"], ("0.500",)),
        (
            DIFFERENCE,
            "-0.176 [-0.351, +0.013] ≈ p = 0.426",
            ["-0.176 ≈", "[-0.351, +0.013]", "p = 0.426"],
            (r"$-$0.176~$\approx$", r"[$-$0.351, +0.013]", "p = 0.426"),
        ),
        (Shown("1–3"), "1–3", ["1–3"], ("1--3",)),
        (Shown(words="baseline"), "baseline", ["baseline"], (r"\textit{baseline}",)),
        (Shown(missing="not tested"), "(not tested)", ["(not tested)"], (r"\textit{not tested}",)),
        # words that look like a number with an interval stay words
        (
            Shown(words="v2 [1, 2] ≈ x"),
            "v2 [1, 2] ≈ x",
            ["v2 [1, 2] ≈ x"],
            (r"\textit{v2 [1, 2] ≈ x}",),
        ),
    ],
)
def test_a_cell_in_every_format(cell: Shown, line: str, lines: list[str], tex: tuple[str, ...]) -> None:
    assert one_line(cell) == line
    assert stacked(cell) == lines
    assert _parts(cell) == tex


def test_a_cell_on_the_page() -> None:
    parts = environment().get_template("macros.html").module.parts  # type: ignore[attr-defined]
    assert parts(Shown("0.5", ("0.4", "0.6"))) == '0.5<span class="ci-text">0.4–0.6</span>'
    assert parts(Shown("-0.1", ("-0.2", "+0.1"), unscored=2)) == (
        '−0.1<span class="ci-text">−0.2 to +0.1</span> (2 unscored)'
    )
    assert parts(Shown(missing="not-scored <b>")) == "(not-scored &lt;b&gt;)"
    assert parts(Shown(words="-1 [0, 1]")) == "-1 [0, 1]"
    assert minus("0-1") == "0-1"
    assert interval_text(("-0.2", "0.1")) == "−0.2 to 0.1"


def test_a_name_that_looks_like_markup_is_printed_as_it_is(tmp_path: Path) -> None:
    name = "[b]odd[b] [0.1, 0.2] ≈ x"
    use = DatasetUse(name="d", version="1", fingerprint="f" * 64, split="dev", articles=["a"], labelled=True)
    systems = [SystemUse(name=name, kind="stance", fingerprint="b" * 64, n_items=1)]
    metrics = {"stance.macro_f1.three_way": Value(value=0.25, n_scored=1)}
    write_record(
        tmp_path, RunRecord(run_id="r", status="complete", config={}, dataset=use, systems=systems, metrics=metrics)
    )
    runs = load_runs(tmp_path)
    boards = leaderboards(runs)
    out = io.StringIO()
    terminal(Console(file=out, width=160, highlight=False, emoji=False), runs, boards)
    assert name in out.getvalue()
    assert "0.250" in out.getvalue()
    assert f'<span class="sys">{name}' in html(runs, boards).replace("<wbr>", "")


def test_one_sign_has_one_meaning() -> None:
    signs = [*marks.MEANINGS, *(sign for sign, _ in marks.MARKS.values()), marks.HARMED, *marks.SCALE]
    assert max(Counter(signs).values()) == 1
    words = [*marks.MEANINGS.values(), *(words for _, words in marks.MARKS.values())]
    assert max(Counter(words).values()) == 1
