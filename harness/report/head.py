"""Lines at the head and the end of a report: what was scored, the state of the runs, what was left out, how to make it again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.report.collect import Runs
from harness.report.html_head import head, stale_and_elsewhere
from harness.report.table import Leaderboard, labels
from harness.report.words import quote
from harness.results.records import RunRecord


def title(runs: Runs) -> str:
    """What the report is of: dataset and split, and whether articles are among it on which prompts and settings are tuned."""
    if runs.use is None:
        return "Comparison report"
    tuned = runs.use.split == "all" and any(article.split == "dev" for article in runs.articles)
    return f"Comparison report: {runs.use.name}, split {runs.use.split}" + (" (dev and test together)" if tuned else "")


def head_lines(runs: Runs) -> list[str]:
    """What was scored, and the state of all runs."""
    lines = [title(runs), *(f"{term}: {text}" for term, text in head(runs) if term in ("Dataset", "Material", "Judge"))]
    return [*lines, *state_lines(runs)]


def state_lines(runs: Runs) -> list[str]:
    """How many runs are complete and how many not; whether anything was scored."""
    stale, elsewhere = stale_and_elsewhere(runs)
    states = f"Runs: {len(runs.records)} complete, {len(runs.failed)} failed, {len(stale)} stale"
    more = {"over other articles": elsewhere, "of another dataset": runs.others, "unreadable": runs.broken}
    lines = [states + "".join(f", {len(those)} {words}" for words, those in more.items() if those)]
    if runs.use is not None and not runs.use.labelled:
        lines.append("Nothing was scored: the articles carry no gold.")
    return lines


def problem_lines(runs: Runs) -> list[str]:
    """Everything that is not in the tables, by name."""
    lines = [f"failed: {r.run_id}: {first_line(r)} (to remove it, delete results/runs/{r.run_id})" for r in runs.failed]
    stale, elsewhere = stale_and_elsewhere(runs)
    lines += [f"stale: {r.run_id}: {why}" for r, why in stale]
    lines += [f"apart: {r.run_id}: {why}" for r, why in elsewhere]
    if runs.stale:
        again = "harness run --again brings all up to date; " if stale else ""
        alone = "harness report RUN shows one alone; " if elsewhere else ""
        lines.append(
            f"{'stale' if stale else 'apart'}: {again}{alone}harness report --shared compares all on the articles that they "
            "share (--results names another folder)"
        )
    lines += [f"other dataset: {r.run_id}: {why}" for r, why in runs.others]
    lines += [
        f"left out: {line}" for line in dict.fromkeys(x for r in runs.records if r.dataset for x in r.dataset.left_out)
    ]
    lines += [f"unreadable: {runs.relative(error.message)}" for error in runs.broken]
    lines += [f"problem: {problem}" for problem in runs.problems]
    lines += [f"note: {note}" for note in dict.fromkeys(n for r in runs.records for n in r.notes)]
    return lines


def first_line(record: RunRecord) -> str:
    """The first line of a failed run's error."""
    return record.error.message.splitlines()[0] if record.error and record.error.message else "unknown error"


def reproduce(runs: Runs, boards: Sequence[Leaderboard]) -> list[str]:
    """The command behind every run, and the one that makes such a report of them."""
    commands = sorted({run_command(record) for record in runs.records})
    folders = {typed(o).partition("=")[2] for r in runs.records for o in r.overrides if o.startswith("results=")}
    report = ["harness report", *(f"--results {quote(f)}" for f in folders if len(folders) == 1)]
    names = [labels([line.row for line in b.lines]).get(b.baseline or "") for b in boards if b.chosen]
    report += [f"--baseline {quote(name)}" for name in names[:1] if name]
    effects = {metric: size for b in boards for metric, size in b.effects.items()}
    report += [f"--effect {metric.split('.')[1]}={size:g}" for metric, size in effects.items()]
    return [*commands, " ".join(report)] if commands else []


def run_command(record: RunRecord) -> str:
    """The command that made a run."""
    return "harness run " + " ".join(quote(typed(override)) for override in record.overrides)


_QUOTED_PATH = re.compile(r"((?:results|[\w.]*path)=)'([\w./-]+)'")
"""A plain path in the quotes that Hydra was given; a path is quoted again by whoever reads the command."""


def typed(override: str) -> str:
    """An override as a person types it.

    >>> typed("results='results/reference'"), typed("dataset.path='a b'")
    ('results=results/reference', "dataset.path='a b'")
    """
    return _QUOTED_PATH.sub(r"\1\2", override) if _QUOTED_PATH.fullmatch(override) else override
