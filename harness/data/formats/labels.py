"""What the labels, speakers and targets of other people's files mean, by a mapping; the same words for every format.

    stances: {pro: support, con: oppose, unsure: unlabelled}
    speakers: {Ada Brandt: brandt, Gov: {id: government, name: The government, kind: group}}
    targets: {gates: {id: gates, proposition: The gates should be shut.}}
    annotators: {1: ada, ada@example.org: ada}
    default_speaker: author
    default_target: gates

Known without a mapping: our six labels, and FAVOR, AGAINST, NONE of SemEval, in any case. `unlabelled` takes a label away
and says so. A label, speaker or target that stands in no mapping keeps its name; a label that nobody explains is
refused. `default_speaker` has what no speaker is named for; without `default_target` a label on no target is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.data.formats.base import Ids
from harness.data.formats.ledger import Ledger
from harness.data.formats.spans import Span
from harness.data.schema import SAFE_ID
from harness.errors import DataError, Place, nearest_hint
from harness.types import Stance

UNLABELLED = "unlabelled"

STANCES: dict[str, Stance] = {
    **{str(s): s for s in Stance},
    "favor": Stance.SUPPORT,
    "favour": Stance.SUPPORT,
    "against": Stance.OPPOSE,
    "none": Stance.NO_STANCE,
}
"""Labels that need no mapping, in lower case."""

AUTHOR = "author"
"""Who has a stance that no speaker is named for, unless `default_speaker` says otherwise."""


class Labels:
    """Reads labels by a mapping, and keeps the speakers and targets that they name."""

    def __init__(self, mapping: Mapping[str, Any], ledger: Ledger) -> None:
        self._ledger = ledger
        self._stances: dict[str, Stance | None] = {**STANCES}
        for label, meaning in _section(mapping, "stances").items():
            self._stances[label.casefold()] = _stance(meaning, label)
        self._mapped = {label.casefold() for label in _section(mapping, "stances")}
        self._annotators = {name: str(to) for name, to in _section(mapping, "annotators").items()}
        self._speakers = _Names(_section(mapping, "speakers"), "speakers", "name")
        self._targets = _Names(_section(mapping, "targets"), "targets", "proposition")
        self.default_speaker = str(mapping.get("default_speaker", AUTHOR))
        self.default_target = None if mapping.get("default_target") is None else str(mapping["default_target"])

    def annotator(self, name: str) -> str:
        """The annotator's name by the mapping, else as it is."""
        return self._annotators.get(name, name)

    def knows(self, label: str) -> bool:
        """Whether the label has a meaning, `unlabelled` among them."""
        return label.strip().casefold() in self._stances

    def stance(self, label: str, place: Place) -> Stance | None:
        """The stance of a label; None for one that the mapping calls `unlabelled`, which is listed as a loss.

        DataError for a label without a meaning.
        """
        key = label.strip().casefold()
        if key not in self._stances:
            names = sorted(self._stances)
            raise DataError(
                place,
                f"{label!r} is no stance",
                hint=nearest_hint(label, names)
                + f"say what it means in --mapping: stances: {{{label}: support, or {UNLABELLED}}}; known: {', '.join(names)}",
            )
        if self._stances[key] is None:
            self._ledger.lose(place, f"label {label!r} is {UNLABELLED} by the mapping: left out")
        return self._stances[key]

    def speaker(self, name: str | None) -> str:
        """The id of a speaker by the name of the file; the default one without a name."""
        return self._speakers.id(name if name and name.strip() else self.default_speaker)

    def target(self, name: str | None, place: Place) -> str:
        """The id of a target by the name of the file; DataError where there is neither a name nor a default."""
        name = name if name and name.strip() else self.default_target
        if name is None:
            raise DataError(place, "the label has no target", hint="say default_target: ... in --mapping")
        return self._targets.id(name)

    def speaker_row(self, identifier: str) -> dict[str, Any]:
        """What the article's `speakers` say about the speaker of that id."""
        return self._speakers.row(identifier)

    def target_row(self, identifier: str) -> dict[str, Any]:
        """What the article's `targets` say about the target of that id."""
        return self._targets.row(identifier)

    def triple(
        self, label: str, place: Place, speaker: str | None = None, target: str | None = None
    ) -> tuple[Stance, str, str] | None:
        """Stance, speaker id and target id of a label: `support|brandt|gates` as we write them, else a stance by the
        mapping, of the speaker and on the target beside it. None for an unlabelled one."""
        parts = label.split("|")
        if len(parts) == 3 and label.casefold() not in self._mapped:
            if not self.knows(parts[0]):
                raise DataError(place, f"label {label!r} is not understood", hint=HINT)
            stance = self.stance(parts[0], place)
            ids = (self._speakers.id(parts[1]), self._targets.id(parts[2]))
            return None if stance is None else (stance, *ids)
        if not self.knows(label):
            raise DataError(place, f"label {label!r} is not understood", hint=HINT)
        stance = self.stance(label, place)
        return None if stance is None else (stance, self.speaker(speaker), self.target(target, place))

    def declare(self, row: dict[str, Any], spans: Sequence[Span]) -> None:
        """Adds the speakers and targets that spans name to the row of a text from elsewhere."""
        for part, ids, describe in (
            ("speakers", [s.speaker for s in spans], self.speaker_row),
            ("targets", [s.target for s in spans], self.target_row),
        ):
            known = {x["id"] for x in row[part]}
            row[part] = [*row[part], *(describe(i) for i in dict.fromkeys(ids) if i not in known)]


HINT = (
    "a label is STANCE|SPEAKER|TARGET with ids, such as support|brandt|gates, or one that --mapping explains: "
    "stances: {LABEL: support, or unlabelled}, with default_target: ..."
)


class _Names:
    """Ids and rows of speakers, or of targets, by the name of the file."""

    def __init__(self, section: Mapping[str, Any], field: str, says: str) -> None:
        self._says = says
        self._new = Ids(field.removesuffix("s"))
        self._ids: dict[str, str] = {}
        self._mapped: dict[str, str] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        for name, meaning in section.items():
            row = dict(meaning) if isinstance(meaning, Mapping) else {"id": str(meaning)}
            identifier = str(row.get("id") or self._new(name))
            self._mapped[name.casefold().strip()] = identifier
            known = self._rows.setdefault(identifier, {"id": identifier, says: name, **row})
            if says == "name" and name not in (known[says], *known.get("aliases", [])):
                known["aliases"] = [*known.get("aliases", []), name]

    def id(self, name: str) -> str:
        """The id of a name: the mapping's (in any case), else the name itself where it can be an id, else made of it."""
        known = self._mapped.get(name.casefold().strip()) or self._ids.get(name)
        if known is not None:
            return known
        identifier = name if re.fullmatch(SAFE_ID, name) else self._new(name)
        while identifier != name and self._rows.get(identifier, {}).get(self._says, name) != name:
            identifier += "-2"
        self._ids[name] = identifier
        self._rows.setdefault(identifier, {"id": identifier, self._says: name})
        return identifier

    def row(self, identifier: str) -> dict[str, Any]:
        """What an article declares under the id."""
        return self._rows.get(identifier, {"id": identifier, self._says: identifier})


def _section(mapping: Mapping[str, Any], field: str) -> dict[str, Any]:
    section = mapping.get(field) or {}
    if not isinstance(section, Mapping):
        raise DataError(Place("mapping", field=field), f"{section!r}: `name in the file: meaning` is wanted")
    return {str(k): v for k, v in section.items()}


def names_of(mapping: Mapping[str, Any], field: str, known: Sequence[str]) -> dict[str, str]:
    """A section of the mapping that says what the file calls things of ours: `our name: name in the file`."""
    section = _section(mapping, field)
    if unknown := sorted(set(section) - set(known)):
        raise DataError(Place("mapping", field=field), f"unknown: {unknown}", hint=f"known: {', '.join(known)}")
    return {name: str(to) for name, to in section.items()}


def reads_silence(mapping: Mapping[str, Any]) -> bool:
    """Whether `silence: no_stance` says that a pair without a label has no stance; by default it is unlabelled."""
    says = str(mapping.get("silence", UNLABELLED))
    if says not in (UNLABELLED, Stance.NO_STANCE):
        raise DataError(Place("mapping", field="silence"), f"{says!r}: {UNLABELLED} or {Stance.NO_STANCE}")
    return says == Stance.NO_STANCE


def _stance(value: Any, label: str) -> Stance | None:
    if value == UNLABELLED:
        return None
    try:
        return Stance(str(value))
    except ValueError:
        raise DataError(
            Place("mapping", field=f"stances.{label}"),
            f"{value!r} is no stance",
            hint=f"one of {', '.join(Stance)}, {UNLABELLED}",
        ) from None
