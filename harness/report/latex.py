"""table.tex: the leaderboards for a paper, with booktabs; ties with the best are marked, nothing is printed bold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.metrics.catalogue import columns_of, direction
from harness.report.cells import DIFFERENCES, Column, Shown, Table, board_columns, comparison_row
from harness.report.collect import Runs
from harness.report.compare import Comparison
from harness.report.judge import judge_note
from harness.report.marks import REAL, TIED
from harness.report.preserved import TITLE as HAND_TITLE
from harness.report.preserved import hand_table
from harness.report.table import Leaderboard, labels
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
_EM = {**dict.fromkeys(".,:;[]()i jl!|'", 0.33), "m": 0.83, "w": 0.75, "M": 0.95, "W": 1.03, "+": 0.78, "=": 0.78}
"""Widths of characters in Computer Modern, in parts of the size of the type; others by case (TeX's cmr10.tfm, rounded up)."""
_ARROWS = {1: r"~$\uparrow$", -1: r"~$\downarrow$", 0: ""}
_SIGNS = {TIED: r"$\approx$", REAL: r"$\neq$"}


def escape(text: str) -> str:
    """Text in which LaTeX finds no command; control characters and line breaks become spaces."""
    return "".join(_SPECIAL.get(c, c) for c in " ".join("".join(c if c.isprintable() else " " for c in text).split()))


def latex(runs: Runs, boards: Sequence[Leaderboard]) -> str:
    r"""The leaderboards that have systems, each as one or more `table`s; needs \usepackage{booktabs}."""
    parts = ["% \\usepackage{booktabs}"]
    for board in boards:
        if board.lines:
            names = labels([line.row for line in board.lines])
            first = _TexColumn(("system",), [(escape(names[line.row.fingerprint]),) for line in board.lines])
            columns = [column for column in board_columns(board) if column.role != "pace"]
            caption = _caption(runs, board, [c.metric for c in columns])
            parts.append(_tables(f"tab:{LABELS[board.kind]}", caption, first, list(map(_tex_column, columns))))
            if board.kind == "summariser" and (by_hand := hand_table(runs)) is not None:
                parts.append(_hand_tables(by_hand))
    return "\n".join(parts) + "\n"


def comparison_latex(comparisons: Sequence[Comparison]) -> str:
    r"""Paired differences of two runs, on the metrics of a leaderboard, as `table`s; needs \usepackage{booktabs}."""
    return "\n".join(["% \\usepackage{booktabs}", *map(_comparison, comparisons)]) + "\n"


def _comparison(comparison: Comparison) -> str:
    names = dict(columns_of(comparison.kind))
    differences = [d for d in comparison.differences if d.metric in names]
    rows = [comparison_row(d) for d in differences]
    first = _TexColumn(("metric",), [(escape(names[d.metric] + " *" * d.primary),) for d in differences])
    head = [comparison.a.name, comparison.b.name, *DIFFERENCES]
    columns = [_TexColumn(_head(title), [_parts(row[i]) for row in rows]) for i, title in enumerate(head, start=1)]
    n = max((d.n_articles for d in differences), default=0)
    caption = (
        f"{escape(comparison.a.name)} minus {escape(comparison.b.name)} on {n} articles: paired difference with its "
        r"95\,\% interval by article, p of paired randomisation, corrected by Holm over the primary metrics (*), by "
        "Benjamini and Hochberg over the others; the difference that these articles could show."
    )
    return _tables(f"tab:difference-{LABELS[comparison.kind]}", caption, first, columns)


def _hand_tables(table: Table) -> str:
    """What summaries preserve by hand labels; a judge that failed its check has no table in a paper."""
    first, *columns = [
        _TexColumn(
            tuple(
                part.replace("↑", _ARROWS[1].strip("~")).replace("↓", _ARROWS[-1].strip("~")) for part in _head(title)
            ),
            [_parts(row[i]) for row in table.rows],
        )
        for i, title in enumerate(table.head)
    ]
    caption = rf"{HAND_TITLE}: value and 95\,\% interval by article; no judge has a part in it."
    return _tables(
        "tab:by-hand", caption, _TexColumn(first.head, [(escape(row[0].words),) for row in table.rows]), columns
    )


LABELS = {"summariser": "summarisers", "stance": "stances"}
"""What a leaderboard's table is called in \\ref, after `tab:`; further parts end in -2, -3."""
LINE = 345.0
"""Points of a line in the class `article` at 10 pt, the narrowest page that a table must fit without being scaled."""
NAME = 112.0
"""Points to which a column of names may grow before it breaks its lines."""
GAP = 4.0
"""Points on either side of a column (\\tabcolsep)."""
SMALL, SCRIPT = 9.0, 7.0
"""Points of the type in which values, and what stands below them, are set."""


@dataclass(frozen=True, slots=True)
class _TexColumn:
    """A column in LaTeX: lines of its heading, and of each cell, the first \\small and what is below it \\scriptsize."""

    head: tuple[str, ...]
    cells: Sequence[tuple[str, ...]]

    @property
    def width(self) -> float:
        """Points that the widest line takes."""
        lines = [_width(line, SMALL) for line in self.head]
        lines += [_width(line, SCRIPT if n else SMALL) for cell in self.cells for n, line in enumerate(cell)]
        return max(lines)


def _tex_column(column: Column) -> _TexColumn:
    head = {"rank": ("rank",), "difference": (r"$\Delta$",)}.get(column.role) or _head(column.label)
    if column.role == "value":
        head = (*head[:-1], head[-1] + _ARROWS[direction(column.metric)])
    return _TexColumn(head, [_parts(cell) for cell in column.cells])


def _head(title: str) -> tuple[str, ...]:
    """A heading with one word a line, what stands in brackets as one."""
    return tuple(map(escape, re.findall(r"\[[^]]*\]|\S+", title)))


def _tables(label: str, caption: str, names: _TexColumn, columns: Sequence[_TexColumn]) -> str:
    """`table`s that each fit a line at \\small: columns that do not fit go to a further table with the same names."""
    widest = max(_width(word, SMALL) for line in (names.head, *names.cells) for word in line[0].split())
    names_width = max(widest, min(names.width, NAME))
    groups: list[list[_TexColumn]] = [[]]
    room = LINE - names_width - 2 * GAP
    for column in columns:
        needed = column.width + 2 * GAP
        if groups[-1] and needed > room:
            groups.append([])
            room = LINE - names_width - 2 * GAP
        groups[-1].append(column)
        room -= needed
    broken = names_width < names.width
    tables = []
    for n, group in enumerate(groups, start=1):
        number = "" if n == 1 else f"-{n}"
        about = caption if n == 1 else rf"Table~\ref{{{label}}}, further columns."
        first = rf"p{{{names_width:.0f}pt}}" if broken else "l"
        lines = [
            r"\begin{table}",
            r"\centering\small",
            rf"\setlength{{\tabcolsep}}{{{GAP:.0f}pt}}",
            rf"\caption{{{about}}}",
            rf"\label{{{label}{number}}}",
            rf"\begin{{tabular}}{{@{{}}{first}{'r' * len(group)}@{{}}}}",
            r"\toprule",
            " & ".join([names.head[0], *(_stack(column.head, "b") for column in group)]) + r" \\",
            r"\midrule",
        ]
        for row, name in enumerate(names.cells):
            said = (r"\raggedright " if broken else "") + name[0]
            lines.append(" & ".join([said, *(_stack(column.cells[row], "t") for column in group)]) + r" \\[3pt]")
        tables.append("\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"]))
    return "\n".join(tables)


def _stack(parts: tuple[str, ...], at: str) -> str:
    """Lines one below the other, in a cell that stands on its top (`t`) or bottom (`b`) line; of a cell, the first line is
    the value and what is below it smaller."""
    if len(parts) == 1:
        return parts[0]
    # in braces: after a line's end LaTeX takes a square bracket for the height of the gap
    rest = [rf"{{{part}}}" if at == "b" else rf"{{\scriptsize {part}}}" for part in parts[1:]]
    lines = r" \\ ".join([parts[0], *rest])
    return rf"\begin{{tabular}}[{at}]{{@{{}}r@{{}}}}{lines}\end{{tabular}}"


def _width(tex: str, size: float) -> float:
    """Points that a line of LaTeX takes in Computer Modern, rounded up: commands of signs count as one wide sign."""
    plain = re.sub(r"\\text[a-z]+\{\}|\$\\?[a-zA-Z-]+\$", "M", tex)
    plain = re.sub(r"\\(?:text[a-z]+|scriptsize)|[{}$\\]", "", plain)
    return 1.04 * size * sum(_EM.get(c, 0.75 if c.isupper() else 0.51) for c in plain)


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
