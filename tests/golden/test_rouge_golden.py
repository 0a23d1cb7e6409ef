"""ROUGE worked by hand on short texts."""

from __future__ import annotations

import pytest

from harness.metrics.rouge import RougeScore, rouge, rouge_pair, signature


def test_rouge_1_2_and_l() -> None:
    # the cat sat on the mat | the cat lay on a mat: unigrams the cat on mat = 4 of 6 each (the second "the" is unmatched);
    # bigrams of both: "the cat" only = 1 of 5; longest common subsequence the cat on mat = 4 of 6.
    scores = rouge_pair("the cat sat on the mat", "the cat lay on a mat", stemmer=False)
    assert scores["rouge1"] == pytest.approx((4 / 6, 4 / 6, 4 / 6))
    assert scores["rouge2"] == pytest.approx((1 / 5, 1 / 5, 1 / 5))
    assert scores["rougeL"] == pytest.approx((4 / 6, 4 / 6, 4 / 6))


def test_lsum_is_lins_union_example() -> None:
    # Lin 2004, section 3.2: reference w1 w2 w3 w4 w5, candidate sentences w1 w2 w6 w7 w8 and w1 w3 w8 w9 w5. Their longest
    # common subsequences are w1 w2 and w1 w3 w5, the union is w1 w2 w3 w5: recall 4/5, precision 4/10, F = 2·0.4·0.8/1.2.
    scores = rouge_pair("w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", "w1 w2 w3 w4 w5", ["rougeLsum"])
    assert scores["rougeLsum"] == pytest.approx((4 / 10, 4 / 5, 2 * 0.4 * 0.8 / 1.2))


def test_lsum_without_newlines_is_l() -> None:
    scores = rouge_pair("a b c. d e f.", "d e f. a b c.")
    assert scores["rougeLsum"] == scores["rougeL"] == pytest.approx((0.5, 0.5, 0.5))
    # Sentence by sentence the order does not matter.
    assert rouge_pair("a b c.\nd e f.", "d e f.\na b c.")["rougeLsum"] == pytest.approx((1, 1, 1))


def test_lsum_takes_the_subsequence_that_rouge_score_takes() -> None:
    # Reference "a b", candidate sentences "b a" and "b". From the last cell of (a b, b a): b ≠ a, left is t[2][1] = 1, above
    # is t[1][2] = 1, not greater, so up; then a = a: the subsequence is "a". With "b" the other. Union a b: 2 of 2.
    assert rouge_pair("b a\nb", "a b", ["rougeLsum"], stemmer=False)["rougeLsum"].recall == 1.0
    # Had the walk gone left it would have found "b" twice and the union would be 1 of 2; with the sentence "a" it is so.
    assert rouge_pair("b a\na", "a b", ["rougeLsum"], stemmer=False)["rougeLsum"].recall == 0.5


def test_mean_and_max_over_references() -> None:
    # Against "a b" R1 is 1; against "a c" it is 1/2; the mean 3/4, the max 1.
    assert rouge("a b", ["a b", "a c"], ["rouge1"])["rouge1"] == RougeScore(0.75, 0.75, 0.75)
    assert rouge("a b", ["a c", "a b"], ["rouge1"], aggregate="max")["rouge1"] == RougeScore(1.0, 1.0, 1.0)


def test_unicode_tokenizer_keeps_cyrillic_and_arabic() -> None:
    # Путин предупредил Запад | Путин Запад: 2 of 3, 2 of 2.
    assert rouge("Путин предупредил Запад", ["ПУТИН, Запад."], ["rouge1"], tokenizer="unicode")["rouge1"][
        :2
    ] == pytest.approx((2 / 3, 1.0))
    assert rouge("وزير الخارجية", ["وزير الدفاع"], ["rouge1"], tokenizer="unicode")["rouge1"].recall == 0.5
    # 北京 is two tokens, of which one is shared with 北.
    assert rouge("北京", ["北"], ["rouge1"], tokenizer="unicode")["rouge1"].precision == 0.5


def test_signatures_differ_where_values_do() -> None:
    assert signature() == (
        "rouge|impl:harness 1|equal-to:rouge-score 0.1.2|stemmer:porter|tok:google|lsum:newline|refs:mean"
    )
    assert "equal-to" not in signature(tokenizer="unicode")
    all_of_them = {
        signature(stemmer=s, tokenizer=t, aggregate=a)
        for s in (True, False)
        for t in ("google", "unicode")
        for a in ("mean", "max")
    }
    assert len(all_of_them) == 8
