"""Discourse Network Analyzer 2 (`.dna`, SQLite): documents with coded statements of actors on concepts; import.

Mapping: document → article (title, date, Notes as url or note); variable person → speaker, organization → its side, concept →
target; agreement 1 → `support`, 0 → `oppose` (of an integer scale the sign, 0 → `neutral`); a statement's passage → evidence.
Several statements of one person on one concept in one document are one stance with all passages as evidence: the common one;
where they conflict, `neutral` with basis `both_sides` and a note with the agreement of each passage. The statements of a
document with one coder are its gold, those of several coders are annotations. The set is incomplete: no statement says
nothing. In a transcript the full names of its speech headings become aliases. Offsets count UTF-16 units (DNA is Java).
`mapping`: `concepts: {"22 - war": {id, proposition, direction, rung}}`; `variables: {person: ..., organization: ...,
concept: ..., agreement: ...}` where they have other names; `event: document | date`. Not carried: statement types without
these variables, links between statements, regular expressions, colours, permissions, passwords. The way back is
`dna_write`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data.formats.base import Ids, article_from, guard, metadata_or_new, unique
from harness.data.formats.dna_write import NOTES_KEY, concept_names, person_names, save
from harness.data.formats.ledger import Imported, Loss
from harness.data.formats.offsets import Offsets
from harness.data.formats.spans import AGREEMENTS, Span, stances_from
from harness.data.load import MAX_BYTES
from harness.data.plain_texts import slug
from harness.data.speeches import same_person, speeches
from harness.errors import DataError, Place
from harness.types import ESCALATION, ESCALATION_PROPOSITION, Article, Stance

__all__ = ["load", "save"]

_NEEDED = ("SETTINGS", "CODERS", "DOCUMENTS", "STATEMENTS", "STATEMENTTYPES", "VARIABLES")
_VALUES = {
    "short text": "DATASHORTTEXT",
    "long text": "DATALONGTEXT",
    "boolean": "DATABOOLEAN",
    "integer": "DATAINTEGER",
}
_ROLES = ("person", "organization", "concept", "agreement")


@dataclass(frozen=True)
class Statement:
    """One row of STATEMENTS with its values; offsets as stored."""

    id: int
    document: int
    start: int
    stop: int
    coder: str
    person: str
    organization: str
    concept: str
    agreement: int
    scale: bool


@dataclass(frozen=True)
class Document:
    """One row of DOCUMENTS."""

    id: int
    title: str
    text: str
    about: str
    source: str
    notes: str
    date: dt.date | None


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """Every document an article."""
    losses: list[Loss] = []
    place = Place(str(path))
    if guard(path).open("rb").read(16) != b"SQLite format 3\0":
        raise DataError(place, "not a .dna file (SQLite)", hint="export it from Discourse Network Analyzer 2")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * MAX_BYTES)
            db.execute("PRAGMA trusted_schema = OFF")
            db.execute("PRAGMA cell_size_check = ON")
            _check_tables(db, place)
            documents = list(_documents(db))
            statements = list(_statements(db, mapping.get("variables") or {}, losses, place))
            _count_rest(db, losses)
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise DataError(place, f"malformed .dna file: {error}") from None
    by_document: dict[int, list[Statement]] = {d.id: [] for d in documents}
    for s in statements:
        if s.document in by_document:
            by_document[s.document].append(s)
        else:
            losses.append(Loss(f"statement {s.id}", f"its document {s.document} does not exist: left out"))
    names = _Names(mapping, sorted({s.concept for s in statements}))
    articles = [_article(d, by_document[d.id], names, losses, place) for d in documents]
    card = {"complete": all(a.complete for a in articles), "language": str(mapping.get("language", "en"))}
    return Imported(unique(articles, path), card, tuple(losses))


def _check_tables(db: sqlite3.Connection, place: Place) -> None:
    # a view under a table's name could compute for ever
    kinds = dict(db.execute("SELECT upper(name), type FROM sqlite_master WHERE type IN ('table', 'view')"))
    missing = [t for t in (*_NEEDED, *_VALUES.values()) if kinds.get(t) != "table"]
    if missing:
        version = "; files of version 3 have another shape" if "ENTITIES" in kinds else ""
        raise DataError(
            place,
            f"no table {', '.join(missing)}: not a file of Discourse Network Analyzer 2{version}",
            hint="save it with version 2, or export its statements as a table and use --format csv_table",
        )


def _documents(db: sqlite3.Connection) -> Iterator[Document]:
    rows = db.execute("SELECT ID, Title, Text, Author, Source, Section, Type, Notes, Date FROM DOCUMENTS ORDER BY ID")
    for number, title, text, author, source, section, kind, notes, stamp in rows:
        extra = {"author": author, "section": section, "type": kind}
        about = "; ".join(f"{k}: {v}" for k, v in extra.items() if v)
        date = None
        if isinstance(stamp, int):
            try:
                date = dt.datetime.fromtimestamp(stamp / 1000, tz=dt.UTC).date()
            except (OverflowError, ValueError, OSError):
                date = None
        yield Document(number, str(title or ""), str(text or ""), about, str(source or ""), str(notes or ""), date)


def _statements(
    db: sqlite3.Connection, names: Mapping[str, str], losses: list[Loss], place: Place
) -> Iterator[Statement]:
    """Statements of every type that has the four variables."""
    wanted = {role: str(names.get(role, role)) for role in _ROLES}
    variables: dict[int, dict[str, tuple[int, str]]] = {}
    for number, name, kind, of_type in db.execute("SELECT ID, Variable, DataType, StatementTypeId FROM VARIABLES"):
        variables.setdefault(of_type, {})[str(name)] = (number, str(kind))
    coders = {n: str(name or f"coder {n}") for n, name in db.execute("SELECT ID, Name FROM CODERS")}
    found = False
    for of_type, label in db.execute("SELECT ID, Label FROM STATEMENTTYPES ORDER BY ID"):
        own = variables.get(of_type, {})
        n = db.execute("SELECT count(*) FROM STATEMENTS WHERE StatementTypeId = ?", (of_type,)).fetchone()[0]
        if any(wanted[r] not in own for r in ("person", "concept", "agreement")):
            if n:
                losses.append(Loss(f"statement type {label!r}", f"{n} statements have no actor, concept and agreement"))
            continue
        found = True
        values = {}
        for role in _ROLES:
            number, kind = own.get(wanted[role], (-1, "short text"))
            if kind not in _VALUES:
                raise DataError(place, f"variable {wanted[role]!r} has the unknown type {kind!r}")
            query = f"SELECT StatementId, Value FROM {_VALUES[kind]} WHERE VariableId = ?"
            values[role] = dict(db.execute(query, (number,)))
        scale = own[wanted["agreement"]][1] == "integer"
        others = sorted(set(own) - set(wanted.values()))
        if others and n:
            losses.append(Loss(f"statement type {label!r}", f"variables {', '.join(others)} not carried"))
        rows = db.execute(
            "SELECT ID, DocumentId, Start, Stop, Coder FROM STATEMENTS WHERE StatementTypeId = ? ORDER BY ID",
            (of_type,),
        )
        for number, document, start, stop, coder in rows:
            person, concept = str(values["person"].get(number) or ""), str(values["concept"].get(number) or "")
            agreement = values["agreement"].get(number)
            if not person.strip() or not concept.strip() or not isinstance(agreement, int):
                losses.append(Loss(f"statement {number}", "no person, concept or agreement: left out"))
                continue
            organization = str(values["organization"].get(number) or "")
            who = coders.get(coder, f"coder {coder}")
            yield Statement(number, document, start, stop, who, person, organization, concept, agreement, scale)
    if not found:
        raise DataError(
            place,
            f"no statement type has the variables {', '.join(wanted[r] for r in ('person', 'concept', 'agreement'))}",
            hint="name them in --mapping: variables: {person: ..., concept: ..., agreement: ...}",
        )


def _count_rest(db: sqlite3.Connection, losses: list[Loss]) -> None:
    for table, what in (("STATEMENTLINKS", "links between statements"), ("REGEXES", "regular expressions")):
        kind = db.execute("SELECT type FROM sqlite_master WHERE upper(name) = ?", (table,)).fetchone()
        n = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] if kind == ("table",) else 0
        if n:
            losses.append(Loss(table, f"{n} {what} not carried"))


class _Names:
    """Ids of concepts and people in the whole file, and what the mapping says of concepts."""

    def __init__(self, mapping: Mapping[str, Any], concepts: list[str]) -> None:
        self.concepts = concepts
        self.book: Mapping[str, Mapping[str, Any]] = mapping.get("concepts") or {}
        self.by_date = mapping.get("event", "document") == "date"
        self._concept, self._person, self.article = Ids("concept"), Ids("speaker"), Ids("document")

    def target(self, concept: str) -> dict[str, Any]:
        """The target that a concept becomes."""
        return {"id": self._concept(concept), "proposition": concept, **self.book.get(concept, {})}

    def person(self, name: str) -> str:
        """The id of a person."""
        return self._person(name)


def _article(document: Document, own: list[Statement], names: _Names, losses: list[Loss], place: Place) -> Article:
    carried = _carried(document.notes)
    place = Place(place.file, field=f"document {document.id}")
    about = carried["article"] if carried else _new_row(document, own, names, losses)
    row = metadata_or_new(about, document.text, document.title, place)
    people = {name: s for s, name in person_names(row["speakers"]).items()}
    targets = {name: x for x, name in concept_names(row["targets"], names.book).items()}
    offsets = Offsets(document.text, "utf16")
    by_coder: dict[str, list[tuple[Span, Statement]]] = {c: [] for c in carried.get("annotators", [])}
    for s in own:
        start, end = offsets.back(s.start), offsets.back(s.stop)
        speaker = people.get(s.person) if carried else names.person(s.person)
        target = targets.get(s.concept) if carried else names.target(s.concept)["id"]
        if start is None or end is None or start >= end or speaker is None or target is None:
            losses.append(
                Loss(f"statement {s.id}", f"{s.start}-{s.stop} of {document.title!r} cannot be placed: left out")
            )
            continue
        by_coder.setdefault(s.coder, []).append((Span(start, end, speaker, target, _stance(s)), s))
    gold = carried.get("gold") or ({"coder": next(iter(by_coder))} if len(by_coder) == 1 and not carried else {})
    for coder, coded in by_coder.items():
        stances = _stances(row, coded, coder, losses)
        if coder == gold.get("coder"):
            row["gold"] = {"adjudicator": gold.get("adjudicator", coder), "stances": stances}
        else:
            row["annotations"].append({"annotator": coder, "stances": stances})
    if any(s.scale for s in own):
        losses.append(Loss(document.title, "agreement on an integer scale: only its sign is kept"))
    return article_from(row, place)


def _stance(s: Statement) -> Stance:
    if s.scale:
        return Stance.SUPPORT if s.agreement > 0 else Stance.OPPOSE if s.agreement < 0 else Stance.NEUTRAL
    return Stance.SUPPORT if s.agreement else Stance.OPPOSE


def _stances(
    row: Mapping[str, Any], coded: list[tuple[Span, Statement]], coder: str, losses: list[Loss]
) -> list[dict[str, Any]]:
    found = stances_from(row, [s for s, _ in coded], f"{row['id']}: {coder}", lambda w, x: losses.append(Loss(w, x)))
    for stance in found:
        if stance["stance"] == Stance.NEUTRAL:
            own = [st.agreement for s, st in coded if (s.speaker, s.target) == (stance["speaker"], stance["target"])]
            stance["note"] = AGREEMENTS + ", ".join(map(str, own))
    return found


def _carried(notes: str) -> dict[str, Any]:
    """What `dna_write` left in a document's notes; empty for other people's documents."""
    if not notes.startswith("{"):
        return {}
    try:
        found = json.loads(notes)
    except (json.JSONDecodeError, RecursionError):
        return {}
    inner = found.get(NOTES_KEY) if isinstance(found, dict) else None
    return inner if isinstance(inner, dict) and isinstance(inner.get("article"), dict) else {}


def _new_row(document: Document, own: list[Statement], names: _Names, losses: list[Loss]) -> dict[str, Any]:
    identifier = names.article(document.title)
    date = document.date
    dated = re.match(r"\d{4}-\d\d-\d\d", document.title)
    if dated and date and dated.group() != date.isoformat():
        losses.append(Loss(document.title, f"its date {date} contradicts its title: the title's is taken"))
        date = dt.date.fromisoformat(dated.group())
    url = document.notes if document.notes.startswith(("http://", "https://")) else None
    note = "; ".join(filter(None, [document.about, None if url else document.notes])) or None
    source = {"kind": "news", "publisher": document.source or None, "date": date, "url": url, "note": note}
    concepts = [c for c in names.concepts if any(s.concept == c for s in own)] or names.concepts
    targets = [names.target(c) for c in concepts] or [{"id": ESCALATION, "proposition": ESCALATION_PROPOSITION}]
    event = slug(str(date)) if names.by_date and date else identifier
    return {
        "id": identifier,
        "title": document.title.strip() or identifier,
        "event": event,
        "complete": False,
        "source": source,
        "targets": targets,
        "speakers": [_speaker(name, own, document, names, losses) for name in dict.fromkeys(s.person for s in own)],
    }


def _speaker(name: str, own: list[Statement], document: Document, names: _Names, losses: list[Loss]) -> dict[str, Any]:
    sides = Counter(s.organization for s in own if s.person == name and s.organization)
    side = sides.most_common(1)[0][0] if sides else None
    if len(sides) > 1:
        losses.append(
            Loss(f"{document.title}: {name}", f"of the organizations {', '.join(sides)} only {side!r} is kept")
        )
    headed = dict.fromkeys(s.name for s in speeches(document.text) if s.name and same_person(name, s.name))
    return {"id": names.person(name), "name": name, "aliases": [h for h in headed if h != name], "side": side}
