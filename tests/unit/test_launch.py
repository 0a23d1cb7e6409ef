"""Jobs in processes of their own: what they return comes back, and one that is killed costs itself alone."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from pathlib import Path

import pytest

from harness.errors import ConfigError, DataError, HarnessError, Place, SystemFailed, UnknownSystem, ValidationFailed
from harness.results.stored_columns import TornPart
from harness.runs.launch import launch


def work(job: str) -> str:
    if job == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    return job.upper()


def test_a_killed_job_costs_itself_alone(tmp_path: Path) -> None:
    config = {"_target_": "harness.runs.launch.joblib", "n_jobs": 2}
    outcomes = dict(launch(config, ["a", "killed", "b"], work, tmp_path))
    assert (outcomes[0], outcomes[2]) == ("A", "B")
    assert isinstance(outcomes[1], SystemFailed)
    assert outcomes[1].message == "its process was killed (SIGKILL); short of memory?"


def test_submitit_that_is_not_installed_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    config = {"_target_": "harness.runs.launch.submitit_local"}
    with pytest.raises(ConfigError, match="needs submitit") as error:
        list(launch(config, ["a"], work, tmp_path))
    assert "[launchers]" in str(error.value.hint)


@pytest.mark.parametrize(
    "error",
    [
        HarnessError("m", hint="h"),
        DataError(Place("f", 3, "x"), "m", hint="h"),
        ValidationFailed([DataError(Place("f"), "m")]),
        UnknownSystem("stance", "a", ["b"]),
        TornPart(Path("p"), "r"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_travels_whole(error: HarnessError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again).keys() == vars(error).keys()
