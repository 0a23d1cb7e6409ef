"""Stance metrics against scikit-learn on random labels, and laws that hold whatever the labels are."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics import confusion as cm
from harness.metrics.stance import aggregate
from harness.metrics.stance_pair import StancePair
from harness.stats.bootstrap import ratio
from harness.stats.correction import benjamini_hochberg, holm
from harness.stats.paired import randomisation_p
from harness.types import SCALE, STANCES, Stance

labels = st.sampled_from(STANCES)
answers = st.one_of(st.none(), labels)
items = st.lists(st.tuples(labels, answers), min_size=1, max_size=40)


@given(items)
@settings(deadline=None)
def test_three_way_equals_sklearn(said: list[tuple[Stance, Stance | None]]) -> None:
    from sklearn.metrics import accuracy_score, f1_score

    gold = [str(g.three_way) for g, _ in said]
    predicted = ["unparsed" if p is None else str(p.three_way) for _, p in said]
    counts = cm.collapse(cm.confusion([g for g, _ in said], [p for _, p in said])).astype(float)
    present = sorted(set(gold))
    assert cm.accuracy(counts) == pytest.approx(accuracy_score(gold, predicted))
    expected = f1_score(gold, predicted, labels=present, average="macro", zero_division=0)
    assert cm.macro_f1(counts) == pytest.approx(expected)
    if {"against", "favor"} <= set(gold):
        sides = f1_score(gold, predicted, labels=["against", "favor"], average="macro", zero_division=0)
        assert cm.f_avg(counts) == pytest.approx(sides)
    else:
        assert math.isnan(cm.f_avg(counts))


@given(st.lists(st.tuples(st.sampled_from(SCALE), st.sampled_from(SCALE)), min_size=1, max_size=40))
@settings(deadline=None)
def test_kappa_equals_sklearn_where_everything_is_on_the_scale(said: list[tuple[Stance, Stance]]) -> None:
    from sklearn.metrics import cohen_kappa_score

    counts = cm.on_scale(cm.confusion([g for g, _ in said], [p for _, p in said])).astype(float)
    found = float(cm.quadratic_kappa(counts))
    if len({g for g, _ in said}) == 1:
        assert math.isnan(found)
    else:
        expected = cohen_kappa_score(
            [g.degree for g, _ in said], [p.degree for _, p in said], weights="quadratic", labels=[-2, -1, 0, 1, 2]
        )
        assert found == pytest.approx(expected)


@given(items)
@settings(deadline=None)
def test_ranges(said: list[tuple[Stance, Stance | None]]) -> None:
    six = cm.confusion([g for g, _ in said], [p for _, p in said])
    five = cm.on_scale(six).astype(float)
    for value, top in ((cm.macro_f1(five), 1), (cm.mae_macro(five), 4), (cm.sign_flip_rate(five), 1)):
        assert math.isnan(value) or 0 <= value <= top
    assert math.isnan(cm.quadratic_kappa(five)) or cm.quadratic_kappa(five) <= 1
    assert cm.collapse(six).sum() == six.sum() == len(said)


@given(items, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=25)
def test_the_order_of_the_items_never_matters(said: list[tuple[Stance, Stance | None]], random: object) -> None:
    pairs = [StancePair(str(i), f"a{i % 11}", str(i), "t", g, p) for i, (g, p) in enumerate(said)]
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert aggregate(pairs, resamples=50).metrics == aggregate(shuffled, resamples=50).metrics


@given(st.dictionaries(st.integers(), st.floats(0, 1), max_size=12))
@settings(deadline=None)
def test_corrections_never_lower_p_and_keep_their_order(p_values: dict[int, float]) -> None:
    for adjust in (holm, benjamini_hochberg):
        adjusted = adjust(p_values)
        for test, p in p_values.items():
            assert p <= adjusted[test] + 1e-12 <= 1 + 2e-12  # type: ignore[operator]
        by_p = sorted(p_values, key=lambda test: p_values[test])
        ordered = [adjusted[test] for test in by_p]
        assert all(a <= b + 1e-12 for a, b in pairwise(ordered))  # type: ignore[operator]
    one, other = holm(p_values), benjamini_hochberg(p_values)
    assert all(one[test] >= other[test] - 1e-12 for test in p_values)  # type: ignore[operator]


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=15))
@settings(deadline=None)
def test_p_values_are_positive_and_symmetric(differences: list[int]) -> None:
    a = np.array([[d, 1] for d in differences])
    b = np.array([[0, 1] for _ in differences])
    p = randomisation_p(a, b, ratio, resamples=199)
    assert 1 / 200 <= p <= 1
    assert randomisation_p(b, a, ratio, resamples=199) == pytest.approx(p)
    if sum(differences) == 0:
        assert p == 1
