"""Batches by token budget, and halving where memory runs out."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import WindowExceeded
from harness.models.batching import by_length, in_halves, token_batches
from harness.models.windows import fit_article


@given(st.lists(st.integers(0, 200)), st.integers(1, 500))
def test_every_row_is_in_one_batch_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = token_batches(lengths, budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(1, *(lengths[i] for i in batch)) <= budget


def test_the_example_of_rows_in_batches() -> None:
    assert token_batches([5, 2, 5], 10) == [[0, 2], [1]]


def test_the_example_of_an_article_in_windows() -> None:
    def words(text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\S+", text)]

    fitted = fit_article(
        "one two three four five", words, lambda piece: 2 + len(words(piece)), 5, "windows", "m", overlap=1
    )
    assert fitted.pieces == ("one two three", "three four five")


def test_rows_of_similar_length_share_a_batch() -> None:
    """Budget 10: 5 x 2 = 10, 3 + 3 + 1 -> 3 x 3 = 9."""
    assert token_batches([3, 5, 1, 5, 3], 10) == [[1, 3], [0, 4, 2]]


def test_results_keep_the_order_of_the_rows() -> None:
    rows = ["ccc", "a", "bb", "dddd"]
    assert by_length(rows, [3, 1, 2, 4], lambda b: [r.upper() for r in b], "cpu", 4) == ["CCC", "A", "BB", "DDDD"]


def scarce(batch: Sequence[int]) -> list[int]:
    if len(batch) > 2 or 13 in batch:
        raise MemoryError
    return [10 * row for row in batch]


def test_halves_until_it_fits() -> None:
    assert in_halves(list(range(7)), scarce, "cpu") == [10 * i for i in range(7)]
    assert in_halves([1, 13, 3], scarce, "cpu", alone=lambda row: -row) == [10, -13, 30]
    with pytest.raises(MemoryError):
        in_halves([1, 13], scarce, "cpu")


def test_other_errors_are_not_mistaken_for_missing_memory() -> None:
    calls = []

    def broken(batch: Sequence[int]) -> list[int]:
        calls.append(len(batch))
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        in_halves([1, 2, 3, 4], broken, "cpu")
    assert calls == [4]


def words(text: str) -> list[tuple[int, int]]:
    import re

    return [m.span() for m in re.finditer(r"\S+", text)]


@given(st.integers(1, 60), st.integers(3, 12), st.integers(0, 3), st.integers(0, 4))
def test_windows_cover_everything_and_fit(n: int, window: int, around: int, overlap: int) -> None:
    article = " ".join(f"w{i}" for i in range(n))

    def length(piece: str) -> int:
        return around + len(piece.split())

    if window <= around:
        return
    fitted = fit_article(article, words, length, window, "windows", "m", overlap)
    assert fitted.tokens_cut == 0
    assert {w for piece in fitted.pieces for w in piece.split()} == set(article.split())
    assert all(length(piece) <= window for piece in fitted.pieces)
    cut = fit_article(article, words, length, window, "truncate_article", "m", overlap)
    assert len(cut.pieces[0].split()) + cut.tokens_cut == n
    assert article.startswith(cut.pieces[0])


def test_what_stands_around_the_article_is_never_cut() -> None:
    with pytest.raises(WindowExceeded, match="without the article the input has 9 tokens"):
        fit_article("a b", words, lambda piece: 9 + len(piece.split()), 8, "windows", "m")
    with pytest.raises(WindowExceeded, match="the input has 11 tokens, but the window of m is 10"):
        fit_article("a b", words, lambda piece: 9 + len(piece.split()), 10, "error", "m")
