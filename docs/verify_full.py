"""Runs `harness verify --full` and writes its rows, with the time that they took, to docs/verify_full.md.

python docs/verify_full.py        # some eight minutes of one core
"""

from __future__ import annotations

import resource
import sys
import time
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from harness.report.markdown import escape
from harness.verify.check import Check
from harness.verify.checks import iterate_checks

PAGE = Path(__file__).with_suffix(".md")


def page(checks: list[Check], wall: float, cpu: float) -> str:
    """The page: what was run, then a table of the rows for each source, which names the simulation's size."""
    failed = sum(not c.passed for c in checks)
    lines = [
        "# What `harness verify --full` shows",
        "",
        f"One run of {datetime.now(UTC):%Y-%m-%d}, written by `python docs/verify_full.py`: {len(checks)} rows, {failed} failed, "
        f"{cpu / 60:.1f} minutes of processor time on one core, {wall / 60:.1f} minutes by the clock. Seeds are fixed. "
        "[scores.md](scores.md) says what is simulated.",
    ]
    for source, rows in groupby(checks, key=lambda c: c.source):
        lines += [
            "",
            f"## {source[:1].upper()}{source[1:]}",
            "",
            "| what | ours | allowed | verdict |",
            "|:--|--:|--:|:--|",
        ]
        lines += [f"| {escape(c.metric)} | {_ours(c)} | {_allowed(c)} | {c.verdict} |" for c in rows]
    return "\n".join(lines) + "\n"


def _ours(check: Check) -> str:
    value = "" if check.ours is None else f"{check.ours:.4f}"
    return " ".join(part for part in (value, escape(check.note or "")) if part)


def _allowed(check: Check) -> str:
    if check.bounds is not None:
        return f"{check.bounds[0]:g} to {check.bounds[1]:g}"
    if check.published is None or check.tolerance is None:
        return ""
    return f"{check.published:.4f} ± {check.tolerance:g}"


def main() -> int:
    """The exit code is 1 where a row failed; every row is printed as it comes."""
    began, checks = time.monotonic(), []
    for check in iterate_checks(full=True):
        print(f"{check.verdict}: {check.metric}: {_ours(check)}", flush=True)
        checks.append(check)
    used = resource.getrusage(resource.RUSAGE_SELF)
    PAGE.write_text(page(checks, time.monotonic() - began, used.ru_utime + used.ru_stime), encoding="utf-8")
    return int(any(not c.passed for c in checks))


if __name__ == "__main__":
    sys.exit(main())
