"""Coverage, fidelity and harm over articles, within length bands, and how a summariser shifts the balance of two sides.

The three numbers and hawk shift are ratios of sums over articles, so `clustered_interval_counts` of `stats.bootstrap` gives
their intervals from `ratio_counts` and `hawk_counts`. Voice shift is the mean of the articles' own: pooled, the
share of gold would be of all articles and that of conveyed stances of those that convey something.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.metrics.catalogue import PRESERVATION
from harness.metrics.preservation import HARM, Outcome, OutcomeRow
from harness.types import ESCALATION, Article, ItemScore, MetricValue

COVERAGE, FIDELITY, HARM_RATE = "preservation.coverage", "preservation.fidelity", "preservation.harm"
HAWK_SHIFT, VOICE_SHIFT = "preservation.hawk_shift", "preservation.voice_shift"

NO_MAIN = "no main speaker has a gold stance"
NOTHING_CONVEYED = "the summaries convey no stance"
BANDS: tuple[tuple[int, float], ...] = ((0, 0), (1, 30), (31, 60), (61, 90), (91, 130), (131, math.inf))
"""Words of a summary, both ends included; reference summaries have 50 to 90."""


@dataclass(frozen=True, slots=True)
class ArticleCounts:
    """Of one article: gold stances of main speakers, those conveyed, all conveyed ones, those kept and those harmed."""

    article: str
    gold_main: int = 0
    conveyed_main: int = 0
    conveyed: int = 0
    kept: int = 0
    harmed: int = 0
    unjudged: int = 0
    unjudged_main: int = 0


def counts_by_article(rows: Iterable[OutcomeRow]) -> list[ArticleCounts]:
    """Sums within each article, in order of first appearance; rows that the judge left open are counted apart."""
    grouped: dict[str, list[OutcomeRow]] = {}
    for row in rows:
        grouped.setdefault(row.article, []).append(row)
    return [
        ArticleCounts(
            article,
            gold_main=sum(_main_gold(r) and not r.unjudged for r in article_rows),
            conveyed_main=sum(_main_gold(r) and r.conveyed for r in article_rows),
            conveyed=sum(r.conveyed for r in article_rows),
            kept=sum(r.outcome == Outcome.KEPT for r in article_rows),
            harmed=sum(r.outcome in HARM for r in article_rows),
            unjudged=sum(r.unjudged for r in article_rows),
            unjudged_main=sum(_main_gold(r) and r.unjudged for r in article_rows),
        )
        for article, article_rows in grouped.items()
    ]


def _main_gold(row: OutcomeRow) -> bool:
    return row.main and row.gold.degree is not None


def ratio_counts(rows: Iterable[OutcomeRow], metric: str) -> list[tuple[float, float]]:
    """(numerator, denominator) of each article: conveyed of gold main, kept of conveyed, 100 · harmed of conveyed."""
    counts = counts_by_article(rows)
    if metric == COVERAGE:
        return [(c.conveyed_main, c.gold_main) for c in counts]
    if metric == FIDELITY:
        return [(c.kept, c.conveyed) for c in counts]
    if metric == HARM_RATE:
        return [(100 * c.harmed, c.conveyed) for c in counts]
    raise ValueError(f"no ratio of preservation is called {metric!r}")


def aggregate(rows: Iterable[OutcomeRow]) -> dict[str, MetricValue]:
    """Coverage and fidelity in [0, 1] and harm per 100 conveyed, pooled over articles; no interval.

    Coverage is 0 for empty summaries, where fidelity and harm have no value.
    """
    rows = list(rows)
    counts = counts_by_article(rows)
    unjudged = sum(c.unjudged for c in counts)
    values: dict[str, MetricValue] = {}
    for metric, empty in ((COVERAGE, NO_MAIN), (FIDELITY, NOTHING_CONVEYED), (HARM_RATE, NOTHING_CONVEYED)):
        pairs = ratio_counts(rows, metric)
        numerator, n = sum(p[0] for p in pairs), int(sum(p[1] for p in pairs))
        open_ = sum(c.unjudged_main for c in counts) if metric == COVERAGE else unjudged
        values[metric] = MetricValue(
            numerator / n if n else None, n_scored=n, n_unscored=open_, reason=None if n else empty
        )
    return values


def outcome_table(rows: Iterable[OutcomeRow]) -> dict[str, int]:
    """How often each outcome and each flag occurs (`flag/checked` for those that could apply), and `unjudged`."""
    table: Counter[str] = Counter({str(outcome): 0 for outcome in Outcome})
    for row in rows:
        if row.outcome is not None:
            table[str(row.outcome)] += 1
        table["unjudged"] += row.unjudged
        table.update(row.flags)
        table.update(f"{flag}/checked" for flag in row.checked)
    return dict(table)


def length_band(words: int) -> str:
    """The band of a summary's length, `61-90` say."""
    for low, high in BANDS:
        if low <= words <= high:
            return "0" if high == 0 else f"{low}+" if high == math.inf else f"{low}-{int(high)}"
    raise ValueError(f"a summary cannot have {words} words")


def aggregate_by_band(rows: Iterable[OutcomeRow], words: Mapping[str, int]) -> dict[str, dict[str, MetricValue]]:
    """`aggregate` within each length band that occurs, shortest first; `words` counts each article's summary."""
    banded: dict[int, list[OutcomeRow]] = {}
    for row in rows:
        n = words[row.article]
        banded.setdefault(next(i for i, (low, high) in enumerate(BANDS) if low <= n <= high), []).append(row)
    return {length_band(BANDS[i][0]): aggregate(banded[i]) for i in sorted(banded)}


def two_sides(article: Article) -> tuple[str, str] | None:
    """Sides A and B of an article: the two with most gold stances, A the more escalatory in gold; None with fewer.

    Ties go by the order of declaration. `outside` is no side.
    """
    gold = article.gold_stances()
    stances: Counter[str] = Counter()
    escalation: dict[str, list[int]] = {}
    for speaker, target in article.pairs():
        side = speaker.side
        label = gold.get((speaker.id, target.id))
        if side is None or side == "outside" or label is None or label.stance.degree is None:
            continue
        stances[side] += 1
        if target.id == ESCALATION:
            escalation.setdefault(side, []).append(label.stance.degree)
    if len(stances) < 2:
        return None
    declared = list(dict.fromkeys(s.side for s in article.speakers if s.side is not None))
    sides = sorted(stances, key=lambda side: (-stances[side], declared.index(side)))[:2]
    means = {side: sum(d) / len(d) if (d := escalation.get(side)) else 0.0 for side in sides}
    first, second = sorted(sides, key=lambda side: (-means[side], declared.index(side)))
    return first, second


def hawk_counts(rows: Sequence[OutcomeRow], sides: tuple[str, str]) -> tuple[float, float, float, float]:
    """Of one article: sum of s − g on `escalation` and its number, of side A, then of side B; both on the scale only."""
    shifts: dict[str, list[int]] = {side: [] for side in sides}
    for row in rows:
        if row.target == ESCALATION and row.conveyed and row.side in shifts and row.judged is not None:
            g, s = row.gold.degree, row.judged.degree
            if g is not None and s is not None:
                shifts[row.side].append(s - g)
    a, b = sides
    return sum(shifts[a]), len(shifts[a]), sum(shifts[b]), len(shifts[b])


def voice_counts(rows: Sequence[OutcomeRow], side: str) -> tuple[float, float, float, float]:
    """Of one article: conveyed stances of the side, of all; gold stances of the side, of all (unjudged pairs left out)."""
    judged = [r for r in rows if not r.unjudged]
    conveyed = [r for r in judged if r.conveyed]
    gold = [r for r in judged if r.gold.degree is not None]
    return sum(r.side == side for r in conveyed), len(conveyed), sum(r.side == side for r in gold), len(gold)


def balance(rows: Sequence[OutcomeRow], article: Article) -> list[ItemScore]:
    """Hawk shift in [-8, 8] and voice shift in [-1, 1] of one article's summary, for the sides of `two_sides`.

    Hawk shift: mean(s − g) on `escalation` of side A minus that of side B; above 0 the summary drives the sides apart.
    Voice shift: side A's share of conveyed stances minus its share of gold stances.
    """
    hawk: tuple[float | None, str | None]
    voice: tuple[float | None, str | None]
    sides = two_sides(article)
    if sides is None:
        hawk = voice = (None, "fewer than two sides have a gold stance")
    else:
        sum_a, n_a, sum_b, n_b = hawk_counts(rows, sides)
        silent = [side for side, n in zip(sides, (n_a, n_b), strict=True) if not n]
        hawk = (
            (None, f"no stance on escalation is conveyed for {' or '.join(silent)}")
            if silent
            else (sum_a / n_a - sum_b / n_b, None)
        )
        side_conveyed, conveyed, side_gold, gold = voice_counts(rows, sides[0])
        if not conveyed:
            voice = (None, NOTHING_CONVEYED)
        elif not gold:
            # invented stances may be conveyed where every gold one is unjudged
            voice = (None, "no gold stance was judged")
        else:
            voice = (side_conveyed / conveyed - side_gold / gold, None)
    return [
        ItemScore(article.id, article.id, metric, value, reason=reason)
        for metric, (value, reason) in ((HAWK_SHIFT, hawk), (VOICE_SHIFT, voice))
    ]


def another_article(ids: Iterable[str], seed: int = 0) -> dict[str, str]:
    """For the judge's floor: the article whose summary stands in for each one's, never its own; empty with fewer than two."""
    ordered = sorted(ids, key=lambda i: hashlib.sha256(f"{seed}/{i}".encode()).digest())
    return dict(zip(ordered, ordered[1:] + ordered[:1], strict=True)) if len(ordered) > 1 else {}


def signatures(judge: str) -> dict[str, str]:
    """What identifies the numbers, by key; `judge` names the system that read the summaries and its fingerprint."""
    return {metric.key: f"preservation 1|judge:{judge}" for metric in PRESERVATION}
