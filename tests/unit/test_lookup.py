"""Guesses come from what followed the same tokens before, the longer run first."""

from harness.models.lookup import Lookup


def test_a_guess_is_what_followed_the_longest_run_of_last_tokens() -> None:
    text = Lookup([1, 2, 3, 4, 9, 1, 2, 3])
    assert text.guess(3) == [4, 9, 1] and text.guess(0) == []
    text.extend([5, 8, 2, 3])
    assert text.guess(2) == [5, 8], "two tokens, where they stood last"
    text.extend([6])
    assert text.guess(4) == []
    text.extend([9])
    assert text.guess(2) == [1, 2], "one token"
    text.extend([1, 2, 3])
    assert text.guess(99) == [5, 8, 2, 3, 6, 9, 1, 2, 3], "three tokens, up to the end of the text"
