"""The robustness page as tables, sentences and rows: the same for HTML, Markdown, terminal, CSV and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.data.probes.suite import PROBES
from harness.report.cells import Shown, Table
from harness.report.marks import REAL, TIED, meaning
from harness.report.robustness import Finding, Robustness
from harness.report.robustness_verdict import verdict
from harness.report.sides import SIDES, Sensitivity
from harness.report.words import p_words
from harness.stats.bootstrap import Interval

TITLE = "Robustness"
NOTE = (
    "Probes change articles, questions or prompts so that the right answer stays known (docs/probes.md). Scores are macro-F1, "
    "three-way, over all targets; intervals and tests go by article, p is Holm's over this page. "
    f"{meaning(REAL)}; {TIED} no test tells the change from none. name_only and metadata read no article; annotators are the "
    "ceiling. Where `n of N articles` stands beside a name, its probes were run on these alone, and its changes are of these."
)


@dataclass(frozen=True)
class Section:
    """One table of the page, with its heading and what a reader must know of it."""

    title: str
    note: str
    table: Table


def sections(results: Sequence[Robustness]) -> list[Section]:
    """The tables that have something to show."""
    made = (
        _scores(results),
        _consistency(results),
        _memory(results),
        _turned(results),
        _groups(results),
        _spread(results),
    )
    return [s for s in made if s.table.rows and len(s.table.head) > 1]


def verdict_lines(results: Sequence[Robustness]) -> list[str]:
    """One paragraph a system, in words."""
    return [f"{r.label}: {verdict(r)}" for r in results]


def _variants(results: Sequence[Robustness], *expects: str) -> list[tuple[str, str]]:
    """The probes of these kinds that any system has, in the order of the list of probes."""
    met = {f.variant: f.expects for r in results for f in r.findings}
    order = list(PROBES)
    return [(v.probe, v.variant) for v in sorted(met, key=lambda v: order.index(v.probe)) if met[v] in expects]


def heading_of(probe: str, variant: str) -> str:
    """A probe's column: `masked names`, `order: speakers`, `language: uk`."""
    return probe.replace("_", " ") + (f": {variant.replace('_', ' ')}" if variant else "")


def _scores(results: Sequence[Robustness]) -> Section:
    columns = _variants(results, "same", "mirrored")
    rows = [
        [
            Shown(words=r.label),
            _number(r.score),
            _interval(r.own, "+.3f"),
            *(_change(r.finding(*c)) for c in columns),
        ]
        for r in results
    ]
    head = ["system", "score", "above chance", *(heading_of(*c) for c in columns)]
    return Section(
        "What is left of the score",
        "Share of the score on the unchanged pairs that is left, and the change with its interval. Under a negated target the "
        "right labels are the mirrored ones.",
        Table(head, rows),
    )


def _consistency(results: Sequence[Robustness]) -> Section:
    columns = _variants(results, "same", "mirrored")
    rows = [[Shown(words=r.label), *(_share(r.finding(*c), "consistency") for c in columns)] for r in results]
    return Section(
        "Consistency",
        "Share of three-way answers that are as the change demands, right or wrong: the same, or of a negated target mirrored.",
        Table(["system", *(heading_of(*c) for c in columns)], rows),
    )


def _memory(results: Sequence[Robustness]) -> Section:
    columns = _variants(results, "memory")
    rows = [
        [
            Shown(words=r.label),
            *(cell for c in columns for cell in (_above(r.finding(*c)), _share(r.finding(*c), "consistency"))),
        ]
        for r in results
    ]
    head = ["system", *(h for c in columns for h in (f"{heading_of(*c)}: above chance", "same answer"))]
    return Section(
        "Without the text",
        "Score above chance by the labels of the article that is not shown: what is above 0 is memory or a shortcut. Same "
        "answer: share of answers that do not change when the article goes.",
        Table(head, rows),
    )


def _turned(results: Sequence[Robustness]) -> Section:
    head = ["system"]
    columns = _variants(results, "contrast", "no_stance")
    for probe, _ in columns:
        head += (
            ["contrast: right before", "both right"] if probe == "contrast" else ["no side: before", "evidence removed"]
        )
    rows = [
        [
            Shown(words=r.label),
            *(
                cell
                for c in columns
                for f in [r.finding(*c)]
                for cell in (_number(f.before if f else None), _share(f, "consistency"))
            ),
        ]
        for r in results
    ]
    return Section(
        "Where the label changes",
        "Contrast: pairs whose stance a minimal edit turns, right only if both are. Evidence removed: every pair has a stance "
        "before, and none after; the share of answers without a side.",
        Table(head, rows),
    )


def _groups(results: Sequence[Robustness]) -> Section:
    names = ["real", "fictional", *SIDES]
    probes = [p for p in PROBES if any(g.probe == p for r in results for g in r.groups)]
    rows = []
    for r in results:
        by_group = {(g.probe, g.group): g for g in r.groups}
        for probe in probes:
            met = [by_group.get((probe, name)) for name in names]
            if any(met):
                cells = [
                    c
                    for g in met
                    for c in (_interval(g.changed if g else None, ".2f"), _interval(g.move if g else None, "+.2f"))
                ]
                rows.append([Shown(words=f"{r.label}, {heading_of(probe, '')}"), *cells])
    head = ["system and probe", *(h for name in names for h in (f"{name}: changed", "move"))]
    return Section(
        "Whom names move",
        "Share of answers that change with the names, and the mean move towards escalation in steps of the scale, by real and "
        "fictional articles and by side of the conflict.",
        Table(head, rows),
    )


def _spread(results: Sequence[Robustness]) -> Section:
    rows = [
        [
            Shown(words=f"{r.label}, {s.probe}"),
            _number(s.scores.get("")),
            Shown(f"{s.spread:.3f}"),
            Shown(words=s.extreme(best=True)),
            Shown(words=s.extreme(best=False)),
            Shown(words=", ".join(s.flips)) if s.flips else Shown(words="none"),
        ]
        for r in results
        for s in r.sensitivity
    ]
    head = ["system and probe", "unchanged", "spread", "best", "worst", "ranking turns with"]
    return Section(
        "Sensitivity to prompt and language",
        "Scores over the unchanged articles and every variant, on the pairs that all have: best minus worst, and the systems "
        "that are better in one variant and worse in another.",
        Table(head, rows),
    )


def _number(value: float | None) -> Shown:
    return Shown(missing="none") if value is None else Shown(f"{value:.3f}")


def _interval(interval: Interval | None, form: str) -> Shown:
    if interval is None or interval.value is None:
        return Shown(missing="none")
    ends = (
        None if interval.low is None or interval.high is None else (f"{interval.low:{form}}", f"{interval.high:{form}}")
    )
    return Shown(f"{interval.value:{form}}", ends)


def _change(finding: Finding | None) -> Shown:
    if finding is None:
        return Shown(missing="not run")
    if finding.change.value is None or finding.kept is None:
        return Shown(missing=finding.change.reason or "undefined")
    low, high = finding.change.low, finding.change.high
    ends = None if low is None or high is None else (f"{-high:+.3f}", f"{-low:+.3f}")
    sign = "" if finding.p_corrected is None else REAL if finding.real else TIED
    words = f"{finding.kept:.0%}"
    return Shown(f"{-finding.change.value + 0.0:+.3f}", ends, sign, p_words(finding.p_corrected), words=words)


def _share(finding: Finding | None, name: str) -> Shown:
    return Shown(missing="not run") if finding is None else _interval(getattr(finding, name), ".2f")


def _above(finding: Finding | None) -> Shown:
    return Shown(missing="not run") if finding is None else _interval(finding.change, "+.3f")


def csv_rows(results: Sequence[Robustness]) -> Iterator[dict[str, Any]]:
    """Rows of table.csv, under the fields that it has: value is the score or share after the change, `difference` the change."""
    for r in results:
        who = {"kind": "robustness", "system": r.name, "fingerprint": r.fingerprint[:12]}
        yield {**who, "metric": "probe.none.above_chance", **_fields(r.own), "reason": r.own.reason or ""}
        for f in r.findings:
            name = f"probe.{'.'.join(filter(None, f.variant))}"
            yield {
                **who,
                "metric": f"{name}.consistency",
                **_fields(f.consistency),
                "n_scored": f.n_items,
                "reason": f.consistency.reason or "",
            }
            yield {
                **who,
                "metric": f"{name}.above_chance" if f.expects == "memory" else f"{name}.score",
                "value": f.change.value if f.expects == "memory" else f.after,
                "n_scored": f.n_items,
                "baseline": "unchanged",
                "difference": f.change.value,
                "difference_ci_low": f.change.low,
                "difference_ci_high": f.change.high,
                "p_corrected": f.p_corrected,
                "reason": f.change.reason or "",
            }
        for g in r.groups:
            for what, interval in (("changed", g.changed), ("move", g.move)):
                metric = f"probe.{g.probe}.{what}.{g.group.replace(' ', '_')}"
                yield {
                    **who,
                    "metric": metric,
                    **_fields(interval),
                    "n_scored": g.n_items,
                    "reason": interval.reason or "",
                }
        for s in r.sensitivity:
            yield {**who, "metric": f"probe.{s.probe}.spread", "value": s.spread}
            for variant, score in s.scores.items():
                yield {**who, "metric": f"probe.{s.probe}.{variant or 'unchanged'}.shared_score", "value": score}


def _fields(interval: Interval) -> dict[str, float | None]:
    return {"value": interval.value, "ci_low": interval.low, "ci_high": interval.high}


def as_data(results: Sequence[Robustness]) -> list[dict[str, Any]]:
    """The same for table.json."""
    return [
        {
            "name": r.name,
            "fingerprint": r.fingerprint,
            "n_articles": r.n_articles,
            "verdict": verdict(r),
            "score": r.score,
            "above_chance": asdict(r.own),
            "probes": [{**asdict(f), "variant": list(f.variant), "kept": f.kept, "real": f.real} for f in r.findings],
            "groups": [asdict(g) for g in r.groups],
            "sensitivity": [_sensitivity(s) for s in r.sensitivity],
        }
        for r in results
    ]


def _sensitivity(s: Sensitivity) -> dict[str, Any]:
    return {"probe": s.probe, "spread": s.spread, "scores": dict(s.scores), "ranking_turns_with": list(s.flips)}
