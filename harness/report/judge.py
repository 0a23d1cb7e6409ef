"""Whether a report may believe its judge of stances: its check against people, and what may not be ranked without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.metrics.catalogue import columns_of, label_of, primary_of
from harness.report.collect import Runs
from harness.results.trust import NOT_VALIDATED, is_judged, passes


def validation(runs: Runs) -> dict[str, Any] | None:
    """The check of the report's judge; None without a judge or a check."""
    return (runs.judge_check or None) if runs.judge is not None else None


def trusted(runs: Runs) -> bool:
    """Whether the report's judge passed its check, so that what it finds may be ranked and tested."""
    return passes(runs.judge_check)


def board_columns_of(runs: Runs, kind: str) -> tuple[tuple[str, str], ...]:
    """Key and heading of a leaderboard's columns; without a trusted judge none that rests on it."""
    return tuple(column for column in columns_of(kind) if not is_judged(column[0]) or trusted(runs))


def headlines(runs: Runs, kind: str) -> tuple[str, ...]:
    """The metrics by which systems are ranked and tested; without a trusted judge none that rests on it."""
    return tuple(metric for metric in primary_of(kind) if not is_judged(metric) or trusted(runs))


def doubt_words(runs: Runs) -> str:
    """` (judge not validated)`, to stand after what the judge says of single summaries; empty with a trusted one."""
    return f" ({NOT_VALIDATED})" if runs.judge is not None and not trusted(runs) else ""


def judge_note(runs: Runs) -> str:
    """What stands over every number that rests on the judge; empty without one."""
    if runs.judge is None:
        return ""
    check = runs.judge_check
    if not passes(check):
        reason = str(check.get("reason") or "no check against people was passed")
        return f"{NOT_VALIDATED}: {reason.removeprefix(NOT_VALIDATED).lstrip(': ')}"
    return f"judge {runs.judge.name} validated against {check.get('n')} hand labels: {', '.join(check_shares(check))}"


def check_shares(check: Mapping[str, Any]) -> list[str]:
    """`sensitivity 0.42 [0.27–0.58]` and so on, of a check's figures that have a value."""
    parts = []
    for name in ("sensitivity", "specificity", "precision"):
        share = check.get(name)
        if (value := _number(share, "value")) is not None:
            low, high = _number(share, "ci_low"), _number(share, "ci_high")
            interval = "" if low is None or high is None else f" [{low:.2f}–{high:.2f}]"
            parts.append(f"{name} {value:.2f}{interval}")
    return parts


def check_lines(runs: Runs) -> list[str]:
    """The judge's check in sentences: its shares, how far its numbers are off, in all and by summariser."""
    check = runs.judge_check
    if not check.get("n"):
        return []
    lines = [f"Checked on {check['n']} hand labels: {', '.join(check_shares(check))}{_errors(check)}."]
    by_summariser = check.get("by_summariser")
    for name, one in sorted(by_summariser.items()) if isinstance(by_summariser, dict) else ():
        if not isinstance(one, dict):
            continue
        lines.append(f"On {name} ({one.get('n')} labels): {', '.join(check_shares(one))}{_errors(one)}.")
    return lines


def _errors(check: Mapping[str, Any]) -> str:
    """How far its coverage, fidelity and harm lie from people's, where they were computed."""
    parts = []
    errors = check.get("errors")
    for metric, error in errors.items() if isinstance(errors, dict) else ():
        if (value := _number(error, "value")) is not None:
            digits = 1 if metric.endswith("harm") else 2
            low, high = _number(error, "ci_low"), _number(error, "ci_high")
            interval = "" if low is None or high is None else f" [{low:+.{digits}f}, {high:+.{digits}f}]"
            parts.append(f"{label_of(metric)} {value:+.{digits}f}{interval}")
    return f"; off by {', '.join(parts)}" if parts else ""


def _number(value: object, name: str) -> float | None:
    """A number of a record's table; None where it has something else."""
    number = value.get(name) if isinstance(value, dict) else None
    return number if isinstance(number, int | float) else None
