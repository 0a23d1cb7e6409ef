"""One resolved config, from articles to run record; finished runs are skipped, failures are recorded."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from harness.config import RunConfig, SystemConfig
from harness.data.summary_stances import JudgeSample, SummaryStances
from harness.environment import accelerator, environment
from harness.errors import ConfigError, StoreError
from harness.found import with_found_speakers
from harness.metrics.catalogue import catalogue
from harness.metrics.preservation_table import another_article
from harness.models.pool import ModelPool
from harness.predict import Answered, answer_all, plan
from harness.progress import Reporter
from harness.records import (
    SCORING_VERSION,
    AnswerRef,
    DatasetUse,
    Failure,
    RunRecord,
    SystemUse,
    read_record,
    record_path,
    write_record,
)
from harness.secrets import keyless
from harness.selection import read_articles, select, stamp
from harness.store import PredictionStore, content_hash
from harness.systems.base import Context, Kind, System, items_for
from harness.systems.registry import build
from harness.systems.summary_judges import SummaryJudge
from harness.types import Article, Dataset, Item, ItemScore

KINDS: dict[str, Kind] = {
    "summariser": "summariser",
    "speakers": "speakers",
    "stance": "stance",
    "judge": "stance",
    "bertscore": "judge",
    "nli": "judge",
}
"""Which kind of system plays each role of a run."""


OF_SUMMARIES = ("judge", "bertscore", "nli")
"""Roles that read summaries: without a summariser they have nothing to do."""


@dataclass(frozen=True)
class Finished:
    """What became of a job: its record, whether it had been finished before, and why that stands if it was tried again."""

    record: RunRecord
    skipped: bool = False
    kept_for: str | None = None


@dataclass(frozen=True)
class Job:
    """A config with everything that it names in hand, and the identity that follows."""

    config: RunConfig
    dataset: Dataset
    articles: tuple[Article, ...]
    systems: dict[str, System]
    run_id: str
    judge_sample: JudgeSample | None = None


def prepare(config: RunConfig, recorded: Sequence[SystemUse] = ()) -> Job:
    """Loads the dataset, chooses the articles, builds the systems (no weights) and works out the run's id.

    Systems that are `recorded` are taken as the record knows them: their weights need not be there.
    """
    if config.dataset.format == "texts" and config.speakers is None:
        # nobody declared speakers in plain texts
        rule = SystemConfig(name="rule", adapter="rule")
        config = config.model_copy(update={"speakers": rule})
    dataset = read_articles(config)
    articles = select(dataset, config)
    systems = {
        role: build(KINDS[role], section, config.executor.device, config.seed)
        for role, section in config.sections().items()
        if section is not None and (config.summariser is not None or role not in OF_SUMMARIES)
    }
    for use in recorded:
        systems[use.kind].remembered(use.fingerprint, use.identity)
    if not systems:
        raise ConfigError("nothing to run: neither a summariser nor a stance classifier", hint="e.g. stance=smollm2")
    sample = judge_sample(config, systems.get("judge"))
    identity = {
        "config": config.identity(),
        "systems": {role: s.fingerprint for role, s in systems.items()},
        "dataset": dataset.fingerprint,
        "articles": [a.id for a in articles],
        "scoring": SCORING_VERSION,
        **({"judge_labels": sample.model_dump(mode="json")} if sample else {}),
    }
    return Job(config, dataset, articles, systems, f"{slug(config)}-{content_hash(identity)[:10]}", sample)


def judge_sample(config: RunConfig, judge: System | None) -> JudgeSample | None:
    """The hand labels that validate the judge; None if there are none."""
    from harness.paths import dataset_path

    if judge is None:
        return None
    path = dataset_path(config.dataset.path)
    return _hand_labels(path, stamp(path)).of(judge.fingerprint)


@lru_cache(maxsize=4)
def _hand_labels(path: Path, _stamped: tuple[tuple[str, int, int], ...]) -> SummaryStances:
    from harness.data.summary_stances import read_summary_stances

    return read_summary_stances(path)


def slug(config: RunConfig) -> str:
    """Readable part of a run's id."""
    systems = [s.name for s in (config.summariser, config.stance) if s is not None]
    return "-".join(["+".join(systems), Path(config.dataset.path).stem, _split(config)])


def _split(config: RunConfig) -> str:
    """What to call the articles that a config chooses: its split, or `chosen` where they are named; plain texts have none."""
    return "chosen" if config.articles is not None else "all" if config.dataset.format == "texts" else config.split


def run_job(config: RunConfig, overrides: Sequence[str], pool: ModelPool, reporter: Reporter) -> Finished:
    """Runs one config to its record. An error ends this job alone: it is recorded, with its traceback, and returned.

    A complete run some of whose answers failed asks for these again; if that cannot even begin, its record stands.
    StoreError if no record can be written.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    clock = time.perf_counter()
    run_id = f"{slug(config)}-{content_hash(config.model_dump(mode='json'))[:10]}"
    check_writable(config.results)
    done = None
    try:
        job = prepare(config)
        run_id = job.run_id
        done = finished_record(config.results, run_id)
        if done is not None and not any(s.n_failed for s in done.systems):
            return Finished(done, skipped=True)
        record, scores, answers = compute(job, pool, reporter)
    except Exception as error:
        if done is not None:
            return Finished(done, kept_for=str(error) or repr(error))
        failure = Failure(
            type=type(error).__name__,
            message=str(error) or repr(error),
            traceback="".join(traceback.format_exception(error)),
        )
        record, scores, answers = _record(config, run_id, error=failure), [], []
    seconds = time.perf_counter() - clock
    record = keyless(
        record.model_copy(update={"overrides": list(overrides), "started_at": started, "seconds": seconds})
    )
    write_record(config.results, record, scores, answers)
    return Finished(record)


def check_writable(results: Path) -> None:
    """Raises StoreError if nothing can be written there: better now than after hours of inference."""
    try:
        results.mkdir(parents=True, exist_ok=True)
        writable = os.access(results, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise StoreError(f"the results folder {results} cannot be written", hint="results=DIR names another")


def finished_record(results: Path, run_id: str) -> RunRecord | None:
    """The record of a run that is complete with its scores and answers, None if it failed, is torn or was never made."""
    path = record_path(results, run_id)
    try:
        record = read_record(path) if path.exists() else None
    except StoreError:
        return None
    whole = all(path.with_name(name).exists() for name in ("scores.parquet", "answers.parquet"))
    return record if record is not None and record.status == "complete" and whole else None


def compute(
    job: Job, pool: ModelPool, reporter: Reporter, recorded: RunRecord | None = None
) -> tuple[RunRecord, list[ItemScore], list[AnswerRef]]:
    """Answers, then scores. Of a `recorded` run only scores are computed: StoreError if an answer is missing."""
    from harness.scoring import Material, score

    # another package's metric that cannot be used is named now and not after hours of inference
    catalogue()
    config = job.config
    store = PredictionStore(config.results / "predictions")
    context = Context(job.dataset, pool, config.executor.device, config.executor.token_budget)
    uses: list[SystemUse] = []
    refs: list[AnswerRef] = []

    def ask(role: str, items: list[Item], readings: Sequence[str] = ()) -> Answered:
        system = job.systems[role]
        kind = f"judge:{system.name}" if role in OF_SUMMARIES else {"summariser": "summary"}.get(role, role)
        work = plan(system, items, job.dataset, store)
        if recorded is not None:
            if missing := sum(key not in work.stored for key in work.keys):
                raise StoreError(f"{missing} answers of {system.name} are not stored", hint="harness run computes them")
            work.units.clear()
        with reporter.track(f"{role} {system.name}", len(items)) as progress:
            answered = answer_all(system, work, context, store, kind, progress)
        uses.append(system_use(role, system, answered, recorded.system(role) if recorded else None))
        for p, reading in zip(answered.predictions, readings or [""] * len(items), strict=False):
            refs.append(AnswerRef(role, reading, p.article_id, p.speaker_id, p.target_id, p.key))
        return answered

    summaries = ask("summariser", list(items_for("summariser", job.articles))) if "summariser" in job.systems else None
    finder = ask("speakers", list(items_for("speakers", job.articles))) if "speakers" in job.systems else None
    asked_about = with_found_speakers(job.articles, finder.predictions) if finder else job.articles
    stances = ask("stance", list(items_for("stance", asked_about))) if "stance" in job.systems else None
    readings = judge_items(asked_about, summaries) if summaries is not None and "judge" in job.systems else {}
    asked = [(reading, item) for reading, items in readings.items() for item in items]
    judged = ask("judge", [item for _, item in asked], [reading for reading, _ in asked]) if asked else None
    judge = job.systems.get("judge")
    named = f"{judge.name}@{judge.fingerprint[:12]}" if judge else None
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
        judge=named,
        judge_sample=job.judge_sample,
        measured=measured,
        signatures=signatures,
    )
    scored = score(material)
    snapshot(config.results, job.dataset)
    record = _record(
        config,
        job.run_id,
        dataset=DatasetUse(
            name=job.dataset.name,
            version=job.dataset.version,
            fingerprint=job.dataset.fingerprint,
            split=_split(config),
            articles=[a.id for a in job.articles],
            labelled=any(a.gold for a in job.articles),
        ),
        systems=uses,
        metrics=scored.metrics,
        tables=scored.tables,
        signatures=scored.signatures,
        notes=[*scored.notes, *(f"torn part, left aside: {t.path.name}: {t.reason}" for t in store.torn)],
    )
    return record, scored.items, refs


def summary_items(judge: SummaryJudge, articles: Sequence[Article], summaries: Answered) -> list[Item]:
    """The summaries that a judge compares with their article or references."""
    texts = {p.article_id: p.answer.output for p in summaries.predictions if p.answer.error is None}
    return [Item(a, summary=texts[a.id]) for a in articles if a.id in texts and judge.asks(a, texts[a.id])]


def judge_items(articles: Sequence[Article], summaries: Answered) -> dict[str, list[Item]]:
    """What the judge reads: each summary alone, and the article; where there is gold, to know the judge's ceiling and floor,
    also the first reference, nothing at all, and the first reference of another article, or its summary for want of one."""
    texts = {p.article_id: p.answer.output for p in summaries.predictions if p.answer.error is None}
    readings: dict[str, list[Item]] = {"summary": [], "article": [], "reference": [], "empty": [], "other": []}

    def ask(reading: str, article: Article, text: str) -> None:
        alone = replace(article, title="", text=text)
        readings[reading].extend(Item(alone, speaker, target) for speaker, target in article.pairs())

    for article in articles:
        if article.id in texts:
            ask("summary", article, texts[article.id])
        ask("article", article, article.text)
    labelled = [a for a in articles if a.gold is not None]
    references = {a.id: a.summaries[0].text for a in labelled if a.summaries}
    told = {a.id: text for a in labelled if (text := references.get(a.id, texts.get(a.id))) is not None}
    others = another_article(told)
    for article in labelled:
        if article.id in references:
            ask("reference", article, references[article.id])
        ask("empty", article, "")
        if article.id in others:
            ask("other", article, told[others[article.id]])
    return {reading: items for reading, items in readings.items() if items}


def system_use(role: str, system: System, answered: Answered, recorded: SystemUse | None = None) -> SystemUse:
    """What a system did in this run, summed over its answers; what computing them took a record knows, if there is one."""
    answers = [p.answer for p in answered.predictions]
    # one answer may serve several items; it was computed and paid for once
    once = list({p.key: p.answer for p in answered.predictions}.values())
    price = getattr(system.options, "price", None)
    tokens_in, tokens_out = (sum(getattr(a, name) or 0 for a in once) for name in ("tokens_in", "tokens_out"))
    # no question has 0 tokens: where a server's answer has, an older version took what was not counted for 0
    n_no_usage = sum(
        a.error is None and (a.tokens_in is None or a.tokens_out is None or (price is not None and not a.tokens_in))
        for a in answers
    )
    return SystemUse.model_validate(
        {
            "name": system.name,
            "kind": role,
            "fingerprint": system.fingerprint,
            "description": system.description,
            "identity": system.identity(),
            "n_items": len(answers),
            "n_computed": recorded.n_computed if recorded else answered.n_computed,
            "n_failed": sum(a.error is not None for a in answers),
            "first_error": next((a.error for a in answers if a.error is not None), None),
            "n_unparsed": sum(a.error is None and a.label is None for a in answers) if KINDS[role] == "stance" else 0,
            "tokens_in": tokens_in,
            "tokens_out": tokens_out,
            "n_no_usage": n_no_usage,
            "tokens_cut": sum(a.tokens_cut for a in once),
            "n_cut": sum(a.tokens_cut > 0 for a in answers),
            "seconds": sum(a.seconds for a in once),
            "peak_memory_bytes": recorded.peak_memory_bytes if recorded else answered.peak_memory_bytes,
            "cost": price.of(tokens_in, tokens_out) if price is not None and tokens_in and not n_no_usage else None,
            "paths": answered.paths,
            "status": answered.unfitted or "ok",
            "ceiling": system.ceiling,
        }
    )


def snapshot(results: Path, dataset: Dataset) -> Path:
    """The dataset as it was scored, once per fingerprint, so that reports never read edited files."""
    import json

    from harness.data.schema import to_row
    from harness.files import write_text

    path = results / "datasets" / f"{dataset.fingerprint}.jsonl"
    if not path.exists():
        lines = (json.dumps(to_row(a), ensure_ascii=False, sort_keys=True) for a in dataset)
        write_text(path, "".join(line + "\n" for line in lines))
    return path


def _record(config: RunConfig, run_id: str, error: Failure | None = None, **fields: object) -> RunRecord:
    found = {**environment(), **({"accelerator": gpu} if (gpu := accelerator()) else {})}
    content = {
        "run_id": run_id,
        "status": "failed" if error else "complete",
        "config": config.model_dump(mode="json"),
        "environment": found,
        "error": error,
        **fields,
    }
    return RunRecord.model_validate(content)
