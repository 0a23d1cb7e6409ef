"""Discourse Network Analyzer 2 (`.dna`): export of articles as documents and of evidence as coded statements.

Mapping: evidence → one statement with person (the speaker's name), organization (its side), concept (the target's proposition, or
the concept that the mapping's code book gives its id) and agreement: `support` and `lean_support` 1, `oppose` and `lean_oppose`
0. A coder is an annotator or the adjudicator. What DNA has no field for rides along in the document's notes (as JSON), so
that `dna.load` restores it. Not carried: the step between lean and full, `neutral` (unless its note holds the agreement
of each passage) and `no_stance` with evidence, attributes of labels, the order of labels.
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
from harness.data.formats.ledger import Loss
from harness.data.formats.offsets import Offsets
from harness.data.formats.spans import attributes_of, passage_signs
from harness.files import replacing
from harness.types import Article, Dataset, StanceLabel

NOTES_KEY = "stance-harness"
"""Under which an article's other fields ride along in a document's notes."""

_TABLES = """
CREATE TABLE SETTINGS(Property TEXT PRIMARY KEY, Value TEXT);
CREATE TABLE CODERS(ID INTEGER NOT NULL PRIMARY KEY, Name TEXT, Red INTEGER, Green INTEGER, Blue INTEGER, Password TEXT);
CREATE TABLE DOCUMENTS(ID INTEGER NOT NULL PRIMARY KEY, Title TEXT, Text TEXT, Coder INTEGER, Author TEXT, Source TEXT,
  Section TEXT, Notes TEXT, Type TEXT, Date INTEGER, FOREIGN KEY(Coder) REFERENCES CODERS(ID));
CREATE TABLE STATEMENTTYPES(ID INTEGER NOT NULL PRIMARY KEY, Label TEXT, Red INTEGER, Green INTEGER, Blue INTEGER);
CREATE TABLE VARIABLES(ID INTEGER NOT NULL PRIMARY KEY, Variable TEXT, DataType TEXT, StatementTypeId INTEGER,
  FOREIGN KEY(StatementTypeId) REFERENCES STATEMENTTYPES(ID), UNIQUE (Variable, StatementTypeId));
CREATE TABLE REGEXES(Label TEXT PRIMARY KEY, Red INTEGER, Green INTEGER, Blue INTEGER);
CREATE TABLE CODERPERMISSIONS(ID INTEGER NOT NULL PRIMARY KEY, Coder INTEGER, Type TEXT, Permission INTEGER,
  FOREIGN KEY(Coder) REFERENCES CODERS(ID), UNIQUE (Coder, Type));
CREATE TABLE CODERRELATIONS(ID INTEGER NOT NULL PRIMARY KEY, Coder INTEGER, OtherCoder INTEGER, viewStatements INTEGER,
  editStatements INTEGER, viewDocuments INTEGER, editDocuments INTEGER, FOREIGN KEY(Coder) REFERENCES CODERS(ID),
  FOREIGN KEY(OtherCoder) REFERENCES CODERS(ID));
CREATE TABLE STATEMENTS(ID INTEGER NOT NULL PRIMARY KEY, StatementTypeId INTEGER, DocumentId INTEGER, Start INTEGER,
  Stop INTEGER, Coder INTEGER, FOREIGN KEY(StatementTypeId) REFERENCES STATEMENTTYPES(ID),
  FOREIGN KEY(Coder) REFERENCES CODERS(ID), FOREIGN KEY(DocumentId) REFERENCES DOCUMENTS(ID));
CREATE TABLE STATEMENTLINKS(ID INTEGER PRIMARY KEY NOT NULL, SourceId INTEGER NOT NULL, TargetId INTEGER NOT NULL,
  FOREIGN KEY(SourceId) REFERENCES STATEMENTS(ID), FOREIGN KEY(TargetId) REFERENCES STATEMENTS(ID));
CREATE TABLE ATTRIBUTES(ID INTEGER PRIMARY KEY NOT NULL, VariableId INTEGER NOT NULL, Value TEXT NOT NULL, Red INTEGER,
  Green INTEGER, Blue INTEGER, Type TEXT, Alias TEXT, Notes TEXT, ChildOf TEXT,
  FOREIGN KEY(VariableId) REFERENCES VARIABLES(ID));
"""
_VALUE_TABLE = """
CREATE TABLE {0}(ID INTEGER PRIMARY KEY NOT NULL, StatementId INTEGER NOT NULL, VariableId INTEGER NOT NULL,
  StatementTypeId INTEGER, Value {1}, FOREIGN KEY(StatementId) REFERENCES STATEMENTS(ID),
  FOREIGN KEY(VariableId) REFERENCES VARIABLES(ID), FOREIGN KEY(StatementTypeId) REFERENCES STATEMENTTYPES(ID),
  UNIQUE (StatementId, VariableId));
"""
_VALUES = {"DATABOOLEAN": "INTEGER", "DATAINTEGER": "INTEGER", "DATASHORTTEXT": "TEXT", "DATALONGTEXT": "TEXT"}
_SETTINGS = {
    "popupWidth": "220",
    "activeCoder": "1",
    "statementColor": "coder",
    "version": "2.0 beta 25",
    "date": "2019-09-08",
}
_VARIABLES = {
    "person": (1, "short text"),
    "organization": (2, "short text"),
    "concept": (3, "short text"),
    "agreement": (4, "boolean"),
}
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


def concept_names(targets: Iterable[Mapping[str, Any]], book: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What a target (by id) is called in DNA: the code book's concept of that id, else the proposition."""
    known = {str(entry.get("id")): concept for concept, entry in book.items()}
    return _unique({str(x["id"]): known.get(str(x["id"]), str(x["proposition"])) for x in targets})


def _unique(names: dict[str, str]) -> dict[str, str]:
    said = list(names.values())
    return {i: f"{n} ({i})" if said.count(n) > 1 or not n.strip() else n for i, n in names.items()}


def save(dataset: Dataset, path: Path, mapping: Mapping[str, Any]) -> list[Loss]:
    """One file for the whole dataset."""
    losses: list[Loss] = []
    book = mapping.get("concepts") or {}
    with replacing(path) as temporary, closing(sqlite3.connect(temporary)) as db, db:
        db.executescript(_TABLES + "".join(_VALUE_TABLE.format(*t) for t in _VALUES.items()))
        db.executemany("INSERT INTO SETTINGS VALUES (?, ?)", _SETTINGS.items())
        db.executemany(
            "INSERT INTO STATEMENTTYPES VALUES (?, ?, ?, ?, ?)",
            [(1, "DNA Statement", 255, 255, 100), (2, "Annotation", 192, 192, 192)],
        )
        db.executemany("INSERT INTO VARIABLES VALUES (?, ?, ?, 1)", [(n, v, k) for v, (n, k) in _VARIABLES.items()])
        db.execute("INSERT INTO VARIABLES VALUES (5, 'note', 'long text', 2)")
        coders: dict[str, int] = {}
        _coder(db, coders, "Admin")
        for number, article in enumerate(dataset, start=1):
            _document(db, number, article, book, coders, losses)
        for variable, kind in _VARIABLES.values():
            if kind == "short text":
                query = "SELECT DISTINCT Value FROM DATASHORTTEXT WHERE VariableId = ? ORDER BY Value"
                values = {"", *(v for (v,) in db.execute(query, (variable,)))}
                rows = [(variable, v) for v in sorted(values)]
                db.executemany(
                    "INSERT INTO ATTRIBUTES (VariableId, Value, Red, Green, Blue, Type, Alias, Notes, ChildOf) "
                    "VALUES (?, ?, 0, 0, 0, '', '', '', '')",
                    rows,
                )
    return losses


def _coder(db: sqlite3.Connection, coders: dict[str, int], name: str) -> int:
    if name not in coders:
        coders[name] = len(coders) + 1
        db.execute("INSERT INTO CODERS VALUES (?, ?, 255, 255, 0, '')", (coders[name], name))
        rights = [(coders[name], right) for right in _RIGHTS]
        db.executemany("INSERT INTO CODERPERMISSIONS (Coder, Type, Permission) VALUES (?, ?, 1)", rights)
    return coders[name]


def _document(
    db: sqlite3.Connection,
    number: int,
    article: Article,
    book: Mapping[str, Mapping[str, Any]],
    coders: dict[str, int],
    losses: list[Loss],
) -> None:
    about = metadata(article)
    layers = [(a.annotator, a) for a in article.annotations]
    carried: dict[str, Any] = {"article": about, "annotators": [name for name, _ in layers]}
    if article.gold:
        name = article.gold.annotator
        coder = f"{name} (gold)" if name in carried["annotators"] else name
        carried["gold"] = {"coder": coder, "adjudicator": name}
        carried["annotators"].append(coder)
        layers.append((coder, article.gold))
    stamp = None
    if article.source.date:
        noon = dt.datetime.combine(article.source.date, dt.time(12), tzinfo=dt.UTC)
        stamp = int(noon.timestamp() * 1000)
    notes = json.dumps({NOTES_KEY: carried}, ensure_ascii=False)
    row = (number, article.title, article.text, 1, "", article.source.publisher or "", "", notes, "", stamp)
    db.execute("INSERT INTO DOCUMENTS VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    people = person_names(about.get("speakers", []))
    concepts = concept_names(about["targets"], book)
    sides = {s.id: s.side or "" for s in article.speakers}
    offsets = Offsets(article.text, "utf16")
    for coder, annotation in layers:
        coder_id = _coder(db, coders, coder)
        for label in annotation.stances:
            agreements = _agreements(label, f"{article.id}: {coder}: {label.speaker} on {label.target}", losses)
            for evidence, agreement in zip(label.evidence, agreements, strict=False):
                cursor = db.execute(
                    "INSERT INTO STATEMENTS (StatementTypeId, DocumentId, Start, Stop, Coder) VALUES (1, ?, ?, ?, ?)",
                    (number, offsets.out(evidence.start), offsets.out(evidence.end), coder_id),
                )
                values = (people[label.speaker], sides[label.speaker], concepts[label.target])
                rows = [(cursor.lastrowid, variable, v) for variable, v in enumerate(values, start=1)]
                db.executemany(
                    "INSERT INTO DATASHORTTEXT (StatementId, VariableId, StatementTypeId, Value) VALUES (?, ?, 1, ?)",
                    rows,
                )
                db.execute(
                    "INSERT INTO DATABOOLEAN (StatementId, VariableId, StatementTypeId, Value) VALUES (?, 4, 1, ?)",
                    (cursor.lastrowid, agreement),
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
