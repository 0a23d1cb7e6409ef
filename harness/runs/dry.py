"""What a run would ask, count and cost, without computing anything."""

from __future__ import annotations

from rich.table import Table

from harness.config import RunConfig
from harness.results.store import PredictionStore
from harness.runs.job import Job, prepare
from harness.runs.predict import plan
from harness.runs.questions import OF_SUMMARIES, items_for
from harness.runtime.progress import Reporter


def print_estimate(config: RunConfig, reporter: Reporter) -> None:
    """A table on stderr: items, those not stored yet, input tokens, seconds and cost of the missing ones.

    Tokens are about 4/3 of the article's words. Seconds are those of stored answers of the same system, by item; where
    there are none yet, nothing is claimed. Judges read summaries that do not exist yet: they are not estimated.
    """
    job = prepare(config)
    table = Table(
        "role", "system", "items", "to compute", "~tokens in", "~seconds", "~cost", title=f"dry run: {job.run_id}"
    )
    for role in ("summariser", "stance"):
        if role in job.systems:
            table.add_row(role, *_estimate(job, role))
    for role in OF_SUMMARIES:
        if role in job.systems:
            table.add_row(role, job.systems[role].name, "", "reads the summaries", "", "", "")
    reporter.console.print(table)


def _estimate(job: Job, role: str) -> list[str]:
    system = job.systems[role]
    items = list(items_for("summariser" if role == "summariser" else "stance", job.articles))
    store = PredictionStore(job.config.results / "predictions")
    work = plan(system, items, job.dataset, store)
    missing = [item for unit in work.units for _, item in unit]
    tokens = sum(round(len(item.article.text.split()) * 4 / 3) for item in missing)
    seconds_each = [p.answer.seconds for p in work.stored.values() if p.answer.error is None]
    seconds = f"{sum(seconds_each) / len(seconds_each) * len(missing):.0f}" if seconds_each else "unknown"
    price = getattr(system.options, "price", None)
    cost = f"{tokens * price.input / 1e6:.4f} for input" if price is not None else ""
    return [system.name, str(len(items)), work.unfitted or str(len(missing)), f"{tokens:,}", seconds, cost]
