"""Discourse Network Analyzer 2 and 3 (`.dna`, SQLite): documents with coded statements of actors on concepts; import.

Mapping: document → article (title, date, Notes as url or note); variable person → speaker (its attribute Type → role, if that is
not the side, Alias → aliases), organization → its side, concept → target; agreement 1 → `support`, 0 → `oppose` (of an integer
scale the sign, 0 → `neutral`); a statement's passage → evidence. Several statements of one person on one concept in one
document are one stance with all passages as evidence: the common one; where they conflict, `neutral` with basis
`both_sides` and a note with the agreement of each passage. The statements of a document with one coder are its gold, those
of several coders are annotations. The set is incomplete: no statement says nothing. In a transcript the full names of its
speech headings become aliases. Offsets count UTF-16 units (DNA is Java).

`mapping`: `concepts: {"22 - war": {id, proposition, direction, rung}}` (or `targets:`, the same); `variables: {person: ...,
organization: ..., concept: ..., agreement: ...}` where they have other names; `types: {DNA Statement: {}, Frame: {person:
source, ...}}` names the statement types to read, with variables of their own (else every type that has the variables is
read); `stances:` says what other values of agreement mean (`stances: {-2: oppose, -1: lean_oppose}`); `event: document |
date`. Listed as losses: statements of other types, other variables and attributes, values that no statement uses, links,
regular expressions. Colours, permissions and passwords are bookkeeping. The way back is `dna_write`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.data.formats.base import Ids, metadata_or_new, unique
from harness.data.formats.dna_tables import (
    BOOKKEEPING,
    Document,
    Statement,
    Tables,
    Variable,
    count_unused,
    read_tables,
)
from harness.data.formats.dna_write import NOTES_KEY, concept_names, person_names, save
from harness.data.formats.labels import Labels
from harness.data.formats.layers import Layers
from harness.data.formats.ledger import Imported, Ledger
from harness.data.formats.offsets import Offsets
from harness.data.formats.spans import AGREEMENTS, Span
from harness.data.plain_texts import slug
from harness.errors import DataError, Place
from harness.text.speeches import same_person, speeches
from harness.types import ESCALATION, ESCALATION_PROPOSITION, Article, Stance

__all__ = ["BOOKKEEPING", "load", "save"]

_ROLES = ("person", "organization", "concept", "agreement")
_CARRIED = {"Type": "role", "Alias": "aliases"}
"""Attributes of a person, and where an article keeps them."""


@dataclass(frozen=True)
class Coded:
    """A statement of a person on a concept; offsets as stored; `stance` None for a label that is unlabelled."""

    id: int
    document: int
    start: int
    stop: int
    coder: str
    person: str
    person_variable: int
    organization: str
    concept: str
    agreement: Any
    stance: Stance | None
    scale: bool


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """Every document an article."""
    ledger = Ledger(BOOKKEEPING)
    tables = read_tables(path, ledger)
    book = {**(mapping.get("concepts") or {}), **(mapping.get("targets") or {})}
    labels = Labels({**mapping, "targets": book}, ledger)
    read = _types(tables, mapping, Place(str(path)))
    coded = [c for s in tables.statements if (c := _coded(s, tables, read, labels, ledger, path)) is not None]
    _count_types(tables, read, ledger)
    count_unused(tables, read, _CARRIED, ledger)
    by_document: dict[int, list[Coded]] = {d.id: [] for d in tables.documents}
    for s in coded:
        if s.document in by_document:
            by_document[s.document].append(s)
        else:
            ledger.lose(f"statement {s.id}", f"its document {s.document} does not exist: left out")
    names = _Names(mapping, book, labels, sorted({s.concept for s in coded}), tables, path)
    articles = [_Document(d, by_document[d.id], names, ledger).article() for d in tables.documents]
    card = {"complete": all(a.complete for a in articles), "language": str(mapping.get("language", "en"))}
    return ledger.imported(unique(articles, path), card)


def _types(tables: Tables, mapping: Mapping[str, Any], place: Place) -> dict[int, dict[str, Variable]]:
    """By statement type that is read, the variable of each role that it has."""
    wanted = mapping.get("types")
    if isinstance(wanted, str | list):
        wanted = {str(label): {} for label in ([wanted] if isinstance(wanted, str) else wanted)}
    if wanted is not None and (unknown := sorted(set(map(str, wanted)) - set(tables.types.values()))):
        hint = f"the file has {', '.join(tables.types.values())}"
        raise DataError(Place("mapping", field="types"), f"unknown: {', '.join(unknown)}", hint=hint)
    read = {}
    for number, label in tables.types.items():
        if wanted is not None and label not in wanted:
            continue
        names = {**(mapping.get("variables") or {}), **((wanted or {}).get(label) or {})}
        variables = {v.name: v for v in tables.variables.values() if v.statement_type == number}
        roles = {
            role: variables[str(names.get(role, role))] for role in _ROLES if str(names.get(role, role)) in variables
        }
        if {"person", "concept", "agreement"} <= roles.keys():
            read[number] = roles
        elif wanted is not None:
            lacking = ", ".join(
                str(names.get(role, role)) for role in ("person", "concept", "agreement") if role not in roles
            )
            hint = f"types: {{{label}: {{person: ..., concept: ..., agreement: ...}}}}; it has {', '.join(variables)}"
            raise DataError(Place("mapping", field=f"types.{label}"), f"has no variable {lacking}", hint=hint)
    if not read:
        names = mapping.get("variables") or {}
        raise DataError(
            place,
            f"no statement type has the variables {', '.join(str(names.get(r, r)) for r in ('person', 'concept', 'agreement'))}",
            hint="name them in --mapping: variables: {person: ..., concept: ..., agreement: ...}",
        )
    return read


def _count_types(tables: Tables, read: Mapping[int, Any], ledger: Ledger) -> None:
    counts = Counter(s.statement_type for s in tables.statements if s.statement_type not in read)
    for number, n in sorted(counts.items()):
        label = tables.types.get(number, str(number))
        ledger.lose(f"statement type {label!r}", "statements without actor, concept and agreement are not carried", n)


def _coded(
    s: Statement, tables: Tables, read: Mapping[int, Mapping[str, Variable]], labels: Labels, ledger: Ledger, path: Path
) -> Coded | None:
    roles = read.get(s.statement_type)
    if roles is None:
        return None
    person, concept = (str(s.values.get(roles[role].id) or "") for role in ("person", "concept"))
    agreement = s.values.get(roles["agreement"].id)
    if not person.strip() or not concept.strip() or agreement in (None, ""):
        ledger.lose(f"statement {s.id}", "no person, concept or agreement: left out")
        return None
    organization = str(s.values.get(roles["organization"].id) or "") if "organization" in roles else ""
    place = Place(str(path), field=f"statement {s.id}")
    kind = roles["agreement"].kind
    explained = labels.knows(str(agreement))
    scale = kind == "integer" and not explained
    if kind in ("boolean", "integer") and not explained:
        if not isinstance(agreement, int):
            raise DataError(place, f"the agreement is {agreement!r}, no number")
        stance: Stance | None = _stance(agreement, scale)
    else:
        stance = labels.stance(str(agreement), place)
    who = (s.coder, person, roles["person"].id, organization, concept)
    return Coded(s.id, s.document, s.start, s.stop, *who, agreement, stance, scale)


def _stance(agreement: int, scale: bool) -> Stance:
    if scale:
        return Stance.SUPPORT if agreement > 0 else Stance.OPPOSE if agreement < 0 else Stance.NEUTRAL
    return Stance.SUPPORT if agreement else Stance.OPPOSE


class _Names:
    """Ids of concepts and people in the whole file, and what the mapping says of concepts."""

    def __init__(
        self,
        mapping: Mapping[str, Any],
        book: Mapping[str, Mapping[str, Any]],
        labels: Labels,
        concepts: list[str],
        tables: Tables,
        path: Path,
    ) -> None:
        self.concepts, self.book, self.labels, self.path = concepts, book, labels, path
        self.by_date = mapping.get("event", "document") == "date"
        self.article = Ids("document")
        self._attributes = tables.attributes

    def target(self, concept: str) -> dict[str, Any]:
        """The target that a concept becomes."""
        return self.labels.target_row(self.labels.target(concept, Place(str(self.path))))

    def aliases(self, statement: Coded) -> list[str]:
        """Other names of a statement's person: its attribute Alias, several with semicolons between them."""
        value = self._attributes.get((statement.person_variable, statement.person), {}).get("Alias", "")
        return [name.strip() for name in value.split(";") if name.strip()]

    def role(self, statement: Coded) -> str | None:
        """What a statement's person is: its attribute Type."""
        return self._attributes.get((statement.person_variable, statement.person), {}).get("Type")


class _Document:
    """One document with its statements."""

    def __init__(self, document: Document, coded: Sequence[Coded], names: _Names, ledger: Ledger) -> None:
        self._document, self._coded, self._names, self._ledger = document, coded, names, ledger

    def article(self) -> Article:
        """The article: labels of one coder are gold, of several annotations."""
        document, names = self._document, self._names
        place = Place(str(names.path), field=f"document {document.id}")
        carried = _carried(document.notes, self._ledger, place)
        row = metadata_or_new(carried["article"] if carried else self._new_row(), document.text, document.title, place)
        people = {name: s for s, name in person_names(row["speakers"]).items()}
        targets = {name: x for x, name in concept_names(row["targets"], names.book).items()}
        offsets = Offsets(document.text, "utf16")
        by_coder: dict[str, list[tuple[Span, Coded]]] = {c: [] for c in carried.get("annotators", [])}
        for s in self._coded:
            if s.stance is None:
                continue
            start, end = offsets.back(s.start), offsets.back(s.stop)
            speaker = people.get(s.person) if carried else names.labels.speaker(s.person)
            target = targets.get(s.concept) if carried else names.target(s.concept)["id"]
            if start is None or end is None or start >= end or speaker is None or target is None:
                what = f"{s.start}-{s.stop} of {document.title!r} cannot be placed: left out"
                self._ledger.lose(f"statement {s.id}", what)
                continue
            by_coder.setdefault(s.coder, []).append((Span(start, end, speaker, target, s.stance), s))
        layers = Layers(row, self._ledger, place)
        alone = {"coder": next(iter(by_coder))} if len(by_coder) == 1 and not carried else {}
        gold = carried.get("gold") or alone
        silent = carried.get("no_stance") or {}
        for coder, pairs in by_coder.items():
            who = gold.get("adjudicator", coder) if coder == gold.get("coder") else coder
            layers.add(
                names.labels.annotator(who),
                [span for span, _ in pairs],
                gold=coder == gold.get("coder"),
                silent=[(s, x) for s, x in silent.get(coder, [])],
                note=partial(_agreements, pairs),
            )
        if any(s.scale for s in self._coded):
            self._ledger.lose(document.title, "agreement on an integer scale: only its sign is kept")
        return layers.article()

    def _new_row(self) -> dict[str, Any]:
        document, names = self._document, self._names
        identifier = names.article(document.title)
        date = document.date
        dated = re.match(r"\d{4}-\d\d-\d\d", document.title)
        if dated and date and dated.group() != date.isoformat():
            self._ledger.lose(document.title, f"its date {date} contradicts its title: the title's is taken")
            date = dt.date.fromisoformat(dated.group())
        url = document.notes if document.notes.startswith(("http://", "https://")) else None
        note = "; ".join(filter(None, [document.about, None if url else document.notes])) or None
        source = {"kind": "news", "publisher": document.source or None, "date": date, "url": url, "note": note}
        coded = {s.concept for s in self._coded}
        concepts = [c for c in names.concepts if c in coded] or names.concepts
        targets = {x["id"]: x for x in map(names.target, concepts)}
        people = {names.labels.speaker(s.person): s for s in reversed(self._coded)}
        ordered = dict.fromkeys(names.labels.speaker(s.person) for s in self._coded)
        return {
            "id": identifier,
            "title": document.title.strip() or identifier,
            "event": slug(str(date)) if names.by_date and date else identifier,
            "complete": False,
            "source": source,
            "targets": list(targets.values()) or [{"id": ESCALATION, "proposition": ESCALATION_PROPOSITION}],
            "speakers": [self._speaker(identifier, people[identifier]) for identifier in ordered],
        }

    def _speaker(self, identifier: str, statement: Coded) -> dict[str, Any]:
        names, name = self._names, statement.person
        same = [s for s in self._coded if names.labels.speaker(s.person) == identifier]
        sides = Counter(s.organization for s in same if s.organization)
        side = sides.most_common(1)[0][0] if sides else None
        if len(sides) > 1:
            what = f"of the organizations {', '.join(sides)} only {side!r} is kept"
            self._ledger.lose(f"{self._document.title}: {name}", what)
        headed = [s.name for s in speeches(self._document.text) if s.name and same_person(name, s.name)]
        known = names.labels.speaker_row(identifier)
        aliases = dict.fromkeys([*known.get("aliases", []), *names.aliases(statement), *headed])
        role = names.role(statement)
        row = {"side": side, "role": role if role != side else None, **known}
        return {**row, "aliases": [a for a in aliases if a != row["name"]]}


def _agreements(coded: Sequence[tuple[Span, Coded]], pair: tuple[str, str]) -> str:
    return AGREEMENTS + ", ".join(str(s.agreement) for span, s in coded if (span.speaker, span.target) == pair)


def _carried(notes: str, ledger: Ledger, place: Place) -> dict[str, Any]:
    """What `dna_write` left in a document's notes; empty for other people's documents."""
    if not notes.startswith("{"):
        return {}
    try:
        content = json.loads(notes)
    except (json.JSONDecodeError, RecursionError):
        return {}
    inner = content.get(NOTES_KEY) if isinstance(content, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("article"), dict):
        return {}
    record = ledger.record(content, Place(place.file, field=f"{place.field}: Notes"))[NOTES_KEY]
    return {key: record.carry(key) for key in ("article", "annotators", "gold", "no_stance") if key in record}
