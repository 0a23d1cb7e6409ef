"""What becomes of each gold stance in a summary: kept, weakened, dropped, flipped, invented, and so on.

For one (speaker, target), g is the gold stance of the article and s the stance that the summary alone conveys, as one
fixed judge reads it. The judge's ceiling and floor are the same outcomes over other texts: the article or a reference
summary, an empty summary or another article's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from harness.metrics.misattribution import moved
from harness.metrics.preservation_flags import Flag, flags_of
from harness.text.speaker_mentions import mentioned
from harness.types import Article, ItemScore, Speaker, Stance, StanceLabel


class Outcome(StrEnum):
    """What a summary made of one stance; `outcome_of` says which comes first."""

    DROPPED_SPEAKER = "dropped_speaker"
    DROPPED_STANCE = "dropped_stance"
    KEPT = "kept"
    WEAKENED = "weakened"
    INTENSIFIED = "intensified"
    NEUTRALISED = "neutralised"
    POLARISED = "polarised"
    FLIPPED = "flipped"
    INVENTED = "invented"
    MISATTRIBUTED = "misattributed"


HARM = frozenset({Outcome.FLIPPED, Outcome.POLARISED, Outcome.INVENTED, Outcome.MISATTRIBUTED})
UNPARSED = "the judge's answer could not be parsed"
UNASKED = "the judge was not asked"
NOTHING = "no stance in gold and none in the summary"


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """One (speaker, target) of one article in one summary.

    `outcome` None means that there is none, and `reason` says why: the judge gave no label (`UNPARSED`, `UNASKED`), or
    gold and summary agree that there is no stance (`NOTHING`). `checked` are the flags that could apply, `flags` those that do.
    """

    article: str
    speaker: str
    target: str
    gold: Stance
    judged: Stance | None
    mentioned: bool
    outcome: Outcome | None
    side: str | None = None
    main: bool = False
    flags: tuple[Flag, ...] = ()
    checked: tuple[Flag, ...] = ()
    reason: str | None = None

    @property
    def conveyed(self) -> bool:
        """Whether the summary conveys a stance on the scale for this speaker, right or wrong."""
        return self.outcome not in (None, Outcome.DROPPED_SPEAKER, Outcome.DROPPED_STANCE)

    @property
    def unjudged(self) -> bool:
        """Whether an answer of the judge is missing, so that nothing can be said."""
        return self.outcome is None and self.reason != NOTHING


def outcome_of(gold: Stance, judged: Stance, *, is_mentioned: bool) -> Outcome | None:
    """The outcome before misattribution is considered; the first that fits, None where neither side has a stance.

    1. Speaker not mentioned: `dropped_speaker`, or None if gold is `no_stance`: a stance read for somebody whom the summary
       does not name is the judge's noise.
    2. s is `no_stance`: `dropped_stance`, or None if gold is too.
    3. g is `no_stance`: `invented`, also for s = neutral.
    4. s = g: `kept`.
    5. g = 0: `polarised`. 6. s = 0: `neutralised`. 7. g·s < 0: `flipped`.
    8. |s| < |g|: `weakened`; otherwise `intensified`.
    """
    g, s = gold.degree, judged.degree
    if not is_mentioned:
        return None if g is None else Outcome.DROPPED_SPEAKER
    if s is None:
        return None if g is None else Outcome.DROPPED_STANCE
    if g is None:
        return Outcome.INVENTED
    if s == g:
        return Outcome.KEPT
    if g == 0:
        return Outcome.POLARISED
    if s == 0:
        return Outcome.NEUTRALISED
    if g * s < 0:
        return Outcome.FLIPPED
    return Outcome.WEAKENED if abs(s) < abs(g) else Outcome.INTENSIFIED


def outcomes(article: Article, summary: str, judged: Mapping[tuple[str, str], Stance | None]) -> list[OutcomeRow]:
    """One row for each declared pair that has a gold label; vague speakers have none.

    `judged` maps (speaker id, target id) to what the judge read from the summary alone, None for unparsed. A pair that
    it lacks was not asked, which is fine for a speaker whom the summary does not mention.

    A harm turns into `misattributed` when the stance is another speaker's: s is not neutral, some other speaker's gold
    on the same target has the sign of s, that speaker's own stance is lost in the summary (`dropped_speaker` or
    `dropped_stance`), and words of the evidence for it stand beside this speaker instead (`misattribution.moved`). A
    stance that its owner kept as well, or of which no word was moved, was made up.
    """
    gold = article.gold_stances()
    rows: list[OutcomeRow] = []
    named = {s.id: mentioned(s, summary, article.speakers) for s in article.speakers}
    for speaker, target in article.pairs():
        label = gold.get((speaker.id, target.id))
        if label is not None:
            answer = judged.get((speaker.id, target.id))
            was_asked = (speaker.id, target.id) in judged
            rows.append(
                _row(article, summary, speaker, label, answer, was_asked=was_asked, is_mentioned=named[speaker.id])
            )
    return [_or_misattributed(row, rows, summary, article) for row in rows]


def _row(
    article: Article,
    summary: str,
    speaker: Speaker,
    label: StanceLabel,
    answer: Stance | None,
    *,
    was_asked: bool,
    is_mentioned: bool,
) -> OutcomeRow:
    outcome: Outcome | None = None
    reason: str | None = None
    flags: tuple[Flag, ...] = ()
    checked: tuple[Flag, ...] = ()
    if answer is None and is_mentioned:
        reason = UNPARSED if was_asked else UNASKED
    else:
        judged = answer or Stance.NO_STANCE
        outcome = outcome_of(label.stance, judged, is_mentioned=is_mentioned)
        if outcome is None:
            reason = NOTHING
        elif is_mentioned and judged.degree is not None:
            flags, checked = flags_of(label, judged, speaker, summary, article)
    return OutcomeRow(
        article=article.id,
        speaker=speaker.id,
        target=label.target,
        gold=label.stance,
        judged=answer,
        mentioned=is_mentioned,
        outcome=outcome,
        side=speaker.side,
        main=speaker.main,
        flags=flags,
        checked=checked,
        reason=reason,
    )


def _or_misattributed(row: OutcomeRow, rows: list[OutcomeRow], summary: str, article: Article) -> OutcomeRow:
    if row.outcome not in HARM or row.judged is None or not row.judged.degree:
        return row
    s, gold = row.judged.degree, article.gold_stances()
    owners = [
        gold[other.speaker, other.target]
        for other in rows
        if other.target == row.target
        and other.speaker != row.speaker
        and other.outcome in (Outcome.DROPPED_SPEAKER, Outcome.DROPPED_STANCE)
        and (other.gold.degree or 0) * s > 0
    ]
    is_moved = bool(owners) and moved(article.speaker(row.speaker), owners, summary, article)
    return replace(row, outcome=Outcome.MISATTRIBUTED) if is_moved else row


def item_scores(rows: list[OutcomeRow]) -> list[ItemScore]:
    """Scores of each (speaker, target), of which the means over items are the three numbers.

    `preservation.coverage`: 1 or 0 for each gold stance of a main speaker; `preservation.fidelity`: 1 or 0, and
    `preservation.harm`: 100 or 0, for each conveyed stance; `preservation.outcome.<name>`: 1 for the outcome that it has;
    `preservation.flag.<name>`: 1 or 0 where the flag could apply. A row that a metric does not score has no value and
    says why.
    """
    scores: list[ItemScore] = []
    for row in rows:
        values: dict[str, tuple[float | None, str | None]] = {}
        if row.main and row.gold.degree is not None:
            values["coverage"] = (None, row.reason) if row.unjudged else (float(row.conveyed), None)
        not_conveyed = row.reason or (None if row.conveyed else f"not conveyed: {row.outcome}")
        values["fidelity"] = (float(row.outcome == Outcome.KEPT), None) if row.conveyed else (None, not_conveyed)
        values["harm"] = (100.0 * (row.outcome in HARM), None) if row.conveyed else (None, not_conveyed)
        if row.outcome is not None:
            values[f"outcome.{row.outcome}"] = (1.0, None)
        for flag in row.checked:
            values[f"flag.{flag}"] = (float(flag in row.flags), None)
        scores += [
            ItemScore(
                item=f"{row.article}/{row.speaker}/{row.target}",
                article_id=row.article,
                metric=f"preservation.{name}",
                value=value,
                speaker_id=row.speaker,
                target_id=row.target,
                reason=reason,
            )
            for name, (value, reason) in values.items()
        ]
    return scores
