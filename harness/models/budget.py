"""What requests to a server may cost together: each is admitted before it is sent, and counted when it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from harness.errors import BudgetSpent
from harness.models.decisions import bytes_read
from harness.models.token_estimate import TOKEN_BYTES

_CHAT = 32
"""Tokens that a chat template may add to a request."""


@dataclass(frozen=True)
class Share:
    """What is set aside for one request until it is answered: its tokens by the rule of bytes, and the most it may answer."""

    tokens_in: int
    tokens_out: int


class Meter:
    """Admits requests while what is paid, what is under way and the next one together stay within the bounds.

    Before an answer, a request counts with its estimated tokens and with as many of output as it may have. Answers show
    how many tokens the server counts for an estimated one: the greatest ratio so far corrects the estimates that follow.
    So the bounds are not passed by more than those few tokens, and what is left at the end is too little for one request.
    """

    def __init__(
        self,
        max_tokens_in: int | None = None,
        max_cost: float | None = None,
        cost: Callable[[int, int], float] = lambda tokens_in, tokens_out: 0.0,
    ) -> None:
        self.max_tokens_in = max_tokens_in
        self.max_cost = max_cost
        self.cost = cost
        self.tokens_in = self.tokens_out = self.n_paid = 0
        self._ratio: float | None = None
        self._under_way: list[Share] = []

    def admit(self, body: Mapping[str, Any]) -> Share | None:
        """What is set aside for the request, None if the bounds leave no room for it now."""
        share = Share(ceil(bytes_of(body) / TOKEN_BYTES) + _CHAT, most_tokens_out(body))
        together = [*self._under_way, share]
        tokens_in = self.tokens_in + sum(map(self._corrected, together))
        tokens_out = self.tokens_out + sum(s.tokens_out for s in together)
        if self.max_tokens_in is not None and tokens_in > self.max_tokens_in:
            return None
        if self.max_cost is not None and self.cost(tokens_in, tokens_out) > self.max_cost:
            return None
        self._under_way.append(share)
        return share

    def settle(self, share: Share, tokens_in: int | None, tokens_out: int | None) -> None:
        """Counts an answer's tokens; where the server counted none, those that were set aside."""
        self._under_way.remove(share)
        if tokens_in:
            self._ratio = max(self._ratio or 0.0, tokens_in / share.tokens_in)
        self.tokens_in += self._corrected(share) if tokens_in is None else tokens_in
        self.tokens_out += share.tokens_out if tokens_out is None else tokens_out
        self.n_paid += 1

    def release(self, share: Share) -> None:
        """Takes back what was set aside for a request that got no answer: servers do not charge for it."""
        self._under_way.remove(share)

    def spent(self) -> BudgetSpent:
        """The error that ends the work when no further request is admitted."""
        bounds = {"max_tokens_in": self.max_tokens_in, "max_cost": self.max_cost}
        bound = " and ".join(f"{name}={value:g}" for name, value in bounds.items() if value is not None)
        if not self.n_paid:
            return BudgetSpent(
                f"{bound} leaves no room for one request", hint="raise it; dry=true estimates the tokens"
            )
        cost = "" if self.max_cost is None else f" for {self.cost(self.tokens_in, self.tokens_out):.4f}"
        return BudgetSpent(
            f"the budget {bound} is spent: {self.n_paid} requests of {self.tokens_in:,} tokens{cost}",
            hint="every answer is stored; the same command goes on with the next ones",
        )

    def _corrected(self, share: Share) -> int:
        return round(share.tokens_in * (1.0 if self._ratio is None else self._ratio))


def bytes_of(body: Mapping[str, Any]) -> int:
    """Bytes of the text that a request shows."""
    if "questions" in body:
        return bytes_read(body)
    messages = body.get("messages")
    texts = [str(m.get("content")) for m in messages] if isinstance(messages, list) else [str(body.get("prompt", ""))]
    return len("\n".join(texts).encode("utf-8", "surrogatepass"))


def most_tokens_out(body: Mapping[str, Any]) -> int:
    """Tokens that an answer to a request may have, 0 where it does not say."""
    most = body.get("max_completion_tokens") or body.get("max_tokens") or 0
    return most if isinstance(most, int) else 0
