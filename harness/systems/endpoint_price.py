"""What tokens of a server cost, and whose they are where one request is about several items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Price(BaseModel):
    """Per million tokens, in any one currency; tokens of the Batch API cost the share `batch` of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]
    batch: Annotated[float, Field(ge=0, le=1)] = 0.5

    def of(self, tokens_in: int, tokens_out: int, *, batch: bool = False) -> float:
        """What so many tokens cost.

        >>> Price(input=2.0, output=8.0).of(1_000_000, 250_000)
        4.0
        >>> Price(input=2.0, output=8.0).of(1_000_000, 250_000, batch=True)
        2.0
        """
        cost = (self.input * tokens_in + self.output * tokens_out) / 1e6
        return cost * self.batch if batch else cost


def total_of(counts: Sequence[int | None]) -> int | None:
    """The sum; None where one is not known."""
    known = [c for c in counts if c is not None]
    return sum(known) if len(known) == len(counts) else None


def shares_of(total: int | None, paying: Sequence[int], n: int) -> list[int | None]:
    """The parts of a request's tokens that each of n items is counted with: those in `paying` alike, the first ones one more.

    Of 8 tokens and three items, of which the first two pay, 4, 4 and 0.
    """
    if total is None:
        return [None] * n
    part, rest = divmod(total, len(paying))
    shares = dict(zip(paying, [part + 1] * rest + [part] * (len(paying) - rest), strict=True))
    return [shares.get(i, 0) for i in range(n)]
