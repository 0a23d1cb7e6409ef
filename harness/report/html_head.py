"""The head of a report: dataset, agreement and ceiling, code, hardware and date, and the state of all runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from harness.metrics.catalogue import columns_of, label_of, metric_of, primary_of
from harness.report.collect import Runs
from harness.report.judge import judge_note
from harness.results.records import RunRecord


def head(runs: Runs) -> list[tuple[str, str]]:
    """Dataset, agreement, code, hardware and date, as (term, description)."""
    rows: list[tuple[str, str]] = []
    use = runs.use
    if use is not None:
        rows.append(("Dataset", f"{use.name} {use.version}, split {use.split}; fingerprint {use.fingerprint[:16]}"))
        pairs = len(runs.items)
        source = "" if runs.has_declared_speakers else " (found, not declared)"
        speakers = f"{sum(len(a.speakers) for a in runs.articles)} speakers{source}"
        gold = int((runs.items.gold >= 0).sum())
        rows.append(
            (
                "Material",
                f"{len(use.articles)} articles, {speakers}, {pairs} (speaker, target) pairs, {gold} gold stances",
            )
        )
    rows += _agreement(runs)
    if runs.judge is not None:
        rows.append(("Judge", f"{runs.judge.name} ({runs.judge.fingerprint[:8]}); {judge_note(runs)}"))
    if signatures := shown_signatures(runs):
        rows.append(("Metrics", "; ".join(signatures)))
    rows += _where(runs.records)
    return rows


def shown_signatures(runs: Runs) -> list[str]:
    """Heading and signature of each metric in the leaderboards that a reader could mistake for another."""
    shown = [column for board in ("summariser", "stance") for column in columns_of(board)]
    return [
        f"{heading}: {runs.signatures[key]}"
        for key, heading in shown
        if key in runs.signatures and (metric := metric_of(key)) is not None and metric.shows_signature
    ]


def _agreement(runs: Runs) -> list[tuple[str, str]]:
    """How far the annotators agree, and how each does against gold: the ceiling."""
    names = sorted({a.annotator for article in runs.articles for a in article.annotations})
    if len(names) < 2:
        return (
            [("Agreement", "no article has two annotators: agreement and annotator ceiling are unknown")]
            if runs.use
            else []
        )
    from harness.metrics.agreement import agreement, annotator_pairs, units_of
    from harness.metrics.stance import aggregate

    alphas = agreement(units_of(runs.articles)).metrics
    steps = [
        f"{step} {_with_interval(alphas[key])}"
        for step in ("stance", "sign", "degree")
        if (key := f"agreement.{step}.alpha") in alphas
    ]
    metric = primary_of("stance")[0]
    uses = [use for record in runs.records for use in record.systems if use.entered_gold]
    entered = {use.identity.get("options", {}).get("annotator") for use in uses}
    ceiling = [
        f"{name} {_with_interval(aggregate(pairs).metrics[metric])}{' (entered the gold)' if name in entered else ''}"
        for name in names
        if (pairs := annotator_pairs(runs.articles, name))
    ]
    rows = [("Agreement", "Krippendorff's alpha: " + ", ".join(steps))]
    return (
        [*rows, ("Annotator ceiling", f"{label_of(metric)} against gold: " + ", ".join(ceiling))] if ceiling else rows
    )


def _with_interval(value: Any) -> str:
    if value.value is None:
        return f"({value.reason})"
    interval = "" if value.ci_low is None else f" [{value.ci_low:.2f}–{value.ci_high:.2f}]"
    return f"{value.value:.2f}{interval}"


def _where(records: Sequence[RunRecord]) -> list[tuple[str, str]]:
    """Code version, packages, hardware and dates, each said once for all runs that share it."""
    if not records:
        return []

    def all_of(read: Any) -> str:
        return "; ".join(sorted({text for r in records if (text := read(r.environment))}))

    def code(e: dict[str, Any]) -> str:
        version = (e.get("packages") or {}).get("stance-harness", "")
        commit = str(e.get("git_commit") or e.get("commit") or "")[:10]
        dirty = e.get("git_dirty", e.get("dirty"))
        return " ".join(x for x in (version, commit, "with local changes" if dirty else "") if x)

    def packages(e: dict[str, Any]) -> str:
        versions = {k: v for k, v in (e.get("packages") or {}).items() if k != "stance-harness"}
        return ", ".join([f"Python {e.get('python', '?')}", *(f"{k} {v}" for k, v in sorted(versions.items()))])

    def hardware(e: dict[str, Any]) -> str:
        memory = f"{e['memory_bytes'] / 2**30:.0f} GiB" if e.get("memory_bytes") else ""
        cores = f"{e['cores']} cores" if e.get("cores") else ""
        return ", ".join(str(x) for x in (e.get("accelerator"), e.get("processor"), cores, memory) if x)

    days = sorted({r.started_at[:10] for r in records if r.started_at})
    when = "" if not days else days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    scoring = ", ".join(sorted({r.scoring_version for r in records}))
    rows = [
        ("Code", f"{all_of(code)}; scoring version {scoring}"),
        ("Packages", all_of(packages)),
        ("Hardware", all_of(hardware)),
        ("Runs made", when),
    ]
    return [(term, description) for term, description in rows if description]


Apart = list[tuple[RunRecord, str]]
"""Runs that are not compared, each with the reason."""


def stale_and_elsewhere(runs: Runs) -> tuple[Apart, Apart]:
    """The runs that are out of date, and those that are as they should be, over other articles."""
    elsewhere = [one for one in runs.stale if re.fullmatch(r"other articles: [^(]*", one[1])]
    return [one for one in runs.stale if one not in elsewhere], elsewhere


def states(runs: Runs) -> list[tuple[str, int, str]]:
    """How many runs are complete, failed, stale, apart, of another dataset or unreadable, with what the word means."""
    stale, elsewhere = stale_and_elsewhere(runs)
    return [
        ("complete", len(runs.records), "scored and compared below"),
        (
            "failed",
            len(runs.failed),
            "ended with an error, listed with it; to remove one, delete its folder in results/runs",
        ),
        (
            "stale",
            len(stale),
            "of articles that have changed or another scoring version; never mixed in",
        ),
        ("over other articles", len(elsewhere), "as they should be, and compared among themselves; never mixed in"),
        ("of another dataset", len(runs.others), "scored on something else; a report of their own shows them"),
        ("unreadable", len(runs.broken), "the record cannot be read"),
    ]
