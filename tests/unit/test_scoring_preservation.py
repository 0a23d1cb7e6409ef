"""Preservation of a run: balance over articles, length bands of any script, and when a judge counts as validated."""

from __future__ import annotations

import pytest

from harness.config import MetricsConfig
from harness.metrics.preservation import OutcomeRow, outcomes
from harness.metrics.preservation_table import HARM_RATE, HAWK_SHIFT, VOICE_SHIFT
from harness.scoring.material import Material
from harness.scoring.preservation import with_intervals
from harness.scoring.score import score
from harness.types import (
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

S, OP = Stance.SUPPORT, Stance.OPPOSE
SPEAKERS = {name: Speaker(name, name.title(), side=name[0], main=True) for name in ("north", "nord", "south", "sud")}


def article(article_id: str, **gold: Stance) -> Article:
    labels = tuple(StanceLabel(name, "escalation", stance) for name, stance in gold.items())
    return Article(
        id=article_id, title="A", text="x", event="e", source=Source(kind="fictional"),
        targets=(Target("escalation", "e"),), speakers=tuple(SPEAKERS[name] for name in gold),
        gold=Annotation("gold", labels), summaries=(ReferenceSummary("x", "A reference."),),
    )  # fmt: skip


def faithful(source: Article, *told: str) -> list[OutcomeRow]:
    """A summary that conveys what it tells of as gold has it."""
    gold = source.gold_stances()
    judged = {(name, "escalation"): gold[name, "escalation"].stance for name in told}
    return outcomes(source, ", ".join(name.title() for name in told) + ".", judged)


def test_voice_shift_is_of_the_articles_that_convey_something() -> None:
    """In half of the articles the north has two voices of three, and all of them are conveyed; of the others, where it has
    one of three, the summaries say nothing. Nobody's voice was shifted in what is told."""
    told = [article(f"t{i:02d}", north=S, nord=S, south=OP) for i in range(12)]
    silent = [article(f"u{i:02d}", north=S, south=OP, sud=OP) for i in range(12)]
    rows = [row for a in told for row in faithful(a, "north", "nord", "south")]
    rows += [row for a in silent for row in faithful(a)]
    found = with_intervals(rows, {a.id: a for a in [*told, *silent]}, 0, 200)[VOICE_SHIFT]
    # pooled it was 24 of 36 conveyed minus 36 of 72 in gold: a sixth
    assert found.value == pytest.approx(0)
    assert (found.n_scored, found.n_unscored) == (12, 12)
    louder = [row for a in told[:6] for row in faithful(a, "north", "nord")]
    louder += [row for a in told[6:] for row in faithful(a, "north", "nord", "south")]
    found = with_intervals(louder, {a.id: a for a in told}, 0, 200)[VOICE_SHIFT]
    # 1 - 2/3 in six articles of twelve
    assert found.value == pytest.approx(1 / 6)
    assert found.ci_low is not None
    assert found.ci_high is not None
    assert 0 < found.ci_low < 1 / 6 < found.ci_high < 1 / 3


def test_no_harm_has_an_upper_end() -> None:
    articles = [article(f"t{i:02d}", north=S, nord=S, south=OP) for i in range(20)]
    rows = [row for a in articles for row in faithful(a, "north", "nord", "south")]
    harm = with_intervals(rows, {a.id: a for a in articles}, 0, 2_000)[HARM_RATE]
    assert (harm.value, harm.ci_low, harm.n_scored) == (0, 0, 60)
    # the three stances of an article count for 3 / 1.4: about 4 of 43 effective ones (rule of three at 97.5 %, 20 articles)
    assert harm.ci_high is not None
    assert 6 < harm.ci_high < 13


def test_a_balance_that_no_article_has_says_why() -> None:
    silent = article("u", north=S, south=OP)
    found = with_intervals(faithful(silent), {"u": silent}, 0, 200)
    assert (found[VOICE_SHIFT].value, found[VOICE_SHIFT].reason) == (None, "the summaries convey no stance")
    one_sided = article("v", north=S, nord=S)
    found = with_intervals(faithful(one_sided, "north"), {"v": one_sided}, 0, 200)
    for metric in (VOICE_SHIFT, HAWK_SHIFT):
        assert (found[metric].n_unscored, found[metric].reason) == (1, "no article has two sides with a gold stance")


def test_a_chinese_summary_stands_in_the_band_of_its_length() -> None:
    source = article("z", north=S, south=OP)
    text = "政府关闭了桥梁" * 18
    read = [Item(source, *pair, summary=text) for pair in source.pairs()]
    said = Answered(
        [
            Prediction("k", "j", "stance", "z", i.speaker.id, i.target.id, Answer(), "2026-01-01")
            for i in read
            if i.speaker and i.target
        ]
    )
    material = Material([source], MetricsConfig(resamples=100), readings={"summary": read}, judge="j@f", judged=said)
    # 126 characters, each of them a word
    assert list(score(material).tables["preservation"]["by_length"]) == ["91-130"]
