"""The judge's ceiling and floor: what it reads from articles, from reference summaries and from summaries that say nothing."""

from __future__ import annotations

from harness.metrics.catalogue import digits_of
from harness.report.collect import Runs

READINGS = {
    "article": "judge on articles (ceiling)",
    "reference": "judge on references (ceiling)",
    "empty": "judge on nothing (floor)",
    "other": "judge on another article (floor)",
}


def judge_limits(runs: Runs) -> dict[str, dict[str, float | None]]:
    """Preservation's numbers by metric for each reading that the records have; None where nothing is conveyed."""
    for row in runs.rows("summariser"):
        table = row.tables.get("preservation") if row.judge is not None else None
        read = table.get("judge_on") if isinstance(table, dict) else None
        if isinstance(read, dict):
            return {
                name: {metric: v.get("value") for metric, v in read[reading].items() if isinstance(v, dict)}
                for reading, name in READINGS.items()
                if isinstance(read.get(reading), dict)
            }
    return {}


def limit_lines(runs: Runs) -> list[str]:
    """The same as sentences."""

    def words(metric: str, value: float | None) -> str:
        shown = "none" if value is None else f"{value:.{digits_of(metric)}f}"
        return f"{metric.removeprefix('preservation.')} {shown}"

    limits = judge_limits(runs).items()
    return [f"{name}: {', '.join(words(metric, v) for metric, v in values.items())}" for name, values in limits]
