"""Shared by all tests: a small labelled dataset on disk, and the real command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]
# `make test` draws the same examples every time; `make fuzz` draws new ones
settings.register_profile("same_examples", derandomize=True)
settings.register_profile("new_examples", print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same_examples"))
# two processes of tests share the cores, and so do the commands that they start
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# no test needs the hub, and without a network each question to it waits through its retries
os.environ.setdefault("HF_HUB_OFFLINE", "1")

ARTICLE = """\
id: {id}
title: The river council meets
text: |
  The river council meets

  Minister Ada Brandt demanded that the gates be shut. General Olm warned that shutting them would bring war.

  The town of Ferris has not made up its mind.
event: {event}
split: {split}
source: {{kind: fictional}}
targets:
- {{id: escalation, proposition: "The speaker's own side should raise the conflict's intensity or scope."}}
- {{id: gates, proposition: "The council may shut the gates.", direction: escalate, rung: 2}}
speakers:
- {{id: brandt, name: Ada Brandt, aliases: [Brandt], side: north, main: true}}
- {{id: olm, name: Olm, aliases: [General Olm], side: north, main: true}}
summaries:
- {{annotator: one, text: "Minister Brandt wants the gates shut. Olm warns of war."}}
gold:
  adjudicator: chief
  stances:
  - {{speaker: brandt, target: escalation, stance: {stance}, evidence: [Minister Ada Brandt demanded that the gates be shut]}}
  - {{speaker: brandt, target: gates, stance: {stance}, evidence: [demanded that the gates be shut]}}
  - {{speaker: olm, target: escalation, stance: oppose, evidence: [shutting them would bring war]}}
  - {{speaker: olm, target: gates, stance: oppose, evidence: [shutting them would bring war]}}
"""


def write_dataset(folder: Path, n: int = 3) -> Path:
    """A dataset of `n` articles of `n` events; the stance of the first speaker differs between them."""
    (folder / "articles").mkdir(parents=True)
    (folder / "dataset.yaml").write_text("name: river\nversion: 1\nlicence: CC0-1.0\n", encoding="utf-8")
    for i in range(n):
        stance = ("support", "lean_support", "support")[i % 3]
        content = ARTICLE.format(
            id=f"river-{i}", event=f"event-{i}", split="dev" if i % 2 == 0 else "test", stance=stance
        )
        (folder / "articles" / f"river-{i}.yaml").write_text(
            content.replace("bring war.\n", f"bring war in month {i}.\n"), encoding="utf-8"
        )
    return folder


@pytest.fixture
def river(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "river")


Harness = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    """Runs the real command line in `tmp_path`, offline, with wide output; returns the finished process."""

    def call(*args: str, code: int | None = 0, **env: str) -> subprocess.CompletedProcess[str]:
        process = subprocess.run(
            [sys.executable, "-m", "harness.cli", *args],
            cwd=tmp_path,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "COLUMNS": "200", "NO_COLOR": "1", **env},
            capture_output=True,
            text=True,
            timeout=600,
        )
        if code is not None:
            assert process.returncode == code, process.stdout + process.stderr
        return process

    return call
