"""Training folds by event, so that a fitted system never sees the event that it is asked about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from harness.errors import Unfitted
from harness.results.store import content_hash
from harness.types import Article, Dataset

MOST_LISTED = 2_000
"""Up to so many events a fold's hash is that of the list of all that is learned from: one pass over the dataset an event."""


def check_other_events(dataset: Dataset, event: str) -> None:
    """Unfitted if no article of another event has labels."""
    if not any(a.gold is not None and a.event != event for a in dataset):
        raise no_other_event(event)


def no_other_event(event: str) -> Unfitted:
    """The error of a fitted system that has nothing to learn from."""
    return Unfitted(
        f"unfitted: no labelled article of another event than {event!r} to learn from",
        hint="a fitted system needs labelled articles of two events or more",
    )


class FoldHashes:
    """For each event, the hash of what is learned from all other events.

    Beyond `MOST_LISTED` events (version 2) it is the hash of a sum: of all SHA-256 modulo 2^256, less those of the event, which
    says of a multiset what it holds whatever its order (Clarke et al. 2003, MSet-Add-Hash), in one pass for all events.
    """

    def __init__(self, learned: Iterable[tuple[str, Any]]) -> None:
        """`learned`: event and JSON-able example, in the dataset's order."""
        self._learned = list(learned)
        self._events = {event for event, _ in self._learned}
        self._sums: dict[str, tuple[int, int]] = {}
        if len(self._events) > MOST_LISTED:
            sums: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
            for event, example in self._learned:
                total, count = sums[event]
                sums[event] = (total + int(content_hash(example), 16), count + 1)
            self._sums = dict(sums)
            self._total = sum(total for total, _ in sums.values())
            self._count = len(self._learned)
            self._learned.clear()

    def of(self, event: str) -> str:
        """Hash of what is learned from for that event (64 hex digits); Unfitted if there is nothing."""
        if self._events <= {event}:
            raise no_other_event(event)
        if not self._sums:
            return content_hash([example for other, example in self._learned if other != event])
        total, count = self._sums.get(event, (0, 0))
        return content_hash(
            {"version": 2, "sum": f"{(self._total - total) % 2**256:064x}", "count": self._count - count}
        )


def learned_from(article: Article) -> str:
    """Hash of an article's text, language, declarations and gold; annotators' labels, summaries and what only probes read do
    not count."""
    parts = [
        article.title,
        article.text,
        article.language,
        [asdict(x) for x in article.speakers],
        [{k: v for k, v in asdict(x).items() if k not in ("paraphrases", "negated")} for x in article.targets],
        [[s.speaker, s.target, s.stance] for s in article.gold.stances] if article.gold else [],
    ]
    return content_hash(parts)
