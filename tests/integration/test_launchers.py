"""Sweeps whose runs are processes of their own: records as ever, and one that is killed is recorded and named."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Harness

KILLED = """
import os, signal
from harness.systems.base import System
from harness.types import Answer, Stance

class Fine(System):
    kind = "stance"
    def reads(self, item, dataset):
        return {"text": item.article.text}
    def answer(self, items, context):
        return [Answer("support", label=Stance.SUPPORT, path="x") for item in items]

class Killed(Fine):
    def answer(self, items, context):
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_of_a_sweep_is_recorded_and_named(harness: Harness, river: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(KILLED)
    sweep = ["summariser=none", f"dataset.path={river}", "allow_code=true", "results=out"]
    process = harness(
        "run",
        "-m",
        "hydra/launcher=joblib",
        "hydra.launcher.n_jobs=2",
        "stance.class=mine.py:Fine,mine.py:Killed",
        *sweep,
        code=1,
    )
    said = " ".join(process.stderr.split())
    assert "failed: killed-river-dev" in said
    assert "its process was killed (SIGKILL); short of memory?" in said
    assert "1 of 2 runs failed" in said
    records = [json.loads(p.read_text()) for p in (tmp_path / "out" / "runs").glob("*/record.json")]
    states = {record["config"]["stance"]["class"]: record["status"] for record in records}
    assert states == {"mine.py:Fine": "complete", "mine.py:Killed": "failed"}


def test_a_launcher_that_there_is_not_is_named(harness: Harness, river: Path) -> None:
    process = harness("run", "-m", "hydra/launcher=joblip", f"dataset.path={river}", code=1)
    assert "Traceback" not in process.stderr
    assert "joblip" in process.stderr
