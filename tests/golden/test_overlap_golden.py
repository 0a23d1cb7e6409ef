"""Overlap, BERTScore and SummaC-ZS worked by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from harness.metrics.bertscore import Encoded, bertscore, greedy_match, idf_weights, signature
from harness.metrics.nli_consistency import summac_pairs, summac_zs
from harness.metrics.overlap import chrf, fragments, novel_ngrams, repetition, shared_fragments, word_count


def test_grusky_fragments() -> None:
    # Article a b c d e (5 words), summary a b x d e a: runs "a b" (2), "d e" (2), "a" (1).
    # Coverage (2+2+1)/6, density (4+4+1)/6, compression 5/6.
    assert shared_fragments(["a", "b", "x", "d", "e", "a"], ["a", "b", "c", "d", "e"]) == [2, 2, 1]
    assert fragments("A b, x d e a.", "a b c d e") == pytest.approx((5 / 6, 9 / 6, 5 / 6))


def test_fragments_take_the_longest_run_not_the_first() -> None:
    # "a b" occurs first, "a b c" later: one run of 3.
    assert shared_fragments(["a", "b", "c"], ["a", "b", "x", "a", "b", "c"]) == [3]


def test_novel_and_repeated_ngrams() -> None:
    # Summary bigrams: ab bc ca ab (distinct ab bc ca); the article has ab and bc: 1 of 3 is new.
    assert novel_ngrams("a b c a b", "a b c", 2) == pytest.approx(1 / 3)
    # Trigrams abc bca cab abc: 4, of which 3 distinct: 1/4 repeats.
    assert repetition("a b c a b c") == pytest.approx(1 / 4)
    assert novel_ngrams("a", "a", 2) is None
    assert repetition("a b") is None


def test_words_of_any_script() -> None:
    assert [word_count(t) for t in ("", "Don't go", "Путин сказал", "北京 warns", "—")] == [0, 3, 2, 3, 0]


def test_chrf_is_the_mean_over_references() -> None:
    # One reference equals the summary (100), the other shares no character (0).
    assert chrf("abcdefg", ["abcdefg", "zzzzzzz"]) == pytest.approx(50)
    assert chrf("", ["abc"]) == 0


def vectors(*rows: tuple[float, float], n_cut: int = 0) -> Encoded:
    return Encoded(tuple(range(len(rows))), np.array(rows, dtype=float), n_cut)


def test_bertscore_by_hand() -> None:
    # Candidate (1,0) (0,2); reference (1,0) (1,1). Cosines: [[1, r], [0, r]] with r = 1/√2.
    # Precision (1 + r)/2, recall (1 + r)/2.
    r = 1 / math.sqrt(2)
    score = greedy_match(vectors((1, 0), (0, 2)), vectors((1, 0), (1, 1)))
    assert (score.precision, score.recall, score.f1) == pytest.approx(((1 + r) / 2,) * 3)
    # A third candidate token (-1,0) has cosines -1 and -r, so its best is -r: precision (1 + r - r)/3 = 1/3.
    score = greedy_match(vectors((1, 0), (0, 2), (-1, 0)), vectors((1, 0), (1, 1)))
    assert score.precision == pytest.approx(1 / 3)
    assert score.f1 == pytest.approx(2 * (1 / 3) * ((1 + r) / 2) / (1 / 3 + (1 + r) / 2))


def test_bertscore_idf_by_hand() -> None:
    # Documents {x, y} and {x}: idf(x) = log(3/3) = 0, idf(y) = log(3/2), unseen log(3).
    idf = idf_weights([["x", "y"], ["x"]])
    assert idf.weights == pytest.approx({"x": 0.0, "y": math.log(1.5)})
    assert idf.unseen == pytest.approx(math.log(3))
    candidate = Encoded(("x", "y", "z"), np.array([[1.0, 0], [0, 1], [1, 0]]))
    reference = Encoded(("y",), np.array([[0.0, 1]]))
    # Precision: x 0 (weight 0), y 1 (log 1.5), z 0 (log 3); recall 1.
    score = greedy_match(candidate, reference, idf)
    assert score.precision == pytest.approx(math.log(1.5) / (math.log(1.5) + math.log(3)))
    assert score.recall == pytest.approx(1.0)


def test_bertscore_counts_what_was_cut_and_survives_nothing() -> None:
    empty = Encoded((), np.zeros((0, 2)))
    texts = {"": empty, "s": vectors((1, 0), n_cut=3), "r": vectors((1, 0), n_cut=4)}

    def encode(batch: Sequence[str]) -> list[Encoded]:
        return [texts[t] for t in batch]

    assert bertscore("s", ["r", ""], encode).n_cut == 7
    assert bertscore("s", ["r", ""], encode).f1 == pytest.approx(0.5)
    assert bertscore("", ["r"], encode).f1 == 0.0
    zero = greedy_match(vectors((0, 0)), vectors((0, 0)))
    assert zero.f1 == 0.0
    last = signature("tiny", "sha256:ab")
    assert last == "bertscore|model:tiny|sha256:ab|layer:last|idf:no|rescaled:no|refs:mean"
    assert len({last, signature("tiny", "sha256:ab", 2), signature("tiny", "sha256:ab", idf=True)}) == 3


def test_summac_zs_by_hand() -> None:
    # Entailment by article sentence A1, A2 for S1: .2, .9 -> .9; for S2: .4, .1 -> .4. Mean .65.
    table = {("A one.", "S one."): 0.2, ("A two.", "S one."): 0.9, ("A one.", "S two."): 0.4, ("A two.", "S two."): 0.1}
    found = summac_zs("S one. S two.", "A one. A two.", lambda pairs: [table[p] for p in pairs])
    assert found.score == pytest.approx(0.65)
    assert [(s.sentence.text, s.best.text) for s in found.sentences] == [("S one.", "A two."), ("S two.", "A one.")]
    assert summac_pairs("S one. S two.", "A one. A two.") == list(table)


def test_summac_zs_without_sentences_or_with_a_wrong_model() -> None:
    assert summac_zs("", "A.", lambda pairs: []).score is None
    assert summac_zs("S.", " ", lambda pairs: []).reason == "the article is empty"
    with pytest.raises(ValueError, match="0 values for 1 pairs"):
        summac_zs("S.", "A.", lambda pairs: [])
    with pytest.raises(ValueError, match="no probability"):
        summac_zs("S.", "A.", lambda pairs: [math.nan])
