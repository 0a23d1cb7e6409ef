"""The lexicon of a set's proper names, `names.yaml` in its folder: what the probes of names must know beyond the declarations."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.data.yaml_lines import read_yaml
from harness.errors import DataError
from harness.text.metonyms import GOVERNMENTS


@dataclass(frozen=True, slots=True)
class Country:
    """One country, or a party like one, with everything that is named after it; the first of `names` is its usual one.

    `side` is the id by which articles know it as a side, `word` what it is called where its name is masked, `the` says
    whether its name takes an article.
    """

    names: tuple[str, ...]
    adjectives: tuple[str, ...] = ()
    peoples: tuple[str, ...] = ()
    capitals: tuple[str, ...] = ()
    seats: tuple[str, ...] = ()
    side: str | None = None
    word: str = "Country"
    the: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """Countries, and names that are declared as nobody: persons, places, bodies such as parties, objects such as ships."""

    countries: tuple[Country, ...] = ()
    persons: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _CountryRow(_Row):
    names: list[str]
    adjectives: list[str] = []
    peoples: list[str] = []
    capitals: list[str] = []
    seats: list[str] = []
    side: str | None = None
    word: str = "Country"
    the: bool = False


class _NamesFile(_Row):
    countries: list[_CountryRow] = []
    persons: list[str] = []
    places: list[str] = []
    bodies: list[str] = []
    objects: list[str] = []


def read_names(folder: Path) -> Names:
    """The lexicon of a dataset folder after the governments that every set knows; where both have a country, the file's
    forms come in addition. Without a file the governments alone; DataError with the file's line for what is wrong."""
    path = folder / "names.yaml"
    by_name = {g.countries[0]: Country(g.countries, g.adjectives, (), g.seats[:1], g.seats[1:]) for g in GOVERNMENTS}
    if not path.is_file():
        return Names(tuple(by_name.values()))
    document = read_yaml(path, 1_000_000)
    try:
        rows = _NamesFile.model_validate(document.data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        hint = "countries, persons, places, bodies and objects are known"
        raise DataError(document.place(tuple(first["loc"])), first["msg"], hint=hint) from None
    for row in rows.countries:
        before = by_name.get(row.names[0], Country(()))
        forms = {
            field.name: tuple(dict.fromkeys((*getattr(before, field.name), *getattr(row, field.name))))
            for field in fields(Country)[:5]
        }
        by_name[row.names[0]] = Country(**forms, side=row.side, word=row.word, the=row.the)
    others = (rows.persons, rows.places, rows.bodies, rows.objects)
    return Names(tuple(by_name.values()), *map(tuple, others))
