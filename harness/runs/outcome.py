"""What `harness run` says at its end: how many answers of which kind, the headline scores, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.metrics.catalogue import digits_of, label_of, primary_of
from harness.results.records import RunRecord, Value
from harness.results.trust import check_in, doubt_of

if TYPE_CHECKING:
    from rich.table import Table

ANSWERS = {
    "summariser": ("summary", "summaries"),
    "speakers": ("article searched for speakers", "articles searched for speakers"),
    "stance": ("stance of a speaker on a target", "stances of a speaker on a target"),
    "judge": ("reading by the judge", "readings by the judge"),
    "bertscore": ("summary measured by BERTScore", "summaries measured by BERTScore"),
    "nli": ("summary measured by NLI", "summaries measured by NLI"),
}
"""What one answer of a role is, and several are."""
HEADLINES = (*primary_of("summariser"), *primary_of("stance"), "speakers.f1", "speakers.stance_f1.three_way")
"""The scores that a run ends with."""


def answers_line(record: RunRecord) -> str:
    """`9 of 87 answers computed (3 summaries, 84 stances of a speaker on a target)`."""
    computed = sum(use.n_computed for use in record.systems)
    asked = sum(use.n_items for use in record.systems)
    kinds = ", ".join(
        f"{use.n_items} {ANSWERS.get(use.kind, (use.kind, use.kind))[use.n_items > 1]}"
        for use in record.systems
        if use.n_items
    )
    stored = "; the others were stored already, or ask the same" if computed < asked else ""
    return f"{computed} of {asked} answers computed" + (f" ({kinds}{stored})" if kinds else "")


def headlines(record: RunRecord) -> list[tuple[str, str]]:
    """(label, value with interval) of each headline score that the run has; on escalation alone where gold has no step, and
    with a word where the judge failed its check."""
    scored = {key: value for key, value in record.metrics.items() if value.value is not None}
    keys = [key if key in scored else key.replace("stance.", "stance.escalation.", 1) for key in HEADLINES]
    check = check_in(record.tables)
    return [
        (label_of(key), _shown(key, scored[key]) + (f" ({doubt})" if (doubt := doubt_of(key, check)) else ""))
        for key in dict.fromkeys(keys)
        if key in scored
    ]


def _shown(key: str, value: Value) -> str:
    digits = digits_of(key)
    interval = "" if value.ci_low is None else f" [{value.ci_low:.{digits}f}, {value.ci_high:.{digits}f}]"
    return f"{value.value:.{digits}f}{interval}"


def sweep_table(records: Sequence[RunRecord]) -> Table | None:
    """One row a run with its headline scores; None for fewer than two runs, or where nothing was scored."""
    from rich.table import Table
    from rich.text import Text

    scores = [dict(headlines(record)) for record in records]
    labels = list(dict.fromkeys(label for row in scores for label in row))
    if len(records) < 2 or not labels:
        return None
    table = Table(box=None, pad_edge=False)
    table.add_column("run", overflow="fold")
    for label in labels:
        table.add_column(label, justify="right")
    for record, row in zip(records, scores, strict=True):
        names = " + ".join(use.name for use in record.systems if use.kind in ("summariser", "speakers", "stance"))
        table.add_row(Text(names), *(row.get(label, "") for label in labels))
    return table


def next_command(results: Path) -> str:
    """The command that shows what a session has made."""
    where = "" if results == Path("results") else f" --results {shlex.quote(str(results))}"
    return f"next: harness report{where}"


def stopped(results: Path) -> str:
    """What Ctrl-C leaves."""
    return (
        f"stopped. Every complete run and every finished unit of answers is kept in {results}; the same command goes on from "
        "there"
    )
