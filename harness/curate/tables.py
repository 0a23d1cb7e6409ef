"""Statistics and agreement as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.table import Table

from harness.curate.shape import Shape
from harness.curate.statistics import Statistics
from harness.metrics.agreement import GOAL, AgreementReport
from harness.metrics.stance import StanceReport
from harness.types import MetricValue


def shape_table(s: Shape) -> Table:
    """What the shape of the set could give away of its labels."""
    table = Table("what", "value", title="Shape", title_justify="left")
    for what, values in (("words", s.words), ("speakers", s.speakers), ("concrete targets", s.targets)):
        table.add_row(f"{what} an article (10 %, 50 %, 90 %)", " ".join(f"{v:.0f}" for v in values))
    rows = [
        ("concrete pairs with a stance, by place of the target", s.stances_by_target),
        ("concrete pairs with a stance, by place of the speaker", s.stances_by_speaker),
    ]
    for what, places in rows:
        table.add_row(what, " ".join(f"{stanced / pairs:.0%}" for stanced, pairs in places))
    table.add_row("gold stances with evidence in the first three sentences", f"{s.stances_in_lead:.0%}")
    table.add_row("speakers with evidence in several paragraphs", f"{s.speakers_in_several_paragraphs:.0%}")
    table.add_row("articles with typographic marks", f"{s.typographic:.0%}")
    for scope, (with_order, without) in (s.metadata or {}).items():
        value = f"{with_order:.3f} with order, {without:.3f} without"
        table.add_row(f"macro-F1 3-way of metadata alone, {scope}", value)
    return table


def statistics_tables(s: Statistics, duplicates: list[tuple[str, str, float]] | None) -> Iterable[Table]:
    """Counts, labels, phenomena; near-duplicates where they were looked for."""
    table = Table("what", "count", title="Dataset", title_justify="left")
    rows: list[tuple[str, object]] = [
        ("articles", s.n_articles),
        *((f"  {kind}", n) for kind, n in s.by_kind.items()),
        *((f"  split {split}", n) for split, n in s.by_split.items()),
        ("events", s.n_events),
        ("speakers (declared)", s.n_speakers),
        ("speakers (distinct names)", s.n_distinct_speakers),
        ("statements (evidence passages in gold)", s.n_statements),
        ("scored (speaker, target) pairs", s.n_scored_pairs),
        ("articles where speakers of one side disagree", s.n_disagreeing_sides),
        ("words an article (least, mean, most)", "{} {:.0f} {}".format(*s.lengths)),
    ]
    if s.summary_lengths:
        rows.append(("words a reference summary", "{} {:.0f} {}".format(*s.summary_lengths)))
    rows += [(f"concrete targets of rung {rung}", n) for rung, n in s.rungs.items()]
    for name, value in rows:
        table.add_row(name, str(value))
    yield table
    labels = Table("label", "concrete targets", "escalation", title="Gold labels", title_justify="left")
    for label in s.labels["concrete"]:
        labels.add_row(label, str(s.labels["concrete"][label]), str(s.labels["escalation"][label]))
    stanced = [sum(n for label, n in s.labels[k].items() if label != "no_stance") for k in ("concrete", "escalation")]
    labels.add_row("all but no_stance", *map(str, stanced))
    yield labels
    if s.shared:
        shared = Table(
            "target",
            "articles",
            "gold stances",
            "passages for",
            "against",
            title="Shared targets",
            title_justify="left",
        )
        for target, counts in s.shared.items():
            shared.add_row(target, *map(str, counts))
        yield shared
    phenomena = Table(
        "phenomenon", "stances", title="Phenomena (gold stances that carry the tag)", title_justify="left"
    )
    for name, n in sorted(s.phenomena.items(), key=lambda row: (-row[1], row[0])):
        phenomena.add_row(name, str(n))
    yield phenomena
    if duplicates is not None:
        near = Table("article", "article", "cosine", title=f"Near-duplicates: {len(duplicates)}", title_justify="left")
        for a, b, cosine in duplicates:
            near.add_row(a, b, f"{cosine:.3f}")
        yield near


def agreement_tables(report: AgreementReport, ceiling: Mapping[str, StanceReport]) -> Iterable[Table]:
    """The three steps and overall alphas with intervals, confusions between annotators, and each annotator against gold."""
    table = Table("measure", "value", "95 % interval", "pairs", "", title="Agreement", title_justify="left")
    for key, value in report.metrics.items():
        table.add_row(key, _number(value), _interval(value), str(value.n_scored), _remark(key, value))
    yield table
    for confusion in report.tables.values():
        if "counts" in confusion:
            a, b = confusion["rows"], confusion["columns"]
            shown = Table(f"{a} \\ {b}", *confusion["labels"], title=f"{a} against {b}", title_justify="left")
            for label, counts in zip(confusion["labels"], confusion["counts"], strict=True):
                shown.add_row(label, *map(str, counts))
            yield shown
    if ceiling:
        against = Table("measure", *ceiling, title="Each annotator against gold", title_justify="left")
        for key in CEILING:
            cells = [f"{_number(r.metrics[key])}  {_interval(r.metrics[key])}" for r in ceiling.values()]
            against.add_row(key, *cells)
        yield against


CEILING = (
    "stance.macro_f1.three_way",
    "stance.accuracy.six_label",
    "stance.kappa.five_point",
    "stance.escalation.macro_f1.three_way",
    "stance.all.accuracy.six_label",
)
"""What the ceiling is read from."""


def _number(value: MetricValue) -> str:
    return f"{value.value:.3f}" if value.value is not None else f"({value.reason})"


def _interval(value: MetricValue) -> str:
    return "" if value.ci_low is None or value.ci_high is None else f"{value.ci_low:.3f} – {value.ci_high:.3f}"


def _remark(key: str, value: MetricValue) -> str:
    if key not in ("agreement.stance.alpha", "agreement.sign.alpha") or value.ci_low is None:
        return ""
    return f"reaches {GOAL}" if value.ci_low >= GOAL else f"falls short of {GOAL}"
