"""One scored pair: the gold label and what a system answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from harness.types import Stance


@dataclass(frozen=True, slots=True)
class StancePair:
    """Gold and answer of one item.

    `predicted` None means that an answer came but could not be read (wrong, and counted as unparsed); `error` means
    that no answer came (unscored, and counted). `scores` are probabilities or log-probabilities by label.
    `target_key` says which targets of different articles are the same (a proposition, say); by default those of equal
    id.
    """

    item: str
    article_id: str
    speaker_id: str
    target_id: str
    gold: Stance
    predicted: Stance | None
    scores: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    error: str | None = None
    side: str | None = None
    phenomena: tuple[str, ...] = ()
    target_key: str | None = None
