"""Coverage, fidelity, harm, balance and the judge's validation worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from harness.metrics.preservation import OutcomeRow, outcomes
from harness.metrics.preservation_table import (
    HAWK_SHIFT,
    VOICE_SHIFT,
    aggregate,
    aggregate_by_band,
    another_article,
    balance,
    hawk_counts,
    length_band,
    outcome_table,
    ratio_counts,
    signatures,
    two_sides,
    voice_counts,
)
from harness.scoring.preservation import difference_of_ratios
from harness.stats.bootstrap import ratio
from harness.types import Annotation, Article, Source, Speaker, Stance, StanceLabel, Target

S, LS, N, LO, OP, NO = (
    Stance.SUPPORT, Stance.LEAN_SUPPORT, Stance.NEUTRAL, Stance.LEAN_OPPOSE, Stance.OPPOSE, Stance.NO_STANCE,
)  # fmt: skip
SPEAKERS = (
    Speaker("ann", "Ann Oak", side="south", main=True),
    Speaker("bob", "Bob Elm", side="north", main=True),
    Speaker("cat", "Cat Fir", side="north", main=True),
    Speaker("dan", "Dan Ash", side="outside"),
)
GOLD = {
    "ann": {"escalation": OP, "t": LO},
    "bob": {"escalation": S, "t": S},
    "cat": {"escalation": LS},
    "dan": {"t": NO},
}


def article(article_id: str = "a") -> Article:
    labels = tuple(StanceLabel(s, t, stance) for s, by_target in GOLD.items() for t, stance in by_target.items())
    return Article(
        id=article_id, title="A", text="x", event="e", source=Source(kind="fictional"),
        targets=(Target("escalation", "e"), Target("t", "t")), speakers=SPEAKERS, gold=Annotation("gold", labels),
    )  # fmt: skip


SUMMARY = "Ann Oak and Bob Elm disagreed; Dan Ash spoke."
JUDGED = {
    ("ann", "escalation"): LO,  # weakened
    ("ann", "t"): LO,  # kept
    ("bob", "escalation"): S,  # kept
    ("bob", "t"): OP,  # flipped
    ("dan", "t"): S,  # invented
}


def rows(article_id: str = "a") -> list[OutcomeRow]:
    return outcomes(article(article_id), SUMMARY, JUDGED)


def test_the_three_numbers() -> None:
    # Main speakers have 5 gold stances (ann 2, bob 2, cat 1), of which cat's is dropped with her: coverage 4/5.
    # Conveyed are 5 (ann 2, bob 2, dan 1), kept 2: fidelity 2/5. Harm: bob's flipped and dan's invented, 100·2/5 = 40.
    values = aggregate(rows())
    assert {k: v.value for k, v in values.items()} == {
        "preservation.coverage": pytest.approx(0.8),
        "preservation.fidelity": pytest.approx(0.4),
        "preservation.harm": pytest.approx(40.0),
    }
    table = outcome_table(rows())
    assert {k: n for k, n in table.items() if n} == {
        "weakened": 1, "kept": 2, "flipped": 1, "invented": 1, "dropped_speaker": 1,
    }  # fmt: skip


def test_sums_of_each_article_pool() -> None:
    both = rows("a") + rows("b")
    assert ratio_counts(both, "preservation.harm") == [(200, 5), (200, 5)]
    assert ratio_counts(both, "preservation.coverage") == [(4, 5), (4, 5)]
    assert ratio(np.array([400.0, 10.0])) == pytest.approx(40)
    assert np.isnan(ratio(np.array([0.0, 0.0])))
    with pytest.raises(ValueError, match="nonsense"):
        ratio_counts(both, "nonsense")


def test_balance() -> None:
    # North has 3 gold stances, south 2. On escalation gold north (2+1)/2 = 1.5, south -2: A is north, B south.
    assert two_sides(article()) == ("north", "south")
    # s - g on escalation: bob 2-2 = 0 (cat is not conveyed), ann -1-(-2) = 1. Hawk shift 0 - 1 = -1.
    assert hawk_counts(rows(), ("north", "south")) == (0, 1, 1, 1)
    # North has 2 of 5 conveyed stances and 3 of 5 in gold: voice shift 0.4 - 0.6 = -0.2.
    assert voice_counts(rows(), "north") == (2, 5, 3, 5)
    scores = {s.metric: s.value for s in balance(rows(), article())}
    assert scores == {HAWK_SHIFT: pytest.approx(-1.0), VOICE_SHIFT: pytest.approx(-0.2)}
    assert difference_of_ratios(np.array([[0.0, 1, 1, 1], [3, 2, 1, 4]])).tolist() == [-1.0, 1.25]
    # The gold labels themselves shift nothing.
    gold = {k: label.stance for k, label in article().gold_stances().items()}
    full = outcomes(article(), "Ann Oak, Bob Elm, Cat Fir, Dan Ash.", gold)
    assert [s.value for s in balance(full, article())] == [0, 0]
    assert aggregate(full)["preservation.fidelity"].value == 1.0


def test_balance_without_a_side() -> None:
    silent = outcomes(article(), "Bob Elm spoke.", {("bob", "escalation"): S, ("bob", "t"): S})
    hawk, voice = balance(silent, article())
    assert (hawk.value, hawk.reason) == (None, "no stance on escalation is conveyed for south")
    assert voice.value == pytest.approx(1 - 0.6)
    assert balance(outcomes(article(), "", {}), article())[1].value is None


def test_length_bands() -> None:
    assert [length_band(n) for n in (0, 1, 30, 31, 90, 91, 131, 5000)] == [
        "0", "1-30", "1-30", "31-60", "61-90", "91-130", "131+", "131+",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="-1"):
        length_band(-1)
    banded = aggregate_by_band(rows("a") + rows("b") + outcomes(article("c"), "", {}), {"a": 80, "b": 20, "c": 0})
    assert list(banded) == ["0", "1-30", "61-90"]
    assert banded["0"]["preservation.coverage"].value == 0.0
    assert banded["1-30"]["preservation.harm"].value == pytest.approx(40.0)


def test_floor_pairs_and_infos() -> None:
    pairs = another_article(["a", "b", "c"])
    assert sorted(pairs) == sorted(pairs.values()) == ["a", "b", "c"]
    assert all(k != v for k, v in pairs.items())
    assert another_article(["a"]) == {}
    assert "judge:x 12" in signatures("x 12")["preservation.harm"]
