"""A sweep whose runs are jobs of submitit's on this machine, one of which is killed.

    python tests/external/submitit_sweep.py

In an environment with the extra `launchers`; a minute. The others must be complete, the killed one recorded and named. The exit
status counts what was not so.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import write_dataset
from tests.integration.test_launchers import KILLED


def main() -> int:
    """The number of things that were otherwise."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mine.py").write_text(KILLED)
        river = write_dataset(folder / "river")
        sweep = [
            "run",
            "-m",
            "hydra/launcher=submitit_local",
            "stance.class=mine.py:Killed,mine.py:Fine",
            "split=dev,all",
        ]
        fields = ["summariser=none", f"dataset.path={river}", "allow_code=true", "results=out"]
        process = subprocess.run(
            [sys.executable, "-m", "harness.cli", *sweep, *fields],
            cwd=folder, capture_output=True, text=True, check=False, timeout=900,
        )  # fmt: skip
        print(process.stderr)
        records = [json.loads(p.read_text()) for p in (folder / "out" / "runs").glob("*/record.json")]
        states = sorted((record["config"]["stance"]["class"], record["status"]) for record in records)
        expected = [("mine.py:Fine", "complete")] * 2 + [("mine.py:Killed", "failed")] * 2
        logs = list((folder / "out" / ".launched").glob("*/*.err"))
        wrong = [
            states != expected,
            process.returncode != 1,
            "2 of 4 runs failed" not in process.stderr,
            len(logs) != 2,
        ]
        print(states, process.returncode, len(logs), "wrong:", sum(wrong))
        return sum(wrong)


if __name__ == "__main__":
    sys.exit(main())
