"""What a job computes: answers of its systems through the store, their scores, and the record of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter

from harness.config import RunConfig
from harness.data.found_speakers import found_line, with_found_speakers
from harness.data.large import ChosenArticles, ids_of
from harness.errors import StoreError
from harness.metrics.catalogue import catalogue
from harness.models.pool import ModelPool
from harness.results.records import AnswerRef, DatasetUse, Failure, RunRecord, SystemUse
from harness.results.states import snapshot
from harness.results.store import PredictionStore
from harness.runs.blocks import ROLES, InBlocks, compute_in_blocks
from harness.runs.fleet import Fleet
from harness.runs.predict import answer_all, answered_readings, plan
from harness.runs.prepare import Job, split_name
from harness.runs.questions import items_for, judge_items, summary_items
from harness.runs.roles import OF_SUMMARIES
from harness.runs.usage import refusals, strangers, system_use
from harness.runtime.environment import accelerator, environment
from harness.runtime.progress import Reporter
from harness.scoring.judge_check import frozen_readings
from harness.scoring.material import Material, Scored
from harness.scoring.score import score
from harness.systems.base import Context
from harness.systems.summary_judges import SummaryJudge
from harness.types import Answered, Item, ItemScore

MOST_ARTICLES_SHOWN = 20
"""Of a folder of texts, for how many a run says whom it found; a report has all."""


def compute(
    job: Job, pool: ModelPool, reporter: Reporter, recorded: RunRecord | None = None, fleet: Fleet | None = None
) -> tuple[RunRecord, list[ItemScore] | None, list[AnswerRef] | None]:
    """Answers, then scores. Of a `recorded` run only scores are computed: StoreError if an answer is missing.

    Scores and answers are None where they are written already, block by block.
    """
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
    return record_of(
        config,
        job.run_id,
        dataset=DatasetUse(
            name=job.dataset.name,
            version=job.dataset.version,
            fingerprint=job.dataset.fingerprint,
            split=split_name(config),
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


def record_of(config: RunConfig, run_id: str, error: Failure | None = None, **fields: object) -> RunRecord:
    """The record of a run on this machine: complete, or failed with that error."""
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
