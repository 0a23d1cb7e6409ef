"""A dry run: how many items a run would compute, about how many tokens they have, and what they would cost."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from harness.config import RunConfig
from harness.data.found_speakers import with_found_speakers
from harness.errors import ConfigError
from harness.results.store import PredictionStore
from harness.runs.job import Job, prepare
from harness.runs.predict import Plan, plan
from harness.runs.questions import OF_SUMMARIES, items_for
from harness.runtime.progress import Reporter
from harness.systems.base import Context, System
from harness.systems.endpoint import EndpointSystem, Forecast
from harness.systems.endpoint_stance import EndpointStance
from harness.systems.pair_lists import ASKS
from harness.types import Article, Item, Prediction


def print_estimate(config: RunConfig, reporter: Reporter) -> None:
    """A table on stderr: items, those not stored yet, input tokens, seconds and cost of the missing ones.

    Tokens are about 4/3 of the article's words; of a server's systems a token for four bytes of the whole prompt, and the cost
    is that of the input, and with the longest answers. A stance classifier that can ask about many pairs at once has a second
    table with the same for each way of asking. Seconds are those of stored answers of the same system, by item; where
    there are none yet, nothing is claimed. Judges read summaries that do not exist yet: they are not estimated. Where
    speakers are found and not declared, stances are asked of those that the finder named; articles that it has not read yet
    are counted below.
    """
    job = prepare(config)
    for line in (*(f"left out: {line}" for line in job.dataset.left_out), *job.dataset.notes):
        reporter.once(line)
    table = Table(
        "role", "system", "items", "to compute", "~tokens in", "~seconds", "~cost", title=f"dry run: {job.run_id}"
    )
    articles, unread = job.articles, 0
    for role in ("summariser", "speakers", "stance"):
        if role not in job.systems:
            continue
        system = job.systems[role]
        work = _plan(job, role, system, articles)
        cells = _estimate(system, work)
        if unread:
            cells[1:4] = [f"≥ {cell}" for cell in cells[1:4]]
        table.add_row(role, *cells)
        if role == "speakers":
            articles, unread = _with_speakers(job, work)
    for role in OF_SUMMARIES:
        if role in job.systems:
            table.add_row(role, job.systems[role].name, "", "reads the summaries", "", "", "")
    reporter.console.print(table)
    stance = job.systems.get("stance")
    if isinstance(stance, EndpointStance):
        reporter.console.print(_ways_of_asking(job, stance, articles))
    finder = job.systems.get("speakers")
    if finder is not None and unread:
        reporter.plain(
            f"{finder.name} has not read {unread} of {len(job.articles)} articles yet: whom it finds there is unknown, and no "
            "stance of theirs is counted above"
        )


def _with_speakers(job: Job, work: Plan) -> tuple[tuple[Article, ...], int]:
    """The articles that the finder has read, with the speakers that it found, and how many it has not read.

    An instant finder reads what is missing now; nothing is stored.
    """
    finder = job.systems["speakers"]
    answers = {key: p.answer for key, p in work.stored.items()}
    if finder.instant:
        missing = [row for unit in work.units for row in unit]
        context = Context(job.dataset)
        computed = finder.answer([item for _, item in missing], context)
        answers |= dict(zip((key for key, _ in missing), computed, strict=True))
    read, predictions = [], []
    for key, article in zip(work.keys, job.articles, strict=True):
        answer = answers.get(key)
        if answer is not None and answer.error is None:
            read.append(article)
            predictions.append(Prediction(key, finder.name, "speakers", article.id, None, None, answer, ""))
    return with_found_speakers(read, predictions), len(job.articles) - len(read)


def _estimate(system: System, work: Plan) -> list[str]:
    missing = _missing(work)
    seconds_each = [p.answer.seconds for p in work.stored.values() if p.answer.error is None]
    known = bool(seconds_each) or not missing
    seconds = f"{sum(seconds_each) / max(1, len(seconds_each)) * len(missing):.0f}" if known else "unknown"
    if isinstance(system, EndpointSystem):
        forecast = system.forecast(missing)
        tokens, cost = forecast.tokens_in, _cost(forecast)
    else:
        tokens, cost = sum(round(len(item.article.text.split()) * 4 / 3) for item in missing), ""
    return [system.name, str(len(work.items)), work.unfitted or str(len(missing)), f"{tokens:,}", seconds, cost]


def _ways_of_asking(job: Job, system: EndpointStance, articles: Sequence[Article]) -> Table:
    """What is not stored yet of each way of asking, as requests, tokens and cost."""
    table = Table("ask", "requests", "~tokens in", "~cost", title=f"{system.name}: what one request is about")
    for ask in ASKS:
        chosen = " (chosen)" if ask == system.options.ask else ""
        try:
            other = system.asking(ask)
        except ConfigError as error:
            table.add_row(f"ask={ask}{chosen}", "", "", error.message)
            continue
        forecast = other.forecast(_missing(_plan(job, "stance", other, articles)))
        table.add_row(f"ask={ask}{chosen}", str(forecast.n_requests), f"{forecast.tokens_in:,}", _cost(forecast))
    return table


def _plan(job: Job, role: str, system: System, articles: Sequence[Article]) -> Plan:
    store = PredictionStore(job.config.results / "predictions")
    return plan(system, list(items_for(role, articles)), job.dataset, store)


def _missing(work: Plan) -> list[Item]:
    return [item for unit in work.units for _, item in unit]


def _cost(forecast: Forecast) -> str:
    if forecast.costs is None:
        return ""
    of_input, most = forecast.costs
    return f"{of_input:.4f} for input, {most:.4f} at most"
