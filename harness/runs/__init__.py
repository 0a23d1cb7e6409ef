"""From a config to a run record: what is asked, the answers through the store, one job, a sweep of them."""

from typing import Any


def __getattr__(name: str) -> Any:
    """`harness.runs.run`, imported when it is first asked for."""
    if name == "run":
        from harness.runs.sweep import run

        return run
    raise AttributeError(f"module 'harness.runs' has no attribute {name!r}")
