"""Stance metrics as functions of confusion counts, so that one matrix product resamples all of them at once.

Every function takes counts of shape (..., K, C): K gold labels in order, then C >= K columns, of which the first K are
the same labels as predicted and the rest are answers that can never be right (off the scale, unparsed). It gives
(...,), NaN where the metric is undefined.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.types import SCALE, STANCES, Stance, ThreeWay

Array = NDArray[np.floating]

UNPARSED = "unparsed"
THREE_WAY: tuple[ThreeWay, ...] = tuple(ThreeWay)
SIX_COLUMNS: tuple[str, ...] = (*STANCES, UNPARSED)
THREE_COLUMNS: tuple[str, ...] = (*THREE_WAY, UNPARSED)
_STANCE_INDEX = {stance: i for i, stance in enumerate(STANCES)}
_THREE_INDEX = {label: i for i, label in enumerate(THREE_WAY)}
TO_THREE = np.array([_THREE_INDEX[stance.three_way] for stance in STANCES] + [len(THREE_WAY)])
"""Three-way column of each six-label column."""
THREE_MEMBERS = tuple(np.flatnonzero(i == TO_THREE) for i in range(len(THREE_WAY)))


def stance_codes(
    gold: Sequence[Stance], predicted: Sequence[Stance | None]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of a six-label confusion; unparsed (None) is the last column."""
    rows = np.array([_STANCE_INDEX[g] for g in gold], dtype=np.intp)
    columns = np.array([len(STANCES) if p is None else _STANCE_INDEX[p] for p in predicted], dtype=np.intp)
    return rows, columns


def count(cluster: NDArray[np.intp], rows: NDArray[np.intp], columns: NDArray[np.intp], n: int) -> NDArray[np.int64]:
    """Six-label confusion of each of `n` clusters, shape (n, 6, 7), from one index triple an item."""
    shape = (n, len(STANCES), len(SIX_COLUMNS))
    flat = np.ravel_multi_index((cluster, rows, columns), shape) if len(rows) else np.empty(0, dtype=np.intp)
    counts: NDArray[np.int64] = np.bincount(flat, minlength=shape[0] * shape[1] * shape[2])
    return counts.reshape(shape)


def confusion(gold: Sequence[Stance], predicted: Sequence[Stance | None]) -> NDArray[np.int64]:
    """Six-label confusion, shape (6, 7)."""
    rows, columns = stance_codes(gold, predicted)
    one: NDArray[np.int64] = count(np.zeros(len(rows), dtype=np.intp), rows, columns, 1)[0]
    return one


def on_scale(six: NDArray[Any]) -> NDArray[Any]:
    """Gold on the scale only: (..., 6, 7) to (..., 5, 7); `no_stance` and unparsed stay as columns."""
    return six[..., : len(SCALE), :]


def collapse(six: NDArray[Any]) -> NDArray[Any]:
    """Three-way counts (..., K, 7) to (..., 3, 4): lean_* to their side, neutral and no_stance to none."""
    out = np.zeros((*six.shape[:-2], len(THREE_WAY), len(THREE_COLUMNS)), dtype=six.dtype)
    for row in range(six.shape[-2]):
        for column in range(six.shape[-1]):
            out[..., TO_THREE[row], TO_THREE[column]] += six[..., row, column]
    return out


def accuracy(counts: Array) -> Array:
    """Share of items whose label is right, in [0, 1]; unparsed is wrong."""
    return _divide(_right(counts).sum(axis=-1), counts.sum(axis=(-2, -1)))


def f1_per_label(counts: Array) -> Array:
    """F1 of each gold label, shape (..., K), in [0, 1]; NaN where gold does not have the label.

    F1 = 2 TP / (gold + predicted). Without gold there is no recall, hence no F1 (Forman & Scholz 2010, Apples-to-apples
    in cross-validation studies): a 0 there would punish every system alike, and leaving the label out only where the
    system never predicted it would average one system over other classes than the next.
    """
    gold = counts.sum(axis=-1)
    predicted = counts.sum(axis=-2)[..., : counts.shape[-2]]
    return np.where(gold > 0, _divide(2 * _right(counts), gold + predicted), np.nan)


def macro_f1(counts: Array) -> Array:
    """Unweighted mean of F1 over the labels that gold has, in [0, 1]; unparsed is a missed gold item.

    The averaged F1 of Opitz & Burst 2019 (Macro F1 and Macro F1), as in sklearn's `f1_score(labels=those in y_true)`.
    The same classes count for every system; predicting a label that gold lacks costs recall where it was wrong.
    """
    return _mean_defined(f1_per_label(counts))


def f_avg(counts: Array) -> Array:
    """Mean of F1(favor) and F1(against) over three-way counts, in [0, 1] (SemEval-2016 task 6, Mohammad et al. 2016).

    Undefined where gold lacks either side. `none` counts only through the errors that it makes.
    """
    f1 = f1_per_label(counts)
    return np.asarray((f1[..., _THREE_INDEX[ThreeWay.AGAINST]] + f1[..., _THREE_INDEX[ThreeWay.FAVOR]]) / 2)


def detection_f1(counts: Array) -> Array:
    """F1 of finding that there is a stance at all, in [0, 1], from six-label counts (..., 6, 7).

    2 TP / (gold + predicted) of the five labels on the scale against `no_stance` and unparsed. NaN where gold has no stance.
    """
    points = len(SCALE)
    gold = counts[..., :points, :].sum(axis=(-2, -1))
    predicted = counts[..., :, :points].sum(axis=(-2, -1))
    detected = counts[..., :points, :points].sum(axis=(-2, -1))
    return _divide(2 * detected, np.where(gold > 0, gold + predicted, 0))


def quadratic_kappa(counts: Array) -> Array:
    """Cohen's kappa with squared distances as weights, at most 1, over detected stances: gold and answer on the scale.

    1 - sum(w O) / sum(w E) (Cohen 1968, equation 2), from five-point counts (..., 5, C >= 5), whose columns past the fifth are
    left out: `no_stance` has no distance to a degree, and `detection_f1` counts it. Undefined where the gold of detected
    stances has one label.
    """
    counts = counts[..., : len(SCALE)]
    weights = _distances() ** 2
    gold = counts.sum(axis=-1)
    predicted = counts.sum(axis=-2)
    total = gold.sum(axis=-1)
    observed = np.asarray((counts * weights).sum(axis=(-2, -1)))
    expected = _divide(((gold @ weights) * predicted).sum(axis=-1), total)
    several = (gold > 0).sum(axis=-1) > 1
    return np.asarray(1 - _divide(observed, np.where(several, expected, 0)))


def mae_macro(counts: Array) -> Array:
    """Mean absolute error in scale steps over detected stances, averaged over their gold labels, in [0, 4].

    Macro-averaged MAE of Baccianella, Esuli & Sebastiani 2009, equation 3, from five-point counts (..., 5, C >= 5), of
    which the columns past the fifth are left out, as in `quadratic_kappa`. NaN where nothing was detected.
    """
    counts = counts[..., : len(SCALE)]
    errors = (counts * _distances()).sum(axis=-1)
    return _mean_defined(_divide(errors, counts.sum(axis=-1)))


def sign_flip_rate(counts: Array) -> Array:
    """Share of items with a side in gold whose prediction takes the other side, in [0, 1]; five-point counts (..., 5, 7).

    Undefined where none of these answers was parsed: a system that gives no label would otherwise look perfect.
    """
    against = counts[..., :2, 3:5].sum(axis=(-2, -1))
    favor = counts[..., 3:5, :2].sum(axis=(-2, -1))
    sided = counts[..., :2, :].sum(axis=-2) + counts[..., 3:5, :].sum(axis=-2)
    n, parsed = sided.sum(axis=-1), sided[..., :-1].sum(axis=-1)
    return _divide(against + favor, np.where(parsed > 0, n, 0))


def unparsed_rate(counts: Array) -> Array:
    """Share of items whose answer could not be read as a label (last column), in [0, 1]."""
    return _divide(counts[..., -1].sum(axis=-1), counts.sum(axis=(-2, -1)))


def _right(counts: Array) -> Array:
    return np.asarray(np.diagonal(counts, axis1=-2, axis2=-1))


def _distances() -> Array:
    """Steps between gold row and predicted column on the scale, shape (5, 5)."""
    points = np.arange(len(SCALE))
    return np.asarray(np.abs(np.subtract.outer(points, points)), dtype=np.float64)


def _divide(numerator: Array, denominator: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(denominator != 0, numerator / denominator, np.nan))


def _mean_defined(values: Array) -> Array:
    """Mean over the last axis of what is defined."""
    defined = ~np.isnan(values)
    return _divide(np.where(defined, values, 0).sum(axis=-1), defined.sum(axis=-1))
