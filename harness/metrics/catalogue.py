"""The one catalogue of metrics: label, direction, range, digits, source and place in reports of each, said here alone.

An entry stands for all keys of a metric: those of its scales and scopes follow from it (`Metric.keyed`). A package that is
installed beside the harness adds its own by an entry point (`harness.metrics.plugins`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from harness.metrics.entry import BOARDS, SCALES, Board, Column, JudgeRole, Metric, Scale, scope_of
from harness.metrics.plugins import StanceMetric, SummaryMetric, third_party
from harness.text.scripts import SCRIPTS_KEPT

SHARE, ANY_SIZE = (0.0, 1.0), (0.0, math.inf)
GOOGLE, UNICODE = SCRIPTS_KEPT["google"], SCRIPTS_KEPT["unicode"]
ENCODER, NLI = "what the encoder's vocabulary has", "what the NLI model's vocabulary has"
NAMED = "names of every script; flags English only"
TWO_SCALES: tuple[Scale, ...] = ("three_way", "three_way_stanced")
FRAGMENTS, NOVEL = "fragments|tok:unicode", "novel|distinct|tok:unicode"
NAMES = (
    "capitalised words; every word of scripts without capitals, such as Arabic; none of unspaced scripts, nor of German"
)

SUMMARY = (
    Metric(
        key="summary.rouge1", label="ROUGE-1", higher_is_better=True, range=SHARE, scripts=GOOGLE, source="Lin 2004",
        columns=(Column(order=7, rare=True),),
    ),
    Metric(
        key="summary.rouge2", label="ROUGE-2", higher_is_better=True, range=SHARE, scripts=GOOGLE, source="Lin 2004",
        columns=(Column(order=8, rare=True),),
    ),
    Metric(
        key="summary.rouge_l", label="ROUGE-L", higher_is_better=True, range=SHARE, scripts=GOOGLE, source="Lin 2004",
        columns=(Column(order=9, rare=True),),
    ),
    Metric(
        key="summary.rouge_lsum", label="ROUGE-Lsum", higher_is_better=True, range=SHARE, scripts=GOOGLE, source="Lin 2004",
        columns=(Column(order=1, primary=True, effect=0.02),), shows_signature=True,
    ),
    Metric(
        key="summary.chrf", label="chrF", higher_is_better=True, range=(0.0, 100.0), digits=1,
        scripts="every script, by character", source="Popović 2015",
    ),
    Metric(
        key="summary.bertscore", label="BERTScore", higher_is_better=True, range=(-1.0, 1.0), scripts=ENCODER,
        source="Zhang et al. 2020", judge="bertscore", columns=(Column(order=5),), shows_signature=True,
    ),
    # says how much of a text the encoder read, and so how far to trust the value above: it is no merit of a summary
    Metric(
        key="summary.bertscore_cut", label="tokens that BERTScore did not see", higher_is_better=None, range=ANY_SIZE,
        digits=1, scripts=ENCODER, source="harness", judge="bertscore",
    ),
    Metric(
        key="summary.coverage", label="extractive coverage", higher_is_better=None, range=SHARE, scripts=UNICODE,
        source="Grusky et al. 2018, eq. 1", signature=FRAGMENTS,
    ),
    Metric(
        key="summary.density", label="extractive density", higher_is_better=None, range=ANY_SIZE, digits=1, scripts=UNICODE,
        source="Grusky et al. 2018, eq. 2", signature=FRAGMENTS,
    ),
    Metric(
        key="summary.compression", label="compression", higher_is_better=None, range=ANY_SIZE, digits=1, scripts=UNICODE,
        source="Grusky et al. 2018, eq. 3", signature=FRAGMENTS,
    ),
    *(
        Metric(
            key=f"summary.novel_{n}", label=f"novel {n}", higher_is_better=None, range=SHARE, scripts=UNICODE,
            source="See et al. 2017", signature=NOVEL,
        )
        for n in ("unigrams", "bigrams", "trigrams")
    ),
    Metric(
        key="summary.repetition", label="repeated trigrams", higher_is_better=False, range=SHARE, scripts=UNICODE,
        source="harness", signature="repetition|n:3|tok:unicode",
    ),
    Metric(
        key="summary.words", label="words", higher_is_better=None, range=ANY_SIZE, digits=1, scripts=UNICODE,
        source="harness", signature="words|tok:unicode", columns=(Column(order=10, rare=True),),
    ),
    Metric(
        key="summary.unsupported_numbers", label="unsupported numbers", higher_is_better=False, range=SHARE,
        scripts="digits of every script; number words in English", source="harness",
        signature="numbers 3|share of distinct",
    ),
    Metric(
        key="summary.unsupported_names", label="unsupported names", higher_is_better=False, range=SHARE, scripts=NAMES,
        source="harness", signature="names 2|share of distinct",
    ),
    Metric(
        key="summary.nli_consistency", label="SummaC-ZS", higher_is_better=True, range=SHARE, scripts=NLI,
        source="Laban et al. 2022", judge="nli", columns=(Column(order=6),), shows_signature=True,
    ),
)  # fmt: skip

PRESERVATION = (
    Metric(
        key="preservation.coverage", label="coverage of main stances", higher_is_better=True, range=SHARE, scripts=NAMED,
        source="harness", judge="judge", columns=(Column("coverage", order=2),),
    ),
    Metric(
        key="preservation.fidelity", label="fidelity of conveyed stances", higher_is_better=True, range=SHARE, scripts=NAMED,
        source="harness", judge="judge", columns=(Column("fidelity", order=3),),
    ),
    Metric(
        key="preservation.harm", label="harm per 100 conveyed stances", higher_is_better=False, range=(0.0, 100.0), digits=1,
        scripts=NAMED, source="harness", judge="judge", columns=(Column("harm /100", order=4, primary=True, effect=10),),
    ),
    Metric(
        key="preservation.hawk_shift", label="hawk shift", higher_is_better=None, range=(-8.0, 8.0), scripts=NAMED,
        source="harness", judge="judge",
    ),
    Metric(
        key="preservation.voice_shift", label="voice shift", higher_is_better=None, range=(-1.0, 1.0), scripts=NAMED,
        source="harness", judge="judge",
    ),
)  # fmt: skip

STANCE = (
    Metric(
        key="stance.accuracy", label="accuracy", higher_is_better=True, range=SHARE, source="scikit-learn's definition",
        scales=SCALES, columns=(Column("accuracy 6-label", order=3, scale="six_label"),),
    ),
    Metric(
        key="stance.macro_f1", label="macro-F1", higher_is_better=True, range=SHARE, source="Opitz & Burst 2019",
        scales=SCALES,
        columns=(
            Column("macro-F1 3-way", order=1, scale="three_way", primary=True, effect=0.05),
            Column("macro-F1 5-point", order=4, scale="five_point"),
            Column("escalation F1", order=6, scale="three_way", scope="escalation"),
        ),
    ),
    Metric(
        key="stance.f_avg", label="F_avg", higher_is_better=True, range=SHARE, source="SemEval-2016 task 6",
        scales=TWO_SCALES, columns=(Column("F_avg 3-way", order=2, scale="three_way"),),
    ),
    Metric(
        key="stance.detection_f1", label="detection F1", higher_is_better=True, range=SHARE, source="harness",
        scales=("six_label",), columns=(Column(order=8, rare=True),),
    ),
    Metric(
        key="stance.kappa", label="kappa of detected stances", higher_is_better=True, range=(-1.0, 1.0),
        source="Cohen 1968, eq. 2", scales=("five_point",), columns=(Column("kappa", order=9, rare=True),),
    ),
    Metric(
        key="stance.mae_macro", label="macro-averaged error of detected stances", higher_is_better=False, range=(0.0, 4.0),
        source="Baccianella et al. 2009, eq. 3", scales=("five_point",), columns=(Column("MAE", order=10, rare=True),),
    ),
    Metric(
        key="stance.sign_flip_rate", label="sign flips", higher_is_better=False, range=SHARE, source="harness",
        scales=("five_point",),
    ),
    Metric(
        key="stance.unparsed_rate", label="unparsed answers", higher_is_better=False, range=SHARE, source="harness",
        scales=("six_label",), columns=(Column("unparsed", order=7),),
    ),
    Metric(
        key="stance.f_avg_per_target", label="F_avg, mean over targets", higher_is_better=True, range=SHARE,
        source="SemEval-2016 task 6", scales=TWO_SCALES,
    ),
    Metric(
        key="stance.ece", label="expected calibration error", higher_is_better=False, range=SHARE,
        source="Naeini et al. 2015; equal mass: Nguyen & O'Connor 2015", scales=("six_label", "three_way"),
    ),
    Metric(
        key="stance.brier", label="Brier score", higher_is_better=False, range=(0.0, 2.0), source="Brier 1950, eq. 2",
        scales=("six_label", "three_way"),
    ),
    *(
        Metric(
            key=f"stance.selective_accuracy_at_{percent}", label=f"accuracy on the surest {percent} %",
            higher_is_better=True, range=SHARE, source="El-Yaniv & Wiener 2010", scales=("six_label", "three_way"),
        )
        for percent in (50, 80)
    ),
    # of single items alone; their aggregate is mae_macro
    Metric(
        key="stance.mae", label="distance on the scale", higher_is_better=False, range=(0.0, 4.0), source="harness",
        scales=("five_point",),
    ),
)  # fmt: skip

SPEAKERS = (
    Metric(
        key="speakers.f1", label="speakers F1", higher_is_better=True, range=SHARE, source="harness",
        columns=(Column(order=1),),
    ),
    Metric(
        key="speakers.stance_f1", label="stances F1", higher_is_better=True, range=SHARE, source="harness",
        scales=("six_label", "three_way"),
        columns=(
            Column("stances F1 6-label", order=2, scale="six_label"),
            Column("stances F1 3-way", order=3, scale="three_way"),
        ),
    ),
    Metric(
        key="speakers.evidence_f1", label="evidence F1", higher_is_better=True, range=SHARE, source="harness",
        columns=(Column(order=4),),
    ),
    Metric(
        key="speakers.evidence_exact", label="evidence exact", higher_is_better=True, range=SHARE, source="harness",
        columns=(Column(order=5),),
    ),
)  # fmt: skip

BUILT_IN = (*SUMMARY, *PRESERVATION, *STANCE, *SPEAKERS)
"""Our own metrics, in the order in which records have them."""


@cache
def catalogue() -> Mapping[str, Metric]:
    """Every metric by each of its keys: ours, then those of other packages, which are read once a process.

    ConfigError if one of these cannot be used.
    """
    by_key = {one.key: one for metric in BUILT_IN for one in metric.keyed()}
    for metric in third_party(frozenset(by_key)):
        by_key |= {one.key: one for one in metric.keyed()}
    return MappingProxyType(by_key)


def metric_of(key: str) -> Metric | None:
    """The metric that records store under a key; None if this installation knows none, as of a package that is gone."""
    return catalogue().get(key)


def direction(key: str) -> int:
    """1 if higher is better, -1 if lower is, 0 if neither (a description) or unknown."""
    metric = metric_of(key)
    return 0 if metric is None else metric.direction


def span(key: str) -> float:
    """How wide the range of one item's score is: 100 for what counts by the hundred, `inf` without a bound."""
    metric = metric_of(key)
    return math.inf if metric is None else metric.span


def digits_of(key: str) -> int:
    """Digits after the point of a value in a table; a sentence has one fewer."""
    metric = metric_of(key)
    return 3 if metric is None else metric.digits


def effect_of(key: str) -> float | None:
    """The difference for which reports say how many articles would show it; None for all but primary metrics."""
    metric = metric_of(key)
    return None if metric is None or metric.column is None else metric.column.effect


def label_of(key: str) -> str:
    """What a sentence or a picture calls the metric: `three-way macro-F1`."""
    metric = metric_of(key)
    return key if metric is None else metric.label


def board_of(key: str) -> Board | None:
    """The leaderboard to whose systems a metric belongs, known by its family alone."""
    return BOARDS.get(key.partition(".")[0])


def judge_of(key: str) -> JudgeRole | None:
    """The role of the judge without which a run has no such metric; values under two judges cannot be compared."""
    metric = metric_of(key)
    return None if metric is None else metric.judge


def columns_of(board: str) -> tuple[tuple[str, str], ...]:
    """Key and heading of each column of a leaderboard, from the left."""
    placed = [(m.column.order, m) for m in catalogue().values() if m.board == board and m.column is not None]
    return tuple((m.key, m.heading) for _, m in sorted(placed, key=lambda pair: pair[0]))


def primary_of(board: str) -> tuple[str, ...]:
    """Keys of a leaderboard's headline metrics; the first one orders it."""
    return tuple(key for key, _ in columns_of(board) if catalogue()[key].primary)


def summary_plugins() -> tuple[SummaryMetric, ...]:
    """The metrics of summaries of other packages."""
    return tuple(m for m in catalogue().values() if isinstance(m, SummaryMetric))


def stance_plugins() -> tuple[StanceMetric, ...]:
    """The metrics of stances of other packages, each by the key of its item scores."""
    return tuple(m for m in catalogue().values() if isinstance(m, StanceMetric) and not scope_of(m.key)[0])


def measures() -> tuple[JudgeRole, ...]:
    """The roles of judges that measure summaries, apart from the judge of stances."""
    return tuple(dict.fromkeys(m.judge for m in SUMMARY if m.judge is not None))
