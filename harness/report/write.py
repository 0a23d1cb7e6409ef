"""Writes a comparison report into a folder: index.html, report.md, table.csv, table.tex and table.json."""

from __future__ import annotations

from pathlib import Path

from harness.files import write_text
from harness.report.collect import Runs
from harness.report.html import html
from harness.report.latex import latex
from harness.report.table import Leaderboard
from harness.report.text import csv_text, json_text, markdown


def write_report(runs: Runs, boards: list[Leaderboard], out: Path) -> list[Path]:
    """All files of the report; each is replaced whole."""
    contents = {
        "index.html": html(runs, boards),
        "report.md": markdown(runs, boards),
        "table.csv": csv_text(boards),
        "table.tex": latex(runs, boards),
        "table.json": json_text(runs, boards),
    }
    for name, text in contents.items():
        write_text(out / name, text)
    return [out / name for name in contents]
