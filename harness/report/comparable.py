"""Which runs may stand beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from harness.results.records import RunRecord


def unchanged(record: RunRecord) -> str | None:
    """The fingerprint of the dataset that a probe's run changes; None for a run without a probe."""
    return record.dataset.unchanged if record.dataset else None


def dataset_name(record: RunRecord) -> str | None:
    """The name of a run's dataset."""
    return record.dataset.name if record.dataset else None


def completed_later(failed: RunRecord, complete: Sequence[RunRecord]) -> bool:
    """Whether the same command completed later: then the failure is not reported."""
    same = (r for r in complete if r.overrides == failed.overrides and (r.overrides or r.config == failed.config))
    return any(r.started_at > failed.started_at for r in same)


def mixes(record: RunRecord, newest: RunRecord) -> str | None:
    """Why a run must not stand beside the newest one; None if it may."""
    a, b = record.dataset, newest.dataset
    assert a is not None and b is not None
    if a.name != b.name:
        return f"{a.name}, not {b.name}"
    if record.scoring_version != newest.scoring_version:
        return f"scored by version {record.scoring_version}, not {newest.scoring_version} (harness rescore)"
    if a.fingerprint != b.fingerprint:
        return f"another state of {a.name}: {a.fingerprint[:8]}, not {b.fingerprint[:8]}"
    if a.articles != b.articles:
        return f"other articles: {len(a.articles)} of split {a.split}, not {len(b.articles)} of {b.split}"
    return None
