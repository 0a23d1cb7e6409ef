"""Evaluates summarisers and stance classifiers on conflict news, per speaker.

from harness import load_dataset, run, load_runs, compare
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.data.load import load_dataset
    from harness.report.collect import load_runs
    from harness.report.compare import compare
    from harness.runs import run

# Threads that wait for each other by spinning take turns with whatever else runs on a shared machine: measured on two busy
# cores, generation took ten times as long. It must be set before the first library with OpenMP is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__all__ = ["compare", "load_dataset", "load_runs", "run"]
__version__ = "0.1.0"

_HOMES = {
    "load_dataset": "harness.data.load",
    "run": "harness.runs",
    "load_runs": "harness.report.collect",
    "compare": "harness.report.compare",
}


def __getattr__(name: str) -> Any:
    """Imports an entry point when it is first asked for, so that `import harness` stays light."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
