"""Runs that are killed at random points, on a full disk, over torn and flipped bytes: nothing is lost, doubled or changed unseen.

    python -m bench.faults [--runs 500] [--seed 1] [--seconds 3600]

Each trial is a fresh results folder. Runs in it are killed (before a random operation on a file, or after a random time), or may
write only so many bytes to a file, as on a disk that is full; then, in two trials of three, a file is damaged, which `harness
results check` must name unless its content is as it was; then the same run goes on to its end. Counted over all trials:

  lost     answers, scores or articles of an undisturbed run that are not there in the end
  doubled  answers that are stored twice, or items that are scored twice
  silent   damages that are not named, and values that differ in the end from an undisturbed run's

Ends with exit code 1 if any of the three is not 0.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pickle
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

# before any child is forked, so that none of them imports it again
import pyarrow.parquet as pq  # noqa: E402

from harness.config import parse_run_config  # noqa: E402
from harness.errors import HarnessError  # noqa: E402
from harness.models.pool import ModelPool  # noqa: E402
from harness.results.check import check_results  # noqa: E402
from harness.results.records import read_answers, read_record, read_scores  # noqa: E402
from harness.results.states import checked_state  # noqa: E402
from harness.runs.job import run_job  # noqa: E402
from harness.runs.sweep import compose  # noqa: E402
from harness.runtime.environment import environment  # noqa: E402
from harness.runtime.progress import Reporter  # noqa: E402
from tests.conftest import write_dataset  # noqa: E402

ARTICLES = 6
OPERATIONS = 160
"""About as many operations on files as an undisturbed run has; a kill may come before any of them."""
KEPT = Path(tempfile.gettempdir()) / "harness-faults"
"""Where the folders go in which something was wrong."""


def in_child(task: Callable[[], Any]) -> tuple[bool, Any]:
    """Whether a task came to its end in a process of its own, and what it returned."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reader)
            with os.fdopen(writer, "wb") as pipe:
                pickle.dump(task(), pipe)
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        raw = pipe.read()
    _, status = os.waitpid(child, 0)
    return status == 0, pickle.loads(raw) if status == 0 else None


def a_run(config: dict[str, Any], results: Path) -> str:
    """One run to its end; returns its status, or that nothing could be written."""
    try:
        finished = run_job(
            parse_run_config({**config, "results": str(results)}), ["x=y"], ModelPool(), Reporter(quiet=True)
        )
    except HarnessError as error:
        return f"refused: {error.message}"
    return str(finished.record.status)


def killed_run(config: dict[str, Any], results: Path, chance: random.Random) -> Callable[[], str]:
    """A run that dies before one of its operations on files, or after some time, or meets a full disk."""
    kind, at, most = (
        chance.randrange(4),
        chance.randrange(OPERATIONS),
        chance.choice((0, 100, 1000, 3000, 5000, 20_000)),
    )
    seconds = chance.random() * 0.5

    def task() -> str:
        seen = 0

        def before(event: str, _: object) -> None:
            nonlocal seen
            seen += event in ("open", "os.rename", "os.remove", "os.mkdir", "os.listdir", "os.scandir")
            if seen > at:
                os.kill(os.getpid(), signal.SIGKILL)

        if kind == 0:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        elif kind == 1:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, seconds)
        else:
            sys.addaudithook(before)
        return a_run(config, results)

    return task


def content(path: Path) -> object:
    """What a file says, whatever its layout; an exception where it is torn."""
    if path.suffix == ".parquet":
        table = pq.read_table(path, use_threads=False)
        return table.schema.names, table.to_pydict()
    return (
        list(map(json.loads, path.read_text().splitlines()))
        if path.suffix == ".jsonl"
        else json.loads(path.read_text())
    )


def said(path: Path) -> str | None:
    """The content as a text; None where the file is torn."""
    try:
        return repr(content(path))
    except Exception:
        return None


def damage(path: Path, chance: random.Random) -> None:
    """A flipped bit, a lost end, a block of zeros or of noise, another file's beginning."""
    raw = bytearray(path.read_bytes() or b" ")
    at, size = chance.randrange(len(raw)), chance.choice((1, 8, 64, 512))
    kind = chance.randrange(5)
    if kind <= 1:
        raw[at] ^= 1 << chance.randrange(8)
    elif kind == 2:
        del raw[at:]
    else:
        end = min(len(raw), at + size)
        raw[at:end] = bytes(end - at) if kind == 3 else chance.randbytes(end - at)
    path.write_bytes(raw)


def silent_damage(results: Path, chance: random.Random) -> str | None:
    """Damages one file; what was done, if the check does not see it though the content is another."""
    files = sorted(p for p in results.rglob("*") if p.is_file() and not p.name.startswith("."))
    if not files:
        return None
    path = chance.choice(files)
    before = said(path)
    damage(path, chance)
    same = before is not None and said(path) == before
    named = any(str(path) in f"{d.path} {d.what}" for d in check_results(results).damages)
    return None if same or named else f"{path}: damaged and not named"


def outcome(results: Path) -> dict[str, Any]:
    """Everything that a finished folder says, without times: scores, metrics, answers by key with how often each is stored."""
    [path] = (results / "runs").glob("*/record.json")
    record = read_record(path)
    assert record.dataset is not None
    stored: Counter[str] = Counter()
    answers = {}
    for part in (results / "predictions").glob("*/part-*.parquet"):
        try:
            rows = pq.read_table(part, use_threads=False, page_checksum_verification=True).to_pylist()
        except (OSError, ValueError):
            continue
        for row in rows:
            stored[row["key"]] += 1
            answers[row["key"]] = (row["output"], row["label"], row["error"])
    return {
        "status": record.status,
        "metrics": {k: v.model_dump() for k, v in record.metrics.items()},
        "scores": sorted(map(repr, read_scores(path.with_name("scores.parquet")))),
        "refs": sorted(map(repr, read_answers(path.with_name("answers.parquet")))),
        "answers": answers,
        "articles": checked_state(results / "datasets" / f"{record.dataset.fingerprint}.jsonl").articles,
        "stored": stored,
    }


def trial(
    config: dict[str, Any], results: Path, wanted: dict[str, Any], chance: random.Random, counts: Counter[str]
) -> list[str]:
    """Kills, damages, goes on; what is wrong in the end."""
    wrong = []
    damaged = False
    for _ in range(chance.choice((1, 2, 2, 3))):
        done, status = in_child(killed_run(config, results, chance))
        counts["runs"] += 1
        counts[
            "killed"
            if not done
            else "refused"
            if status.startswith("refused") or status == "failed"
            else "came through"
        ] += 1
        if chance.random() < 0.5 and results.exists():
            damaged = True
            ended, silent = in_child(lambda: silent_damage(results, random.Random(chance.random())))
            counts["damages"] += 1
            if silent or not ended:
                counts["silent"] += 1
                wrong.append(silent or "the check did not end")
    for _ in range(2):
        # a failed run's record, or what a damage left, may need a second try
        done, status = in_child(lambda: a_run(config, results))
    if not done or status != "complete":
        counts["lost"] += 1
        return [*wrong, f"does not complete: {status}"]
    done, end = in_child(lambda: outcome(results))
    if not done:
        counts["lost"] += 1
        return [*wrong, "cannot be read in the end"]
    for name in ("refs", "answers", "articles"):
        missing = set(map(repr, wanted[name])) - set(map(repr, end[name]))
        counts["lost"] += len(missing)
        wrong += [f"lost: {m}" for m in missing]
    twice = [k for k, n in end["stored"].items() if n > 1] if not damaged else []
    twice += [s for s, n in Counter(end["scores"]).items() if n > 1]
    counts["doubled"] += len(twice)
    wrong += [f"twice: {t}" for t in twice]
    for name in ("metrics", "scores", "refs", "answers", "articles"):
        if end[name] != wanted[name]:
            counts["silent"] += 1
            wrong.append(f"other {name}")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9)
    args = parser.parse_args()
    chance = random.Random(args.seed)
    counts: Counter[str] = Counter(lost=0, doubled=0, silent=0)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as place:
        dataset = write_dataset(Path(place) / "river", ARTICLES)
        [(config, _)] = compose(["summariser=lead3", "stance=majority", "split=all", f"dataset.path={dataset}"])
        config["metrics"]["resamples"] = 100
        whole = Path(place) / "whole"
        _, (status, modules) = in_child(lambda: (a_run(config, whole), list(sys.modules)))
        assert status == "complete"
        environment()
        for name in modules:
            # what a run needs is loaded once and not by every child
            if name.startswith(("harness.", "numpy.", "scipy", "sklearn")) and name not in sys.modules:
                importlib.import_module(name)
        _, wanted = in_child(lambda: outcome(whole))
        while counts["runs"] < args.runs and time.monotonic() - begun < args.seconds:
            results = Path(place) / "results"
            state = chance.getstate()
            wrong = trial(config, results, wanted, chance, counts)
            counts["trials"] += 1
            for line in wrong[:5]:
                print(f"trial {counts['trials']} ({hash(state) % 10**6}): {line}", flush=True)
            if wrong:
                shutil.copytree(results, KEPT / str(counts["trials"]), dirs_exist_ok=True)
            shutil.rmtree(results, ignore_errors=True)
            if counts["trials"] % 50 == 0:
                print(dict(counts), flush=True)
    print(
        f"{counts['runs']} runs in {counts['trials']} folders: {counts['killed']} killed, {counts['refused']} met a full disk, "
        f"{counts['came through']} came through; {counts['damages']} damages; "
        f"{counts['lost']} lost, {counts['doubled']} doubled, {counts['silent']} silent changes"
    )
    sys.exit(1 if counts["lost"] or counts["doubled"] or counts["silent"] else 0)


if __name__ == "__main__":
    main()
