"""How many gold stances of an extractive summariser are known to be kept or dropped from what it copied, without a judge."""

from __future__ import annotations

from collections import Counter

from harness.metrics.alignment import aligned_outcome, is_extractive
from harness.metrics.preservation import Outcome
from harness.scoring.hand_labels import hand_outcomes
from harness.scoring.material import Material, Scored


def score_alignment(material: Material, scored: Scored) -> None:
    """Adds the table `alignment` where every summary of the run copies its sentences: of `of` gold stances those `kept` and
    `dropped`; of the kept ones that people labelled (`labelled`), those that they read so, too (`right`)."""
    assert material.summaries is not None
    texts = material.summaries.texts()
    articles = [a for a in material.articles if a.id in texts and a.gold is not None]
    if not articles or not all(is_extractive(texts[a.id], a) for a in articles):
        return
    counts = Counter(kept=0, dropped=0, of=0, labelled=0, right=0)
    for article in articles:
        entry = material.frozen_set.summary(article, texts[article.id])
        labelled = entry.stances() if entry is not None else {}
        read = {(r.speaker, r.target): r.outcome for r in hand_outcomes(article, entry)} if entry is not None else {}
        for speaker, target in article.pairs():
            label = article.gold_stances().get((speaker.id, target.id))
            if label is None or label.stance.degree is None:
                continue
            counts["of"] += 1
            outcome = aligned_outcome(label, texts[article.id], article)
            counts["dropped"] += outcome == Outcome.DROPPED_SPEAKER
            if outcome == Outcome.KEPT:
                counts["kept"] += 1
                counts["labelled"] += (speaker.id, target.id) in labelled
                counts["right"] += read.get((speaker.id, target.id)) == Outcome.KEPT
    scored.tables["alignment"] = dict(counts)
