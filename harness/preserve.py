"""Stance preservation of a run: the judge's answers as outcomes, the three numbers with intervals, ceiling, floor, validation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from harness.data.summary_stances import JudgeSample, text_hash
from harness.metrics.overlap import word_count
from harness.metrics.preservation import OutcomeRow, item_scores, outcomes
from harness.metrics.preservation_table import (
    COVERAGE,
    FIDELITY,
    HARM_RATE,
    HAWK_SHIFT,
    STATISTICS,
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
from harness.types import Article, MetricValue, Stance

if TYPE_CHECKING:
    from harness.scoring import Material, Scored


def score_preservation(material: Material, scored: Scored) -> None:
    """Outcomes of every reading; the summaries' become item scores and metrics, the others the judge's ceiling and floor."""
    rows = read_outcomes(material)
    options = material.options
    by_article = {a.id: a for a in material.articles}
    summary_rows = rows.get("summary", []) + without_summary(material)
    scored.items.extend(item_scores(summary_rows))
    for article_id, own in _by_article(summary_rows).items():
        scored.items.extend(balance(own, by_article[article_id]))
    scored.add(with_intervals(summary_rows, by_article, options.seed, options.resamples))
    words = dict.fromkeys((r.article for r in summary_rows), 0)
    words |= {i.article.id: word_count(i.article.text) for i in material.readings.get("summary", ())}
    scored.tables["preservation"] = {
        "outcomes": outcome_table(summary_rows),
        "rows": [row_as_data(row) for row in summary_rows],
        "by_length": {band: _plain(values) for band, values in aggregate_by_band(summary_rows, words).items()},
        "validation": validation(material, summary_rows),
        "judge_on": {reading: _plain(aggregate(own)) for reading, own in rows.items() if reading != "summary"},
    }
    assert material.judge is not None
    scored.signatures.update(signatures(material.judge))


def read_outcomes(material: Material) -> dict[str, list[OutcomeRow]]:
    """Outcome rows by what the judge read: `summary`, `article`, `reference`, `empty`, `other`."""
    assert material.judged is not None
    predictions = iter(material.judged.predictions)
    by_id = {a.id: a for a in material.articles}
    rows: dict[str, list[OutcomeRow]] = {}
    for reading, items in material.readings.items():
        texts: dict[str, str] = {}
        judged: dict[str, dict[tuple[str, str], Stance | None]] = defaultdict(dict)
        # with an unfitted judge there are no predictions, and every pair stays unasked
        for item, prediction in zip(items, predictions, strict=False):
            texts[item.article.id] = item.article.text
            assert item.speaker is not None and item.target is not None
            if prediction.answer.error is None:
                judged[item.article.id][item.speaker.id, item.target.id] = prediction.answer.label
        rows[reading] = [row for a, text in texts.items() for row in outcomes(by_id[a], text, judged[a])]
    return rows


def without_summary(material: Material) -> list[OutcomeRow]:
    """Gold pairs of articles whose summary failed: open, so that they are counted and never scored."""
    failed = (
        {p.article_id: p.answer.error for p in material.summaries.predictions if p.answer.error}
        if material.summaries
        else {}
    )
    rows = []
    for article in material.articles:
        if article.id in failed:
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
                            reason=f"no summary: {failed[article.id]}",
                        )
                    )
    return rows


def with_intervals(
    rows: Sequence[OutcomeRow], articles: Mapping[str, Article], seed: int, resamples: int
) -> dict[str, MetricValue]:
    """Coverage, fidelity, harm and hawk shift, pooled over articles, and the mean voice shift, with intervals by article."""
    from harness.stats.bootstrap import clustered_interval_counts, clustered_interval_mean

    found: dict[str, MetricValue] = {}
    for metric, value in aggregate(rows).items():
        counts = ratio_counts(rows, metric)
        if value.value is None or not counts:
            found[metric] = value
            continue
        interval = clustered_interval_counts(counts, STATISTICS[metric], seed=seed, resamples=resamples)
        found[metric] = interval.metric(value.n_scored, value.n_unscored)
    grouped = _by_article(rows)
    sides = {a: pair for a in grouped if (pair := two_sides(articles[a])) is not None}
    if not sides:
        none = MetricValue(None, n_unscored=len(grouped), reason="no article has two sides with a gold stance")
        return found | {HAWK_SHIFT: none, VOICE_SHIFT: none}
    hawk = [hawk_counts(grouped[a], pair) for a, pair in sides.items()]
    interval = clustered_interval_counts(hawk, STATISTICS[HAWK_SHIFT], seed=seed, resamples=resamples)
    # of an article in which neither side's stance is conveyed, nothing enters
    n = sum(c[1] + c[3] > 0 for c in hawk)
    found[HAWK_SHIFT] = interval.metric(n, len(grouped) - n)
    voice = [s for a in sides for s in balance(grouped[a], articles[a]) if s.metric == VOICE_SHIFT]
    own = {s.article_id: s.value for s in voice if s.value is not None}
    interval = clustered_interval_mean(list(own.values()), list(own), seed=seed, resamples=resamples)
    value = interval.metric(len(own), len(grouped) - len(own))
    found[VOICE_SHIFT] = value if own else replace(value, reason=voice[0].reason)
    return found


ROUNDING = 0.02
"""Share of a judge's answers that may be others on another machine: sums in another order turn near ties."""


def validation(material: Material, rows: Sequence[OutcomeRow]) -> dict[str, object]:
    """The judge against hand labels of what summaries convey; without labels, or while some of those drawn are open, it is
    not validated, and says so.

    `rows` are the outcomes of this run's summaries: where the sample has some of these, the judge must still say of them
    what it said when the sample was drawn, but for near ties that another processor's rounding turns. One that learns from
    gold may not, once gold was changed.
    """
    from harness.metrics.judge_validation import NOT_VALIDATED, LabelledTriple, judge_validation
    from harness.metrics.preservation import HARM, outcome_of

    sample = material.judge_sample
    asked, changed = answered_otherwise(material, sample, rows) if sample else (0, 0)
    if changed > ROUNDING * asked:
        reason = f"it judges {changed} of {asked} hand-labelled triples otherwise than when they were drawn"
        reason = f"{NOT_VALIDATED}: {reason}; harness data sample-judge draws them anew"
        return {"validated": False, "n": 0, "stale": True, "reason": reason}
    gold = {(a.id, *pair): label.stance for a in material.articles for pair, label in a.gold_stances().items()}
    drawn = [
        (row, gold[pair])
        for row in (sample.labels if sample else ())
        if (pair := (row.article, row.speaker, row.target)) in gold
    ]
    triples = []
    for row, stance in drawn:
        if row.stance is not None:
            harmed = outcome_of(stance, row.stance, is_mentioned=True) in HARM
            triples.append(LabelledTriple(row.drawn == "harm", harmed, row.weight))
    if not triples:
        return {"validated": False, "n": 0, "reason": f"{NOT_VALIDATED}: no hand labels of summaries for this judge"}
    if n_open := len(drawn) - len(triples):
        # which are labelled first is nobody's draw, so their weights stand for nothing
        reason = f"{n_open} of the {len(drawn)} triples drawn from these articles are not labelled yet"
        return {"validated": False, "n": len(triples), "reason": f"{NOT_VALIDATED}: {reason}"}
    found = judge_validation(triples)
    return {
        "validated": found.validated,
        "n": len(triples),
        "reason": found.reason,
        "sensitivity": asdict(found.sensitivity),
        "specificity": asdict(found.specificity),
    }


def answered_otherwise(material: Material, sample: JudgeSample, rows: Sequence[OutcomeRow]) -> tuple[int, int]:
    """How many of the sample's triples are about this run's summaries, and on how many of these the judge reports harm where
    it did not, or the reverse."""
    from harness.metrics.preservation import HARM

    texts = {i.article.id: text_hash(i.article.text) for i in material.readings.get("summary", ())}
    harmed = {(r.article, r.speaker, r.target): r.outcome in HARM for r in rows if not r.unjudged}
    turned = [
        harmed.get((label.article, label.speaker, label.target), label.drawn == "harm") != (label.drawn == "harm")
        for label in sample.labels
        if texts.get(label.article) == label.summary
    ]
    return len(turned), sum(turned)


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


def _plain(values: Mapping[str, MetricValue]) -> dict[str, object]:
    return {m: {"value": v.value, "n": v.n_scored} for m, v in values.items() if m in (COVERAGE, FIDELITY, HARM_RATE)}
