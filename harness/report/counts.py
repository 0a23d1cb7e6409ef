"""A system's scores as counts by article, the form in which systems are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.report.collect import Row, Runs
from harness.types import ItemScore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.metrics.stance import StancePair

LOWER_IS_BETTER = (
    "preservation.harm",
    "stance.mae_macro",
    "stance.sign_flip_rate",
    "stance.unparsed_rate",
    "stance.brier",
    "stance.ece",
    "summary.unsupported_names",
    "summary.unsupported_numbers",
    "summary.repetition",
)
NO_DIRECTION = ("summary.words", "summary.compression", "summary.density", "summary.coverage", "summary.novel_")


def direction(metric: str) -> int:
    """1 if higher is better, -1 if lower is, 0 if neither (a description)."""
    plain = metric.replace(".escalation.", ".").replace(".all.", ".")
    if plain.startswith(NO_DIRECTION):
        return 0
    return -1 if plain.startswith(LOWER_IS_BETTER) else 1


@dataclass(frozen=True)
class Counts:
    """Counts by article, shape (articles, ...), of items by id, and the statistic of their sum over articles."""

    array: NDArray[np.generic]
    statistic: Callable[[Any], Any]
    items: frozenset[str]


def pairs_of(runs: Runs, row: Row) -> list[StancePair]:
    """Gold and answer of every pair that the stance classifier was asked and that has gold."""
    from harness.metrics.stance import StancePair

    gold = {(a.id, *pair): (a, label) for a in runs.articles for pair, label in a.gold_stances().items()}
    pairs = []
    for ref, prediction in runs.answers(row):
        found = gold.get((ref.article_id, ref.speaker_id or "", ref.target_id or ""))
        if found is None:
            continue
        article, label = found
        answer = prediction.answer if prediction else None
        pairs.append(
            StancePair(
                item=f"{ref.article_id}/{label.speaker}/{label.target}",
                article_id=ref.article_id,
                speaker_id=label.speaker,
                target_id=label.target,
                gold=label.stance,
                predicted=answer.label if answer else None,
                scores=answer.scores if answer else {},
                error=answer.error if answer else "the stored prediction is gone",
                side=article.speaker(label.speaker).side,
                phenomena=label.phenomena,
                target_key=article.target(label.target).proposition,
            )
        )
    return pairs


def shared_counts(runs: Runs, rows: Sequence[Row], metric: str) -> list[Counts | None]:
    """The rows' counts on the items that all of those with any score share; None for a row without scores."""
    if metric.startswith("stance."):
        return _stance_counts(runs, rows, metric)
    if metric.startswith("preservation."):
        # how many stances a summary conveys is part of the result, so these are not cut down to shared items
        return _ratio_counts(runs, rows, metric)
    return _ratio_counts(runs, rows, metric, paired=True)


def _stance_counts(runs: Runs, rows: Sequence[Row], metric: str) -> list[Counts | None]:
    from harness.metrics.stance import COUNT_METRICS, in_scope, scale_counts

    scope, name = _scope(metric)
    if name not in COUNT_METRICS:
        return [None for _ in rows]
    kind = COUNT_METRICS[name]
    answered = [[p for p in pairs_of(runs, row) if p.error is None and in_scope(p, scope)] for row in rows]
    ids = [frozenset(p.item for p in pairs) for pairs in answered]
    common = _common(ids)
    articles = sorted({p.article_id for pairs in answered for p in pairs if p.item in common})
    return [
        Counts(scale_counts([p for p in pairs if p.item in common], articles, kind.scale), kind.statistic, common)
        if pairs
        else None
        for pairs in answered
    ]


def _scope(metric: str) -> tuple[Any, str]:
    """`stance[.scope].<metric>.<scale>` as scope and the rest."""
    rest = metric.removeprefix("stance.")
    head, _, tail = rest.partition(".")
    return (head, tail) if head in ("escalation", "all") else ("", rest)


def _ratio_counts(runs: Runs, rows: Sequence[Row], metric: str, *, paired: bool = False) -> list[Counts | None]:
    """Sums and numbers of item scores by article; `paired` keeps only items that all rows have."""
    import numpy as np

    from harness.stats.bootstrap import by_cluster, ratio

    scored: list[list[ItemScore]] = [
        [s for s in runs.scores(row) if s.metric == metric and s.value is not None] for row in rows
    ]
    common = _common([frozenset(s.item for s in scores) for scores in scored])
    articles = sorted({a.id for a in runs.articles} or {s.article_id for scores in scored for s in scores})
    found: list[Counts | None] = []
    for scores in scored:
        kept = [s for s in scores if not paired or s.item in common]
        if not kept:
            found.append(None)
            continue
        values = np.array([[s.value, 1.0] for s in kept], dtype=np.float64)
        sums, names = by_cluster(values, [s.article_id for s in kept])
        whole = np.zeros((len(articles), 2))
        for name, own in zip(names, sums, strict=True):
            whole[articles.index(str(name))] = own
        found.append(Counts(whole, ratio, frozenset(s.item for s in kept)))
    return found


def _common(ids: Sequence[frozenset[str]]) -> frozenset[str]:
    some = [i for i in ids if i]
    return frozenset.intersection(*some) if some else frozenset()
