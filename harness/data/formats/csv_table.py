"""A table (CSV or TSV): a text, a speaker, a target and a stance in each row, such as SemEval-2016 task 6.

Mapping (`columns`): `text`, `target`, `stance` are needed; `speaker`, `id`, `title`, `event`, `split`, `side` are used
where they exist. Rows of one id (without that column: of one text) are one article. `stances` says what each label of the
file means; known without it: our six labels, and FAVOR, AGAINST, NONE of SemEval. `default_speaker` (`author`) has the
stance where there is no speaker column. A stance's evidence is the whole text. Without an event column texts are dealt
to `folds` (10) events by a hash of the text, so that fitted systems fit ten times and equal texts share a fold. `split` dev or
train → dev, else test. The set is incomplete. `delimiter` and `encoding` are as the mapping says, else found out.

On export a row is a label of gold (without gold, of the first annotation). A cell that a spreadsheet would run as a formula
(it begins with = + - @, tab, or line end) gets an apostrophe in front, and loses it on import. Not carried: evidence,
attributes, aliases, roles and kinds of speakers, other annotations, summaries, source, language, targets' direction,
rung and parent, the annotator's name, and ids of speakers and targets (made anew of their names).
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.data.formats.base import Ids, article_from, guard, unique
from harness.data.formats.ledger import Imported, Loss
from harness.data.formats.spans import attributes_of
from harness.data.plain_texts import title_of
from harness.errors import DataError, Place, nearest_hint
from harness.files import write_text
from harness.types import Article, Dataset, Stance

STANCES: dict[str, Stance] = {
    **{str(s): s for s in Stance},
    "favor": Stance.SUPPORT,
    "favour": Stance.SUPPORT,
    "against": Stance.OPPOSE,
    "none": Stance.NO_STANCE,
}
COLUMNS = ("id", "title", "text", "event", "split", "speaker", "side", "target", "stance")
NOT_CARRIED = (
    "evidence, aliases, roles and kinds of speakers, direction, rung and parent of targets, pairs and people without a label, "
    "ids, summaries, source, language and the annotator's name are not carried"
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
    rows, columns = _rows(path, mapping)
    meanings = {**STANCES, **{str(k).casefold(): _stance(v) for k, v in (mapping.get("stances") or {}).items()}}
    targets, speakers, names = Ids("target"), Ids("speaker"), Ids("text")
    grouped: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for line, row in rows:
        if not row["text"].strip():
            raise DataError(Place(str(path), line, columns["text"]), "text is empty")
        grouped.setdefault(row.get("id") or row["text"], []).append((line, row))
    losses: list[Loss] = []
    articles = []
    for key, own in grouped.items():
        article: dict[str, Any] = _new(key, own[0][1], names, int(mapping.get("folds", 10)))
        seen: dict[tuple[str, str], str] = {}
        stances = []
        for line, row in own:
            place = Place(str(path), line)
            if row["text"] != article["text"]:
                raise DataError(place, f"another text than before under the id {key!r}")
            label = row["stance"].strip()
            if label.casefold() not in meanings:
                known = ", ".join(sorted(meanings))
                raise DataError(
                    Place(str(path), line, columns["stance"]),
                    f"{label!r} is no stance",
                    hint=nearest_hint(label, list(meanings))
                    + f"say what it means in --mapping: stances: {{...}}; known: {known}",
                )
            stance = meanings[label.casefold()]
            who = row.get("speaker") or str(mapping.get("default_speaker", "author"))
            pair = (speakers(who), targets(row["target"]))
            if pair in seen:
                change = "a second time" if seen[pair] == stance else f"as {stance} after {seen[pair]}"
                losses.append(Loss(str(place), f"{who} on {row['target']!r} {change}: left out"))
                continue
            seen[pair] = stance
            _declare(article, pair, who, row)
            evidence = [] if stance is Stance.NO_STANCE else [{"text": row["text"], "occurrence": 1}]
            stances.append({"speaker": pair[0], "target": pair[1], "stance": str(stance), "evidence": evidence})
        article["gold"] = {"adjudicator": str(mapping.get("annotator", "table")), "stances": stances}
        articles.append(article_from(article, Place(str(path), own[0][0])))
    return Imported(unique(articles, path), {"complete": False}, tuple(losses))


def _rows(path: Path, mapping: Mapping[str, Any]) -> tuple[list[tuple[int, dict[str, str]]], dict[str, str]]:
    raw = guard(path, MAX_TABLE).read_bytes()
    try:
        text = raw.decode(str(mapping.get("encoding", "utf-8-sig")))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            Place(str(path), line), "not UTF-8", hint="say encoding: windows-1252 (or another) in --mapping"
        ) from None
    except LookupError as error:
        raise DataError(Place("mapping", field="encoding"), str(error)) from None
    head = text[: text.find("\n")] if "\n" in text else text
    delimiter = str(mapping.get("delimiter") or max(",;\t", key=head.count))
    csv.field_size_limit(len(text) + 1)
    try:
        table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        header = list(table.fieldnames or [])
        columns = _columns(header, mapping.get("columns") or {}, path)
        found = []
        for row in table:
            if None in row or any(v is None for v in row.values()):
                raise DataError(
                    Place(str(path), table.line_num), f"does not have the {len(header)} cells of the header"
                )
            found.append((table.line_num, {name: restored(row[column]) for name, column in columns.items()}))
    except (csv.Error, TypeError) as error:
        raise DataError(Place(str(path)), f"not a table: {error}", hint="say delimiter: in --mapping") from None
    return found, columns


def _columns(header: list[str], wanted: Mapping[str, str], path: Path) -> dict[str, str]:
    """The header of each of our columns: as the mapping says, else the same name in any case."""
    folded = {h.casefold().strip(): h for h in header}
    if not isinstance(wanted, Mapping) or (unknown := sorted(set(wanted) - set(COLUMNS))):
        raise DataError(
            Place("mapping", field="columns"), f"unknown: {unknown if wanted else wanted}", hint=f"known: {COLUMNS}"
        )
    found = {}
    for name in COLUMNS:
        column = wanted.get(name) or folded.get(name) or (folded.get("tweet") if name == "text" else None)
        if column in header:
            found[name] = str(column)
        elif name in wanted or name in ("text", "target", "stance"):
            raise DataError(
                Place(str(path), 1),
                f"there is no column {wanted.get(name, name)!r}",
                hint=f"the header has {', '.join(header)}: say columns: {{{name}: ...}} in --mapping",
            )
    return found


def _stance(value: Any) -> Stance:
    try:
        return Stance(str(value))
    except ValueError:
        raise DataError(
            Place("mapping", field="stances"), f"{value!r} is no stance", hint=f"one of {', '.join(Stance)}"
        ) from None


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


def _declare(article: dict[str, Any], pair: tuple[str, str], who: str, row: Mapping[str, str]) -> None:
    if pair[0] not in {s["id"] for s in article["speakers"]}:
        article["speakers"].append({"id": pair[0], "name": who, "side": row.get("side") or None})
    if pair[1] not in {x["id"] for x in article["targets"]}:
        article["targets"].append({"id": pair[1], "proposition": row["target"]})


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
