"""A wheel built from the project runs outside the checkout, with configs and the gold set, and without the seed article's text."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_wheel_runs_outside_the_checkout(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "site")
    assert not any(n.startswith("datasets/") for n in names), "a top-level datasets/ would overwrite Hugging Face's"
    assert "harness/_share/configs/run.yaml" in names
    assert "harness/_share/datasets/escalation/dataset.yaml" in names
    assert not any("nato-weapons-russian-soil" in n for n in names)
    work = tmp_path / "work"
    work.mkdir()
    process = subprocess.run(
        [sys.executable, "-m", "harness.cli", "run", "summariser=lead3", "stance=sentiment", "limit=2"],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    assert len(list((work / "results" / "runs").glob("*/record.json"))) == 1
    where = subprocess.run(
        [sys.executable, "-c", "import harness; print(harness.__file__)"],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(tmp_path) in where.stdout
