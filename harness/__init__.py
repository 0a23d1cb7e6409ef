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
    from harness.runs.sweep import run


def _others_run() -> bool:
    """Whether other work occupies half of the cores right now; False where the system does not tell."""
    try:
        with open("/proc/loadavg") as file:  # noqa: PTH123 - `harness --help` must not pay for pathlib
            running = int(file.read().split()[3].partition("/")[0]) - 1
    except (OSError, ValueError, IndexError):
        return False
    return running >= (os.cpu_count() or 1) / 2


# Threads that wait for each other by spinning take turns with whatever else runs on the machine: measured on two busy
# cores, generation took ten times as long; where they sleep at once, a fifth longer on quiet ones. OpenMP asks once, when
# the first library with it is loaded.
if _others_run():
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__all__ = ["compare", "load_dataset", "load_runs", "run"]
__version__ = "0.1.0"

_HOMES = {
    "load_dataset": "harness.data.load",
    "run": "harness.runs.sweep",
    "load_runs": "harness.report.collect",
    "compare": "harness.report.compare",
}


def __getattr__(name: str) -> Any:
    """Imports an entry point when it is first asked for, so that `import harness` stays light."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
