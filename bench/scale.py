"""Ten thousand, a hundred thousand, a million generated articles: items per second, peak memory, processor time an item.

    python -m bench.scale [--sizes 10000 100000 1000000] [--folder FOLDER]

Every job is a command in a process of its own, of which processor time and peak memory are the kernel's. `tfidf_svm` reads a set
of which the first thousand articles have gold. Sentiment and load are compared with an earlier commit on 2,000 articles, less
what 500 take, so that starting up counts for neither. A million articles take hours of processor time and 8 GB of disk.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from bench.earlier import COMMIT, ROOT, checkout
from bench.peers import Row, row, show
from bench.scale_articles import write

SIZES = (10_000, 100_000, 1_000_000)
FEW, MORE = 500, 2_000
KNOWN = 50_000
"""A size beyond which a file is not held in memory, and what was found sound is kept."""
LABELLED = 1_000
JOBS = {
    "lead3 + sentiment": ["summariser=lead3", "stance=sentiment"],
    "majority": ["summariser=none", "stance=majority"],
    "tfidf_svm": ["summariser=none", "stance=tfidf_svm"],
}
LOAD = "import sys; from pathlib import Path; from harness.data.load import load_dataset; len(load_dataset(Path(sys.argv[1])))"


class Cost(NamedTuple):
    """What one process took: processor time and wall clock in seconds, peak memory in MiB."""

    processor: float
    wall: float
    peak: float


def cost(command: Sequence[str], tree: Path = ROOT) -> Cost:
    """Runs `python` with these words; RuntimeError if it fails."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "HF_HUB_OFFLINE": "1"}
    start = time.perf_counter()
    # python looks where it is started before it looks on its path
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as elsewhere:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=elsewhere, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = status
        wall = time.perf_counter() - start
        if status:
            log.seek(0)
            raise RuntimeError(f"{' '.join(command)}: {log.read().decode(errors='replace')[-2000:]}")
    return Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024)


def run_cost(path: Path, results: Path, words: Sequence[str], tree: Path = ROOT) -> Cost:
    """One `harness run` over all articles of a file."""
    return cost(["-m", "harness.cli", "run", f"dataset.path={path}", f"results={results}", "split=all", *words], tree)


def against_earlier(folder: Path) -> list[Row]:
    """Microseconds of processor time an article, of this tree and of the earlier commit, in turn."""
    rows = []
    with checkout() as tree:
        for name, suffix, words in (
            ("load JSONL", "jsonl", None),
            ("load Parquet", "parquet", None),
            ("run stance=sentiment", "parquet", ["summariser=none", "stance=sentiment"]),
        ):
            files = [write(folder / f"compared-{n}.{suffix}", n) for n in (FEW, MORE)]
            seconds = []
            for place in (ROOT, tree):
                few, more = (
                    cost(["-c", LOAD, str(f)], place)
                    if words is None
                    else run_cost(f, folder / f"results-{place.name}-{f.stem}", words, place)
                    for f in files
                )
                seconds.append(max(1e-9, more.processor - few.processor))
            note = " and ".join(f"{s / (MORE - FEW) * 1e6:,.0f} µs" for s in seconds) + " an article"
            rows.append(row(f"{name}, {MORE - FEW:,} articles, against {COMMIT}", *seconds, ">= 8", note))
        rows.append(known_again(folder, tree))
    return rows


def known_again(folder: Path, tree: Path) -> Row:
    """Loading a large file that was loaded before, start-up and all: it is hashed and not checked anew; the earlier commit reads
    it again."""
    file = write(folder / f"known-{KNOWN}.parquet", KNOWN)
    (_, ours), (_, theirs) = ([cost(["-c", LOAD, str(file)], place) for _ in range(2)] for place in (ROOT, tree))
    name = f"load Parquet again, {KNOWN:,} articles, whole process, against {COMMIT}"
    return row(name, ours.processor, theirs.processor, ">= 8", f"peak {ours.peak:,.0f} and {theirs.peak:,.0f} MiB")


def at_size(folder: Path, size: int) -> tuple[list[Row], dict[str, tuple[float, float]]]:
    """The jobs over that many articles, and of each its processor seconds an article and peak memory."""
    rows, measured = [], {}
    full = write(folder / f"news-{size}.parquet", size)
    part = write(folder / f"few-labels-{size}.parquet", size, labelled=LABELLED)
    results = folder / f"results-{size}"
    for name, words in JOBS.items():
        taken = run_cost(part if name == "tfidf_svm" else full, results, words)
        measured[name] = (taken.processor / size, taken.peak)
        note = f"{size / taken.processor:,.0f} articles a second of processor time, peak memory {taken.peak:,.0f} MiB"
        rows.append(row(f"{name}, {size:,} articles", taken.processor, None, "peak <= 1,024 MiB", note))
        print(rows[-1]["name"], note, f"wall {taken.wall:.0f} s", flush=True)
    return rows, measured


def growth(smaller: dict[str, tuple[float, float]], larger: dict[str, tuple[float, float]], what: str) -> list[Row]:
    """How memory and processor time an article grow from one size to the next."""
    rows = []
    for name, (seconds, peak) in larger.items():
        before, peak_before = smaller[name]
        note = (
            f"peak memory × {peak / peak_before:.2f} (at most 1.30), processor time an article × {seconds / before:.2f}"
        )
        rows.append(row(f"{name}, {what}", seconds, before, "ratio >= 0.87", note))
    return rows


def report_row(folder: Path, size: int) -> Row:
    """A report over the runs of the fully labelled set, of which every item is scored."""
    taken = cost(["-m", "harness.cli", "report", "--results", str(folder / f"results-{size}")])
    note = f"peak memory {taken.peak:,.0f} MiB (at most 2,048)"
    return row(f"report over {size:,} articles, 4 to 6 items each", taken.processor, None, "ours <= 60 s", note)


def main(folder: Path | None = None, sizes: Sequence[int] = SIZES, *, report: int | None = 200_000) -> list[Row]:
    """All rows; `report` is how many articles the report is about."""
    with tempfile.TemporaryDirectory() as temporary:
        where = folder or Path(temporary)
        rows = against_earlier(where)
        show(rows)
        measured = []
        for size in sizes:
            made, of_size = at_size(where, size)
            rows += made
            measured.append((size, of_size))
        for (small, before), (large, after) in pairwise(measured):
            rows += growth(before, after, f"{large:,} articles against {small:,}")
        if report is not None:
            if report not in sizes:
                rows += at_size(where, report)[0]
            rows.append(report_row(where, report))
    show(rows)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--report", type=int, default=200_000, help="articles of the report; 0: none")
    chosen = parser.parse_args()
    main(chosen.folder, chosen.sizes, report=chosen.report or None)
