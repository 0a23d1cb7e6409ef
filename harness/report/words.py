"""How the reports word numbers, headings and names: shared by every format."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from harness.metrics.catalogue import digits_of, direction
from harness.report.marks import ARROWS, REAL, TIED, meaning

if TYPE_CHECKING:
    from harness.stats.ranking import Rank

TITLES = {"summariser": "Summarisers", "stance": "Stance classifiers"}
PROCEDURE = "all pairs tested at once, max-T bootstrap by article"
"""How it is decided who may be the best, in a legend."""
NOTES = (
    f"value [95 % interval, bootstrap by article]; {meaning(TIED)} ({PROCEDURE}); "
    f"rank: the places that a system may truly have (95 %, all at once); {meaning(ARROWS[1])}, {meaning(ARROWS[-1])}; "
    f"Δ: difference to the baseline, {meaning(REAL)}"
)


def number(value: float, metric: str) -> str:
    """A metric's value as people read it: counts and per-cents with one digit, shares with three."""
    digits = digits_of(metric)
    # no minus before a zero
    return f"{round(value, digits) + 0.0:.{digits}f}"


def signed(value: float, metric: str) -> str:
    """A difference with its sign, in the metric's digits."""
    return f"{'+' if value >= 0 else '-'}{number(abs(value), metric)}"


def p_text(p: float | None) -> str:
    """A p-value as people read it, never 0; empty for None."""
    return "" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_words(p: float | None) -> str:
    """A p-value in a sentence: `p = 0.012`."""
    return "no test" if p is None else f"p {'' if p < 0.001 else '= '}{p_text(p)}"


def rank_text(rank: Rank | None) -> str:
    """The places that a system may truly have: `1–3`, its place alone where there is no interval, `–` without a rank."""
    if rank is None:
        return "–"
    if rank.low is None or rank.high is None or rank.low == rank.high:
        return str(rank.low or rank.place)
    return f"{rank.low}–{rank.high}"


def pace_text(seconds: float | None) -> str:
    """Seconds per article as people read them; empty for None."""
    return "" if seconds is None else "< 0.01" if seconds < 0.01 else f"{seconds:.2f}"


def short(reason: str) -> str:
    """The first clause of a reason."""
    return reason.partition(":")[0].partition(";")[0].partition("(")[0].strip()


def heading(label: str, metric: str) -> str:
    """Column heading with the arrow that says which way is better."""
    return f"{label} {ARROWS[direction(metric)]}".strip()


def quote(word: str) -> str:
    """A word as a shell takes it."""
    return shlex.quote(word)
