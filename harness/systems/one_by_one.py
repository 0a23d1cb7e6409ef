"""Answers the other inputs of a batch where one does not fit the model's window or the memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from harness.errors import WindowExceeded
from harness.models.device import is_out_of_memory

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def all_or_each(run: Callable[[Sequence[_Item]], Sequence[_Result]], items: Sequence[_Item]) -> list[_Result | str]:
    """`run(items)`; where an input does not fit, `run` of each item alone, and for that one the reason in words.

    Any other error is raised.
    """
    try:
        return list(run(items))
    except Exception as error:
        if not isinstance(error, WindowExceeded) and not is_out_of_memory(error):
            raise
        reason = str(error) if isinstance(error, WindowExceeded) else f"out of memory for one input: {error}"
    # outside of the handler, whose traceback would keep the tensors alive
    if len(items) == 1:
        return [reason]
    return [result for item in items for result in all_or_each(run, [item])]
