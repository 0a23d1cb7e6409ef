"""Speaker finders of runs without declared speakers: found speakers and stances against gold, and errors by stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.metrics.catalogue import board_of, columns_of
from harness.report.cells import Shown, Table, share_shown
from harness.report.collect import Runs
from harness.results.records import RunRecord, Value

TITLE = "Speaker finders"
NOTE = (
    "Speaker finders: against gold, end to end; a stance counts if speaker, target and label are right. Errors by stage "
    "count stances by what went wrong first."
)


@dataclass(frozen=True)
class Finder:
    """One finder with the stance classifier that was asked about its speakers; `stages` counts errors by stage."""

    name: str
    fingerprint: str
    stance: str | None
    stance_fingerprint: str | None
    run: RunRecord
    metrics: dict[str, Value]
    stages: dict[str, int]

    @property
    def label(self) -> str:
        """Finder and classifier as one name."""
        return self.name if self.stance is None else f"{self.name} + {self.stance}"


def finders(runs: Runs) -> list[Finder]:
    """One for each pair of finder and classifier that was scored against gold, by name; the newest run stands for it."""
    newest: dict[tuple[str, str | None], Finder] = {}
    for record in sorted(runs.records, key=lambda r: (r.started_at, r.run_id)):
        use, stance = record.system("speakers"), record.system("stance")
        metrics = {k: v for k, v in sorted(record.metrics.items()) if board_of(k) == "speakers"}
        if use is None or not metrics:
            continue
        other = stance.fingerprint if stance else None
        newest[use.fingerprint, other] = Finder(
            use.name, use.fingerprint, stance.name if stance else None, other, record, metrics, _stages(record)
        )
    return sorted(newest.values(), key=lambda f: (f.label, f.fingerprint, f.stance_fingerprint or ""))


def _stages(record: RunRecord) -> dict[str, int]:
    """Errors by stage; empty where the record has something else."""
    table = record.tables.get("speakers")
    stages = table.get("speakers.stages") if isinstance(table, dict) else None
    return {str(k): v for k, v in stages.items() if isinstance(v, int)} if isinstance(stages, dict) else {}


def finder_table(scored: Sequence[Finder]) -> Table:
    """One row a finder: its scores, then its errors by stage; no rows where no run found its speakers."""
    stages = list(dict.fromkeys(stage for finder in scored for stage in finder.stages))
    columns = columns_of("speakers")
    head = ["finder", "stance classifier", *(label for _, label in columns), *(s.replace("_", " ") for s in stages)]
    rows = [
        [
            Shown(words=finder.name),
            Shown(words=finder.stance) if finder.stance else Shown(missing="none"),
            *(share_shown(finder.metrics.get(metric), metric) for metric, _ in columns),
            *(Shown(str(finder.stages[stage]) if stage in finder.stages else "") for stage in stages),
        ]
        for finder in scored
    ]
    return Table(head, rows)


def stage_lines(scored: Sequence[Finder]) -> list[str]:
    """Errors by stage as one line for each finder."""
    return [
        f"{finder.label}: " + ", ".join(f"{stage.replace('_', ' ')} {n}" for stage, n in finder.stages.items())
        for finder in scored
        if finder.stages
    ]


def as_data(scored: Sequence[Finder]) -> list[dict[str, Any]]:
    """The same for table.json."""
    return [
        {
            "name": f.name,
            "fingerprint": f.fingerprint,
            "stance_classifier": f.stance,
            "stance_fingerprint": f.stance_fingerprint,
            "run": f.run.run_id,
            "metrics": {k: v.model_dump(mode="json") for k, v in f.metrics.items()},
            "errors_by_stage": f.stages,
        }
        for f in scored
    ]
