"""Leases: one claimant, renewal, what a dead or silent one leaves, and eight processes that compute each unit once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from harness.results.leases import Leases, rounds, unit_name
from harness.results.store import Arrivals, PredictionStore
from harness.results.stored_columns import parts_of
from harness.types import Answer, Article, Item, Source, Target

HERE = Path(__file__).parents[2]


def item(article_id: str = "a") -> Item:
    return Item(Article(article_id, "T", f"Text {article_id}.", "e", Source("fictional"), (Target("x", "P."),), ()))


def test_a_lease_has_one_claimant_and_is_free_when_given_back(tmp_path: Path) -> None:
    with Leases(tmp_path) as mine, Leases(tmp_path) as other:
        assert mine.claim("u1")
        assert not other.claim("u1")
        assert other.claim("u2")
        mine.release("u1")
        assert other.claim("u1")
    assert not (tmp_path / "leases").exists(), "nothing is left where nobody works"


@pytest.mark.parametrize("reaped", [True, False])
def test_a_lease_of_a_process_that_is_gone_is_taken_over_at_once(tmp_path: Path, reaped: bool) -> None:
    code = (
        "import os, sys; from pathlib import Path; from harness.results.leases import Leases\n"
        "assert Leases(Path(sys.argv[1])).claim('u1'); os._exit(9)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=HERE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read()  # until it has ended
    if reaped:
        assert process.wait() == 9
    assert list((tmp_path / "leases").iterdir())
    with Leases(tmp_path, expiry=3600) as mine:
        until = time.monotonic() + 10
        while not (claimed := mine.claim("u1")) and time.monotonic() < until:
            time.sleep(0.01)
        assert claimed
    process.wait()


def _of_another_machine(folder: Path, name: str) -> Path:
    """A lease whose process cannot be asked."""
    path = folder / "leases" / f".{name}.lease.tmp"
    path.parent.mkdir(exist_ok=True)
    path.write_text("elsewhere 1 0123")
    return path


def test_a_lease_that_nobody_touches_runs_out_by_the_clock_of_who_waits(tmp_path: Path) -> None:
    path = _of_another_machine(tmp_path, "u1")
    os.utime(path, (4e9, 4e9))  # its clock is decades ahead
    with Leases(tmp_path, expiry=0.2) as mine:
        assert not mine.claim("u1")
        assert not mine.claim("u1")
        time.sleep(0.25)
        assert mine.claim("u1")


def test_a_lease_that_is_touched_does_not_run_out(tmp_path: Path) -> None:
    with Leases(tmp_path, expiry=0.3) as mine, Leases(tmp_path, expiry=0.3) as other:
        other._machine = "elsewhere"  # so that it cannot look whether the process lives
        assert mine.claim("u1")
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            assert not other.claim("u1")
            time.sleep(0.05)


def test_who_was_taken_over_neither_renews_nor_removes_the_new_lease(tmp_path: Path) -> None:
    with Leases(tmp_path) as other:
        with Leases(tmp_path) as mine:
            assert mine.claim("u1")
            path = tmp_path / "leases" / ".u1.lease.tmp"
            path.unlink()
            assert other.claim("u1")
        assert path.exists()
        with Leases(tmp_path) as third:
            assert not third.claim("u1")


def test_a_live_lease_that_was_renamed_away_by_mistake_is_put_back(tmp_path: Path) -> None:
    path = _of_another_machine(tmp_path, "u1")
    leases = Leases(tmp_path)
    read = [("void", 0), ("elsewhere 1 0123", 0)]  # what it saw, and what it has taken
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harness.results.leases._read", lambda path: read.pop(0))
        assert not leases._removed("u1", path)
    assert path.read_text() == "elsewhere 1 0123"
    assert len(list(path.parent.iterdir())) == 1


def test_units_are_claimed_when_they_are_looked_at(tmp_path: Path) -> None:
    with Leases(tmp_path) as leases:
        [units] = list(rounds(["a", "b", "c"], leases, "abc".__getitem__, lambda n: False))[:1] or [None]
        assert units is not None
        held = {p.name for p in (tmp_path / "leases").iterdir() if "process" not in p.name}
        assert held == {".a.lease.tmp"}
        assert units[1] == "b"
        assert len(units) == 3
        assert list(units) == ["a", "b", "c"] == units[:]
        assert units.numbers == [0, 1, 2]
        with pytest.raises(IndexError):
            units[3]


def test_what_another_holds_is_waited_for_and_not_computed(tmp_path: Path) -> None:
    done = set[int]()
    computed = []
    with Leases(tmp_path) as other, Leases(tmp_path) as mine:
        assert other.claim("u1")

        def finish() -> None:
            done.add(1)
            other.release("u1")

        timer = threading.Timer(0.3, finish)
        timer.start()
        for claimed in rounds(["a", "b", "c"], mine, "u{}".format, done.__contains__):
            for number, unit in enumerate(claimed):
                computed.append(unit)
                mine.release(f"u{claimed.numbers[number]}")
        timer.join()
    assert computed == ["a", "c"]


def test_a_process_knows_whether_others_work_or_worked_beside_it(tmp_path: Path) -> None:
    with Leases(tmp_path) as mine:
        assert mine.claim("u1")
        assert mine.alone
        with Leases(tmp_path) as other:
            assert other.claim("u2")
            assert not mine.alone
            assert not other.alone
        assert not mine.alone, "what the other has stored must be looked for still"
        with Leases(tmp_path) as third:
            assert third.claim("u3")
        assert len(list((tmp_path / "leases").iterdir())) == 3, "u1, this process, and one of those that have left"
    assert not (tmp_path / "leases").exists()


def test_arrivals_are_the_keys_of_new_parts_alone(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    store.write("s", "f" * 64, "stance", [("old", item(), Answer("x"))])
    arrivals = Arrivals(store.folder("s", "f" * 64), store.part_names("s", "f" * 64))
    assert arrivals.new_keys() == set()
    store.write("s", "f" * 64, "stance", [("mine", item(), Answer("x"))], "part-8-mine.parquet")
    arrivals.leave_out("part-8-mine.parquet")
    store.write("s", "f" * 64, "stance", [("new", item(), Answer("x"))])
    (store.folder("s", "f" * 64) / "part-9-torn.parquet").write_bytes(b"torn")
    assert arrivals.new_keys() == {"new"}


def test_a_named_part_is_stored_once(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    for output in ("one", "two"):
        store.write("s", "f" * 64, "stance", [("k", item(), Answer(output))], "part-1-u.parquet")
    assert [p.name for p in parts_of(store.folder("s", "f" * 64))] == ["part-1-u.parquet"]
    assert store.read("s", "f" * 64)["k"].answer.output == "two"


WRITERS = """
import multiprocessing, os, sys, time
from pathlib import Path
from harness.results.store import PredictionStore, content_hash
from harness.runs.predict import answer_all, plan
from harness.runs.questions import items_for
from harness.systems.base import Context, Options, System
from harness.types import Answer
from tests.make_believe import dataset

class Slow(System):
    kind = "summariser"
    adapter = "test.slow"
    def reads(self, item, dataset):
        return {"text": item.article.text}
    def answer(self, items, context):
        if os.getpid() == killed.value and items[0].article.id.endswith("7"):
            os._exit(9)
        time.sleep(0.005)
        return [Answer(item.article.text[:20]) for item in items]

data = dataset(200, 2)
items = list(items_for("summariser", data.articles))
killed = multiprocessing.Value("i", 0)

def write(folder):
    system, store = Slow("slow", Options()), PredictionStore(Path(sys.argv[1]) / folder)
    answered = answer_all(system, plan(system, items, data, store), Context(data), store, "summary")
    outputs = content_hash([p.answer.output for p in answered.predictions])
    os.write(1, f"{folder} {answered.n_computed} {len(answered.predictions)} {outputs}\\n".encode())

fork = multiprocessing.get_context("fork")
writers = [fork.Process(target=write, args=("many",)) for _ in range(8)]
for writer in writers:
    writer.start()
killed.value = writers[3].pid
for writer in writers:
    writer.join()
assert sorted(w.exitcode for w in writers) == [0] * 7 + [9], [w.exitcode for w in writers]
write("one")
"""


def test_eight_processes_one_of_them_killed_compute_each_unit_once(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    command = [sys.executable, "-c", WRITERS, str(tmp_path)]
    process = subprocess.run(
        command, cwd=HERE, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert process.returncode == 0, process.stderr
    *together, alone = (line.split() for line in process.stdout.splitlines())
    assert alone[:3] == ["one", "200", "200"]
    assert [line[2:] for line in together] == [alone[2:]] * 7, (
        "everyone ends with all answers, and those of a serial run"
    )
    [folder] = (tmp_path / "many").iterdir()
    counts = Counter(key for part in parts_of(folder) for key in _keys(part))
    assert len(counts) == 200
    assert sum(counts.values()) <= 210, "at most 5 % are computed twice"
    assert len({line[1] for line in together}) > 1, "they shared the work"


def _keys(part: Path) -> list[str]:
    from harness.results.stored_columns import part_columns

    return list(part_columns(part, ("key",))["key"].to_pylist())


def test_the_name_of_a_unit_follows_from_its_keys() -> None:
    assert unit_name(["a", "b"]) == unit_name(iter(["a", "b"])) != unit_name(["ab"])
    assert len(unit_name([])) == 20
