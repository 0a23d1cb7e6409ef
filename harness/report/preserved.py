"""What summaries preserve, most trusted first: by hand labels, estimated with a few, as a judge reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.metrics.catalogue import PRESERVATION, columns_of, label_of
from harness.report.cells import Shown, Table, share_shown
from harness.report.collect import Row, Runs
from harness.report.judge import judge_note, trusted
from harness.report.limits import judge_limits
from harness.report.table import labels
from harness.report.words import heading, number
from harness.results.records import Value
from harness.results.trust import is_judged

TITLE = "Stance preservation by hand labels"
HARM = "preservation.harm"
REFERENCE = "reference"
EXACT = "hand labels"
METRICS = tuple(metric.key for metric in PRESERVATION)
HEADINGS = dict(columns_of("summariser"))
NOTE = (
    "Each summary was read alone, and what every speaker whom it mentions is said to want was labelled by hand; no judge has a "
    "part in these numbers. Value [95 % interval by article]; covered: wholly labelled summaries of all"
)


@dataclass(frozen=True)
class ByHand:
    """What the summaries of one system preserve by hand labels: `n` of `of` are labelled. Or `refused`, and why.

    `basis` is `hand labels`, or `estimated with n hand labels` where these correct a judge's answers.
    """

    name: str
    fingerprint: str
    basis: str
    n: int
    of: int
    n_labels: int
    metrics: Mapping[str, Value]
    refused: str | None = None

    @property
    def covered(self) -> str:
        """How far the labels go: `96 of 96`, or with how many the numbers were estimated."""
        return f"{self.n} of {self.of}" if self.basis == EXACT else self.basis


def by_hand(runs: Runs) -> list[ByHand]:
    """The systems with hand labels, by name; then the articles' first references."""
    rows = runs.rows("summariser")
    names = labels(rows)
    shown = []
    for row in rows:
        try:
            entry = _labelled(row, names[row.fingerprint])
        except (ValueError, TypeError, AttributeError):
            runs.note(f"{names[row.fingerprint]}: what people labelled of its summaries is not readable in its record")
            continue
        shown += [entry] if entry is not None else []
    reference = next((t[REFERENCE] for row in rows if isinstance((t := _table(row)).get(REFERENCE), dict)), None)
    if reference is not None:
        shown.append(_entry("reference summary", "", reference, EXACT))
    return shown


def _labelled(row: Row, name: str) -> ByHand | None:
    table = _table(row)
    if "n" in table:
        return _entry(name, row.fingerprint, table, EXACT)
    preservation = row.tables.get("preservation") if row.judge is not None else None
    estimate = preservation.get("estimate") if isinstance(preservation, dict) else None
    if not isinstance(estimate, dict):
        return None
    basis = f"estimated with {estimate.get('n_labels', 0)} hand labels"
    return _entry(name, row.fingerprint, estimate, basis)


def _table(row: Row) -> dict[str, Any]:
    """The newest table of hand labels among the system's runs."""
    runs = sorted(row.runs, key=lambda r: (r.started_at, r.run_id), reverse=True)
    tables = [table for r in runs if isinstance(table := r.tables.get("hand_labels"), dict)]
    return next((t for t in tables if "n" in t), tables[0] if tables else {})


def _entry(name: str, fingerprint: str, table: Mapping[str, Any], basis: str) -> ByHand:
    metrics = {k: Value.model_validate(v) for k, v in (table.get("metrics") or {}).items()}
    counts = (int(table.get("n") or 0), int(table.get("of") or 0), int(table.get("n_labels") or 0))
    return ByHand(name, fingerprint, basis, *counts, metrics, table.get("refused"))


def hand_table(runs: Runs) -> Table | None:
    """The systems with hand labels as a table; None where there are none."""
    entries = by_hand(runs)
    if not entries:
        return None
    head = ["system", "covered", "labels", *(heading(HEADINGS.get(m, label_of(m)), m) for m in METRICS)]
    rows: list[list[Shown]] = []
    for entry in entries:
        first = [Shown(words=entry.name), Shown(words=entry.covered), Shown(number=str(entry.n_labels))]
        if entry.refused:
            rows.append([*first, *(Shown(missing="refused") for _ in METRICS)])
        else:
            rows.append([*first, *(share_shown(entry.metrics.get(m), m) for m in METRICS)])
    return Table(head, rows)


def hand_lines(runs: Runs) -> list[str]:
    """What is said under the table: how the numbers came about, and why a row was refused."""
    entries = by_hand(runs)
    lines = [f"{NOTE}."] if entries else []
    lines += _aligned_lines(runs)
    return lines + [f"{entry.name}: refused: {entry.refused}." for entry in entries if entry.refused]


def _aligned_lines(runs: Runs) -> list[str]:
    """What is known of summarisers that copy sentences from the copying alone; counted apart from all other numbers."""
    rows = runs.rows("summariser")
    names, lines = labels(rows), []
    for row in rows:
        table = row.tables.get("alignment")
        counts = {k: v for k, v in table.items() if isinstance(v, int)} if isinstance(table, dict) else {}
        if not {"kept", "dropped", "of", "labelled", "right"} <= counts.keys():
            continue
        checked = f" (so labelled: {counts['right']} of {counts['labelled']})" if counts["labelled"] else ""
        lines.append(
            f"{names[row.fingerprint]} copies its sentences: of {counts['of']} gold stances {counts['kept']} are kept with all "
            f"their evidence{checked}, {counts['dropped']} dropped with their speaker, known without judge or label."
        )
    return lines


def hand_sentence(runs: Runs) -> str | None:
    """Harm of 100 conveyed stances by hand labels, the least first; None where nobody labelled."""
    scored = [
        (entry, value)
        for entry in by_hand(runs)
        if not entry.refused and entry.fingerprint and (value := entry.metrics.get(HARM)) and value.value is not None
    ]
    if not scored:
        return None
    scored.sort(key=lambda pair: (pair[1].value or 0.0, pair[0].name))
    parts = []
    for entry, value in scored:
        few = f" (of {value.n_scored}: too few for an interval)"
        interval = few if value.ci_low is None else f" [{value.ci_low:.0f}–{value.ci_high:.0f}]"
        partly = "" if entry.basis == EXACT and entry.n == entry.of else f" ({entry.covered})"
        parts.append(f"{entry.name} {value.value:.0f}{interval}{partly}")
    return f"By hand labels, of 100 stances that a summary conveys these are misstated: {', '.join(parts)}."


def judged_table(runs: Runs) -> Table | None:
    """What an untrusted judge makes of the summaries, without order, signs or tests, and what it makes of texts that preserve
    everything or nothing; None with a trusted judge, whose numbers stand on the leaderboard, or without one."""
    rows = [row for row in runs.rows("summariser") if row.judge is not None]
    if trusted(runs) or not any(is_judged(m) and v.value is not None for row in rows for m, v in row.metrics.items()):
        return None
    names = labels(rows)
    head = ["system", *(HEADINGS.get(m, label_of(m)) for m in METRICS)]
    body: list[Sequence[Shown]] = [
        [Shown(words=names[row.fingerprint]), *(share_shown(row.metrics.get(m), m) for m in METRICS)] for row in rows
    ]
    for name, values in judge_limits(runs).items():
        body.append([Shown(words=name), *(_limit(values, m) for m in METRICS)])
    return Table(head, body)


def _limit(values: Mapping[str, float | None], metric: str) -> Shown:
    value = values.get(metric)
    return Shown(words="" if metric not in values else "none") if value is None else Shown(number=number(value, metric))


def judged_title(runs: Runs) -> str:
    """What stands over `judged_table`."""
    name = runs.judge.name if runs.judge else ""
    return f"As {name} reads the summaries: not to be relied on ({judge_note(runs)})"
