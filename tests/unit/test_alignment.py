"""What copying alone tells of a stance: kept with its evidence and speaker, dropped without both, else nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.config import MetricsConfig
from harness.data.load import load_dataset
from harness.metrics.alignment import aligned_outcome, is_extractive
from harness.metrics.preservation import Outcome
from harness.scoring.alignment import score_alignment
from harness.scoring.material import Material, Scored
from harness.types import Answer, Answered, Article, Prediction, Stance
from tests.conftest import write_dataset

FIRST = "Minister Ada Brandt demanded that the gates be shut."
SECOND = "General Olm warned that shutting them would bring war in month 0."


@pytest.fixture
def article(tmp_path: Path) -> Article:
    return load_dataset(write_dataset(tmp_path / "river", 1)).articles[0]


def test_copied_sentences_are_known_by_their_words(article: Article) -> None:
    assert is_extractive(FIRST, article)
    assert is_extractive(f"{SECOND}\n{FIRST}", article)
    assert not is_extractive("Minister Ada Brandt asked that the gates be shut.", article)
    assert not is_extractive("", article)


@pytest.mark.parametrize(
    ("summary", "brandt", "olm"),
    [
        (FIRST, Outcome.KEPT, Outcome.DROPPED_SPEAKER),
        (f"{FIRST} {SECOND}", Outcome.KEPT, Outcome.KEPT),
        # named without the evidence: a judge has to say
        ("Ada Brandt and Olm met.", None, None),
        # the evidence without its speaker: that stance may have become somebody else's
        ("demanded that the gates be shut", None, Outcome.DROPPED_SPEAKER),
    ],
)
def test_evidence_and_speaker_tell_together(
    article: Article, summary: str, brandt: Outcome | None, olm: Outcome | None
) -> None:
    gold = article.gold_stances()
    assert aligned_outcome(gold["brandt", "gates"], summary, article) == brandt
    assert aligned_outcome(gold["olm", "gates"], summary, article) == olm
    silent = replace(gold["olm", "gates"], stance=Stance.NO_STANCE)
    assert aligned_outcome(silent, summary, article) is None


def scored(article: Article, summary: str) -> dict[str, object]:
    prediction = Prediction("k", "s", "summary", article.id, None, None, Answer(output=summary), "2026-01-01")
    found = Scored()
    score_alignment(Material([article], MetricsConfig(), summaries=Answered([prediction])), found)
    return found.tables


def test_it_is_counted_for_extractive_summarisers_alone(article: Article) -> None:
    assert scored(article, FIRST) == {"alignment": {"kept": 2, "dropped": 2, "of": 4, "labelled": 0, "right": 0}}
    assert scored(article, "Brandt wants the gates shut.") == {}
