"""What the benchmarks of models share: peers in interpreters of their own, interleaved medians, rows of results."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
"""name, ours_s, peer_s, ratio (peer / ours unless the name says otherwise), target, note."""

HERE = Path(__file__).parent
PEERS_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"} | {
    "TOKENIZERS_PARALLELISM": "false"
}
"""Without what importing harness sets for its own threads: a peer runs as it would by itself."""


class Peer:
    """Another library, running in the Python that an environment variable names; None where it is not installed.

    With `checkout` it is the harness as it is in that folder.
    """

    def __init__(self, script: str, variable: str, module: str, *arguments: str, checkout: Path | None = None) -> None:
        self.python = os.environ.get(variable, sys.executable)
        found = subprocess.run(
            [self.python, "-c", f"import importlib.util as u, sys; sys.exit(u.find_spec({module!r}) is None)"],
            check=False,
        )
        self.missing = found.returncode != 0
        self.why = f"{module} is not installed in {Path(self.python).name}; {variable} names another interpreter"
        self._command = [self.python, str(HERE / script), *arguments]
        self._folder = checkout
        self._process: subprocess.Popen[str] | None = None

    def version(self, package: str) -> str:
        """Of a package of the peer's interpreter."""
        script = f"from importlib.metadata import version; print(version({package!r}))"
        return subprocess.check_output([self.python, "-c", script], text=True).strip()

    def run(self, job: Mapping[str, Any]) -> Any:
        """Sends one job and waits for its answer."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                cwd=self._folder,
                env=PEERS_ENVIRONMENT | ({"PYTHONPATH": str(self._folder)} if self._folder else {}),
            )
        process = self._process
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(self._command)} ended without an answer, with status {process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        if self._process is not None and self._process.stdin:
            self._process.stdin.close()
            self._process.wait(timeout=60)


def seconds(job: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def interleaved(jobs: Sequence[Callable[[], float]], rounds: int) -> list[float]:
    """Medians of what the jobs return (seconds), each run once a round, so that a busy machine slows all of them."""
    found: list[list[float]] = [[] for _ in jobs]
    for _ in range(rounds):
        for times, job in zip(found, jobs, strict=True):
            times.append(job())
    return [statistics.median(times) for times in found]


def row(name: str, ours_s: float, peer_s: float | None, target: str, note: str = "") -> Row:
    """One line of the table; without a peer the ratio is empty and the note says why."""
    ratio = None if peer_s is None else round(peer_s / ours_s, 2)
    return {"name": name, "ours_s": ours_s, "peer_s": peer_s, "ratio": ratio, "target": target, "note": note}


def show(rows: Sequence[Row]) -> None:
    """Prints rows as they are."""
    for r in rows:
        peer = "-" if r["peer_s"] is None else f"{r['peer_s']:.2f}"
        ratio = "-" if r["ratio"] is None else f"{r['ratio']:.2f}"
        print(f"{r['name']}: ours {r['ours_s']:.3f} s, peer {peer} s, ratio {ratio} (target {r['target']}) {r['note']}")
