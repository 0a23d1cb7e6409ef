"""Accuracy of a judge from stratified hand labels: planted judges get the verdict that they deserve."""

from __future__ import annotations

import numpy as np
import pytest

from harness.stats.bayesian_bootstrap import design_effect, rate_limits
from harness.stats.judge_accuracy import HarmLabel, judge_accuracy, judge_accuracy_by_summariser


def labels(judge: str, n_articles: int = 60, harm: float = 0.25, summariser: str = "lead3") -> list[HarmLabel]:
    """Six triples an article, all labelled; `judge` is perfect, a coin, or constant."""
    rng = np.random.default_rng(5)
    rows = []
    for article in range(n_articles):
        for _ in range(6):
            true = bool(rng.random() < harm)
            reported = {"perfect": true, "coin": bool(rng.random() < 0.5), "constant": True, "silent": False}[judge]
            rows.append(HarmLabel(article, reported, true, summariser=summariser))
    return rows


def test_perfect_judge_is_validated_and_coin_and_constants_are_not():
    assert judge_accuracy(labels("perfect")).validated
    coin = judge_accuracy(labels("coin"))
    assert not coin.validated
    assert "sensitivity" in coin.reason
    assert "precision of harm" in coin.reason
    constant = judge_accuracy(labels("constant"))
    assert constant.sensitivity.value == 1
    assert not constant.validated, "a judge that always reports harm finds every harm and is right about few"
    assert constant.reason.startswith("precision of harm 0.2")
    silent = judge_accuracy(labels("silent"))
    assert silent.reason.startswith("sensitivity 0.00")
    assert "precision of harm is unknown: no harm that the judge reports was labelled" in silent.reason


def test_weights_carry_the_sample_back_to_all_triples():
    # 20 articles, one reported harm each, true in 15; of 400 others 40 are labelled (weight 10), 2 of them missed harms
    rows = [HarmLabel(a, judge_harm=True, true_harm=a < 15) for a in range(20)]
    rows += [HarmLabel(a % 20, judge_harm=False, true_harm=a < 2, weight=10) for a in range(40)]
    checked = judge_accuracy(rows)
    assert checked.sensitivity.value == pytest.approx(15 / (15 + 20))
    assert checked.precision.value == pytest.approx(15 / 20)
    assert checked.specificity.value == pytest.approx(380 / (380 + 5))
    assert checked.sensitivity.low < 0.3
    assert checked.sensitivity.high > 0.6


def test_a_sample_without_a_miss_is_no_proof_of_sensitivity():
    # up to 3.7 of 200 others may be missed, each of which stands for ten
    rows = [HarmLabel(a, judge_harm=True, true_harm=True) for a in range(60)]
    rows += [HarmLabel(a % 60, judge_harm=False, true_harm=False, weight=10) for a in range(200)]
    checked = judge_accuracy(rows)
    assert checked.sensitivity.value == 1
    assert checked.sensitivity.high == 1
    assert 0.45 < checked.sensitivity.low < 0.7
    assert not checked.validated


def test_high_specificity_does_not_validate_where_harm_is_rare():
    # sensitivity 0.9 and specificity 0.93 at 5 % harm: precision 0.4
    rng = np.random.default_rng(1)
    rows = []
    for i in range(2_000):
        true = bool(rng.random() < 0.05)
        rows.append(HarmLabel(i % 100, bool(rng.random() < (0.9 if true else 0.07)), true))
    checked = judge_accuracy(rows)
    assert checked.specificity.value > 0.9
    assert checked.sensitivity.low > 0.7
    assert not checked.validated
    assert checked.reason.startswith("precision of harm")


def test_each_summariser_gets_a_verdict():
    by = judge_accuracy_by_summariser([*labels("coin", summariser="smollm2"), *labels("perfect")])
    assert {name: accuracy.validated for name, accuracy in by.items()} == {"lead3": True, "smollm2": False}


def test_few_articles_and_bad_weights():
    few = judge_accuracy(labels("perfect", n_articles=9))
    assert not few.validated
    assert "9 articles" in few.reason
    with pytest.raises(ValueError, match="positive"):
        judge_accuracy([HarmLabel("a", judge_harm=True, true_harm=True, weight=0)])
    assert not judge_accuracy([]).validated


def test_one_item_an_article_gives_the_exact_interval():
    # Clopper-Pearson at 95 %: 0 of 60 is [0, 0.0596], 3 of 60 is [0.0104, 0.1392]; the tails here are those for 60 articles
    for hits, low, high in ((0, 0.0, 0.0596), (3, 0.0104, 0.1392), (60, 1 - 0.0596, 1.0)):
        ends = rate_limits(np.arange(60) < hits, np.ones(60))
        assert ends[0] == pytest.approx(low, abs=0.006)
        assert ends[1] == pytest.approx(high, abs=0.006)


def test_items_of_one_article_count_for_less():
    assert design_effect([1, 1, 1]) == 1
    assert design_effect([6, 6]) == pytest.approx(2)  # 1 + 5 x 0.2
    # the same 240 conveyed stances without harm: in 240 articles and in 30
    alone, together = (float(rate_limits(np.zeros(g), np.full(g, 240 / g))[1]) for g in (240, 30))
    assert alone < together
    assert alone == pytest.approx(3.7 / 240, rel=0.1)
