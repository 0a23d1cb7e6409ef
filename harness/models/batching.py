"""Rows into batches: sorted by length under a token budget, and halved where memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from harness.models.device import is_out_of_memory, release_cached

Step = Callable[[float], None]
"""Called now and then with the share, 0 to 1, that is done of the work that was handed in."""

_Row = TypeVar("_Row")
_Result = TypeVar("_Result")


def unwatched(share: float) -> None:
    """The step of work that nobody waits for."""


def token_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Indices of the rows, longest first, in batches whose rows x longest row are at most `budget` tokens.

    A row longer than the budget is a batch of its own. Rows of one length keep their order: rows of 5, 2 and 5 tokens under a
    budget of 10 are the batches `[0, 2]` and `[1]`.
    """
    batches: list[list[int]] = []
    room = 0
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if room < 1:
            batches.append([])
            # the first row of a batch is its longest
            room = budget // max(1, lengths[i])
        batches[-1].append(i)
        room -= 1
    return batches


def in_halves(
    rows: Sequence[_Row],
    run: Callable[[Sequence[_Row]], Sequence[_Result]],
    device: str,
    alone: Callable[[_Row], _Result] | None = None,
) -> list[_Result]:
    """`run(rows)`; where memory runs out, the same for each half.

    A single row that does not fit gets `alone(row)` as its result, or the error is raised if there is no `alone`.
    """
    try:
        return list(run(rows))
    except Exception as error:
        if not is_out_of_memory(error) or (len(rows) == 1 and alone is None):
            raise
    # outside of the handler, whose traceback would keep the tensors alive
    release_cached(device)
    if len(rows) == 1:
        assert alone is not None
        return [alone(rows[0])]
    middle = len(rows) // 2
    return in_halves(rows[:middle], run, device, alone) + in_halves(rows[middle:], run, device, alone)


def by_length(
    rows: Sequence[_Row],
    lengths: Sequence[int],
    run: Callable[[Sequence[_Row]], Sequence[_Result]],
    device: str,
    budget: int,
    alone: Callable[[_Row], _Result] | None = None,
) -> list[_Result]:
    """`run` over batches of rows of similar length; results in the order of `rows`."""
    results: dict[int, _Result] = {}
    for batch in token_batches(lengths, budget):
        results.update(zip(batch, in_halves([rows[i] for i in batch], run, device, alone), strict=True))
    return [results[i] for i in range(len(rows))]
