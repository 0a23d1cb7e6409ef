"""Intervals by article: exact sums, reproducible, none where they would mislead."""

from __future__ import annotations

import numpy as np
import pytest

from harness.metrics import confusion as cm
from harness.stats.bootstrap import (
    ANALYTIC,
    MOST_RESAMPLED,
    analytic_interval,
    clustered_interval_counts,
    clustered_interval_mean,
    expanded_percentile,
    interval_of,
    ratio,
    resampled_sums,
    sum_dtype,
)
from harness.stats.moments import Moments
from harness.verify.simulated import resembling


def test_resampled_sums_keep_the_number_of_articles() -> None:
    sums = resampled_sums(np.ones((25, 1), dtype=np.int64), resamples=200)
    assert np.all(sums == 25)


def test_resampled_sums_are_seeded_and_shared_between_columns() -> None:
    counts = np.arange(60, dtype=np.int64).reshape(30, 2)
    first = resampled_sums(counts, resamples=500, seed=3)
    assert np.array_equal(first, resampled_sums(counts, resamples=500, seed=3))
    assert not np.array_equal(first, resampled_sums(counts, resamples=500, seed=4))
    # The second column is the first plus one in each article, so every resample differs by 30.
    assert np.all(first[:, 1] - first[:, 0] == 30)


def test_resampled_sums_in_blocks_equal_those_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import harness.stats.bootstrap as module

    counts = np.arange(40, dtype=np.int64)[:, None]
    together = resampled_sums(counts, resamples=300, seed=5)
    monkeypatch.setattr(module, "_REMEMBERED", 0)
    monkeypatch.setattr(module, "_BLOCK", 400)
    assert np.array_equal(together.mean().round(3), resampled_sums(counts, resamples=300, seed=5).mean().round(3))


def test_large_sums_use_double_precision() -> None:
    assert sum_dtype(np.array([[1 << 22]] * 10)) is np.float64
    assert sum_dtype(np.array([[1]] * 10)) is np.float32
    assert sum_dtype(np.array([[0.5]])) is np.float64


def test_interval_of_a_mean_is_that_of_the_articles_not_of_the_items() -> None:
    # Twenty articles of ten equal items: the spread is that of twenty values, not of two hundred.
    rng = np.random.default_rng(0)
    means = rng.normal(size=20)
    values, clusters = np.repeat(means, 10), [f"a{i}" for i in range(20) for _ in range(10)]
    interval = clustered_interval_mean(values, clusters, resamples=4_000)
    assert interval.se == pytest.approx(means.std(ddof=1) / np.sqrt(20), rel=0.05)
    alone = clustered_interval_mean(means, [f"a{i}" for i in range(20)], resamples=4_000)
    assert (interval.low, interval.high) == (pytest.approx(alone.low), pytest.approx(alone.high))


def test_no_interval_under_ten_articles() -> None:
    interval = clustered_interval_mean(np.arange(90) % 7, [f"a{i % 9}" for i in range(90)])
    assert interval.value is not None
    assert (interval.low, interval.high, interval.se) == (None, None, None)
    assert interval.reason == "no interval: 9 articles, at least 10 are needed"
    assert clustered_interval_mean([1.0], ["a"]).reason == "no interval: 1 article, at least 10 are needed"


def test_no_interval_without_width() -> None:
    interval = clustered_interval_mean(np.ones(40), [f"a{i}" for i in range(40)], resamples=200)
    assert interval.value == 1.0
    assert interval.low is None
    assert "no width" in str(interval.reason)


def test_no_items() -> None:
    assert clustered_interval_mean([], []).value is None
    assert clustered_interval_mean([], []).reason == "no item to score"
    assert clustered_interval_counts(np.zeros((0, 3, 4)), cm.macro_f1).reason == "no item to score"
    assert clustered_interval_counts(np.zeros((5, 3, 4)), cm.macro_f1).reason == "no item to score"
    with pytest.raises(ValueError, match="no articles"):
        resampled_sums(np.zeros((0, 2)))


def test_undefined_resamples() -> None:
    # Favor occurs in one of twelve articles, so 35 % of resamples lack it: F_avg is undefined there.
    counts = np.zeros((12, 3, 4), dtype=np.int64)
    counts[:, 0, 0] = 1
    counts[0, 2, 2] = 1
    interval = clustered_interval_counts(counts, cm.f_avg, resamples=2_000)
    assert interval.value == 1.0
    assert interval.low is None
    assert "undefined in 3" in str(interval.reason)
    undefined = clustered_interval_counts(counts[1:], cm.f_avg)
    assert (undefined.value, undefined.reason) == (None, "undefined on these items")


def test_a_few_undefined_resamples_are_left_out() -> None:
    values = np.linspace(0, 1, 1_000)
    values[:20] = np.nan
    interval = interval_of(0.5, values, 30)
    assert interval.low is not None
    assert 0.02 < interval.low < 0.1
    values[:60] = np.nan
    assert interval_of(0.5, values, 30).low is None


def test_expanded_percentile_is_wider_with_fewer_articles() -> None:
    values = np.random.default_rng(1).normal(size=20_000)
    low_10, high_10 = expanded_percentile(values, 10)
    low_many, high_many = expanded_percentile(values, 10_000)
    assert low_10 < low_many < high_many < high_10
    assert low_many == pytest.approx(-1.96, abs=0.05)


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        clustered_interval_mean([1.0, float("nan")], ["a", "b"])
    with pytest.raises(ValueError, match="cluster names"):
        clustered_interval_mean([1.0], ["a", "b"])


def test_ratio_is_undefined_without_items() -> None:
    assert np.isnan(ratio(np.array([[0.0, 0.0]]))[0])


COUNTED = {
    "accuracy": (cm.accuracy, lambda six: six),
    "macro_f1": (cm.macro_f1, lambda six: six),
    "f_avg": (cm.f_avg, cm.collapse),
    "kappa": (cm.quadratic_kappa, cm.on_scale),
    "mae_macro": (cm.mae_macro, cm.on_scale),
    "detection_f1": (cm.detection_f1, lambda six: six),
}


@pytest.mark.parametrize("name", COUNTED)
def test_the_analytic_interval_is_as_wide_as_the_bootstraps(name: str) -> None:
    statistic, scaled = COUNTED[name]
    counts = scaled(resembling(4_000))
    drawn = clustered_interval_counts(counts, statistic)
    analytic = analytic_interval(Moments.of(counts), statistic)
    assert analytic.value == drawn.value
    assert analytic.reason == ANALYTIC
    assert analytic.se == pytest.approx(drawn.se, rel=0.02)
    assert analytic.high - analytic.low == pytest.approx(drawn.high - drawn.low, rel=0.03)


def test_beyond_twenty_thousand_articles_nothing_is_resampled() -> None:
    at, beyond = (resembling(n) for n in (MOST_RESAMPLED, MOST_RESAMPLED + 1))
    assert clustered_interval_counts(at, cm.accuracy, resamples=100).reason is None
    interval = clustered_interval_counts(beyond, cm.accuracy)
    assert interval.reason == ANALYTIC
    sums = resampled_sums(beyond, resamples=4_000)
    assert np.std(cm.accuracy(sums)) == pytest.approx(interval.se, rel=0.04)


def test_the_variance_of_a_mean_is_that_by_hand() -> None:
    # sums 3 and 1 of 1 item each, 5,000 times: mean 2, and of each article (x - 2)² = 1, so se = sqrt(1 / (n - 1))
    counts = np.array([[3, 1], [1, 1]] * 5_000)
    assert Moments.of(counts).standard_error(ratio) == pytest.approx(1 / np.sqrt(9_999))


def test_moments_of_blocks_add_up() -> None:
    counts = resembling(500)
    parts, whole = Moments.of(counts[:123]) + Moments.of(counts[123:]), Moments.of(counts)
    assert np.array_equal(parts.total, whole.total)
    assert np.array_equal(parts.products, whole.products)
    assert (parts.n, parts.n_informative) == (500, 500)


@pytest.mark.parametrize(
    ("counts", "reason"), [([[0, 0]] * 30, "no item"), ([[2, 1]] * 30, "no width"), ([[1, 1]] * 9, "at least 10")]
)
def test_an_analytic_interval_that_would_mislead_is_none(counts: list[list[int]], reason: str) -> None:
    interval = analytic_interval(Moments.of(counts), ratio)
    assert interval.low is None
    assert reason in str(interval.reason)
