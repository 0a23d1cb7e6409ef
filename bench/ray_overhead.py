"""What a worker of a Ray cluster costs, and what a second one brings: 200 units of an article each that take 0.5 s.

    python -m bench --only cluster     (in an environment with the extra `ray`)

The units sleep, so that a busy machine changes little. Local, one worker and two workers run one after the other; the start
of the cluster is told apart.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.peers import Row
from harness.config import ExecutorConfig
from harness.results.store import PredictionStore
from harness.runs.fleet import Fleet
from harness.runs.predict import answer_all, plan
from harness.runs.questions import items_for
from harness.systems.base import Context, Options, System
from harness.types import Answer, Dataset

UNITS, SECONDS = 200, 0.5


class Asleep(System):
    """Takes its time for every article."""

    kind = "summariser"
    adapter = "bench.asleep"

    def reads(self, item: Any, dataset: Dataset) -> dict[str, Any]:
        return {"text": item.article.text}

    def answer(self, items: Any, context: Context) -> list[Answer]:
        time.sleep(SECONDS)
        return [Answer(item.article.title, seconds=SECONDS) for item in items]


def main() -> list[Row]:
    """Two rows; without Ray they say so."""
    if importlib.util.find_spec("ray") is None:
        return [
            {"name": "units on a Ray cluster", "target": "", "note": "not measured: the extra `ray` is not installed"}
        ]
    from tests.make_believe import dataset

    data = dataset(UNITS, 2)
    with tempfile.TemporaryDirectory() as name:
        here, _ = seconds(data, Path(name) / "local", None)
        one, start = seconds(data, Path(name) / "one", ExecutorConfig(name="ray", workers=1, num_cpus=0.5))
        two, _ = seconds(data, Path(name) / "two", ExecutorConfig(name="ray", workers=2, num_cpus=0.5))
    what = f"{UNITS} units of {SECONDS} s"
    return [
        {
            "name": f"{what}: one Ray worker / this process",
            "ours_s": one,
            "peer_s": here,
            "ratio": here / one,
            "target": "overhead <= 15 %, so ratio >= 0.87",
            "note": f"overhead {one / here - 1:.1%}; cluster and first worker started in {start:.0f} s",
        },
        {
            "name": f"{what}: two Ray workers / one",
            "ours_s": two,
            "peer_s": one,
            "ratio": one / two,
            "target": ">= 1.7",
            "note": "both started before",
        },
    ]


def seconds(data: Dataset, folder: Path, executor: ExecutorConfig | None) -> tuple[float, float]:
    """Seconds of all units, and those until all workers had started."""
    system, store = Asleep("asleep", Options()), PredictionStore(folder)
    fleet = None if executor is None else Fleet(executor)
    started = time.perf_counter()
    if fleet is not None:
        fleet.start()
    begun = time.perf_counter()
    work = plan(system, list(items_for("summariser", data.articles)), data, store)
    answered = answer_all(system, work, Context(data), store, "summary", fleet=fleet)
    ended = time.perf_counter()
    assert answered.n_computed == UNITS
    if fleet is not None:
        fleet.close()
    return ended - begun, begun - started


if __name__ == "__main__":
    for row in main():
        print(row)
