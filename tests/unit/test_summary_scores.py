"""Every score of a summary: complete, in range, and with a reason wherever there is no value."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.bertscore import Encoded, Encoder
from harness.metrics.info import MetricInfo
from harness.metrics.summary import EMPTY, NO_REFERENCES, SummaryOptions, metric_infos, score_summary
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


def encode(texts: list[str]) -> list[Encoded]:
    return [Encoded(tuple(t.split()), np.ones((len(t.split()), 3)), n_cut=1) for t in texts]


EVERYTHING = SummaryOptions(
    tokenizer="unicode", encoder=Encoder(encode, "tiny", "0" * 64, 1), nli=lambda pairs: [0.5] * len(pairs),  # type: ignore[arg-type]
    nli_model="tiny", nli_hash="1" * 64,
)  # fmt: skip


def test_a_usual_summary() -> None:
    found = by_key(
        score_summary("Putin warned NATO on Friday. Germany sent 15 tanks.", article("Putin warned NATO."), EVERYTHING)
    )
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
        found = by_key(score_summary(text, article("Putin warned NATO."), EVERYTHING))
        zero = {k for k, s in found.items() if s.value == 0}
        assert zero == {
            "summary.rouge1", "summary.rouge2", "summary.rouge_l", "summary.rouge_lsum", "summary.chrf",
            "summary.bertscore", "summary.words",
        }  # fmt: skip
        assert {s.reason for k, s in found.items() if k != "summary.bertscore_cut"} == {EMPTY}
        assert {k for k, s in found.items() if s.value is not None} == zero | {"summary.bertscore_cut"}


def test_without_references() -> None:
    for references in ((), ("  ",)):
        found = by_key(score_summary("Putin warned NATO.", article(*references), EVERYTHING))
        unscored = {k for k, s in found.items() if s.reason == NO_REFERENCES}
        assert unscored == {k for k in found if "rouge" in k or "chrf" in k or "bertscore" in k}
        assert found["summary.coverage"].value == 1.0


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


def test_an_english_stemmer_refuses_other_languages() -> None:
    german = article("Putin warnt die NATO.", text="Putin warnt die NATO am Freitag.", language="de")
    assert "'de'" in (by_key(score_summary("Putin warnt.", german))["summary.rouge1"].reason or "")
    found = by_key(score_summary("Putin warnt.", german, SummaryOptions(stemmer=False)))
    assert found["summary.rouge1"].value is not None


def test_infos_are_complete_and_signatures_follow_options() -> None:
    infos = metric_infos(EVERYTHING)
    assert list(infos) == [s.metric for s in score_summary("x", article("y"), EVERYTHING)]
    assert metric_infos()["summary.rouge1"].signature != infos["summary.rouge1"].signature
    assert "a to z" in metric_infos()["summary.rouge1"].scripts
    with pytest.raises(ValueError, match="lacks source"):
        MetricInfo("m", "m", True, (0, 1), "all", "", "s")
    assert not infos["summary.rouge1"].in_range(math.nan)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80), st.text(max_size=60), st.text(max_size=60), st.sampled_from(["en", "ru", "zh"]))
def test_any_text_gives_values_in_range_or_reasons(summary: str, text: str, reference: str, language: str) -> None:
    infos = metric_infos(EVERYTHING)
    for score in score_summary(summary, article(reference, text=text, language=language), EVERYTHING):
        if score.value is None:
            assert score.reason
        else:
            assert infos[score.metric].in_range(score.value), score
