"""Runs of probes: which runs a config with a probe stands for, what each is asked, and all of their answers over one trie."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from harness.config import ProbeConfig, RunConfig, SystemConfig
from harness.data.probes.suite import PROBES, beside_stamp, material_of, probe_named, probed
from harness.errors import ConfigError
from harness.runs.selection import read_articles, select
from harness.runtime.paths import dataset_path
from harness.systems.rewording import reworded
from harness.types import Article, Dataset


def suite(config: RunConfig) -> list[RunConfig]:
    """The runs that a config stands for: itself without a probe or with one variant; else the unchanged articles first,
    then every variant of the probe (`all`: of each) that applies to its articles and its system.

    A probe asks the stance classifier alone: summariser, speaker finder and judges are left out. ConfigError without one.
    """
    if config.probe is None:
        return [config]
    if config.stance is None:
        raise ConfigError("a probe asks a stance classifier, and there is none", hint="e.g. stance=smollm2")
    nobody = config.metrics.model_copy(update={"bertscore": None, "nli": None})
    alone = config.model_copy(update={"summariser": None, "speakers": None, "judge": None, "metrics": nobody})
    name, variant = config.probe.name, config.probe.variant
    if name == "all" and variant is not None:
        raise ConfigError("probe.variant: all probes have no variant in common", hint="choose a probe")
    names = list(PROBES) if name == "all" else [probe_named(name, variant).name]
    variants = [(n, v) for n in names for v in ([variant] if variant is not None else PROBES[n].variants)]
    one_by_one = [alone.model_copy(update={"probe": ProbeConfig(name=n, variant=v)}) for n, v in variants]
    if variant is not None:
        return one_by_one
    return [alone.model_copy(update={"probe": None}), *(c for c in one_by_one if _applies(c))]


def _applies(config: RunConfig) -> bool:
    try:
        changed_section(config)
        dataset = read_articles(config)
        changed_articles(config, dataset, select(dataset, config))
    except ConfigError:
        return False
    return True


def changed_articles(
    config: RunConfig, dataset: Dataset, chosen: Sequence[Article]
) -> tuple[Dataset, tuple[Article, ...]]:
    """The dataset as the config's probe changes it, and of it the chosen articles; ConfigError where none is left."""
    assert config.probe is not None
    name, variant = config.probe.name, config.probe.variant or ""
    path = dataset_path(config.dataset.path)
    changed = _changed(dataset, name, variant, path, beside_stamp(path))
    ids = {a.id for a in chosen}
    articles = tuple(a for a in changed if a.id in ids)
    if not articles:
        raise ConfigError(f"the probe {name} {variant} applies to none of the chosen articles".replace("  ", " "))
    if config.stance is not None and config.stance.adapter == "annotator" and not any(a.annotations for a in articles):
        raise ConfigError(f"no annotator read what the probe {name} makes", hint="choose a system that is asked")
    return changed, articles


@lru_cache(maxsize=64)
def _changed(dataset: Dataset, name: str, variant: str, path: Path, _stamped: tuple[tuple[str, int], ...]) -> Dataset:
    """The dataset as a probe changes it: the runs of a sweep over systems share it."""
    material = material_of(dataset, path, translated=name == "language")
    return probed(dataset, name, variant, material)


def changed_section(config: RunConfig) -> SystemConfig | None:
    """What the config says of its stance classifier, as the probe changes its prompt; ConfigError where it cannot."""
    assert config.probe is not None
    section, variant = config.stance, config.probe.variant or ""
    if section is None:
        return None
    if section.adapter == "from_file":
        raise ConfigError(
            f"{section.name}: answers in a file were given to the articles as they are",
            hint="choose a system that is asked",
        )
    return reworded(section, variant) if variant in probe_named(config.probe.name).of_prompt else section
