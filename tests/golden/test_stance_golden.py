"""Stance metrics worked by hand, with the sums shown."""

from __future__ import annotations

import numpy as np
import pytest

from harness.metrics import confusion as cm
from harness.metrics.calibration import brier, ece, reliability, selective_accuracy
from harness.types import Stance

OP, LO, N, LS, S, NO = Stance

# Ten items: two opposed, one leaning, two neutral, one leaning, two in support, two without a stance.
GOLD = [OP, OP, LO, N, N, LS, S, S, NO, NO]
SAID = [OP, LO, S, N, None, S, S, NO, NO, LS]
SIX = cm.confusion(GOLD, SAID)
THREE = cm.collapse(SIX).astype(float)
STANCED = cm.collapse(cm.on_scale(SIX)).astype(float)
FIVE = cm.on_scale(SIX).astype(float)


def test_confusions_keep_unparsed_apart() -> None:
    # Rows against, none, favor; columns against, none, favor, unparsed.
    # against: O→O and O→lean_oppose stay, lean_oppose→support goes to favor.
    # none: N→N and no→no stay, no→lean_support to favor, N→None unparsed.
    # favor: lean_support→support and S→S stay, S→no_stance to none.
    assert THREE.tolist() == [[2, 0, 1, 0], [0, 2, 1, 1], [0, 1, 2, 0]]
    # Without the two gold no_stance items.
    assert STANCED.tolist() == [[2, 0, 1, 0], [0, 1, 0, 1], [0, 1, 2, 0]]


def test_accuracy_on_every_scale() -> None:
    assert cm.accuracy(SIX.astype(float)) == pytest.approx(4 / 10)  # O, N, S, no_stance
    assert cm.accuracy(FIVE) == pytest.approx(3 / 8)  # the same without no_stance, of 8 on the scale
    assert cm.accuracy(THREE) == pytest.approx(6 / 10)
    assert cm.accuracy(STANCED) == pytest.approx(5 / 8)


def test_macro_f1_three_way() -> None:
    # F1 = 2 TP / (gold + predicted): against 2·2/(3+2), none 2·2/(4+3), favor 2·2/(3+4).
    expected = (4 / 5 + 4 / 7 + 4 / 7) / 3
    assert cm.macro_f1(THREE) == pytest.approx(expected)
    assert expected == pytest.approx(0.647619, abs=1e-6)


def test_macro_f1_five_point_counts_no_stance_as_a_miss() -> None:
    # O 2·1/(2+1), lean_oppose 0/(1+1), N 2·1/(2+1), lean_support 0/(1+0), S 2·1/(2+3).
    assert cm.macro_f1(FIVE) == pytest.approx((2 / 3 + 0 + 2 / 3 + 0 + 2 / 5) / 5)


def test_f_avg_leaves_none_out_of_the_mean() -> None:
    assert cm.f_avg(THREE) == pytest.approx((4 / 5 + 4 / 7) / 2)
    # Without gold no_stance favor is predicted once less: 2·2/(3+3).
    assert cm.f_avg(STANCED) == pytest.approx((4 / 5 + 4 / 6) / 2)


def test_f_avg_pooled_and_per_target_differ() -> None:
    # Target 1: against 3 of 3, favor 1 of 1, all right: F_avg 1.
    first = np.array([[3, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]], dtype=float)
    # Target 2: against 1, predicted favor; favor 3, all predicted favor: against 0, favor 2·3/(3+4): F_avg 3/7.
    second = np.array([[0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 3, 0]], dtype=float)
    assert cm.f_avg(np.stack([first, second])).mean() == pytest.approx((1 + 3 / 7) / 2)
    # Pooled: against 2·3/(4+3), favor 2·4/(4+5).
    assert cm.f_avg(first + second) == pytest.approx((6 / 7 + 8 / 9) / 2)


def test_detection() -> None:
    # Of 8 gold stances 6 got an answer on the scale (not N→unparsed and S→no_stance), of 7 such answers one is to no_stance.
    assert cm.detection_f1(SIX.astype(float)) == pytest.approx(2 * 6 / (8 + 7))


def test_quadratic_kappa_of_detected_stances() -> None:
    # Squared steps: O→O 0, O→lo 1, lo→S 3²=9, N→N 0, ls→S 1, S→S 0: 11; N→unparsed and S→no_stance are left out.
    # Gold O 2, lo 1, N 1, ls 1, S 1; answers O 1, lo 1, N 1, S 3. By chance, a column each:
    # O 1·(0·2+1·1+4·1+9·1+16·1)=30; lo 1·(1·2+0+1·1+4·1+9·1)=16; N 1·(4·2+1·1+0+1·1+4·1)=14;
    # S 3·(16·2+9·1+4·1+1·1+0)=138; together 198, over 6 items 33.
    assert cm.quadratic_kappa(FIVE) == pytest.approx(1 - 11 / 33)


def test_macro_averaged_mae_of_detected_stances() -> None:
    # Mean steps by gold label: O (0+1)/2, lo 3, N 0, ls 1, S 0; plain mean over labels.
    assert cm.mae_macro(FIVE) == pytest.approx((0.5 + 3 + 0 + 1 + 0) / 5)


def test_sign_flips_among_sided_gold() -> None:
    # Sided gold: O, O, lo, ls, S, S; only lo→S crosses to the other side (S→no_stance does not).
    assert cm.sign_flip_rate(FIVE) == pytest.approx(1 / 6)


def test_unparsed_rate() -> None:
    assert cm.unparsed_rate(SIX.astype(float)) == pytest.approx(1 / 10)


def test_ece_with_equal_mass_bins() -> None:
    # Twenty items make two bins of ten. Low: confidence 0.6, 5 of 10 right. High: confidence 0.9, 8 of 10 right.
    # ECE = 10/20 |0.5 - 0.6| + 10/20 |0.8 - 0.9| = 0.1.
    confidence = [0.9] * 10 + [0.6] * 10
    correct = [1] * 8 + [0] * 2 + [1] * 5 + [0] * 5
    assert ece(confidence, correct) == pytest.approx(0.1)
    low, high = reliability(confidence, correct)
    assert (low.n, high.n) == (10, 10)
    assert (low.accuracy, high.accuracy) == (pytest.approx(0.5), pytest.approx(0.8))


def test_ece_shares_ties_between_bins() -> None:
    # Twenty items of one confidence 0.7, 14 right: whatever the order, each bin has accuracy 0.7 and the gap is 0.
    assert ece([0.7] * 20, [1] * 14 + [0] * 6) == pytest.approx(0, abs=1e-12)
    assert ece([0.7] * 20, [0] * 6 + [1] * 14) == pytest.approx(0, abs=1e-12)


def test_brier() -> None:
    # (0.7-1)² + 0.2² + 0.1² = 0.14; all on a wrong label: 1 + 1 = 2.
    assert brier([[0.7, 0.2, 0.1], [0, 1, 0]], [0, 0]).tolist() == pytest.approx([0.14, 2.0])


def test_selective_accuracy() -> None:
    # Four items by confidence: right, wrong, right, wrong. Half of them: 1 of 2. A quarter: 1 of 1. All: 2 of 4.
    confidence, correct = [0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0]
    assert selective_accuracy(confidence, correct, 0.5) == pytest.approx(0.5)
    assert selective_accuracy(confidence, correct, 0.25) == pytest.approx(1.0)
    assert selective_accuracy(confidence, correct, 1.0) == pytest.approx(0.5)
    # Two tied at the threshold share the place that is left: (1 + 0.5·0 + 0.5·1) / 2.
    assert selective_accuracy([0.9, 0.7, 0.7, 0.6], [1, 0, 1, 0], 0.5) == pytest.approx(0.75)
