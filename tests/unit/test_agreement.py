"""Agreement in three steps, over articles, and annotators against gold."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from harness.metrics.agreement import (
    Unit,
    agreement,
    alpha_nominal,
    alpha_ordinal,
    annotator_pairs,
    coincidences,
    krippendorff_alpha,
    label_confusions,
    units_of,
)
from harness.metrics.spans import exact_match, overlap_f1
from harness.metrics.stance import aggregate
from harness.types import STANCES, Annotation, Article, Evidence, Source, Speaker, Stance, StanceLabel, Target

OP, LO, N, LS, S, NO = Stance


def unit(a: Stance, b: Stance, article: str = "x", **evidence: tuple[tuple[int, int], ...]) -> Unit:
    return Unit(article, "s", "t", {"ann": a, "bob": b}, evidence)


def test_three_steps_ask_what_they_say() -> None:
    units = [unit(NO, NO), unit(NO, S), unit(S, S), unit(S, LS), unit(OP, OP), unit(OP, S), unit(N, N), unit(N, LO)]
    metrics = agreement(units).metrics
    # (i) 7 of 8 agree whether there is a stance.
    assert metrics["agreement.stance.raw"].value == pytest.approx(7 / 8)
    # (ii) of the 6 with two stances: S S, S ls, O O, N N share their sign; O S and N lo do not.
    assert metrics["agreement.sign.raw"].value == pytest.approx(4 / 6)
    assert (metrics["agreement.sign.raw"].n_scored, metrics["agreement.sign.raw"].n_unscored) == (6, 2)
    # (iii) of S S, S ls, O O (neutral has no strength): two agree on full against lean.
    assert metrics["agreement.degree.raw"].value == pytest.approx(2 / 3)
    assert metrics["agreement.degree.raw"].n_scored == 3


def test_overall_alphas_equal_the_package() -> None:
    rng = np.random.default_rng(3)
    first = rng.integers(0, 6, 120)
    second = np.where(rng.random(120) < 0.6, first, rng.integers(0, 6, 120))
    units = [unit(STANCES[a], STANCES[b], f"x{i // 8}") for i, (a, b) in enumerate(zip(first, second, strict=True))]
    metrics = agreement(units, resamples=500).metrics
    data = np.stack([first, second]).astype(float)
    assert metrics["agreement.nominal.alpha"].value == pytest.approx(krippendorff_alpha(data))
    scale = np.where(data == 5, math.nan, data)
    both = scale[:, ~np.isnan(scale).any(axis=0)]
    assert metrics["agreement.ordinal.alpha"].value == pytest.approx(krippendorff_alpha(both, "ordinal"))
    low, high = metrics["agreement.nominal.alpha"].ci_low, metrics["agreement.nominal.alpha"].ci_high
    assert low is not None
    assert high is not None
    assert low < krippendorff_alpha(data) < high


def test_three_annotators_and_missing_answers_equal_the_package() -> None:
    rng = np.random.default_rng(4)
    data = rng.integers(0, 4, (3, 50)).astype(float)
    data[rng.random(data.shape) < 0.25] = math.nan
    units = [[int(v) for v in column if not math.isnan(v)] for column in data.T]
    sums = coincidences(units, 4).sum(axis=0)
    assert float(alpha_nominal(sums)) == pytest.approx(krippendorff_alpha(data))
    assert float(alpha_ordinal(sums)) == pytest.approx(krippendorff_alpha(data, "ordinal"))


def test_third_annotator_is_compared_within_the_same_sign() -> None:
    one = Unit("x", "s", "t", {"a": S, "b": LS, "c": OP, "d": OP})
    found = agreement([one]).metrics["agreement.degree.raw"]
    # Two groups: full against lean in favor, full and full against.
    assert (found.value, found.n_scored) == (pytest.approx(0.5), 2)


def test_everyone_says_the_same_or_nothing() -> None:
    metrics = agreement([unit(S, S), unit(S, S)]).metrics
    assert metrics["agreement.sign.alpha"].value is None
    assert "cannot be told from chance" in str(metrics["agreement.sign.alpha"].reason)
    assert metrics["agreement.sign.raw"].value == 1.0
    empty = agreement([]).metrics
    assert all(value.value is None and value.reason for value in empty.values())
    assert math.isnan(krippendorff_alpha(np.array([[1.0, 1.0], [1.0, 1.0]])))
    single = agreement([Unit("x", "s", "t", {"ann": S})]).metrics
    assert single["agreement.stance.raw"].n_unscored == 1


def test_label_confusions_name_their_annotators() -> None:
    table = label_confusions([unit(S, LS), unit(S, LS), unit(NO, NO)])["ann", "bob"]
    assert table["labels"] == [str(s) for s in STANCES]
    assert table["counts"][4][3] == 2
    assert table["counts"][5][5] == 1
    json.dumps(agreement([unit(S, LS)]).tables)


def test_evidence_overlap() -> None:
    # 0-10 against 5-15: 5 shared of 10 and 10, F1 0.5. The unit with no_stance does not ask for evidence.
    units = [
        unit(S, LS, ann=((0, 10),), bob=((5, 15),)),
        unit(S, S, ann=((0, 4),), bob=((0, 2), (2, 4))),
        unit(S, NO, ann=((0, 4),)),
        unit(S, S),
    ]
    metrics = agreement(units).metrics
    assert metrics["agreement.evidence.character_f1"].value == pytest.approx((0.5 + 1) / 2)
    assert metrics["agreement.evidence.exact"].value == pytest.approx(0.5)
    found = metrics["agreement.evidence.exact"]
    assert (found.n_scored, found.n_unscored) == (2, 1)


def test_span_overlap() -> None:
    assert overlap_f1([(0, 10)], [(5, 15)]) == pytest.approx(0.5)
    assert overlap_f1([(0, 10)], []) == 0.0
    assert overlap_f1([], []) is None
    assert exact_match([(0, 4)], [(0, 2), (2, 4)])


def article() -> Article:
    text = "Berlin will send tanks. Moscow objects."
    labels = [
        StanceLabel("berlin", "tanks", S, evidence=(Evidence(text[0:22], 0, 22),), phenomena=("metonym",)),
        StanceLabel("moscow", "tanks", OP, evidence=(Evidence(text[24:38], 24, 38),)),
        StanceLabel("observers", "tanks", OP),
    ]
    lean = StanceLabel("berlin", "tanks", LS, evidence=(Evidence(text[0:11], 0, 11),))
    return Article(
        id="x",
        title="t",
        text=text,
        event="e",
        source=Source("fictional"),
        targets=(Target("tanks", "Germany may send tanks", rung=2),),
        speakers=(
            Speaker("berlin", "German government", ("Berlin",), side="west", kind="institution"),
            Speaker("moscow", "Russian government", ("Moscow",), side="east", kind="institution"),
            Speaker("observers", "observers", kind="vague"),
        ),
        annotations=(Annotation("ann", tuple(labels)), Annotation("bob", (lean,))),
        gold=Annotation("judge", tuple(labels)),
    )


def test_units_of_articles_leave_vague_speakers_out() -> None:
    units = units_of([article()])
    assert [(u.speaker_id, len(u.labels)) for u in units] == [("berlin", 2), ("moscow", 1)]
    assert units[0].evidence["bob"] == ((0, 11),)


def test_annotators_are_scored_like_systems() -> None:
    pairs = annotator_pairs([article()], "bob")
    assert [(p.item, p.gold, p.predicted, p.error) for p in pairs] == [
        ("x/berlin/tanks", S, LS, None),
        ("x/moscow/tanks", OP, None, "not labelled by the annotator"),
    ]
    accuracy = aggregate(pairs).metrics["stance.accuracy.three_way"]
    assert (accuracy.value, accuracy.n_scored, accuracy.n_unscored) == (1.0, 1, 1)
    assert pairs[0].phenomena == ("metonym",)
