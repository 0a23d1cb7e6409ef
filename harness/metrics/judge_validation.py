"""Whether a judge may be trusted: its harms against labels made by hand, weighted back to all that it judged."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.metrics.preservation import HARM, OutcomeRow
from harness.types import MetricValue

MIN_SENSITIVITY = 0.7
MIN_SPECIFICITY = 0.9
OTHERS = 200
NOT_VALIDATED = "judge not validated"
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Triple:
    """A (summariser, article, speaker, target) to label from the summary; `weight` says how many it stands for."""

    summariser: str
    article: str
    speaker: str
    target: str
    judge_harm: bool
    weight: float


@dataclass(frozen=True, slots=True)
class LabelledTriple:
    """What the judge says and what a person's label of the summary makes of it: harm or none."""

    judge_harm: bool
    true_harm: bool
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class JudgeValidation:
    """Weighted sensitivity and specificity for harm; `validated` needs both, and `reason` says what is missing."""

    sensitivity: MetricValue
    specificity: MetricValue
    validated: bool
    reason: str | None = None


def triples_to_label(rows: Mapping[str, Sequence[OutcomeRow]], others: int = OTHERS, seed: int = 0) -> list[Triple]:
    """Every harm that the judge reports (weight 1), then `others` seeded other triples, that weigh as many as there are.

    `rows` are by summariser. Eligible are triples that the judge answered for a speaker whom the summary mentions:
    elsewhere no harm is possible. Which are drawn depends on the triple and the seed alone, so more articles add to a
    sample and hardly change it.
    """
    harms: list[Triple] = []
    rest: list[Triple] = []
    for summariser in sorted(rows):
        for row in rows[summariser]:
            if row.mentioned and not row.unjudged:
                harm = row.outcome in HARM
                triple = Triple(summariser, row.article, row.speaker, row.target, harm, 1.0)
                (harms if harm else rest).append(triple)
    drawn = sorted(rest, key=lambda t: _rank(t, seed))[:others]
    weight = len(rest) / len(drawn) if drawn else 1.0
    return sorted(harms, key=_order) + [
        Triple(t.summariser, t.article, t.speaker, t.target, False, weight) for t in sorted(drawn, key=_order)
    ]


def _order(triple: Triple) -> tuple[str, str, str, str]:
    return triple.summariser, triple.article, triple.speaker, triple.target


def _rank(triple: Triple, seed: int) -> bytes:
    return hashlib.sha256("\x1f".join([str(seed), *_order(triple)]).encode()).digest()


def judge_validation(rows: Iterable[LabelledTriple]) -> JudgeValidation:
    """Sensitivity: of the true harms, the weighted share that the judge reports; specificity: of the rest, that it does not.

    Intervals are Wilson's at 95 %, on Kish's effective number (Σw)²/Σw² of the rows. Raises ValueError for a weight that is
    not positive and finite.
    """
    rows = list(rows)
    if any(not (math.isfinite(r.weight) and r.weight > 0) for r in rows):
        raise ValueError("sampling weights must be positive and finite")
    sensitivity = _weighted_share([(r.judge_harm, r.weight) for r in rows if r.true_harm], "no true harm was labelled")
    specificity = _weighted_share(
        [(not r.judge_harm, r.weight) for r in rows if not r.true_harm], "no triple without harm was labelled"
    )
    reasons = [
        f"{name} {value.reason}" if value.value is None else f"{name} {value.value:.2f} is under {least}"
        for name, value, least in (
            ("sensitivity", sensitivity, MIN_SENSITIVITY),
            ("specificity", specificity, MIN_SPECIFICITY),
        )
        if value.value is None or value.value < least
    ]
    reason = f"{NOT_VALIDATED}: {'; '.join(reasons)}" if reasons else None
    return JudgeValidation(sensitivity, specificity, not reasons, reason)


def _weighted_share(hits: Sequence[tuple[bool, float]], empty: str) -> MetricValue:
    if not hits:
        return MetricValue(None, reason=f"is unknown: {empty}")
    total = sum(w for _, w in hits)
    share = sum(w for hit, w in hits if hit) / total
    low, high = wilson(share, total**2 / sum(w * w for _, w in hits))
    return MetricValue(share, low, high, n_scored=len(hits))


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of n (Wilson 1927); n may be an effective number."""
    z2 = _Z * _Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
