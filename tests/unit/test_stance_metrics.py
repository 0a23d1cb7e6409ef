"""Stance aggregates: scopes, scales, counts of what is unscored, and degenerate input with a reason each."""

from __future__ import annotations

import json
import math

import pytest

from harness.metrics.stance import COUNT_METRICS, SCOPES, aggregate, key, scale_counts, score_items
from harness.metrics.stance_pair import StancePair
from harness.types import ESCALATION, STANCES, MetricValue, Stance

OPPOSE, LEAN_OPPOSE, NEUTRAL, LEAN_SUPPORT, SUPPORT, NO_STANCE = Stance


def pair(
    gold: Stance,
    said: Stance | None,
    *,
    article: str = "a",
    speaker: str = "s",
    target: str = "t",
    scores: dict[str, float] | None = None,
    error: str | None = None,
    target_key: str | None = None,
    side: str | None = None,
    phenomena: tuple[str, ...] = (),
) -> StancePair:
    return StancePair(
        f"{article}/{speaker}/{target}",
        article,
        speaker,
        target,
        gold,
        said,
        scores or {},
        error,
        side,
        phenomena,
        target_key,
    )


def corpus(said: object = "gold", *, articles: int = 12, scores: bool = False) -> list[StancePair]:
    """Six items an article, one of each label; `said` is a stance for all, None, or "gold"."""
    pairs = []
    for a in range(articles):
        for i, gold in enumerate(STANCES):
            answer = gold if said == "gold" else said
            given = {str(s): 0.75 if s == answer else 0.05 for s in STANCES} if scores else {}
            pairs.append(pair(gold, answer, article=f"a{a}", speaker=f"s{i}", scores=given))  # type: ignore[arg-type]
    return pairs


def all_clean(report_metrics: dict[str, MetricValue]) -> None:
    """No NaN anywhere, and no missing value without a reason."""
    for name, value in report_metrics.items():
        for number in (value.value, value.ci_low, value.ci_high):
            assert number is None or math.isfinite(number), name
        assert value.value is not None or value.reason, name


def test_every_key_is_there_and_tables_are_json() -> None:
    report = aggregate(corpus(scores=True), resamples=200)
    per_scope = [*COUNT_METRICS, "f_avg_per_target.three_way", "f_avg_per_target.three_way_stanced"]
    for scale in ("six_label", "three_way"):
        per_scope += [f"{m}.{scale}" for m in ("ece", "brier", "selective_accuracy_at_50", "selective_accuracy_at_80")]
    assert set(report.metrics) == {key(scope, metric) for scope in SCOPES for metric in per_scope}
    json.dumps(report.tables, allow_nan=False)
    all_clean(report.metrics)


def test_scopes_part_escalation_from_concrete_targets() -> None:
    pairs = [
        pair(SUPPORT, SUPPORT, target="strikes"),
        pair(SUPPORT, OPPOSE, target=ESCALATION),
        pair(OPPOSE, OPPOSE, target=ESCALATION, speaker="r"),
    ]
    metrics = aggregate(pairs, resamples=100).metrics
    assert metrics["stance.accuracy.three_way"].value == 1.0
    assert metrics["stance.escalation.accuracy.three_way"].value == 0.5
    assert metrics["stance.all.accuracy.three_way"].value == pytest.approx(2 / 3)
    assert metrics["stance.all.accuracy.three_way"].n_scored == 3


def test_scales_choose_their_items() -> None:
    pairs = [pair(NO_STANCE, NEUTRAL), pair(SUPPORT, LEAN_SUPPORT, speaker="r"), pair(NEUTRAL, NEUTRAL, speaker="q")]
    metrics = aggregate(pairs, resamples=100).metrics
    assert metrics["stance.accuracy.six_label"].value == pytest.approx(1 / 3)
    assert metrics["stance.accuracy.three_way"].value == 1.0
    assert metrics["stance.accuracy.five_point"].value == 0.5
    assert (metrics["stance.accuracy.five_point"].n_scored, metrics["stance.accuracy.six_label"].n_scored) == (2, 3)
    assert metrics["stance.accuracy.three_way_stanced"].n_scored == 2


def test_unparsed_is_wrong_and_counted_while_an_error_is_unscored_and_counted() -> None:
    pairs = [pair(SUPPORT, SUPPORT), pair(SUPPORT, None, speaker="r"), pair(OPPOSE, None, speaker="q", error="timeout")]
    report = aggregate(pairs, resamples=100)
    accuracy = report.metrics["stance.accuracy.three_way"]
    assert (accuracy.value, accuracy.n_scored, accuracy.n_unscored) == (0.5, 2, 1)
    assert report.metrics["stance.unparsed_rate.six_label"].value == 0.5
    assert report.tables["stance.unscored"] == {"timeout": 1}
    table = report.tables["stance.confusion.three_way"]
    assert table["predicted"] == ["against", "none", "favor", "unparsed"]
    assert table["counts"] == [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1]]


def test_errors_on_gold_no_stance_do_not_count_against_the_scale() -> None:
    pairs = [pair(SUPPORT, SUPPORT), pair(NO_STANCE, None, speaker="q", error="timeout")]
    metrics = aggregate(pairs, resamples=100).metrics
    assert metrics["stance.kappa.five_point"].n_unscored == 1
    assert metrics["stance.accuracy.five_point"].n_unscored == 0
    assert metrics["stance.accuracy.six_label"].n_unscored == 1


def test_item_scores_average_to_the_aggregate() -> None:
    pairs = [*corpus(LEAN_SUPPORT, scores=True), pair(OPPOSE, None, article="b", error="timeout")]
    scores = score_items(pairs)
    metrics = aggregate(pairs, resamples=100).metrics
    for name in ("accuracy.six_label", "accuracy.three_way", "accuracy.five_point", "sign_flip_rate.five_point"):
        values = [s.value for s in scores if s.metric == f"stance.{name}" and s.value is not None]
        assert sum(values) / len(values) == pytest.approx(metrics[f"stance.{name}"].value), name
        assert len(values) == metrics[f"stance.{name}"].n_scored
    missing = [s for s in scores if s.article_id == "b"]
    assert missing
    assert all(s.value is None and s.reason == "no answer: timeout" for s in missing)


def test_an_answer_off_the_scale_has_no_distance_and_costs_detection() -> None:
    """To say nothing of a neutral stance is no worse a degree than to call it opposed: it is no degree."""
    for gold, answer in ((NEUTRAL, NO_STANCE), (LEAN_SUPPORT, None)):
        [score] = [s for s in score_items([pair(gold, answer)]) if s.metric == "stance.mae.five_point"]
        assert (score.value, score.reason) == (None, "no stance was detected")
    missed, turned = (
        aggregate([pair(NEUTRAL, answer), pair(SUPPORT, SUPPORT, speaker="r")]).metrics
        for answer in (NO_STANCE, OPPOSE)
    )
    assert missed["stance.mae_macro.five_point"].value == 0
    assert missed["stance.mae_macro.five_point"].n_scored == 1
    assert missed["stance.detection_f1.six_label"].value == pytest.approx(2 / 3)
    assert turned["stance.mae_macro.five_point"].value == 1
    assert turned["stance.detection_f1.six_label"].value == 1
    assert "gold of detected stances has no item labelled oppose" in str(missed["stance.mae_macro.five_point"].reason)


def test_f_avg_per_target_pools_a_target_over_articles_by_its_key() -> None:
    pairs = []
    for a in range(3):
        for i, gold in enumerate((SUPPORT, OPPOSE)):
            pairs.append(pair(gold, gold, article=f"a{a}", speaker=f"s{i}", target=f"t{a}", target_key="strikes"))
            pairs.append(pair(gold, SUPPORT, article=f"a{a}", speaker=f"s{i}", target=f"u{a}", target_key="troops"))
    pairs.append(pair(SUPPORT, SUPPORT, target="one-sided"))
    found = aggregate(pairs, resamples=100).metrics["stance.f_avg_per_target.three_way"]
    # strikes: 1; troops: against 0, favor 2·3/(3+6); the third target has supporters only.
    assert found.value == pytest.approx((1 + (2 / 3) / 2) / 2)
    assert "over 2 of 3 targets" in str(found.reason)
    pooled = aggregate(pairs, resamples=100).metrics["stance.f_avg.three_way"]
    assert pooled.value != pytest.approx(found.value)


def test_interval_of_targets_that_live_in_one_article_weighs_them_by_their_draws() -> None:
    # Each article has its own target: 1 in half of them, 1/3 in the others, so the mean spreads like that of articles.
    pairs = []
    for a in range(20):
        for i, gold in enumerate((SUPPORT, OPPOSE)):
            pairs.append(pair(gold, gold if a % 2 else SUPPORT, article=f"a{a}", speaker=f"s{i}", target=f"t{a}"))
    found = aggregate(pairs, resamples=4_000).metrics["stance.f_avg_per_target.three_way"]
    assert found.value == pytest.approx(2 / 3)
    assert found.ci_low is not None
    assert found.ci_high is not None
    half_width = 2.093 * (1 / 3) / math.sqrt(19)
    assert found.ci_high - found.value == pytest.approx(half_width, rel=0.15)
    assert found.value - found.ci_low == pytest.approx(half_width, rel=0.15)


# Degenerate input: a value or a reason, never NaN and never a 0 that means "nothing there".


def test_nothing_at_all() -> None:
    report = aggregate([])
    assert {value.reason for value in report.metrics.values()} <= {"no item in this scope", "no item was answered"}
    assert all(value.value is None for value in report.metrics.values())
    assert score_items([]) == []


def test_every_answer_failed() -> None:
    metrics = aggregate(
        [pair(SUPPORT, None, error="crashed"), pair(OPPOSE, None, speaker="r", error="crashed")]
    ).metrics
    accuracy = metrics["stance.accuracy.three_way"]
    assert (accuracy.value, accuracy.n_scored, accuracy.n_unscored) == (None, 0, 2)
    assert accuracy.reason == "no item was answered: 2 errors"
    all_clean(metrics)


def test_all_unparsed() -> None:
    metrics = aggregate(corpus(None), resamples=200).metrics
    for name in ("accuracy.three_way", "macro_f1.three_way", "detection_f1.six_label"):
        assert metrics[f"stance.{name}"].value == 0.0
        assert "every prediction was unparsed" in str(metrics[f"stance.{name}"].reason)
    for name in ("kappa", "mae_macro"):
        unknown = metrics[f"stance.{name}.five_point"]
        assert (unknown.value, unknown.reason) == (None, "no stance was detected: every answer is off the scale")
    assert metrics["stance.unparsed_rate.six_label"].value == 1.0
    all_clean(metrics)


def test_one_article() -> None:
    metrics = aggregate(corpus(articles=1), resamples=200).metrics
    primary = metrics["stance.macro_f1.three_way"]
    assert primary.value == 1.0
    assert (primary.ci_low, primary.ci_high) == (None, None)
    assert primary.reason == "no interval: 1 article, at least 10 are needed"
    all_clean(metrics)


def test_gold_has_one_label() -> None:
    metrics = aggregate([pair(SUPPORT, SUPPORT), pair(SUPPORT, OPPOSE, speaker="r")]).metrics
    kappa = metrics["stance.kappa.five_point"]
    assert kappa.value is None
    assert kappa.reason == "gold of detected stances has one label only (support): chance cannot be told from agreement"
    f_avg = metrics["stance.f_avg.three_way"]
    assert (f_avg.value, f_avg.reason) == (None, "gold has no item labelled against")
    # F1 of favor alone, 2·1/(2+1), and it says so.
    macro = metrics["stance.macro_f1.three_way"]
    assert macro.value == pytest.approx(2 / 3)
    assert "gold has no item labelled against, none" in str(macro.reason)
    all_clean(metrics)


def test_gold_without_a_scale() -> None:
    metrics = aggregate([pair(NO_STANCE, SUPPORT)]).metrics
    for name in ("kappa", "mae_macro", "sign_flip_rate", "accuracy"):
        assert metrics[f"stance.{name}.five_point"].value is None
        assert metrics[f"stance.{name}.five_point"].reason == "gold has no item on the scale"
    assert metrics["stance.accuracy.three_way_stanced"].value is None
    assert metrics["stance.accuracy.three_way"].value == 0.0
    all_clean(metrics)


def test_gold_takes_no_side() -> None:
    metrics = aggregate([pair(NEUTRAL, SUPPORT)]).metrics
    assert metrics["stance.sign_flip_rate.five_point"].reason == "gold takes no side"
    assert metrics["stance.f_avg.three_way"].reason == "gold has no item labelled against and favor"


def test_a_system_that_always_says_one_label() -> None:
    metrics = aggregate(corpus(SUPPORT), resamples=200).metrics
    assert metrics["stance.kappa.five_point"].value == pytest.approx(0.0)
    # Favor 2·2/(2+6) of 6 items an article; the other two 0: they are in gold.
    assert metrics["stance.macro_f1.three_way"].value == pytest.approx((0.5 + 0 + 0) / 3)
    all_clean(metrics)


def test_a_label_without_gold_has_no_f1_but_keeps_its_counts() -> None:
    report = aggregate([pair(SUPPORT, OPPOSE), pair(SUPPORT, SUPPORT, speaker="r")])
    rows = {row["label"]: row for row in report.tables["stance.per_label.three_way"]}
    assert rows["against"] == {
        "label": "against",
        "precision": 0.0,
        "recall": None,
        "f1": None,
        "n_gold": 0,
        "n_predicted": 1,
    }
    assert rows["none"]["precision"] is None
    assert rows["favor"]["recall"] == 0.5


def test_without_probabilities_calibration_says_so() -> None:
    metrics = aggregate(corpus()).metrics
    assert metrics["stance.ece.three_way"].value is None
    assert metrics["stance.ece.three_way"].reason == "the system gives no probabilities"
    assert metrics["stance.brier.three_way"].n_unscored == 72


def test_unparsed_answers_leave_calibration_and_go_last_in_selection() -> None:
    pairs = [*corpus(scores=True), pair(SUPPORT, None, article="a0", speaker="x")]
    metrics = aggregate(pairs, resamples=200).metrics
    assert (metrics["stance.ece.three_way"].n_scored, metrics["stance.ece.three_way"].n_unscored) == (72, 1)
    assert metrics["stance.selective_accuracy_at_80.three_way"].value == 1.0
    assert metrics["stance.selective_accuracy_at_80.three_way"].n_scored == 73


def test_counts_of_another_article_are_refused() -> None:
    with pytest.raises(KeyError):
        scale_counts([pair(SUPPORT, SUPPORT, article="b")], ["a"], "three_way")
