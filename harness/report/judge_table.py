"""Judges side by side: how far each may be believed, by its check against hand labels of summaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.metrics.catalogue import columns_of
from harness.report.cells import Shown, Table

SHARES = (("sensitivity", "sensitivity"), ("precision", "precision of harm"), ("specificity", "specificity"))
ERRORS = {"preservation.coverage": 2, "preservation.fidelity": 2, "preservation.harm": 1}
"""Digits of what a judge is off, by metric."""


def judge_table(checks: Sequence[Mapping[str, Any]]) -> Table:
    """A row a judge, those that passed first, then by sensitivity: shares with intervals, and by how much its coverage, fidelity
    and harm are off."""
    headings = dict(columns_of("summariser"))
    head = ["judge", "verdict", "labels", *(name for _, name in SHARES), *(f"Δ {headings[key]}" for key in ERRORS)]
    ordered = sorted(checks, key=lambda c: (not c["validated"], -_value(c, "sensitivity"), c["judge"]))
    return Table(head, [_row(str(c["judge"]), "validated" if c["validated"] else "not validated", c) for c in ordered])


def summariser_table(check: Mapping[str, Any]) -> Table:
    """The same for one judge, a row for each kind of summary."""
    headings = dict(columns_of("summariser"))
    head = ["summaries of", "", "labels", *(name for _, name in SHARES), *(f"Δ {headings[key]}" for key in ERRORS)]
    return Table(head, [_row(name, "", one) for name, one in sorted(check.get("by_summariser", {}).items())])


def _row(name: str, verdict: str, check: Mapping[str, Any]) -> list[Shown]:
    shares = [_shown(check.get(key), "{:.2f}") for key, _ in SHARES]
    errors = [_shown(check.get("errors", {}).get(key), f"{{:+.{digits}f}}") for key, digits in ERRORS.items()]
    return [Shown(words=name), Shown(words=verdict), Shown(number=str(check["n"])), *shares, *errors]


def _shown(value: Mapping[str, Any] | None, form: str) -> Shown:
    if value is None or value.get("value") is None:
        return Shown(missing=str((value or {}).get("reason") or "none"))
    low, high = value.get("ci_low"), value.get("ci_high")
    interval = None if low is None or high is None else (form.format(low), form.format(high))
    return Shown(form.format(value["value"]), interval)


def _value(check: Mapping[str, Any], name: str) -> float:
    return float((check.get(name) or {}).get("value") or 0.0)
