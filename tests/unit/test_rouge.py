"""What ROUGE, the tokenizers and the sentence splitter do with awkward input."""

from __future__ import annotations

import pytest

from harness.errors import MetricRefused
from harness.metrics.rouge import rouge, rouge_pair
from harness.text.scripts import google_tokens, require_google_scripts, script_of, unicode_tokens
from harness.text.sentences import sentences, split_tokenised, with_sentence_newlines


@pytest.mark.parametrize(
    ("prediction", "reference"), [("", "a b"), ("a b", ""), ("", ""), ("…!", "a b"), ("\n\n", "a")]
)
def test_nothing_in_common_with_an_empty_text(prediction: str, reference: str) -> None:
    assert {tuple(s) for s in rouge_pair(prediction, reference).values()} == {(0.0, 0.0, 0.0)}


def test_no_reference_is_refused() -> None:
    with pytest.raises(MetricRefused, match="at least one reference"):
        rouge("a", [])


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Путин предупредил НАТО", "Cyrillic"),
        ("حذر الرئيس الروسي", "Arabic"),
        ("北京警告", "Han"),
        ("푸틴 대통령", "Hangul"),
        ("Người Việt được cảnh báo", "Latin letters with diacritics"),
    ],
)
def test_a_script_that_google_drops_is_refused_by_name(text: str, script: str) -> None:
    with pytest.raises(MetricRefused, match=rf"rouge refuses.*{script}") as refused:
        rouge("President warns", ["President warns", text])
    assert "unicode" in (refused.value.hint or "")
    # A prediction is never refused: what is dropped of it matches nothing.
    assert rouge(text, ["President warns"])["rouge1"].fmeasure == 0.0
    assert rouge(text, [text], tokenizer="unicode")["rouge1"].fmeasure == 1.0


def test_a_foreign_name_in_an_english_text_passes() -> None:
    require_google_scripts(
        "rouge", ["Vladimir Putin (Путин) warned NATO members on Thursday that Müller was wrong about it."]
    )


def test_unknown_variant() -> None:
    with pytest.raises(ValueError, match="rouge0"):
        rouge_pair("a", "a", ["rouge0"])


def test_tokens() -> None:
    assert google_tokens("Don't naïve-ly 3.5%") == ["don", "t", "na", "ve", "ly", "3", "5"]
    assert unicode_tokens("Naïve  STRASSE straße नमस्ते 東京2024") == [
        "naïve",
        "strasse",
        "strasse",
        "नमस्ते",
        "東",
        "京",
        "2024",
    ]
    # A decomposed é, a soft hyphen and a tatweel make no difference.
    assert unicode_tokens("cafe\u0301 co\u00adop مـحمد") == unicode_tokens("café coop محمد")


def test_script_counts() -> None:
    assert [script_of(c) for c in "AbЖж北"] == ["Latin", "Latin", "Cyrillic", "Cyrillic", "Han"]


def test_sentences_are_exact_spans() -> None:
    text = 'Heading here\n\nMr. Smith of the U.S. left. 😀 "No." Then he\nwent on!\r\nÉté.'
    found = sentences(text)
    assert [s.text for s in found] == [
        "Heading here",
        "Mr. Smith of the U.S. left.",
        '😀 "No."',
        "Then he\nwent on!",
        "Été.",
    ]
    assert all(text[s.start : s.end] == s.text for s in found)
    assert sentences("") == sentences(" \n\t\n") == []


def test_sentences_of_other_languages() -> None:
    assert [s.text for s in sentences("你好。世界。", "zh")] == ["你好。", "世界。"]
    assert [s.text for s in sentences("غادر الرئيس. هل عاد؟ نعم", "ar")] == ["غادر الرئيس.", "هل عاد؟", "نعم"]
    assert len(sentences("One. Two.", "no-such-language")) == 2


def test_sentence_newlines() -> None:
    assert with_sentence_newlines("One  two. Three\nfour.") == "One two.\nThree four."


def test_tokenised_text_is_cut_at_every_stop() -> None:
    assert split_tokenised("Wales ' crunch . They won ? ' yes . \n") == "Wales ' crunch .\nThey won ?\n' yes ."
    assert split_tokenised("") == ""
