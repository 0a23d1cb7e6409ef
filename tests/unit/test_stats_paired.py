"""Paired comparisons: planted differences are marked, equal systems are not, one article marks nothing."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from harness.metrics import confusion as cm
from harness.metrics.stance import scale_counts
from harness.metrics.stance_pair import StancePair
from harness.stats.bootstrap import ANALYTIC, ratio, resampled_sums
from harness.stats.correction import benjamini_hochberg, holm
from harness.stats.paired import (
    mcnemar,
    paired_difference,
    randomisation_p,
    randomisation_p_all,
)
from harness.stats.paired_ratio import ratio_randomisation_p, ratio_randomisation_p_all
from harness.stats.power import (
    detectable_counts,
    detectable_from_se,
    more_articles,
    planned_detectable,
)
from harness.stats.ranking import Rank, pair_tests, ranks
from harness.types import STANCES, Stance

ARTICLES = [f"a{i:03d}" for i in range(60)]


def answers(right: float, seed: int, articles: list[str] = ARTICLES) -> list[StancePair]:
    """Six items an article with the same gold for every seed, right with that chance."""
    gold_of, noise = np.random.default_rng(0), np.random.default_rng(seed)
    pairs = []
    for article in articles:
        for i in range(6):
            gold = STANCES[gold_of.integers(6)]
            said = gold if noise.random() < right else STANCES[noise.integers(6)]
            pairs.append(StancePair(f"{article}/{i}", article, str(i), "t", gold, said))
    return pairs


def counts(right: float, seed: int, articles: list[str] = ARTICLES) -> np.ndarray:
    return scale_counts(answers(right, seed, articles), articles, "three_way")


def test_planted_case_without_a_difference_marks_no_pair() -> None:
    systems = np.stack([counts(0.6, seed) for seed in (1, 2, 3, 4)])
    pairs = [(i, j) for i in range(4) for j in range(i)]
    p_values = randomisation_p_all(systems, pairs, cm.macro_f1, resamples=2_000)
    adjusted = holm({pair: float(p) for pair, p in zip(pairs, p_values, strict=True)})
    assert all(p is not None and p > 0.05 for p in adjusted.values())


def test_planted_difference_of_fifteen_points_is_marked() -> None:
    # Right answers of 0.5 + 0.5/6 and of 0.68 + 0.32/6: fifteen points apart in accuracy.
    better, worse = counts(0.68, 5), counts(0.5, 6)
    found = paired_difference(better, worse, cm.macro_f1, resamples=2_000)
    assert found.p_value is not None
    assert found.p_value < 0.01
    assert found.value is not None
    assert found.value == pytest.approx(0.15, abs=0.06)
    assert found.low is not None
    assert found.low > 0
    adjusted = holm({"vs baseline": found.p_value, "other": 0.7})
    assert adjusted["vs baseline"] is not None
    assert adjusted["vs baseline"] <= 0.05
    assert more_articles(found.value, found.se, found.n_clusters).more == 0


def test_one_article_marks_nothing_and_says_what_could_be_detected() -> None:
    a, b = answers(1.0, 1, ["only"]), answers(0.0, 2, ["only"])
    first, second = scale_counts(a, ["only"], "three_way"), scale_counts(b, ["only"], "three_way")
    found = paired_difference(first, second, cm.macro_f1, resamples=500)
    assert found.p_value == 1.0
    assert (found.low, found.high) == (None, None)
    assert found.reason == "no interval: 1 article, at least 10 are needed"
    effect = detectable_counts(first, second, cm.macro_f1)
    assert not effect.by_article
    assert "1 article: no difference can be marked under 6" in str(effect.reason)
    # Six items, planned: (1.959964 + 0.841621) sqrt(0.5/6) = 0.808748; a rate per 100 has a hundred times that.
    assert effect.value == pytest.approx(0.808748, abs=1e-5)
    harmed = [[300.0, 6.0]], [[100.0, 8.0]]
    assert detectable_counts(*harmed, ratio, span=100).value == pytest.approx(80.8748, abs=1e-3)
    more = more_articles(0.05, found.se, found.n_clusters)
    assert more.more is None
    assert "too few articles (1)" in str(more.reason)


def test_identical_systems() -> None:
    same = counts(0.6, 1)
    found = paired_difference(same, same, cm.macro_f1, resamples=300)
    assert (found.value, found.p_value) == (0.0, 1.0)
    assert found.low is None
    assert "no width" in str(found.reason)
    effect = detectable_counts(same, same, cm.macro_f1)
    # 360 items, planned: 2.801585 sqrt(0.5/360)
    assert effect.value == pytest.approx(0.104408, abs=1e-5)
    assert "never differ" in str(effect.reason)
    values = np.array([[0.3, 1.0]] * 20)
    by_mean = detectable_counts(values, values, ratio)
    # no difference on 20 items, one more of -1 and one of 1: sd sqrt(2 / 21), t(21) at 0.975 and 0.8: 2.079614 + 0.859074
    assert by_mean.value == pytest.approx(2.938688 * np.sqrt(2 / 21 / 22), abs=1e-5)
    assert not by_mean.by_article
    assert more_articles(0.0, None, 60).more is None
    assert more_articles(None, 0.01, 60).reason == "no difference is named that the articles should show"


def test_degenerate_statistics_have_a_reason() -> None:
    empty = np.zeros((3, 3, 4), dtype=np.int64)
    found = paired_difference(empty, empty, cm.macro_f1)
    assert (found.value, found.p_value, found.reason) == (None, None, "no item is answered by both systems")
    one_sided = np.zeros((12, 3, 4), dtype=np.int64)
    one_sided[:, 0, 0] = 1
    found = paired_difference(one_sided, one_sided, cm.f_avg)
    assert (found.value, found.p_value, found.reason) == (None, None, "undefined on these items")
    with pytest.raises(ValueError, match="same articles"):
        paired_difference(np.zeros((3, 2)), np.zeros((4, 2)), ratio)


def test_test_is_two_sided_and_pairs_share_their_coins() -> None:
    systems = np.stack([counts(0.6, 1), counts(0.5, 2), counts(0.55, 3)])
    together = randomisation_p_all(systems, [(0, 1), (1, 0), (1, 2)], cm.macro_f1, resamples=999)
    alone = randomisation_p(systems[0], systems[1], cm.macro_f1, resamples=999)
    assert together[0] == together[1]
    assert alone == pytest.approx(together[0], abs=0.02)
    # Sixty articles that all favour A: no swap but the observed one reaches it, and p is never 0.
    a, b = np.array([[1.0, 1.0]] * 60), np.array([[0.0, 1.0]] * 60)
    assert randomisation_p(a, b, ratio, resamples=199) == 1 / 200


def test_whole_articles_are_swapped() -> None:
    # Sixty items in six articles, A right everywhere in five of them: by item this is overwhelming, by article it is not.
    a, b = np.array([[10.0, 10.0]] * 5 + [[0.0, 10.0]]), np.array([[0.0, 10.0]] * 5 + [[10.0, 10.0]])
    assert randomisation_p(a, b, ratio, resamples=4_000) > 0.1
    assert mcnemar([1] * 50 + [0] * 10, [0] * 50 + [1] * 10).p_value < 1e-6


def test_mcnemar_without_discordant_items() -> None:
    assert mcnemar([1, 1, 0], [1, 1, 0]).p_value == 1.0
    assert mcnemar([], []).p_value == 1.0
    with pytest.raises(ValueError, match="same items"):
        mcnemar([1], [1, 0])


def test_corrections_of_nothing_and_of_nonsense() -> None:
    assert holm({}) == {}
    assert benjamini_hochberg({"a": None}) == {"a": None}
    with pytest.raises(ValueError, match="p-value of 'a'"):
        holm({"a": 1.5})


def test_detectable_effect_shrinks_with_articles() -> None:
    few = detectable_counts(counts(0.6, 1)[:15], counts(0.5, 2)[:15], cm.macro_f1)
    many = detectable_counts(counts(0.6, 1), counts(0.5, 2), cm.macro_f1)
    assert few.value is not None
    assert many.value is not None
    assert few.value > many.value > 0
    assert planned_detectable(0).value is None
    with pytest.raises(ValueError, match="no basis"):
        detectable_from_se(0.1, 3)


def test_detectable_effect_of_nothing() -> None:
    assert detectable_counts(np.zeros((2, 3, 4)), np.zeros((2, 3, 4)), cm.macro_f1).value is None


def test_more_articles_has_a_limit() -> None:
    assert more_articles(1e-9, 0.1, 20).reason == "more than 100,000"


def rank_intervals(values, draws, n_clusters: int, *, higher_is_better: bool = True) -> list[Rank]:
    return ranks(values, pair_tests(values, draws, n_clusters), higher_is_better=higher_is_better)


def resampled(systems: np.ndarray) -> np.ndarray:
    return np.asarray(cm.macro_f1(resampled_sums(np.moveaxis(systems, 0, 1), resamples=2_000)))


def test_rank_intervals_hold_ties_together_and_part_a_clear_winner() -> None:
    systems = np.stack([counts(0.9, 1), counts(0.4, 2), counts(0.4, 3), counts(0.4, 4)])
    values = cm.macro_f1(systems.sum(axis=1).astype(float))
    places = rank_intervals(values, resampled(systems), 60)
    assert (places[0].place, places[0].low, places[0].high) == (1, 1, 1)
    assert all((r.low, r.high) == (2, 4) for r in places[1:])
    lower = rank_intervals(-values, -resampled(systems), 60, higher_is_better=False)
    assert [r.place for r in lower] == [r.place for r in places]


def test_rank_intervals_of_identical_systems_and_of_few_articles() -> None:
    same = np.stack([counts(0.6, 1)] * 3)
    values = cm.macro_f1(same.sum(axis=1).astype(float))
    assert [(r.place, r.low, r.high) for r in rank_intervals(values, resampled(same), 60)] == [(1, 1, 3)] * 3
    few = rank_intervals([0.5, 0.4], None, 4)
    assert [(r.place, r.low) for r in few] == [(1, None), (2, None)]
    assert "at least 10" in str(few[0].reason)
    assert rank_intervals([0.5], None, 1)[0].place == 1
    with pytest.raises(ValueError, match="have a value"):
        rank_intervals([0.5, float("nan")], None, 4)


def test_rank_intervals_of_systems_that_no_resample_defines_together() -> None:
    draws = np.full((100, 2), np.nan)
    draws[:50, 0], draws[50:, 1] = 0.1, 0.2
    places = rank_intervals([0.1, 0.2], draws, 12)
    assert [(r.place, r.low, r.high) for r in places] == [(2, None, None), (1, None, None)]
    assert places[0].reason == "no interval: some system is undefined in 100% of the resamples"


def test_gold_is_the_same_whoever_answers() -> None:
    # What the planted cases rest on.
    assert [p.gold for p in answers(0.1, 1)] == [p.gold for p in answers(0.9, 9)]
    assert {p.gold for p in answers(0.1, 1)} == set(Stance)


def by_enumeration(a: np.ndarray, b: np.ndarray) -> float:
    """Share of all swaps whose studentised difference reaches the observed one, written out without shortcuts."""

    def t(x: np.ndarray, y: np.ndarray) -> float:
        rates = x[:, 0].sum() / x[:, 1].sum(), y[:, 0].sum() / y[:, 1].sum()
        pooled = (x[:, 0].sum() + y[:, 0].sum()) / (x[:, 1].sum() + y[:, 1].sum())
        residuals = (x[:, 0] - pooled * x[:, 1]) / x[:, 1].sum() - (y[:, 0] - pooled * y[:, 1]) / y[:, 1].sum()
        n = len(x)
        return abs(rates[0] - rates[1]) / float(np.sqrt(n / (n - 1) * (residuals**2).sum()))

    swaps = [np.array(s)[:, None] for s in product([True, False], repeat=len(a))]
    return float(np.mean([t(np.where(s, a, b), np.where(s, b, a)) >= t(a, b) - 1e-9 for s in swaps]))


def test_rates_over_different_numbers_are_compared_by_a_studentised_test() -> None:
    rng = np.random.default_rng(4)
    a = np.array([[3, 4], [2, 5], [1, 3], [4, 4], [2, 2], [3, 5], [1, 6], [2, 3], [0, 3], [2, 2], [3, 3]], dtype=float)
    b = np.stack([rng.integers(0, 2, 11), rng.integers(1, 3, 11)], axis=1).astype(float)
    exact = by_enumeration(a, b)
    assert ratio_randomisation_p(a, b, resamples=40_000) == pytest.approx(exact, abs=0.01)
    assert ratio_randomisation_p(b, a, resamples=40_000) == pytest.approx(exact, abs=0.01)
    assert paired_difference(a, b, ratio, resamples=40_000).p_value == pytest.approx(exact, abs=0.01)
    pairs = ratio_randomisation_p_all(np.stack([a, b, a]), [(0, 1), (0, 2), (2, 1)], resamples=999)
    assert pairs[1] == 1.0
    assert pairs[0] == pairs[2]


def test_a_rate_without_spread_or_without_items() -> None:
    always, never = np.array([[2.0, 2.0]] * 12), np.array([[0.0, 3.0]] * 12)
    assert ratio_randomisation_p(always, never, resamples=999) < 0.01
    assert ratio_randomisation_p(np.array([[1.0, 2.0]] * 12), np.array([[2.0, 4.0]] * 12), resamples=99) == 1.0
    assert np.isnan(ratio_randomisation_p(always, 2 * always, resamples=99))
    assert np.isnan(ratio_randomisation_p(always, np.zeros((12, 2)), resamples=99))


def test_a_rate_that_rests_on_little_is_not_tested() -> None:
    """Both harm one stance in ten, but one conveys six in all: it is bound to look harmless, or very harmful."""
    many = np.array([[100.0, 4.0], [0.0, 4.0], [0.0, 4.0], [100.0, 4.0], [0.0, 4.0]] * 12)
    few = np.zeros((60, 2))
    few[:6, 1] = 1
    found = paired_difference(few, many, ratio, resamples=99, span=100)
    assert found.value == -10
    assert (found.p_value, found.low, found.se) == (None, None, None)
    assert found.reason == "no test: a system has items in 6 articles only, at least 10 are needed"
    few[:24, 1] = 1
    found = paired_difference(many, few, ratio, resamples=99, span=100)
    assert found.p_value is None
    # (24 + 0) of (240 + 24): 9.1 %, of 24 items 2.2
    assert found.reason == (
        "no test: at the common rate of 9.1%, the rarer kind is expected 2.2 times in a system's 24 items, at least 5 are needed"
    )
    effect = detectable_counts(many, few, ratio, span=100)
    assert effect.value == pytest.approx(100 * 2.801585 * np.sqrt(0.5 / 24), abs=1e-3)
    assert str(effect.reason).startswith(found.reason)
    few[:, 1] = 1
    few[:10, 0] = 100
    assert paired_difference(many, few, ratio, resamples=99, span=100).p_value is not None


def test_sparse_systems_of_equal_harm_are_not_marked_too_often() -> None:
    rng = np.random.default_rng(8)
    n, marked = 300, 0
    conveyed = np.stack([rng.poisson(mean, (n, 66)) for mean in (0.1, 4)])
    counts_ = np.stack([rng.binomial(conveyed, 0.1), conveyed], axis=-1).astype(float).reshape(2 * n, 66, 2)
    p_values = ratio_randomisation_p_all(counts_, [(i, n + i) for i in range(n)], resamples=199)
    marked = int((p_values <= 0.05).sum())
    assert marked <= 0.057 * n


def test_rank_intervals_of_equal_systems_hold_on_few_articles() -> None:
    # Nominally 5 of 100 data sets have an interval that leaves out a place; 200 of ten articles: 24 would be 5 errors off.
    rng = np.random.default_rng(5)
    wrong = 0
    for seed in range(200):
        values = rng.normal(size=(10, 5))
        sums = np.stack([values, np.ones_like(values)], axis=-1)
        draws = ratio(resampled_sums(sums, resamples=500, seed=seed))
        places = rank_intervals(values.mean(axis=0), draws, 10)
        wrong += any((r.low, r.high) != (1, 5) for r in places)
    assert wrong <= 20


def test_without_bounds_a_handful_of_articles_shows_no_detectable_effect() -> None:
    few, many = np.array([[3.0, 1.0]] * 4), np.array([[5.0, 1.0]] * 4)
    found = detectable_counts(few, many, ratio, span=math.inf)
    assert found.value is None
    assert found.reason == (
        "4 articles: no difference can be marked under 6; the metric has no bounds, so no effect can be planned"
    )
    spread = np.array([[3.0 + i, 1.0] for i in range(12)]), np.array([[9.0 - i % 5, 1.0] for i in range(12)])
    assert (detectable_counts(*spread, ratio, span=math.inf).value or 0) > 1


def test_swaps_of_very_many_articles_are_drawn_from_their_normal(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.stats import paired

    rng = np.random.default_rng(2)
    counts = np.stack([np.stack([rng.normal(mean, 1, 900), np.ones(900)], axis=1) for mean in (0.0, 0.05, 0.4)])
    pairs = [(0, 1), (0, 2), (1, 1)]
    tossed = paired.randomisation_p_all(counts, pairs, ratio)
    monkeypatch.setattr(paired, "MOST_RESAMPLED", 800)
    drawn = paired.randomisation_p_all(counts, pairs, ratio)
    assert drawn == pytest.approx(tossed, abs=0.02)
    assert drawn[1] < 0.001
    assert drawn[2] == 1
    both = paired.paired_difference(counts[0], counts[2], ratio)
    assert both.reason == ANALYTIC
    assert both.high is not None and both.high < 0
