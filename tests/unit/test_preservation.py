"""What becomes of a stance in a summary: every outcome, every flag, and nothing silent on degenerate input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.preservation import (
    HARM,
    NOTHING,
    UNASKED,
    UNPARSED,
    Outcome,
    OutcomeRow,
    item_scores,
    outcome_of,
    outcomes,
)
from harness.metrics.preservation_table import aggregate, balance, counts_by_article
from harness.types import Annotation, Article, Evidence, Source, Speaker, Stance, StanceLabel, Target

S, LS, N, LO, OP, NO = (
    Stance.SUPPORT, Stance.LEAN_SUPPORT, Stance.NEUTRAL, Stance.LEAN_OPPOSE, Stance.OPPOSE, Stance.NO_STANCE,
)  # fmt: skip
ANN = Speaker("ann", "Ann Oak", side="north", main=True)
BOB = Speaker("bob", "Bob Elm", side="south", main=True)
CAT = Speaker("cat", "Cat Fir", side="outside")
CROWD = Speaker("crowd", "observers", kind="vague")
SPEAKERS = (ANN, BOB, CAT, CROWD)


def article(*labels: StanceLabel, targets: tuple[str, ...] = ("escalation", "t"), language: str = "en") -> Article:
    return Article(
        id="a", title="A", text="Ann Oak, Bob Elm and Cat Fir spoke.", event="e", source=Source(kind="fictional"),
        targets=tuple(Target(t, t) for t in targets), speakers=SPEAKERS, language=language,
        gold=Annotation("gold", labels) if labels else None,
    )  # fmt: skip


def one(gold: Stance, judged: Stance | None, summary: str = "Ann Oak spoke.", **label: object) -> OutcomeRow:
    rows = outcomes(article(StanceLabel("ann", "t", gold, **label)), summary, {("ann", "t"): judged})  # type: ignore[arg-type]
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize(
    ("gold", "judged", "expected"),
    [
        (S, S, "kept"), (N, N, "kept"), (LO, LO, "kept"),
        (S, LS, "weakened"), (OP, LO, "weakened"),
        (LS, S, "intensified"), (LO, OP, "intensified"),
        (S, N, "neutralised"), (LO, N, "neutralised"),
        (N, LS, "polarised"), (N, OP, "polarised"),
        (S, LO, "flipped"), (LO, S, "flipped"),
        (NO, S, "invented"), (NO, N, "invented"),
        (S, NO, "dropped_stance"), (N, NO, "dropped_stance"),
        (NO, NO, None),
    ],
)  # fmt: skip
def test_outcomes_of_a_mentioned_speaker(gold: Stance, judged: Stance, expected: str | None) -> None:
    row = one(gold, judged)
    assert row.outcome == expected
    assert row.conveyed == (expected not in (None, "dropped_stance"))
    assert (row.reason == NOTHING) == (expected is None)


def test_a_speaker_whom_the_summary_does_not_mention() -> None:
    for judged in (S, None, OP):
        assert one(S, judged, "Bob Elm spoke.").outcome == "dropped_speaker"
    assert one(NO, S, "Bob Elm spoke.").outcome is None
    assert outcomes(article(StanceLabel("ann", "t", S)), "Bob Elm spoke.", {})[0].outcome == "dropped_speaker"


def test_an_answer_that_is_missing_is_counted_apart() -> None:
    row = one(S, None)
    assert (row.outcome, row.reason, row.unjudged) == (None, UNPARSED, True)
    assert outcomes(article(StanceLabel("ann", "t", S)), "Ann Oak spoke.", {})[0].reason == UNASKED
    values = aggregate([row])
    assert values["preservation.coverage"].n_unscored == 1
    assert values["preservation.coverage"].value is None
    assert {s.reason for s in item_scores([row])} == {UNPARSED}


QUOTES = {
    "ann": "Ann Oak will bargain with the fishermen of the lagoon.",
    "bob": "He demanded that the harbour batteries be shelled before dawn.",
}
"""What the article says for each: the evidence of their gold stances."""


def rows_of(gold: Mapping[str, Stance], judged: Mapping[str, Stance | None], summary: str) -> dict[str, OutcomeRow]:
    text = f"Bob Elm rose. {QUOTES['bob']} {QUOTES['ann']}"
    starts = {speaker: (text.index(quote), quote) for speaker, quote in QUOTES.items()}
    labels = tuple(
        StanceLabel(s, "t", stance, evidence=(Evidence(quote, at, at + len(quote)),))
        for s, stance in gold.items()
        for at, quote in (starts[s],)
    )
    whole = replace(article(*labels), text=text)
    found = outcomes(whole, summary, {(speaker, "t"): stance for speaker, stance in judged.items()})
    return {row.speaker: row for row in found}


def test_misattributed_is_a_harm_with_the_words_of_a_stance_that_its_owner_lost() -> None:
    wants = "Ann Oak wants the harbour batteries shelled before dawn."
    # Bob supports, his stance is gone, and Ann, who opposes, is said to support in his words: it moved.
    moved = rows_of({"ann": OP, "bob": S}, {"ann": LS, "bob": NO}, f"Bob Elm spoke. {wants}")
    assert (moved["ann"].outcome, moved["bob"].outcome) == ("misattributed", "dropped_stance")
    gone = rows_of({"ann": NO, "bob": S}, {"ann": S}, wants)
    assert (gone["ann"].outcome, gone["bob"].outcome) == ("misattributed", "dropped_speaker")
    # A pronoun that has lost its Bob moves his words as well, unless it cannot be hers.
    pronoun = "Ann Oak spoke. {} demanded that the harbour batteries be shelled before dawn."
    assert rows_of({"ann": OP, "bob": S}, {"ann": S}, pronoun.format("She"))["ann"].outcome == "misattributed"
    assert rows_of({"ann": OP, "bob": S}, {"ann": S}, pronoun.format("They"))["ann"].outcome == "flipped"
    # Bob's stance is there as well: Ann's is flipped, not moved.
    assert rows_of({"ann": OP, "bob": S}, {"ann": S, "bob": S}, f"Bob Elm spoke. {wants}")["ann"].outcome == "flipped"
    # Bob's lost stance is of the other sign.
    assert rows_of({"ann": NO, "bob": OP}, {"ann": S, "bob": NO}, wants)["ann"].outcome == "invented"
    # An invented neutral belongs to nobody, and a mere change of strength is no harm.
    assert rows_of({"ann": NO, "bob": N}, {"ann": N, "bob": NO}, wants)["ann"].outcome == "invented"
    assert rows_of({"ann": LS, "bob": S}, {"ann": S, "bob": NO}, wants)["ann"].outcome == "intensified"


@pytest.mark.parametrize(
    "summary",
    [
        # Bob's stance is lost, but what is said of Ann has none of his words, or too few: two of seven.
        "Ann Oak spoke.",
        "Ann Oak will bargain with the fishermen of the lagoon.",
        "Ann Oak spoke of the harbour before lunch.",
        # His words stand beside his own name, or in a sentence that is not about Ann.
        "Ann Oak heard Bob Elm, who wants the harbour batteries shelled before dawn.",
        "Ann Oak spoke. The harbour batteries are to be shelled before dawn.",
    ],
)
def test_a_harm_without_the_words_of_another_is_no_misattribution(summary: str) -> None:
    assert rows_of({"ann": OP, "bob": S}, {"ann": S, "bob": NO}, summary)["ann"].outcome == "flipped"


def test_words_that_the_article_has_beside_the_speaker_too_are_not_moved() -> None:
    # The article itself names Ann where it quotes Bob, so a summary that copies the sentence moved nothing.
    text = "Ann Oak heard that the harbour batteries must be shelled before dawn."
    labels = (StanceLabel("ann", "t", OP), StanceLabel("bob", "t", S, evidence=(Evidence(text, 0, len(text)),)))
    [row, _] = outcomes(replace(article(*labels), text=text), text, {("ann", "t"): S})
    assert row.outcome == "flipped"


def test_vague_speakers_and_unlabelled_pairs_have_no_row() -> None:
    assert outcomes(article(StanceLabel("crowd", "t", S)), "observers", {("crowd", "t"): S}) == []
    assert outcomes(article(), "Ann Oak spoke.", {("ann", "t"): S}) == []


@pytest.mark.parametrize("summary", ["", "  ", "…", "Nobody spoke."])
def test_a_summary_that_conveys_nothing_has_coverage_0_and_no_fidelity(summary: str) -> None:
    rows = outcomes(article(StanceLabel("ann", "t", S), StanceLabel("bob", "t", NO)), summary, {("ann", "t"): S})
    values = aggregate(rows)
    assert values["preservation.coverage"].value == 0.0
    assert values["preservation.fidelity"].value is None
    assert values["preservation.harm"].value is None
    assert values["preservation.fidelity"].reason == "the summaries convey no stance"


def test_no_rows_at_all() -> None:
    values = aggregate([])
    assert {v.value for v in values.values()} == {None}
    assert all(v.reason for v in values.values())
    assert counts_by_article([]) == []


# flags -----------------------------------------------------------------------------------------------------------------
def test_condition_dropped() -> None:
    conditional = {"modality": "conditional", "condition": "if attacked"}
    assert one(LS, S, "Ann Oak will strike.", **conditional).flags == ("condition_dropped",)
    kept = one(LS, LS, "Ann Oak will strike if attacked. Bob Elm will not.", **conditional)
    assert (kept.flags, kept.checked) == ((), ("condition_dropped",))
    # The condition stands in a sentence about somebody else, or goes on with a pronoun.
    assert one(LS, LS, "Ann Oak will strike. Bob Elm might if asked.", **conditional).flags == ("condition_dropped",)
    assert one(LS, LS, "Ann Oak spoke. She will strike only if attacked.", **conditional).flags == ()
    # A pronoun that cannot be hers ends the passage.
    for other in (
        "Ann Oak said what she thought. He will strike if attacked.",
        "Ann Oak spoke. It strikes if attacked.",
    ):
        assert one(LS, LS, other, **conditional).flags == ("condition_dropped",)
    # Nothing to check where the stance turned round, or was never conditional.
    assert one(LS, OP, "Ann Oak will strike.", **conditional).checked == ()
    assert one(LS, LS, "Ann Oak will strike.").checked == ()


def test_history_as_current() -> None:
    assert one(S, S, "Ann Oak backs strikes.", modality="historical").flags == ("history_as_current",)
    assert one(S, S, "Ann Oak backed strikes in 1999.", modality="historical").flags == ()
    changed = {"phenomena": ("changed_position",)}
    assert one(S, OP, "Ann Oak rejects strikes.", **changed).flags == ("history_as_current",)
    kept = one(S, S, "Ann Oak backs strikes.", **changed)
    assert (kept.flags, kept.checked) == ((), ("history_as_current",))


def test_threat_as_warning() -> None:
    threat = {"act": "threaten"}
    assert one(OP, OP, "Ann Oak warned of war.", **threat).flags == ("threat_as_warning",)
    assert one(OP, OP, "Ann Oak warned that she would retaliate.", **threat).flags == ()
    assert one(OP, OP, "Ann Oak threatened war.", phenomena=("threat",)).flags == ()
    assert one(OP, OP, "Ann Oak warned of war.", act="warn").checked == ()


def test_flags_are_not_checked_outside_english() -> None:
    label = StanceLabel("ann", "t", S, modality="historical")
    row = outcomes(article(label, language="de"), "Ann Oak will Krieg.", {("ann", "t"): S})[0]
    assert (row.outcome, row.flags, row.checked) == ("kept", (), ())


# properties ------------------------------------------------------------------------------------------------------------
STANCES = st.sampled_from(list(Stance))


@given(STANCES, STANCES, st.booleans())
def test_outcome_is_total_and_symmetric_in_sign(gold: Stance, judged: Stance, is_mentioned: bool) -> None:
    mirror = {S: OP, OP: S, LS: LO, LO: LS, N: N, NO: NO}
    outcome = outcome_of(gold, judged, is_mentioned=is_mentioned)
    assert outcome == outcome_of(mirror[gold], mirror[judged], is_mentioned=is_mentioned)
    assert outcome != Outcome.MISATTRIBUTED
    if outcome in HARM:
        assert is_mentioned
        assert gold != judged


@given(
    st.dictionaries(st.sampled_from(["ann", "bob", "cat"]), STANCES),
    st.dictionaries(st.sampled_from(["ann", "bob", "cat"]), st.none() | STANCES),
    st.sampled_from(["", "Ann Oak spoke.", "Ann Oak and Bob Elm.", "Ann Oak, Bob Elm, Cat Fir."]),
)
def test_item_scores_average_to_the_aggregates(
    gold: dict[str, Stance], judged: dict[str, Stance | None], summary: str
) -> None:
    labels = tuple(StanceLabel(s, "escalation", stance) for s, stance in gold.items())
    labelled = article(*labels)
    rows = outcomes(labelled, summary, {(s, "escalation"): stance for s, stance in judged.items()})
    scores = item_scores(rows)
    for metric, value in aggregate(rows).items():
        items = [s for s in scores if s.metric == metric]
        values = [s.value for s in items if s.value is not None]
        assert all(s.reason for s in items if s.value is None)
        assert value.n_scored == len(values)
        assert value.value == (pytest.approx(sum(values) / len(values)) if values else None)
        assert (value.value is None) == (value.reason is not None)
    for score in balance(rows, labelled):
        assert (score.value is None) == (score.reason is not None)
