"""Reports as text: rich tables for the terminal, and Markdown; the same records give the same bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.metrics.catalogue import columns_of, digits_of, direction
from harness.records import RunRecord
from harness.report.collect import Runs
from harness.report.compare import Comparison, MetricDifference
from harness.report.finders import NOTE as FINDER_NOTE
from harness.report.finders import TITLE as FINDERS
from harness.report.finders import finder_rows, finders, stage_lines
from harness.report.html_head import head
from harness.report.limits import limit_lines
from harness.report.suspected import without_gold
from harness.report.table import Cell, Leaderboard, Line, labels
from harness.report.verdicts import judge_note, pair_verdicts, unscored_verdict, verdicts

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from harness.stats.ranking import Rank

TITLES = {"summariser": "Summarisers", "stance": "Stance classifiers"}
NARROWEST = 24
"""Characters to which the first column of a table may shrink before another column is left out."""
ARROWS = {1: "↑", -1: "↓", 0: ""}
NOTES = (
    "value [95 % interval, bootstrap by article]; ≈ no test tells it from the best (paired randomisation by article, "
    "Holm); rank: the places that a system may truly have (95 %, all at once); ↑ higher is better, ↓ lower; Δ: difference "
    "to the baseline, ≠ real after correction"
)


def number(value: float, metric: str) -> str:
    """A metric's value as people read it: counts and per-cents plain, shares with three digits."""
    digits = digits_of(metric)
    # no minus before a zero
    return f"{round(value, digits) + 0.0:.{digits}f}"


def cell_text(cell: Cell) -> str:
    """What a cell shows: value, interval, the mark of a tie, unscored items; or which kind of empty it is."""
    if cell.value is None:
        return f"({short(cell.empty or 'empty')})"
    text = number(cell.value, cell.metric)
    if cell.ci_low is not None and cell.ci_high is not None:
        text += f" [{number(cell.ci_low, cell.metric)}, {number(cell.ci_high, cell.metric)}]"
    if cell.tied:
        text += " ≈"
    if cell.n_unscored:
        text += f" ({cell.n_unscored} unscored)"
    return text


def short(reason: str) -> str:
    """The first clause of a reason."""
    return reason.partition(":")[0].partition(";")[0].partition("(")[0].strip()


def heading(label: str, metric: str) -> str:
    """Column heading with the arrow that says which way is better."""
    return f"{label} {ARROWS[direction(metric)]}".strip()


def board_rows(board: Leaderboard) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of a leaderboard; a column is left out if every system's cell is empty for the same reason.

    Differences to the baseline stand beside their metric if somebody chose it, else last.
    """
    names = labels([line.row for line in board.lines])
    kept = [i for i in range(len(board.columns)) if any(line.cells[i].value is not None for line in board.lines)]
    columns: list[tuple[str, list[str]]] = []
    last: list[tuple[str, list[str]]] = []
    for i in kept:
        metric, label = board.columns[i]
        cells = [line.cells[i] for line in board.lines]
        columns.append((heading(label, metric), [cell_text(c) for c in cells]))
        if any(c.rank for c in cells):
            columns.append(("rank", [rank_text(c.rank) for c in cells]))
        if any(c.against_baseline for c in cells):
            told = [against_text(line, i, board) for line in board.lines]
            (columns if board.chosen else last).append((f"Δ {label} to {names[board.baseline or '']}", told))
    columns += [("s/article", [pace_text(line.seconds_per_article) for line in board.lines]), *last]
    rows = [[names[line.row.fingerprint], *(said[n] for _, said in columns)] for n, line in enumerate(board.lines)]
    return ["system", *(title for title, _ in columns)], rows


def against_text(line: Line, i: int, board: Leaderboard) -> str:
    """The difference to the baseline in column `i`, whether it is real (≠) or not (≈), and its corrected p."""
    d, metric = line.cells[i].against_baseline, board.columns[i][0]
    if line.row.fingerprint == board.baseline:
        return "baseline"
    if d is None or d.difference is None:
        return f"({short((d and d.reason) or ('ceiling' if line.row.use.ceiling else 'not tested'))})"
    low, high = signed(d.ci_low, metric), signed(d.ci_high, metric)
    interval = f" [{low}, {high}]" if low and high else ""
    return f"{signed(d.difference, metric)}{interval} {'≠' if d.real else '≈'} {p_words(d.p_corrected)}"


def signed(value: float | None, metric: str) -> str:
    """A difference with its sign, in the metric's digits; empty for None."""
    return "" if value is None else f"{'+' if value >= 0 else '-'}{number(abs(value), metric)}"


def p_text(p: float | None) -> str:
    """A p-value as people read it, never 0; empty for None."""
    return "" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_words(p: float | None) -> str:
    """The same in a sentence."""
    return "no test" if p is None else f"p {'' if p < 0.001 else '= '}{p_text(p)}"


def rank_text(rank: Rank | None) -> str:
    """The places that a system may truly have: `1–3`, its place alone where there is no interval, `–` without a rank."""
    if rank is None:
        return "–"
    if rank.low is None or rank.high is None or rank.low == rank.high:
        return str(rank.low or rank.place)
    return f"{rank.low}–{rank.high}"


def pace_text(seconds: float | None) -> str:
    """Seconds per article as people read them."""
    return "" if seconds is None else "< 0.01" if seconds < 0.01 else f"{seconds:.2f}"


def head_lines(runs: Runs) -> list[str]:
    """What was scored, and the state of all runs."""
    lines = []
    use = runs.use
    if use is not None:
        pairs = sum(1 for a in runs.articles for _ in a.pairs())
        lines.append(
            f"Dataset {use.name} {use.version} ({use.fingerprint[:8]}), split {use.split}: "
            f"{len(use.articles)} articles, {pairs} (speaker, target) pairs"
        )
    if runs.judge is not None:
        lines.append(
            f"Judge of stance preservation: {runs.judge.name} ({runs.judge.fingerprint[:8]}); {judge_note(runs)}"
        )
    return [*lines, *state_lines(runs)]


def state_lines(runs: Runs) -> list[str]:
    """How many runs are complete and how many not; whether anything was scored."""
    lines = []
    use = runs.use
    states = f"Runs: {len(runs.records)} complete, {len(runs.failed)} failed, {len(runs.stale)} stale"
    states += f", {len(runs.others)} of another dataset" if runs.others else ""
    lines.append(states + (f", {len(runs.broken)} unreadable" if runs.broken else ""))
    if use is not None and not use.labelled:
        lines.append("Nothing was scored: the articles carry no gold.")
    return lines


def problem_lines(runs: Runs) -> list[str]:
    """Everything that is not in the tables, by name."""
    lines = [f"failed: {r.run_id}: {first_line(r)} (to remove it, delete results/runs/{r.run_id})" for r in runs.failed]
    lines += [f"stale: {r.run_id}: {why}" for r, why in runs.stale]
    lines += [f"other dataset: {r.run_id}: {why}" for r, why in runs.others]
    lines += [f"unreadable: {runs.relative(error.message)}" for error in runs.broken]
    lines += [f"problem: {problem}" for problem in runs.problems]
    lines += [f"note: {note}" for note in dict.fromkeys(n for r in runs.records for n in r.notes)]
    return lines


def first_line(record: RunRecord) -> str:
    """The first line of a failed run's error."""
    return record.error.message.splitlines()[0] if record.error and record.error.message else "unknown error"


def terminal(console: Console, runs: Runs, boards: Sequence[Leaderboard]) -> None:
    """The report as `harness report` prints it."""
    for line in head_lines(runs):
        console.print(line, markup=False)
    for board in boards:
        if not board.lines:
            continue
        console.print()
        console.print(_rich(TITLES[board.kind], *board_rows(board), console.width))
        for found in verdicts(runs, board):
            console.print(found.text, markup=False)
    if found_by := finders(runs):
        columns, rows = finder_rows(found_by)
        shown = 2 + len(columns_of("speakers"))
        console.print()
        console.print(_rich(FINDERS, columns[:shown], [row[:shown] for row in rows], console.width))
        for line in stage_lines(found_by):
            console.print(line, markup=False)
    for line in without_gold(runs, most=10):
        console.print(line, markup=False)
    if boards:
        console.print(f"\n{NOTES}", style="dim", markup=False)
    for line in problem_lines(runs):
        console.print(line, style="yellow", markup=False)


def _rich(
    title: str, head: list[str], rows: list[list[str]], width: int, elsewhere: str = "table.csv has them"
) -> Table:
    """A table with intervals below their values; columns that do not fit `width` are named in the caption.

    Numbers are never cut: names in the first column fold onto several lines before a column is left out.
    """
    from rich import box
    from rich.table import Table

    stacked = [
        [re.sub(r"^(\S+) (\[.*?\])( [≈≠])?(?: (.+))?$", r"\1\3\n\2\n\4", cell).rstrip("\n") for cell in row]
        for row in rows
    ]
    needed = [
        max(map(len, [*head[i].split(), *(line for row in stacked for line in row[i].split("\n"))]))
        for i in range(len(head))
    ]
    fits = len(head)
    while fits > 1 and min(needed[0], NARROWEST) + sum(needed[1:fits]) + 3 * fits > width:
        fits -= 1
    needed[0] = max(1, min(needed[0], width - sum(needed[1:fits]) - 3 * fits))
    left_out = f"not shown for want of width: {', '.join(head[fits:])} ({elsewhere})" if fits < len(head) else None
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False,
        caption=left_out, caption_justify="left",
    )  # fmt: skip
    for i, column in enumerate(head[:fits]):
        most = needed[0] if i == 0 else None
        table.add_column(
            column, justify="left" if i == 0 else "right", min_width=needed[i], max_width=most, overflow="fold"
        )
    for row in stacked:
        table.add_row(*row[:fits])
    return table


def markdown(runs: Runs, boards: Sequence[Leaderboard]) -> str:
    """report.md."""
    sentences = [v for board in boards for v in verdicts(runs, board)] + unscored_verdict(runs)
    parts = ["# Comparison report", "", *(f"{escape(v.text)}\n" for v in sentences)]
    parts += [*(f"- {escape(f'{term}: {said}')}" for term, said in head(runs))]
    parts += [*(f"- {escape(line)}" for line in state_lines(runs)), ""]
    for board in boards:
        if not board.lines:
            continue
        parts += [f"## {TITLES[board.kind]}", "", *markdown_table(*board_rows(board)), ""]
        limits = limit_lines(runs) if board.kind == "summariser" else []
        parts += [*(f"- {escape(line)}" for line in limits), *([""] if limits else [])]
    if found_by := finders(runs):
        parts += [f"## {FINDERS}", "", FINDER_NOTE, "", *markdown_table(*finder_rows(found_by)), ""]
    suspected = list(without_gold(runs, most=1000))
    parts += ["## Without gold", "", "```", *suspected, "```", ""] if suspected else []
    parts += [NOTES + ".", ""]
    problems = problem_lines(runs)
    if problems:
        parts += ["## Left out, and notes", "", *(f"- {escape(line)}" for line in problems), ""]
    commands = reproduce(runs, boards)
    parts += ["## Reproduce", "", "```", *commands, "```", ""]
    return "\n".join(parts)


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table, first column left, the others right."""
    lines = ["| " + " | ".join(map(escape, head)) + " |", "|:--" + "|--:" * (len(head) - 1) + "|"]
    return [*lines, *("| " + " | ".join(map(escape, row)) + " |" for row in rows)]


def escape(text: str) -> str:
    """Text that Markdown leaves alone."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def reproduce(runs: Runs, boards: Sequence[Leaderboard]) -> list[str]:
    """The command behind every run, and the one that makes such a report of them."""
    commands = sorted({"harness run " + " ".join(map(quote, r.overrides)) for r in runs.records})
    folders = {o.partition("=")[2] for r in runs.records for o in r.overrides if o.startswith("results=")}
    report = ["harness report", *(f"--results {quote(f)}" for f in folders if len(folders) == 1)]
    names = [labels([line.row for line in b.lines]).get(b.baseline or "") for b in boards if b.chosen]
    report += [f"--baseline {quote(name)}" for name in names[:1] if name]
    return [*commands, " ".join(report)] if commands else []


def quote(word: str) -> str:
    """A word as a shell takes it."""
    import shlex

    return shlex.quote(word)


def comparison_terminal(console: Console, comparison: Comparison, most: int = 10) -> None:
    """`harness compare` for one kind of system."""
    a, b = comparison.a.name, comparison.b.name
    for text in [v.text for v in pair_verdicts(comparison)] or [comparison.verdict]:
        console.print(text, markup=False)
    rows = [difference_row(d) for d in comparison.differences]
    columns = ["metric", a, b, "difference [95 %]", "p", "p corrected", "detectable", "items"]
    title = f"{TITLES[comparison.kind]}: {a} − {b}"
    console.print(_rich(title, columns, rows, console.width, "a wider terminal or --html has them"))
    if comparison.articles:
        console.print(f"Articles where they part most ({len(comparison.articles)} in all):")
        for article, x, y, n in comparison.articles[:most]:
            console.print(f"  {article}: on {n} item{'s' * (n != 1)}, {a} {x:.3g}, {b} {y:.3g}", markup=False)
    if comparison.kind == "stance" and comparison.items:
        console.print(f"Items where they part most ({len(comparison.items)} in all):")
        for item, x, y in comparison.items[:most]:
            console.print(f"  {item}: {a} {x:.3g}, {b} {y:.3g}", markup=False)


def difference_row(d: MetricDifference) -> list[str]:
    """A difference as strings."""
    interval = "" if d.ci_low is None or d.ci_high is None else f" [{d.ci_low:+.3f}, {d.ci_high:+.3f}]"
    return [
        d.metric + (" *" if d.primary else ""),
        "" if d.a is None else f"{d.a:.3f}",
        "" if d.b is None else f"{d.b:.3f}",
        f"({short(d.reason or 'undefined')})" if d.difference is None else f"{d.difference:+.3f}{interval}",
        p_text(d.p_value),
        p_text(d.p_corrected) + (" real" if d.real else ""),
        "" if d.detectable is None else f"{d.detectable:.3f}",
        str(d.n_items),
    ]
