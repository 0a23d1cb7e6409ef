"""The answers of several runs of one system, computed over one trie for each article before the runs look them up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from harness.config import RunConfig
from harness.errors import HarnessError
from harness.models.batching import Step
from harness.models.device import pick_device
from harness.models.pool import ModelPool
from harness.results.leases import Claimed, Leases, rounds, unit_name
from harness.results.store import Arrivals, PredictionStore
from harness.runs.predict import Plan, plan
from harness.runs.prepare import Job, prepare
from harness.runs.questions import items_for
from harness.runtime.progress import Reporter, UnitProgress
from harness.systems.base import Context
from harness.systems.causal import CausalChoice
from harness.systems.causal_together import answer_all_together
from harness.types import Item


@dataclass(frozen=True)
class Question:
    """One item that is not stored yet, the key of its answer, and the system that is asked."""

    system: CausalChoice
    key: str
    item: Item


def answer_together(configs: Sequence[RunConfig], pool: ModelPool, reporter: Reporter) -> None:
    """Stores the answers of all runs whose classifier scores options over a trie; others are left to their runs.

    All questions about one article, changed or not, are one trie. What goes wrong here goes wrong again in its run, which
    records it. What another process asks at the same time is waited for.
    """
    jobs = [job for config in configs if (job := _prepared(config)) is not None]
    if not jobs:
        return
    store = PredictionStore(jobs[0].config.results / "predictions")
    work = [(job, _work(job, store)) for job in jobs]
    units = list(units_of(work))
    systems = [job.systems["stance"] for job in jobs]
    arrivals = {
        system.fingerprint: Arrivals(store.folder(system.name, system.fingerprint), planned.parts)
        for system, (_, planned) in zip(systems, work, strict=True)
    }

    def name_of(number: int) -> str:
        return unit_name(f"{q.system.fingerprint} {q.key}" for q in units[number])

    def is_done(number: int) -> bool:
        return not leases.alone and all(q.key in arrivals[q.system.fingerprint].new_keys() for q in units[number])

    def size_of(claimed: Claimed[list[Question]], i: int) -> int:
        return len(units[claimed.numbers[i]])

    questions = sum(map(len, units))
    with (
        Leases(store.folder(systems[0].name, systems[0].fingerprint)) as leases,
        reporter.track(f"stance {systems[0].name}, all probes", questions) as progress,
    ):
        for claimed in rounds(units, leases, name_of, is_done, reporter.plain):
            steps = UnitProgress(progress, partial(size_of, claimed))
            for number, unit in enumerate(claimed):
                try:
                    _answer(unit, jobs[0], store, pool, steps.step)
                except HarnessError as error:
                    reporter.plain(f"not computed together, the runs try alone: {error.message}")
                    return
                leases.release(name_of(claimed.numbers[number]))
                steps.end(len(unit))


def _prepared(config: RunConfig) -> Job | None:
    try:
        job = prepare(config)
    except HarnessError:
        return None
    return job if isinstance(job.systems.get("stance"), CausalChoice) else None


def _work(job: Job, store: PredictionStore) -> Plan:
    return plan(job.systems["stance"], list(items_for("stance", job.articles)), job.learned_from, store)


def units_of(work: Sequence[tuple[Job, Plan]]) -> Iterator[list[Question]]:
    """What is not stored yet, in units: the questions over the texts that grew from one article.

    A text that is another article's own, as the probe `other_article` has it, goes with that article.
    """
    home = {a.text: a.id for job, _ in work for a in job.learned_from}
    units: dict[str, list[Question]] = defaultdict(list)
    asked: set[tuple[str, str]] = set()
    for job, planned in work:
        system = job.systems["stance"]
        assert isinstance(system, CausalChoice)
        for key, item in (question for unit in planned.units for question in unit):
            if (system.fingerprint, key) not in asked:
                asked.add((system.fingerprint, key))
                units[home.get(item.article.text, item.article.id)].append(Question(system, key, item))
    yield from units.values()


def _answer(unit: Sequence[Question], job: Job, store: PredictionStore, pool: ModelPool, step: Step) -> None:
    config = job.config
    context = Context(job.learned_from, pool, config.executor.device, config.executor.token_budget, step=step)
    context.pool.watch(pick_device(context.device))
    by_system: dict[str, list[Question]] = defaultdict(list)
    for question in unit:
        by_system[question.system.fingerprint].append(question)
    groups = list(by_system.values())
    answers = answer_all_together([(g[0].system, [q.item for q in g]) for g in groups], context)
    for group, of_group in zip(groups, answers, strict=True):
        system = group[0].system
        store.describe(system.name, system.fingerprint, system.identity())
        rows = [(q.key, q.item, answer) for q, answer in zip(group, of_group, strict=True)]
        store.write(system.name, system.fingerprint, "stance", rows)
