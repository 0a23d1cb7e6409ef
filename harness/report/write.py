"""Writes a comparison report into a folder: index.html, report.md, table.csv, table.tex and table.json."""

from __future__ import annotations

from pathlib import Path

from harness.report.collect import Runs, load_runs, uncollected
from harness.report.compare import Comparison
from harness.report.data import csv_text, json_text
from harness.report.finders import finders
from harness.report.html import html
from harness.report.latex import latex
from harness.report.markdown import markdown
from harness.report.table import Leaderboard, leaderboards
from harness.runtime.files import write_text


def write_report(runs: Runs, boards: list[Leaderboard], out: Path) -> list[Path]:
    """All files of the report; each is replaced whole."""
    with uncollected():
        contents = {
            "index.html": html(runs, boards),
            "report.md": markdown(runs, boards),
            "table.csv": csv_text(runs, boards, finders(runs)),
            "table.tex": latex(runs, boards),
            "table.json": json_text(runs, boards),
        }
    for name, text in contents.items():
        write_text(out / name, text)
    return [out / name for name in contents]


def write_comparison(a: str, b: str, results: Path, comparisons: list[Comparison], out: Path) -> Path:
    """One page for two runs: their paired differences, then all that a report has. Raises what `load_runs` raises."""
    runs = load_runs(results, [a, b])
    write_text(out, html(runs, leaderboards(runs), comparisons))
    return out
