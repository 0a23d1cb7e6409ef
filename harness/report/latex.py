"""table.tex: the leaderboards for a paper, with booktabs; ties with the best are marked, nothing is printed bold."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.metrics.catalogue import direction
from harness.report.collect import Runs
from harness.report.table import Cell, Leaderboard, Line, labels
from harness.report.text import against_text, number, rank_text, short
from harness.report.verdicts import judge_note

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
}
_ARROWS = {1: r"~$\uparrow$", -1: r"~$\downarrow$", 0: ""}
_CAPTIONS = {"summariser": "Summarisers", "stance": "Stance classifiers"}


def escape(text: str) -> str:
    """Text in which LaTeX finds no command; control characters and line breaks become spaces."""
    return "".join(_SPECIAL.get(c, c) for c in " ".join("".join(c if c.isprintable() else " " for c in text).split()))


def latex(runs: Runs, boards: Sequence[Leaderboard]) -> str:
    r"""One `table` for each leaderboard that has systems; needs \usepackage{booktabs} and, for wide ones, {graphicx}."""
    parts = ["% \\usepackage{booktabs,graphicx}"]
    parts += [_table(runs, board) for board in boards if board.lines]
    return "\n".join(parts) + "\n"


MOST = 7
"""Columns that a page holds; a table with more stacks intervals under their values and is scaled to the width of a line."""


def _table(runs: Runs, board: Leaderboard) -> str:
    names = labels([line.row for line in board.lines])
    kept = [i for i in range(len(board.columns)) if any(line.cells[i].value is not None for line in board.lines)]
    columns: list[tuple[str, list[tuple[str, ...]]]] = []
    for i in kept:
        metric, label = board.columns[i]
        cells = [line.cells[i] for line in board.lines]
        columns.append((escape(label) + _ARROWS[direction(metric)], [_cell(c) for c in cells]))
        if any(c.rank for c in cells):
            columns.append(("rank", [(rank_text(c.rank).replace("–", "--"),) for c in cells]))
        if any(c.against_baseline for c in cells):
            columns.append((r"$\Delta$", [_against(line, i, board) for line in board.lines]))
    wide = len(columns) > MOST
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_caption(runs, board, kept)}}}",
        *([r"\resizebox{\linewidth}{!}{%"] if wide else []),
        rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
        r"\toprule",
        " & ".join(["system", *(title for title, _ in columns)]) + r" \\",
        r"\midrule",
    ]
    for n, line in enumerate(board.lines):
        row = [escape(names[line.row.fingerprint]), *(_joined(said[n], wide) for _, said in columns)]
        lines.append(" & ".join(row) + r" \\")
    end = r"\end{tabular}" + ("}" if wide else "")
    return "\n".join([*lines, r"\bottomrule", end, r"\end{table}"])


def _joined(parts: tuple[str, ...], stack: bool) -> str:
    """Value, interval and p on one line, or one below the other."""
    small = [parts[0], *(rf"{{\scriptsize {part}}}" for part in parts[1:])]
    below = r" \\ ".join(small)
    return rf"\shortstack[r]{{{below}}}" if stack and len(parts) > 1 else " ".join(small)


def _against(line: Line, i: int, board: Leaderboard) -> tuple[str, ...]:
    """The difference to the baseline and its mark, its interval, and p, as the text report has them."""
    said = against_text(line, i, board)
    found = re.fullmatch(r"(\S+)(?: (\[.*\]))? ([≠≈]) (.*)", said)
    if found is None:
        return (rf"\textit{{{escape(said.strip('()'))}}}",)
    value, interval, mark, p = found.groups()
    return (f"{_signs(value)}~{_signs(mark)}", *([_signs(interval)] if interval else []), _signs(p))


def _signs(text: str) -> str:
    """Escaped text whose marks and minus signs are LaTeX's own."""
    return re.sub(r"(?<!\w)-(?=\d)", r"$-$", escape(text)).replace("≠", r"$\neq$").replace("≈", r"$\approx$")


def _caption(runs: Runs, board: Leaderboard, kept: Sequence[int]) -> str:
    use = runs.use
    data = f" on {escape(use.name)} {escape(use.version)} ({len(use.articles)} articles)" if use else ""
    judge = ""
    if any(board.columns[i][0].startswith("preservation.") for i in kept) and (note := judge_note(runs)):
        judge = f" Coverage, fidelity and harm: {escape(note)}."
    base = labels([line.row for line in board.lines]).get(board.baseline or "", "")
    against = (
        rf" $\Delta$: difference to {escape(base)}, its 95\,\% interval and corrected p; $\neq$ real after correction."
        if base
        else ""
    )
    return (
        f"{_CAPTIONS[board.kind]}{data}: value and 95\\,\\% interval by article; "
        rf"$\approx$ no test tells it from the best (paired randomisation, Holm); rank: the places that it may truly have."
        f"{against}{judge}"
    )


def _cell(cell: Cell) -> tuple[str, ...]:
    if cell.value is None:
        return (rf"\textit{{{escape(short(cell.empty or 'empty'))}}}",)
    value = number(cell.value, cell.metric) + (r"~$\approx$" if cell.tied else "")
    if cell.ci_low is None or cell.ci_high is None:
        return (value,)
    return value, f"[{number(cell.ci_low, cell.metric)}, {number(cell.ci_high, cell.metric)}]"
