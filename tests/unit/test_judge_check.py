"""Planted judges against the hand labels of a frozen set: each gets the verdict that it deserves."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from harness.config import MetricsConfig
from harness.data.frozen_set import FrozenArticle, FrozenSet, FrozenSummary, SummaryLabel, text_hash
from harness.runs.questions import judge_items
from harness.scoring.judge_check import frozen_readings, judge_check
from harness.scoring.material import Material
from harness.scoring.preservation import read_outcomes
from harness.types import (
    STANCES,
    Annotation,
    Answer,
    Answered,
    Article,
    Item,
    Prediction,
    ReferenceSummary,
    Source,
    Speaker,
    Stance,
    StanceLabel,
    Target,
)

NAMES = ("Ada", "Boris", "Chiara", "Dragan", "Elif")
SAYS = {Stance.SUPPORT: "demanded it", Stance.OPPOSE: "fought it", Stance.NO_STANCE: "was there"}
TURNED = {Stance.SUPPORT: Stance.OPPOSE, Stance.OPPOSE: Stance.SUPPORT, Stance.NO_STANCE: Stance.SUPPORT}


def told(stances: dict[str, Stance], place: str) -> str:
    return " ".join(f"{name} {SAYS[stance]} in {place}." for name, stance in stances.items())


def article(number: int) -> tuple[Article, FrozenArticle]:
    """Five speakers; the summary misstates about a third of them, and people label what it says."""
    rng = random.Random(number)
    gold = {name: rng.choice(list(SAYS)) for name in NAMES}
    conveyed = {name: TURNED[stance] if rng.random() < 0.33 else stance for name, stance in gold.items()}
    made = Article(
        id=f"a{number:02d}", title="A", text=told(gold, f"place {number}"), event=f"e{number}",
        source=Source(kind="fictional"), targets=(Target("escalation", "e"),),
        speakers=tuple(Speaker(name.lower(), name, main=True) for name in NAMES),
        gold=Annotation("gold", tuple(StanceLabel(n.lower(), "escalation", s) for n, s in gold.items())),
        summaries=(ReferenceSummary("one", told(gold, f"reference {number}")),),
    )  # fmt: skip
    text = told(conveyed, f"summary {number}")
    labels = [
        SummaryLabel(speaker=name.lower(), target="escalation", stance=stance, labeller="ada")
        for name, stance in conveyed.items()
    ]
    summary = FrozenSummary(hash=text_hash(text), summarisers=["mine"], text=text, labels=labels)
    return made, FrozenArticle(article=made.id, article_hash=text_hash(made.text), summaries=[summary])


def perfect(item: Item) -> Stance:
    """Reads what the text says, and nothing of another article's."""
    assert item.speaker is not None
    number = str(int(item.article.id[1:]))
    sentence = next((s for s in (item.summary or "").split(". ") if s.startswith(item.speaker.name)), "")
    if sentence.rstrip(".").rpartition(" ")[2] != number:
        return Stance.NO_STANCE
    return next(stance for stance, words in SAYS.items() if words in sentence)


def coin(item: Item) -> Stance:
    return random.Random(f"{item.id}{item.summary}").choice(STANCES)


def constant(_: Item) -> Stance:
    return Stance.SUPPORT


def silent(_: Item) -> Stance:
    return Stance.NO_STANCE


def check(judge: Callable[[Item], Stance | None], n: int = 60) -> dict[str, Any]:
    pairs = [article(i) for i in range(n)]
    articles, frozen = [a for a, _ in pairs], FrozenSet({f.article: f for _, f in pairs})
    readings = judge_items(articles, Answered([])) | frozen_readings(frozen, articles)
    items = [item for read in readings.values() for item in read]
    answers = [
        Prediction("k", "j", "stance", i.article.id, i.speaker and i.speaker.id, i.target and i.target.id,
                   Answer(label=judge(i)), "2026-01-01")
        for i in items
    ]  # fmt: skip
    material = Material(articles, MetricsConfig(), readings=readings, judged=Answered(answers))
    found: dict[str, Any] = judge_check(read_outcomes(material), frozen, articles)
    return found


def test_a_perfect_judge_is_validated() -> None:
    found = check(perfect)
    assert found["validated"], found["reason"]
    assert found["n"] == 300
    assert found["sensitivity"]["value"] == found["precision"]["value"] == found["specificity"]["value"] == 1
    assert all(error["value"] == 0 for error in found["errors"].values())
    assert set(found["by_summariser"]) == {"mine"}
    # it finds no stance at all in another article's summary, so there is no harm to compare
    assert found["contrasts"] == {"article": None, "reference": None}


@pytest.mark.parametrize(("judge", "words"), [(coin, "sensitivity"), (constant, "precision of harm")])
def test_a_coin_and_a_constant_are_not(judge: Callable[[Item], Stance], words: str) -> None:
    found = check(judge)
    assert not found["validated"]
    assert words in found["reason"]
    for text in ("articles", "references"):
        assert f"it does not find clearly less harm in {text} than in another article's summary" in found["reason"]


def test_a_judge_that_never_finds_a_stance_misses_every_harm() -> None:
    found = check(silent)
    assert not found["validated"]
    assert found["sensitivity"]["value"] == 0
    assert "precision of harm is unknown" in found["reason"]


def test_a_judge_that_reads_harm_into_the_articles_themselves_is_not_trusted() -> None:
    """Right on every summary, and yet it finds in articles and references what it finds anywhere."""

    def odd(item: Item) -> Stance:
        return perfect(item) if (item.summary or "").partition(" in ")[2].startswith("summary") else coin(item)

    found = check(odd)
    assert found["sensitivity"]["value"] == 1
    assert not found["validated"]
    assert "clearly less harm in articles" in found["reason"]


def test_a_judge_that_answers_half_is_not_trusted() -> None:
    def hasty(item: Item) -> Stance | None:
        return perfect(item) if random.Random(item.id).random() < 0.5 else None

    found = check(hasty)
    assert not found["validated"]
    assert f"it answered {found['n']} of 300 labelled triples" in found["reason"]


def test_without_labels_or_with_few_articles_nobody_is_validated() -> None:
    assert "sensitivity 1.00 has no interval: 6 articles" in check(perfect, n=6)["reason"]
    assert judge_check({}, FrozenSet(), []) == {
        "validated": False, "n": 0, "reason": "judge not validated: no hand labels of these articles' summaries"
    }  # fmt: skip
