"""Which runs may stand beside each other, decided by their articles and their systems; if not, what changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.results.records import RunRecord
from harness.results.states import read_state


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


def mixes(record: RunRecord, newest: RunRecord, results: Path) -> str | None:
    """Why a run must not stand beside the newest one; None if it may.

    It may in another state of the dataset too, where its articles are as they were, and what its systems learned from is.
    """
    a, b = record.dataset, newest.dataset
    assert a is not None and b is not None
    if a.name != b.name:
        return f"{a.name}, not {b.name}"
    if record.scoring_version != newest.scoring_version:
        return f"scored by version {record.scoring_version}, not {newest.scoring_version} (harness rescore)"
    change = None
    if a.fingerprint != b.fingerprint:
        then, now = read_state(results, a.fingerprint), read_state(results, b.fingerprint)
        states = f"another state of {a.name}: {a.fingerprint[:8]}, not {b.fingerprint[:8]}"
        if then is None or now is None:
            return states
        change = f"{states}: {then.difference(now)}"
        if a.articles == b.articles and len(now.unchanged(then, a.articles)) == len(a.articles):
            learned = [u.name for u in record.systems if u.learns and then.labelled != now.labelled]
            return f"{change}, from which {learned[0]} learned" if learned else None
    if a.articles != b.articles:
        other = f"other articles: {len(a.articles)} of split {a.split}, not {len(b.articles)} of {b.split}"
        return f"{other} ({change})" if change else other
    return change


def state_of(record: RunRecord) -> str | None:
    """The fingerprint of the dataset as it was scored."""
    return record.dataset.fingerprint if record.dataset else None
