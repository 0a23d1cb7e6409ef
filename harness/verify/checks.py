"""Proof that the numbers are right: every metric and test against published, hand-worked or simulated values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness.metrics import confusion as cm
from harness.types import Stance
from harness.verify.check import Check
from harness.verify.human_judgements import correlation_checks
from harness.verify.simulated import SIMULATED, simulated_checks

HAND = "by hand"
KRIPPENDORFF = "Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, section D"

# Four observers, twelve units, nan where an observer gave nothing.
NONE = math.nan
KRIPPENDORFF_DATA = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
        [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
    ]
)


def run_checks(external: Path | None = None, *, full: bool = False) -> list[Check]:
    """All checks, in under three minutes; `full` simulates more, in up to half an hour; with `external` (a folder that holds
    `summary_judgements/`) those on human judgements too.

    Raises HarnessError where `external` lacks the data.
    """
    return list(iterate_checks(external, full=full))


def iterate_checks(external: Path | None = None, *, full: bool = False) -> Iterator[Check]:
    """The same one by one, fast ones first, so that a command can show progress."""
    yield from agreement_checks()
    yield from hand_checks()
    yield from rouge_checks()
    if external is None:
        name, note = "ROUGE's correlations with human judgements", "--external DIR names the folder with the judgements"
        yield Check(name, None, None, None, "SummEval, REALSumm", note=note, optional=True)
    else:
        yield from correlation_checks(external)
    yield from coverage_checks()
    yield from type_one_checks()
    yield from simulated_checks(full=full)


def agreement_checks() -> list[Check]:
    """Krippendorff's worked example: the package, and the coincidence matrices behind the intervals."""
    from harness.metrics.agreement import Level, alpha_nominal, alpha_ordinal, coincidences, krippendorff_alpha

    published: dict[Level, float] = {"nominal": 0.743, "ordinal": 0.815, "interval": 0.849, "ratio": 0.797}
    checks = [
        Check(f"Krippendorff's alpha, {level}", value, krippendorff_alpha(KRIPPENDORFF_DATA, level), 5e-4, KRIPPENDORFF)
        for level, value in published.items()
    ]
    units = [[int(v) - 1 for v in column if not math.isnan(v)] for column in KRIPPENDORFF_DATA.T]
    sums = coincidences(units, 5).sum(axis=0)
    resampled_form = (("nominal", 0.743, alpha_nominal), ("ordinal", 0.815, alpha_ordinal))
    for level_name, value, alpha in resampled_form:
        name = f"Krippendorff's alpha, {level_name}, resampled form"
        checks.append(Check(name, value, float(alpha(sums)), 5e-4, KRIPPENDORFF))
    return checks


def hand_checks() -> list[Check]:
    """Cases whose arithmetic fits in a comment; the golden tests spell out each step."""
    from harness.metrics.calibration import brier, ece
    from harness.stats.correction import benjamini_hochberg, holm
    from harness.stats.paired import mcnemar

    o, lo, n, ls, s, no = Stance
    gold = [o, o, lo, n, n, ls, s, s, no, no]
    predicted = [o, lo, s, n, None, s, s, no, no, ls]
    six = cm.confusion(gold, predicted)
    three, five = cm.collapse(six).astype(float), cm.on_scale(six).astype(float)
    adjusted = holm({1: 0.01, 2: 0.04, 3: 0.03, 4: 0.005})
    expected = benjamini_hochberg({1: 0.01, 2: 0.04, 3: 0.03, 4: 0.005})
    confidence = [0.9] * 10 + [0.6] * 10
    correct = [1] * 8 + [0] * 2 + [1] * 5 + [0] * 5
    # Against: gold 3, predicted 2, right 2. None: gold 4, predicted 3, right 2. Favor: gold 3, predicted 4, right 2.
    f_against, f_none, f_favor = 4 / 5, 4 / 7, 4 / 7
    rows = [
        ("accuracy, three-way", 6 / 10, float(cm.accuracy(three))),
        ("macro-F1, three-way", (f_against + f_none + f_favor) / 3, float(cm.macro_f1(three))),
        ("F_avg", (f_against + f_favor) / 2, float(cm.f_avg(three))),
        # Of 8 stances 6 are detected, 7 answers are on the scale.
        ("detection F1", 12 / 15, float(cm.detection_f1(six.astype(float)))),
        # Of these 6 the squared distances 0 1 9 0 1 0 add up to 11; by chance to 33 (golden test).
        ("quadratic kappa, detected stances", 1 - 11 / 33, float(cm.quadratic_kappa(five))),
        # Mean distances 1/2, 3, 0, 1, 0 of the five gold labels.
        ("macro-averaged MAE, detected stances", 4.5 / 5, float(cm.mae_macro(five))),
        # Of 6 items with a side, lean_oppose was answered support.
        ("sign-flip rate", 1 / 6, float(cm.sign_flip_rate(five))),
        # Bins of ten: |0.5 - 0.6| and |0.8 - 0.9|, a half each.
        ("ECE, equal-mass bins", 0.1, ece(confidence, correct)),
        ("Brier score", 0.3**2 + 0.2**2 + 0.1**2, float(brier([[0.7, 0.2, 0.1]], [0])[0])),
        ("Holm, largest adjusted p", 0.06, max(p or 0.0 for p in adjusted.values())),
        ("Benjamini-Hochberg, smallest adjusted p", 0.02, min(p or 0.0 for p in expected.values())),
        # 1 against 6 discordant items: 2 (1 + 7) / 2^7 - 7 / 2^7.
        ("McNemar, mid-p", 9 / 128, mcnemar([1, 0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 1, 1, 1]).p_value),
    ]
    return [Check(name, value, ours, 1e-9, HAND) for name, value, ours in rows]


def rouge_checks() -> list[Check]:
    """ROUGE against google's package on seeded texts with repeated words, stems and several sentences."""
    from harness.metrics.rouge import VARIANTS, rouge_pair

    source = "rouge-score 0.1.2, use_stemmer, 200 pairs"
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        note = "pip install rouge-score to compare"
        return [
            Check(f"{variant}, largest difference", 0.0, None, 1e-12, source, note=note, optional=True)
            for variant in VARIANTS
        ]
    scorer = RougeScorer(list(VARIANTS), use_stemmer=True)
    worst = dict.fromkeys(VARIANTS, 0.0)
    for first, second in _text_pairs(200):
        theirs = scorer.score(second, first)
        ours = rouge_pair(first, second, VARIANTS, stemmer=True)
        for variant in VARIANTS:
            worst[variant] = max(worst[variant], *np.abs(np.subtract(theirs[variant], ours[variant])))
    return [Check(f"{name}, largest difference", 0.0, float(value), 1e-12, source) for name, value in worst.items()]


def _text_pairs(n: int) -> Iterator[tuple[str, str]]:
    words = """
        ministers minister said saying strikes striking escalate escalation border troops the a of and to missiles
        missile warned warning talks agreed agreement 155 2024 sanctions sanctioned kharkiv don't co-operate allied
    """.split()  # noqa: SIM905
    rng = np.random.default_rng(7)

    def text() -> str:
        lines = [" ".join(rng.choice(words, size=rng.integers(1, 14))) for _ in range(rng.integers(1, 5))]
        return " .\n".join(lines)

    for _text in range(n):
        yield text(), text()


def coverage_checks(repetitions: int = 4_000) -> list[Check]:
    """Coverage of 95 % intervals at 60 articles of 6 clustered items; accuracy and macro-F1 must hold, others are
    shown."""
    from harness.stats.simulation import coverage

    source = f"{SIMULATED}: {repetitions:,} data sets of 60 × 6, 2,000 resamples"
    shares = coverage(SIMULATED_METRICS, repetitions=repetitions, resamples=2_000)
    required = ("accuracy", "macro-F1 three-way")
    return [
        Check(f"95 % interval's coverage, {_described(name)}", 0.95, share, None, source, (0.93, 0.97))
        if name in required
        else Check(f"95 % interval's coverage, {_described(name)}", 0.95, share, None, source)
        for name, share in shares.items()
    ]


def type_one_checks(repetitions: int = 10_000) -> list[Check]:
    """Share of equal systems that the paired test marks at 0.05: never above 5.7 %, and not under 4.2 % without
    ties."""
    from harness.stats.simulation import type_one_error

    source = f"{SIMULATED}: {repetitions:,} pairs of equal systems, 60 × 6, 499 swaps"
    shares = type_one_error(SIMULATED_METRICS, repetitions=repetitions)
    return [
        Check(
            f"paired test's type-I error, {_described(name)}",
            0.05,
            share,
            None,
            source,
            (0.042 if name in ("score", "harm") else 0.0, 0.057),
        )
        for name, share in shares.items()
    ]


SIMULATED_METRICS = {
    "accuracy": (lambda counts: counts, cm.accuracy),
    "macro-F1 three-way": (cm.collapse, cm.macro_f1),
    "F_avg": (cm.collapse, cm.f_avg),
    "quadratic kappa": (cm.on_scale, cm.quadratic_kappa),
}


def _described(metric: str) -> str:
    """What is simulated under a short name; a metric of stances is called by its own."""
    descriptions = {
        "score": "mean of a continuous score (ROUGE)",
        "harm": "harm, where one system conveys four times as many stances",
        "harm, sparse": "harm, where one system conveys half a stance an article",
    }
    return descriptions.get(metric, metric)
