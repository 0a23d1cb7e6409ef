"""Lists of runs: whole ids at any width, short states, and a hint where there is nothing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from harness.cli.listing import listing
from harness.results.records import Failure, RunRecord, write_record

IDS = ("a-rather-long-summariser+a-classifier-escalation-dev-0123456789", "lead3-dev-1111111111")


def printed(results: Path, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(listing("runs", results))
    return out.getvalue()


@pytest.mark.parametrize("width", [66, 80, 250])
def test_ids_are_whole_and_states_short(tmp_path: Path, width: int) -> None:
    error = Failure(type="ConfigError", message="x" * 50 + "[b]" + "y" * 100 + "\nmore", traceback="")
    write_record(tmp_path, RunRecord(run_id=IDS[0], status="failed", config={}, error=error))
    write_record(tmp_path, RunRecord(run_id=IDS[1], status="failed", config={}, error=error))
    text = printed(tmp_path, width)
    for run_id in IDS:
        assert run_id in text
    assert "…" not in text
    whole = "".join(line.strip() for line in text.splitlines())
    assert "x" * 50 + "[b]" + "y" * 7 in whole
    assert "y" * 8 not in whole


def test_no_runs_is_said_with_a_hint(tmp_path: Path) -> None:
    assert "harness run makes one" in printed(tmp_path, 200)
