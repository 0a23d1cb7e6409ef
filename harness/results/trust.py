"""Whether a judge of stances passed its check against people; until it has, every number that rests on it says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.results.records import RunRecord, SystemUse, Value

FAMILY = "preservation."
"""Begins the key of every number that rests on the judge."""
NOT_VALIDATED = "judge not validated"
"""Stands beside such a number while the judge is not trusted."""


def check_in(tables: Mapping[str, object]) -> dict[str, Any]:
    """The judge's check in a record's tables; empty if there is none."""
    table = tables.get("preservation")
    check = table.get("validation") if isinstance(table, dict) else None
    return check if isinstance(check, dict) else {}


def n_checked(record: RunRecord) -> int:
    """How many hand labels the run's judge was checked against."""
    n = check_in(record.tables).get("n")
    return n if isinstance(n, int) else 0


def check_of(judge: SystemUse | None, records: Sequence[RunRecord]) -> dict[str, Any]:
    """The check of a judge, from the newest record that carries one; one that failed goes first, since a judge that is good on
    some of the articles is not good. Empty where no record has any."""
    checks = [
        check
        for record in sorted(records, key=lambda r: (r.started_at, r.run_id), reverse=True)
        if judge is not None
        and (use := record.system("judge")) is not None
        and use.fingerprint == judge.fingerprint
        and (check := check_in(record.tables))
    ]
    # a run that was scored before the labels came knows nothing
    checks.sort(key=lambda check: not check.get("n"))
    return next((c for c in checks if c.get("n") and not passes(c)), checks[0] if checks else {})


def passes(check: Mapping[str, Any]) -> bool:
    """Whether a check makes a judge trusted; one from before precision was asked for does not."""
    return bool(check.get("validated")) and "precision" in check


def is_judged(metric: str) -> bool:
    """Whether a metric rests on the judge."""
    return metric.startswith(FAMILY)


def doubt_of(metric: str, check: Mapping[str, Any]) -> str:
    """What must stand beside a number: that its judge is not validated; empty for one that rests on none, or on a trusted one."""
    return NOT_VALIDATED if is_judged(metric) and not passes(check) else ""


def doubted(metrics: Mapping[str, Value], check: Mapping[str, Any]) -> dict[str, Value]:
    """The metrics, each that needs it with the doubt as its reason, after what else the reason says."""
    return {
        metric: value.model_copy(update={"reason": "; ".join(filter(None, (value.reason, doubt)))})
        if (doubt := doubt_of(metric, check))
        else value
        for metric, value in metrics.items()
    }
