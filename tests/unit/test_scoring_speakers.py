"""End to end with found speakers: failed answers are unscored, unparsed ones wrong, and nobody is scored unasked."""

from __future__ import annotations

import json

import pytest

from harness.config import MetricsConfig
from harness.scoring.material import Material, Scored
from harness.scoring.speakers import score_found_speakers
from harness.types import (
    Annotation,
    Answer,
    Answered,
    Article,
    Prediction,
    Source,
    Speaker,
    Stance,
    StanceLabel,
    Target,
)

S, OP = Stance.SUPPORT, Stance.OPPOSE
ARTICLE = Article(
    id="a", title="t", text="Ann Oak spoke.", event="e", source=Source("fictional"), targets=(Target("t", "t"),),
    speakers=(Speaker("oak", "Ann Oak"), Speaker("elm", "Bob Elm")),
    gold=Annotation("gold", (StanceLabel("oak", "t", S), StanceLabel("elm", "t", OP))),
)  # fmt: skip


def prediction(kind: str, answer: Answer, speaker: str | None = None) -> Prediction:
    return Prediction("k", "s", kind, "a", speaker, "t" if speaker else None, answer, "")


def scored(stances: Answered | None, finder: Answer | None = None) -> Scored:
    names = json.dumps([{"name": name, "aliases": [], "quotes": []} for name in ("Ann Oak", "Bob Elm")])
    found = Answered([prediction("speakers", finder or Answer(output=names))])
    result = Scored()
    score_found_speakers(Material([ARTICLE], MetricsConfig(), stances=stances, finder=found), result)
    return result


def stances(oak: Answer, elm: Answer) -> Answered:
    return Answered([prediction("stance", oak, "ann-oak"), prediction("stance", elm, "bob-elm")])


FAILED = Answer(error="timeout")


def test_failed_stance_answers_are_no_zero() -> None:
    found = scored(stances(FAILED, FAILED))
    value = found.metrics["speakers.stance_f1.three_way"]
    # Two failed answers and with them the article's gold is out: nothing is scored.
    assert (value.value, value.n_scored, value.n_unscored) == (None, 0, 2)
    assert "2 of 2 stance answers failed: timeout" in (value.reason or "")
    assert found.tables["speakers"]["speakers.stages"]["stance_missed"] == 0
    assert found.tables["speakers"]["speakers.unscored_stances"] == {"timeout": 2}
    assert {s.value for s in found.items if "stance" in s.metric} == {None}


def test_one_failed_answer_leaves_the_others() -> None:
    value = scored(stances(Answer(label=S), FAILED)).metrics["speakers.stance_f1.six_label"]
    assert (value.value, value.n_scored, value.n_unscored) == (1.0, 1, 1)
    assert "1 of 2 stance answers failed" in (value.reason or "")


def test_an_unparsed_answer_is_wrong_and_a_stage_of_its_own() -> None:
    found = scored(stances(Answer(label=S), Answer(output="well")))
    value = found.metrics["speakers.stance_f1.six_label"]
    assert value.value == pytest.approx(2 * 1 / (1 + 2))
    assert (value.n_scored, value.n_unscored) == (2, 0)
    assert found.tables["speakers"]["speakers.stages"]["stance_unparsed"] == 1
    assert found.tables["speakers"]["speakers.stages"]["stance_missed"] == 0


def test_without_a_stance_classifier_there_is_no_stance_f1() -> None:
    for asked, reason in ((None, "no stance classifier was asked"), (Answered([], unfitted="one event"), "one event")):
        found = scored(asked)
        value = found.metrics["speakers.stance_f1.three_way"]
        assert (value.value, value.n_unscored) == (None, 2)
        assert reason in (value.reason or "")
        assert found.metrics["speakers.f1"].value == pytest.approx(1.0)


def test_a_finder_that_failed_leaves_all_unscored() -> None:
    found = scored(Answered([]), Answer(output="{", error="out of memory"))
    assert found.metrics["speakers.f1"].n_unscored == 1
    assert (value := found.metrics["speakers.stance_f1.three_way"]).value is None
    assert value.n_unscored == 2
    assert {s.reason for s in found.items} == {"no answer: out of memory"}
