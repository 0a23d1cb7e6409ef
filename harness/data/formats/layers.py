"""The annotations of one article as they are put together from spans: who labelled, what is gold, what is unlabelled."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from harness.data.formats.base import article_from
from harness.data.formats.ledger import Ledger
from harness.data.formats.spans import Pair, Span, pairs_of, stances_from
from harness.errors import Place
from harness.types import Article, Stance


class Layers:
    """Collects annotations for an article in the file's shape (`row`, without labels).

    Nothing is read out of silence: in a complete article a pair that an annotation neither shows a passage for nor calls
    `no_stance` is unlabelled; an annotation that labels no pair is left out, one that labels some makes the article
    incomplete. Both are listed.
    """

    def __init__(self, row: dict[str, Any], ledger: Ledger, place: Place) -> None:
        self.row = row
        self.place = place
        """Of the record that began the article."""
        self._ledger = ledger
        self._complete = bool(row.get("complete", True))
        self._gold: list[dict[str, Any]] = []

    def add(
        self,
        who: str,
        spans: Sequence[Span],
        *,
        gold: bool = False,
        silent: Collection[Pair] = (),
        silence: bool = False,
        place: Place | None = None,
        note: Callable[[Pair], str] | None = None,
    ) -> None:
        """An annotation of `who`; `silent` are its pairs without a stance, with `silence` all that have no span are.

        `place` is that of the annotation's record, where it is not the article's; `note` is written to each neutral
        stance, which passages in conflict may have made.
        """
        where = f"{place or self.place}: {self.row['id']}: {who}"
        declared = pairs_of(self.row)
        silent = declared if silence else silent
        stances = stances_from(self.row, spans, where, self._ledger.lose, silent)
        if note is not None:
            for stance in stances:
                if stance["stance"] == Stance.NEUTRAL:
                    stance["note"] = note((stance["speaker"], stance["target"]))
        if self._complete:
            missing = len(declared) - sum((s["speaker"], s["target"]) in set(declared) for s in stances)
            if missing and not stances:
                self._ledger.lose(where, "empty annotation left out: its pairs are unlabelled, not no_stance")
                return
            if missing:
                self.row["complete"] = False
                what = "pairs are unlabelled, not no_stance: the article becomes incomplete"
                self._ledger.lose(where, what, missing)
        if gold:
            self._gold.append({"adjudicator": who, "stances": stances})
        else:
            self._append(who, stances)

    def _append(self, who: str, stances: list[dict[str, Any]]) -> None:
        names = {a["annotator"] for a in self.row["annotations"]}
        name, n = who, 1
        while name in names:
            n += 1
            name = f"{who} ({n})"
        if name != who:
            self._ledger.lose(f"{self.place}: {self.row['id']}", f"annotation {n} of {who} is called {name!r}")
        self.row["annotations"].append({"annotator": name, "stances": stances})

    def article(self) -> Article:
        """The checked article.

        Several annotations that are marked as gold are gold if they give every pair the same stance (then the first is,
        and the others stay beside it); if they contradict each other none is.
        """
        agreed = (
            len({frozenset((s["speaker"], s["target"], s["stance"]) for s in g["stances"]) for g in self._gold}) < 2
        )
        where = f"{self.place}: {self.row['id']}"
        if len(self._gold) > 1:
            kept = "they agree, the first is gold" if agreed else "they differ, none is gold"
            self._ledger.lose(where, f"{len(self._gold)} annotations are marked as gold: {kept}, each is an annotation")
        if self._gold and agreed:
            self.row["gold"] = self._gold.pop(0)
        for other in self._gold:
            self._append(other["adjudicator"], other["stances"])
        self._gold = []
        return article_from(self.row, self.place)
