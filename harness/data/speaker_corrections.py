"""`speakers.yaml` or `speakers.csv` beside the texts of a folder: speakers that people add or name otherwise, and names that do
not speak."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import regex
from pydantic import Field, ValidationError

from harness.data.csv_rows import csv_rows
from harness.data.load import MAX_BYTES, Where, explain_all
from harness.data.schema import Id, Strict, Text
from harness.data.yaml_lines import LinedDocument, read_yaml
from harness.errors import DataError, Place, ValidationFailed, nearest_hint
from harness.runtime.files import read_regular
from harness.types import Article, Speaker, SpeakerKind

FILE = "speakers.yaml"
TABLE = "speakers.csv"


class Entry(Strict):
    """One speaker, or with `speaks: false` a name that is none: of the article of that id, or without one of every article
    in which one of the names stands."""

    name: Text
    aliases: list[Text] = Field(default_factory=list)
    article: Id | None = None
    kind: SpeakerKind = "person"
    side: str | None = None
    role: str | None = None
    speaks: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The name, then the aliases."""
        return (self.name, *self.aliases)

    def is_about(self, article: Article) -> bool:
        """Whether the entry holds for that article."""
        if self.article is not None:
            return self.article == article.id
        names = "|".join(map(regex.escape, self.names))
        return regex.search(rf"(?<!\w)(?:{names})(?!\w)", article.text) is not None


class Corrections(Strict):
    """The file."""

    speakers: list[Entry] = Field(min_length=1)


def with_corrections(articles: Sequence[Article], folder: Path) -> tuple[tuple[Article, ...], list[str]]:
    """The articles with what `speakers.yaml` or `speakers.csv` in the folder says of each, and what a person should know of it,
    in words.

    Raises DataError or ValidationFailed with file, line and field; also where both files are there.
    """
    unread = [p for suffix in ("yml", "json", "txt") if (p := folder / f"speakers.{suffix}").exists()]
    remarks = [f"{p}: not read as speakers, only {FILE} or {TABLE} is (docs/data-format.md)" for p in unread]
    paths = [path for name in (FILE, TABLE) if (path := folder / name).exists()]
    if not paths:
        return tuple(articles), remarks
    if len(paths) > 1:
        raise DataError(Place(str(paths[1])), f"{FILE} stands beside it", hint="keep one of the two")
    document = _read_table(paths[0]) if paths[0].name == TABLE else read_yaml(paths[0], MAX_BYTES)
    try:
        entries = Corrections.model_validate(document.data).speakers
    except ValidationError as error:
        raise ValidationFailed(list(explain_all(error, document.place, Corrections))) from None
    if errors := list(_problems(entries, [a.id for a in articles], document.place)):
        raise ValidationFailed(errors)
    idle = set(range(len(entries)))
    corrected = []
    for article in articles:
        numbers = [n for n, entry in enumerate(entries) if entry.is_about(article)]
        idle.difference_update(numbers)
        about = [entries[n] for n in numbers]
        added = tuple(_speaker(e) for e in about if e.speaks)
        silent = tuple(name for e in about if not e.speaks for name in e.names)
        corrected.append(replace(article, added_speakers=added, silent_names=silent))
    for n in sorted(idle):
        place = document.place(("speakers", n, "name"))
        remarks.append(f"{place}: {entries[n].name!r} stands in no text, so the entry changes nothing")
    return tuple(corrected), remarks


def _read_table(path: Path) -> LinedDocument:
    """The same from a table with a row an entry and the columns of `Entry`; several aliases are parted by `;`, empty cells say
    nothing."""
    rows: list[dict[str, Any]] = []
    lines: dict[tuple[str | int, ...], int] = {}
    for line, cells in csv_rows(read_regular(path, MAX_BYTES), str(path)):
        lines["speakers", len(rows)] = line
        row: dict[str, Any] = {name.strip(): cell.strip() for name, cell in cells.items() if cell.strip()}
        if "aliases" in row:
            row["aliases"] = [alias.strip() for alias in row["aliases"].split(";") if alias.strip()]
        rows.append(row)
    return LinedDocument(str(path), {"speakers": rows}, lines)


def _speaker(entry: Entry) -> Speaker:
    fields = entry.model_dump(exclude={"article", "speaks", "aliases"})
    return Speaker(id="added", aliases=tuple(entry.aliases), main=True, **fields)


def _problems(entries: Sequence[Entry], ids: Sequence[str], where: Where) -> Iterator[DataError]:
    first_of: dict[tuple[str | None, str], int] = {}
    for n, entry in enumerate(entries):
        if entry.article is not None and entry.article not in ids:
            hint = nearest_hint(entry.article, ids) + f"the ids are {', '.join(ids[:8])}{' …' if len(ids) > 8 else ''}"
            yield DataError(where(("speakers", n, "article")), f"there is no article {entry.article!r}", hint=hint)
        for name in dict.fromkeys(entry.names):
            first = first_of.setdefault((entry.article, name.casefold()), n)
            if first != n:
                line = where(("speakers", first, "name")).line
                place = where(("speakers", n, "name"))
                yield DataError(place, f"{name!r} stands in line {line} already", hint="make one entry of both")


def corrected_rows(rows: Sequence[dict[str, Any]], article: Article) -> list[dict[str, Any]]:
    """A finder's rows {name, aliases, quotes, places} as people correct them for the article.

    A row that shares a name or alias with an added speaker is that speaker, and several are one; with a name that is silent
    it is dropped. Whom the finder missed comes last, without quotes.
    """
    silent = {name.casefold() for name in article.silent_names}
    kept = [row for row in rows if not silent & _forms(row)]
    for speaker in article.added_speakers:
        names = {name.casefold() for name in speaker.names}
        same = [row for row in kept if names & _forms(row)]
        at = kept.index(same[0]) if same else len(kept)
        kept = [row for row in kept if row not in same]
        forms = [*speaker.aliases, *(form for row in same for form in (row["name"], *row.get("aliases", ())))]
        kept.insert(
            at,
            {
                "name": speaker.name,
                "aliases": list(dict.fromkeys(form for form in forms if form != speaker.name)),
                "kind": speaker.kind,
                "side": speaker.side,
                "role": speaker.role,
                "quotes": [quote for row in same for quote in row.get("quotes", ())],
                "places": [place for row in same for place in row.get("places", ())],
            },
        )
    return kept


def _forms(row: dict[str, Any]) -> set[str]:
    return {form.casefold() for form in (row["name"], *row.get("aliases", ()))}
