"""Slices of one system's stance predictions (by phenomenon, side, gold), with no score where items are too few."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from harness.metrics.stance import COUNT_METRICS, CountMetric, Scope, StancePair, in_scope, scale_counts
from harness.stats.bootstrap import RESAMPLES, clustered_interval_counts
from harness.stats.power import Detectable, planned_detectable
from harness.types import MetricValue

FEWEST_ITEMS = 40
"""A slice of fewer items shows counts and what could be detected, no score that invites a ranking."""

SLICES: Mapping[str, Callable[[StancePair], Iterable[str]]] = MappingProxyType(
    {
        "phenomena": lambda pair: pair.phenomena,
        "side": lambda pair: () if pair.side is None else (pair.side,),
        "gold": lambda pair: (str(pair.gold),),
    }
)


@dataclass(frozen=True, slots=True)
class Slice:
    """Items with something in common: how many, how many of them right three-way, and their score if they suffice."""

    name: str
    n_items: int
    n_articles: int
    n_right: int
    n_unparsed: int
    n_unscored: int
    metric: MetricValue
    detectable: Detectable


def slices(
    pairs: Sequence[StancePair],
    by: str | Callable[[StancePair], Iterable[str]],
    *,
    metric: str = "macro_f1.three_way",
    scope: Scope = "",
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> list[Slice]:
    """Slices of one system's items, largest first; under 40 items a slice has counts and no score.

    `metric` is one of `COUNT_METRICS`.     `by` names one of `SLICES` or maps a pair to the names of its slices (an
    item may be in several, or in none).
    """
    names_of = SLICES[by] if isinstance(by, str) else by
    members: dict[str, list[StancePair]] = {}
    for pair in pairs:
        if in_scope(pair, scope):
            for name in names_of(pair):
                members.setdefault(name, []).append(pair)
    found = [_slice(name, chosen, COUNT_METRICS[metric], seed, resamples) for name, chosen in members.items()]
    return sorted(found, key=lambda s: (-s.n_items, s.name))


def _slice(name: str, pairs: Sequence[StancePair], metric: CountMetric, seed: int, resamples: int) -> Slice:
    answered = [p for p in pairs if p.error is None]
    articles = sorted({p.article_id for p in answered})
    counts = scale_counts(answered, articles, metric.scale)
    n, n_unscored = int(counts.sum()), len(pairs) - len(answered)
    if n < FEWEST_ITEMS:
        reason = f"{n} items: a slice under {FEWEST_ITEMS} shows counts only"
        value = MetricValue(None, n_scored=n, n_unscored=n_unscored, reason=reason)
    else:
        interval = clustered_interval_counts(counts, metric.statistic, seed=seed, resamples=resamples)
        value = interval.metric(n, n_unscored)
    return Slice(
        name,
        n,
        len(articles),
        sum(p.predicted is not None and p.predicted.three_way == p.gold.three_way for p in answered),
        sum(p.predicted is None for p in answered),
        n_unscored,
        value,
        planned_detectable(n),
    )
