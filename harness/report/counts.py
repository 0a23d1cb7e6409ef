"""A system's scores as counts by article, the form in which systems are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from harness.report.collect import Row, Runs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.report.columns import Items

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
NO_DIRECTION = (
    "summary.words",
    "summary.bertscore_cut",
    "summary.compression",
    "summary.density",
    "summary.coverage",
    "summary.novel_",
    "preservation.hawk_shift",
    "preservation.voice_shift",
)


def direction(metric: str) -> int:
    """1 if higher is better, -1 if lower is, 0 if neither (a description)."""
    plain = metric.replace(".escalation.", ".").replace(".all.", ".")
    if plain.startswith(NO_DIRECTION):
        return 0
    return -1 if plain.startswith(LOWER_IS_BETTER) else 1


@dataclass(frozen=True)
class Counts:
    """Counts by article, shape (articles, ...), the numbers of their items, and the statistic of their sum over articles."""

    array: NDArray[np.generic]
    statistic: Callable[[Any], Any]
    items: frozenset[int]


def own_counts(runs: Runs, rows: Sequence[Row], metric: str) -> list[Counts | None]:
    """Each row's counts on all items that it has; None for a row without scores."""
    return [shared_counts(runs, [row], metric)[0] for row in rows]


def shared_counts(runs: Runs, rows: Sequence[Row], metric: str) -> list[Counts | None]:
    """The rows' counts on the items that all of those with any score share; None for a row without scores."""
    if metric.startswith("stance."):
        return _stance_counts(runs, rows, metric)
    if metric.startswith("preservation."):
        # how many stances a summary conveys is part of the result, so these are not cut down to shared items
        return _ratio_counts(runs, rows, metric)
    return _ratio_counts(runs, rows, metric, paired=True)


def _stance_counts(runs: Runs, rows: Sequence[Row], metric: str) -> list[Counts | None]:
    import numpy as np

    from harness.metrics.stance import COUNT_METRICS
    from harness.report.columns import UNPARSED, codes

    scope, name = _scope(metric)
    if name not in COUNT_METRICS:
        return [None for _ in rows]
    kind = COUNT_METRICS[name]
    items = runs.items
    wanted = items.in_scope(scope) & (items.gold >= 0)
    told = [codes(runs, row) for row in rows]
    answered = [wanted & (t <= UNPARSED) for t in told]
    some = [mask for mask in answered if mask.any()]
    common = np.logical_and.reduce(some) if some else wanted
    ids = frozenset(np.flatnonzero(common).tolist())
    return [
        Counts(on_scale(article_counts(items, t, common), kind.scale), kind.statistic, ids) if mask.any() else None
        for t, mask in zip(told, answered, strict=True)
    ]


def article_counts(items: Items, told: NDArray[np.int8], chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Six-label confusions by article, (articles, 6, 7), over the chosen items."""
    from harness.metrics import confusion as cm

    return cm.count(
        items.article[chosen], items.gold[chosen].astype(int), told[chosen].astype(int), len(items.articles)
    )


def on_scale(six: NDArray[np.int64], scale: str) -> NDArray[np.int64]:
    """Six-label confusions collapsed to a scale of `metrics.stance`."""
    from harness.metrics import confusion as cm

    if scale == "six_label":
        return six
    if scale == "five_point":
        return cm.on_scale(six)
    return cm.collapse(six if scale == "three_way" else cm.on_scale(six))


def _scope(metric: str) -> tuple[Any, str]:
    """`stance[.scope].<metric>.<scale>` as scope and the rest."""
    rest = metric.removeprefix("stance.")
    head, _, tail = rest.partition(".")
    return (head, tail) if head in ("escalation", "all") else ("", rest)


def _ratio_counts(runs: Runs, rows: Sequence[Row], metric: str, *, paired: bool = False) -> list[Counts | None]:
    """Sums and numbers of item scores by article; `paired` keeps only items that all rows have."""
    import numpy as np

    from harness.report.columns import item_scores
    from harness.stats.bootstrap import ratio

    scored = [item_scores(runs, row, metric) for row in rows]
    some = [s.item for s in scored if len(s.item)]
    common = reduce(np.intersect1d, some) if some and paired else None
    n_articles = len(runs.articles) or max((int(s.article.max()) + 1 for s in scored if len(s.item)), default=0)
    found: list[Counts | None] = []
    for scores in scored:
        kept = np.ones(len(scores.item), dtype=bool) if common is None else np.isin(scores.item, common)
        if not kept.any():
            found.append(None)
            continue
        home, values = scores.article[kept], scores.value[kept]
        sums = [np.bincount(home, weights=w, minlength=n_articles) for w in (values, np.ones_like(values))]
        found.append(Counts(np.stack(sums, axis=1), ratio, frozenset(scores.item[kept].tolist())))
    return found
