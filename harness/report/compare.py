"""Which differences are real: paired tests of systems on the items that they share, corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigError
from harness.metrics.catalogue import direction, effect_of
from harness.report.collect import Row, Runs, load_runs
from harness.report.counts import Counts, shared_counts
from harness.report.judge import headlines, trusted
from harness.results.records import RunRecord
from harness.results.trust import is_judged
from harness.runtime.frames import Tabular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.stats.paired import McNemar

ALPHA = 0.05


@dataclass(frozen=True)
class MetricDifference:
    """System A minus system B on one metric. `p_corrected` is adjusted over all that is tested together (see `corrected`);
    None before that. `detectable` is the smallest true difference that these articles would show at the level which the
    correction leaves; `more_articles` how many more would show one of `effect`, which is named and not the one seen: what a few
    articles show is too uncertain to plan with.
    `n_articles` and `n_items` are of the system that has fewer, where they convey different stances."""

    metric: str
    a: float | None
    b: float | None
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    se: float | None = None
    p_corrected: float | None = None
    detectable: float | None = None
    effect: float | None = None
    more_articles: int | None = None
    n_articles: int = 0
    n_items: int = 0
    primary: bool = False
    reason: str | None = None

    @property
    def real(self) -> bool:
        """Whether a test marks the difference, by its corrected p-value."""
        return self.p_corrected is not None and self.p_corrected <= ALPHA


@dataclass(frozen=True, repr=False)
class Comparison(Tabular):
    """Two systems of one kind side by side; `items` ranks (item, score of A, score of B) by how far they part.

    `comparison[0]` and `comparison["stance.macro_f1.three_way"]` are differences; as a table it has a row a metric.

    `mcnemar` is McNemar's test of three-way accuracy, for classifiers that share items.
    """

    kind: str
    a: Row
    b: Row
    differences: tuple[MetricDifference, ...]
    items: tuple[tuple[str, float, float], ...]
    mcnemar: McNemar | None = None

    def __len__(self) -> int:
        return len(self.differences)

    def __getitem__(self, key: int | str) -> MetricDifference:
        return self.differences[key] if isinstance(key, int) else {d.metric: d for d in self.differences}[key]

    def __repr__(self) -> str:
        real = sum(d.real for d in self.differences)
        return f"<{self.a.name} minus {self.b.name}: {len(self)} metrics, {real} real differences>"

    def table_rows(self) -> list[dict[str, Any]]:
        """A row a metric: both values, their difference with its interval and p-values, and what could be detected."""
        return [{"a_name": self.a.name, "b_name": self.b.name, **asdict(d), "real": d.real} for d in self.differences]

    @property
    def articles(self) -> list[tuple[str, float, float, int]]:
        """(article, mean score of A, of B, items on which they part), the articles that they share least first."""
        grouped: dict[str, list[tuple[float, float]]] = {}
        for item, x, y in self.items:
            grouped.setdefault(item.partition("/")[0], []).append((x, y))
        rows = [
            (article, sum(x for x, _ in scores) / len(scores), sum(y for _, y in scores) / len(scores), len(scores))
            for article, scores in grouped.items()
        ]
        apart = {article: sum(abs(x - y) for x, y in scores) for article, scores in grouped.items()}
        return sorted(rows, key=lambda row: (-apart[row[0]], row[0]))


def resampled_values(counts: Sequence[Counts | None], *, seed: int = 0) -> list[NDArray[np.float64] | None]:
    """Each system's statistic on resampled articles, shape (resamples,): drawn once for all comparisons of a report."""
    import numpy as np

    from harness.stats.bootstrap import resampled_sums

    scored = [c for c in counts if c is not None]
    if not scored or not len(scored[0].array):
        return [None for _ in counts]
    sums = resampled_sums(np.stack([c.array for c in scored], axis=1), seed=seed)
    values = iter(np.asarray(scored[0].statistic(sums), dtype=np.float64).T)
    return [None if c is None else next(values) for c in counts]


def difference(
    metric: str,
    a: Counts | None,
    b: Counts | None,
    *,
    seed: int = 0,
    resampled: tuple[NDArray[np.float64] | None, NDArray[np.float64] | None] = (None, None),
    is_chosen: bool = True,
    effect: float | None = None,
) -> MetricDifference:
    """One paired comparison from counts by article on shared items; `resampled` from `resampled_values`, where at hand.

    It has a p-value where the two were chosen beforehand: of a pair that came out best, all pairs have to be tested
    (`selection`). `effect` is the difference to plan for, the catalogue's by default.
    """
    import numpy as np

    from harness.stats.paired import paired_difference, paired_interval
    from harness.stats.power import detectable_counts, more_articles

    if a is None or b is None:
        return MetricDifference(metric, None, None, None, None, None, None, reason="one of the two has no scores")
    drawn = None if resampled[0] is None or resampled[1] is None else np.stack([resampled[0], resampled[1]], axis=-1)
    compare_pair = paired_difference if is_chosen else paired_interval
    paired = compare_pair(a.array, b.array, a.statistic, seed=seed, resampled=drawn, span=a.span)
    values = [float(c.statistic(c.array.sum(axis=0).astype(float)[None])[0]) for c in (a, b)]
    least = detectable_counts(a.array, b.array, a.statistic, seed=seed, se=paired.se, span=a.span)
    effect = effect_of(metric) if effect is None else effect
    more = more_articles(effect, paired.se, paired.n_clusters)
    return MetricDifference(
        metric=metric,
        a=_number(values[0]),
        b=_number(values[1]),
        difference=paired.value,
        ci_low=paired.low,
        ci_high=paired.high,
        p_value=_number(paired.p_value),
        se=paired.se,
        detectable=least.value,
        effect=effect,
        more_articles=more.more,
        n_articles=paired.n_clusters,
        n_items=min(a.n_items, b.n_items),
        reason=paired.reason or least.reason,
    )


def corrected(differences: Sequence[MetricDifference]) -> list[MetricDifference]:
    """The same with corrected p-values: Holm's over the primary metrics, Benjamini and Hochberg's over the others.

    Call it once with everything that a report tests: the family is the report's, not one table's.
    """
    from harness.stats.correction import benjamini_hochberg, benjamini_hochberg_level, holm, holm_level

    results = list(differences)
    for primary, adjust, level in ((True, holm, holm_level), (False, benjamini_hochberg, benjamini_hochberg_level)):
        family = {i: d.p_value for i, d in enumerate(differences) if d.primary == primary}
        adjusted = adjust(family)
        left = level(list(adjusted.values()), ALPHA)
        for i, p in adjusted.items():
            results[i] = at_level(replace(differences[i], p_corrected=p), left)
    return results


def at_level(d: MetricDifference, alpha: float) -> MetricDifference:
    """The detectable difference and the number of further articles for a test at level `alpha`."""
    from harness.stats.power import FEWEST_CLUSTERS, effect_factor, more_articles

    if d.detectable is None or d.n_articles < FEWEST_CLUSTERS:
        return d
    wider = effect_factor(d.n_articles - 1, alpha=alpha) / effect_factor(d.n_articles - 1)
    more = more_articles(d.effect, d.se, d.n_articles, alpha=alpha).more
    return replace(d, detectable=d.detectable * wider, more_articles=more)


def compare(
    a: str | Path | RunRecord, b: str | Path | RunRecord, results: str | Path | None = None, *, seed: int = 0
) -> list[Comparison]:
    """Compares two runs, each a record, an id (its beginning is enough) or the path of its folder: their summarisers, their
    stance classifiers, or both where they differ.

    `results` is the folder where paths name none, by default `results`. P-values are corrected once over all that is
    compared. Raises ConfigError if a run failed, the runs are of different articles, share every system, or nothing of them
    was scored.
    """
    names, folders = zip(*map(_run_name, (a, b)), strict=True)
    results = results or next((folder for folder in folders if folder), "results")
    runs = load_runs(results, names)
    if runs.failed:
        failures = "; ".join(
            f"{r.run_id} failed: {r.error.message if r.error else 'unknown error'}" for r in runs.failed
        )
        raise ConfigError(failures, hint="harness run tries a failed run again; then compare")
    first, second = runs.records[0], runs.records[-1]
    if not first.run_id.startswith(names[0]):
        first, second = second, first
    comparisons = []
    for kind in ("summariser", "stance"):
        rows = {row.fingerprint: row for row in runs.rows(kind)}
        uses = [record.system(kind) for record in (first, second)]
        if uses[0] is None or uses[1] is None or uses[0].fingerprint == uses[1].fingerprint:
            continue
        comparisons.append(compare_rows(runs, rows[uses[0].fingerprint], rows[uses[1].fingerprint], seed=seed))
    if not comparisons:
        raise ConfigError(
            "the two runs have no systems to compare", hint="choose runs that differ in a system of one kind"
        )
    # one family: what the two kinds of systems are compared on is declared together
    adjusted = iter(corrected([d for comparison in comparisons for d in comparison.differences]))
    comparisons = [replace(c, differences=tuple(next(adjusted) for _ in c.differences)) for c in comparisons]
    scored = [comparison for comparison in comparisons if comparison.differences]
    if not scored:
        why = "" if runs.use is None or runs.use.labelled else ": the articles carry no gold"
        raise ConfigError(
            f"nothing was scored that both runs have{why}",
            hint=f"harness report {first.run_id} {second.run_id} lists where they disagree",
        )
    return scored


def _run_name(run: str | Path | RunRecord) -> tuple[str, Path | None]:
    """A run's id, or the beginning of it, and the results folder where a path names it."""
    if not isinstance(run, str | Path):
        return run.run_id, None
    path = Path(run)
    path = path.parent if path.name == "record.json" else path
    return path.name, path.parents[1] if path.parent.name == "runs" else None


def compare_rows(runs: Runs, a: Row, b: Row, *, seed: int = 0) -> Comparison:
    """Every metric that both have, the primary ones first, and the items where the two part most; p-values are not corrected
    yet."""
    from harness.report.columns import shared_scores
    from harness.stats.paired import mcnemar

    primary = [m for m in headlines(runs, a.kind) if m in a.metrics and m in b.metrics]
    # what an untrusted judge finds is compared by nobody
    believed = trusted(runs)
    others = sorted(
        m
        for m in a.metrics
        if m in b.metrics and m not in primary and direction(m) != 0 and (believed or not is_judged(m))
    )
    differences = []
    for metric in [*primary, *others]:
        counts = shared_counts(runs, [a, b], metric)
        if all(c is None for c in counts):
            continue
        d = difference(metric, counts[0], counts[1], seed=seed)
        differences.append(replace(d, primary=metric in primary))
    # ROUGE-Lsum, or 1 and 0 for right and wrong on three labels
    shared = shared_scores(
        runs, a, b, {"summariser": "summary.rouge_lsum", "stance": "stance.accuracy.three_way"}[a.kind]
    )
    apart = sorted((row for row in shared if row[1] != row[2]), key=lambda row: (-abs(row[1] - row[2]), row[0]))
    by_item = None
    if a.kind == "stance" and shared:
        by_item = mcnemar([x == 1 for _, x, _ in shared], [y == 1 for _, _, y in shared])
    return Comparison(a.kind, a, b, tuple(differences), tuple(apart), by_item)


def _number(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)
