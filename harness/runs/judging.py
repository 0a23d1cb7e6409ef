"""`harness judge check`: asks a stance classifier what the labelled summaries convey, and scores it as a judge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.config import RunConfig, SystemConfig, parse_run_config
from harness.errors import ConfigError
from harness.models.pool import ModelPool
from harness.results.store import PredictionStore
from harness.runs.fleet import Fleet
from harness.runs.predict import answer_all, plan
from harness.runs.questions import judge_items
from harness.runs.selection import frozen_set, read_articles, select
from harness.runs.sweep import compose
from harness.runtime.files import write_text
from harness.runtime.paths import config_dir
from harness.runtime.progress import Reporter
from harness.systems.base import Context
from harness.systems.registry import build
from harness.types import Answered, Item

FOLDER = "judges"
READINGS = ("article", "reference", "other")
"""Texts that preserve everything or nothing, which a judge must tell apart."""


def check_judges(overrides: Sequence[str], reporter: Reporter) -> list[dict[str, Any]]:
    """The check of each judge that `judge=a,b` names, written into the results folder, too, as `judges/NAME-FINGERPRINT.json`.

    A judge is a config of `judge`, or of `stance` where that has none of the name. Raises ConfigError without a judge, or where
    nobody labelled summaries of the articles.
    """
    names = [o.partition("=")[2] for o in overrides if o.startswith("judge=")]
    if not names:
        raise ConfigError("no judge is named", hint="harness judge check judge=minilm_probe,sentiment")
    others = [o for o in overrides if not o.startswith("judge=")]
    checks = []
    pool = None
    for name in names[0].split(","):
        config, judge = _configured(name, others)
        pool = pool or ModelPool(int(config.executor.model_memory_gb * 2**30))
        check = check_judge(config, judge, pool, reporter)
        path = config.results / FOLDER / f"{check['judge']}-{check['fingerprint'][:8]}.json"
        write_text(path, json.dumps(check, indent=1, sort_keys=True) + "\n")
        checks.append(check)
    if pool is not None:
        pool.release()
    return checks


def _configured(name: str, overrides: Sequence[str]) -> tuple[RunConfig, SystemConfig]:
    role = "judge" if (config_dir() / "judge" / f"{name}.yaml").is_file() else "stance"
    fields = [f"{role}.{o.removeprefix('judge.')}" if o.startswith("judge.") else o for o in overrides]
    silent = {"summariser", "stance", "judge"} - {role}
    [(raw, _)] = compose([f"{role}={name}", *(f"{other}=none" for other in sorted(silent)), *fields])
    config = parse_run_config(raw)
    section = config.judge if role == "judge" else config.stance
    if section is None:
        raise ConfigError(f"judge={name} is no judge", hint="harness list systems names the stance classifiers")
    return config, section


def check_judge(config: RunConfig, judge: SystemConfig, pool: ModelPool, reporter: Reporter) -> dict[str, Any]:
    """One judge on the config's articles: asks what is not stored, and returns its check as `judge_check` describes it."""
    from harness.scoring.judge_check import NO_LABELS, frozen_readings, judge_check
    from harness.scoring.material import Material
    from harness.scoring.preservation import read_outcomes

    dataset = read_articles(config)
    articles = select(dataset, config)
    labelled = frozen_readings(frozen_set(config), articles)
    if not labelled:
        hint = "harness data sample-judge and harness label --summaries make some"
        raise ConfigError(f"{config.dataset.path}: {NO_LABELS}", hint=hint)
    readings = {
        name: items for name, items in judge_items(articles, Answered([])).items() if name in READINGS
    } | labelled
    items: list[Item] = [item for asked in readings.values() for item in asked]
    system = build("stance", judge, config.executor.device, config.seed)
    store = PredictionStore(config.results / "predictions")
    context = Context(dataset, pool, config.executor.device, config.executor.token_budget, tell=reporter.plain)
    with reporter.track(f"judge {system.name}", len(items)) as progress:
        work = plan(system, items, dataset, store)
        fleet = Fleet(config.executor, reporter.plain) if config.executor.name == "ray" else None
        answered = answer_all(system, work, context, store, f"judge:{system.name}", progress, fleet)
        if fleet is not None:
            fleet.close()
    if answered.unfitted is not None:
        raise ConfigError(f"{system.name}: {answered.unfitted}", hint="it learns from other events: take more articles")
    material = Material(articles, config.metrics, readings=readings, judged=replace(answered))
    check = judge_check(read_outcomes(material), frozen_set(config), articles)
    about = {"dataset": dataset.name, "version": dataset.version, "articles": len(articles)}
    return {"judge": system.name, "fingerprint": system.fingerprint, **about, **check}
