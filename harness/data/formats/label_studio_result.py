"""Label Studio: the result of one annotation, its regions put together from the parts that share an id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from harness.data.formats.labels import Labels
from harness.data.formats.ledger import Items, Ledger, Record
from harness.data.formats.offsets import find_span
from harness.data.formats.spans import Pair, Span
from harness.errors import DataError, Place

_ONE_OF = ("act", "modality", "basis")
_TEXTS = ("condition", "note", "reason")
CONTROLS = ("stance", "speaker", "target", *_ONE_OF, "phenomena", *_TEXTS, "confidence", "no_stance", "annotator")
"""Our names of the controls."""

_VALUES = ("labels", "choices", "text")
"""Keys of a part's value that may hold what was chosen or written."""


@dataclass(frozen=True)
class Context:
    """Where an annotation stands and what its words mean; `about` names the speaker and target of the whole text, with
    `defaults` those of the mapping stand in for what no region names."""

    place: Place
    ledger: Ledger
    labels: Labels
    controls: Mapping[str, str]
    about: Mapping[str, Any]
    defaults: bool


@dataclass
class Result:
    """The labels of one annotation: spans in code points, pairs without a stance, and the annotator that it names."""

    spans: list[Span] = field(default_factory=list)
    silent: list[Pair] = field(default_factory=list)
    annotator: str | None = None


@dataclass
class _Region:
    """Parts that share an id: where, the words that are quoted, and what each control of ours says."""

    start: Any = None
    end: Any = None
    quoted: str | None = None
    says: dict[str, list[str]] = field(default_factory=dict)


def read_result(entry: Record, text: str, context: Context) -> Result:
    """The labels of an annotation; what cannot be read is listed in the context's ledger."""
    result = Result()
    regions: dict[str, _Region] = {}
    for part in entry.get("result") or ():
        if not isinstance(part, Record):
            raise DataError(context.place, f"result {part!r} is no object")
        if part.get("type") == "relation":
            part.drop("a relation between regions is not carried")
            continue
        value, control = part.get("value"), str(part.get("from_name"))
        if not isinstance(value, Record):
            raise DataError(context.place, f"result {part!r} has no value")
        name = context.controls.get(control)
        if name is None:
            part.drop(f"a result of the control {control!r} is not read: controls: in --mapping says what it holds")
        elif name == "annotator":
            result.annotator = next(iter(_chosen(value)), None)
        elif name == "no_stance":
            _silent(_chosen(value), result, context)
        else:
            _add(regions.setdefault(str(part.get("id")), _Region()), name, value)
    uses = {name for region in regions.values() for name in region.says}
    for key, region in regions.items():
        place = Place(context.place.file, field=f"{context.place.field}: region {key}")
        result.spans += _spans(region, text, place, context, uses)
    return result


def _chosen(value: Record) -> list[str]:
    """What a part's value holds: labels, choices, or texts (a text beside offsets is the passage)."""
    chosen: list[str] = []
    for key in _VALUES:
        content = value.get(key) if key in value else None
        if isinstance(content, Items):
            chosen += [str(item) for item in content]
        elif isinstance(content, str) and (key != "text" or "start" not in value):
            chosen.append(content)
    return chosen


def _silent(chosen: list[str], result: Result, context: Context) -> None:
    for choice in chosen:
        speaker, bar, target = choice.partition("|")
        if bar:
            result.silent.append((speaker, target))
        else:
            context.ledger.lose(context.place, f"choice {choice!r} of no_stance is not SPEAKER|TARGET")


def _add(region: _Region, name: str, value: Record) -> None:
    if "start" in value:
        start, end, quoted = value["start"], value.get("end"), value.get("text") if "text" in value else None
        if region.start is None or name == "stance":
            region.start, region.end = start, end
            region.quoted = quoted if isinstance(quoted, str) else region.quoted
    chosen = [str(value["rating"])] if name == "confidence" and "rating" in value else _chosen(value)
    region.says[name] = [*region.says.get(name, []), *chosen]


def _spans(region: _Region, text: str, place: Place, context: Context, uses: set[str]) -> list[Span]:
    says = region.says
    who = _named("speaker", region, context, uses)
    what = _named("target", region, context, uses)
    lacking = [
        name for name, names in (("stance", says.get("stance")), ("speaker", who), ("target", what)) if not names
    ]
    if lacking or not who or not what:
        held = ", ".join(f"{name} {'+'.join(values)}" for name, values in sorted(says.items()))
        context.ledger.lose(f"{place} ({held})", f"a region without {' and '.join(lacking)} is left out: half done")
        return []
    start, end = (0, len(text)) if region.start is None else _passage(region, text, place, context)
    attributes = _attributes(says, place, context.ledger)
    spans = []
    for label, speaker, target in product(says["stance"], who, what):
        triple = context.labels.triple(label, place, speaker, target)
        if triple is not None:
            spans.append(Span(start, end, triple[1], triple[2], triple[0], attributes))
    return spans


def _named(part: str, region: _Region, context: Context, uses: set[str]) -> list[str]:
    """The speakers, or the targets, of a region: its own, else those of the whole text, else the mapping's default where
    no region of the annotation names one."""
    if region.says.get(part):
        return region.says[part]
    if context.about.get(part):
        return [str(context.about[part])]
    default = context.labels.default_speaker if part == "speaker" else context.labels.default_target
    return [default] if default and context.defaults and part not in uses else []


def _passage(region: _Region, text: str, place: Place, context: Context) -> tuple[int, int]:
    try:
        start, end = int(region.start), int(region.end)
    except (TypeError, ValueError):
        raise DataError(place, f"{region.start!r}-{region.end!r} are no offsets") from None
    where = find_span(text, start, end, region.quoted, "code_points")
    if where is None:
        raise DataError(place, f"{start}-{end} is not in the text, nor is {region.quoted!r}")
    if not where[2]:
        context.ledger.lose(f"{place}: {region.quoted!r}", f"did not stand at {start}-{end}; taken where it is nearest")
    return where[0], where[1]


def _attributes(says: Mapping[str, list[str]], place: Place, ledger: Ledger) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, values in says.items():
        if not values or name in ("stance", "speaker", "target"):
            continue
        if name == "phenomena":
            found[name] = list(values)
        elif name in _TEXTS:
            found[name] = "\n".join(values)
        else:
            for value in values[1:]:
                ledger.lose(f"{place}: {value}", f"a second {name} of one region is not carried")
            found[name] = int(values[0]) if name == "confidence" and values[0].isdigit() else values[0]
    return found
