"""From answers to scores: which scores a run has; the same for a run and a rescore."""

from __future__ import annotations

from harness.scoring.alignment import score_alignment
from harness.scoring.estimate import estimate
from harness.scoring.hand_labels import score_hand_labels
from harness.scoring.judge_check import judge_check
from harness.scoring.material import Material, Scored
from harness.scoring.preservation import score_preservation
from harness.scoring.speakers import score_found_speakers
from harness.scoring.stances import score_stances
from harness.scoring.summaries import score_summaries
from harness.scoring.suspected import list_suspicions


def score(material: Material) -> Scored:
    """All scores of a run; without gold there are none, a note says so, and what looks suspicious is listed."""
    scored = Scored()
    labelled = any(a.gold for a in material.articles)
    referenced = any(a.summaries for a in material.articles)
    if not labelled:
        what = "stances were not scored" if referenced else "nothing was scored"
        scored.notes.append(f"{what}: the articles carry no gold")
    if material.summaries is not None and (labelled or referenced):
        score_summaries(material, scored)
    if material.summaries is not None and labelled and material.finder is None:
        score_hand_labels(material, scored)
        score_alignment(material, scored)
    if material.finder is not None:
        score_found_speakers(material, scored)
    elif labelled and material.stances is not None:
        score_stances(material, scored)
    if material.judged is not None:
        if material.judged.unfitted is not None:
            scored.notes.append(f"judge: {material.judged.unfitted}; stance preservation was not scored")
        elif labelled and material.finder is None:
            rows = score_preservation(material, scored)
            check = judge_check(rows, material.frozen_set, material.articles)
            scored.tables["preservation"] |= {"validation": check}
            if (estimated := estimate(material, rows.get("summary", ()))) is not None:
                scored.tables["preservation"] |= {"estimate": estimated}
        else:
            list_suspicions(material, scored)
    return scored
