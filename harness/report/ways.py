"""How the answers were computed: the path that each system took, and what that took apart from loading its model."""

from __future__ import annotations

from harness.report.cells import Shown, Table
from harness.report.collect import Row, Runs
from harness.report.table import labels, seconds_per_article
from harness.report.words import pace_text

TITLE = "How the answers were computed"
NOTE = (
    "Seconds an article are those of the answers alone; loading and converting the model, in the run that computed most of them, "
    "stand apart. By the clock: from the first question to the last answer of that run; of a server, whose answers overlap, it "
    "is less than the sum."
)
PATHS = {
    "prefix_trie": "what prompts share is computed once for all of them",
    "plain": "a row of an ordinary forward pass for each option: the model's layers are none that take a plan, or its answers on "
    "a probe at the start differed from those of the trie, or a text is so long that its positions are turned otherwise",
    "rows": "several texts a step, each as far as it is",
    "generate": "one text after the other by the model's own `generate`, for one of the reasons for which scoring is plain",
    "logprobs": "the label with the highest probability that the server gave",
    "parsed": "the label is read from the server's words: it gave no log-probabilities",
    "listed": "one reply about several pairs, read by the list that was asked for",
    "refused": "the model declined",
}
"""Paths whose names do not say what they are, and when they are taken."""


def ways_table(runs: Runs) -> Table | None:
    """One row a system and role; None where no run says how its answers came."""
    rows = [_cells(name, row, seconds_per_article(row, runs)) for row, name in _named(runs)]
    head = ["system", "role", "answers by path", "s/article", "loading, s", "by the clock, s"]
    return Table(head, rows) if rows else None


def path_lines(runs: Runs) -> list[str]:
    """What each path is that stands in the table."""
    taken = {part for row, _ in _named(runs) for path in row.use.paths for part in path.split("+")}
    return [f"{path}: {PATHS[path]}." for path in PATHS if path in taken]


def _named(runs: Runs) -> list[tuple[Row, str]]:
    named = []
    for kind in ("summariser", "stance"):
        rows = [row for row in runs.rows(kind) if row.use.paths]
        names = labels(rows)
        named += [(row, names[row.fingerprint]) for row in rows]
    return named


def _cells(name: str, row: Row, pace: float | None) -> list[Shown]:
    use = row.use
    uses = [u for record in row.runs if (u := record.system(row.kind)) and u.wall_seconds is not None]
    timed = max(uses, key=lambda u: u.n_computed, default=use)
    return [
        Shown(words=name),
        Shown(words=row.kind),
        Shown(words=", ".join(f"{path or 'none'} {count:,}" for path, count in sorted(use.paths.items()))),
        Shown(number=pace_text(pace)) if pace is not None else Shown(missing="not known"),
        _seconds(timed.load_seconds),
        _seconds(timed.wall_seconds),
    ]


def _seconds(seconds: float | None) -> Shown:
    return Shown(missing="not measured") if seconds is None else Shown(number=f"{seconds:.1f}")
