"""table.tex: the leaderboards for a paper, with booktabs; ties with the best are marked, nothing is printed bold."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.collect import Runs
from harness.report.counts import direction
from harness.report.table import Cell, Leaderboard, labels
from harness.report.text import number, rank_text, short
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
    r"""One `table` for each leaderboard that has systems; needs \usepackage{booktabs}."""
    parts = ["% \\usepackage{booktabs}"]
    parts += [_table(runs, board) for board in boards if board.lines]
    return "\n".join(parts) + "\n"


def _table(runs: Runs, board: Leaderboard) -> str:
    names = labels([line.row for line in board.lines])
    kept = [i for i in range(len(board.columns)) if any(line.cells[i].value is not None for line in board.lines)]
    ranked = {i for i in kept if any(line.cells[i].rank for line in board.lines)}
    head = ["system"]
    for i in kept:
        head += [
            escape(board.columns[i][1]) + _ARROWS[direction(board.columns[i][0])],
            *(["rank"] if i in ranked else []),
        ]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_caption(runs, board, kept)}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
        r"\toprule",
        " & ".join(head) + r" \\",
        r"\midrule",
    ]
    for line in board.lines:
        row = [escape(names[line.row.fingerprint])]
        for i in kept:
            row += [_cell(line.cells[i]), *([rank_text(line.cells[i].rank).replace("–", "--")] if i in ranked else [])]
        lines.append(" & ".join(row) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"])


def _caption(runs: Runs, board: Leaderboard, kept: Sequence[int]) -> str:
    use = runs.use
    data = f" on {escape(use.name)} {escape(use.version)} ({len(use.articles)} articles)" if use else ""
    judge = ""
    if any(board.columns[i][0].startswith("preservation.") for i in kept) and (note := judge_note(runs)):
        judge = f" Coverage, fidelity and harm: {escape(note)}."
    return (
        f"{_CAPTIONS[board.kind]}{data}: value and 95\\,\\% interval by article; "
        rf"$\approx$ no test tells it from the best (paired randomisation, Holm); rank: the places that it may truly have.{judge}"
    )


def _cell(cell: Cell) -> str:
    if cell.value is None:
        return rf"\textit{{{escape(short(cell.empty or 'empty'))}}}"
    text = number(cell.value, cell.metric)
    if cell.ci_low is not None and cell.ci_high is not None:
        text += rf" {{\scriptsize[{number(cell.ci_low, cell.metric)}, {number(cell.ci_high, cell.metric)}]}}"
    return text + (r"~$\approx$" if cell.tied else "")
