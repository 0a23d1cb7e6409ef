"""One resolved config, from articles to run record; finished runs are skipped, failures are recorded."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from harness.config import RunConfig, SystemConfig
from harness.data.found_speakers import found_line, with_found_speakers
from harness.data.frozen_set import FrozenSet
from harness.data.large import ChosenArticles, ids_of
from harness.data.plain_texts import holds_texts
from harness.data.summary_samples import SummarySamples
from harness.errors import ConfigError, StoreError
from harness.metrics.catalogue import catalogue
from harness.models.pool import ModelPool
from harness.results.contents import lost_answers
from harness.results.records import (
    SCORING_VERSION,
    AnswerRef,
    DatasetUse,
    Failure,
    RunRecord,
    SystemUse,
    check_writable,
    finished_record,
    write_record,
)
from harness.results.states import snapshot
from harness.results.store import PredictionStore, content_hash
from harness.runs.blocks import ROLES, InBlocks, compute_in_blocks
from harness.runs.fleet import Fleet
from harness.runs.predict import answer_all, answered_readings, plan
from harness.runs.probes import changed_articles, changed_section
from harness.runs.questions import KINDS, OF_SUMMARIES, items_for, judge_items, summary_items
from harness.runs.selection import frozen_set, judge_sample, read_articles, select, summary_samples
from harness.runs.usage import refusals, strangers, system_use
from harness.runtime.environment import accelerator, environment
from harness.runtime.paths import dataset_path
from harness.runtime.progress import Reporter
from harness.runtime.secrets import keyless
from harness.systems.base import Context, System
from harness.systems.registry import build
from harness.systems.summary_judges import SummaryJudge
from harness.types import Answered, Article, Dataset, Item, ItemScore

if TYPE_CHECKING:
    from harness.scoring.material import Scored

MOST_ARTICLES_SHOWN = 20
"""Of a folder of texts, for how many a run says whom it found; a report has all."""


@dataclass(frozen=True)
class Finished:
    """The outcome of a job: its record, whether it was complete before, and why the old record was kept after a new try."""

    record: RunRecord
    skipped: bool = False
    kept_for: str | None = None
    left_out: tuple[str, ...] = ()
    """Files that could not be read: the run is about the others."""


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
    return "-".join(["+".join(systems), Path(config.dataset.path).stem, _split(config), *probe])


def _split(config: RunConfig) -> str:
    """What to call the articles that a config chooses: its split, or `chosen` where they are named; plain texts have none."""
    return "chosen" if config.articles is not None else "all" if config.dataset.format == "texts" else config.split


def run_job(
    config: RunConfig, overrides: Sequence[str], pool: ModelPool, reporter: Reporter, fleet: Fleet | None = None
) -> Finished:
    """Runs one config to its record. An error ends this job alone: it is recorded, with its traceback, and returned.

    A complete run some of whose answers failed asks for these again; if that cannot even begin, its record stands.
    ConfigError for a config that names something that there is not (an article, an option, a dataset), before anything is
    written; StoreError if no record can be written.
    """
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    clock = time.perf_counter()
    run_id = _early_id(config)
    earlier, job = None, None
    try:
        job = prepare(config)
        for line in (*(f"left out: {line}" for line in job.dataset.left_out), *job.dataset.notes):
            reporter.once(line)
        check_writable(config.results)
        run_id = job.run_id
        earlier = finished_record(config.results, run_id)
        if earlier is not None and job.is_finished(earlier):
            # what stands beside the answers may have been torn since
            snapshot(config.results, job.dataset)
            for system in job.systems.values():
                PredictionStore(config.results / "predictions").describe(
                    system.name, system.fingerprint, system.identity()
                )
            return Finished(earlier, skipped=True, left_out=job.dataset.left_out)
        record, scores, answers = compute(job, pool, reporter, fleet=fleet)
    except Exception as error:
        if earlier is not None:
            return Finished(earlier, kept_for=str(error) or repr(error))
        if job is None and isinstance(error, ConfigError):
            raise
        check_writable(config.results)
        record, scores, answers = _record(config, run_id, error=_failure(error)), [], []
    seconds = time.perf_counter() - clock
    record = keyless(
        record.model_copy(update={"overrides": list(overrides), "started_at": started, "seconds": seconds})
    )
    write_record(config.results, record, scores, answers)
    return Finished(record, left_out=job.dataset.left_out if job is not None else ())


def record_lost(config: RunConfig, overrides: Sequence[str], error: Exception) -> Finished:
    """The failed record of a run whose process could not write one itself; StoreError if none can be written."""
    check_writable(config.results)
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    record = _record(config, _early_id(config), error=_failure(error))
    record = keyless(record.model_copy(update={"overrides": list(overrides), "started_at": started}))
    write_record(config.results, record, [], [])
    return Finished(record)


def _early_id(config: RunConfig) -> str:
    """Of a run that ends before its articles and systems are known."""
    return f"{slug(config)}-{content_hash(config.model_dump(mode='json'))[:10]}"


def _failure(error: Exception) -> Failure:
    trace = "".join(traceback.format_exception(error))
    return Failure(type=type(error).__name__, message=str(error) or repr(error), traceback=trace)


def compute(
    job: Job, pool: ModelPool, reporter: Reporter, recorded: RunRecord | None = None, fleet: Fleet | None = None
) -> tuple[RunRecord, list[ItemScore] | None, list[AnswerRef] | None]:
    """Answers, then scores. Of a `recorded` run only scores are computed: StoreError if an answer is missing.

    Scores and answers are None where they are written already, block by block.
    """
    from harness.scoring.judge_check import frozen_readings
    from harness.scoring.material import Material
    from harness.scoring.score import score

    # another package's metric that cannot be used is named now and not after hours of inference
    catalogue()
    config = job.config
    store = PredictionStore(config.results / "predictions")
    if isinstance(job.articles, ChosenArticles):
        if set(job.systems) <= ROLES and not job.frozen_set.articles:
            run = InBlocks(config, job.run_id, job.systems, job.learned_from, job.remarks, recorded)
            uses, scored = compute_in_blocks(run, job.articles, store, pool, reporter)
            return _complete(job, uses, scored, store), None, None
        job = replace(job, articles=tuple(job.articles))
    context = Context(job.learned_from, pool, config.executor.device, config.executor.token_budget, tell=reporter.plain)
    uses = []
    refs: list[AnswerRef] = []

    def ask(role: str, items: list[Item], readings: Sequence[str] = ()) -> Answered:
        system = job.systems[role]
        kind = f"judge:{system.name}" if role in OF_SUMMARIES else {"summariser": "summary"}.get(role, role)
        work = plan(system, items, job.learned_from, store)
        if recorded is not None:
            work = work.as_stored()
            if missing := sum(key not in work.stored for key in work.keys):
                raise StoreError(f"{missing} answers of {system.name} are not stored", hint="harness run computes them")
        with reporter.track(f"{role} {system.name}", len(items)) as progress:
            answered = answer_all(system, work, context, store, kind, progress, fleet)
        use = recorded.system(role) if recorded else None
        uses.append(system_use(role, system, answered, use, job.remarks.get(role, ())))
        for p, reading in zip(answered.predictions, readings or [""] * len(items), strict=False):
            refs.append(AnswerRef(role, reading, p.article_id, p.speaker_id, p.target_id, p.key))
        return answered

    summaries = ask("summariser", list(items_for("summariser", job.articles))) if "summariser" in job.systems else None
    finder = ask("speakers", list(items_for("speakers", job.articles))) if "speakers" in job.systems else None
    articles = with_found_speakers(job.articles, finder.predictions) if finder else job.articles
    if finder and recorded is None and config.dataset.format == "texts":
        errors = {p.article_id: p.answer.error for p in finder.predictions}
        for article in articles[:MOST_ARTICLES_SHOWN]:
            reporter.once(f"{article.id}: {errors.get(article.id) or found_line(article)}")
    stances = ask("stance", list(items_for("stance", articles))) if "stance" in job.systems else None
    readings: dict[str, list[Item]] = {}
    if summaries is not None and "judge" in job.systems:
        labelled = frozen_readings(job.frozen_set, job.articles) if finder is None else {}
        if recorded is not None:
            # labels that came after the run: what the judge was never asked about them is no reason not to score the rest
            labelled = answered_readings(job.systems["judge"], labelled, job.dataset, store)
        readings = judge_items(articles, summaries) | labelled
    read_items = [(reading, item) for reading, items in readings.items() for item in items]
    judged = ask("judge", [i for _, i in read_items], [reading for reading, _ in read_items]) if read_items else None
    judge = job.systems.get("judge")
    measured, signatures = {}, {}
    for role in ("bertscore", "nli"):
        measure = job.systems.get(role)
        if isinstance(measure, SummaryJudge) and summaries is not None:
            measured[role] = ask(role, summary_items(measure, job.articles, summaries))
            signatures[role] = measure.signature
    material = Material(
        articles=job.articles,
        options=config.metrics,
        summaries=summaries,
        stances=stances,
        finder=finder,
        readings=readings,
        judged=judged,
        judge=f"{judge.name}@{judge.fingerprint[:12]}" if judge else None,
        summariser=job.systems["summariser"].name if "summariser" in job.systems else None,
        frozen_set=job.frozen_set,
        summary_samples=job.summary_samples,
        measured=measured,
        signatures=signatures,
    )
    scored = score(material)
    return _complete(job, uses, scored, store), scored.items, refs


def _complete(job: Job, uses: Sequence[SystemUse], scored: Scored, store: PredictionStore) -> RunRecord:
    """The record of what was answered and scored, once the dataset is kept as it was."""
    config = job.config
    snapshot(config.results, job.dataset)
    remarks = [f"{use.name}: {remark}" for use in uses for remark in use.remarks]
    return _record(
        config,
        job.run_id,
        dataset=DatasetUse(
            name=job.dataset.name,
            version=job.dataset.version,
            fingerprint=job.dataset.fingerprint,
            split=_split(config),
            articles=ids_of(job.articles),
            labelled=any(a.gold for a in job.articles),
            unchanged=job.unchanged.fingerprint if job.unchanged else None,
            left_out=list(job.dataset.left_out),
        ),
        systems=list(uses),
        metrics=scored.metrics,
        tables=scored.tables,
        signatures=scored.signatures,
        notes=[
            *scored.notes,
            *job.dataset.notes,
            *remarks,
            *map(refusals, filter(attrgetter("n_refused"), uses)),
            *filter(None, map(strangers, uses)),
            *(f"torn part, left aside: {t.path.name}: {t.reason}" for t in store.torn),
        ],
    )


def _record(config: RunConfig, run_id: str, error: Failure | None = None, **fields: object) -> RunRecord:
    gpu = accelerator()
    content = {
        "run_id": run_id,
        "status": "failed" if error else "complete",
        "config": config.model_dump(mode="json"),
        "environment": environment() | ({"accelerator": gpu} if gpu else {}),
        "error": error,
        **fields,
    }
    return RunRecord.model_validate(content)
