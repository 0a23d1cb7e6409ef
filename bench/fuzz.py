"""Random changes of everything that the harness reads: no input may end in anything but an answer or an error of its own.

    python -m bench.fuzz [--inputs 100000] [--seed 1] [--only loader,records,parser,importers,overrides] [--seconds 3600]

Prints for each target the number of inputs, of those that were refused, of uncaught exceptions and of hangs (more than 2 s of
processor time), and writes what led to one into FOLDER/TARGET-NUMBER. Each target runs in a process of its own: one that dies
counts as uncaught. Ends with exit code 1 if there was any.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from bench.fuzzed_files import (
    ARTICLE,
    change_file,
    changed_bytes,
    changed_json,
    changed_value,
    copied,
    import_seeds,
)
from harness.errors import HarnessError

LIMIT = 2.0
"""Seconds of processor time after which an input hangs."""
REPLIES = """
stance: label: never not lean n't no (A) B) A. **C** ** \\boxed{ } { " [ ] , _ : → the clearly İ ﬁ ß <think> </think> ```json
option towards
""".split()  # noqa: SIM905
OVERRIDES = """
limit=3 stance=smollm2 summariser=lead3 dataset.path=x results=r articles=[a,b] metrics/nli=none seed=1 ~judge -m
stance.class=my.py:Mine split=dev,test repeats=range(1,3) experiment=quickstart
""".split()  # noqa: SIM905
Input = tuple[Callable[[], object], object]
"""What is done with an input, and the input itself, to be kept where it breaks something."""
Target = Callable[[Path, random.Random], Callable[[], Input]]


class Hang(BaseException):
    """Raised into an input that takes too long."""


def loader(folder: Path, chance: random.Random) -> Callable[[], Input]:
    """Datasets as YAML, JSON Lines and Parquet, and cards."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import yaml

    from harness.data.load import load_dataset

    river = folder / "river"
    (river / "articles").mkdir(parents=True)
    card, article = b"name: river\nversion: 1\ncomplete: false\n", yaml.safe_dump(ARTICLE, sort_keys=False).encode()
    line = json.dumps(ARTICLE).encode()
    pq.write_table(pa.Table.from_pylist([ARTICLE]), folder / "seed.parquet")
    parquet = (folder / "seed.parquet").read_bytes()

    def one() -> Input:
        roll = chance.random()
        if roll < 0.2:
            (river / "dataset.yaml").write_bytes(changed_bytes(card, chance) if roll < 0.03 else card)
            (path := river / "articles" / "a.yaml").write_bytes(
                changed_bytes(article, chance) if roll >= 0.03 else article
            )
            return lambda: load_dataset(river), path
        if roll < 0.3:
            path = folder / "a.parquet"
            path.write_bytes(changed_bytes(parquet, chance))
        else:
            path = folder / "a.jsonl"
            path.write_bytes(changed_json(line, chance))
        return lambda: load_dataset(path), path

    return one


def records(folder: Path, chance: random.Random) -> Callable[[], Input]:
    """Run records, scores, answers, parts and snapshots; what lists and prunes the folder meets them, too."""
    from harness.cli.listing import listing
    from harness.results.prune import plan_pruning
    from harness.results.records import read_answers, read_record, read_scores
    from harness.results.states import checked_state
    from harness.results.stored_columns import part_schema, stored_answers
    from harness.runs.sweep import run
    from harness.runtime.terminal import text_console
    from tests.conftest import write_dataset

    results = folder / "results"
    run(
        summariser="lead3",
        stance="majority",
        results=str(results),
        **{"dataset.path": str(write_dataset(folder / "river"))},
    )
    quiet = text_console(quiet=True)
    [run_folder] = (results / "runs").iterdir()
    readers: dict[Path, Callable[[Path], object]] = {
        run_folder / "record.json": read_record,
        run_folder / "scores.parquet": read_scores,
        run_folder / "answers.parquet": read_answers,
        next((results / "datasets").iterdir()): checked_state,
        next((results / "predictions").glob("lead3*/part*")): lambda path: stored_answers(
            path.parent, part_schema().names
        ),
    }
    seeds = {path: path.read_bytes() for path in readers}
    record = run_folder / "record.json"
    plain = json.loads(seeds[record])
    del plain["digest"]
    bare = json.dumps(plain).encode()

    def one() -> Input:
        path = record if chance.random() < 0.8 else chance.choice(list(readers))
        before = seeds[path] if path != record else bare
        path.write_bytes(changed_json(before, chance) if path == record else changed_bytes(before, chance))

        def read() -> None:
            try:
                if path == record and chance.random() < 0.05:
                    quiet.print(listing("runs", results))
                    plan_pruning(results, failed=True, unused=True)
                readers[path](path)
            finally:
                kept.write_bytes(path.read_bytes())
                path.write_bytes(seeds[path])

        return read, kept

    kept = folder / "kept"
    return one


def parser(_: Path, chance: random.Random) -> Callable[[], Input]:
    """Replies of models: labels, letters, JSON, thoughts, refusals, lists."""
    from harness.systems.parsing import parse_choice, parse_label
    from harness.text.replies import first_problem, open_reply, refusal
    from harness.types import STANCES

    words = [*REPLIES, *(name for s in STANCES for name in (s.value, s.value.replace("_", " ")))]
    words += [
        "\n",
        " ",
        "\t",
        '{"stance": "',
        '"}',
        "As an AI",
        "I cannot",
        "answer is",
        "I would choose",
        "\u202e",
        "\ud800",
    ]

    def one() -> Input:
        size = chance.choice((3, 8, 20, 60)) if chance.random() < 0.995 else 3000
        pieces = [
            chance.choice(words) * (chance.randrange(1, 400) if chance.random() < 0.01 else 1) for _ in range(size)
        ]
        text = chance.choice(("", " ", " ", "\n")).join(pieces)

        def read() -> None:
            reply = open_reply(text, chance.choice((None, "stop", "length")))
            parse_label(text)
            parse_choice(text, STANCES)
            first_problem([reply])
            refusal([reply])

        return read, text

    return one


def importers(folder: Path, chance: random.Random) -> Callable[[], Input]:
    """Files of every foreign format and log, by name or as what they are taken for; what is read is made articles."""
    from harness.data.answers.read import read_answers
    from harness.data.answers.shape import Words
    from harness.data.convert import read_foreign
    from harness.data.formats.guess import guess_format
    from tests.conftest import ROOT

    seeds = import_seeds(folder)
    # the small ones more often: most of what a reader does, it does with one record
    sizes = [
        sum(f.stat().st_size for f in p.rglob("*") if f.is_file()) if p.is_dir() else p.stat().st_size
        for _, p, _ in seeds
    ]
    weights = [1 / (2000 + size) for size in sizes]
    answered = [p for p in (ROOT / "tests" / "answered").rglob("*") if p.suffix in (".eval", ".csv", ".jsonl")]
    work = folder / "work"
    work.mkdir()

    def one() -> Input:
        if chance.random() < 0.15:
            path = copied(chance.choice(answered), work)
            change_file(path, chance)
            return lambda: read_answers(path, Words(), pairs=chance.random() < 0.7), path
        [(name, seed, mapping)] = chance.choices(seeds, weights)
        path = copied(seed, work)
        inner = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
        change_file(chance.choice(inner), chance)

        def read() -> None:
            guessed = name
            if chance.random() < 0.1:
                guessed = guess_format(path).name
            read_foreign(guessed, path, mapping)

        return read, path

    return one


def overrides(_: Path, chance: random.Random) -> Callable[[], Input]:
    """Words of the command line, up to the config that they make; configs with odd values."""
    from harness.config import parse_run_config
    from harness.runs.composition import readable
    from harness.runs.overrides import prepared
    from harness.runs.sweep import _missing, compose

    words = [*OVERRIDES, "+stance.extra_body={a: 1}"]
    config, _ = compose(["summariser=lead3", "stance=sentiment", "limit=2"])[0]

    def one() -> Input:
        roll = chance.random()
        if roll < 0.5:
            odd = changed_value(config, chance)
            return lambda: (_missing(odd), parse_run_config(odd) if isinstance(odd, dict) else None), odd
        typed = [
            changed_bytes(w.encode(), chance).decode("utf-8", "surrogateescape")[:400] for w in chance.sample(words, 2)
        ]
        if roll < 0.502:
            return lambda: compose(typed), typed
        return lambda: readable(prepared(typed)), typed

    return one


TARGETS: dict[str, Target] = {
    "loader": loader,
    "records": records,
    "parser": parser,
    "importers": importers,
    "overrides": overrides,
}


def run_target(name: str, inputs: int, seed: int, seconds: float, kept: Path) -> Counter[str]:
    """Draws and reads that many inputs, or as many as the time allows; what breaks something is kept."""
    chance = random.Random(f"{name} {seed}")
    counts: Counter[str] = Counter()

    def alarm(*_: object) -> None:
        raise Hang

    signal.signal(signal.SIGPROF, alarm)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as place:
        one = TARGETS[name](Path(place), chance)
        while counts["inputs"] < inputs and time.monotonic() - begun < seconds:
            counts["inputs"] += 1
            read, thing = one()
            signal.setitimer(signal.ITIMER_PROF, LIMIT)
            problem = None
            try:
                read()
            except HarnessError as error:
                counts["refused"] += 1
                str(error)
            except Hang:
                problem = "hang"
            except Exception as error:
                problem = "uncaught"
                counts[f"{type(error).__name__} in {traceback.extract_tb(error.__traceback__)[-1].name}"] += 1
                if counts[problem] < 20:
                    traceback.print_exc()
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            if problem is not None:
                counts[problem] += 1
                keep(thing, kept / f"{name}-{counts['inputs']}")
            if counts["inputs"] % 20_000 == 0:
                print(f"{name}: {dict(counts)}", flush=True)
    return counts


def keep(thing: object, to: Path) -> None:
    """The input that broke something, for whoever mends it."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(thing, Path) and thing.is_dir():
        shutil.copytree(thing, to, dirs_exist_ok=True)
    elif isinstance(thing, Path):
        shutil.copy(thing, to)
    else:
        to.write_text(repr(thing), encoding="utf-8")


def main() -> None:
    parser_ = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser_.add_argument("--inputs", type=int, default=100_000)
    parser_.add_argument("--seed", type=int, default=1)
    parser_.add_argument("--only", default=",".join(TARGETS))
    parser_.add_argument("--seconds", type=float, default=1e9, help="for each target")
    parser_.add_argument("--kept", type=Path, default=Path(tempfile.gettempdir()) / "harness-fuzz")
    parser_.add_argument("--here", action="store_true", help="in this process")
    args = parser_.parse_args()
    broken = 0
    for name in args.only.split(","):
        if args.here:
            counts = run_target(name, args.inputs, args.seed, args.seconds, args.kept)
            died = 0
            print(
                f"{name}: {counts['inputs']:,} inputs, {counts['refused']:,} refused, {counts['uncaught']} uncaught, "
                f"{counts['hang']} hangs over {LIMIT:g} s",
                *(f"{k} {v}" for k, v in counts.items() if " in " in k),
            )
            broken += counts["uncaught"] + counts["hang"]
            continue
        own = [f"--{k}={getattr(args, k)}" for k in ("inputs", "seed", "seconds", "kept")]
        died = subprocess.run(
            [sys.executable, "-m", "bench.fuzz", f"--only={name}", "--here", *own], check=False
        ).returncode
        if died not in (0, 1):
            print(f"{name}: the process died ({died})")
        broken += died != 0
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
