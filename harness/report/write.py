"""Writes a comparison report into a folder: report.md, table.csv, table.json and what other formats add."""

from __future__ import annotations

from pathlib import Path

from harness.files import write_text
from harness.report.collect import Runs
from harness.report.table import Leaderboard
from harness.report.text import csv_text, json_text, markdown


def write_report(runs: Runs, boards: list[Leaderboard], out: Path) -> list[Path]:
    """All files of the report; each is replaced whole."""
    contents = {
        "report.md": markdown(runs, boards),
        "table.csv": csv_text(boards),
        "table.json": json_text(runs, boards),
    }
    for name, text in contents.items():
        write_text(out / name, text)
    return [out / name for name in contents]
