"""The configs of a sweep are those that Hydra composes one by one, and what Hydra alone can run is left to it."""

from __future__ import annotations

import hydra
import pytest
from omegaconf import OmegaConf

from harness.errors import ConfigError
from harness.runs.composition import composed
from harness.runs.overrides import prepared
from harness.runs.sweep import compose
from harness.runtime.paths import config_dir

SWEEPS = [
    ["summariser=lead3,none", "stance=majority,sentiment", "limit=1,2", "judge=none"],
    ["seed=range(0,3)", "dataset=folder", "dataset.path=my texts, June"],
    ["experiment=quickstart", "limit=4"],
    ["summariser=none", "stance.options.x=1", "articles=[a,b]"],
    ["metrics/bertscore=minilm,none", "judge=minilm_probe"],
    ["experiment=reference_summaries,reference_stances,quickstart", "stance=none"],
]


@pytest.mark.parametrize("words", SWEEPS, ids=" ".join)
def test_a_job_has_the_config_that_hydra_composes_for_it(words: list[str]) -> None:
    jobs = compose(words)
    assert len(jobs) == {0: 8, 1: 6, 2: 9, 3: 1, 4: 2, 5: 3}[SWEEPS.index(words)]
    with hydra.initialize_config_dir(str(config_dir()), version_base="1.3"):
        for config, overrides in jobs:
            alone = hydra.compose("run", overrides=prepared(overrides))
            assert config == OmegaConf.to_container(alone, resolve=True)


@pytest.mark.parametrize(
    "words",
    [
        ["--cfg", "job"],
        ["hydra/launcher=joblib"],
        ["hydra.job.name=x"],
        ["results=${hydra:job.name}"],
        ["--config-dir", "x"],
    ],
    ids=" ".join,
)
def test_what_hydra_alone_can_run_is_left_to_it(words: list[str]) -> None:
    assert composed(prepared(words)) is None
    if not words[0].startswith("--"):
        with pytest.raises(ConfigError, match="command line"):
            compose(words)
