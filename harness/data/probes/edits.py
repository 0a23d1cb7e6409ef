"""Edits of an article's text that carry every passage of evidence along."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from harness.types import Annotation, Article, Evidence, Stance, StanceLabel


class Edit(NamedTuple):
    """`text` stands in place of the half-open span of code points; an empty span inserts."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class EditedText:
    """A text after edits, which lie apart from each other and in order, and where its old places are now."""

    text: str
    edits: tuple[Edit, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where an old span is now: one that begins or ends inside an edit takes in what stands there now."""
        return self._place(start, first=True), self._place(end, first=False)

    def _place(self, at: int, *, first: bool) -> int:
        moved = 0
        for edit in self.edits:
            inserted_here = edit.start == edit.end == at
            if edit.end < at or (edit.end == at and not inserted_here) or (inserted_here and first):
                moved += len(edit.text) - (edit.end - edit.start)
            elif edit.start < at:
                # inside: the whole of what stands there now belongs to the span
                return edit.start + moved + (0 if first else len(edit.text))
            else:
                break
        return at + moved


def edited(text: str, edits: Sequence[Edit]) -> EditedText:
    """The text with the edits made; ValueError where two of them overlap."""
    ordered = tuple(sorted(edits))
    pieces: list[str] = []
    at = 0
    for edit in ordered:
        if edit.start < at:
            raise ValueError(f"edits overlap at {edit.start}")
        pieces += [text[at : edit.start], edit.text]
        at = edit.end
    return EditedText("".join([*pieces, text[at:]]), ordered)


def with_text(article: Article, change: EditedText, title: str | None = None) -> Article:
    """The article with the edited text: labels stay, evidence moves with its passages and is gone where they are."""

    def label(one: StanceLabel) -> StanceLabel:
        spans = [change.span(e.start, e.end) for e in one.evidence]
        return replace(one, evidence=tuple(Evidence(change.text[a:b], a, b) for a, b in spans if b > a))

    return relabelled(
        replace(article, text=change.text, title=article.title if title is None else title), label, annotators=True
    )


def relabelled(article: Article, label: Callable[[StanceLabel], StanceLabel | None], *, annotators: bool) -> Article:
    """The article with every gold label mapped, None leaving the pair out; what only the unchanged article has is gone:
    summaries, the contrast, and unless the same map holds for them, the annotators' labels."""

    def of(annotation: Annotation) -> Annotation:
        return replace(annotation, stances=tuple(x for s in annotation.stances if (x := label(s)) is not None))

    gold = of(article.gold) if article.gold else None
    partial = gold is not None and article.gold is not None and len(gold.stances) < len(article.gold.stances)
    return replace(
        article,
        gold=gold,
        annotations=tuple(map(of, article.annotations)) if annotators else (),
        complete=article.complete and not partial,
        summaries=(),
        contrast=None,
    )


def only_pairs(article: Article, pairs: Collection[tuple[str, str]], *, annotators: bool = True) -> Article:
    """The article in which these pairs alone are asked about and scored; everything declared stays."""
    return relabelled(article, lambda s: s if (s.speaker, s.target) in pairs else None, annotators=annotators)


def without_evidence(article: Article) -> Article:
    """The labels of the article's gold without the passages that show them, for a text that does not have these."""
    return relabelled(article, lambda s: replace(s, evidence=()), annotators=False)


def mirrored(stance: Stance) -> Stance:
    """The stance on the opposite proposition: the scale turned round, `neutral` and `no_stance` as they are."""
    return _MIRROR.get(stance, stance)


_MIRROR = {
    Stance.OPPOSE: Stance.SUPPORT,
    Stance.LEAN_OPPOSE: Stance.LEAN_SUPPORT,
    Stance.LEAN_SUPPORT: Stance.LEAN_OPPOSE,
    Stance.SUPPORT: Stance.OPPOSE,
}


def sentences_with(spans: Sequence[tuple[int, int]], starts: Sequence[int]) -> list[int]:
    """The numbers, ascending, of the sentences that begin at `starts` and hold any part of the spans."""
    touched: set[int] = set()
    for start, end in spans:
        first = max(0, bisect_right(starts, start) - 1)
        last = max(first, bisect_right(starts, max(start, end - 1)) - 1)
        touched.update(range(first, last + 1))
    return sorted(touched)
