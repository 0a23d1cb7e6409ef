"""The verdict on top of a report, in words: who is best, who cannot be told from it, and how many more articles would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.metrics.catalogue import digits_of, direction, label_of
from harness.report.collect import Row, Runs
from harness.report.compare import Comparison, MetricDifference, corrected, difference
from harness.report.counts import shared_counts
from harness.report.judge import doubt_words, headlines
from harness.report.preserved import hand_sentence
from harness.report.table import Leaderboard, Line, competing, labels
from harness.report.words import p_words
from harness.types import STANCES

FLIPS = "stance.sign_flip_rate.five_point"
HARM = "preservation.harm"

LEADS = {
    "summary.rouge_lsum": "{name} is closest to the reference summaries: {label} {value}",
    "stance.macro_f1.three_way": "{name} tells stances best: {label} {value}",
    HARM: "{name} misstates the fewest stances: {value} of 100 that it conveys",
}
LEADS_BY = "{name} leads by {label}: {value}"
PLAIN = {HARM: "{name} misstates {value} of 100 stances that it conveys"}
PLAIN_OF = "{name}: {label} {value}"
"""What is said where nothing can be ranked."""


@dataclass(frozen=True)
class Verdict:
    """One computed sentence; `separable` None where nothing was compared."""

    metric: str
    text: str
    separable: bool | None = None


def verdicts(runs: Runs, board: Leaderboard) -> list[Verdict]:
    """The sentences for one leaderboard: each primary metric, then flips (classifiers) as counts of 100 stances."""
    sentences = [v for metric in headlines(runs, board.kind) if (v := _leader(runs, board, metric)) is not None]
    if board.kind == "summariser" and (text := hand_sentence(runs)) is not None:
        sentences.insert(0, Verdict(HARM, text))
    if board.kind == "stance":
        sentences += _flips(runs, board) + _constant(runs, board)
    return sentences


def unscored_verdict(runs: Runs) -> list[Verdict]:
    """Sentences for data without gold: how often the classifiers differ, what the judge suspects; empty with gold."""
    import numpy as np

    from harness.report.columns import UNPARSED, codes
    from harness.report.suspected import suspicions

    if runs.use is None or runs.use.labelled:
        return []
    sentences = [Verdict("", "Nothing was scored: the articles carry no gold.")]
    answers = [codes(runs, row) for row in runs.rows("stance")]
    answers = [t for t in answers if (t < UNPARSED).any()]
    if len(answers) > 1:
        table = np.stack(answers)
        answered = (table < UNPARSED).all(axis=0)
        apart = answered & (table != table[0]).any(axis=0)
        sentences.append(
            Verdict(
                "",
                f"The {len(answers)} stance classifiers give different labels to {int(apart.sum())} of the "
                f"{int(answered.sum())} (speaker, target) pairs that all of them answered.",
            )
        )
    suspected: dict[str, list[bool]] = {}
    for suspicion in suspicions(runs):
        suspected.setdefault(suspicion.summariser, []).append(suspicion.outcome.startswith("dropped"))
    for name, dropped in sorted(suspected.items()):
        n, of = len(dropped) - sum(dropped), sum(dropped)
        sentences.append(
            Verdict(
                "", f"{name}: the judge{doubt_words(runs)} suspects {n} stances turned or made up, and {of} dropped."
            )
        )
    return sentences


def sentence(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def shown(value: float, metric: str) -> str:
    """A value as a sentence has it, with a digit fewer than a table: counts of a hundred whole, shares with two digits."""
    return f"{100 * value:.0f}" if metric == FLIPS else f"{value:.{max(0, digits_of(metric) - 1)}f}"


def with_interval(value: float, low: float | None, high: float | None, metric: str) -> str:
    """`4 [2–8]`, or the value alone where there is no interval."""
    if low is None or high is None:
        return shown(value, metric)
    return f"{shown(value, metric)} [{shown(low, metric)}–{shown(high, metric)}]"


def outcome(d: MetricDifference) -> str:
    """How a comparison ended: separable with its p-value, or not and what would do."""
    if d.difference is None:
        return f"not compared: {d.reason}"
    if d.p_corrected is None:
        return f"not tested{f' ({d.reason})' if d.reason else ''}{_unseen(d)}"
    if d.real:
        return f"separable ({'corrected ' if d.primary else ''}{p_words(d.p_corrected)})"
    return "not distinguishable" + (_plan(d) or _unseen(d))


def _plan(d: MetricDifference) -> str:
    """How many more articles would show a difference that is named: by the one seen, N would be noise after a pilot."""
    if d.effect is None or d.more_articles is None:
        return ""
    if d.more_articles == 0:
        return f"; a true difference of {d.effect:g} would be seen here with 80 % power"
    return f"; about {d.more_articles:,} more articles would show a true difference of {d.effect:g}"


def _unseen(d: MetricDifference) -> str:
    """Which differences these articles cannot show; on a handful no test can mark any."""
    from harness.stats.power import FEWEST_CLUSTERS

    if d.detectable is None:
        return ""
    if d.n_articles >= FEWEST_CLUSTERS:
        return f"; a difference under {d.detectable:.2g} cannot be seen here"
    n = f"{d.n_articles} article{'s' * (d.n_articles != 1)}"
    return (
        f"; on {n} no test can mark a difference, and one under {d.detectable:.2g} could not be seen "
        "even if its items were independent"
    )


def _value(row: Row, metric: str) -> str:
    v = row.metrics.get(metric)
    return "" if v is None or v.value is None else with_interval(v.value, v.ci_low, v.ci_high, metric)


def _leader(runs: Runs, board: Leaderboard, metric: str) -> Verdict | None:
    """The best system on a metric, those no test tells from it, and how many are worse."""
    names = labels([line.row for line in board.lines])
    rows = {line.row.fingerprint: line.row for line in board.lines}
    unranked = board.unranked.get(metric, {})
    few = _without_interval(runs) + "".join(
        f"; {names[f]}: {why}" for f, why in unranked.items() if not rows[f].use.ceiling
    )
    best = board.best.get(metric)
    if best is None:
        alone = competing(list(rows.values()), metric, unranked)
        sentences = [
            PLAIN.get(metric, PLAIN_OF).format(
                name=names[row.fingerprint], label=label_of(metric), value=_value(row, metric)
            )
            for row in alone[:1]
        ]
        if sentences:
            return Verdict(metric, f"{sentences[0]}; no other system to test it against{few}.")
        none = f"No system can be ranked on {metric}{few}."
        return Verdict(metric, none) if unranked else None
    text = LEADS.get(metric, LEADS_BY).format(
        name=names[best], label=label_of(metric), value=_value(rows[best], metric)
    )
    against = [(b if a == best else a, d) for a, b, d in board.tests if d.metric == metric and best in (a, b)]
    compared = sorted(
        ((f, d) for f, d in against if d.difference is not None and d.p_corrected is not None),
        key=lambda pair: (abs(pair[1].difference or 0.0), names[pair[0]]),
    )
    ranks = board.ranks.get(metric, {})
    tied = [(f, d) for f, d in compared if ranks[f].low == 1]
    if not compared:
        why = next((f" ({d.reason}){_unseen(d)}" for _, d in against if d.difference is not None and d.reason), "")
        return Verdict(metric, f"{text}; not tested against the others{why}{few}.")
    if not tied:
        nearest, d = compared[0]
        # tests are not transitive: another system may be above it where the best one is not
        ended = outcome(d) if d.real else "worse than another one by test"
        others = len(compared) - 1
        more = "" if not others else ", as is the other one" if others == 1 else f", as are the other {others}"
        return Verdict(
            metric,
            f"{text}; next {names[nearest]} {_value(rows[nearest], metric)}: {ended}{more}{few}.",
            True,
        )
    listed = _listed([f"{names[f]} {_value(rows[f], metric)}" for f, _ in tied])
    worse = len(compared) - len(tied)
    rest = f"; worse by test: {worse} of {len(compared)}" if worse else ""
    plans = [d for _, d in tied if d.effect is not None and d.more_articles is not None]
    most = max(plans, key=lambda d: d.more_articles or 0, default=None)
    would = _plan(most) if most else _unseen(tied[0][1])
    return Verdict(metric, f"{text}; not distinguishable from it: {listed}{would}{rest}{few}.", False)


def _without_interval(runs: Runs) -> str:
    """What is said of values on few articles; empty where there are enough for an interval."""
    from harness.stats.bootstrap import MIN_CLUSTERS

    n = len(runs.use.articles) if runs.use else 0
    return f"; no interval under {MIN_CLUSTERS} articles" if n < MIN_CLUSTERS else ""


def _listed(parts: Sequence[str], most: int = 4) -> str:
    if len(parts) <= most:
        return ", ".join(parts)
    return ", ".join(parts[:most]) + f" and {len(parts) - most} more"


def _flips(runs: Runs, board: Leaderboard) -> list[Verdict]:
    """How many of 100 stances the two leading classifiers turn around; one test, outside the Holm family."""
    names = labels([line.row for line in board.lines])
    leading: list[Line] = [
        line
        for line in board.lines
        if not line.row.use.ceiling and (v := line.row.metrics.get(FLIPS)) is not None and v.value is not None
    ][:2]
    if not leading:
        return []
    first = leading[0].row
    text = f"{names[first.fingerprint]} flips {_value(first, FLIPS)} of 100 stances{_silent(first)}"
    if len(leading) == 1:
        return [Verdict(FLIPS, f"{text}{_without_interval(runs)}.")]
    second = leading[1].row
    counts = shared_counts(runs, [first, second], FLIPS)
    d = corrected([difference(FLIPS, counts[0], counts[1])])[0]
    text += f", {names[second.fingerprint]} {_value(second, FLIPS)}{_silent(second)}"
    text += f": {outcome(d)}{_without_interval(runs)}."
    return [Verdict(FLIPS, text, d.real if d.difference is not None else None)]


NEARLY_ALL = 0.9
"""Share of one label from which on a classifier hardly tells stances apart."""


def _constant(runs: Runs, board: Leaderboard) -> list[Verdict]:
    """The classifiers that give (nearly) one label everywhere although gold does not."""
    import numpy as np

    from harness.report.columns import UNPARSED, codes

    gold = runs.items.gold
    names = labels([line.row for line in board.lines])
    constant = []
    for row in (line.row for line in board.lines if not line.row.use.ceiling):
        given = codes(runs, row)
        scored = (given < UNPARSED) & (gold >= 0)
        counts = np.bincount(given[scored], minlength=len(STANCES))
        share, code = counts.max() / max(counts.sum(), 1), int(counts.argmax())
        if share >= NEARLY_ALL and (true := float((gold[scored] == code).mean())) < NEARLY_ALL:
            constant.append(
                f"{names[row.fingerprint]} ({STANCES[code]} to {100 * share:.0f} %, gold {100 * true:.0f} %)"
            )
    if not constant:
        return []
    gives = "gives" if len(constant) == 1 else "give"
    return [Verdict("", f"{_listed(constant)} {gives} (nearly) one label everywhere: constant, whatever the score.")]


def _silent(row: Row) -> str:
    """The share of unparsed answers, which flip nothing; empty where there are none."""
    share = row.metrics.get("stance.unparsed_rate.six_label")
    if share is None or not share.value:
        return ""
    shown_share = f"{100 * share.value:.0f}" if share.value >= 0.01 else "< 1"
    return f" ({shown_share} % of its answers unparsed)"


PAIRED = {
    "summary.rouge_lsum": "{a} reaches {label} {x}, {b} {y}: {outcome}.",
    "stance.macro_f1.three_way": "{a} tells stances with {label} {x}, {b} {y}: {outcome}.",
    HARM: "{a} misstates {x} of 100 stances that it conveys, {b} {y}: {outcome}.",
    FLIPS: "{a} flips {x} of 100 stances{silent_a}, {b} {y}{silent_b}: {outcome}.",
}


def pair_verdicts(comparison: Comparison) -> list[Verdict]:
    """A comparison of two systems in words: its primary metrics, and flips; without any of these its first metric."""
    a, b = comparison.a, comparison.b
    if a.name == b.name:
        a, b = (replace(row, name=f"{row.name} ({row.fingerprint[:6]})") for row in (a, b))
    sentences = []
    for d in comparison.differences:
        if d.metric in PAIRED and d.difference is not None:
            words = {"a": a.name, "b": b.name, "x": _value(a, d.metric), "y": _value(b, d.metric)}
            words |= {"label": label_of(d.metric), "silent_a": _silent(a), "silent_b": _silent(b)}
            text = PAIRED[d.metric].format(**words, outcome=outcome(d))
            sentences.append(Verdict(d.metric, text, d.real))
    if (counts := comparison.mcnemar) is not None:
        text = (
            f"Three-way accuracy: only {a.name} is right on {counts.only_a} items, only {b.name} on {counts.only_b} "
            f"(McNemar's mid-{p_words(counts.p_value)}, which takes items as independent: the tests by article lead)."
        )
        sentences.append(Verdict("stance.accuracy.three_way", text))
    if not sentences:
        d = comparison.differences[0]
        sentences = [Verdict(d.metric, f"{label_of(d.metric)}, {a.name} and {b.name}: {outcome(d)}.")]
    return sentences


def better(metric: str) -> str:
    """The arrow that says which way is better, with words for a screen reader."""
    return {1: "higher is better", -1: "lower is better", 0: "a description, neither way is better"}[direction(metric)]
