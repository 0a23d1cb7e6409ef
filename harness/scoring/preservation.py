"""Stance preservation of a run: what became of each gold stance in the summary, as a judge reads it, and how far to trust it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from harness.data.frozen_set import READING
from harness.metrics.catalogue import span
from harness.metrics.overlap import word_count
from harness.metrics.preservation import OutcomeRow, item_scores, outcomes
from harness.metrics.preservation_table import (
    COVERAGE,
    FIDELITY,
    HARM_RATE,
    HAWK_SHIFT,
    VOICE_SHIFT,
    aggregate,
    aggregate_by_band,
    balance,
    hawk_counts,
    outcome_table,
    ratio_counts,
    signatures,
    two_sides,
)
from harness.scoring.material import Material, Scored
from harness.stats.bayesian_bootstrap import rate_interval
from harness.stats.bootstrap import Array, clustered_interval_counts, clustered_interval_mean, ratio
from harness.types import Article, MetricValue, Stance


def score_preservation(material: Material, scored: Scored) -> dict[str, list[OutcomeRow]]:
    """Adds item scores, metrics and the table `preservation`; returns the judge's outcomes by what it read.

    Scores come from the summaries. What the judge read besides them (articles, references, empty and other texts) shows how
    well and how badly a summary can score with this judge.
    """
    rows = read_outcomes(material)
    options = material.options
    by_article = {a.id: a for a in material.articles}
    summary_rows = rows.get("summary", []) + without_summary(material)
    scored.items.extend(item_scores(summary_rows))
    for article_id, article_rows in _by_article(summary_rows).items():
        scored.items.extend(balance(article_rows, by_article[article_id]))
    scored.add(with_intervals(summary_rows, by_article, options.seed, options.resamples))
    words = dict.fromkeys((r.article for r in summary_rows), 0)
    words |= {article_id: word_count(summary) for article_id, summary in material.judged_summaries().items()}
    scored.tables["preservation"] = {
        "outcomes": outcome_table(summary_rows),
        "rows": [row_as_data(row) for row in summary_rows],
        "by_length": {band: _values(metrics) for band, metrics in aggregate_by_band(summary_rows, words).items()},
        "judge_on": {
            reading: _values(aggregate(read))
            for reading, read in rows.items()
            if reading != "summary" and not reading.startswith(READING)
        },
    }
    assert material.judge is not None
    scored.signatures.update(signatures(material.judge))
    return rows


def read_outcomes(material: Material) -> dict[str, list[OutcomeRow]]:
    """Outcome rows by what the judge read: `summary`, `article`, `reference`, `empty`, `other`, and the labelled summaries."""
    by_id = {a.id: a for a in material.articles}
    texts: defaultdict[str, dict[str, str]] = defaultdict(dict)
    labels: defaultdict[tuple[str, str], dict[tuple[str, str], Stance | None]] = defaultdict(dict)
    for reading, item, answer in material.judge_answers():
        assert item.speaker is not None
        assert item.target is not None
        assert item.summary is not None
        texts[reading][item.article.id] = item.summary
        if answer.error is None:
            labels[reading, item.article.id][item.speaker.id, item.target.id] = answer.label
    return {
        reading: [row for a, text in by_article.items() for row in outcomes(by_id[a], text, labels[reading, a])]
        for reading, by_article in texts.items()
    }


def without_summary(material: Material) -> list[OutcomeRow]:
    """Gold pairs of articles whose summary failed: open, so that they are counted and never scored."""
    predictions = material.summaries.predictions if material.summaries else ()
    errors = {p.article_id: p.answer.error for p in predictions if p.answer.error}
    rows = []
    for article in material.articles:
        if article.id not in errors:
            continue
        gold = article.gold_stances()
        for speaker, target in article.pairs():
            label = gold.get((speaker.id, target.id))
            if label is not None:
                rows.append(
                    OutcomeRow(
                        article=article.id,
                        speaker=speaker.id,
                        target=target.id,
                        gold=label.stance,
                        judged=None,
                        mentioned=False,
                        outcome=None,
                        side=speaker.side,
                        main=speaker.main,
                        reason=f"no summary: {errors[article.id]}",
                    )
                )
    return rows


def with_intervals(
    rows: Sequence[OutcomeRow], articles: Mapping[str, Article], seed: int, resamples: int
) -> dict[str, MetricValue]:
    """Coverage, fidelity, harm and hawk shift, pooled over articles, and the mean voice shift, with intervals by article."""
    values: dict[str, MetricValue] = {}
    for metric, value in aggregate(rows).items():
        counts = ratio_counts(rows, metric)
        if value.value is None or not counts:
            values[metric] = value
            continue
        interval = rate_interval(counts, span=span(metric), seed=seed, resamples=resamples)
        values[metric] = interval.metric(value.n_scored, value.n_unscored)
    grouped = _by_article(rows)
    sides = {a: pair for a in grouped if (pair := two_sides(articles[a])) is not None}
    if not sides:
        none = MetricValue(None, n_unscored=len(grouped), reason="no article has two sides with a gold stance")
        return values | {HAWK_SHIFT: none, VOICE_SHIFT: none}
    hawk = [hawk_counts(grouped[a], pair) for a, pair in sides.items()]
    interval = clustered_interval_counts(hawk, difference_of_ratios, seed=seed, resamples=resamples)
    # of an article in which neither side's stance is conveyed, nothing enters
    n = sum(c[1] + c[3] > 0 for c in hawk)
    values[HAWK_SHIFT] = interval.metric(n, len(grouped) - n)
    voice = [s for a in sides for s in balance(grouped[a], articles[a]) if s.metric == VOICE_SHIFT]
    shifts = {s.article_id: s.value for s in voice if s.value is not None}
    interval = clustered_interval_mean(list(shifts.values()), list(shifts), seed=seed, resamples=resamples)
    value = interval.metric(len(shifts), len(grouped) - len(shifts))
    values[VOICE_SHIFT] = value if shifts else replace(value, reason=voice[0].reason)
    return values


def difference_of_ratios(sums: Array) -> Array:
    """Hawk shift from sums (..., 4) of `hawk_counts`; NaN where no stance of a side is conveyed."""
    return np.asarray(ratio(sums[..., :2]) - ratio(sums[..., 2:]))


def row_as_data(row: OutcomeRow) -> dict[str, object]:
    """An outcome as a report shows it."""
    return {
        "article": row.article,
        "speaker": row.speaker,
        "target": row.target,
        "gold": row.gold,
        "judged": row.judged,
        "outcome": row.outcome,
        "flags": list(row.flags),
        "mentioned": row.mentioned,
        "side": row.side,
        "main": row.main,
        "unjudged": row.unjudged,
    }


def _by_article(rows: Sequence[OutcomeRow]) -> dict[str, list[OutcomeRow]]:
    grouped: dict[str, list[OutcomeRow]] = defaultdict(list)
    for row in rows:
        grouped[row.article].append(row)
    return dict(grouped)


def _values(metrics: Mapping[str, MetricValue]) -> dict[str, object]:
    """Coverage, fidelity and harm, each with its number of items and without interval, as a record holds them."""
    return {m: {"value": v.value, "n": v.n_scored} for m, v in metrics.items() if m in (COVERAGE, FIDELITY, HARM_RATE)}
