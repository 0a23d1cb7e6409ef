"""Many (speaker, target) pairs in one request: which go together, in which order they are asked about, and their text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.systems.prompts import fields_of, fill, places
from harness.types import Item

Ask = Literal["pair", "speaker", "article"]
"""What one request is about: one pair, all pairs of one speaker of an article, all pairs of an article."""

ASKS: tuple[Ask, ...] = ("pair", "speaker", "article")


@dataclass(frozen=True)
class PairWording:
    """How a list words its pairs: `statement` stands once above those who are asked about it, a `question` for each of them."""

    statement: str
    question: str

    def of(self, item: Item) -> tuple[str, str]:
        """Statement and question of an item."""
        fields = fields_of(item)
        return fill(self.statement, **fields), fill(self.question, **fields)

    def pairs(self, items: Sequence[Item]) -> list[tuple[str, str]]:
        """Statements and questions of all items in the order of the alphabet, each pair once: pair 1 is the first.

        So neither the order in which an article declares its speakers and targets nor that of the items plays a part.
        """
        return sorted({self.of(item) for item in items})

    def numbered(self, items: Sequence[Item]) -> str:
        """The text of the list.

        Of two speakers and one target it is `Statement: "The council may shut the gates."`, `1. Ada Brandt` and
        `2. General Olm`, a line each.
        """
        lines: list[str] = []
        above = None
        for number, (statement, question) in enumerate(self.pairs(items), 1):
            lines += [statement] if statement != above else []
            lines.append(f"{number}. {question}")
            above = statement
        return "\n".join(lines)

    def shown(self, items: Sequence[Item]) -> list[dict[str, str]]:
        """The fields that the list shows of each pair, in its order: what a system reads of them all."""
        names = sorted(places(self.statement + self.question))
        by_pair = {self.of(item): fields_of(item) for item in items}
        return [{name: by_pair[pair][name] for name in names} for pair in self.pairs(items)]


def together(items: Sequence[Item], ask: Ask) -> list[list[Item]]:
    """The items of each request, in the order of their first items.

    A transcript is another text for every speaker (`speeches.words_of`), and another text is another request.
    """
    if ask == "pair":
        return [[item] for item in items]
    requests: dict[tuple[object, ...], list[Item]] = {}
    for item in items:
        about = (item.article.id, item.article.title, item.article.text)
        speaker = (item.speaker.name, item.speaker.role) if item.speaker and ask == "speaker" else None
        requests.setdefault((about, speaker), []).append(item)
    return list(requests.values())
