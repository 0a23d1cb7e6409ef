"""A dry run: how many items a run would compute, about how many tokens they have, and what they would cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from harness.config import RunConfig
from harness.data.found_speakers import with_found_speakers
from harness.data.large import BLOCK, ChosenArticles
from harness.errors import ConfigError
from harness.results.store import PredictionStore
from harness.runs.predict import Plan, plan
from harness.runs.prepare import Job, prepare
from harness.runs.questions import items_for
from harness.runs.roles import OF_SUMMARIES
from harness.runtime.progress import Advance, Reporter
from harness.systems.base import Context, System
from harness.systems.causal import CausalChoice
from harness.systems.endpoint import EndpointSystem
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
        if role == "speakers":
            articles = tuple(articles)
        with reporter.track(f"{role} {system.name}: what is stored", len(articles)) as progress:
            estimate, work = _estimated(job, role, system, articles, progress)
        cells = estimate.cells(system)
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
    if isinstance(stance, CausalChoice) and stance.source.path is not None and (line := _trie(stance, articles[0])):
        reporter.plain(line)
    finder = job.systems.get("speakers")
    if finder is not None and unread:
        reporter.plain(
            f"{finder.name} has not read {unread} of {len(job.articles)} articles yet: whom it finds there is unknown, and no "
            "stance of theirs is counted above"
        )


def _trie(system: CausalChoice, article: Article) -> str:
    """How many nodes an article's trie has, and how many of them each pair adds; nothing where it has no pairs."""
    from harness.models.causal import CausalModel
    from harness.models.prefix_trie import trie_size

    items = list(items_for("stance", [article]))
    if not items:
        return ""
    model = CausalModel.without_weights(system.source)
    nodes, shared = trie_size(model, [o for item in items for o in system.choices(item, system.ask(model, item))])
    return (
        f"{system.name}: {nodes:,} trie nodes for the {len(items)} pairs of {article.id}, {shared:,} that all of them share "
        f"and {(nodes - shared) / len(items):.1f} more a pair"
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


@dataclass
class _Estimate:
    """Sums over what a system is asked."""

    n_items: int = 0
    n_missing: int = 0
    tokens: int = 0
    seconds: float = 0.0
    n_timed: int = 0
    costs: tuple[float, float] | None = None
    unfitted: str | None = None

    def add(self, system: System, work: Plan) -> None:
        missing = _missing(work)
        timed = [p.answer.seconds for p in work.stored.values() if p.answer.error is None]
        self.n_items += len(work.items)
        self.n_missing += len(missing)
        self.seconds += sum(timed)
        self.n_timed += len(timed)
        self.unfitted = self.unfitted or work.unfitted
        if isinstance(system, EndpointSystem):
            forecast = system.forecast(missing)
            self.tokens += forecast.tokens_in
            if forecast.costs is not None:
                before = self.costs or (0.0, 0.0)
                self.costs = (before[0] + forecast.costs[0], before[1] + forecast.costs[1])
        else:
            self.tokens += sum(round(len(item.article.text.split()) * 4 / 3) for item in missing)

    def cells(self, system: System) -> list[str]:
        known = self.n_timed or not self.n_missing
        seconds = f"{self.seconds / max(1, self.n_timed) * self.n_missing:.0f}" if known else "unknown"
        to_compute = self.unfitted or str(self.n_missing)
        return [system.name, str(self.n_items), to_compute, f"{self.tokens:,}", seconds, _cost(self.costs)]


def _estimated(
    job: Job, role: str, system: System, articles: Sequence[Article], progress: Advance
) -> tuple[_Estimate, Plan]:
    """The sums, and the plan of all articles; of a large file's that of the last block of them."""
    store = PredictionStore(job.config.results / "predictions")
    in_block = isinstance(articles, ChosenArticles)
    estimate = _Estimate()
    for block in articles.blocks(BLOCK) if isinstance(articles, ChosenArticles) else (articles,):
        work = plan(system, list(items_for(role, block)), job.dataset, store, in_block=in_block)
        estimate.add(system, work)
        progress(len(block))
    return estimate, work


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
        table.add_row(f"ask={ask}{chosen}", str(forecast.n_requests), f"{forecast.tokens_in:,}", _cost(forecast.costs))
    return table


def _plan(job: Job, role: str, system: System, articles: Sequence[Article]) -> Plan:
    store = PredictionStore(job.config.results / "predictions")
    return plan(system, list(items_for(role, articles)), job.dataset, store)


def _missing(work: Plan) -> list[Item]:
    return [item for unit in work.units for _, item in unit]


def _cost(costs: tuple[float, float] | None) -> str:
    if costs is None:
        return ""
    of_input, most = costs
    return f"{of_input:.4f} for input, {most:.4f} at most"
