"""Discourse Network Analyzer (`.dna`, SQLite): export of articles as documents and of evidence as coded statements.

The file is one of version 3 (`dna_version: 2` in the mapping makes one of version 2). Mapping: evidence → one statement with
person (the speaker's name; role and aliases as its attributes Type and Alias), organization (its side), concept (the target's
proposition, or the concept that the mapping's code book gives its id) and agreement: `support` and `lean_support` 1, `oppose` and
`lean_oppose` 0. A coder is an annotator or the adjudicator; version 3 asks for a coder's password, which is `sample`. What DNA
has no field for rides along in the document's notes (as JSON), so that `dna.load` restores it. Not carried: the step
between lean and full, `neutral` (unless its note holds the agreement of each passage) and `no_stance` with evidence,
attributes of labels, the order of labels.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from harness.data.formats.base import metadata
from harness.data.formats.dna_schema import PASSWORD, password_hash, schema, settings
from harness.data.formats.ledger import Loss
from harness.data.formats.offsets import Offsets
from harness.data.formats.spans import attributes_of, passage_signs
from harness.errors import DataError, Place, StoreError
from harness.runtime.files import replacing
from harness.types import Article, Dataset, Speaker, Stance, StanceLabel

NOTES_KEY = "stance-harness"
"""Under which an article's other fields ride along in a document's notes."""

LONGEST = 190
"""Characters of a name, a title or a concept in version 3."""

_VARIABLES = {
    "person": (1, "short text"),
    "organization": (2, "short text"),
    "concept": (3, "short text"),
    "agreement": (4, "boolean"),
}
_NAMED = tuple(number for number, kind in _VARIABLES.values() if kind == "short text")
_ATTRIBUTES = ("Type", "Alias", "Notes")
_RIGHTS = (
    "addDocuments",
    "editDocuments",
    "deleteDocuments",
    "importDocuments",
    "viewOthersDocuments",
    "editOthersDocuments",
    "addStatements",
    "viewOthersStatements",
    "editOthersStatements",
    "editCoders",
    "editStatementTypes",
    "editRegex",
)


def person_names(speakers: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What a speaker (by id) is called in DNA: the name, with the id where two share one."""
    return _unique({str(s["id"]): str(s["name"]) for s in speakers})


def concept_names(targets: Iterable[Mapping[str, Any]], book: Mapping[str, Any]) -> dict[str, str]:
    """What a target (by id) is called in DNA: the code book's concept of that id, else the proposition."""
    known = {str(entry.get("id") if isinstance(entry, Mapping) else entry): concept for concept, entry in book.items()}
    return _unique({str(x["id"]): known.get(str(x["id"]), str(x["proposition"])) for x in targets})


def _unique(names: dict[str, str]) -> dict[str, str]:
    every = [_short(n) for n in names.values()]
    return {
        i: _short(n, f" ({i})") if every.count(_short(n)) > 1 or not n.strip() or len(n) > LONGEST else n
        for i, n in names.items()
    }


def _short(text: str, end: str = "") -> str:
    """The text with its end, cut to what a field of version 3 holds."""
    return text + end if len(text + end) <= LONGEST else text[: LONGEST - 1 - len(end)] + "…" + end


def save(dataset: Dataset, path: Path, mapping: Mapping[str, Any]) -> list[Loss]:
    """One file for the whole dataset."""
    version = mapping.get("dna_version", 3)
    if version not in (2, 3):
        raise DataError(Place("mapping", field="dna_version"), f"{version!r}: 2 or 3")
    try:
        with replacing(path) as temporary, closing(sqlite3.connect(temporary)) as db, db:
            writer = _Writer(db, version, {**(mapping.get("concepts") or {}), **(mapping.get("targets") or {})})
            for number, article in enumerate(dataset, start=1):
                writer.document(number, article)
            writer.attributes()
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be written: {error}", hint="is there room, and may you write there?") from None
    return writer.losses


class _Writer:
    """Fills an empty file of a version."""

    def __init__(self, db: sqlite3.Connection, version: int, book: Mapping[str, Any]) -> None:
        self.losses: list[Loss] = []
        self._db, self._version, self._book = db, version, book
        self._coders: dict[str, int] = {}
        self._entities: dict[tuple[int, str], int] = {}
        self._people: dict[str, Speaker] = {}
        db.executescript(schema(version))
        db.executemany("INSERT INTO SETTINGS VALUES (?, ?)", settings(version).items())
        db.executemany(
            "INSERT INTO STATEMENTTYPES VALUES (?, ?, ?, ?, ?)",
            [(1, "DNA Statement", 239, 208, 51), (2, "Annotation", 211, 211, 211)],
        )
        db.executemany("INSERT INTO VARIABLES VALUES (?, ?, ?, 1)", [(n, v, k) for v, (n, k) in _VARIABLES.items()])
        db.execute("INSERT INTO VARIABLES VALUES (5, 'note', 'long text', 2)")
        self._hash = password_hash(PASSWORD, b"stance harness 3") if version == 3 else ""
        self._coder("Admin")
        for variable in _NAMED:
            self._entity(variable, "")

    def _coder(self, name: str) -> int:
        if name not in self._coders:
            number = self._coders[name] = len(self._coders) + 1
            row = (number, _short(name), self._hash)
            self._db.execute(
                "INSERT INTO CODERS (ID, Name, Red, Green, Blue, Password) VALUES (?, ?, 255, 255, 0, ?)", row
            )
            others = [n for n in self._coders.values() if n != number]
            if self._version == 3:
                pairs = [pair for other in others for pair in ((number, other), (other, number))]
                self._db.executemany("INSERT INTO CODERRELATIONS (Coder, OtherCoder) VALUES (?, ?)", pairs)
            else:
                rights = [(number, right) for right in _RIGHTS]
                self._db.executemany("INSERT INTO CODERPERMISSIONS (Coder, Type, Permission) VALUES (?, ?, 1)", rights)
        return self._coders[name]

    def _entity(self, variable: int, value: str) -> int:
        """The row of a value (version 3), or its number among the values (version 2)."""
        if (variable, value) not in self._entities:
            number = self._entities[variable, value] = len(self._entities) + 1
            if self._version == 3:
                row = (number, variable, value)
                self._db.execute(
                    "INSERT INTO ENTITIES (ID, VariableId, Value, Red, Green, Blue) VALUES (?, ?, ?, 0, 0, 0)", row
                )
        return self._entities[variable, value]

    def document(self, number: int, article: Article) -> None:
        """A document with the statements of all annotators."""
        about = metadata(article)
        layers = [(a.annotator, a) for a in article.annotations]
        carried: dict[str, Any] = {"article": about, "annotators": [name for name, _ in layers]}
        if article.gold:
            name = article.gold.annotator
            coder = f"{name} (gold)" if name in carried["annotators"] else name
            carried["gold"] = {"coder": coder, "adjudicator": name}
            carried["annotators"].append(coder)
            layers.append((coder, article.gold))
        carried["no_stance"] = {
            coder: [(s.speaker, s.target) for s in annotation.stances if s.stance is Stance.NO_STANCE]
            for coder, annotation in layers
        }
        notes = json.dumps({NOTES_KEY: carried}, ensure_ascii=False)
        about_document = (_short(article.title), article.text, _short(article.source.publisher or ""), notes)
        self._db.execute(
            "INSERT INTO DOCUMENTS (ID, Title, Text, Source, Notes, Coder, Author, Section, Type, Date) "
            "VALUES (?, ?, ?, ?, ?, 1, '', '', '', ?)",
            (number, *about_document, self._stamp(article)),
        )
        people = person_names(about.get("speakers", []))
        concepts = concept_names(about["targets"], self._book)
        self._people.update({people[s.id]: s for s in reversed(article.speakers)})
        sides = {s.id: s.side or "" for s in article.speakers}
        offsets = Offsets(article.text, "utf16")
        for coder, annotation in layers:
            self._coder(coder)
            for label in annotation.stances:
                values = (people[label.speaker], _short(sides[label.speaker]), concepts[label.target])
                where = f"{article.id}: {coder}: {label.speaker} on {label.target}"
                agreements = _agreements(label, where, self.losses)
                for evidence, agreement in zip(label.evidence, agreements, strict=False):
                    span = (offsets.out(evidence.start), offsets.out(evidence.end))
                    self._statement(number, span, self._coder(coder), values, agreement)

    def _stamp(self, article: Article) -> int | None:
        """Noon of the article's day in UTC; version 3 wants a date, 1970 stands for none."""
        if not article.source.date:
            return 0 if self._version == 3 else None
        noon = dt.datetime.combine(article.source.date, dt.time(12), tzinfo=dt.UTC)
        return int(noon.timestamp()) * (1 if self._version == 3 else 1000)

    def _statement(
        self, document: int, span: tuple[int, int], coder: int, values: tuple[str, ...], agreement: int
    ) -> None:
        statement = self._db.execute(
            "INSERT INTO STATEMENTS (StatementTypeId, DocumentId, Start, Stop, Coder) VALUES (1, ?, ?, ?, ?)",
            (document, *span, coder),
        ).lastrowid
        entities = [self._entity(variable, value) for variable, value in zip(_NAMED, values, strict=True)]
        if self._version == 3:
            rows: list[tuple[Any, ...]] = [(statement, v, e) for v, e in zip(_NAMED, entities, strict=True)]
            self._db.executemany("INSERT INTO DATASHORTTEXT (StatementId, VariableId, Entity) VALUES (?, ?, ?)", rows)
            self._db.execute(
                "INSERT INTO DATABOOLEAN (StatementId, VariableId, Value) VALUES (?, 4, ?)", (statement, agreement)
            )
            return
        rows = [(statement, variable, value) for variable, value in zip(_NAMED, values, strict=True)]
        columns = "(StatementId, VariableId, StatementTypeId, Value)"
        self._db.executemany(f"INSERT INTO DATASHORTTEXT {columns} VALUES (?, ?, 1, ?)", rows)
        self._db.execute(f"INSERT INTO DATABOOLEAN {columns} VALUES (?, 4, 1, ?)", (statement, agreement))

    def attributes(self) -> None:
        """What is known of each value: role and aliases of people."""
        if self._version == 3:
            names = [(v, name) for name in _ATTRIBUTES for v in _NAMED]
            self._db.executemany("INSERT INTO ATTRIBUTEVARIABLES (VariableId, AttributeVariable) VALUES (?, ?)", names)
        for (variable, value), number in sorted(self._entities.items()):
            person = self._people.get(value) if variable == _NAMED[0] else None
            about = {"Type": person.role or "", "Alias": "; ".join(person.aliases)} if person else {}
            if self._version == 3:
                rows = [
                    (number, names.index((variable, name)) + 1, _short(about.get(name, ""))) for name in _ATTRIBUTES
                ]
                columns = "(EntityId, AttributeVariableId, AttributeValue)"
                self._db.executemany(f"INSERT INTO ATTRIBUTEVALUES {columns} VALUES (?, ?, ?)", rows)
                continue
            self._db.execute(
                "INSERT INTO ATTRIBUTES (VariableId, Value, Red, Green, Blue, Type, Alias, Notes, ChildOf) "
                "VALUES (?, ?, 0, 0, 0, ?, ?, '', '')",
                (variable, value, about.get("Type", ""), about.get("Alias", "")),
            )


def _agreements(label: StanceLabel, where: str, losses: list[Loss]) -> list[int]:
    """The agreement of each passage; empty for a label that DNA cannot say."""
    extra = attributes_of(label)
    degree = label.stance.degree
    if degree == 0:
        signs = passage_signs(label)
        if len(set(signs)) == 2 and 0 not in signs:
            return [int(sign > 0) for sign in signs]
        losses.append(Loss(where, "neutral: agreement is 1 or 0, not carried"))
        return []
    if degree is None:
        if label.evidence or extra:
            losses.append(Loss(where, "no_stance is said by silence: its evidence and attributes are not carried"))
        return []
    if abs(degree) == 1:
        losses.append(Loss(where, f"{label.stance} became {'support' if degree > 0 else 'oppose'}"))
    if extra:
        losses.append(Loss(where, f"{', '.join(extra)} not carried"))
    return [1 if degree > 0 else 0] * len(label.evidence)
