"""All probes over one trie: the answers are those of each run alone, and what the prompts share is computed once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.config import RunConfig, SystemConfig, parse_run_config
from harness.errors import ConfigError
from harness.models.pool import ModelPool
from harness.results.states import snapshot
from harness.results.store import PredictionStore
from harness.runs.job import run_job
from harness.runs.predict import plan
from harness.runs.prepare import prepare
from harness.runs.probes import changed_section, suite
from harness.runs.questions import items_for
from harness.runs.together import answer_together, units_of
from harness.runtime.progress import Reporter
from harness.systems.rewording import TEMPLATES, reworded
from tests.make_believe import dataset
from tests.tiny import save_tiny

PROMPT = "{article} Statement: {target} Stance of {speaker}: oppose, lean oppose, neutral, lean support, support, or no stance?"
ANSWERS = {
    "oppose": "oppose",
    "lean_oppose": "lean oppose",
    "neutral": "neutral",
    "lean_support": "lean support",
    "support": "support",
    "no_stance": "no stance",
}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("together")
    return {
        "dataset": {"path": str(snapshot(folder, dataset(3, 2)))},
        "stance": {
            "name": "tiny",
            "adapter": "causal_choice",
            "model": str(save_tiny(folder / "tiny", num_hidden_layers=1, window=2048)),
            "dtype": "float32",
            "base_model": True,
            "prompt": PROMPT,
            "answer_prefix": " ",
            "answers": ANSWERS,
        },
        "metrics": {"resamples": 100},
        "executor": {"device": "cpu"},
        "split": "all",
    }


def config(raw: dict[str, Any], results: Path, **probe: str) -> RunConfig:
    return parse_run_config({**raw, "results": str(results), "probe": probe})


def labels(results: Path, run: RunConfig) -> dict[str, Any]:
    """The stored answers of a run, all of which must be there."""
    job = prepare(run)
    work = plan(
        job.systems["stance"],
        list(items_for("stance", job.articles)),
        job.learned_from,
        PredictionStore(results / "predictions"),
    )
    assert work.n_missing == 0
    return {item.id: work.stored[key].answer for key, item in zip(work.keys, work.items, strict=True)}


def test_answers_together_are_those_of_each_run_alone(raw: dict[str, Any], tmp_path: Path) -> None:
    jobs = suite(config(raw, tmp_path / "together", name="order")) + suite(
        config(raw, tmp_path / "together", name="no_article")
    )
    pool, reporter = ModelPool(), Reporter(quiet=True)
    answer_together(jobs, pool, reporter)
    for job in jobs:
        finished = run_job(job, [], pool, reporter).record
        assert finished.error is None
        assert finished.system("stance").n_computed == 0  # type: ignore[union-attr]
        alone = job.model_copy(update={"results": tmp_path / "alone"})
        assert run_job(alone, [], pool, reporter).record.error is None
        one, other = labels(tmp_path / "together", job), labels(tmp_path / "alone", alone)
        assert one.keys() == other.keys()
        for item in one:
            assert one[item].label is other[item].label
            assert one[item].scores == pytest.approx(other[item].scores, abs=1e-4)


def test_a_unit_holds_every_question_over_one_article_once(raw: dict[str, Any], tmp_path: Path) -> None:
    jobs = [prepare(c) for c in suite(config(raw, tmp_path, name="order"))]
    store = PredictionStore(tmp_path / "predictions")
    work = [(j, plan(j.systems["stance"], list(items_for("stance", j.articles)), j.learned_from, store)) for j in jobs]
    units = list(units_of(work))
    assert len(units) == 3
    # four pairs an article in 1 + 2 + 5 prompts; speakers and targets the other way round ask the same questions
    assert [len(unit) for unit in units] == [4 * 8] * 3


def test_the_unchanged_run_comes_first_and_asks_the_classifier_alone(raw: dict[str, Any], tmp_path: Path) -> None:
    whole = {
        **raw,
        "summariser": {"name": "lead3", "adapter": "lead"},
        "results": str(tmp_path),
        "probe": {"name": "order"},
    }
    first, *rest = suite(parse_run_config(whole))
    assert first.probe is None
    assert first.summariser is None
    assert [c.probe.variant for c in rest if c.probe][:2] == ["speakers", "targets"]
    assert prepare(first).run_id == prepare(parse_run_config({**raw, "results": str(tmp_path)})).run_id
    ids = {prepare(c).run_id for c in (first, *rest)}
    assert len(ids) == 1 + len(rest)


def test_prompts_show_the_systems_own_words(raw: dict[str, Any], tmp_path: Path) -> None:
    section = SystemConfig.model_validate(raw["stance"])
    for variant in TEMPLATES:
        prompt = reworded(section, variant).options["prompt"]
        assert "oppose, lean oppose, neutral, lean support, support, or no stance" in prompt
        assert prompt.startswith("{article}\n")
    turned = reworded(section, "options_reversed").options["prompt"]
    assert "no stance, support, lean support, neutral, lean oppose, or oppose?" in turned
    with pytest.raises(ConfigError, match="majority has no prompt"):
        reworded(SystemConfig(name="majority", adapter="majority"), "template_1")
    with pytest.raises(ConfigError, match="does not list its answers"):
        reworded(
            SystemConfig.model_validate({**raw["stance"], "prompt": "{article} {speaker} {target}?"}),
            "options_reversed",
        )
    file = {"name": "elsewhere", "adapter": "from_file", "path": "answers.csv"}
    of_file = parse_run_config({**raw, "stance": file, "results": str(tmp_path), "probe": {"name": "no_article"}})
    with pytest.raises(ConfigError, match="answers in a file were given to the articles as they are"):
        changed_section(of_file)


def test_a_probe_needs_a_classifier(raw: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="a probe asks a stance classifier"):
        suite(parse_run_config({"dataset": raw["dataset"], "probe": {"name": "all"}}))
