"""Probabilities from scores, and calibration on odd input."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.metrics.calibration import (
    Confident,
    calibration_metrics,
    coverage_weights,
    ece,
    label_probabilities,
    reliability,
    selective_accuracy,
    selective_table,
)
from harness.types import Stance


def test_probabilities_stand_as_they_are() -> None:
    assert label_probabilities({"support": 0.75, "oppose": 0.25}) == {Stance.SUPPORT: 0.75, Stance.OPPOSE: 0.25}


def test_log_probabilities_are_normalised() -> None:
    found = label_probabilities({"support": math.log(0.02), "oppose": math.log(0.06)})
    assert found == pytest.approx({Stance.SUPPORT: 0.25, Stance.OPPOSE: 0.75})
    assert label_probabilities({"support": -2000.0, "oppose": -2001.0}) is not None
    assert label_probabilities({"support": 0.0, "oppose": -math.inf}) == {Stance.SUPPORT: 1.0, Stance.OPPOSE: 0.0}


@pytest.mark.parametrize(
    "scores",
    [
        {},
        {"support": 3.0, "oppose": -1.0},
        {"support": 0.4, "oppose": 0.4},
        {"praise": 1.0},
        {"support": math.nan, "oppose": 1.0},
        {"support": -math.inf},
        {"support": math.inf, "oppose": 0.0},
    ],
)
def test_what_is_no_distribution_is_none(scores: dict[str, float]) -> None:
    assert label_probabilities(scores) is None


def test_no_items() -> None:
    assert math.isnan(ece([], []))
    assert reliability([], []) == []
    assert math.isnan(selective_accuracy([], [], 0.5))
    nothing = Confident(np.zeros((0, 3)), np.zeros(0, dtype=int), np.zeros(0, dtype=int))
    metrics = calibration_metrics(nothing, [])
    assert {m.reason for m in metrics.values()} == {"no item was answered"}
    assert selective_table(nothing) == []


def test_few_items_make_few_bins() -> None:
    assert len(reliability([0.5] * 7, [1] * 7)) == 1
    assert len(reliability(np.linspace(0, 1, 35), [1] * 35)) == 3
    assert len(reliability(np.linspace(0, 1, 500), [1] * 500)) == 10


def test_coverage_weights_add_up() -> None:
    weights = coverage_weights([0.9, 0.5, 0.5, 0.5, -math.inf], 0.5)
    assert weights.sum() == pytest.approx(2.5)
    assert weights.tolist() == pytest.approx([1, 0.5, 0.5, 0.5, 0])


def test_probabilities_without_a_readable_answer() -> None:
    data = Confident(np.full((3, 3), 1 / 3), np.array([-1, -1, -1]), np.array([0, 1, 2]))
    metrics = calibration_metrics(data, ["a", "b", "c"])
    assert metrics["ece"].value is None
    assert metrics["ece"].reason == "every answer that has probabilities was unparsed"
    assert metrics["brier"].value == pytest.approx((2 / 3) ** 2 + 2 * (1 / 3) ** 2)
    assert metrics["selective_accuracy_at_50"].value == 0.0
