"""report.md: the report as Markdown; the same records give the same bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.report.cells import DIFFERENCES, Shown, Table, board_table, comparison_row
from harness.report.collect import Runs
from harness.report.compare import Comparison
from harness.report.finders import NOTE as FINDER_NOTE
from harness.report.finders import TITLE as FINDERS
from harness.report.finders import finder_table, finders
from harness.report.head import problem_lines, reproduce, state_lines, title
from harness.report.html_head import head
from harness.report.judge import check_lines, trusted
from harness.report.limits import limit_lines
from harness.report.preserved import TITLE as HAND_TITLE
from harness.report.preserved import hand_lines, hand_table, judged_table, judged_title
from harness.report.robustness import robustness
from harness.report.robustness_page import NOTE as ROBUSTNESS_NOTE
from harness.report.robustness_page import TITLE as ROBUSTNESS
from harness.report.robustness_page import sections, verdict_lines
from harness.report.stances import classifiers, stance_rows
from harness.report.suspected import without_gold
from harness.report.table import Leaderboard
from harness.report.verdicts import pair_verdicts, unscored_verdict, verdicts
from harness.report.ways import NOTE as WAYS_NOTE
from harness.report.ways import TITLE as WAYS
from harness.report.ways import path_lines, ways_table
from harness.report.who_wants import TITLE as WHO_WANTS
from harness.report.who_wants import markdown_table, note
from harness.report.words import NOTES, TITLES
from harness.runtime.terminal import visible

MOST_SUSPECTED = 1000
"""Suspected flips, and disputed pairs, that are written out."""
MOST_STANCES = 500
"""Pairs of the table of stances that are written out; stances.csv has all."""


def markdown(runs: Runs, boards: Sequence[Leaderboard]) -> str:
    """report.md."""
    sentences = [v for board in boards for v in verdicts(runs, board)] + unscored_verdict(runs)
    stances = _stances(runs)
    labelled = bool(runs.use and runs.use.labelled)
    parts = [
        f"# {escape(title(runs))}",
        "",
        *([] if labelled else stances),
        *(f"{escape(v.text)}\n" for v in sentences),
    ]
    parts += [*(f"- {escape(f'{term}: {description}')}" for term, description in head(runs))]
    parts += [*(f"- {escape(line)}" for line in state_lines(runs)), ""]
    for board in boards:
        if not board.lines:
            continue
        parts += [f"## {TITLES[board.kind]}", "", *table_lines(board_table(board)), ""]
        if board.kind == "summariser":
            parts += _preservation(runs)
    parts += stances if labelled else []
    if scored_finders := finders(runs):
        parts += [f"## {FINDERS}", "", FINDER_NOTE, "", *table_lines(finder_table(scored_finders)), ""]
    if probed := robustness(runs):
        parts += [
            f"## {ROBUSTNESS}",
            "",
            ROBUSTNESS_NOTE,
            "",
            *(f"- {escape(line)}" for line in verdict_lines(probed)),
            "",
        ]
        for section in sections(probed):
            parts += [f"### {section.title}", "", section.note, "", *table_lines(section.table), ""]
    suspected = list(without_gold(runs, most=MOST_SUSPECTED))
    parts += ["## Without gold", "", "```", *suspected, "```", ""] if suspected else []
    parts += [NOTES + ".", ""]
    problems = problem_lines(runs)
    if problems:
        parts += ["## Left out, and notes", "", *(f"- {escape(line)}" for line in problems), ""]
    if (table := ways_table(runs)) is not None:
        parts += [
            f"## {WAYS}",
            "",
            WAYS_NOTE,
            "",
            *table_lines(table),
            "",
            *(f"- {line}" for line in path_lines(runs)),
            "",
        ]
    commands = reproduce(runs, boards)
    parts += ["## Reproduce", "", "```", *commands, "```", ""]
    return "\n".join(parts)


def comparison_markdown(comparisons: Sequence[Comparison]) -> str:
    """The paired differences of two runs as Markdown: what they say in words, then a table of all metrics."""
    parts = []
    for c in comparisons:
        table = Table(["metric", c.a.name, c.b.name, *DIFFERENCES], [comparison_row(d) for d in c.differences])
        parts += [f"## {TITLES[c.kind]}: {escape(c.a.name)} − {escape(c.b.name)}", ""]
        parts += [*(f"{escape(v.text)}\n" for v in pair_verdicts(c)), *table_lines(table), ""]
    return "\n".join(parts)


def _preservation(runs: Runs) -> list[str]:
    """What summaries preserve: by hand labels first, then, set off, what a judge that failed its check makes of them."""
    parts: list[str] = []
    if (table := hand_table(runs)) is not None:
        lines = [f"- {escape(line)}" for line in hand_lines(runs)]
        parts += [f"## {HAND_TITLE}", "", *table_lines(table), "", *lines, ""]
    if (table := judged_table(runs)) is not None:
        summary = f"<summary>{escape(judged_title(runs))}</summary>"
        lines = [f"- {escape(line)}" for line in check_lines(runs)]
        parts += ["<details>", summary, "", *table_lines(table), "", *lines, "</details>", ""]
    elif trusted(runs):
        lines = [f"- {escape(line)}" for line in [*limit_lines(runs), *check_lines(runs)]]
        parts += [*lines, *([""] if lines else [])]
    return parts


def _stances(runs: Runs) -> list[str]:
    """Who wants what as a table; before everything else where nothing is scored."""
    rows = stance_rows(runs)
    if not rows:
        return []
    head, cells = markdown_table(rows[:MOST_STANCES], classifiers(runs), bool(runs.use and runs.use.labelled))
    lines = [f"## {WHO_WANTS}", "", escape(note(runs)), "", "| " + " | ".join(map(escape, head)) + " |"]
    lines += ["|" + ":--|" * len(head), *("| " + " | ".join(map(escape, row)) + " |" for row in cells)]
    left_out = len(rows) - MOST_STANCES
    return [*lines, "", *([f"{left_out} more pairs are in stances.csv.", ""] if left_out > 0 else [])]


def table_lines(table: Table) -> list[str]:
    """A Markdown table, first column left, the others right."""
    lines = ["| " + " | ".join(map(escape, table.head)) + " |", "|:--" + "|--:" * (len(table.head) - 1) + "|"]
    return [*lines, *("| " + " | ".join(escape(one_line(cell)) for cell in row) + " |" for row in table.rows)]


def one_line(cell: Shown) -> str:
    """A cell's parts on one line: `0.879 [0.805, 0.937] ≈ (3 unscored)`; what is missing stands in brackets."""
    if cell.missing:
        return f"({cell.missing})"
    interval = f"[{cell.interval[0]}, {cell.interval[1]}]" if cell.interval else ""
    unscored = f"({cell.unscored} unscored)" if cell.unscored else ""
    return " ".join(part for part in (cell.words, cell.number, interval, cell.sign, cell.p, unscored) if part)


_MARKS = re.compile(
    r"[\\|`*~]|(?<=\])[(\[]|(?<![^\W_])_|_(?![^\W_])|(?<=:)/(?=/)|^(?:>|#(?=#{0,5}\s)|[+-](?=\s)|\d+(?=[.)]\s))"
)
"""What makes code, emphasis, a link, a quotation, a heading or a list; brackets and underscores inside words are plain."""


def escape(text: str) -> str:
    """Text that Markdown leaves alone, and terminals, too (`visible`)."""
    one_line_text = visible(text.replace("\n", " "))
    return _MARKS.sub(_escaped, one_line_text).replace("<", "&lt;")


def _escaped(mark: re.Match[str]) -> str:
    # of a number the dot behind it makes the list
    return f"{mark[0]}\\" if mark[0].isdigit() else f"\\{mark[0]}"
