"""A table (CSV, TSV, or JSON Lines): a text, a speaker, a target and a stance in each row, such as SemEval-2016 task 6.

Mapping (`columns`): `text` and `stance` are needed, `target` unless `default_target` names it; `speaker`, `id`, `title`, `event`,
`split`, `side` are used where they exist. Rows of one id (without that column: of one text) are one article. `stances`,
`speakers` and `targets` say what the words of the file mean (`labels`); `default_speaker` (`author`) has the stance where
there is no speaker column. A stance's evidence is the whole text. Without an event column texts are dealt to `folds` (10)
events by a hash of the text, so that fitted systems fit ten times and equal texts share a fold. `split` dev or train → dev,
else test. The set is incomplete. `delimiter` and `encoding` are as the mapping says, else found out; `quoting: none` (of tab
files, unless the mapping says `quoting: csv`) takes quotation marks as they stand. A row of JSON Lines is an object, its keys
are the columns. Listed as losses: columns and keys that are not used.

On export a row is a label of gold (without gold, of the first annotation). A cell that a spreadsheet would run as a formula
(it begins with = + - @, tab, or line end) gets an apostrophe in front, and loses it on import of a table with our header. Not
carried: evidence, attributes, aliases, roles and kinds of speakers, other annotations, summaries, source, language,
targets' direction, rung and parent, the annotator's name, and ids of speakers and targets (made anew of their names).
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from harness.data.formats.base import Ids, article_from, parse_json, read_guarded, unique
from harness.data.formats.labels import Labels
from harness.data.formats.ledger import Imported, Ledger, Loss
from harness.data.formats.spans import attributes_of
from harness.data.plain_texts import title_of
from harness.errors import DataError, Place
from harness.runtime.files import write_text
from harness.types import Article, Dataset, Stance

COLUMNS = ("id", "title", "text", "event", "split", "speaker", "side", "target", "stance")
NOT_CARRIED = (
    "evidence, aliases, roles and kinds of speakers, direction, rung, parent and other wordings of targets, "
    "pairs and people without a label, ids, summaries, source, language, contrast, canary and the annotator's name are not "
    "carried"
)
MAX_TABLE = 500_000_000

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def neutralised(cell: str) -> str:
    """The cell as no spreadsheet takes it for a formula."""
    return "'" + cell if _FORMULA.match(cell) else cell


def restored(cell: str) -> str:
    """The inverse of `neutralised`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """Articles of the rows; DataError with the line for what a row lacks or a label that nobody has mapped."""
    ledger = Ledger()
    labels = Labels(mapping, ledger)
    rows, columns = _rows(path, mapping, ledger)
    names = Ids("text")
    grouped: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for line, row in rows:
        if not row["text"].strip():
            raise DataError(Place(str(path), line, columns["text"]), "text is empty")
        grouped.setdefault(row.get("id") or row["text"], []).append((line, row))
    articles = []
    for key, same in grouped.items():
        article = _new(key, same[0][1], names, int(mapping.get("folds", 10)))
        seen: dict[tuple[str, str], str] = {}
        stances = []
        for line, row in same:
            place = Place(str(path), line)
            if row["text"] != article["text"]:
                raise DataError(place, f"another text than before under the id {key!r}")
            for column in ("title", "event", "split"):
                if row.get(column, "") != same[0][1].get(column, ""):
                    ledger.lose(
                        f"{place}: {row[column]!r}", f"another {column} than in the article's first row: left out"
                    )
            stance = labels.stance(row["stance"].strip(), Place(str(path), line, columns["stance"]))
            if stance is None:
                continue
            who = row.get("speaker") or labels.default_speaker
            pair = (labels.speaker(who), labels.target(row.get("target"), place))
            if pair in seen:
                change = "a second time" if seen[pair] == stance else f"as {stance} after {seen[pair]}"
                ledger.lose(place, f"{who} on {row.get('target', pair[1])!r} {change}: left out")
                continue
            seen[pair] = stance
            _declare(article, pair, labels, row)
            evidence = [] if stance is Stance.NO_STANCE else [{"text": row["text"], "occurrence": 1}]
            stances.append({"speaker": pair[0], "target": pair[1], "stance": str(stance), "evidence": evidence})
        if not article["targets"]:
            article["targets"] = [
                labels.target_row(labels.target(same[0][1].get("target"), Place(str(path), same[0][0])))
            ]
        who = labels.annotator(str(mapping.get("annotator", "table")))
        article["gold"] = {"adjudicator": who, "stances": stances}
        articles.append(article_from(article, Place(str(path), same[0][0])))
    return ledger.imported(unique(articles, path), {"complete": False})


def _rows(
    path: Path, mapping: Mapping[str, Any], ledger: Ledger
) -> tuple[list[tuple[int, dict[str, str]]], dict[str, str]]:
    """Line (from 1) and cells of each row by our names of the columns, and what the file calls these."""
    raw = read_guarded(path, MAX_TABLE)
    try:
        text = raw.decode(str(mapping.get("encoding", "utf-8-sig")))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            Place(str(path), line), "not UTF-8", hint="say encoding: windows-1252 (or another) in --mapping"
        ) from None
    except LookupError as error:
        raise DataError(Place("mapping", field="encoding"), str(error)) from None
    objects = text.lstrip().startswith("{")
    table = list(_objects(text, path, ledger) if objects else _table(text, path, mapping, ledger))
    header = list(dict.fromkeys(name for _, row in table for name in row))
    columns = _columns(header, mapping, path)
    ours = header == list(COLUMNS) and not objects
    used = set(columns.values())
    unused: Counter[str] = Counter()
    rows = []
    for line, row in table:
        unused.update(name for name, cell in row.items() if name not in used and cell not in ("", None))
        cells = {name: row.get(column) for name, column in columns.items()}
        if cells["text"] is None or cells["stance"] is None:
            lacking = columns["text" if cells["text"] is None else "stance"]
            raise DataError(Place(str(path), line), f"has no {lacking!r}")
        rows.append(
            (line, {name: restored(cell) if ours else cell for name, cell in cells.items() if cell is not None})
        )
    for name in header:
        if name not in used:
            ledger.lose(f"{path}: column {name!r}", "a column that is not read (rows with a value)", unused[name])
    return rows, columns


def _objects(text: str, path: Path, ledger: Ledger) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of JSON Lines; a value that is no text or number is listed."""
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        place = Place(str(path), line)
        row = parse_json(content.encode("utf-8", "surrogatepass"), place)
        if not isinstance(row, dict):
            raise DataError(place, f"a {type(row).__name__}; an object is wanted")
        cells = {}
        for name, value in row.items():
            if isinstance(value, dict | list):
                ledger.lose(f"{place}: {name}", f"`{name}` is no text or number: not read")
            elif value is not None:
                cells[str(name)] = value if isinstance(value, str) else json.dumps(value)
        yield line, cells


def _table(text: str, path: Path, mapping: Mapping[str, Any], ledger: Ledger) -> Iterator[tuple[int, dict[str, str]]]:
    head = text[: text.find("\n")] if "\n" in text else text
    delimiter = str(mapping.get("delimiter") or max(",;\t", key=head.count))
    quoting = str(mapping.get("quoting") or ("none" if delimiter == "\t" else "csv"))
    if quoting not in ("none", "csv"):
        raise DataError(Place("mapping", field="quoting"), f"{quoting!r}: none or csv")
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    style: Literal[0, 3] = csv.QUOTE_NONE if quoting == "none" else csv.QUOTE_MINIMAL
    header: list[str] = []
    line = 1
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, quoting=style)
        for row in reader:
            place, line = Place(str(path), line), reader.line_num + 1
            if not header:
                header = row
                for name in header:
                    if header.count(name) > 1:
                        numbers = " and ".join(str(n) for n, other in enumerate(header, start=1) if other == name)
                        raise DataError(place, f"columns {numbers} are both called {name!r}", hint="rename one of them")
            elif row and len(row) != len(header):
                hint = "" if quoting == "none" else " (a quotation mark may have swallowed rows: quoting: none)"
                raise DataError(place, f"has {len(row)} cells, the header {len(header)}{hint}")
            elif row:
                if quoting == "none" and (quoted := sum(len(c) > 1 and c[0] == c[-1] == '"' for c in row)):
                    ledger.lose(place, "cells in quotation marks keep them: quoting: csv would take them away", quoted)
                yield reader.line_num if quoting == "none" else place.line or 1, dict(zip(header, row, strict=True))
    except (csv.Error, TypeError) as error:
        hint = "say delimiter: or quoting: none in --mapping"
        raise DataError(Place(str(path), line), f"not a table: {error}", hint=hint) from None


def _columns(header: list[str], mapping: Mapping[str, Any], path: Path) -> dict[str, str]:
    """The header of each of our columns: as the mapping says, else the same name in any case."""
    wanted = mapping.get("columns") or {}
    folded = {h.casefold().strip(): h for h in header}
    if not isinstance(wanted, Mapping) or (unknown := sorted(set(wanted) - set(COLUMNS))):
        raise DataError(
            Place("mapping", field="columns"), f"unknown: {unknown if wanted else wanted}", hint=f"known: {COLUMNS}"
        )
    needed = ("text", "stance") if mapping.get("default_target") is not None else ("text", "target", "stance")
    columns = {}
    for name in COLUMNS:
        column = wanted.get(name) or folded.get(name) or (folded.get("tweet") if name == "text" else None)
        if column in header:
            columns[name] = str(column)
        elif name in wanted or name in needed:
            raise DataError(
                Place(str(path), 1),
                f"there is no column {wanted.get(name, name)!r}",
                hint=f"the header has {', '.join(header)}: say columns: {{{name}: ...}} in --mapping",
            )
    return columns


def _new(key: str, row: Mapping[str, str], names: Ids, folds: int) -> dict[str, Any]:
    text = row["text"]
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    identifier = names(row["id"]) if row.get("id") else f"text-{digest[:16]}"
    if row.get("id") == key and re.fullmatch(r"\d+", key):
        identifier = f"row-{key}"
    return {
        "id": identifier,
        "title": row.get("title") or title_of(text),
        "text": text,
        "event": Ids("event")(row["event"]) if row.get("event") else f"fold-{int(digest, 16) % folds}",
        "split": "dev" if row.get("split", "").casefold() in {"dev", "train", "training", "trial"} else "test",
        "complete": False,
        "source": {"kind": "news"},
        "targets": [],
        "speakers": [],
    }


def _declare(article: dict[str, Any], pair: tuple[str, str], labels: Labels, row: Mapping[str, str]) -> None:
    if pair[0] not in {s["id"] for s in article["speakers"]}:
        article["speakers"].append({"side": row.get("side") or None, **labels.speaker_row(pair[0])})
    if pair[1] not in {x["id"] for x in article["targets"]}:
        article["targets"].append(labels.target_row(pair[1]))


def save(dataset: Dataset, path: Path, mapping: Mapping[str, Any]) -> list[Loss]:
    """A row a label, all cells in quotes, UTF-8."""
    losses = [Loss("every row", NOT_CARRIED)]
    out = io.StringIO(newline="")
    table = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for article in dataset:
        table.writerows([[neutralised(cell) for cell in row] for row in _cells(article, losses)])
    write_text(path, out.getvalue())
    return losses


def _cells(article: Article, losses: list[Loss]) -> list[list[str]]:
    layers = [*([article.gold] if article.gold else []), *article.annotations]
    losses += [Loss(f"{article.id}: {a.annotator}", "whole annotation not carried") for a in layers[1:]]
    if not layers or not layers[0].stances:
        losses.append(Loss(article.id, "no labels: left out"))
        return []
    about = [article.id, article.title, article.text, article.event, article.split]
    rows = []
    for label in layers[0].stances:
        speaker, target = article.speaker(label.speaker), article.target(label.target)
        if extra := attributes_of(label):
            where = f"{article.id}: {layers[0].annotator}: {label.speaker} on {label.target}"
            losses.append(Loss(where, f"{', '.join(extra)} not carried"))
        rows.append([*about, speaker.name, speaker.side or "", target.proposition, str(label.stance)])
    return rows
