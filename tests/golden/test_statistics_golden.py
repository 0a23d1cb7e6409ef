"""Tests and corrections worked by hand, with the sums shown."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from harness.metrics.agreement import alpha_nominal, alpha_ordinal, coincidences, krippendorff_alpha, raw_agreement
from harness.stats.bootstrap import expanded_tail, ratio
from harness.stats.correction import benjamini_hochberg, holm
from harness.stats.paired import mcnemar, randomisation_p
from harness.stats.power import detectable_counts, detectable_from_se, more_articles, planned_detectable


def test_holm() -> None:
    # Sorted 0.005 0.01 0.03 0.04, times 4 3 2 1: 0.02 0.03 0.06 0.04, then never below the one before: 0.06.
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02}
    )


def test_holm_counts_tests_that_could_not_be_made() -> None:
    # A family of three of which one has no p-value: the best one is still multiplied by 3, the next by 2.
    assert holm({"a": 0.01, "b": None, "c": 0.02}) == {"a": pytest.approx(0.03), "b": None, "c": pytest.approx(0.04)}


def test_benjamini_hochberg() -> None:
    # Sorted 0.005 0.01 0.03 0.04, times 4/1 4/2 4/3 4/4: 0.02 0.02 0.04 0.04.
    assert benjamini_hochberg({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"a": 0.02, "b": 0.04, "c": 0.04, "d": 0.02}
    )


def test_mcnemar_mid_p() -> None:
    # One item only A has right, six only B: P(X<=1) = (1+7)/2^7; two-sided 16/128, less the point 7/128: 9/128.
    found = mcnemar([1, 0, 0, 0, 0, 0, 0, 1], [0, 1, 1, 1, 1, 1, 1, 1])
    assert (found.only_a, found.only_b) == (1, 6)
    assert found.p_value == pytest.approx(9 / 128)
    # One against one: all outcomes but half of the middle one, 1 - (2/4)/2.
    assert mcnemar([1, 0], [0, 1]).p_value == pytest.approx(0.75)
    assert mcnemar([1, 0], [1, 0]).p_value == 1.0


def test_randomisation_agrees_with_all_swaps() -> None:
    # Five articles, mean differences 3 1 4 1 -2: of the 32 sign patterns count those with |sum| >= 7.
    differences = [3, 1, 4, 1, -2]
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=5)
    ]
    exact = sum(s >= 7 for s in sums) / 32
    a = np.array([[d, 1.0] for d in differences])
    b = np.array([[0.0, 1.0]] * 5)
    assert randomisation_p(a, b, ratio, resamples=40_000) == pytest.approx(exact, abs=0.01)


def test_one_article_can_never_be_marked() -> None:
    # Swapping the only article gives the same |difference|, so every resample reaches it: p = (R+1)/(R+1).
    assert randomisation_p([[9.0, 1.0]], [[1.0, 1.0]], ratio, resamples=99) == 1.0


def test_expanded_tail() -> None:
    # Ten articles: t[0.975; 9] = 2.262157, times sqrt(10/9) = 2.384523, lower normal tail 0.008551.
    assert expanded_tail(10) == pytest.approx(0.5 * math.erfc(2.262157 * math.sqrt(10 / 9) / math.sqrt(2)), abs=1e-6)
    assert expanded_tail(10**7) == pytest.approx(0.025, abs=1e-6)


def test_krippendorffs_example() -> None:
    gap = math.nan
    data = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, gap, gap, gap],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, gap, 3],
            [gap, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, gap],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, gap],
        ]
    )
    units = [[int(v) - 1 for v in column if not math.isnan(v)] for column in data.T]
    sums = coincidences(units, 5).sum(axis=0)
    assert float(alpha_nominal(sums)) == pytest.approx(0.743, abs=5e-4)
    assert float(alpha_ordinal(sums)) == pytest.approx(0.815, abs=5e-4)
    assert float(alpha_nominal(sums)) == pytest.approx(krippendorff_alpha(data, "nominal"), abs=1e-12)
    assert float(alpha_ordinal(sums)) == pytest.approx(krippendorff_alpha(data, "ordinal"), abs=1e-12)


def test_alpha_of_two_annotators() -> None:
    # Units (0,0) (0,0) (0,1) (1,1): coincidences 0-0 4, 0-1 and 1-0 one each, 1-1 2; n = 8, marginals 5 and 3.
    # alpha = 1 - (8-1)·2 / (2·5·3) = 1 - 14/30; raw agreement 6/8.
    sums = coincidences([[0, 0], [0, 0], [0, 1], [1, 1]], 2).sum(axis=0)
    assert sums.tolist() == [[4, 1], [1, 2]]
    assert float(alpha_nominal(sums)) == pytest.approx(1 - 14 / 30)
    assert float(raw_agreement(sums)) == pytest.approx(6 / 8)


def test_detectable_from_se() -> None:
    # t[0.975; 7] + t[0.8; 7] = 2.364624 + 0.896030 = 3.260654; times 0.377964: 1.232411.
    found = detectable_from_se(0.377964, 8)
    assert found.by_article
    assert found.value == pytest.approx(1.232411, abs=1e-5)


def test_detectable_effect_of_single_values() -> None:
    # ROUGE of three articles, differences 0.1, 0.2, -0.1; with one more of -1 and of 1 they are five: mean 0.04, squares
    # 2.06, variance (2.06 - 5 · 0.04²) / 4 = 0.513; se sqrt(0.513 / 5) = 0.320312; t[0.975; 4] + t[0.8; 4] = 2.776445 +
    # 0.940965 = 3.717410; the product is more than the range of 1.
    a, b = np.array([[0.4, 1], [0.5, 1], [0.2, 1]]), np.array([[0.3, 1], [0.3, 1], [0.3, 1]])
    assert detectable_counts(a, b, ratio).value == 1.0
    # chrF has a range of 100: differences of 10, 20, -10 and ±100 are the same case.
    assert detectable_counts(a * [100, 1], b * [100, 1], ratio, span=100).value == 100.0
    # Five articles, twice the same: 0.1, 0.2, -0.1, 0.1, -0.3 and ±1 are seven: sum 0, squares 2.16, variance 0.36, se
    # 0.226779; t[0.975; 6] + t[0.8; 6] = 2.446912 + 0.905703 = 3.352615; the product 0.760302.
    a = np.array([[0.4, 1], [0.5, 1], [0.2, 1], [0.4, 1], [0.0, 1]])
    b = np.array([[0.3, 1]] * 5)
    assert detectable_counts(a, b, ratio).value == pytest.approx(0.760302, abs=1e-5)


def test_planned_detectable() -> None:
    # 200 items, disagreement 0.5: (1.959964 + 0.841621) sqrt(0.5/200) = 0.140079.
    assert planned_detectable(200).value == pytest.approx(2.801585 * 0.05, abs=1e-5)


def test_more_articles() -> None:
    # Difference 0.05, se 0.05 over 20 articles: spread 0.05·sqrt(20) = 0.223607. For large n it takes
    # (2.801585 · 0.223607 / 0.05)² = 156.98 articles; with t quantiles 159: 139 more.
    found = more_articles(0.05, 0.05, 20).more
    assert found is not None
    assert 157 - 20 < found <= 161 - 20
    assert more_articles(0.5, 0.05, 20).more == 0
