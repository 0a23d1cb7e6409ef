"""End-to-end scores, where a finder names the speakers: its speakers, and their stances, matched to those of gold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from harness.data.found_speakers import found_speakers, quoted_spans
from harness.metrics.speakers import FoundSpeaker, FoundSpeakers, aggregate_speakers, score_speakers
from harness.scoring.material import Material, Scored
from harness.types import Prediction, Speaker


def score_found_speakers(material: Material, scored: Scored) -> None:
    """F1 of speakers and of (speaker, stance) against gold, and where each error arose; articles without gold are left out."""
    assert material.finder is not None
    articles = {a.id: a for a in material.articles}
    named = {p.article_id: found_speakers(p, articles[p.article_id]) for p in material.finder.predictions}
    silent = [p.article_id for p in material.finder.predictions if p.answer.error is None and not named[p.article_id]]
    if silent:
        listed = ", ".join(silent[:5]) + (" …" if len(silent) > 5 else "")
        total = len(material.finder.predictions)
        scored.notes.append(
            f"no speaker was found in {len(silent)} of {total} articles, so nothing was asked there: {listed}"
        )
    unasked = "no stance classifier was asked" if material.stances is None else material.stances.unfitted
    stances: defaultdict[tuple[str, str], list[Prediction]] = defaultdict(list)
    for p in material.stances.predictions if material.stances else ():
        stances[p.article_id, p.speaker_id or ""].append(p)
    labelled = {a.id: a for a in material.articles if a.gold is not None}
    answers = []
    for p in material.finder.predictions:
        if p.article_id not in labelled:
            continue
        quotes = quoted_spans(p, labelled[p.article_id])
        speakers = [_with_stances(s, stances[p.article_id, s.id], quotes.get(s.name, ())) for s in named[p.article_id]]
        answers.append(FoundSpeakers(labelled[p.article_id], tuple(speakers), p.answer.error, unasked))
    if not answers:
        return
    report = aggregate_speakers(answers, seed=material.options.seed, resamples=material.options.resamples)
    scored.items.extend(score_speakers(answers))
    scored.add(report.metrics)
    scored.tables["speakers"] = report.tables


def _with_stances(
    speaker: Speaker, predictions: Sequence[Prediction], quotes: tuple[tuple[int, int], ...]
) -> FoundSpeaker:
    """A speaker with what was answered about him or her: stances, unparsed answers and failed ones, by target."""
    answers = {p.target_id: p.answer for p in predictions if p.target_id}
    stances = {target: a.label for target, a in answers.items() if a.error is None and a.label is not None}
    return FoundSpeaker(
        name=speaker.name,
        stances=stances,
        # a finder quotes a speaker, not a stance: its quotes stand as evidence for all that it leads to
        evidence=dict.fromkeys(stances, quotes),
        unparsed=frozenset(target for target, a in answers.items() if a.error is None and a.label is None),
        failed={target: a.error for target, a in answers.items() if a.error is not None},
    )
