"""A config with all that it names in hand: articles, systems (no weights yet), and the run's id that follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.config import RunConfig, SystemConfig
from harness.data.frozen_set import FrozenSet
from harness.data.large import ids_of
from harness.data.summary_samples import SummarySamples
from harness.data.text_files import holds_texts
from harness.errors import ConfigError
from harness.results.contents import lost_answers
from harness.results.records import SCORING_VERSION, RunRecord, SystemUse
from harness.results.store import content_hash
from harness.runs.roles import KINDS, OF_SUMMARIES
from harness.runs.selection import frozen_set, judge_sample, read_articles, select, summary_samples
from harness.runtime.paths import dataset_path
from harness.systems.base import System
from harness.systems.registry import build
from harness.types import Article, Dataset


@dataclass(frozen=True)
class Job:
    """A config with everything that it names in hand, the identity that follows, and what systems remark, by role.

    `dataset` is as a probe changes it, where the config has one; `unchanged` then is the set as it is.
    """

    config: RunConfig
    dataset: Dataset
    articles: Sequence[Article]
    systems: dict[str, System]
    run_id: str
    remarks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    frozen_set: FrozenSet = field(default_factory=FrozenSet)
    summary_samples: SummarySamples = field(default_factory=SummarySamples)
    unchanged: Dataset | None = None

    def is_scored(self, record: RunRecord) -> bool:
        """Whether the record's scores know the hand labels of summaries as they are now."""
        if "summariser" not in self.systems or not any(a.gold for a in self.articles):
            return True
        table = record.tables.get("hand_labels")
        known = table.get("labels") if isinstance(table, dict) else None
        return known == self.frozen_set.digest(self.articles)

    def is_finished(self, record: RunRecord) -> bool:
        """Whether a complete record of this job needs nothing: no answer failed, none was torn since, its scores are of today."""
        failed = any(s.n_failed for s in record.systems)
        return not failed and self.is_scored(record) and not lost_answers(self.config.results, record)

    @property
    def learned_from(self) -> Dataset:
        """What fitted systems learn from: the dataset as it is, whatever a probe makes of it."""
        return self.unchanged or self.dataset


def prepare(config: RunConfig, recorded: Sequence[SystemUse] = ()) -> Job:
    """Loads the dataset, chooses the articles, builds the systems (no weights) and works out the run's id.

    Systems that are `recorded` are taken as the record knows them: their weights need not be there.
    """
    _check_code(config)
    forgotten = config.dataset.format == "labelled" and holds_texts(dataset_path(config.dataset.path))
    if forgotten:
        config = config.model_copy(update={"dataset": config.dataset.model_copy(update={"format": "texts"})})
    if config.dataset.format == "texts" and config.speakers is None:
        # nobody declared speakers in plain texts
        finder = SystemConfig(name="cues", adapter="cues")
        config = config.model_copy(update={"speakers": finder})
    dataset = read_articles(config)
    if forgotten:
        line = f"{config.dataset.path} holds plain texts: read as dataset=folder does (which asks two classifiers and a judge)"
        dataset = replace(dataset, notes=(line, *dataset.notes))
    articles = select(dataset, config)
    unchanged = None
    sections = config.sections()
    if config.probe is not None:
        unchanged = dataset
        from harness.runs.probes import changed_articles, changed_section

        dataset, articles = changed_articles(config, unchanged, articles)
        sections = {"stance": changed_section(config)}
    systems = {
        role: build(KINDS[role], section, config.executor.device, config.seed)
        for role, section in sections.items()
        if section is not None and (config.summariser is not None or role not in OF_SUMMARIES)
    }
    for use in recorded:
        systems[use.kind].remembered(use.fingerprint, use.identity)
    # now and not after hours of inference; a recorded system's file may be gone
    remarks = {} if recorded else {role: system.remarks(dataset) for role, system in systems.items()}
    if not systems:
        raise ConfigError("nothing to run: neither a summariser nor a stance classifier", hint="e.g. stance=smollm2")
    # labels of before there was a frozen set: they are read no more, and stay part of the ids of runs that had them
    sample = judge_sample(config, systems.get("judge"))
    identity = {
        "config": config.identity(),
        "systems": {role: s.fingerprint for role, s in systems.items()},
        "dataset": dataset.fingerprint,
        "articles": ids_of(articles),
        "scoring": SCORING_VERSION,
        **({"judge_labels": sample.model_dump(mode="json")} if sample else {}),
        # a run whose replies are read otherwise by now is no finished run; its answers are stored all the same
        **({"reading": readings} if (readings := {r: s.reading for r, s in systems.items() if s.reading}) else {}),
    }
    run_id = f"{slug(config)}-{content_hash(identity)[:10]}"
    return Job(
        config, dataset, articles, systems, run_id, remarks, frozen_set(config), summary_samples(config), unchanged
    )


def _check_code(config: RunConfig) -> None:
    """ConfigError where a system is named by its file, which would run, and nothing says that it may."""
    for role, section in config.sections().items():
        if section is not None and section.place is not None and not config.allow_code:
            raise ConfigError(
                f"{role}.class={section.place} names code of your own, which would run",
                hint="allow_code=true says that it may",
            )


def slug(config: RunConfig) -> str:
    """Readable part of a run's id."""
    systems = [s.name for s in (config.summariser, config.stance) if s is not None]
    probe = [] if config.probe is None else ["_".join(filter(None, (config.probe.name, config.probe.variant)))]
    return "-".join(["+".join(systems), Path(config.dataset.path).stem, split_name(config), *probe])


def split_name(config: RunConfig) -> str:
    """What to call the articles that a config chooses: its split, or `chosen` where they are named; plain texts have none."""
    return "chosen" if config.articles is not None else "all" if config.dataset.format == "texts" else config.split
