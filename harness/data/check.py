"""What must hold inside one article beyond its shape: names are declared, evidence is in the text, pairs are labelled once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

from harness.data.schema import ArticleRow, ContrastRow, QuoteRow, StanceRow, occurrences
from harness.errors import DataError, Place, nearest_hint
from harness.types import ESCALATION, Stance

Where = Callable[[tuple[str | int, ...]], Place]


def check_article(row: ArticleRow, where: Where) -> Iterator[DataError]:
    """Everything wrong with one article, in file order."""
    targets = [x.id for x in row.targets]
    speakers = [s.id for s in row.speakers]
    yield from _unique(targets, "targets", where)
    yield from _unique(speakers, "speakers", where)
    if row.complete and ESCALATION not in targets:
        yield DataError(
            where(("targets",)),
            f"the target {ESCALATION!r} is missing",
            hint="every article has it: see GUIDELINES.md; a set without it says complete: false in dataset.yaml",
        )
    for i, target in enumerate(row.targets):
        if target.parent is not None:
            if target.parent not in targets:
                yield _undeclared(target.parent, targets, "target", where(("targets", i, "parent")))
            if target.parent == target.id:
                yield DataError(where(("targets", i, "parent")), "a target is not its own parent")
    names = [a.annotator for a in row.annotations]
    for i, name in enumerate(names):
        if name in names[:i]:
            yield DataError(where(("annotations", i, "annotator")), f"annotator {name!r} stands twice")
    for i, annotation in enumerate(row.annotations):
        yield from _check_stances(row, annotation.stances, ("annotations", i, "stances"), where)
    if row.gold:
        yield from _check_stances(row, row.gold.stances, ("gold", "stances"), where)
    if row.contrast:
        yield from _check_contrast(row, row.contrast, where)
    if row.canary and any(row.canary in text for text in (row.title, row.text)):
        yield DataError(where(("canary",)), "the canary stands in the text", hint="it belongs into the file alone")


def _check_contrast(row: ArticleRow, contrast: ContrastRow, where: Where) -> Iterator[DataError]:
    """A contrast changes the text, and of gold at least one label; what it does not list stays as it is."""
    at = ("contrast", "stances")
    if contrast.text == row.text:
        yield DataError(where(("contrast", "text")), "the contrast's text is the article's own")
    if row.gold is None:
        yield DataError(where(("contrast",)), "a contrast changes gold labels, and there are none", hint="add gold:")
        return
    yield from _check_stances(row, contrast.stances, at, where, text=contrast.text, complete=False)
    gold = {(s.speaker, s.target): s.stance for s in row.gold.stances}
    for i, stance in enumerate(contrast.stances):
        if gold.get((stance.speaker, stance.target)) is stance.stance:
            yield DataError(
                where((*at, i)),
                f"{stance.speaker} on {stance.target} is {stance.stance} in gold already",
                hint="list only the labels that the edit changes",
            )


def _check_stances(
    row: ArticleRow,
    stances: Sequence[StanceRow],
    at: tuple[str | int, ...],
    where: Where,
    *,
    text: str | None = None,
    complete: bool = True,
) -> Iterator[DataError]:
    """What is wrong with one list of labels; their evidence stands in `text`, the article's where none is given."""
    text = row.text if text is None else text
    targets = [x.id for x in row.targets]
    speakers = [s.id for s in row.speakers]
    seen: set[tuple[str, str]] = set()
    for i, stance in enumerate(stances):
        here = (*at, i)
        if stance.speaker not in speakers:
            yield _undeclared(stance.speaker, speakers, "speaker", where((*here, "speaker")))
        if stance.target not in targets:
            yield _undeclared(stance.target, targets, "target", where((*here, "target")))
        pair = (stance.speaker, stance.target)
        if pair in seen:
            yield DataError(where(here), f"{pair[0]} on {pair[1]} is labelled twice", hint="keep one of them")
        seen.add(pair)
        if stance.basis is not None and stance.stance is not Stance.NEUTRAL:
            yield DataError(where((*here, "basis")), "only a neutral stance has a basis")
        if stance.modality == "conditional" and not stance.condition:
            yield DataError(
                where((*here, "modality")), "a conditional stance needs its condition", hint="add condition:"
            )
        if stance.stance is not Stance.NO_STANCE and not stance.evidence:
            yield DataError(where(here), f"{stance.stance} without evidence", hint="copy the passage that shows it")
        for j, quote in enumerate(stance.evidence):
            if problem := _quote_problem(text, quote):
                yield DataError(where((*here, "evidence", j)), problem[0], hint=problem[1])
    for pair in product(speakers, targets) if row.complete and complete else ():
        if pair not in seen:
            yield DataError(
                where(at),
                f"{pair[0]} on {pair[1]} is not labelled",
                hint="every declared pair is: use no_stance, or say complete: false in dataset.yaml",
            )


def _quote_problem(text: str, quote: str | QuoteRow) -> tuple[str, str | None] | None:
    """What is wrong with a quotation, and a hint; None where it stands in the text as it should."""
    passage = quote if isinstance(quote, str) else quote.text
    starts = occurrences(text, passage)
    if not starts:
        return f"evidence is not in the text: {passage!r}", f"nearest passage: {nearest_passage(text, passage)!r}"
    if isinstance(quote, str) and len(starts) > 1:
        several = f"evidence stands {len(starts)} times in the text: {passage!r}"
        return several, "extend it until it is unique, or give {text: ..., occurrence: 1}"
    if not isinstance(quote, str) and quote.occurrence > len(starts):
        return f"occurrence {quote.occurrence} of {passage!r}: the text has {len(starts)}", None
    return None


def nearest_passage(text: str, passage: str) -> str:
    """The part of `text` that is most like `passage`, widened to whole words."""
    from rapidfuzz import fuzz

    found = fuzz.partial_ratio_alignment(passage, text)
    if found is None:
        return ""
    # of the two, the alignment's "dest" lies in the longer string
    start, end = (found.dest_start, found.dest_end) if len(passage) <= len(text) else (found.src_start, found.src_end)
    start, end = min(start, len(text)), min(end, len(text))
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    return text[start:end]


def _unique(ids: Sequence[str], field: str, where: Where) -> Iterator[DataError]:
    for i, name in enumerate(ids):
        if name in ids[:i]:
            yield DataError(where((field, i, "id")), f"duplicate id {name!r}")


def _undeclared(name: str, known: Sequence[str], kind: str, place: Place) -> DataError:
    hint = nearest_hint(name, known) + f"declared: {', '.join(known)}"
    return DataError(place, f"{kind} {name!r} is not declared", hint=hint)
