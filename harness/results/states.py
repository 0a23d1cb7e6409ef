"""States of one dataset: which articles of it two snapshots share, and what came, went or changed between them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class State:
    """A dataset as it was scored: every article's line of the snapshot, by its id."""

    articles: Mapping[str, str]

    @property
    def labelled(self) -> set[str]:
        """The lines of the articles with gold: what a system that learns learns from."""
        return {line for line in self.articles.values() if json.loads(line).get("gold")}

    def unchanged(self, other: State, article_ids: Iterable[str]) -> list[str]:
        """Those of the articles that are here as they are there: text, labels and declarations."""
        return [i for i in article_ids if i in self.articles and self.articles[i] == other.articles.get(i)]

    def difference(self, later: State) -> str:
        """What changed from this state to the later one, in words."""
        before, after = self.articles, later.articles
        kinds = {
            "came": sorted(after.keys() - before.keys()),
            "went": sorted(before.keys() - after.keys()),
            "changed": sorted(i for i in before.keys() & after.keys() if before[i] != after[i]),
        }
        return "; ".join(f"{_named(ids)} {kind}" for kind, ids in kinds.items() if ids)


def read_state(results: Path, fingerprint: str) -> State | None:
    """The snapshot of that fingerprint; None where it is missing or torn."""
    try:
        text = (results / "datasets" / f"{fingerprint}.jsonl").read_text(encoding="utf-8")
        return State({json.loads(line)["id"]: line for line in text.split("\n") if line})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _named(ids: list[str]) -> str:
    """One or two by name, more by number."""
    return " and ".join(ids) if len(ids) <= 2 else f"{len(ids)} articles ({ids[0]}, …)"
