"""What one person edits of one article (declarations, own summary, own labels), how it is read from an article and put back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Annotated, Any

from pydantic import Field

from harness.data.check import check_article
from harness.data.schema import (
    AnnotationRow,
    ArticleRow,
    GoldRow,
    QuoteRow,
    SpeakerRow,
    StanceRow,
    Strict,
    SummaryRow,
    TargetRow,
    occurrences,
)
from harness.errors import Place
from harness.results.store import content_hash
from harness.types import Annotation, Article, Speaker, StanceLabel

Text = Annotated[str, Field(max_length=20_000)]


class Span(Strict):
    """Evidence as the page selects it: half-open code-point offsets, and the words to check them by."""

    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]
    text: Text


class Label(StanceRow):
    """A stance whose evidence is still spans."""

    evidence: list[Span] = Field(default_factory=list)  # type: ignore[assignment]


class Document(Strict):
    """All that one person may change in one article; labels may be missing or lack evidence while it is a draft."""

    speakers: Annotated[list[SpeakerRow], Field(max_length=500)]
    targets: Annotated[list[TargetRow], Field(max_length=100)]
    summary: Text = ""
    stances: Annotated[list[Label], Field(max_length=20_000, default_factory=list)]

    def plain(self) -> dict[str, Any]:
        """JSON-able, every field written out, so that equal documents are equal texts."""
        return self.model_dump(mode="json")


class Problem(Strict):
    """Something that keeps labels out of the article file; of one pair, or of the declarations."""

    message: str
    speaker: str | None = None
    target: str | None = None


class BadSpan(ValueError):
    """Evidence whose offsets do not give its words: the page read another text."""


def derive(article: Article, annotator: str, *, gold: bool) -> Document:
    """What `annotator` would edit in an article: the own labels, or those of gold."""
    annotation = article.gold if gold else next((a for a in article.annotations if a.annotator == annotator), None)
    return Document(
        speakers=[SpeakerRow.model_validate({**_fields(s), "aliases": list(s.aliases)}) for s in article.speakers],
        targets=[TargetRow.model_validate(_fields(t)) for t in article.targets],
        summary=next((s.text for s in article.summaries if s.annotator == annotator), ""),
        stances=[label_of(s) for s in annotation.stances] if annotation else [],
    )


def label_of(stance: StanceLabel) -> Label:
    """A stored stance as the page reads it."""
    evidence = [{"start": e.start, "end": e.end, "text": e.text} for e in stance.evidence]
    return Label.model_validate({**_fields(stance), "evidence": evidence, "phenomena": list(stance.phenomena)})


def agreed(annotations: Sequence[Annotation]) -> list[Label]:
    """The labels on which all annotators chose the same stance, as the first gave them: where adjudication begins."""
    if len(annotations) < 2:
        return []
    others = [{(s.speaker, s.target): s.stance for s in a.stances} for a in annotations[1:]]
    return [
        label_of(replace(s, note=None))
        for s in annotations[0].stances
        if all(o.get((s.speaker, s.target)) is s.stance for o in others)
    ]


def differing(annotations: Sequence[Annotation]) -> set[tuple[str, str]]:
    """Pairs on which the annotators chose different stances, or that only some of them labelled."""
    maps = [{(s.speaker, s.target): s.stance for s in a.stances} for a in annotations]
    return {pair for pair in set().union(*maps) if len({m.get(pair) for m in maps}) > 1} if len(maps) > 1 else set()


def put_declarations(row: ArticleRow, document: Document, annotator: str) -> ArticleRow:
    """A copy of the row with the document's speakers, targets and summary."""
    summaries = [s for s in row.summaries if s.annotator != annotator]
    at = next((i for i, s in enumerate(row.summaries) if s.annotator == annotator), len(summaries))
    if document.summary.strip():
        summaries.insert(at, SummaryRow(annotator=annotator, text=document.summary))
    return row.model_copy(
        update={"speakers": document.speakers, "targets": document.targets, "summaries": summaries}, deep=True
    )


def put_stances(row: ArticleRow, document: Document, annotator: str, *, gold: bool) -> ArticleRow:
    """A copy of the row with the document's labels as the annotator's, or as gold.

    Labels that the file has keep their order, so that an edit of one changes one line; others go by speaker and target.
    """
    existing = row.gold.stances if gold and row.gold else []
    if not gold:
        existing = next((a.stances for a in row.annotations if a.annotator == annotator), [])
    order = {(s.speaker, s.target): i for i, s in enumerate(existing)}
    if any((s.speaker, s.target) not in order for s in document.stances):
        pairs = product([s.id for s in row.speakers], [t.id for t in row.targets])
        order = {pair: i for i, pair in enumerate(pairs)}
    labels = sorted(document.stances, key=lambda s: order.get((s.speaker, s.target), len(order)))
    stances = [to_stance(row.text, label) for label in labels]
    if gold:
        return row.model_copy(update={"gold": GoldRow(adjudicator=annotator, stances=stances) if stances else None})
    annotations = list(row.annotations)
    at = next((i for i, a in enumerate(annotations) if a.annotator == annotator), len(annotations))
    annotations[at : at + 1] = [AnnotationRow(annotator=annotator, stances=stances)] if stances else []
    return row.model_copy(update={"annotations": annotations})


def to_stance(text: str, label: Label) -> StanceRow:
    """The label with its evidence as the file quotes it; BadSpan where offsets and words differ."""
    quotes: list[str | QuoteRow] = []
    for span in label.evidence:
        if text[span.start : span.end] != span.text or not span.text:
            raise BadSpan(f"characters {span.start} to {span.end} of the text are not {span.text!r}")
        starts = occurrences(text, span.text)
        nth = starts.index(span.start) + 1
        quotes.append(span.text if len(starts) == 1 else QuoteRow(text=span.text, occurrence=nth))
    return StanceRow.model_validate({**label.model_dump(exclude={"evidence"}), "evidence": quotes})


def problems(
    row: ArticleRow, document: Document, annotator: str, *, gold: bool, differ: set[tuple[str, str]]
) -> list[Problem]:
    """Why the document's labels cannot go into the file yet; empty when they can. `row` says whether all pairs are wanted.

    `differ` are the pairs for which gold needs a reason.
    """
    bare = put_declarations(row, document, annotator).model_copy(update={"annotations": [], "gold": None})
    bare = put_stances(bare, document, annotator, gold=False)
    labels = bare.annotations[0].stances if bare.annotations else []
    listed: list[Problem] = []
    for error, loc in check(bare):
        pair = labels[loc[3]] if len(loc) > 3 and loc[0] == "annotations" and isinstance(loc[3], int) else None
        if pair is not None:
            listed.append(Problem(message=error, speaker=pair.speaker, target=pair.target))
        elif loc[:1] != ("annotations",):
            listed.append(Problem(message=error))
    done = {(s.speaker, s.target) for s in labels}
    if row.complete:
        for speaker, target in product(document.speakers, document.targets):
            if (speaker.id, target.id) not in done:
                listed.append(Problem(message="not labelled", speaker=speaker.id, target=target.id))
    if gold:
        for label in labels:
            if (label.speaker, label.target) in differ and not (label.reason or "").strip():
                listed.append(
                    Problem(
                        message="the annotators differ: gold needs a reason", speaker=label.speaker, target=label.target
                    )
                )
    if not document.speakers:
        listed.append(Problem(message="no speaker is declared"))
    return listed


def check(row: ArticleRow) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """What is wrong with a row: message and place in it."""
    for error in check_article(row, lambda loc: Place("", None, json.dumps(loc))):
        yield error.message.removeprefix(f"{error.place}: "), tuple(json.loads(error.place.field or "[]"))


def version(*parts: Any) -> str:
    """Hash of what an edit was based on: a save against another one is refused."""
    return content_hash(list(parts))[:24]


def speaker_of(row: SpeakerRow) -> Speaker:
    """The declared speaker as the metrics know it."""
    return Speaker(**{**row.model_dump(), "aliases": tuple(row.aliases)})


def _fields(thing: Any) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in thing.__dataclass_fields__}
