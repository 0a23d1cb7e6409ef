"""Speaker finders: matching by alias, F1s, evidence, errors by stage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.metrics.speakers import (
    FoundSpeaker,
    FoundSpeakers,
    aggregate_speakers,
    match_article,
    match_speaker,
    normalise,
    score_speakers,
    stages,
)
from harness.types import Annotation, Article, Evidence, Source, Speaker, Stance, StanceLabel, Target

OP, LO, N, LS, S, NO = Stance

MEDVEDEV = Speaker("medvedev", "Dmitry Medvedev", ("former president",))
ZELENSKYY = Speaker("zelenskyy", "Volodymyr Zelenskyy", ("Zelensky",))
BERLIN = Speaker("germany", "German government", ("Berlin", "Germany"), kind="institution")
MOSCOW = Speaker("moscow", "Russian government", kind="institution")
AMERICA = Speaker("america", "State Department", ("US", "US government"), kind="institution")
OSTBY = Speaker("ostby", "Åse Østby")
VAGUE = Speaker("observers", "observers", kind="vague")
JOE, HUNTER = Speaker("joe", "Joe Biden"), Speaker("hunter", "Hunter Biden")
CYRILLIC = Speaker("orlova", "Ганна Орлова")
SPEAKERS = (MEDVEDEV, ZELENSKYY, BERLIN, VAGUE)


@pytest.mark.parametrize(
    ("name", "speaker"),
    [
        ("Dmitry Medvedev", MEDVEDEV),
        ("dmitry medvedev’s", MEDVEDEV),
        ("Medvedev", MEDVEDEV),
        ("Mr Medvedev", MEDVEDEV),
        ("D. Medvedev", MEDVEDEV),
        ("President Volodymyr Zelenskyy", ZELENSKYY),
        ("Zelensky", ZELENSKYY),
        ("Berlin", BERLIN),
        ("the German government", BERLIN),
        ("observers", VAGUE),
        ("Anna Medvedev", None),
        ("Kremlin", MOSCOW),
        ("the Kremlin", MOSCOW),
        ("Moscow's", MOSCOW),
        ("U.S.", AMERICA),
        ("the U.S. government", AMERICA),
        ("Kremlin critics", None),
        ("Ostby", OSTBY),
        ("Downing Street", None),
        ("government", None),
        ("president", None),
        ("", None),
    ],
)
def test_matching(name: str, speaker: Speaker | None) -> None:
    assert match_speaker(name, (*SPEAKERS, MOSCOW, AMERICA, OSTBY)) is speaker


def test_a_metonym_of_two_is_nobodys() -> None:
    soviet = Speaker("soviet", "Soviet government", kind="institution")
    assert match_speaker("Kremlin", (MOSCOW, soviet)) is None


def test_a_shared_surname_is_nobody_unless_the_given_name_tells() -> None:
    assert match_speaker("Biden", (JOE, HUNTER)) is None
    assert match_speaker("President Biden", (JOE, HUNTER)) is None
    assert match_speaker("Hunter Biden", (JOE, HUNTER)) is HUNTER
    assert match_speaker("President Biden", (JOE,)) is JOE


def test_other_scripts_match() -> None:
    assert normalise("Ганна Орлова") == ("ганна", "орлова")
    assert match_speaker("Орлова", (CYRILLIC, JOE)) is CYRILLIC
    assert match_speaker("ОРЛОВА", (CYRILLIC,)) is CYRILLIC
    assert match_speaker("محمود عباس", (Speaker("abbas", "محمود عباس"),)) is not None
    assert match_speaker("Erdogan", (Speaker("e", "Recep Tayyip Erdoğan"),)) is not None


def article(identifier: str = "x") -> Article:
    text = "Medvedev threatens. Zelenskyy wants missiles. Berlin agrees."
    return Article(
        id=identifier,
        title="t",
        text=text,
        event="e",
        source=Source("fictional"),
        targets=(Target("strikes", "strikes"), Target("tanks", "tanks")),
        speakers=SPEAKERS,
        gold=Annotation(
            "judge",
            (
                StanceLabel("medvedev", "strikes", OP, evidence=(Evidence(text[0:18], 0, 18),)),
                StanceLabel("medvedev", "tanks", NO),
                StanceLabel("zelenskyy", "strikes", S, evidence=(Evidence(text[20:44], 20, 44),)),
                StanceLabel("zelenskyy", "tanks", S),
                StanceLabel("germany", "strikes", LS),
                StanceLabel("observers", "strikes", OP),
            ),
        ),
    )


ANSWER = FoundSpeakers(
    article(),
    (
        FoundSpeaker("Medvedev", {"strikes": LO, "tanks": S}, {"strikes": ((0, 18),)}),
        FoundSpeaker("Dmitry Medvedev", {"strikes": S}),
        FoundSpeaker("Zelensky", {"strikes": S, "tanks": NO}, {"strikes": ((20, 32),)}),
        FoundSpeaker("observers", {"strikes": OP}),
        FoundSpeaker("Olaf Scholz", {"strikes": S, "tanks": S}),
    ),
)


def test_matched_article() -> None:
    matched = match_article(ANSWER)
    assert set(matched.speakers) == {"medvedev", "zelenskyy"}
    assert [f.name for f in matched.invented] == ["Olaf Scholz"]
    assert (matched.n_duplicates, matched.n_vague) == (1, 1)
    # The first name that says something counts.
    assert matched.stances["medvedev", "strikes"][0] is LO


def test_every_gold_stance_ends_at_one_stage() -> None:
    counts = stages(match_article(ANSWER))
    # medvedev/strikes lean_oppose for oppose; zelenskyy/strikes right; zelenskyy/tanks not said; germany not found.
    assert counts == {
        "degree_wrong": 1,
        "correct": 1,
        "stance_missed": 1,
        "speaker_missed": 1,
        "stance_invented": 1,
        "speaker_invented": 2,
    }
    flipped = FoundSpeakers(article(), (FoundSpeaker("Berlin", {"strikes": OP}),))
    assert stages(match_article(flipped))["sign_wrong"] == 1


def test_pooled_f1() -> None:
    report = aggregate_speakers([ANSWER])
    # Speakers: 2 hits, 3 found (Scholz), 3 declared. Stances: 1 exact, 2 with the right side; 5 said
    # (medvedev 2, zelenskyy 1, Scholz 2), 4 in gold.
    assert report.metrics["speakers.f1"].value == pytest.approx(2 * 2 / (3 + 3))
    assert report.metrics["speakers.stance_f1.six_label"].value == pytest.approx(2 * 1 / (5 + 4))
    assert report.metrics["speakers.stance_f1.three_way"].value == pytest.approx(2 * 2 / (5 + 4))
    # Evidence: medvedev exactly; zelenskyy 12 of 24 characters, 2·12/(12+24) = 2/3.
    assert report.metrics["speakers.evidence_f1"].value == pytest.approx((1 + 2 / 3) / 2)
    assert report.metrics["speakers.evidence_exact"].value == pytest.approx(0.5)
    assert report.metrics["speakers.evidence_f1"].n_scored == 2
    assert report.tables["speakers.unmatched"] == {"Olaf Scholz": 1}


def test_failed_and_empty_answers() -> None:
    report = aggregate_speakers([ANSWER, FoundSpeakers(article("y"), error="timeout")])
    assert (report.metrics["speakers.f1"].n_scored, report.metrics["speakers.f1"].n_unscored) == (1, 1)
    assert report.tables["speakers.unscored"] == {"timeout": 1}
    nobody = aggregate_speakers([FoundSpeakers(article())])
    assert nobody.metrics["speakers.f1"].value == 0.0
    assert nobody.metrics["speakers.evidence_f1"].value is None
    assert nobody.metrics["speakers.evidence_f1"].reason == "no item to score"
    assert aggregate_speakers([]).metrics["speakers.f1"].reason == "no item to score"


def answered(*found: FoundSpeaker, identifier: str = "x") -> FoundSpeakers:
    return FoundSpeakers(article(identifier), found)


def test_failed_stance_answers_are_unscored_and_unparsed_ones_wrong() -> None:
    # Gold of Medvedev: strikes (its answer failed, so that it is unscored) and no_stance on tanks (failed too); of Zelenskyy
    # strikes (right) and tanks (unparsed); of Germany strikes (not found): 1 hit, 1 said, 3 in gold.
    report = aggregate_speakers(
        [
            answered(
                FoundSpeaker("Medvedev", failed={"strikes": "timeout", "tanks": "timeout"}),
                FoundSpeaker("Zelensky", {"strikes": S}, unparsed=frozenset({"tanks"})),
            )
        ]
    )
    f1 = report.metrics["speakers.stance_f1.six_label"]
    assert f1.value == pytest.approx(2 * 1 / (1 + 3))
    assert (f1.n_scored, f1.n_unscored) == (3, 2)
    assert "2 of 4 stance answers failed: timeout" in (f1.reason or "")
    found = {stage: n for stage, n in report.tables["speakers.stages"].items() if n}
    assert found == {"speaker_missed": 1, "stance_unparsed": 1, "correct": 1}
    assert report.tables["speakers.unscored_stances"] == {"timeout": 2}


def test_a_repeated_name_makes_up_for_a_failed_answer() -> None:
    twice = answered(FoundSpeaker("Zelensky", failed={"strikes": "timeout"}), FoundSpeaker("Zelenskyy", {"strikes": S}))
    assert stages(match_article(twice))["correct"] == 1
    unsure = answered(
        FoundSpeaker("Zelensky", failed={"strikes": "timeout"}), FoundSpeaker("Zelenskyy", {"strikes": NO})
    )
    assert stages(match_article(unsure))["stance_missed"] == 1
    assert match_article(unsure).failed == {("zelenskyy", "strikes")}


def test_where_every_answer_failed_there_is_no_stance_f1() -> None:
    down = answered(FoundSpeaker("Medvedev", failed={"strikes": "timeout", "tanks": "timeout"}))
    report = aggregate_speakers([down])
    for scale in ("six_label", "three_way"):
        value = report.metrics[f"speakers.stance_f1.{scale}"]
        # Two failed answers, and the three gold stances that were not asked about.
        assert (value.value, value.n_scored, value.n_unscored) == (None, 0, 5)
        assert "2 of 2 stance answers failed: timeout" in (value.reason or "")
    assert report.metrics["speakers.f1"].value == pytest.approx(2 * 1 / (1 + 3))
    scores = {s.metric: s for s in score_speakers([down])}
    assert scores["speakers.f1"].reason is None
    assert scores["speakers.stance_f1.three_way"].value is None
    assert "2 of 2" in (scores["speakers.stance_f1.three_way"].reason or "")
    assert stages(match_article(down)) == {"speaker_missed": 3, "stance_invented": 0, "speaker_invented": 0}
    # Beside an article that was answered, only its own stances are scored.
    both = aggregate_speakers([down, FoundSpeakers(article("y"), ANSWER.speakers)])
    assert both.metrics["speakers.stance_f1.six_label"].value == pytest.approx(2 * 1 / (5 + 4))


def test_stances_that_nobody_was_asked_about_are_unscored() -> None:
    report = aggregate_speakers([FoundSpeakers(article(), (FoundSpeaker("Berlin"),), no_stances="nobody was asked")])
    value = report.metrics["speakers.stance_f1.three_way"]
    assert (value.value, value.n_unscored) == (None, 4)
    assert "nobody was asked" in (value.reason or "")


def test_pairs_that_nobody_labelled_are_no_inventions() -> None:
    # Only Medvedev is labelled; on Zelenskyy, Germany and the speaker whom nobody declared there is nothing to go by.
    whole = article()
    assert whole.gold is not None
    labels = tuple(label for label in whole.gold.stances if label.speaker == "medvedev")
    partial = replace(whole, gold=Annotation("judge", labels), complete=False)
    said = (
        FoundSpeaker("Medvedev", {"strikes": OP, "tanks": S}),
        FoundSpeaker("Zelensky", {"strikes": S, "tanks": NO}),
        FoundSpeaker("Olaf Scholz", {"strikes": S, "tanks": S}),
    )
    report = aggregate_speakers([FoundSpeakers(partial, said)])
    # 1 hit; 2 said of labelled pairs (tanks is invented: gold has no_stance), 1 in gold.
    assert report.metrics["speakers.stance_f1.six_label"].value == pytest.approx(2 * 1 / (2 + 1))
    assert report.tables["speakers.unlabelled"] == 3
    found = {stage: n for stage, n in report.tables["speakers.stages"].items() if n}
    assert found == {"correct": 1, "stance_invented": 1, "speaker_invented": 1}
    complete = aggregate_speakers([FoundSpeakers(replace(partial, complete=True), said)])
    assert complete.tables["speakers.stages"]["stance_invented"] == 2
    assert complete.tables["speakers.unlabelled"] == 0


def test_item_scores_by_article() -> None:
    scores = {s.metric: s for s in score_speakers([ANSWER])}
    assert scores["speakers.f1"].value == pytest.approx(2 / 3)
    [failed] = [s for s in score_speakers([FoundSpeakers(article(), error="timeout")]) if s.metric == "speakers.f1"]
    assert (failed.value, failed.reason) == (None, "no answer: timeout")
    empty = Article("z", "t", "x", "e", Source("fictional"), (), ())
    [nothing] = [s for s in score_speakers([FoundSpeakers(empty)]) if s.metric == "speakers.f1"]
    assert (nothing.value, nothing.reason) == (None, "nothing to find, nothing found")


def test_intervals_by_article() -> None:
    good = [FoundSpeakers(article(f"a{i}"), (FoundSpeaker("Berlin", {"strikes": LS}),)) for i in range(6)]
    found = aggregate_speakers(
        [*good, *[FoundSpeakers(article(f"b{i}"), ANSWER.speakers) for i in range(6)]], resamples=500
    )
    f1 = found.metrics["speakers.f1"]
    assert f1.ci_low is not None
    assert f1.value is not None
    assert f1.ci_low < f1.value
