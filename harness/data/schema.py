"""The shape of an article file and of a dataset card, as pydantic models; the JSON Schema comes from here."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, replace
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    model_validator,
)

from harness import types as t

SAFE_ID = r"^[a-z0-9][a-z0-9._-]{0,127}$"
Id = Annotated[str, StringConstraints(pattern=SAFE_ID)]
Text = Annotated[str, StringConstraints(min_length=1)]
Loose = Annotated[str, BeforeValidator(lambda v: v.isoformat() if isinstance(v, dt.date) else str(v))]


NULL_IS_ABSENT = {"null": "absent"}
"""Context of validation for rows of tables and of JSON lines, which programs fill up with nulls; people's files have none."""


class Strict(BaseModel):
    """Refuses unknown fields: a misspelt one must not be ignored.

    Validated in the context `NULL_IS_ABSENT`, a field that is null has its default.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any, info: ValidationInfo) -> Any:
        if info.context is not NULL_IS_ABSENT or not isinstance(data, dict) or None not in data.values():
            return data
        known = _fields_of(cls)
        return {name: value for name, value in data.items() if value is not None or name not in known}


@cache
def _fields_of(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(model.model_fields)


class FactRow(Strict):
    """A public fact that the article rests on."""

    fact: Text
    date: Loose
    checked: Literal["opened", "from_memory"]


class SourceRow(Strict):
    """Where the text came from."""

    kind: t.SourceKind
    publisher: str | None = None
    date: dt.date | None = None
    url: str | None = None
    licence: str | None = None
    note: str | None = None
    facts: list[FactRow] = Field(default_factory=list)


class TargetRow(Strict):
    """A proposition that stances are about."""

    id: Id
    proposition: Text
    direction: t.Direction = "escalate"
    rung: Annotated[int, Field(ge=0, le=4)] | None = None
    parent: Id | None = None
    paraphrases: list[Text] = Field(default_factory=list)
    negated: Text | None = None


class SpeakerRow(Strict):
    """Someone to whom the article attributes words, a position or a decision."""

    id: Id
    name: Text
    aliases: list[Text] = Field(default_factory=list)
    side: str | None = None
    role: str | None = None
    kind: t.SpeakerKind = "person"
    main: bool = False


class SummaryRow(Strict):
    """A reference summary, written by hand."""

    annotator: Text
    text: Text


class QuoteRow(Strict):
    """Evidence that stands more than once in the text: `occurrence` (from 1) says which one is meant."""

    text: Text
    occurrence: Annotated[int, Field(ge=1)] = 1


class StanceRow(Strict):
    """The stance of one speaker on one target."""

    speaker: Id
    target: Id
    stance: t.Stance
    act: t.Act | None = None
    modality: t.Modality = "actual"
    condition: str | None = None
    basis: t.Basis | None = None
    evidence: list[Text | QuoteRow] = Field(default_factory=list)
    phenomena: list[Literal[t.PHENOMENA]] = Field(default_factory=list)  # type: ignore[valid-type]
    confidence: Annotated[int, Field(ge=1, le=3)] | None = None
    note: str | None = None
    reason: str | None = None


class AnnotationRow(Strict):
    """One annotator's labels; raw labels are never edited."""

    annotator: Text
    stances: list[StanceRow]


class GoldRow(Strict):
    """The adjudicated labels; `reason` stands where the annotators differed."""

    adjudicator: Text
    stances: list[StanceRow]


class ContrastRow(Strict):
    """A minimal edit of the article: its whole text, and the labels that it changes, with evidence from the edited text."""

    text: Text
    stances: Annotated[list[StanceRow], Field(min_length=1)]
    note: str | None = None


class ArticleRow(Strict):
    """One labelled article: text, targets, speakers, reference summaries, annotations, gold and what probes need."""

    id: Id
    title: Text
    text: Text
    event: Id
    split: t.Split = "test"
    language: str = "en"
    complete: bool = True
    source: SourceRow
    targets: Annotated[list[TargetRow], Field(min_length=1)]
    speakers: list[SpeakerRow] = Field(default_factory=list)
    summaries: list[SummaryRow] = Field(default_factory=list)
    annotations: list[AnnotationRow] = Field(default_factory=list)
    gold: GoldRow | None = None
    contrast: ContrastRow | None = None
    canary: Text | None = None
    added_speakers: list[SpeakerRow] = Field(default_factory=list)
    silent_names: list[Text] = Field(default_factory=list)

    @model_validator(mode="after")
    def _text_says_something(self) -> Self:
        if not self.text.strip():
            raise ValueError("text is empty")
        return self


class AnnotatorRow(Strict):
    """Who labelled, and how."""

    name: Text
    description: str = ""


class DatasetCard(Strict):
    """`dataset.yaml`: what the set is, after the datasheet of Gebru et al. (2021).

    `complete: false` says that (speaker, target) pairs may be left unlabelled and that articles may lack `escalation`.
    """

    name: Id
    version: Loose
    complete: bool = True
    description: str = ""
    language: str = "en"
    licence: str | None = None
    labels: list[t.Stance] = list(t.STANCES)
    annotators: list[AnnotatorRow] = Field(default_factory=list)
    motivation: str = ""
    composition: str = ""
    process: str = ""
    uses: str = ""
    limits: str = ""
    contact: str = ""


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of an article file, for editors."""
    schema = ArticleRow.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Labelled article"}


def occurrences(text: str, quote: str) -> list[int]:
    """Every start of `quote` in `text`, overlapping ones too, in code points; an empty quote stands nowhere."""
    starts = []
    at = text.find(quote) if quote else -1
    while at >= 0:
        starts.append(at)
        at = text.find(quote, at + 1)
    return starts


def to_article(row: ArticleRow) -> t.Article:
    """The frozen article; evidence must have been checked to stand in the text."""

    def stance(s: StanceRow, text: str) -> t.StanceLabel:
        return t.StanceLabel(
            **vars(s) | {"evidence": tuple(_locate(text, q) for q in s.evidence), "phenomena": tuple(s.phenomena)}
        )

    def annotation(who: str, stances: list[StanceRow]) -> t.Annotation:
        return t.Annotation(who, tuple(stance(s, row.text) for s in stances))

    def contrast(c: ContrastRow) -> t.Contrast:
        return t.Contrast(c.text, tuple(stance(s, c.text) for s in c.stances), c.note)

    # a model's own fields, not dumped: a large file has millions of records
    def speakers(rows: list[SpeakerRow]) -> tuple[t.Speaker, ...]:
        return tuple(t.Speaker(**vars(s) | {"aliases": tuple(s.aliases)}) for s in rows)

    return t.Article(
        id=row.id,
        title=row.title,
        text=row.text,
        event=row.event,
        split=row.split,
        language=row.language,
        complete=row.complete,
        source=t.Source(**vars(row.source) | {"facts": tuple(t.Fact(**vars(f)) for f in row.source.facts)}),
        targets=tuple(t.Target(**vars(x) | {"paraphrases": tuple(x.paraphrases)}) for x in row.targets),
        speakers=speakers(row.speakers),
        summaries=tuple(t.ReferenceSummary(**vars(s)) for s in row.summaries),
        annotations=tuple(annotation(a.annotator, a.stances) for a in row.annotations),
        gold=annotation(row.gold.adjudicator, row.gold.stances) if row.gold else None,
        contrast=contrast(row.contrast) if row.contrast else None,
        canary=row.canary,
        added_speakers=speakers(row.added_speakers),
        silent_names=tuple(row.silent_names),
    )


def to_row(article: t.Article) -> dict[str, Any]:
    """The article in the file's shape, JSON-able: the inverse of `to_article`; fields at their default are left out."""

    def quote(evidence: t.Evidence, text: str) -> str | dict[str, Any]:
        starts = occurrences(text, evidence.text)
        if len(starts) == 1:
            return evidence.text
        return {"text": evidence.text, "occurrence": starts.index(evidence.start) + 1}

    def stances(labels: tuple[t.StanceLabel, ...], text: str) -> list[dict[str, Any]]:
        plain = t.StanceLabel.__dataclass_fields__.keys() - {"evidence"}
        return [
            {name: getattr(s, name) for name in plain} | {"evidence": [quote(e, text) for e in s.evidence]}
            for s in labels
        ]

    # labels are most of an article, and are written in their own way
    raw, text = asdict(replace(article, annotations=(), gold=None)), article.text
    raw["annotations"] = [{"annotator": a.annotator, "stances": stances(a.stances, text)} for a in article.annotations]
    raw["gold"] = article.gold and {
        "adjudicator": article.gold.annotator,
        "stances": stances(article.gold.stances, text),
    }
    if article.contrast:
        raw["contrast"]["stances"] = stances(article.contrast.stances, article.contrast.text)
    return ArticleRow.model_validate(raw).model_dump(mode="json", exclude_defaults=True)


def _locate(text: str, quote: str | QuoteRow) -> t.Evidence:
    passage, nth = (quote, 1) if isinstance(quote, str) else (quote.text, quote.occurrence)
    start = occurrences(text, passage)[nth - 1]
    return t.Evidence(passage, start, start + len(passage))
