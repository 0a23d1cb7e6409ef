"""A run on a Ray cluster of three nodes, one of which is killed with work in flight, against the same run in one process.

    python tests/external/ray_cluster.py

In an environment with the extra `ray`; it takes about two minutes and 3 GB of memory. Once the workers share the results folder,
once their answers travel back. Scores and answers must be equal byte for byte, every answer but for its times, and every
key stored once. At the end a driver with another token must be told so. The exit status counts what was not so.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

SLOW = """
import time
from harness.systems.base import System
from harness.types import Answer, Stance

class Slow(System):
    kind = "stance"
    def reads(self, item, dataset):
        return {"text": item.article.text, "speaker": item.speaker.id, "target": item.target.id}
    def answer(self, items, context):
        time.sleep(0.5)
        stances = list(Stance)
        return [Answer(s := stances[(len(i.article.text) + len(i.id)) % 6], label=s, path="slow") for i in items]
"""
TIMES = ("seconds", "created_at")


def run(results: Path, folder: Path, *overrides: str) -> Any:
    """The record of the run."""
    from harness import run

    words = (f"stance.class={folder}/slow.py:Slow", "allow_code=true", "summariser=none", "split=dev", "limit=30")
    [record] = run(*words, *overrides, f"results={results}", quiet=False)
    assert record.error is None, record.error
    return record


def contents(results: Path, run_id: str) -> dict[str, Any]:
    """What must be equal: files of the run, and the stored answers without their times."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts = sorted((results / "predictions").glob("*/part-*.parquet"))
    table = pa.concat_tables([pq.read_table(part) for part in parts]).drop_columns(list(TIMES)).sort_by("key")
    files = {name: (results / "runs" / run_id / name).read_bytes() for name in ("scores.parquet", "answers.parquet")}
    return {**files, "answers": table.to_pylist(), "rows": Counter(table["key"].to_pylist())}


def kill_when_busy(cluster: Any, node: Any, results: Path, killed: list[float]) -> None:
    """Ends a node hard as soon as a few units of the slow system are stored."""
    while len(list((results / "predictions").glob("slow-*/part-*.parquet"))) < 6:
        time.sleep(0.05)
    cluster.remove_node(node, allow_graceful=False)
    killed.append(time.time())


def main() -> int:
    """The number of differences."""
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}  # before Ray reads them
    import ray
    from ray.cluster_utils import Cluster

    from harness.runs import fleet

    problems = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "slow.py").write_text(SLOW)
        alone = run(folder / "alone", folder)
        expected = contents(folder / "alone", alone.run_id)
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        cluster.add_node(num_cpus=1)
        real = fleet.Order

        def unseen(*fields: Any) -> fleet.Order:
            return real(*fields[:-1], Path("/nowhere/at/all"))

        for way, order in (("shared folder", real), ("streamed back", unseen)):
            node, killed = cluster.add_node(num_cpus=1), []
            cluster.wait_for_nodes()
            results = folder / way.replace(" ", "-")
            killer = threading.Thread(target=kill_when_busy, args=(cluster, node, results, killed), daemon=True)
            killer.start()
            started = time.time()
            with patch.object(fleet, "Order", order):
                record = run(
                    results, folder, "executor=ray", f"executor.address={cluster.address}", "executor.workers=3"
                )
            ended = time.time()
            actual = contents(results, record.run_id)
            doubled = sum(n - 1 for n in actual["rows"].values())
            lost = len(expected["rows"].keys() - actual["rows"].keys())
            differing = [key for key in expected if actual[key] != expected[key]]
            metrics = record.metrics == alone.metrics
            print(
                f"{way}: {len(actual['rows'])} answers in {ended - started:.0f} s, node killed after "
                f"{killed[0] - started:.0f} s; lost {lost}, doubled {doubled}, differing {differing or 'none'}, "
                f"metrics {'equal' if metrics else 'DIFFER'}"
            )
            problems += lost + doubled + len(differing) + (not metrics) + (not started < killed[0] < ended)
            ray.shutdown()
        command = [sys.executable, "-m", "harness.cli", "run", "stance=majority", "executor=ray"]
        command += [f"executor.address={cluster.address}", f"results={folder}/token"]
        refused = subprocess.run(
            command, env={**os.environ, "RAY_AUTH_TOKEN": "0" * 64},
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        print("another token:", refused.returncode, refused.stderr.strip()[-600:])
        problems += "know this machine's token" not in refused.stderr
        cluster.shutdown()
    print("problems:", problems)
    return problems


if __name__ == "__main__":
    sys.exit(main())
