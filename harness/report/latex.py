"""table.tex: the leaderboards for a paper, with booktabs; ties with the best are marked, nothing is printed bold."""

from __future__ import annotations

from collections.abc import Sequence

from harness.metrics.catalogue import direction
from harness.report.cells import Shown, board_columns
from harness.report.collect import Runs
from harness.report.marks import REAL, TIED
from harness.report.table import Leaderboard, labels
from harness.report.verdicts import judge_note
from harness.report.words import PROCEDURE, TITLES

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
_SIGNS = {TIED: r"$\approx$", REAL: r"$\neq$"}


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
    columns = [column for column in board_columns(board) if column.role != "pace"]
    titles = {"rank": "rank", "difference": r"$\Delta$"}
    head = [titles.get(c.role) or escape(c.label) + _ARROWS[direction(c.metric)] for c in columns]
    wide = len(columns) > MOST
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_caption(runs, board, [c.metric for c in columns])}}}",
        *([r"\resizebox{\linewidth}{!}{%"] if wide else []),
        rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
        r"\toprule",
        " & ".join(["system", *head]) + r" \\",
        r"\midrule",
    ]
    for n, line in enumerate(board.lines):
        row = [escape(names[line.row.fingerprint]), *(_joined(_parts(c.cells[n]), wide) for c in columns)]
        lines.append(" & ".join(row) + r" \\")
    end = r"\end{tabular}" + ("}" if wide else "")
    return "\n".join([*lines, r"\bottomrule", end, r"\end{table}"])


def _joined(parts: tuple[str, ...], stack: bool) -> str:
    """Value, interval and p on one line, or one below the other."""
    small = [parts[0], *(rf"{{\scriptsize {part}}}" for part in parts[1:])]
    below = r" \\ ".join(small)
    return rf"\shortstack[r]{{{below}}}" if stack and len(parts) > 1 else " ".join(small)


def _parts(cell: Shown) -> tuple[str, ...]:
    """A cell's value with its sign, then its interval and its p; unscored items are left to the other formats."""
    if words := cell.missing or cell.words:
        return (rf"\textit{{{escape(words)}}}",)
    value = _number(cell.number) + (f"~{_SIGNS[cell.sign]}" if cell.sign else "")
    interval = [f"[{_number(cell.interval[0])}, {_number(cell.interval[1])}]"] if cell.interval else []
    return (value, *interval, *([escape(cell.p)] if cell.p else []))


def _number(text: str) -> str:
    """A number, or a range of ranks, with LaTeX's own minus and dash."""
    minus = "$-$" if text.startswith("-") else ""
    return minus + escape(text.removeprefix("-")).replace("–", "--")


def _caption(runs: Runs, board: Leaderboard, metrics: Sequence[str]) -> str:
    use = runs.use
    data = f" on {escape(use.name)} {escape(use.version)} ({len(use.articles)} articles)" if use else ""
    judge = ""
    if any(metric.startswith("preservation.") for metric in metrics) and (note := judge_note(runs)):
        judge = f" Coverage, fidelity and harm: {escape(note)}."
    base = labels([line.row for line in board.lines]).get(board.baseline or "", "")
    against = (
        rf" $\Delta$: difference to {escape(base)}, its 95\,\% interval and corrected p; $\neq$ real after correction."
        if base
        else ""
    )
    return (
        f"{TITLES[board.kind]}{data}: value and 95\\,\\% interval by article; "
        rf"$\approx$ may be the best: no test puts another above it ({PROCEDURE}); rank: the places that it may truly have."
        f"{against}{judge}"
    )
