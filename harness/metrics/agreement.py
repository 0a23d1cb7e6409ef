"""How far annotators agree: alphas for three questions and over all labels, overlap of evidence, each against gold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.metrics.spans import Span, exact_match, overlap_f1
from harness.metrics.stance_pair import StancePair
from harness.stats.bootstrap import RESAMPLES, Array, by_cluster, clustered_interval_counts, clustered_interval_mean
from harness.types import STANCES, Article, MetricValue, Stance

Level = Literal["nominal", "ordinal", "interval", "ratio"]
GOAL = 0.667
"""The lower bounds of steps (i) and (ii) should reach this (Krippendorff's limit for tentative conclusions)."""

SIGN = {stance: -1 if d < 0 else int(d > 0) for stance in STANCES if (d := stance.degree) is not None}


@dataclass(frozen=True, slots=True)
class Unit:
    """What the annotators said of one (article, speaker, target): a label each, and the spans of their evidence."""

    article_id: str
    speaker_id: str
    target_id: str
    labels: Mapping[str, Stance]
    evidence: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """Aggregates `agreement.<step>.<alpha|raw>` and so on, and tables that are plain JSON."""

    metrics: dict[str, MetricValue]
    tables: dict[str, Any]


class Step(NamedTuple):
    """One question about the labels. `read` gives (group, value): values are compared within a group; None: not asked."""

    name: str
    values: int
    read: Callable[[Stance], tuple[int, int] | None]


STEPS: tuple[Step, ...] = (
    Step("stance", 2, lambda stance: (0, int(stance is not Stance.NO_STANCE))),
    Step("sign", 3, lambda stance: None if stance is Stance.NO_STANCE else (0, SIGN[stance] + 1)),
    Step("degree", 2, lambda stance: (SIGN[stance], abs(stance.degree or 0) - 1) if SIGN.get(stance) else None),
    Step("nominal", 6, lambda stance: (0, STANCES.index(stance))),
    Step("ordinal", 5, lambda stance: None if stance.degree is None else (0, stance.degree + 2)),
)
"""(i) stance against no_stance; (ii) sign where both saw a stance; (iii) full against lean where both gave the same
sign; then all six labels as names, and the five points as ranks where both are on the scale."""


def units_of(articles: Iterable[Article]) -> list[Unit]:
    """The annotated pairs of the articles; vague speakers are left out, as everywhere."""
    units = []
    for article in articles:
        labels_by_annotator = {a.annotator: {(s.speaker, s.target): s for s in a.stances} for a in article.annotations}
        for speaker, target in article.pairs():
            at = (speaker.id, target.id)
            pair_labels = {name: stances[at] for name, stances in labels_by_annotator.items() if at in stances}
            if pair_labels:
                labels = {name: label.stance for name, label in pair_labels.items()}
                spans = {name: tuple((e.start, e.end) for e in label.evidence) for name, label in pair_labels.items()}
                units.append(Unit(article.id, speaker.id, target.id, labels, spans))
    return units


def annotator_pairs(articles: Iterable[Article], annotator: str) -> list[StancePair]:
    """One annotator's labels as predictions of gold: the `annotator` row beside the systems.

    A pair that the annotator left open is an error ("not labelled"), so it is counted and never wrong in silence.
    """
    pairs = []
    for article in articles:
        gold = article.gold_stances()
        stances = {
            (s.speaker, s.target): s.stance for a in article.annotations if a.annotator == annotator for s in a.stances
        }
        for speaker, target in article.pairs():
            at = (speaker.id, target.id)
            if at in gold:
                pairs.append(
                    StancePair(
                        item=f"{article.id}/{speaker.id}/{target.id}",
                        article_id=article.id,
                        speaker_id=speaker.id,
                        target_id=target.id,
                        gold=gold[at].stance,
                        predicted=stances.get(at),
                        error=None if at in stances else "not labelled by the annotator",
                        side=speaker.side,
                        phenomena=gold[at].phenomena,
                        target_key=target.proposition,
                    )
                )
    return pairs


def coincidences(units: Sequence[Sequence[int]], values: int) -> Array:
    """Krippendorff's coincidence matrices, one a unit, shape (units, values, values).

    Each ordered pair of answers to a unit of m answers counts 1 / (m - 1) (Krippendorff 2011, Computing Krippendorff's
    Alpha-Reliability, section C); a unit with one answer counts nothing.
    """
    counts = np.zeros((len(units), values))
    for row, answers in enumerate(units):
        for answer in answers:
            counts[row, answer] += 1
    m = counts.sum(axis=1)
    products = counts[:, :, None] * counts[:, None, :] - np.eye(values) * counts[:, :, None]
    return np.where((m > 1)[:, None, None], products / np.maximum(m - 1, 1)[:, None, None], 0.0)


def alpha_nominal(matrices: Array) -> Array:
    """Krippendorff's alpha for names from summed coincidences (..., K, K), at most 1; NaN where all answers are
    equal."""
    return _alpha(matrices, np.broadcast_to(1 - np.eye(matrices.shape[-1]), matrices.shape))


def alpha_ordinal(matrices: Array) -> Array:
    """Krippendorff's alpha for ranks; distance (sum of marginals from c to k, half of both ends) squared (2011)."""
    marginals = matrices.sum(axis=-1)
    upto = np.cumsum(marginals, axis=-1) - marginals / 2
    return _alpha(matrices, (upto[..., :, None] - upto[..., None, :]) ** 2)


def raw_agreement(matrices: Array) -> Array:
    """Share of paired answers that are equal, in [0, 1], from summed coincidences (..., K, K); NaN without pairs."""
    total = matrices.sum(axis=(-2, -1))
    equal = np.trace(matrices, axis1=-2, axis2=-1)
    return np.asarray(np.where(total > 0, equal / np.where(total > 0, total, 1), np.nan))


def _alpha(matrices: Array, distance: Array) -> Array:
    marginals = matrices.sum(axis=-1)
    total = marginals.sum(axis=-1)
    observed = (matrices * distance).sum(axis=(-2, -1))
    expected = (marginals[..., :, None] * marginals[..., None, :] * distance).sum(axis=(-2, -1))
    some = expected > 0
    return np.asarray(np.where(some, 1 - (total - 1) * observed / np.where(some, expected, 1), np.nan))


def krippendorff_alpha(reliability: ArrayLike, level: Level = "nominal") -> float:
    """Alpha of reliability data (annotators, units), NaN where missing, by the `krippendorff` package; NaN if
    undefined."""
    import krippendorff

    data = np.asarray(reliability, dtype=np.float64)
    pairable = data[:, (~np.isnan(data)).sum(axis=0) > 1] if data.size else data
    if np.unique(pairable[~np.isnan(pairable)]).size < 2:
        return float("nan")
    return float(krippendorff.alpha(reliability_data=data, level_of_measurement=level))


def agreement(units: Sequence[Unit], *, seed: int = 0, resamples: int = RESAMPLES) -> AgreementReport:
    """Raw agreement and alpha of every step with 95 % intervals by article, evidence overlap and label confusions.

    With more than two annotators a step compares within those to whom it applies. `n_scored` counts units with at least
    two answers, `n_unscored` the rest.
    """
    metrics: dict[str, MetricValue] = {}
    for step in STEPS:
        answers, articles = _answers(units, step)
        matrices = coincidences(answers, step.values)
        sums, _ = by_cluster(matrices, articles) if articles else (np.zeros((0, step.values, step.values)), [])
        alpha = alpha_ordinal if step.name == "ordinal" else alpha_nominal
        for name, statistic in (("alpha", alpha), ("raw", raw_agreement)):
            if not answers:
                value = MetricValue(None, n_unscored=len(units), reason="no unit has two answers to compare")
            else:
                interval = clustered_interval_counts(sums, statistic, seed=seed, resamples=resamples)
                value = interval.metric(len(answers), len(units) - len(answers))
                if value.value is None:
                    reason = "every answer is the same: agreement cannot be told from chance"
                    value = MetricValue(None, n_scored=0, n_unscored=len(units), reason=reason)
            metrics[f"agreement.{step.name}.{name}"] = value
    metrics |= _evidence(units, seed, resamples)
    tables = {f"agreement.confusion.{a}.{b}": table for (a, b), table in label_confusions(units).items()}
    tables["agreement.annotators"] = dict(Counter(name for unit in units for name in unit.labels))
    return AgreementReport(metrics, tables)


def _answers(units: Sequence[Unit], step: Step) -> tuple[list[list[int]], list[str]]:
    """Answers of each comparable group of at least two within a unit, and the group's article."""
    answers: list[list[int]] = []
    articles: list[str] = []
    for unit in units:
        groups: dict[int, list[int]] = {}
        for stance in unit.labels.values():
            read = step.read(stance)
            if read is not None:
                groups.setdefault(read[0], []).append(read[1])
        for group in groups.values():
            if len(group) > 1:
                answers.append(group)
                articles.append(unit.article_id)
    return answers, articles


def _evidence(units: Sequence[Unit], seed: int, resamples: int) -> dict[str, MetricValue]:
    """Overlap of evidence where two annotators saw a stance and quoted something, averaged over such pairs."""
    overlaps: list[tuple[float, float]] = []
    articles: list[str] = []
    n_pairs = 0
    for unit in units:
        seeing = sorted(name for name, stance in unit.labels.items() if stance is not Stance.NO_STANCE)
        for a, b in combinations(seeing, 2):
            n_pairs += 1
            first, second = unit.evidence.get(a, ()), unit.evidence.get(b, ())
            f1 = overlap_f1(first, second)
            if f1 is not None:
                overlaps.append((f1, float(exact_match(first, second))))
                articles.append(unit.article_id)
    values: dict[str, MetricValue] = {}
    for column, name in enumerate(("character_f1", "exact")):
        interval = clustered_interval_mean(
            [overlap[column] for overlap in overlaps], articles, seed=seed, resamples=resamples
        )
        values[f"agreement.evidence.{name}"] = interval.metric(len(overlaps), n_pairs - len(overlaps))
    return values


def label_confusions(units: Sequence[Unit]) -> dict[tuple[str, str], dict[str, Any]]:
    """Six-label confusion of each two annotators, as plain JSON; rows are the first's labels."""
    labels = [str(stance) for stance in STANCES]
    tables: dict[tuple[str, str], NDArray[np.int64]] = {}
    for unit in units:
        for a, b in combinations(sorted(unit.labels), 2):
            table = tables.setdefault((a, b), np.zeros((len(STANCES), len(STANCES)), dtype=np.int64))
            table[STANCES.index(unit.labels[a]), STANCES.index(unit.labels[b])] += 1
    return {
        (a, b): {"rows": a, "columns": b, "labels": labels, "counts": table.tolist()}
        for (a, b), table in sorted(tables.items())
    }
