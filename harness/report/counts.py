"""A system's scores as counts by article, the form in which systems are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from harness.metrics.catalogue import metric_of, span
from harness.metrics.entry import scope_of
from harness.metrics.plugins import StanceMetric
from harness.report.collect import Row, Runs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.report.items import Items


@dataclass(frozen=True)
class Counts:
    """Counts by article, shape (articles, ...), the numbers of their items, and the statistic of their sum over articles.

    `n_items` of them enter the statistic; `span` is the width of an item score's range.
    """

    array: NDArray[np.generic]
    statistic: Callable[[Any], Any]
    items: frozenset[int]
    n_items: int
    span: float = 1.0


def own_counts(runs: Runs, rows: Sequence[Row], metric: str) -> list[Counts | None]:
    """Each row's counts on all items that it has; None for a row without scores."""
    return [shared_counts(runs, [row], metric)[0] for row in rows]


def shared_counts(runs: Runs, rows: Sequence[Row], metric: str) -> list[Counts | None]:
    """The rows' counts on the items that all of those with any score share; None for a row without scores.

    How many stances a summary conveys is part of its result, so preservation is not cut down to stances that all convey,
    but what the judge left open for one row (a failed summary, say) is left out of all.
    """
    if metric.startswith("stance."):
        return _stance_counts(runs, rows, metric)
    return _ratio_counts(runs, rows, metric, paired=not metric.startswith("preservation."))


def unjudged(row: Row) -> frozenset[str]:
    """Items `article/speaker/target` of a summariser of which the judge said nothing, for want of a summary or an answer."""
    return frozenset(f"{r['article']}/{r['speaker']}/{r['target']}" for r in _outcomes(row) if r.get("unjudged"))


def n_pairs(row: Row) -> int:
    """How many (speaker, target) of its articles the judge was to read in the system's summaries."""
    return len(_outcomes(row))


def _outcomes(row: Row) -> Sequence[dict[str, Any]]:
    table = row.tables.get("preservation")
    rows = table.get("rows") if isinstance(table, dict) else None
    return rows if isinstance(rows, list) else ()


def _stance_counts(runs: Runs, rows: Sequence[Row], metric: str) -> list[Counts | None]:
    import numpy as np

    from harness.metrics.stance import COUNT_METRICS, to_scale
    from harness.report.columns import UNPARSED, codes

    scope, plain = scope_of(metric)
    kind = COUNT_METRICS.get(plain.removeprefix("stance."))
    if kind is None and isinstance(metric_of(metric), StanceMetric):
        return _ratio_counts(runs, rows, metric, paired=True)
    if kind is None:
        return [None for _ in rows]
    items = runs.items
    wanted = items.in_scope(scope) & (items.gold >= 0)
    codes_by_row = [codes(runs, row) for row in rows]
    answered = [wanted & (t <= UNPARSED) for t in codes_by_row]
    some = [mask for mask in answered if mask.any()]
    common = np.logical_and.reduce(some) if some else wanted
    ids = frozenset(np.flatnonzero(common).tolist())
    counts_by_row: list[Counts | None] = []
    for t, mask in zip(codes_by_row, answered, strict=True):
        if not mask.any():
            counts_by_row.append(None)
            continue
        counts = to_scale(article_counts(items, t, common), kind.scale)
        counts_by_row.append(Counts(counts, kind.statistic, ids, kind.n_items(counts)))
    return counts_by_row


def article_counts(items: Items, answers: NDArray[np.int8], chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Six-label confusions by article, (articles, 6, 7), over the chosen items."""
    from harness.metrics import confusion as cm

    return cm.count(
        items.article[chosen], items.gold[chosen].astype(int), answers[chosen].astype(int), len(items.articles)
    )


def _ratio_counts(runs: Runs, rows: Sequence[Row], metric: str, *, paired: bool = False) -> list[Counts | None]:
    """Sums and numbers of item scores by article; `paired` keeps only items that all rows have, else only what is open for
    some row is left out. Item scores of stances have no scope; only items of the metric's are taken."""
    import numpy as np

    from harness.report.columns import item_numbers, item_scores
    from harness.stats.bootstrap import ratio

    scope, plain = scope_of(metric)
    scored = [item_scores(runs, row, plain) for row in rows]
    some = [s.item for s in scored if len(s.item)]
    if metric.startswith("stance."):
        inside = [runs.items.ids[i] for i in np.flatnonzero(runs.items.in_scope(scope))]
        some.append(item_numbers(runs, ["/".join(item) for item in inside]))
    common = reduce(np.intersect1d, some) if some and paired else None
    gone = frozenset[str]() if paired else frozenset[str]().union(*map(unjudged, rows))
    left_out = item_numbers(runs, sorted(gone))
    n_articles = len(runs.articles) or max((int(s.article.max()) + 1 for s in scored if len(s.item)), default=0)
    counts_by_row: list[Counts | None] = []
    for scores in scored:
        kept = np.isin(scores.item, left_out, invert=True) if common is None else np.isin(scores.item, common)
        if not kept.any():
            counts_by_row.append(None)
            continue
        home, values = scores.article[kept], scores.value[kept]
        sums = [np.bincount(home, weights=w, minlength=n_articles) for w in (values, np.ones_like(values))]
        ids = frozenset(scores.item[kept].tolist())
        counts_by_row.append(Counts(np.stack(sums, axis=1), ratio, ids, len(ids), span(metric)))
    return counts_by_row
