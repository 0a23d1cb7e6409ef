"""Scores of a run whose articles are read in blocks: item scores at once, aggregates from sums over blocks."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np

from harness.config import MetricsConfig
from harness.metrics.stance import aggregate, score_items
from harness.metrics.stance_blocks import StanceBlocks
from harness.metrics.stance_pair import StancePair
from harness.scoring.alignment import score_alignment
from harness.scoring.material import Material, Scored
from harness.scoring.stances import plugin_items, stance_pairs
from harness.scoring.summaries import summary_items
from harness.stats.bootstrap import MOST_RESAMPLED, analytic_interval, by_cluster, clustered_interval_counts, ratio
from harness.stats.moments import Moments
from harness.types import ItemScore, MetricValue

NO_GOLD = "stances were not scored: the articles carry no gold"
NOTHING = "nothing was scored: the articles carry no gold"


@dataclass
class MeanBlocks:
    """One metric's item scores, added up by article: all of them while they are few, two moments beyond `MOST_RESAMPLED`."""

    few: list[np.ndarray] = field(default_factory=list)
    moments: Moments | None = None
    n_scored: int = 0
    n_unscored: int = 0
    reason: str | None = None

    def add(self, rows: list[ItemScore]) -> None:
        """One block of whole articles."""
        good = [(r.value, r.article_id) for r in rows if r.value is not None]
        self.n_scored += len(good)
        self.n_unscored += len(rows) - len(good)
        self.reason = self.reason or next((r.reason for r in rows if r.value is None), None)
        if not good:
            return
        values = np.array([value for value, _ in good])
        sums, _ = by_cluster(np.stack([values, np.ones_like(values)], axis=1), [article for _, article in good])
        if self.moments is not None:
            self.moments += Moments.of(sums)
            return
        self.few.append(sums)
        if sum(map(len, self.few)) > MOST_RESAMPLED:
            self.moments = Moments.of(np.concatenate(self.few))
            self.few.clear()

    def value(self, options: MetricsConfig) -> MetricValue:
        """The mean with its interval."""
        if not self.n_scored:
            return MetricValue(None, None, None, 0, self.n_unscored, self.reason)
        if self.moments is not None:
            interval = analytic_interval(self.moments, ratio)
        else:
            interval = clustered_interval_counts(
                np.concatenate(self.few), ratio, seed=options.seed, resamples=options.resamples
            )
        return interval.metric(self.n_scored, self.n_unscored)


class BlockScores:
    """What `harness.scoring.score.score` makes of a run's summaries and declared stances, from block after block."""

    def __init__(self, options: MetricsConfig) -> None:
        self._options = options
        self._means: dict[str, MeanBlocks] = defaultdict(MeanBlocks)
        self._pairs: list[StancePair] = []
        self._stances: StanceBlocks | None = None
        self._n_articles = 0
        self._signatures: dict[str, str] = {}
        self._alignment: Counter[str] | None = Counter()
        self.labelled = self._referenced = False
        self._notes: list[str] = []

    def add(self, material: Material) -> list[ItemScore]:
        """Takes one block and returns its item scores."""
        labelled = any(a.gold for a in material.articles)
        referenced = any(a.summaries for a in material.articles)
        self.labelled, self._referenced = self.labelled or labelled, self._referenced or referenced
        items: list[ItemScore] = []
        if material.summaries is not None and (labelled or referenced):
            items, signatures = summary_items(material)
            self._signatures |= signatures
            self._add_means(items)
            if labelled:
                self._add_alignment(material)
        if material.stances is not None and material.stances.unfitted is not None:
            self._notes = [f"stance: {material.stances.unfitted}"]
        elif material.stances is not None and labelled:
            pairs = stance_pairs(material)
            of_plugins, by_scope, signatures = plugin_items(pairs, {a.id: a for a in material.articles})
            items = [*items, *score_items(pairs), *of_plugins]
            self._add_means(by_scope)
            self._signatures |= signatures
            self._add_pairs(pairs)
        return items

    def _add_means(self, items: list[ItemScore]) -> None:
        by_metric: dict[str, list[ItemScore]] = defaultdict(list)
        for item in items:
            by_metric[item.metric].append(item)
        for metric, rows in by_metric.items():
            self._means[metric].add(rows)

    def _add_pairs(self, pairs: list[StancePair]) -> None:
        if self._stances is not None:
            self._stances.add(pairs)
            return
        self._pairs += pairs
        self._n_articles += len({p.article_id for p in pairs})
        if self._n_articles > MOST_RESAMPLED:
            self._stances = StanceBlocks()
            self._stances.add(self._pairs)
            self._pairs = []

    def _add_alignment(self, material: Material) -> None:
        """Sums the table `alignment`, which a run has where every summary copies its sentences."""
        block = Scored()
        score_alignment(material, block)
        if self._alignment is not None:
            self._alignment = self._alignment + Counter(block.tables["alignment"]) if block.tables else None

    def scored(self) -> Scored:
        """Aggregates, tables and notes; the item scores were returned before."""
        scored = Scored(signatures=self._signatures, notes=list(self._notes))
        if not self.labelled:
            scored.notes.append(NO_GOLD if self._referenced else NOTHING)
        scored.add({metric: blocks.value(self._options) for metric, blocks in self._means.items()})
        if self._alignment:
            empty = dict.fromkeys(("kept", "dropped", "of", "labelled", "right"), 0)
            scored.tables["alignment"] = empty | dict(self._alignment)
        if self._stances is not None or self._pairs:
            report = (
                self._stances.report()
                if self._stances is not None
                else aggregate(self._pairs, seed=self._options.seed, resamples=self._options.resamples)
            )
            scored.add(report.metrics)
            scored.tables["stance"] = report.tables
        return scored
