"""A judge against the hand labels of the frozen set: where its reports of harm are right, and how far its numbers are off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

import numpy as np

from harness.data.frozen_set import READING, FrozenSet
from harness.metrics.preservation import HARM, Outcome, OutcomeRow, outcome_of
from harness.metrics.preservation_table import COVERAGE, FIDELITY, HARM_RATE, ratio_counts
from harness.results.trust import NOT_VALIDATED
from harness.scoring.hand_labels import hand_outcomes, whole_summaries
from harness.scoring.preservation import difference_of_ratios
from harness.stats.bootstrap import Interval, clustered_interval_counts
from harness.stats.judge_accuracy import HarmLabel, JudgeAccuracy, judge_accuracy
from harness.types import Article, Item, MetricValue, Stance

FEW = 0.05
"""A judge that finds a stance for less than this share of pairs in another article's summary rightly finds none there."""
ENOUGH = 0.9
"""Share of the labelled triples that a judge must have answered."""
RATES = (COVERAGE, FIDELITY, HARM_RATE)
NO_LABELS = "no hand labels of these articles' summaries"


def frozen_readings(frozen: FrozenSet, articles: Iterable[Article]) -> dict[str, list[Item]]:
    """What a judge is asked for its check, by reading: each labelled summary, about every labelled (speaker, target)."""
    readings: dict[str, list[Item]] = {}
    for article, summary in whole_summaries(frozen, articles):
        labelled = summary.stances()
        items = [Item(article, s, t, summary=summary.text) for s, t in article.pairs() if (s.id, t.id) in labelled]
        readings.setdefault(f"{READING}{summary.hash}", []).extend(items)
    return readings


def judge_check(
    rows: Mapping[str, Sequence[OutcomeRow]], frozen: FrozenSet, articles: Iterable[Article]
) -> dict[str, object]:
    """The judge's verdict: `validated`, or the `reason` why not, over the figures behind it.

    `rows` are its outcomes by reading (`frozen_readings` and the article, reference and other texts of a run). Validated is a
    judge whose sensitivity and precision of harm have lower ends of 0.7, that answered nine tenths of the labelled triples, and
    that finds clearly less harm in articles and in references than in another article's summary.
    """
    pairs = list(_judged_and_labelled(rows, frozen, articles))
    if not pairs:
        return {"validated": False, "n": 0, "reason": f"{NOT_VALIDATED}: {NO_LABELS}"}
    n_labels = sum(row.mentioned for _, _, hand in pairs for row in hand)
    labels = [label for _, judged, hand in pairs for label in _harm_labels(judged, hand)]
    accuracy = judge_accuracy(labels)
    contrasts = _contrasts(rows)
    reasons = [accuracy.reason] if accuracy.reason else []
    if len(labels) < ENOUGH * n_labels:
        reasons.append(f"it answered {len(labels)} of {n_labels} labelled triples")
    reasons += [
        f"it does not find clearly less harm in {name}s than in another article's summary ({_difference_text(value)})"
        for name, value in contrasts.items()
        if value is not None and not (value.ci_low is not None and value.ci_low > 0)
    ]
    by_summariser = {}
    for name in sorted({name for names, _, _ in pairs for name in names}):
        of_one = [(judged, hand) for names, judged, hand in pairs if name in names]
        one = judge_accuracy(label for judged, hand in of_one for label in _harm_labels(judged, hand))
        by_summariser[name] = _accuracy_table(one) | {"errors": _errors(of_one)}
    return {
        "validated": not reasons,
        "reason": f"{NOT_VALIDATED}: {'; '.join(reasons)}" if reasons else None,
        **_accuracy_table(accuracy),
        "n_open": n_labels - len(labels),
        "errors": _errors([(judged, hand) for _, judged, hand in pairs]),
        "by_summariser": by_summariser,
        "contrasts": {name: value and asdict(value) for name, value in contrasts.items()},
    }


def _judged_and_labelled(
    rows: Mapping[str, Sequence[OutcomeRow]], frozen: FrozenSet, articles: Iterable[Article]
) -> Iterator[tuple[list[str], list[OutcomeRow], list[OutcomeRow]]]:
    """Of each labelled summary that the judge read: its summarisers, the judge's rows and people's, in the same order."""
    for article, summary in whole_summaries(frozen, articles):
        judged = {(r.speaker, r.target): r for r in rows.get(f"{READING}{summary.hash}", ()) if r.article == article.id}
        hand = hand_outcomes(article, summary)
        if judged:
            yield summary.summarisers, [judged[r.speaker, r.target] for r in hand], hand


def _harm_labels(judged: Sequence[OutcomeRow], hand: Sequence[OutcomeRow]) -> list[HarmLabel]:
    """Of the pairs whose speaker the summary mentions: elsewhere no harm is possible."""
    return [
        HarmLabel(h.article, j.outcome in HARM, h.outcome in HARM)
        for j, h in zip(judged, hand, strict=True)
        if h.mentioned and not j.unjudged
    ]


def _accuracy_table(accuracy: JudgeAccuracy) -> dict[str, object]:
    shares = {name: _value(getattr(accuracy, name)) for name in ("sensitivity", "specificity", "precision")}
    return {"n": accuracy.n, **shares}


def _value(interval: Interval) -> dict[str, object]:
    return asdict(interval.metric(interval.n_clusters, 0))


def _errors(pairs: Sequence[tuple[Sequence[OutcomeRow], Sequence[OutcomeRow]]]) -> dict[str, object]:
    """Judge minus people on coverage, fidelity and harm over the labelled summaries, each with its interval by article."""
    judged = [row for j, _ in pairs for row in j]
    hand = [row for _, h in pairs for row in h]
    # what the judge left open is left out of both
    open_pairs = {i for i, row in enumerate(judged) if row.unjudged}
    both = [[r for i, r in enumerate(side) if i not in open_pairs] for side in (judged, hand)]
    errors: dict[str, object] = {}
    for metric in RATES:
        if not both[0]:
            errors[metric] = asdict(MetricValue(None, reason="nothing was judged"))
            continue
        counts = np.hstack([ratio_counts(side, metric) for side in both])
        errors[metric] = _value(clustered_interval_counts(counts, difference_of_ratios))
    return errors


def _contrasts(rows: Mapping[str, Sequence[OutcomeRow]]) -> dict[str, MetricValue | None]:
    """Harm per 100 stances that the judge finds in another article's summary, minus that in the article and in a reference.

    None where the judge rightly finds (nearly) no stance in the other summary. Whether a text mentions the speaker is no matter
    here: it is the judge that is looked at. Missing where a reading is.
    """
    other = [_found_harm(row) for row in rows.get("other", ()) if not row.unjudged]
    contrasts: dict[str, MetricValue | None] = {}
    for name in ("article", "reference"):
        read = [(row.article, _found_harm(row)) for row in rows.get(name, ()) if not row.unjudged]
        if not read or not other:
            continue
        if sum(stance for stance, _ in other) < FEW * len(other):
            contrasts[name] = None
            continue
        articles = sorted({row.article for row in rows["other"]} | {a for a, _ in read})
        index = {a: i for i, a in enumerate(articles)}
        counts = np.zeros((len(articles), 4))
        for row in rows["other"]:
            if not row.unjudged:
                stance, harm = _found_harm(row)
                counts[index[row.article], :2] += (100 * harm, stance)
        for article, (stance, harm) in read:
            counts[index[article], 2:] += (100 * harm, stance)
        contrasts[name] = clustered_interval_counts(counts, difference_of_ratios).metric(len(articles), 0)
    return contrasts


def _found_harm(row: OutcomeRow) -> tuple[int, int]:
    """Whether the judge finds a stance, and a harmful one, however the speaker is named."""
    outcome = outcome_of(row.gold, row.judged or Stance.NO_STANCE, is_mentioned=True)
    return int(outcome not in (None, Outcome.DROPPED_STANCE)), int(outcome in HARM)


def _difference_text(value: MetricValue) -> str:
    if value.value is None:
        return value.reason or "undefined"
    if value.ci_low is None or value.ci_high is None:
        return f"{value.value:+.1f} of 100, without an interval"
    return f"{value.value:+.1f} [{value.ci_low:+.1f}, {value.ci_high:+.1f}] of 100"
