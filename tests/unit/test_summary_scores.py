"""Every score of a summary: complete, in range, and with a reason wherever there is no value."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.bertscore import BertScore
from harness.metrics.entry import Metric
from harness.metrics.nli_consistency import summac_zs
from harness.metrics.summary import EMPTY, NO_REFERENCES, Judged, SummaryOptions, score_summary, summary_metrics
from harness.types import Article, ItemScore, ReferenceSummary, Source

TEXT = "Vladimir Putin warned NATO on Friday. Germany sent 12 tanks. The White House said nothing at all."


def article(*references: str, text: str = TEXT, language: str = "en") -> Article:
    return Article(
        id="a", title="A title", text=text, event="e", source=Source(kind="fictional"), targets=(), speakers=(),
        language=language, summaries=tuple(ReferenceSummary("x", r) for r in references),
    )  # fmt: skip


def by_key(scores: list[ItemScore]) -> dict[str, ItemScore]:
    assert len({s.metric for s in scores}) == len(scores)
    return {s.metric: s for s in scores}


EVERYTHING = SummaryOptions(tokenizer="unicode", bertscore="tiny encoder", nli="tiny model")


def judged(summary: str, source: Article) -> Judged:
    consistency = summac_zs(summary, source.text, lambda pairs: [0.5] * len(pairs), source.language)
    return Judged(BertScore(1.0, 1.0, 1.0, n_cut=2), consistency)


def scores(summary: str, source: Article) -> list[ItemScore]:
    return score_summary(summary, source, EVERYTHING, judged(summary, source))


def test_a_usual_summary() -> None:
    found = by_key(scores("Putin warned NATO on Friday. Germany sent 15 tanks.", article("Putin warned NATO.")))
    assert found["summary.rouge1"].value == pytest.approx(2 * 3 / 12)  # 3 shared words of 9 and 3
    assert found["summary.words"].value == 9
    assert found["summary.unsupported_numbers"].value == 1.0
    assert found["summary.unsupported_names"].value == 0.0
    assert found["summary.nli_consistency"].value == 0.5
    assert found["summary.bertscore"].value == pytest.approx(1.0)
    assert found["summary.bertscore_cut"].value == 2
    assert found["summary.compression"].value == pytest.approx(17 / 9)
    assert all(s.reason is None for s in found.values())


def test_empty_summary() -> None:
    for text in ("", " \n"):
        found = by_key(scores(text, article("Putin warned NATO.")))
        zero = {k for k, s in found.items() if s.value == 0}
        assert zero == {
            "summary.rouge1", "summary.rouge2", "summary.rouge_l", "summary.rouge_lsum", "summary.chrf",
            "summary.bertscore", "summary.bertscore_cut", "summary.words",
        }  # fmt: skip
        assert {s.reason for s in found.values()} == {EMPTY}
        assert {k for k, s in found.items() if s.value is not None} == zero


def test_without_references() -> None:
    for references in ((), ("  ",)):
        found = by_key(scores("Putin warned NATO.", article(*references)))
        unscored = {k for k, s in found.items() if s.reason == NO_REFERENCES}
        assert unscored == {k for k in found if "rouge" in k or "chrf" in k or "bertscore" in k}
        assert found["summary.coverage"].value == 1.0


def test_a_judge_without_an_answer_is_a_reason_and_no_value() -> None:
    found = by_key(score_summary("Putin warned NATO.", article("Putin warned NATO."), EVERYTHING))
    for key in ("summary.bertscore", "summary.bertscore_cut", "summary.nli_consistency"):
        assert found[key].value is None
        assert "was not asked" in (found[key].reason or "")
    failed = Judged("no answer: out of memory", "no answer: a sentence is too long")
    found = by_key(score_summary("Putin warned NATO.", article("Putin warned NATO."), EVERYTHING, failed))
    assert found["summary.bertscore"].reason == "no answer: out of memory"
    assert found["summary.nli_consistency"].reason == "no answer: a sentence is too long"


def test_a_script_that_rouge_drops_is_refused_by_name() -> None:
    russian = article("Путин предупредил НАТО.", text="Путин предупредил НАТО в пятницу.", language="ru")
    found = by_key(score_summary("Путин предупредил НАТО.", russian))
    assert found["summary.rouge1"].value is None
    assert "rouge refuses" in (found["summary.rouge1"].reason or "")
    assert "Cyrillic" in (found["summary.rouge1"].reason or "")
    assert found["summary.chrf"].value == pytest.approx(100)
    assert found["summary.coverage"].value == 1.0
    found = by_key(score_summary("Путин предупредил НАТО.", russian, SummaryOptions(tokenizer="unicode")))
    assert found["summary.rouge1"].value == 1.0


def test_a_summary_in_another_script_than_its_references_scores_about_0_and_says_why() -> None:
    found = by_key(score_summary("Путин предупредил NATO.", article("Putin warned NATO.")))
    # nato is what is left: 1 of 1 word, of 3 in the reference: F = 2·1·(1/3)/(4/3) = 0.5; nothing of it is a bigram.
    assert found["summary.rouge1"].value == pytest.approx(0.5)
    assert found["summary.rouge2"].value == 0.0
    for key in ("summary.rouge1", "summary.rouge2", "summary.rouge_l", "summary.rouge_lsum"):
        assert "drops this summary's Cyrillic letters (16 of 20 letters)" in (found[key].reason or "")
    assert found["summary.chrf"].reason is None
    kept = by_key(score_summary("Путин предупредил NATO.", article("Putin warned NATO."), SummaryOptions("unicode")))
    assert kept["summary.rouge1"].value == pytest.approx(2 * 1 / (3 + 3))
    assert kept["summary.rouge1"].reason is None


def test_an_english_stemmer_refuses_other_languages() -> None:
    german = article("Putin warnt die NATO.", text="Putin warnt die NATO am Freitag.", language="de")
    assert "'de'" in (by_key(score_summary("Putin warnt.", german))["summary.rouge1"].reason or "")
    found = by_key(score_summary("Putin warnt.", german, SummaryOptions(stemmer=False)))
    assert found["summary.rouge1"].value is not None


def test_infos_are_complete_and_signatures_follow_options() -> None:
    infos = summary_metrics(EVERYTHING)
    assert list(infos) == [s.metric for s in scores("x", article("y"))]
    assert summary_metrics()["summary.rouge1"].signature != infos["summary.rouge1"].signature
    assert "a to z" in summary_metrics()["summary.rouge1"].scripts
    with pytest.raises(ValueError, match="lacks source"):
        Metric(key="summary.m", label="m", higher_is_better=True, range=(0, 1), source="")
    assert not infos["summary.rouge1"].in_range(math.nan)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80), st.text(max_size=60), st.text(max_size=60), st.sampled_from(["en", "ru", "zh"]))
def test_any_text_gives_values_in_range_or_reasons(summary: str, text: str, reference: str, language: str) -> None:
    infos = summary_metrics(EVERYTHING)
    for score in scores(summary, article(reference, text=text, language=language)):
        if score.value is None:
            assert score.reason
        else:
            assert infos[score.metric].in_range(score.value), score
