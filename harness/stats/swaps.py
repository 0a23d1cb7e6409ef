"""What the tests that swap articles share: random swaps, and the distance below which two differences are equal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

TIE = 1e-9
"""Swapped differences this close to the observed one count as equal: they differ by rounding only."""
_BLOCK = 4_000_000
"""Numbers that one block of coins, or of the sums made with it, holds at most."""


def coins(n: int, resamples: int, seed: int, columns: int) -> Iterator[NDArray[np.uint8]]:
    """Fair coins (n, block) for `resamples` swaps of `n` articles, in blocks so small that sums of `columns` fit memory."""
    rng = np.random.default_rng([seed, n, resamples, 1])
    rows = max(1, min(resamples, _BLOCK // max(1, columns), _BLOCK // n))
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        bits = np.unpackbits(np.frombuffer(rng.bytes((size * n + 7) // 8), dtype=np.uint8), count=size * n)
        yield bits.reshape(n, size)
