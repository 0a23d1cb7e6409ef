"""A run over more articles than are held in memory: asked, stored, scored and written block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.config import RunConfig
from harness.data.large import BLOCK, ChosenArticles
from harness.errors import StoreError
from harness.models.pool import ModelPool
from harness.results.records import AnswerRef, RunRecord, SystemUse, answers_path, rows_written, scores_path
from harness.results.store import PredictionStore
from harness.runs.predict import answer_all, plan
from harness.runs.questions import items_for
from harness.runs.usage import system_use, together
from harness.runtime.progress import Reporter
from harness.scoring.blocks import BlockScores
from harness.scoring.material import Material, Scored
from harness.systems.base import Context, System
from harness.types import Answered, Article, Dataset, ItemScore

ROLES = {"summariser", "stance"}
"""What is asked article by article; judges, finders and hand labels look at more."""
STORED_AS = {"summariser": "summary"}
"""What stored answers call a role, where that is not its name."""


@dataclass(frozen=True)
class InBlocks:
    """What blocks are computed with, and what all of them add up to."""

    config: RunConfig
    run_id: str
    systems: Mapping[str, System]
    learned_from: Dataset
    remarks: Mapping[str, Sequence[str]]
    recorded: RunRecord | None = None


def compute_in_blocks(
    run: InBlocks, articles: ChosenArticles, store: PredictionStore, pool: ModelPool, reporter: Reporter
) -> tuple[list[SystemUse], Scored]:
    """Answers and scores; the files of item scores and of answers are written on the way.

    Of a recorded run only scores are computed: StoreError if an answer is missing.
    """
    config = run.config
    context = Context(run.learned_from, pool, config.executor.device, config.executor.token_budget, tell=reporter.plain)
    uses: dict[str, SystemUse] = {}
    scores = BlockScores(config.metrics)
    names = " + ".join(system.name for system in run.systems.values())
    with (
        rows_written(scores_path(config.results, run.run_id), ItemScore) as write_scores,
        rows_written(answers_path(config.results, run.run_id), AnswerRef) as write_answers,
        reporter.track(f"articles, {names}", len(articles)) as progress,
    ):
        for block in articles.blocks(BLOCK):
            answered = {role: _ask(run, role, block, context, store) for role in run.systems}
            for role, of_role in answered.items():
                recorded = run.recorded.system(role) if run.recorded else None
                use = system_use(role, run.systems[role], of_role, recorded, run.remarks.get(role, ()))
                uses[role] = together(uses[role], use) if role in uses else use
                write_answers(
                    [AnswerRef(role, "", p.article_id, p.speaker_id, p.target_id, p.key) for p in of_role.predictions]
                )
            material = Material(block, config.metrics, answered.get("summariser"), answered.get("stance"))
            write_scores(scores.add(material))
            progress(len(block))
    return list(uses.values()), scores.scored()


def _ask(run: InBlocks, role: str, block: Sequence[Article], context: Context, store: PredictionStore) -> Answered:
    system = run.systems[role]
    work = plan(system, list(items_for(role, block)), run.learned_from, store, in_block=True)
    if run.recorded is not None:
        work = work.as_stored()
        if missing := sum(key not in work.stored for key in work.keys):
            raise StoreError(f"{missing} answers of {system.name} are not stored", hint="harness run computes them")
    return answer_all(system, work, context, store, STORED_AS.get(role, role))
