"""Which token comes next in one answer: the likeliest or a drawn one, what is forbidden, what may be guessed ahead."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.models.lookup import Lookup

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Decoding:
    """How an answer is chosen: greedy at temperature 0, else sampled with a seed of its own per prompt.

    `no_repeat_ngram` forbids the answer to say any n tokens twice (0: no rule); quoting the prompt stays allowed.
    """

    max_new_tokens: int = 96
    min_new_tokens: int = 0
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    no_repeat_ngram: int = 0

    @property
    def is_plain_greedy(self) -> bool:
        """Whether each token is simply the most probable one."""
        return self.temperature == 0 and self.min_new_tokens == 0 and self.no_repeat_ngram == 0


class Chooser:
    """Picks the next token of one answer and knows when it is done."""

    def __init__(self, decoding: Decoding, prompt: Sequence[int], eos_ids: Sequence[int]) -> None:
        self.decoding = decoding
        self.tokens: list[int] = []
        self.ended = False
        self._eos = frozenset(eos_ids)
        self._prompt = prompt
        self._lookup: Lookup | None = None
        self._generator: torch.Generator | None = None

    @property
    def done(self) -> bool:
        """Whether the answer is complete."""
        return self.ended or len(self.tokens) >= self.decoding.max_new_tokens

    @property
    def last(self) -> int:
        """The token after which the next one is asked for."""
        return self.tokens[-1] if self.tokens else self._prompt[-1]

    def guess(self, most: int) -> list[int]:
        """Tokens that may come next, from what the prompt and the answer say; none for the last token."""
        if self.done:
            return []
        if self._lookup is None:
            self._lookup = Lookup(self._prompt)
            self._lookup.extend(self.tokens)
        return self._lookup.guess(min(most, self.decoding.max_new_tokens - len(self.tokens) - 1))

    def take(self, token: int) -> int:
        """Adds a token to the answer, unless that is complete; gives it back."""
        if not self.done:
            if token in self._eos:
                self.ended = True
            else:
                self.tokens.append(token)
                if self._lookup is not None:
                    self._lookup.extend([token])
        return token

    def choose(self, logits: torch.Tensor) -> int:
        """The next token by logits [vocabulary], in float32 on the processor."""
        banned = self._repeats()
        if len(self.tokens) < self.decoding.min_new_tokens:
            banned |= self._eos
        if banned:
            logits = logits.clone()
            logits[list(banned)] = -math.inf
        return int(logits.argmax()) if self.decoding.temperature == 0 else self._sample(logits)

    def _repeats(self) -> set[int]:
        n = self.decoding.no_repeat_ngram
        if n == 0 or len(self.tokens) < n:
            return set()
        last = self.tokens[len(self.tokens) - n + 1 :]
        return {self.tokens[i + n - 1] for i in range(len(self.tokens) - n + 1) if self.tokens[i : i + n - 1] == last}

    def _sample(self, logits: torch.Tensor) -> int:
        import torch

        if self._generator is None:
            # From the prompt itself: the answer depends neither on the order of the prompts nor on their batches.
            text = f"{self.decoding.seed}:{','.join(map(str, self._prompt))}"
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1
            self._generator = torch.Generator().manual_seed(seed)
        probabilities = (logits / self.decoding.temperature).softmax(-1)
        ordered, tokens = probabilities.sort(descending=True, stable=True)
        # The smallest set of likely tokens that holds top_p of the probability; the likeliest is always in it.
        ordered[(ordered.cumsum(-1) - ordered) >= self.decoding.top_p] = 0
        return int(tokens[torch.multinomial(ordered, 1, generator=self._generator)])
