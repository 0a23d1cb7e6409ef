"""ROUGE equals google's rouge-score 0.1.2 to 1e-12, and the stemmer equals nltk's, on texts made to be awkward."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.rouge import VARIANTS, rouge_pair
from harness.text.porter import _STEP_2, _STEP_3, _STEP_4, stem

# Few words, so that they repeat within and across sentences: the tie-breaking of Lsum shows only then.
WORDS = st.sampled_from(["a", "b", "c", "cats", "cat", "running", "run", "skies", "agreed", "2024", "news", "é", "Ω"])
FEW_WORDS = st.sampled_from(["a", "b", "c"])
GAPS = st.sampled_from([" ", "\n", ", ", "\n\n", " - ", ".\n"])


def texts(words: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.tuples(words, GAPS), max_size=40).map(lambda parts: "".join(w + g for w, g in parts))


def assert_equal_to_google(prediction: str, reference: str, stemmer: bool) -> None:
    from rouge_score.rouge_scorer import RougeScorer

    variants = [*VARIANTS, "rouge3", "rouge9"]
    theirs = RougeScorer(variants, use_stemmer=stemmer).score(reference, prediction)
    ours = rouge_pair(prediction, reference, variants, stemmer=stemmer)
    for variant in variants:
        assert tuple(ours[variant]) == pytest.approx(tuple(theirs[variant]), abs=1e-12), variant


@settings(max_examples=300, deadline=None)
@given(texts(FEW_WORDS), texts(FEW_WORDS))
def test_tie_breaking_is_theirs(prediction: str, reference: str) -> None:
    assert_equal_to_google(prediction, reference, stemmer=False)


@settings(max_examples=200, deadline=None)
@given(texts(WORDS), texts(WORDS), st.booleans())
def test_equal_on_words(prediction: str, reference: str, stemmer: bool) -> None:
    assert_equal_to_google(prediction, reference, stemmer)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80), st.booleans())
def test_equal_on_any_text(prediction: str, reference: str, stemmer: bool) -> None:
    assert_equal_to_google(prediction, reference, stemmer)


SUFFIXES = [*_STEP_2, *_STEP_3, *_STEP_4, "ed", "ing", "eed", "ied", "ies", "sses", "s", "y", "ll", "logi"]


@settings(max_examples=2000, deadline=None)
@given(st.text("aeiouybcdlstwxz1", max_size=6), st.sampled_from(SUFFIXES), st.sampled_from(SUFFIXES))
def test_stem_equals_nltk(start: str, middle: str, end: str) -> None:
    from nltk.stem.porter import PorterStemmer

    word = start + middle + end
    assert stem(word) == PorterStemmer().stem(word)


@given(st.lists(FEW_WORDS, max_size=70), st.lists(FEW_WORDS, max_size=70))
def test_rouge_l_against_the_table(a: list[str], b: list[str]) -> None:
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
    expected = (table[-1][-1] / len(a), table[-1][-1] / len(b)) if a and b else (0, 0)
    assert rouge_pair(" ".join(a), "\n".join(b), ["rougeL"])["rougeL"][:2] == pytest.approx(expected)
