"""A summariser's preservation from a judge's answers on all triples and a small hand-labelled sample."""

from __future__ import annotations

import pytest

from harness.stats.difference_estimator import JudgedTriple, Reading, allocation, preservation_estimate

KEPT, HARMED, NOT = Reading.KEPT, Reading.HARMED, Reading.NOT_CONVEYED


def test_judge_and_sample_by_hand():
    # stratum "harm": 20 triples, 10 labelled, 4 of them harm, the rest kept; stratum "other": 100 kept by the judge,
    # 20 labelled, 1 harm, 1 not conveyed: harm 20 - 12 + 5 = 13, conveyed 120 - 5 = 115, kept 100 + 12 - 10 = 102
    triples = [JudgedTriple(i, HARMED, (HARMED if i < 4 else KEPT) if i < 10 else None, "harm") for i in range(20)]
    hand = {0: HARMED, 1: NOT}
    triples += [
        JudgedTriple(i % 20, KEPT, hand.get(i, KEPT) if i < 20 else None, "other", main=True) for i in range(100)
    ]
    # 30 of main speakers whom no summary names
    triples += [JudgedTriple(i % 20, NOT, stratum=None, main=True) for i in range(30)]
    estimate = preservation_estimate(triples)
    assert estimate.harm.value == pytest.approx(100 * 13 / 115)
    assert estimate.fidelity.value == pytest.approx(102 / 115)
    assert estimate.coverage.value == pytest.approx(95 / 130)
    assert estimate.n_labelled == 30
    assert estimate.n_triples == 150
    for interval in (estimate.harm, estimate.fidelity, estimate.coverage):
        assert interval.low < interval.value < interval.high


def sample(judge: dict[Reading, Reading]) -> list[JudgedTriple]:
    """40 articles of six triples, one in ten harmed; the judge reads truth as `judge` says, every sixth triple is labelled."""
    triples = []
    for i in range(240):
        true = HARMED if i % 10 == 0 else KEPT
        read = judge.get(true, true)
        hand = true if (i // 10) % 6 == 0 else None
        triples.append(JudgedTriple(i // 6, read, hand, str(read.name), main=True))
    return triples


def test_a_constant_judge_is_corrected():
    # it says that everything is harmed: 40 labels, 4 of them harm
    constant = preservation_estimate(sample({KEPT: HARMED}))
    assert constant.harm.value == pytest.approx(10)
    assert constant.harm.low < 5
    assert constant.harm.high > 20


def test_a_sample_without_an_error_has_width():
    perfect = preservation_estimate(sample({}))
    assert perfect.harm.value == pytest.approx(10)
    # 36 labels without an error allow 9.7 % of misses in 216 kept ones
    assert perfect.harm.high > 15


def test_no_harm_has_an_upper_end():
    none = preservation_estimate(
        [JudgedTriple(i // 6, KEPT, KEPT if i % 4 == 0 else None, "kept", main=True) for i in range(240)]
    )
    assert none.harm.value == 0
    assert none.harm.low == 0
    assert 4 < none.harm.high < 9
    assert none.coverage.high == 1


def test_a_stratum_without_a_label_is_an_error():
    with pytest.raises(ValueError, match="stratum harm"):
        preservation_estimate([JudgedTriple(0, HARMED, None, "harm"), JudgedTriple(1, KEPT, KEPT, "other")])


def test_few_articles_have_values_and_no_interval():
    estimate = preservation_estimate([JudgedTriple(i, KEPT, KEPT, "kept", main=True) for i in range(9)])
    assert estimate.harm.value == 0
    assert estimate.harm.high is None
    assert "9 articles" in estimate.harm.reason


def test_allocation_of_labels():
    assert allocation({"harm": 4, "kept": 400, "none": 100}, 60) == {"harm": 4, "none": 19, "kept": 37}
    assert allocation({"harm": 0, "kept": 10}, 60) == {"harm": 0, "kept": 10}
    assert sum(allocation({"a": 1, "b": 7, "c": 900}, 100).values()) == 100
