"""An earlier commit of this project beside the present one, for whole commands by processor time."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
COMMIT = "b209a19"
"""What figures are compared with unless they say another."""


@contextmanager
def checkout(commit: str = COMMIT) -> Iterator[Path]:
    """The project at that commit, in a folder that goes when the block ends; it needs git's history of it."""
    with TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", str(tree)], input=archive, check=True)
        yield tree


def processor_seconds(tree: Path, words: Sequence[str], cwd: Path) -> float:
    """User and system seconds of one `harness` command of that tree, started in `cwd`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "harness.cli", *words]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
