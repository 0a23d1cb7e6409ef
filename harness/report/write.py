"""Writes a report into a folder: index.html, report.md, table.csv, .tex and .json, stances.csv and .parquet, summaries.csv."""

from __future__ import annotations

from pathlib import Path

from harness.report.collect import Runs, load_runs, uncollected
from harness.report.compare import Comparison
from harness.report.data import comparison_csv, csv_text, json_text
from harness.report.finders import finders
from harness.report.html import html
from harness.report.latex import comparison_latex, latex
from harness.report.markdown import comparison_markdown, markdown
from harness.report.stances import stances_csv, stances_table, summaries_csv
from harness.report.table import Leaderboard, leaderboards
from harness.runtime.files import write_text
from harness.runtime.parquet import write_table


def write_report(runs: Runs, boards: list[Leaderboard], out: Path) -> list[Path]:
    """All files of the report; each is replaced whole."""
    with uncollected():
        contents = {
            "index.html": html(runs, boards),
            "report.md": markdown(runs, boards),
            "table.csv": csv_text(runs, boards, finders(runs)),
            "table.tex": latex(runs, boards),
            "table.json": json_text(runs, boards),
            "stances.csv": stances_csv(runs),
            "summaries.csv": summaries_csv(runs),
        }
        table = stances_table(runs)
    for name, text in contents.items():
        write_text(out / name, text)
    write_table(table, out / "stances.parquet")
    return [out / name for name in (*contents, "stances.parquet")]


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
