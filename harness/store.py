"""Every answer of every system, kept: immutable Parquet parts found by a key of the system and exactly what it read."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.files import encodable, replacing, write_text
from harness.types import Answer, Item, Prediction, Stance

FORMAT = "1"
"""Version of a part's columns, in its Parquet metadata."""


def content_hash(value: Any) -> str:
    """SHA-256 (64 hex digits) of a JSON-able value in canonical form."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def prediction_key(fingerprint: str, reads: Mapping[str, Any]) -> str:
    """Key of an answer: the system's fingerprint and exactly what it reads, nothing about batch, device count or executor."""
    return content_hash([fingerprint, reads])[:40]


@dataclass(frozen=True)
class TornPart:
    """A part that cannot be read: it is reported and left where it is; its unit is computed again."""

    path: Path
    reason: str


class PredictionStore:
    """Predictions under `root`, one folder a system and fingerprint; safe for many writers without locks."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.torn: list[TornPart] = []

    def folder(self, system: str, fingerprint: str) -> Path:
        """`<root>/<system>-<fingerprint8>`."""
        return self.root / f"{system}-{fingerprint[:8]}"

    def describe(self, system: str, fingerprint: str, identity: Mapping[str, Any]) -> None:
        """Leaves beside the parts what the fingerprint is made of, for people who wonder why two differ."""
        path = self.folder(system, fingerprint) / "system.json"
        if not path.exists():
            content = {
                "system": system,
                "fingerprint": fingerprint,
                "identity": identity,
            }
            write_text(
                path,
                encodable(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"),
            )

    def read(self, system: str, fingerprint: str) -> dict[str, Prediction]:
        """All stored answers of a system by key; of two for one key an answer beats an error, the later beats the earlier."""
        found: dict[str, Prediction] = {}
        for prediction in self._rows(self.folder(system, fingerprint)):
            old = found.get(prediction.key)
            if old is None or _better(prediction, old):
                found[prediction.key] = prediction
        return found

    def write(
        self,
        system: str,
        fingerprint: str,
        kind: str,
        answers: Iterable[tuple[str, Item, Answer]],
    ) -> list[Prediction]:
        """One part with the answers of one unit; returns them as stored."""
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
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
            write_part(
                self.folder(system, fingerprint) / f"part-{stamp}-{uuid.uuid4().hex[:12]}.parquet",
                predictions,
            )
        return predictions

    def _rows(self, folder: Path) -> Iterator[Prediction]:
        import pyarrow as pa

        for path in sorted(folder.glob("part-*.parquet")):
            try:
                yield from read_part(path)
            except (pa.ArrowException, OSError, KeyError, ValueError) as error:
                if not any(t.path == path for t in self.torn):
                    self.torn.append(TornPart(path, str(error).splitlines()[0]))


def _storable(answer: Answer) -> Answer:
    """The answer with U+FFFD where a text cannot be encoded: one half emoji must not cost a whole part."""
    odd: dict[str, Any] = {}
    for name in ("output", "raw", "prompt", "path", "error"):
        text = getattr(answer, name)
        if text is not None and encodable(text) != text:
            odd[name] = encodable(text)
    if any(encodable(name) != name for name in answer.scores):
        odd["scores"] = {encodable(name): value for name, value in answer.scores.items()}
    return replace(answer, **odd) if odd else answer


def _better(new: Prediction, old: Prediction) -> bool:
    new_rank = (new.answer.error is None, new.created_at)
    return new_rank >= (old.answer.error is None, old.created_at)


def _schema() -> Any:
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    fields = {
        "key": text,
        "system": text,
        "article_id": text,
        "speaker_id": text,
        "target_id": text,
        "kind": text,
        "output": text,
        "label": text,
        "scores": pa.map_(text, pa.float64()),
        "raw": text,
        "prompt": text,
        "tokens_in": number,
        "tokens_out": number,
        "tokens_cut": number,
        "seconds": pa.float64(),
        "path": text,
        "error": text,
        "created_at": text,
    }
    return pa.schema(
        [pa.field(n, t) for n, t in fields.items()],
        metadata={"harness.predictions": FORMAT},
    )


def write_part(path: Path, predictions: Iterable[Prediction]) -> None:
    """Writes one immutable part, atomically."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = []
    for p in predictions:
        a = _storable(p.answer)
        rows.append(
            {
                "key": p.key,
                "system": p.system,
                "article_id": p.article_id,
                "speaker_id": p.speaker_id,
                "target_id": p.target_id,
                "kind": p.kind,
                "output": a.output,
                "label": a.label,
                "scores": list(a.scores.items()),
                "raw": a.raw,
                "prompt": a.prompt,
                "tokens_in": a.tokens_in,
                "tokens_out": a.tokens_out,
                "tokens_cut": a.tokens_cut,
                "seconds": a.seconds,
                "path": a.path,
                "error": a.error,
                "created_at": p.created_at,
            }
        )
    with replacing(path) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema=_schema()), temporary, compression="zstd")


def read_part(path: Path) -> list[Prediction]:
    """The predictions of one part; raises what pyarrow raises if it is torn, ValueError for an unknown version."""
    import pyarrow.parquet as pq

    table = pq.ParquetFile(path).read()
    version = (table.schema.metadata or {}).get(b"harness.predictions", b"").decode()
    if version != FORMAT:
        raise ValueError(f"predictions of format {version!r}; this version reads {FORMAT!r}")
    return [
        Prediction(
            key=row["key"],
            system=row["system"],
            kind=row["kind"],
            article_id=row["article_id"],
            speaker_id=row["speaker_id"],
            target_id=row["target_id"],
            answer=Answer(
                output=row["output"],
                label=Stance(row["label"]) if row["label"] else None,
                scores=dict(row["scores"] or ()),
                raw=row["raw"],
                prompt=row["prompt"],
                tokens_in=row["tokens_in"],
                tokens_out=row["tokens_out"],
                tokens_cut=row["tokens_cut"],
                seconds=row["seconds"],
                path=row["path"],
                error=row["error"],
            ),
            created_at=row["created_at"],
        )
        for row in table.to_pylist()
    ]
