"""Writes a comparison report into a folder: index.html, report.md, table.csv, table.tex and table.json."""

from __future__ import annotations

from pathlib import Path

from harness.report.collect import Runs, load_runs, uncollected
from harness.report.compare import Comparison
from harness.report.data import comparison_csv, csv_text, json_text
from harness.report.finders import finders
from harness.report.html import html
from harness.report.latex import comparison_latex, latex
from harness.report.markdown import comparison_markdown, markdown
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


def write_comparison(
    a: str,
    b: str,
    results: Path,
    comparisons: list[Comparison],
    *,
    page: Path | None = None,
    csv_file: Path | None = None,
    tex: Path | None = None,
    md: Path | None = None,
) -> None:
    """Two runs' paired differences as files: a page with all that a report has, CSV, LaTeX, Markdown. Raises what
    `load_runs` raises."""
    if page is not None:
        runs = load_runs(results, [a, b])
        write_text(page, html(runs, leaderboards(runs), comparisons))
    for path, write in ((csv_file, comparison_csv), (tex, comparison_latex), (md, comparison_markdown)):
        if path is not None:
            write_text(path, write(comparisons))
