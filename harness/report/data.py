"""Reports as data: table.csv and table.json; the same records give the same bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.report.collect import Runs, canonical
from harness.report.compare import Comparison
from harness.report.finders import Finder, as_data, finders
from harness.report.head import first_line, problem_lines
from harness.report.html_head import head
from harness.report.judge import judge_note, validation
from harness.report.preserved import METRICS, by_hand
from harness.report.robustness import robustness
from harness.report.robustness_page import as_data as robustness_data
from harness.report.robustness_page import csv_rows
from harness.report.table import Leaderboard, Line
from harness.results.records import SystemUse, Value
from harness.results.trust import is_judged

FIELDS = (
    *("kind", "system", "fingerprint", "metric", "value", "ci_low", "ci_high", "n_scored", "n_unscored", "reason"),
    *(
        "rank_low",
        "rank_high",
        "baseline",
        "difference",
        "difference_ci_low",
        "difference_ci_high",
        "p_corrected",
        "basis",
    ),
)


def csv_text(runs: Runs, boards: Sequence[Leaderboard], found_by: Sequence[Finder] = ()) -> str:
    """table.csv: one row a system and metric, all metrics of the runs, with interval, counts, why a value is empty and the
    difference to the baseline; what a system cost stands in rows of its own, `use.tokens_in` and so on. `basis` tells what
    rests on hand labels, in the first rows, from what a judge finds."""
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n", restval="")
    writer.writeheader()
    for entry in by_hand(runs):
        who = {"kind": "by_hand", "system": entry.name, "fingerprint": entry.fingerprint[:12], "basis": entry.basis}
        for metric, v in {m: entry.metrics.get(m) or Value(value=None, reason=entry.refused) for m in METRICS}.items():
            writer.writerow({**who, "metric": metric, **v.model_dump(include={*FIELDS} & {*type(v).model_fields})})
    for board in boards:
        names = {line.row.fingerprint: line.row.name for line in board.lines}
        for line in board.lines:
            row, cells = line.row, {c.metric: c for c in line.cells}
            who = {"kind": board.kind, "system": row.name, "fingerprint": row.fingerprint[:12]}
            for metric in sorted(row.metrics):
                v, cell = row.metrics[metric], cells.get(metric)
                fields = {**who, "metric": metric, **v.model_dump(include={*FIELDS} & {*type(v).model_fields})}
                fields["basis"] = f"judge {runs.judge.name}" if is_judged(metric) and runs.judge else ""
                if cell and cell.rank:
                    fields |= {"rank_low": cell.rank.low, "rank_high": cell.rank.high}
                if cell and (d := cell.against_baseline) is not None:
                    fields |= {"baseline": names[board.baseline or ""], "difference": d.difference}
                    fields |= {"difference_ci_low": d.ci_low, "difference_ci_high": d.ci_high}
                    fields |= {"p_corrected": d.p_corrected}
                writer.writerow(fields)
            for metric, value, reason in _cost_rows(line, row.use):
                writer.writerow({**who, "metric": metric, "value": value, "reason": reason if value is None else ""})
    for f in found_by:
        who = {"kind": "speakers", "system": f.label, "fingerprint": f.fingerprint[:12]}
        for metric, v in f.metrics.items():
            writer.writerow({**who, "metric": metric, **v.model_dump(include={*FIELDS} & {*type(v).model_fields})})
        for stage, n in f.stages.items():
            writer.writerow({**who, "metric": f"speakers.stages.{stage}", "value": n})
    writer.writerows(csv_rows(robustness(runs)))
    return out.getvalue()


def comparison_csv(comparisons: Sequence[Comparison]) -> str:
    """One row a metric of the paired differences of two runs, in full precision; n counts what both systems were scored on."""
    out = io.StringIO()
    fields = ("metric", "a", "b", "difference", "ci_low", "ci_high", "p_value", "p_corrected", "detectable")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["kind", "system_a", "system_b", *fields, "primary", "n_articles", "n_items", "reason"])
    for c in comparisons:
        for d in c.differences:
            values = ("" if (v := getattr(d, field)) is None else v for field in fields)
            writer.writerow([c.kind, c.a.name, c.b.name, *values, d.primary, d.n_articles, d.n_items, d.reason or ""])
    return out.getvalue()


def _cost_rows(line: Line, use: SystemUse) -> list[tuple[str, float | None, str]]:
    """(name, value, why there is none) of what a system's answers took; tokens and cost are totals over all of them."""
    gone = use.status if use.status != "ok" else "not recorded"
    answered = use.n_items > 0
    uncounted = f"no counts of tokens came with {use.n_no_usage} of {use.n_items} answers" if use.n_no_usage else ""
    return [
        ("use.failed", use.n_failed if answered else None, gone),
        ("use.unparsed", use.n_unparsed if answered else None, gone),
        *([("use.refused", float(use.n_refused), "")] if use.n_refused else []),
        ("use.tokens_in", use.tokens_in or None, uncounted or ("the system reads no tokens" if answered else gone)),
        ("use.tokens_out", use.tokens_out or None, uncounted or ("the system writes no tokens" if answered else gone)),
        ("use.seconds_per_article", line.seconds_per_article, gone),
        ("use.peak_memory_bytes", use.peak_memory_bytes or None, "no run of this system measured it"),
        ("use.cost", use.cost, uncounted or "runs here, or no price is configured"),
    ]


def json_text(runs: Runs, boards: Sequence[Leaderboard]) -> str:
    """table.json: everything of the report as data."""
    judge = runs.judge
    content: dict[str, Any] = {
        "dataset": runs.use and runs.use.model_dump(mode="json"),
        "about": dict(head(runs)),
        "judge": judge
        and {
            "name": judge.name,
            "fingerprint": judge.fingerprint,
            "note": judge_note(runs),
            "validation": validation(runs),
        },
        "preservation_by_hand": [asdict(entry) | {"metrics": _values(entry.metrics)} for entry in by_hand(runs)],
        "runs": {
            "complete": [r.run_id for r in runs.records],
            "failed": [[r.run_id, first_line(r)] for r in runs.failed],
            "stale": [[r.run_id, why] for r, why in runs.stale],
            "other_dataset": [[r.run_id, why] for r, why in runs.others],
            "unreadable": [runs.relative(e.message) for e in runs.broken],
        },
        "leaderboards": {
            b.kind: {
                "baseline": b.baseline,
                "best": b.best,
                "systems": [_line(line) for line in b.lines],
                "tests": [{"a": a, "b": b_, **asdict(d)} for a, b_, d in b.tests],
            }
            for b in boards
        },
        "speaker_finders": as_data(finders(runs)),
        **({"robustness": robustness_data(probed)} if (probed := robustness(runs)) else {}),
        "problems": problem_lines(runs),
    }
    return canonical(rounded(content)) + "\n"


def rounded(value: Any) -> Any:
    """Numbers to twelve digits: the last ones hang on how many threads a matrix product ran in."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return [rounded(v) for v in value] if isinstance(value, list | tuple) else value


def _values(metrics: Mapping[str, Value]) -> dict[str, Any]:
    return {k: v.model_dump(mode="json") for k, v in sorted(metrics.items())}


def _line(line: Line) -> dict[str, Any]:
    row = line.row
    return {
        "name": row.name,
        "fingerprint": row.fingerprint,
        "description": row.use.description,
        "runs": [r.run_id for r in row.runs],
        "metrics": _values(row.metrics),
        "tied_with_best": {c.metric: c.tied for c in line.cells if c.tied is not None},
        "ranks": {c.metric: asdict(c.rank) for c in line.cells if c.rank is not None},
        "against_baseline": {
            c.metric: asdict(c.against_baseline) for c in line.cells if c.against_baseline is not None
        },
        "use": row.use.model_dump(mode="json", exclude={"identity"}),
        "seconds_per_article": line.seconds_per_article,
    }
