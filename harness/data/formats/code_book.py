"""People and propositions of a text from elsewhere, and what a mapping says of foreign labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.data.formats.base import Ids
from harness.errors import DataError, Place, nearest_hint
from harness.types import Stance

LABEL_KEYS = ("stances", "speakers", "targets")
"""Keys of a mapping that `CodeBook` reads."""

_FAMILIAR: dict[str, Stance] = {
    **{str(s): s for s in Stance},
    "favor": Stance.SUPPORT,
    "favour": Stance.SUPPORT,
    "against": Stance.OPPOSE,
}

_PRONOUN = re.compile(
    r"(?:i|we|you|he|she|it|they|me|us|him|her|them|who|whom|which|that|this|these|those|one|some|many|others?|both|all)",
    re.IGNORECASE,
)


class Cast:
    """The speakers and targets of one article, declared as they are met, under ids made of their names."""

    def __init__(self, speakers: list[dict[str, Any]] | None = None, targets: list[dict[str, Any]] | None = None):
        self.speakers: list[dict[str, Any]] = list(speakers or [])
        self.targets: list[dict[str, Any]] = list(targets or [])
        self._speaker, self._target = Ids("speaker"), Ids("target")
        self._speaker_ids = {s["name"]: s["id"] for s in self.speakers}
        self._target_ids = {x["proposition"]: x["id"] for x in self.targets}

    def speaker(self, name: str, **fields: Any) -> str:
        """The id of a speaker; `fields` (id, kind, side, main ...) count the first time."""
        if name not in self._speaker_ids:
            row = {"id": self._speaker(name), "name": name, **fields}
            self.speakers.append(row)
            self._speaker_ids[name] = row["id"]
        return str(self._speaker_ids[name])

    def target(self, proposition: str, **fields: Any) -> str:
        """The id of a target; `fields` (id, direction, rung) count the first time."""
        if proposition not in self._target_ids:
            row = {"id": self._target(proposition), "proposition": proposition, **fields}
            self.targets.append(row)
            self._target_ids[proposition] = row["id"]
        return str(self._target_ids[proposition])

    def declare(self, row: dict[str, Any]) -> None:
        """Puts them into the row of an article; without targets the row keeps the one that it has."""
        row["speakers"] = self.speakers
        row["targets"] = self.targets or row["targets"]


def names_somebody(words: str) -> bool:
    """Whether the words that stand for a speaker are more than a pronoun."""
    return bool(re.search(r"\w", words)) and not _PRONOUN.fullmatch(words.strip())


class CodeBook:
    """`stances: {label: stance}`, `speakers: {label: name or fields}`, `targets: {label: proposition or fields}`.

    Labels are compared without case. Our six stances, favor, favour and against are known without a mapping; "none" is
    not: to some it is the label of a neutral text, to others of a text that nobody has labelled.
    """

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        self._stances = dict(_FAMILIAR)
        for label, value in _section(mapping, "stances").items():
            self._stances[str(label).casefold()] = _stance(value, f"stances.{label}")
        self._speakers = {str(k).casefold(): _fields(v, "name") for k, v in _section(mapping, "speakers").items()}
        self._targets = {str(k).casefold(): _fields(v, "proposition") for k, v in _section(mapping, "targets").items()}

    def stance(self, label: str) -> Stance | None:
        """The stance that a label says; None for any other."""
        return self._stances.get(label.strip().casefold())

    def speaker(self, label: str) -> dict[str, Any] | None:
        """Fields of the speaker that a label stands for, `name` among them; None for any other."""
        return self._speakers.get(label.strip().casefold())

    def target(self, label: str) -> dict[str, Any] | None:
        """Fields of the target that a label stands for, `proposition` among them; None for any other."""
        return self._targets.get(label.strip().casefold())


def _section(mapping: Mapping[str, Any], key: str) -> Mapping[Any, Any]:
    section = mapping.get(key) or {}
    if not isinstance(section, Mapping):
        raise DataError(Place("mapping", field=key), "must be a mapping of labels", hint=f"{key}: {{label: ...}}")
    return section


def _stance(value: Any, field: str) -> Stance:
    if value not in list(Stance):
        known = ", ".join(Stance)
        raise DataError(
            Place("mapping", field=field),
            f"{value!r} is no stance",
            hint=nearest_hint(str(value), list(Stance)) + f"one of {known}",
        )
    return Stance(value)


def _fields(value: Any, name: str) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {name: str(value)}
