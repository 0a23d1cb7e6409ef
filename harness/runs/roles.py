"""The roles that systems play in a run."""

from __future__ import annotations

from harness.systems.base import Kind

KINDS: dict[str, Kind] = {
    "summariser": "summariser",
    "speakers": "speakers",
    "stance": "stance",
    "judge": "stance",
    "bertscore": "judge",
    "nli": "judge",
}
"""Which kind of system plays each role of a run."""

OF_SUMMARIES = ("judge", "bertscore", "nli")
"""Roles that read summaries: without a summariser they have nothing to do."""
