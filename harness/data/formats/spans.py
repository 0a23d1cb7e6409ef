"""Stances as labelled spans, the form of annotation tools: one span a piece of evidence, and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from harness.data.formats.base import Report
from harness.data.schema import occurrences
from harness.types import Annotation, Article, Stance, StanceLabel

ATTRIBUTES = ("act", "modality", "condition", "basis", "phenomena", "confidence", "note", "reason")
"""What a stance has beside speaker, target, label and evidence."""

AGREEMENTS = "agreement of the passages: "
"""Begins the note of a stance that was made of conflicting statements: 1 or 0 for each."""

Pair: TypeAlias = tuple[str, str]
"""Ids of a speaker and a target."""


@dataclass(frozen=True)
class Span:
    """A half-open span in code points with what it shows."""

    start: int
    end: int
    speaker: str
    target: str
    stance: Stance
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """`stance|speaker|target`: ids hold no bar."""
        return f"{self.stance}|{self.speaker}|{self.target}"


def attributes_of(label: StanceLabel) -> dict[str, Any]:
    """The attributes that are set, JSON-able."""
    found = {k: getattr(label, k) for k in ATTRIBUTES}
    found["phenomena"] = list(label.phenomena)
    return {k: v for k, v in found.items() if v not in (None, []) and (k, v) != ("modality", "actual")}


def spans_of(article: Article, annotation: Annotation, report: Report, *, attributes: bool = True) -> list[Span]:
    """One span for each piece of evidence.

    A label without evidence has no span (`silent_pairs`); what it says beside `no_stance` is reported. With
    `attributes=False` the format has no room for attributes.
    """
    spans = []
    for label in annotation.stances:
        extra = attributes_of(label)
        where = f"{article.id}: {annotation.annotator}: {label.speaker} on {label.target}"
        if extra and (not attributes or not label.evidence):
            report(where, f"{', '.join(extra)} not carried")
        kept = extra if attributes else {}
        spans += [Span(e.start, e.end, label.speaker, label.target, label.stance, kept) for e in label.evidence]
    return spans


def stances_from(
    row: Mapping[str, Any], spans: Sequence[Span], where: str, report: Report, silent: Collection[Pair] = ()
) -> list[dict[str, Any]]:
    """Stances in the file's shape from spans: one for each pair, in the order of declaration.

    Different labels for one pair: those on one side become the weaker one, opposite ones become neutral with basis
    both_sides; both are reported. A pair of `silent` without a span is `no_stance`; any other is unlabelled.
    """
    text = row["text"]
    by_pair: dict[Pair, list[Span]] = {}
    for span in spans:
        by_pair.setdefault((span.speaker, span.target), []).append(span)
    declared = pairs_of(row)
    pairs = [p for p in declared if p in by_pair or p in silent]
    found: list[dict[str, Any]] = []
    for pair in [*pairs, *(p for p in (*by_pair, *silent) if p not in declared)]:
        own = by_pair.get(pair, [])
        stance, basis = merged([s.stance for s in own])
        extra: dict[str, Any] = {}
        for span in own:
            for name, value in span.attributes.items():
                if extra.setdefault(name, value) != value:
                    report(f"{where}: {pair[0]} on {pair[1]}", f"the passages differ in {name}: the first is kept")
        if len({s.stance for s in own}) > 1:
            report(f"{where}: {pair[0]} on {pair[1]}", f"{', '.join(s.stance for s in own)} became {stance}")
        if stance is Stance.NEUTRAL:
            extra.setdefault("basis", basis)
        elif extra.pop("basis", None) is not None:
            report(f"{where}: {pair[0]} on {pair[1]}", f"basis not carried: {stance} has none")
        if extra.get("modality") == "conditional" and not extra.get("condition"):
            del extra["modality"]
            report(f"{where}: {pair[0]} on {pair[1]}", "conditional without a condition: the modality is not carried")
        quotes = [quote(text, s.start, s.end) for s in own]
        found.append({"speaker": pair[0], "target": pair[1], "stance": str(stance), "evidence": quotes, **extra})
    return found


def pairs_of(row: Mapping[str, Any]) -> list[Pair]:
    """Every declared (speaker id, target id) of an article in the file's shape."""
    return [(s["id"], x["id"]) for s in row["speakers"] for x in row["targets"]]


def silent_pairs(annotation: Annotation) -> list[Pair]:
    """The pairs that an annotation calls `no_stance` and shows no passage for: spans cannot say them."""
    return [(s.speaker, s.target) for s in annotation.stances if not s.evidence]


def passage_signs(label: StanceLabel) -> list[int]:
    """For each passage of a label 1 (for), -1 (against) or 0; of one made of conflicting statements, what its note says."""
    degree = label.stance.degree or 0
    if degree == 0 and label.note and label.note.startswith(AGREEMENTS):
        said = [1 if x == "1" else -1 for x in label.note.removeprefix(AGREEMENTS).split(", ") if x in ("0", "1")]
        if len(said) == len(label.evidence):
            return said
    return [(degree > 0) - (degree < 0)] * len(label.evidence)


def merged(labels: Sequence[Stance]) -> tuple[Stance, str | None]:
    """One stance for several of one speaker on one target, and its basis: the same one; the weaker of one side;
    neutral (both_sides) where sides are opposite; `no_stance` for none."""
    on_scale = [s for s in labels if s.degree is not None]
    if not on_scale:
        return Stance.NO_STANCE, None
    degrees = {s.degree or 0 for s in on_scale}
    if min(degrees) < 0 < max(degrees):
        return Stance.NEUTRAL, "both_sides"
    return min(on_scale, key=lambda s: abs(s.degree or 0)), None


def quote(text: str, start: int, end: int) -> str | dict[str, Any]:
    """Evidence in the file's shape, with its occurrence where the passage stands more than once."""
    passage = text[start:end]
    starts = occurrences(text, passage)
    return passage if len(starts) == 1 else {"text": passage, "occurrence": starts.index(start) + 1}
