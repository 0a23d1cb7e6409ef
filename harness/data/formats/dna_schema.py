"""Discourse Network Analyzer: the tables that versions 2 and 3 make, as SQL, and the values that a new file begins with."""

from __future__ import annotations

import base64
import hashlib

PASSWORD = "sample"
"""What version 3 asks for when it opens a file, for every coder: the password of DNA's own sample."""

_ROUNDS = 100_000
_LIMIT = "CHECK (LENGTH({0}) < 191)"
_KEY = "ID INTEGER NOT NULL PRIMARY KEY"
_TYPES = "DataType = 'boolean' OR DataType = 'integer' OR DataType = 'long text' OR DataType = 'short text'"
VALUES = {
    "boolean": "DATABOOLEAN",
    "integer": "DATAINTEGER",
    "short text": "DATASHORTTEXT",
    "long text": "DATALONGTEXT",
}

_PERMISSIONS = (
    *("AddDocuments", "EditDocuments", "DeleteDocuments", "ImportDocuments", "AddStatements", "EditStatements"),
    *("DeleteStatements", "EditAttributes", "EditRegex", "EditStatementTypes", "EditCoders", "EditCoderRelations"),
    *("ViewOthersDocuments", "EditOthersDocuments", "ViewOthersStatements", "EditOthersStatements"),
)


def password_hash(password: str, salt: bytes) -> str:
    """The password as version 3 stores it: base64 of a salt of 16 bytes and SHA-256, 100,000 times."""
    digest = hashlib.sha256(salt + password.encode()).digest()
    for _ in range(_ROUNDS - 1):
        digest = hashlib.sha256(digest).digest()
    return base64.b64encode(salt + digest).decode()


def _refers(column: str, table: str) -> str:
    return f"FOREIGN KEY({column}) REFERENCES {table}(ID) ON DELETE CASCADE"


def _text(name: str, default: str = "") -> str:
    return f"{name} TEXT NOT NULL {default}{_LIMIT.format(name)}"


def _number(name: str, default: int, low: int, high: int) -> str:
    return f"{name} INTEGER NOT NULL DEFAULT {default} CHECK ({name} BETWEEN {low} AND {high})"


def _right(name: str) -> str:
    return f"{name} INTEGER NOT NULL DEFAULT 1 CHECK({name} BETWEEN 0 AND 1)"


_COLOURS = [_number(c, 0, 0, 255) for c in ("Red", "Green", "Blue")]


def _value_table(kind: str) -> list[str]:
    value = {
        "boolean": "Value INTEGER NOT NULL DEFAULT 1",
        "integer": "Value INTEGER NOT NULL DEFAULT 0",
        "short text": "Entity INTEGER NOT NULL",
        "long text": "Value TEXT DEFAULT ''",
    }[kind]
    return [
        *("ID INTEGER PRIMARY KEY NOT NULL", "StatementId INTEGER NOT NULL", "VariableId INTEGER NOT NULL", value),
        *(_refers("StatementId", "STATEMENTS"), _refers("VariableId", "VARIABLES")),
        *([_refers("Entity", "ENTITIES")] if kind == "short text" else []),
        "UNIQUE (StatementId, VariableId)",
    ]


_VERSION_3: dict[str, list[str]] = {
    "SETTINGS": ["Property TEXT PRIMARY KEY", "Value TEXT NOT NULL"],
    "CODERS": [
        *(_KEY, _text("Name"), *_COLOURS),
        "Refresh INTEGER NOT NULL CHECK (Refresh BETWEEN 0 AND 9999) DEFAULT 0",
        "FontSize INTEGER NOT NULL CHECK (FontSize BETWEEN 1 AND 99) DEFAULT 14",
        _text("Password"),
        "PopupWidth INTEGER CHECK (PopupWidth BETWEEN 100 AND 9999) DEFAULT 300",
        *(
            f"{name} INTEGER NOT NULL CHECK ({name} BETWEEN 0 AND 1) DEFAULT {default}"
            for name, default in (
                *(("ColorByCoder", 0), ("PopupDecoration", 0), ("PopupAutoComplete", 1)),
                *((f"Permission{name}", 1) for name in _PERMISSIONS),
            )
        ),
    ],
    "DOCUMENTS": [
        *(_KEY, _text("Title"), "Text TEXT NOT NULL", "Coder INTEGER"),
        *(_text(name, "DEFAULT '' ") for name in ("Author", "Source", "Section")),
        "Notes TEXT NOT NULL DEFAULT ''",
        *(_text("Type", "DEFAULT '' "), "Date INTEGER NOT NULL", _refers("Coder", "CODERS")),
    ],
    "STATEMENTTYPES": [_KEY, _text("Label"), *_COLOURS],
    "VARIABLES": [
        *(_KEY, _text("Variable"), f"DataType TEXT NOT NULL CHECK ({_TYPES}) DEFAULT 'short text'"),
        *(
            "StatementTypeId INTEGER",
            _refers("StatementTypeId", "STATEMENTTYPES"),
            "UNIQUE (Variable, StatementTypeId)",
        ),
    ],
    "VARIABLELINKS": [
        *(_KEY, "SourceVariableId INTEGER", "TargetVariableId INTEGER", "CHECK (TargetVariableId != SourceVariableId)"),
        *(_refers("SourceVariableId", "VARIABLES"), _refers("TargetVariableId", "VARIABLES")),
    ],
    "REGEXES": [f"Label TEXT PRIMARY KEY {_LIMIT.format('Label')}", *_COLOURS],
    "CODERRELATIONS": [
        *(_KEY, "Coder INTEGER CHECK(Coder > 0)", "OtherCoder INTEGER CHECK(OtherCoder > 0)"),
        *map(_right, ("viewStatements", "editStatements", "viewDocuments", "editDocuments")),
        *("CHECK (Coder != OtherCoder)", _refers("Coder", "CODERS"), _refers("OtherCoder", "CODERS")),
    ],
    "STATEMENTS": [
        *(_KEY, "StatementTypeId INTEGER", "DocumentId INTEGER", "Start INTEGER NOT NULL CHECK(Start >= 0)"),
        *("Stop INTEGER NOT NULL CHECK(Stop >= 0)", "Coder INTEGER", "CHECK (Start < Stop)"),
        _refers("StatementTypeId", "STATEMENTTYPES"),
        *(_refers("Coder", "CODERS"), _refers("DocumentId", "DOCUMENTS")),
    ],
    "DATABOOLEAN": _value_table("boolean"),
    "DATAINTEGER": _value_table("integer"),
    "ENTITIES": [
        *("ID INTEGER PRIMARY KEY NOT NULL", "VariableId INTEGER NOT NULL", _text("Value", "DEFAULT '' ")),
        *(f"{c} INTEGER CHECK ({c} BETWEEN 0 AND 255)" for c in ("Red", "Green", "Blue")),
        *("ChildOf INTEGER CHECK(ChildOf > 0)", "UNIQUE (VariableId, Value)"),
        *(_refers("ChildOf", "ENTITIES"), _refers("VariableId", "VARIABLES")),
    ],
    "DATASHORTTEXT": _value_table("short text"),
    "DATALONGTEXT": _value_table("long text"),
    "ATTRIBUTEVARIABLES": [
        *("ID INTEGER PRIMARY KEY NOT NULL", "VariableId INTEGER NOT NULL", _text("AttributeVariable")),
        *("UNIQUE(VariableId, AttributeVariable)", _refers("VariableId", "VARIABLES")),
    ],
    "ATTRIBUTEVALUES": [
        *("ID INTEGER PRIMARY KEY NOT NULL", "EntityId INTEGER NOT NULL", "AttributeVariableId INTEGER NOT NULL"),
        *(_text("AttributeValue", "DEFAULT '' "), "UNIQUE (EntityId, AttributeVariableId)"),
        *(_refers("EntityId", "ENTITIES"), _refers("AttributeVariableId", "ATTRIBUTEVARIABLES")),
    ],
}

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
_OLD_VALUES = {"DATABOOLEAN": "INTEGER", "DATAINTEGER": "INTEGER", "DATASHORTTEXT": "TEXT", "DATALONGTEXT": "TEXT"}


def schema(version: int) -> str:
    """The SQL that makes the empty tables of a version, 2 or 3."""
    if version == 2:
        return _TABLES + "".join(_VALUE_TABLE.format(*t) for t in _OLD_VALUES.items())
    return "".join(f"CREATE TABLE {name}({', '.join(columns)});\n" for name, columns in _VERSION_3.items())


def settings(version: int) -> dict[str, str]:
    """What SETTINGS of a new file says."""
    if version == 2:
        return {
            "popupWidth": "220",
            "activeCoder": "1",
            "statementColor": "coder",
            "version": "2.0 beta 25",
            "date": "2019-09-08",
        }
    return {"version": "3.0.7", "date": "2022-06-10"}
