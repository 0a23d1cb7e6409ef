"""Guesses at what comes next in a text, by what came after the same tokens before: summaries say what articles say."""

from __future__ import annotations

from collections.abc import Sequence

_LENGTHS = (3, 2, 1)
"""Tokens that must be the same as before, the longest first."""


class Lookup:
    """A text that grows, and where each of its short runs of tokens was last followed by another token.

    After `[1, 2, 3, 4, 9, 1, 2, 3]` the guess is `[4, 9, 1]` at most 3 tokens long.
    """

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids: list[int] = []
        self._followed: dict[tuple[int, ...], int] = {}
        self.extend(ids)

    def extend(self, ids: Sequence[int]) -> None:
        """Adds tokens at the end."""
        for token in ids:
            at = len(self._ids)
            for n in _LENGTHS:
                if at >= n:
                    self._followed[tuple(self._ids[at - n :])] = at
            self._ids.append(token)

    def guess(self, most: int) -> list[int]:
        """Up to `most` tokens that may come next; none where the last tokens stand nowhere before."""
        for n in _LENGTHS:
            at = self._followed.get(tuple(self._ids[-n:]))
            if at is not None:
                return self._ids[at : at + most]
        return []
