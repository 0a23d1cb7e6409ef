"""Sentence spans are exact, ordered, apart, and leave out nothing but white space."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.text.sentences import sentences

TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(["A b. ", "c", "Mr. ", "\n", "\r\n", "。", "\x85", " ", "é! "]), max_size=20).map("".join),
)


@given(TEXTS, st.sampled_from(["en", "ru", "ar", "zh", "xx"]))
def test_spans(text: str, language: str) -> None:
    end = 0
    for sentence in sentences(text, language):
        assert text[end : sentence.start].strip() == ""
        assert text[sentence.start : sentence.end] == sentence.text == sentence.text.strip() != ""
        end = sentence.end
    assert text[end:].strip() == ""
