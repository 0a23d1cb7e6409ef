"""Comparisons of stance predictions: two systems on the items that both answered, and slices of one system's items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from harness.metrics.stance import (
    COUNT_METRICS,
    PRIMARY,
    SCOPES,
    CountMetric,
    Scope,
    StancePair,
    in_scope,
    scale_counts,
)
from harness.stats.bootstrap import RESAMPLES, clustered_interval_counts
from harness.stats.comparison import Comparison, compare_counts
from harness.stats.paired import McNemar, mcnemar
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


def parse_key(key: str) -> tuple[Scope, str, CountMetric]:
    """Scope, `<metric>.<scale>` and its statistic of `stance[.scope].<metric>.<scale>`; KeyError for any other key."""
    prefix, _, rest = key.partition(".")
    first, _, tail = rest.partition(".")
    for scope in SCOPES[1:]:
        if first == scope:
            return scope, tail, COUNT_METRICS[tail]
    if prefix != "stance" or rest not in COUNT_METRICS:
        raise KeyError(f"{key}: no stance metric that is a function of confusion counts")
    return "", rest, COUNT_METRICS[rest]


def shared_counts(
    systems: Mapping[str, Sequence[StancePair]], key: str = PRIMARY
) -> tuple[list[str], NDArray[np.int64], int, int]:
    """Articles, counts (systems, articles, K, C), items and items left out, over what every system answered.

    Items are matched by id; two systems that disagree on an item's gold are an error: they saw different data.
    """
    scope, _, metric = parse_key(key)
    answered = [{p.item: p for p in pairs if in_scope(p, scope) and p.error is None} for pairs in systems.values()]
    asked = {p.item for pairs in systems.values() for p in pairs if in_scope(p, scope)}
    shared = sorted(set.intersection(*map(set, answered))) if answered else []
    for item in shared:
        if len({pairs[item].gold for pairs in answered}) > 1:
            raise ValueError(f"{item}: gold differs between the systems, so they ran on different data")
    articles = sorted({answered[0][item].article_id for item in shared}) if answered else []
    counts = [scale_counts([pairs[item] for item in shared], articles, metric.scale) for pairs in answered]
    return articles, np.stack(counts), len(shared), len(asked) - len(shared)


def compare_stance(
    a: Sequence[StancePair],
    b: Sequence[StancePair],
    key: str = PRIMARY,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Comparison:
    """A minus B on one metric over the items that both answered, with McNemar's test where the metric is accuracy."""
    scope, name, metric = parse_key(key)
    _, counts, n_items, n_left_out = shared_counts({"a": a, "b": b}, key)
    by_item = [{p.item: p for p in pairs if in_scope(p, scope) and p.error is None} for pairs in (a, b)]
    stanced = metric.scale in ("five_point", "three_way_stanced")
    items = [
        item
        for item in sorted(set(by_item[0]) & set(by_item[1]))
        if not stanced or by_item[0][item].gold.degree is not None
    ]
    right = [np.array([_right(pairs[item], metric.scale) for item in items], dtype=bool) for pairs in by_item]
    test: McNemar | None = mcnemar(right[0], right[1]) if name.startswith("accuracy.") else None
    return compare_counts(
        counts[0],
        counts[1],
        metric.statistic,
        n_items=n_items,
        n_left_out=n_left_out,
        items=(right[0], right[1]) if items else None,
        mcnemar=test,
        seed=seed,
        resamples=resamples,
    )


def _right(pair: StancePair, scale: str) -> bool:
    if pair.predicted is None or not scale.startswith("three_way"):
        return pair.gold == pair.predicted
    return pair.gold.three_way == pair.predicted.three_way


def slices(
    pairs: Sequence[StancePair],
    by: str | Callable[[StancePair], Iterable[str]],
    *,
    key: str = PRIMARY,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> list[Slice]:
    """Slices of one system's items, largest first; under 40 items a slice has counts and no score.

    `by` names one of `SLICES` or maps a pair to the names of its slices (an item may be in several, or in none).
    """
    names_of = SLICES[by] if isinstance(by, str) else by
    scope, _, metric = parse_key(key)
    members: dict[str, list[StancePair]] = {}
    for pair in pairs:
        if in_scope(pair, scope):
            for name in names_of(pair):
                members.setdefault(name, []).append(pair)
    found = [_slice(name, chosen, metric, seed, resamples) for name, chosen in members.items()]
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
        sum(_right(p, "three_way") for p in answered),
        sum(p.predicted is None for p in answered),
        n_unscored,
        value,
        planned_detectable(n),
    )
