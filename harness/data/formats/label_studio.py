"""Label Studio (JSON export of any version): tasks with annotations and predictions; import. Export is `label_studio_write`.

Mapping: `data.text`; `data.article` everything but the labels; `data.speakers` and `data.targets` the choices of that
article. An annotation's region is one piece of evidence: `stance` its label, `speaker`, `target`, `act`, `modality`, `basis`,
`phenomena` choices, `condition`, `note`, `reason` texts, `confidence` a rating, all of the region. For the whole text stand the
choices `no_stance` (pairs `speaker|target` without a stance) and the text `annotator` (whose labels they are, where it is not
the person who submitted them). Gold is the annotation with `ground_truth`; an annotator called `machine:NAME` is a prediction
with `model_version` NAME. Offsets are code points, as Label Studio has stored them since 2022; files of older versions count
UTF-16 units: of the two that one is taken which gives the words that the region quotes.

Labels of others: `controls: {stance: sentiment, speaker: who}` names the controls that hold ours, `fields: {speaker: author,
target: topic}` the keys of `data` that name the speaker and target of a whole text; a choice or label without a region is
about the whole text, which is its evidence. `drafts: true` reads drafts as annotations. `silence: no_stance` says that a pair
without a region has no stance (else it is unlabelled). `completions` of files before 2021 are annotations. Listed as losses:
relations, skipped tasks, drafts, regions without a stance, results of other controls, bare prediction ids. Not carried: what a
label without evidence says beside `no_stance`; the order of labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.data.formats.base import metadata_or_new, parse_json, read_guarded, unique
from harness.data.formats.label_studio_result import CONTROLS, Context, read_result
from harness.data.formats.label_studio_write import MACHINE, save
from harness.data.formats.labels import Labels, names_of, reads_silence
from harness.data.formats.layers import Layers
from harness.data.formats.ledger import Imported, Items, Ledger, Record
from harness.errors import DataError, Place
from harness.types import Article

__all__ = ["BOOKKEEPING", "load", "save"]

_ENTRY = frozenset(
    {
        *("created_at", "updated_at", "created_ago", "created_username", "lead_time", "draft_created_at", "import_id"),
        *("last_action", "bulk_created", "unique_id", "task", "project", "updated_by", "parent_prediction"),
        *("parent_annotation", "last_created_by", "result_count", "completed_by.first_name", "completed_by.last_name"),
        *("completed_by.avatar", "completed_by.initials", "completed_by.id", "completed_by", "id", "result.id"),
        *("result.origin", "result.to_name", "result.type", "result.original_length", "result.value.globalOffsets"),
        *("result.value.globalOffsets.start", "result.value.globalOffsets.end", "result.value.startOffset"),
        *("result.value.endOffset", "result.parentID", "result.readonly", "result.hidden", "result.locked"),
    }
)
"""Of an annotation."""
BOOKKEEPING = frozenset(
    {
        *("id", "inner_id", "project", "meta", "created_at", "updated_at", "updated_by", "updated_by.user_id"),
        *(
            "total_annotations",
            "cancelled_annotations",
            "total_predictions",
            "comment_count",
            "unresolved_comment_count",
        ),
        *(
            "last_comment_updated_at",
            "comment_authors",
            "file_upload",
            "storage_filename",
            "overlap",
            "allow_skip",
            "is_labeled",
        ),
        *("data.no_stance_pairs", "data.no_stance_pairs.value"),
        *(f"{entry}.{key}" for entry in ("annotations", "completions", "predictions", "drafts") for key in _ENTRY),
        *("predictions.mislabeling", "predictions.cluster", "predictions.neighbors", "predictions.model"),
        *("predictions.model_run", "drafts.was_postponed", "drafts.annotation"),
    }
)
"""Keys of a task that hold no label; offsets of a result that is no label repeat those of its region's label."""

_FIELDS = ("speaker", "target", "id", "title")


class Reader:
    """What one import needs everywhere: the mapping's words and the account."""

    def __init__(self, path: Path, mapping: Mapping[str, Any]) -> None:
        self.path = path
        self.ledger = Ledger(BOOKKEEPING)
        self.labels = Labels(mapping, self.ledger)
        self.drafts = bool(mapping.get("drafts", False))
        self.silence = reads_silence(mapping)
        replaced = names_of(mapping, "controls", CONTROLS)
        self.controls = {replaced.get(name, name): name for name in CONTROLS}
        self.fields = names_of(mapping, "fields", _FIELDS)

    def context(self, entry: Record, data: Record, rode_along: bool) -> Context:
        """What reading one annotation of a task needs."""
        place = Place(str(self.path), field=f"{entry.place.field}: annotation {entry.get('id', '?')}")
        about: dict[str, Any] = {
            part: data.get(self.fields[part]) for part in ("speaker", "target") if part in self.fields
        }
        return Context(place, self.ledger, self.labels, self.controls, about, defaults=not rode_along)


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """An exported list of tasks, or one task."""
    reader = Reader(path, mapping)
    tasks = parse_json(read_guarded(path), Place(str(path)))
    tasks = [tasks] if isinstance(tasks, dict) else tasks
    if not isinstance(tasks, list):
        raise DataError(Place(str(path)), "not a list of tasks", hint="export as JSON, not as CSV or CONLL")
    articles = [
        _article(task, number, reader)
        for number, task in enumerate(reader.ledger.settled(_objects(tasks, path)), start=1)
    ]
    return reader.ledger.imported(unique(articles, path), {"complete": all(a.complete for a in articles)})


def _objects(tasks: list[Any], path: Path) -> Iterator[tuple[dict[str, Any], Place]]:
    for number, task in enumerate(tasks, start=1):
        place = Place(str(path), field=f"task {task.get('id', number) if isinstance(task, dict) else number}")
        if not isinstance(task, dict):
            raise DataError(place, f"{task!r} is no object")
        if "data" not in task and {"annotation_id", "annotator", "lead_time"} & task.keys():
            hint = "export as JSON: JSON-MIN leaves out which parts belong to one region"
            raise DataError(place, "has no data.text: this is JSON-MIN", hint=hint)
        yield task, place


def _article(task: Record, number: int, reader: Reader) -> Article:
    data = task.get("data")
    if not isinstance(data, Record) or not isinstance(data.get("text"), str):
        raise DataError(task.place, "has no data.text")
    rode_along = "article" in data
    name = data.get(reader.fields.get("id", ""), task.get("id", number))
    row = metadata_or_new(data.carry("article"), data["text"], f"{reader.path.stem}-{name}", task.place)
    title = data.get(reader.fields.get("title", "title"))
    if not rode_along and isinstance(title, str) and title.strip():
        row["title"] = title
    for part, says in (("speakers", "name"), ("targets", "proposition")):
        choices = [(c.get("value"), c.get("hint")) for c in data.get(part) or () if isinstance(c, Record)]
        if not rode_along:
            _declare(row[part], says, choices)
    layers = Layers(row, reader.ledger, task.place)
    for entry, kind in _entries(task, reader):
        who = reader.labels.annotator(_who(entry, kind))
        result = read_result(entry, row["text"], reader.context(entry, data, rode_along))
        if not rode_along:
            reader.labels.declare(row, result.spans)
        gold = bool(entry.get("ground_truth")) and kind != "drafts"
        who = reader.labels.annotator(result.annotator) if result.annotator else who
        layers.add(who, result.spans, gold=gold, silent=result.silent, silence=reader.silence)
    return layers.article()


def _declare(rows: list[dict[str, Any]], says: str, choices: list[tuple[Any, Any]]) -> None:
    """The choices (value, hint) of a task that we did not write."""
    known = {x["id"] for x in rows}
    for value, hint in choices:
        if value and str(value) not in known:
            known.add(str(value))
            rows.append({"id": str(value), says: str(hint or value)})


def _entries(task: Record, reader: Reader) -> Iterator[tuple[Record, str]]:
    """Annotations, drafts if they are wanted, and predictions; what is none is listed."""
    if not reader.drafts:
        task.lose("drafts", "a draft is not read: drafts: true in --mapping reads it as an annotation")
    for kind in ("annotations", "completions", "drafts", "predictions"):
        if kind == "drafts" and not reader.drafts:
            continue
        entries = task.get(kind) or ()
        if not isinstance(entries, Items | tuple):
            raise DataError(task.place, f"`{kind}` is no list")
        for entry in entries:
            if isinstance(entry, int):
                hint = "export a snapshot with predictions in full (`predictions: {only_id: false}`)"
                reader.ledger.lose(task.place, f"a bare id in {kind}: its labels are not in the file; {hint}")
            elif not isinstance(entry, Record):
                raise DataError(task.place, f"annotation {entry!r} is no object")
            elif entry.get("was_cancelled") or entry.get("skipped"):
                entry.drop("skipped by its annotator: left out")
            else:
                entry.lose("prediction", "the prediction that stood there when a person labelled is not carried")
                yield entry, kind


def _who(entry: Record, kind: str) -> str:
    if kind == "predictions":
        return f"{MACHINE}{entry.get('model_version') or 'unnamed'}"
    version = entry.get("model_version") if "model_version" in entry else None
    if kind == "annotations" and "completed_by" not in entry and version:
        return f"{MACHINE}{version}"
    by = entry.get("user") if kind == "drafts" else entry.get("completed_by")
    if isinstance(by, Record):
        return str(by.get("email") or by.get("username") or by.get("id"))
    return str(by) if isinstance(by, str) else "label-studio" if by is None else f"annotator-{by}"
