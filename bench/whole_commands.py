"""Commands from the shell to the exit code, now and at an earlier commit, in turn."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.earlier import COMMIT, ROOT, checkout, processor_seconds
from bench.peers import Row

SWEEP = ["run", "-m", "summariser=lead3,lexrank", "stance=majority,name_only", "limit=1,2,3,4,5,6,7,8,9,10"]
COMMANDS = {
    "a sweep of 40 runs with nothing to do": (SWEEP, "<= 1/6 of the time"),
    "`harness --help`": (["--help"], "<= 0.1 s"),
}


def main(rounds: int = 5) -> list[Row]:
    """A row a command; each tree has a results folder of its own, filled by one untimed run before."""
    rows: list[Row] = []
    with checkout() as earlier, TemporaryDirectory() as folder:
        places = {tree: Path(folder) / name for tree, name in ((ROOT, "now"), (earlier, "earlier"))}
        for name, (words, target) in COMMANDS.items():
            seconds: dict[Path, list[float]] = {ROOT: [], earlier: []}
            for tree, place in places.items():
                place.mkdir(exist_ok=True)
                processor_seconds(tree, words, place)
            for _ in range(rounds):
                for tree, place in places.items():
                    seconds[tree].append(processor_seconds(tree, words, place))
            ours, peer = median(seconds[ROOT]), median(seconds[earlier])
            rows.append(
                {
                    "name": f"{name}, processor time, against commit {COMMIT}",
                    "ours_s": ours,
                    "peer_s": peer,
                    "ratio": peer / ours,
                    "target": target,
                    "note": f"medians of {rounds}, in turn",
                }
            )
    return rows
