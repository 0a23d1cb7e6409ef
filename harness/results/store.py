"""Every answer of every system, kept: immutable Parquet parts found by a key of the system and exactly what it read."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.results.stored_columns import TornPart, part_columns, part_schema, parts_of, stored_answers
from harness.runtime.files import encodable, holds, write_text
from harness.runtime.parquet import write_table
from harness.types import Answer, Item, Prediction, Stance

if TYPE_CHECKING:
    import pyarrow as pa

    from harness.results.stored_keys import StoredKeys

_ANSWER = [field.name for field in fields(Answer)]
_PREDICTION = [field.name for field in fields(Prediction)]
_TEXTS = ("output", "raw", "prompt", "path", "error", "finish")
"""The fields of an answer that hold text of a model or a server."""


def content_hash(value: Any) -> str:
    """SHA-256 (64 hex digits) of a JSON-able value in canonical form."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def prediction_key(fingerprint: str, reads: Mapping[str, Any]) -> str:
    """Key of an answer: the system's fingerprint and exactly what it reads, nothing about batch, device count or executor."""
    return content_hash([fingerprint, reads])[:40]


class PredictionStore:
    """Predictions under `root`, one folder a system and fingerprint; safe for many writers without locks."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.torn: list[TornPart] = []
        self._keys: dict[Path, StoredKeys] = {}

    def folder(self, system: str, fingerprint: str) -> Path:
        """`<root>/<system>-<fingerprint8>`."""
        return self.root / f"{system}-{fingerprint[:8]}"

    def describe(self, system: str, fingerprint: str, identity: Mapping[str, Any]) -> None:
        """Leaves beside the parts what the fingerprint is made of, for people who wonder why two differ."""
        path = self.folder(system, fingerprint) / "system.json"
        content = {"system": system, "fingerprint": fingerprint, "identity": identity}
        text = encodable(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
        if not holds(path, text):
            write_text(path, text)

    def columns(
        self, system: str, fingerprint: str, columns: Sequence[str], parts: Sequence[Path] | None = None
    ) -> pa.Table:
        """A system's stored answers with these columns, one row a key, as `stored_answers` gives them; torn parts are noted."""
        stored = stored_answers(self.folder(system, fingerprint), columns, parts)
        noted = {part.path for part in self.torn}
        self.torn.extend(part for part in stored.torn if part.path not in noted)
        return stored.table

    def read(self, system: str, fingerprint: str) -> dict[str, Prediction]:
        """All stored answers of a system by key; torn parts are noted in `torn`."""
        table = self.columns(system, fingerprint, part_schema().names)
        return {prediction.key: prediction for prediction in _predictions(table)}

    def part_names(self, system: str, fingerprint: str) -> frozenset[str]:
        """What parts there are now."""
        return frozenset(path.name for path in parts_of(self.folder(system, fingerprint)))

    def read_keys(self, system: str, fingerprint: str, keys: Sequence[str]) -> dict[str, Prediction]:
        """The stored answers to these keys: where the others lie is remembered, and only parts that hold some are read."""
        import pyarrow as pa
        import pyarrow.compute as pc

        from harness.results.stored_keys import StoredKeys

        folder = self.folder(system, fingerprint)
        if folder not in self._keys:
            self._keys[folder] = StoredKeys(folder)
        parts = self._keys[folder].parts_with(keys)
        if not parts:
            return {}
        table = self.columns(system, fingerprint, part_schema().names, parts)
        wanted = table.filter(pc.is_in(table["key"], value_set=pa.array(keys, pa.string())))
        return {prediction.key: prediction for prediction in _predictions(wanted)}

    def write(
        self,
        system: str,
        fingerprint: str,
        kind: str,
        answers: Iterable[tuple[str, Item, Answer]],
        part: str | None = None,
    ) -> list[Prediction]:
        """One part with the answers of one unit; returns them as stored. A `part` that is named stands in place of an earlier
        one of its name: a unit that had to be computed twice is stored once."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        predictions = [
            Prediction(
                key=key,
                system=system,
                kind=kind,
                article_id=item.article.id,
                speaker_id=item.speaker.id if item.speaker else None,
                target_id=item.target.id if item.target else None,
                answer=_storable(answer),
                created_at=now,
            )
            for key, item, answer in answers
        ]
        if predictions:
            folder = self.folder(system, fingerprint)
            path = folder / (part or part_name())
            _write_part(path, predictions)
            if folder in self._keys:
                self._keys[folder].add(path, [p.key for p in predictions])
        return predictions


def part_name() -> str:
    """A new part's: parts are read in the order of their names, which begin with the time of writing."""
    return f"part-{datetime.now(UTC).strftime('%Y%m%dT%H%M%S')}-{uuid.uuid4().hex[:12]}.parquet"


class Arrivals:
    """The keys that other processes store in a folder beside the parts of these names."""

    def __init__(self, folder: Path, parts: Iterable[str]) -> None:
        self._folder = folder
        self._parts = set(parts)
        self._keys: set[str] = set()
        self._changed: int | None = None

    def new_keys(self) -> set[str]:
        """All so far; nothing is read while the folder stays as it was at the last look."""
        try:
            changed = self._folder.stat().st_mtime_ns
        except OSError:
            return self._keys
        if self._changed != changed:
            self._changed = changed
            for path in parts_of(self._folder):
                if path.name not in self._parts:
                    self._parts.add(path.name)
                    with suppress(TornPart):
                        self._keys.update(part_columns(path, ("key",))["key"].to_pylist())
        return self._keys

    def leave_out(self, part: str) -> None:
        """A part of this process itself."""
        self._parts.add(part)


def _storable(answer: Answer) -> Answer:
    """The answer with U+FFFD where a text cannot be encoded: one half emoji must not cost a whole part."""
    mended: dict[str, Any] = {}
    for name in _TEXTS:
        text = getattr(answer, name)
        if text is not None and encodable(text) != text:
            mended[name] = encodable(text)
    if any(encodable(name) != name for name in answer.scores):
        mended["scores"] = {encodable(name): value for name, value in answer.scores.items()}
    return replace(answer, **mended) if mended else answer


def _write_part(path: Path, predictions: Iterable[Prediction]) -> None:
    import pyarrow as pa

    rows = []
    for prediction in predictions:
        answer = prediction.answer
        row = {name: getattr(prediction, name) for name in _PREDICTION if name != "answer"}
        row |= {name: getattr(answer, name) for name in _ANSWER} | {
            "scores": [{"label": label, "value": value} for label, value in answer.scores.items()]
        }
        rows.append(row)
    write_table(pa.Table.from_pylist(rows, schema=part_schema()), path)


def _predictions(table: pa.Table) -> Iterator[Prediction]:
    columns = {name: table[name].to_pylist() for name in table.column_names}
    columns["label"] = [Stance(label) if label else None for label in columns["label"]]
    columns["scores"] = [{s["label"]: s["value"] for s in scores or ()} for scores in columns["scores"]]
    columns["reading"] = [reading or 0 for reading in columns["reading"]]
    columns["answer"] = [Answer(*values) for values in zip(*(columns[name] for name in _ANSWER), strict=True)]
    return (Prediction(*values) for values in zip(*(columns[name] for name in _PREDICTION), strict=True))
