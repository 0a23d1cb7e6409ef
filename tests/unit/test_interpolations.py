"""No value of the environment gets into a config, a record or an error, in whichever field or way it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.main import cli
from harness.errors import ConfigError
from harness.runs.sweep import compose

SECRET = "zq-SEEDED-0123456789"
FIELDS = [
    "summariser.sentences=${oc.env:SEEDED}",
    "summariser.description=${oc.env:SEEDED}",
    "+stance.extra={a: '${oc.env:SEEDED}'}",
    "results=${oc.env:SEEDED}",
    "dataset.path='${oc.decode:${oc.env:SEEDED}}'",
    "split=${oc.env:SEEDED,dev}",
    "limit=${oc.env:SEEDED}",
    "seed=1,${oc.env:SEEDED}",
]


@pytest.mark.parametrize("word", FIELDS)
def test_the_environment_is_closed_to_every_field(word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEEDED", SECRET)
    for words in ([word], [word, "-m"], [word, "--cfg", "job", "--resolve"]):
        done = CliRunner().invoke(cli, ["run", "stance=none", "limit=1", *words])
        assert SECRET not in f"{done.output} {done.exception!r}"
        assert list(tmp_path.rglob("*")) == []
        if words == [word, "-m"]:
            assert done.exit_code != 0
            assert "no values from the environment" in f"{done.output} {done.exception}"


def test_hydras_own_settings_reach_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEEDED", SECRET)
    done = CliRunner().invoke(cli, ["run", "stance=none", "limit=1", "hydra.run.dir=${oc.env:SEEDED}"])
    assert "no values from the environment" in f"{done.output} {done.exception}"
    assert SECRET not in f"{done.output} {done.exception!r}"
    assert list(tmp_path.rglob("*")) == []


def test_a_config_file_reaches_no_environment_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDED", SECRET)
    (tmp_path / "mine" / "stance").mkdir(parents=True)
    own = "name: own\nadapter: stance.majority\ndescription: ${oc.env:SEEDED}\n"
    (tmp_path / "mine" / "stance" / "own.yaml").write_text(own, encoding="utf-8")
    words = ["run", "--config-dir", str(tmp_path / "mine"), "stance=own", "limit=1", f"results={tmp_path / 'r'}"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 1
    assert "stance.description: ${oc.env:SEEDED}" in done.output
    assert SECRET not in done.output
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("word", ["seed=${nowhere}", "limit=${oc.nowhere:1}", "seed=${seed}"])
def test_what_cannot_be_resolved_is_explained(word: str) -> None:
    with pytest.raises(ConfigError) as raised:
        compose([word])
    assert raised.value.message


def test_the_resolver_of_others_is_as_it_was_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    from omegaconf import OmegaConf

    monkeypatch.setenv("SEEDED", SECRET)
    compose(["seed=3"])
    assert OmegaConf.create({"a": "${oc.env:SEEDED}"}).a == SECRET
