"""What tokens of a server cost."""

from __future__ import annotations

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
