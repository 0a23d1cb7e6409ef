"""Stance metrics with their intervals: item scores first, then aggregates over confusion counts by article.

Keys read `stance[.escalation|.all].<metric>.<scale>`: no scope word means concrete targets (the primary scope),
`escalation` that target only, `all` both. Scales: `six_label` (everything), `five_point` (gold on the scale),
`three_way` (everything; lean_* to their side, neutral and no_stance to none), `three_way_stanced` (the same without
gold no_stance).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.metrics import confusion as cm
from harness.metrics.calibration import (
    Confident,
    brier,
    calibration_metrics,
    label_probabilities,
    reliability_table,
    selective_table,
)
from harness.metrics.catalogue import STANCE
from harness.metrics.entry import SCALES, SCOPES, Scale, Scope, scoped
from harness.metrics.stance_pair import StancePair
from harness.stats.bootstrap import (
    MIN_CLUSTERS,
    MOST_RESAMPLED,
    RESAMPLES,
    Interval,
    analytic_interval,
    clustered_interval_counts,
    informative_clusters,
    interval_of,
    ratio,
    resampled_sums,
    too_few,
)
from harness.stats.moments import Moments
from harness.types import ESCALATION, SCALE, STANCES, ItemScore, MetricValue, Stance


@dataclass(frozen=True, slots=True)
class StanceReport:
    """Aggregates by key, and tables (confusions, per-label scores, reliability data) that are plain JSON."""

    metrics: dict[str, MetricValue]
    tables: dict[str, Any]


class CountMetric(NamedTuple):
    """A metric that is a function of confusion counts on one scale."""

    scale: Scale
    statistic: Callable[[cm.Array], cm.Array]
    sided: bool = False
    """Whether only items count whose gold takes a side."""
    detected: bool = False
    """Whether only items count whose answer, too, is on the scale."""

    def n_items(self, counts: NDArray[np.int64]) -> int:
        """Items that enter the metric, from counts (..., K, C)."""
        if self.detected:
            return int(counts[..., : len(SCALE)].sum())
        return int(counts.sum() - (counts[..., SCALE.index(Stance.NEUTRAL), :].sum() if self.sided else 0))


STATISTICS: Mapping[str, Callable[[cm.Array], cm.Array]] = MappingProxyType(
    {
        "accuracy": cm.accuracy,
        "macro_f1": cm.macro_f1,
        "f_avg": cm.f_avg,
        "detection_f1": cm.detection_f1,
        "kappa": cm.quadratic_kappa,
        "mae_macro": cm.mae_macro,
        "sign_flip_rate": cm.sign_flip_rate,
        "unparsed_rate": cm.unparsed_rate,
    }
)
"""What maps confusion counts to a metric of the catalogue."""
SCALES_OF: Mapping[str, tuple[Scale, ...]] = MappingProxyType({metric.name: metric.scales for metric in STANCE})

_DEGREES = ("kappa", "mae_macro")
COUNT_METRICS: Mapping[str, CountMetric] = MappingProxyType(
    {
        f"{name}.{scale}": CountMetric(scale, statistic, sided=name == "sign_flip_rate", detected=name in _DEGREES)
        for name, statistic in STATISTICS.items()
        for scale in SCALES_OF[name]
    }
)
"""By `<metric>.<scale>`; the other metrics (per target, calibration) are no function of one confusion."""


def in_scope(pair: StancePair, scope: Scope) -> bool:
    """Whether the pair's target belongs to the scope."""
    return scope == "all" or (pair.target_id == ESCALATION) == (scope == "escalation")


def key(scope: Scope, metric: str) -> str:
    """`stance[.scope].<metric>.<scale>`."""
    return scoped(scope, f"stance.{metric}")


def score_items(pairs: Sequence[StancePair]) -> list[ItemScore]:
    """Item scores: right or wrong on every scale, distance on the scale, flipped sign, Brier score.

    Under the aggregate's name without the scope (the target tells it). A score that gold does not define is left out;
    one that has no answer is there with value None and its reason.
    """
    scores: list[ItemScore] = []
    for pair in pairs:
        for metric, value, missing in _item_values(pair):
            reason = f"no answer: {pair.error}" if pair.error is not None else missing
            scores.append(
                ItemScore(
                    item=pair.item,
                    article_id=pair.article_id,
                    metric=f"stance.{metric}",
                    value=None if reason else value,
                    speaker_id=pair.speaker_id,
                    target_id=pair.target_id,
                    reason=reason,
                )
            )
    return scores


def _item_values(pair: StancePair) -> list[tuple[str, float | None, str | None]]:
    gold, predicted = pair.gold, pair.predicted
    right = float(gold == predicted)
    right_three = float(predicted is not None and gold.three_way == predicted.three_way)
    values: list[tuple[str, float | None, str | None]] = [
        ("accuracy.six_label", right, None),
        ("accuracy.three_way", right_three, None),
    ]
    if gold.degree is not None:
        degree = None if predicted is None else predicted.degree
        values += [("accuracy.five_point", right, None), ("accuracy.three_way_stanced", right_three, None)]
        if degree is None:
            values.append(("mae.five_point", None, "no stance was detected"))
        else:
            values.append(("mae.five_point", float(abs(gold.degree - degree)), None))
        if gold.degree:
            values.append(("sign_flip_rate.five_point", float(gold.degree * (degree or 0) < 0), None))
    probabilities = label_probabilities(pair.scores)
    if probabilities is None:
        missing = "the system gives no probabilities"
        return [*values, ("brier.six_label", None, missing), ("brier.three_way", None, missing)]
    six = _row(probabilities)
    three = [sum(six[i] for i in members) for members in cm.THREE_MEMBERS]
    row = STANCES.index(gold)
    values.append(("brier.six_label", float(brier([six], [row])[0]), None))
    values.append(("brier.three_way", float(brier([three], [cm.TO_THREE[row]])[0]), None))
    return values


def _row(probabilities: Mapping[Stance, float] | None) -> list[float]:
    """Probabilities in the order of the labels; NaN where there are none."""
    if probabilities is None:
        return [math.nan] * len(STANCES)
    return [probabilities.get(stance, 0.0) for stance in STANCES]


def scale_counts(pairs: Sequence[StancePair], articles: Sequence[Hashable], scale: Scale) -> NDArray[np.int64]:
    """Confusions of the answered pairs by article, shape (articles, K, C); a pair of another article is a KeyError."""
    answered = [p for p in pairs if p.error is None]
    index = {article: i for i, article in enumerate(articles)}
    rows, columns = cm.stance_codes([p.gold for p in answered], [p.predicted for p in answered])
    cluster = np.array([index[p.article_id] for p in answered], dtype=np.intp)
    return to_scale(cm.count(cluster, rows, columns, len(articles)), scale)


def to_scale(six: NDArray[Any], scale: Scale) -> NDArray[Any]:
    """Six-label confusions (..., 6, 7) collapsed to a scale, (..., K, C)."""
    if scale == "six_label":
        return six
    if scale == "five_point":
        return cm.on_scale(six)
    return cm.collapse(six if scale == "three_way" else cm.on_scale(six))


def aggregate(pairs: Sequence[StancePair], *, seed: int = 0, resamples: int = RESAMPLES) -> StanceReport:
    """Every metric in every scope with its 95 % interval by article, and the tables behind them.

    All keys are always there; an undefined one has value None and a reason, and a defined one may carry a note in
    `reason` (no interval under 10 articles, a label that gold lacks, everything unparsed).
    """
    metrics: dict[str, MetricValue] = {}
    tables: dict[str, Any] = {}
    probabilities = np.array([_row(label_probabilities(pair.scores)) for pair in pairs]).reshape(
        len(pairs), len(STANCES)
    )
    for scope in SCOPES:
        chosen = [i for i, pair in enumerate(pairs) if in_scope(pair, scope)]
        one = StanceScope([pairs[i] for i in chosen], probabilities[chosen], seed, resamples)
        metrics |= {key(scope, name): value for name, value in one.metrics().items()}
        tables |= {key(scope, name): table for name, table in one.tables().items()}
    return StanceReport(metrics, tables)


class StanceScope:
    """The answered pairs of one scope, counted by article."""

    def __init__(self, pairs: Sequence[StancePair], probabilities: cm.Array, seed: int, resamples: int) -> None:
        self.pairs = [p for p in pairs if p.error is None]
        self.probabilities = probabilities[[p.error is None for p in pairs]]
        self.errors = Counter(p.error for p in pairs if p.error is not None)
        self.unscored = [p for p in pairs if p.error is not None]
        self.articles = sorted({p.article_id for p in self.pairs})
        self.seed, self.resamples = seed, resamples
        self.counts = {scale: scale_counts(self.pairs, self.articles, scale) for scale in SCALES}

    def metrics(self) -> dict[str, MetricValue]:
        resampled = self._resampled()
        values = {
            name: self.count_metric(name, metric, resampled.get(metric.scale)) for name, metric in COUNT_METRICS.items()
        }
        for scale in SCALES_OF["f_avg_per_target"]:
            values[f"f_avg_per_target.{scale}"] = self._per_target(scale)
        articles = [p.article_id for p in self.pairs]
        for scale in SCALES_OF["ece"]:
            calibration = calibration_metrics(
                self._confident(scale), articles, n_errors=len(self.unscored), seed=self.seed, resamples=self.resamples
            )
            values |= {f"{name}.{scale}": value for name, value in calibration.items()}
        return values

    def _resampled(self) -> dict[str, cm.Array]:
        """Resampled confusions by scale: the scales are columns of one matrix product."""
        if not MIN_CLUSTERS <= len(self.articles) <= MOST_RESAMPLED:
            return {}
        flat = [counts.reshape(len(self.articles), -1) for counts in self.counts.values()]
        sums = resampled_sums(np.hstack(flat), resamples=self.resamples, seed=self.seed)
        pieces = np.split(sums, np.cumsum([f.shape[1] for f in flat])[:-1], axis=1)
        return {
            scale: piece.reshape(self.resamples, *self.counts[scale].shape[1:])
            for scale, piece in zip(SCALES, pieces, strict=True)
        }

    def count_metric(self, name: str, metric: CountMetric, resampled: cm.Array | None = None) -> MetricValue:
        """Value and interval of a metric of confusions."""
        counts = self.counts[metric.scale]
        n, n_unscored = metric.n_items(counts), self._n_unscored(metric.scale, sided=metric.sided)
        total = counts.sum(axis=0)
        undefined = self._undefined(name.partition(".")[0], total)
        if undefined:
            return MetricValue(None, n_scored=0, n_unscored=n_unscored + n, reason=undefined)
        value = float(metric.statistic(total[None].astype(np.float64))[0])
        return self.interval(metric, value, resampled).metric(n, n_unscored, _notes(name, total))

    def interval(self, metric: CountMetric, value: float, resampled: cm.Array | None) -> Interval:
        """The interval of a metric of confusions."""
        counts = self.counts[metric.scale]
        clusters = informative_clusters(counts)
        if len(self.articles) > MOST_RESAMPLED:
            return analytic_interval(Moments.of(counts), metric.statistic)
        if resampled is None or clusters < MIN_CLUSTERS:
            return Interval(value, n_clusters=clusters, reason=too_few(clusters))
        return interval_of(value, metric.statistic(resampled), clusters)

    def _n_unscored(self, scale: str, *, sided: bool = False) -> int:
        if sided:
            return sum(bool(p.gold.degree) for p in self.unscored)
        stanced = scale in ("five_point", "three_way_stanced")
        return sum(p.gold.degree is not None or not stanced for p in self.unscored)

    def _undefined(self, metric: str, total: NDArray[np.int64]) -> str | None:
        """Why the metric has no value on these counts."""
        gold = total.sum(axis=1)
        if not gold.any():
            if self.pairs:
                return "gold has no item on the scale"
            return f"no item was answered: {len(self.unscored)} errors" if self.unscored else "no item in this scope"
        if metric.startswith("f_avg") and not (gold[0] and gold[2]):
            missing = " and ".join(str(cm.THREE_WAY[i]) for i in (0, 2) if not gold[i])
            return f"gold has no item labelled {missing}"
        if metric == "detection_f1" and not gold[: len(SCALE)].any():
            return "gold has no item on the scale"
        detected = total[: len(SCALE), : len(SCALE)].sum(axis=1)
        if metric in _DEGREES and not detected.any():
            return "no stance was detected: every answer is off the scale"
        if metric == "kappa" and np.count_nonzero(detected) == 1:
            label = SCALE[int(detected.argmax())]
            return f"gold of detected stances has one label only ({label}): chance cannot be told from agreement"
        if metric == "sign_flip_rate" and not (gold[:2].any() or gold[3:5].any()):
            return "gold takes no side"
        if metric == "sign_flip_rate" and np.isnan(cm.sign_flip_rate(total.astype(np.float64))):
            return "no answer was parsed where gold takes a side"
        return None

    def _per_target(self, scale: Scale) -> MetricValue:
        """F_avg within each target, then the mean over targets; a target of one article is resampled with it."""
        n_unscored = self._n_unscored(scale)
        by_target: dict[str, list[StancePair]] = {}
        for pair in self.pairs:
            if scale == "three_way" or pair.gold.degree is not None:
                by_target.setdefault(pair.target_key or pair.target_id, []).append(pair)
        two_sided = {
            target: members
            for target, members in by_target.items()
            if {m.gold.three_way for m in members} >= {cm.THREE_WAY[0], cm.THREE_WAY[2]}
        }
        if not two_sided:
            n = sum(map(len, by_target.values()))
            reason = self._undefined("", self.counts[scale].sum(axis=0)) or "no target has gold on both sides"
            return MetricValue(None, n_unscored=n_unscored + n, reason=reason)
        inside = np.zeros((len(self.articles), 2))
        across: list[NDArray[np.int64]] = []
        for members in two_sided.values():
            counts = scale_counts(members, self.articles, scale)
            homes = np.flatnonzero(counts.sum(axis=(1, 2)))
            if len(homes) == 1:
                inside[homes[0]] += (float(cm.f_avg(counts[homes].astype(np.float64))[0]), 1)
            else:
                across.append(counts)
        spread = np.stack(across, axis=1) if across else np.zeros((len(self.articles), 0, 3, 4), dtype=np.int64)
        flat = np.hstack([inside, spread.reshape(len(self.articles), -1)])

        def mean_over_targets(sums: cm.Array) -> cm.Array:
            pooled = cm.f_avg(sums[..., 2:].reshape(*sums.shape[:-1], -1, 3, 4))
            total = sums[..., 0] + np.nansum(pooled, axis=-1)
            return ratio(np.stack([total, sums[..., 1] + np.isfinite(pooled).sum(axis=-1)], axis=-1))

        interval = clustered_interval_counts(flat, mean_over_targets, seed=self.seed, resamples=self.resamples)
        note = f"over {len(two_sided)} of {len(by_target)} targets: gold of the others is on one side at most"
        notes = [note] if len(two_sided) < len(by_target) else []
        n = sum(map(len, two_sided.values()))
        left_out = sum(map(len, by_target.values())) - n
        return interval.metric(n, n_unscored + left_out, notes)

    def _confident(self, scale: str) -> Confident:
        rows, columns = cm.stance_codes([p.gold for p in self.pairs], [p.predicted for p in self.pairs])
        columns = np.where(columns == len(STANCES), -1, columns)
        if scale == "six_label":
            return Confident(self.probabilities, columns, rows)
        three = np.stack([self.probabilities[:, members].sum(axis=1) for members in cm.THREE_MEMBERS], axis=1)
        return Confident(three, np.where(columns < 0, -1, cm.TO_THREE[columns]), cm.TO_THREE[rows])

    def tables(self) -> dict[str, Any]:
        tables: dict[str, Any] = {"unscored": dict(self.errors.most_common())}
        for scale, columns in (("six_label", cm.SIX_COLUMNS), ("three_way", cm.THREE_COLUMNS)):
            total = self.counts["six_label" if scale == "six_label" else "three_way"].sum(axis=0)
            labels = [str(c) for c in columns]
            tables[f"confusion.{scale}"] = {"gold": labels[:-1], "predicted": labels, "counts": total.tolist()}
            tables[f"per_label.{scale}"] = per_label(total, labels[:-1])
            data = self._confident(scale)
            tables[f"reliability.{scale}"] = reliability_table(data)
            tables[f"selective.{scale}"] = selective_table(data)
        return tables


def per_label(total: NDArray[np.int64], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Precision, recall and F1 of each label with its counts; None where undefined, never 0 for want of items."""
    rows = []
    for i, label in enumerate(labels):
        right, gold, predicted = int(total[i, i]), int(total[i].sum()), int(total[:, i].sum())
        rows.append(
            {
                "label": label,
                "precision": right / predicted if predicted else None,
                "recall": right / gold if gold else None,
                "f1": 2 * right / (gold + predicted) if gold else None,
                "n_gold": gold,
                "n_predicted": predicted,
            }
        )
    return rows


def _notes(name: str, total: NDArray[np.int64]) -> list[str]:
    """What a reader must know beside a value: nothing was parsed, or a label is missing from gold."""
    metric, _, scale = name.partition(".")
    notes = []
    if total[:, -1].sum() == total.sum():
        notes.append("every prediction was unparsed")
    if metric in ("macro_f1", "mae_macro"):
        labels = cm.THREE_WAY if scale.startswith("three") else STANCES
        of = total[:, : len(SCALE)] if metric == "mae_macro" else total
        missing = [str(labels[i]) for i in np.flatnonzero(of.sum(axis=1) == 0)]
        if missing:
            which = "gold of detected stances" if metric == "mae_macro" else "gold"
            notes.append(f"{which} has no item labelled {', '.join(missing)}")
    return notes
