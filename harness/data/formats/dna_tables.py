"""Discourse Network Analyzer (`.dna`, SQLite): the tables of versions 2 and 3 as documents, statements and entities.

Version 2 keeps a value with the statement and its attributes in ATTRIBUTES, dates in milliseconds. Version 3 keeps values in
ENTITIES (`DATASHORTTEXT.Entity`), their attributes in ATTRIBUTEVARIABLES and ATTRIBUTEVALUES, dates in seconds.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.data.formats.base import guard
from harness.data.formats.ledger import Ledger, Record
from harness.data.load import MAX_BYTES
from harness.errors import DataError, Place

_NEEDED = ("CODERS", "DOCUMENTS", "STATEMENTS", "STATEMENTTYPES", "VARIABLES")
_VALUES = {
    "short text": "DATASHORTTEXT",
    "long text": "DATALONGTEXT",
    "boolean": "DATABOOLEAN",
    "integer": "DATAINTEGER",
}
_COUNTED = {
    "REGEXES": "regular expressions are not carried",
    "STATEMENTLINKS": "links between statements are not carried",
    "VARIABLELINKS": "links between variables are not carried",
}
_RIGHTS = ("viewStatements", "editStatements", "viewDocuments", "editDocuments")
_PERMISSIONS = (
    *("AddDocuments", "EditDocuments", "DeleteDocuments", "ImportDocuments", "AddStatements", "EditStatements"),
    *("DeleteStatements", "EditAttributes", "EditRegex", "EditStatementTypes", "EditCoders", "EditCoderRelations"),
    *("ViewOthersDocuments", "EditOthersDocuments", "ViewOthersStatements", "EditOthersStatements"),
)
_COLOURS = ("Red", "Green", "Blue")
BOOKKEEPING = frozenset(
    {
        *("SETTINGS.Property", "SETTINGS.Value", "DOCUMENTS.Coder"),
        *(f"{table}.{c}" for table in ("CODERS", "STATEMENTTYPES", "ENTITIES", "ATTRIBUTES") for c in _COLOURS),
        *(f"CODERS.{c}" for c in ("Refresh", "FontSize", "Password", "PopupWidth", "ColorByCoder", "PopupDecoration")),
        *("CODERS.PopupAutoComplete", *(f"CODERS.Permission{name}" for name in _PERMISSIONS)),
        *(f"CODERRELATIONS.{c}" for c in ("ID", "Coder", "OtherCoder", *_RIGHTS)),
        *(f"CODERPERMISSIONS.{c}" for c in ("ID", "Coder", "Type", "Permission")),
        *(f"{table}.{c}" for table in _VALUES.values() for c in ("ID", "StatementTypeId")),
        *("ATTRIBUTES.ID", "ATTRIBUTEVALUES.ID"),
    }
)
"""Columns without a label: colours, permissions, passwords, keys of rows."""


@dataclass(frozen=True)
class Variable:
    """A row of VARIABLES."""

    id: int
    name: str
    kind: str
    statement_type: int


@dataclass(frozen=True)
class Statement:
    """A row of STATEMENTS; offsets as stored; `values` by variable id."""

    id: int
    document: int
    statement_type: int
    start: int
    stop: int
    coder: str
    values: Mapping[int, Any]


@dataclass(frozen=True)
class Document:
    """A row of DOCUMENTS."""

    id: int
    title: str
    text: str
    about: str
    source: str
    notes: str
    date: dt.date | None


@dataclass
class Tables:
    """Everything of a file that a reader may want; `attributes` by variable id and value, such as {Type: NGO}."""

    version: int
    documents: list[Document] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    types: dict[int, str] = field(default_factory=dict)
    variables: dict[int, Variable] = field(default_factory=dict)
    attributes: dict[tuple[int, str], dict[str, str]] = field(default_factory=dict)


def read_tables(path: Path, ledger: Ledger) -> Tables:
    """The tables of a file of either version; DataError for one that is torn or holds views in place of tables."""
    place = Place(str(path))
    if guard(path).open("rb").read(16) != b"SQLite format 3\0":
        raise DataError(place, "not a .dna file (SQLite)", hint="export it from Discourse Network Analyzer 2 or 3")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * MAX_BYTES)
            db.execute("PRAGMA trusted_schema = OFF")
            db.execute("PRAGMA cell_size_check = ON")
            return _Reader(db, place, ledger).tables()
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise DataError(place, f"malformed .dna file: {error}") from None
    except KeyError as error:
        raise DataError(place, f"malformed .dna file: there is no column {error}") from None


class _Reader:
    """One pass over all tables; what it does not read stays in the ledger."""

    def __init__(self, db: sqlite3.Connection, place: Place, ledger: Ledger) -> None:
        self._db, self._place, self._ledger = db, place, ledger
        # a view under a table's name could compute for ever
        self._kinds = dict(
            db.execute(
                "SELECT upper(name), type FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
            )
        )
        self._open = set(self._kinds)

    def tables(self) -> Tables:
        missing = [t for t in (*_NEEDED, *_VALUES.values()) if self._kinds.get(t) != "table"]
        if missing:
            raise DataError(
                self._place,
                f"no table {', '.join(missing)}: not a file of Discourse Network Analyzer 2 or 3",
                hint="export its statements as a table and use --format csv_table",
            )
        found = Tables(version=3 if self._kinds.get("ENTITIES") == "table" else 2)
        coders = {row["ID"]: str(row["Name"] or f"coder {row['ID']}") for row in self._rows("CODERS")}
        found.types = {row["ID"]: str(row["Label"]) for row in self._rows("STATEMENTTYPES")}
        for row in self._rows("VARIABLES"):
            kind = str(row["DataType"])
            if kind not in _VALUES:
                raise DataError(row.place, f"variable {row['Variable']!r} has the unknown type {kind!r}")
            found.variables[row["ID"]] = Variable(row["ID"], str(row["Variable"]), kind, row["StatementTypeId"])
        entities = self._entities(found)
        values = self._values(entities)
        for row in self._rows("STATEMENTS"):
            coder = coders.get(row["Coder"], f"coder {row['Coder']}")
            span = (row["Start"], row["Stop"], coder, values.pop(row["ID"], {}))
            found.statements.append(Statement(row["ID"], row["DocumentId"], row["StatementTypeId"], *span))
        if values:
            self._lose("values of statements that do not exist", sum(map(len, values.values())), "STATEMENTS")
        found.documents = [self._document(row, found.version) for row in self._rows("DOCUMENTS")]
        self._rest()
        return found

    def _rows(self, table: str) -> Iterator[Record]:
        """The rows of a table in order; none where the file does not have it."""
        self._open.discard(table)
        if self._kinds.get(table) != "table":
            return
        cursor = self._db.execute(f'SELECT * FROM "{table}" ORDER BY rowid')
        columns = [column[0] for column in cursor.description]
        rows = ({table: dict(zip(columns, row, strict=True))} for row in cursor)
        numbered = ((row, Place(self._place.file, field=f"{table}, row {n}")) for n, row in enumerate(rows, start=1))
        for record in self._ledger.settled(numbered):
            yield record[table]

    def _entities(self, found: Tables) -> dict[int, str]:
        """Values by id (version 3), and the attributes of either version."""
        for row in self._rows("ATTRIBUTES"):
            names = [name for name in row if name not in ("ID", "VariableId", "Value", *_COLOURS)]
            key = (row["VariableId"], str(row["Value"]))
            found.attributes[key] = {name: str(row[name]) for name in names if row[name] not in (None, "")}
        entities: dict[int, tuple[int, str]] = {}
        for row in self._rows("ENTITIES"):
            entities[row["ID"]] = (row["VariableId"], str(row["Value"]))
            parent = row.get("ChildOf")
            found.attributes[entities[row["ID"]]] = {} if parent is None else {"ChildOf": str(parent)}
        called: dict[int, str] = {}
        for row in self._rows("ATTRIBUTEVARIABLES"):
            called[row["ID"]] = str(row["AttributeVariable"])
            if row["VariableId"] not in found.variables:
                self._lose("attributes of variables that do not exist", 1, "ATTRIBUTEVARIABLES")
        for row in self._rows("ATTRIBUTEVALUES"):
            key = entities.get(row["EntityId"], (-1, ""))
            value, name = row["AttributeValue"], called.get(row["AttributeVariableId"], str(row["AttributeVariableId"]))
            if value not in (None, ""):
                found.attributes.setdefault(key, {})[name] = str(value)
        return {number: value for number, (_, value) in entities.items()}

    def _values(self, entities: Mapping[int, str]) -> dict[int, dict[int, Any]]:
        values: dict[int, dict[int, Any]] = {}
        for kind, table in _VALUES.items():
            for row in self._rows(table):
                statement, variable = row["StatementId"], row["VariableId"]
                if kind == "short text" and "Entity" in row:
                    if row["Entity"] not in entities:
                        raise DataError(row.place, f"entity {row['Entity']} does not exist")
                    value: Any = entities[row["Entity"]]
                else:
                    value = row["Value"]
                values.setdefault(statement, {})[variable] = value
        return values

    def _document(self, row: Record, version: int) -> Document:
        extra = {"author": row["Author"], "section": row["Section"], "type": row["Type"]}
        about = "; ".join(f"{k}: {v}" for k, v in extra.items() if v)
        return Document(
            row["ID"],
            str(row["Title"] or ""),
            str(row["Text"] or ""),
            about,
            str(row["Source"] or ""),
            str(row["Notes"] or ""),
            self._date(row, version),
        )

    def _date(self, row: Record, version: int) -> dt.date | None:
        stamp = row["Date"]
        if stamp is None:
            return None
        try:
            return dt.datetime.fromtimestamp(stamp if version == 3 else stamp / 1000, tz=dt.UTC).date()
        except (OverflowError, ValueError, OSError, TypeError):
            self._ledger.lose(row.place, f"the date {stamp!r} is none: not carried")
            return None

    def _rest(self) -> None:
        for table, what in _COUNTED.items():
            self._open.discard(table)
            if n := self._count(table):
                self._lose(what, n, table)
        for table in ("SETTINGS", "CODERRELATIONS", "CODERPERMISSIONS"):
            for _ in self._rows(table):
                pass
        for table in sorted(self._open):
            if self._kinds[table] == "view":
                self._lose("a view is not read", 1, table)
            elif n := self._count(table):
                self._lose("the rows of a table that is unknown are not read", n, table)

    def _count(self, table: str) -> int:
        if self._kinds.get(table) != "table":
            return 0
        return int(self._db.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])

    def _lose(self, what: str, count: int, table: str) -> None:
        self._ledger.lose(f"{self._place}: {table}", what, count)


def count_unused(
    tables: Tables, read: Mapping[int, Mapping[str, Variable]], carried: Mapping[str, str], ledger: Ledger
) -> None:
    """Lists what statements say beside the variables that were `read` (by statement type and role), and the entities and
    attributes that nothing carries; `carried` names the attributes of a person that an article has room for."""
    person = {roles["person"].id for roles in read.values()}
    chosen = {variable.id for roles in read.values() for variable in roles.values()}
    values: Counter[int] = Counter()
    used: set[tuple[int, str]] = set()
    for statement in tables.statements:
        for variable, value in statement.values.items():
            used.add((variable, str(value)))
            if statement.statement_type in read and variable not in chosen and value not in (None, ""):
                values[variable] += 1
    for variable, n in sorted(values.items()):
        name = tables.variables[variable].name if variable in tables.variables else str(variable)
        ledger.lose(f"variable {name!r}", "values are not carried", n)
    lost: Counter[tuple[str, str]] = Counter()
    for (variable, value), attributes in sorted(tables.attributes.items()):
        name = tables.variables[variable].name if variable in tables.variables else str(variable)
        if (variable, value) not in used:
            if value or attributes:
                lost[f"variable {name!r}", "values that no statement uses are not carried"] += 1
            continue
        for attribute in attributes:
            if variable not in person or attribute not in carried:
                lost[f"variable {name!r}", f"the attribute {attribute!r} is not carried"] += 1
    for (where, what), n in lost.items():
        ledger.lose(where, what, n)
