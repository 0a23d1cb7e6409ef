"""Stance metrics of more articles than are held: confusions by article become two moments, block by block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.metrics import confusion as cm
from harness.metrics.calibration import COVERAGES
from harness.metrics.entry import SCALES, SCOPES, Scale, Scope
from harness.metrics.stance import (
    COUNT_METRICS,
    SCALES_OF,
    CountMetric,
    StanceReport,
    StanceScope,
    in_scope,
    key,
    per_label,
    scale_counts,
    to_scale,
)
from harness.metrics.stance_pair import StancePair
from harness.stats.bootstrap import MOST_RESAMPLED, Interval, analytic_interval
from harness.stats.moments import Moments
from harness.types import MetricValue, Stance

NOT_IN_BLOCKS = f"needs all answers at once: not computed over more than {MOST_RESAMPLED:,} articles"
"""Why a mean over targets, and calibration, have no value."""
NEED_ALL = ("f_avg_per_target", "ece", "brier", *(f"selective_accuracy_at_{percent}" for percent in COVERAGES))


class StanceBlocks:
    """Adds up answered pairs of block after block, each with whole articles."""

    def __init__(self) -> None:
        self._scopes: dict[Scope, _ScopeBlocks] = {scope: _ScopeBlocks() for scope in SCOPES}

    def add(self, pairs: Sequence[StancePair]) -> None:
        """Counts one more block."""
        for scope, blocks in self._scopes.items():
            blocks.add([pair for pair in pairs if in_scope(pair, scope)])

    def report(self) -> StanceReport:
        """What `stance.aggregate` makes of confusions; the other metrics have a reason instead of a value."""
        metrics: dict[str, MetricValue] = {}
        tables: dict[str, Any] = {}
        for scope, blocks in self._scopes.items():
            metrics |= {key(scope, name): value for name, value in blocks.metrics().items()}
            tables |= {key(scope, name): table for name, table in blocks.tables().items()}
        return StanceReport(metrics, tables)


class _ScopeBlocks(StanceScope):
    """One scope, as `StanceScope` sees it once all is added: one row of confusions that are sums over all articles."""

    def __init__(self) -> None:
        self.errors: Counter[str] = Counter()
        self._moments = Moments.of(np.zeros((0, 6, 7)))
        self._gold_of_unscored: Counter[Stance] = Counter()
        self._n_answered = 0

    def add(self, pairs: Sequence[StancePair]) -> None:
        answered = [p for p in pairs if p.error is None]
        self._n_answered += len(answered)
        self.errors.update(p.error for p in pairs if p.error is not None)
        self._gold_of_unscored.update(p.gold for p in pairs if p.error is not None)
        articles = sorted({p.article_id for p in answered})
        self._moments += Moments.of(scale_counts(answered, articles, "six_label"))

    def metrics(self) -> dict[str, MetricValue]:
        n_unscored = self._gold_of_unscored.total()
        self.pairs, self.unscored = range(self._n_answered), range(n_unscored)  # type: ignore[assignment]
        total = self._moments.total.astype(np.int64)[None]
        self.counts = {scale: to_scale(total, scale) for scale in SCALES}
        values = {name: self.count_metric(name, metric) for name, metric in COUNT_METRICS.items()}
        left_out = MetricValue(None, n_unscored=n_unscored + self._n_answered, reason=NOT_IN_BLOCKS)
        for name in NEED_ALL:
            values |= {f"{name}.{scale}": left_out for scale in SCALES_OF[name]}
        return values

    def interval(self, metric: CountMetric, value: float, resampled: cm.Array | None) -> Interval:
        return analytic_interval(self._moments, lambda sums: metric.statistic(to_scale(sums, metric.scale)))

    def _n_unscored(self, scale: str, *, sided: bool = False) -> int:
        stanced = scale in ("five_point", "three_way_stanced")
        return sum(
            n
            for gold, n in self._gold_of_unscored.items()
            if (gold.degree if sided else gold.degree is not None or not stanced)
        )

    def tables(self) -> dict[str, Any]:
        tables: dict[str, Any] = {"unscored": dict(self.errors.most_common())}
        shown: tuple[tuple[Scale, Sequence[str]], ...] = (
            ("six_label", cm.SIX_COLUMNS),
            ("three_way", cm.THREE_COLUMNS),
        )
        for scale, columns in shown:
            total, labels = self.counts[scale][0], [str(column) for column in columns]
            tables[f"confusion.{scale}"] = {"gold": labels[:-1], "predicted": labels, "counts": total.tolist()}
            tables[f"per_label.{scale}"] = per_label(total, labels[:-1])
            tables[f"reliability.{scale}"] = []
            tables[f"selective.{scale}"] = []
        return tables
