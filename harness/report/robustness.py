"""How a score changes under each probe: consistency, drop with interval and test, what is above chance without the text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.data.probes.suite import PROBES
from harness.metrics import confusion as cm
from harness.report.collect import Runs
from harness.report.compare import ALPHA
from harness.report.probed import MIRROR, NONE, THREE, Pairs, Probed, Variant, joined, probed_systems
from harness.report.sides import Group, Sensitivity, groups, sensitivities
from harness.stats.bootstrap import Interval, clustered_interval_counts, ratio
from harness.stats.correction import holm
from harness.stats.paired import Difference, paired_difference

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Finding:
    """One probe of one system, over concrete targets and `escalation` together.

    `before` and `after` are its macro-F1 (three-way) on the unchanged and the changed articles, `change` their paired
    difference, before minus after, with `p_corrected` (Holm over all of the page); of a probe without the text `change` is the
    score above chance; of `contrast` before and after are the shares right before and right both times, of
    `evidence_removed` the shares of answers without a side. `consistency` is the share of answers that are as the change
    demands, or the share that stays where the text is gone.
    """

    variant: Variant
    expects: str
    n_items: int
    n_articles: int
    consistency: Interval
    before: float | None
    after: float | None
    change: Interval
    p_corrected: float | None = None
    tested: bool = False

    @property
    def real(self) -> bool:
        """Whether a test marks the change."""
        return self.p_corrected is not None and self.p_corrected <= ALPHA

    @property
    def kept(self) -> float | None:
        """The share of the score that is left after the change."""
        return self.after / self.before if self.before and self.after is not None else None


@dataclass(frozen=True)
class Robustness:
    """Everything the page shows of one system: `own` is its score above chance on the unchanged articles, `of` in number;
    its probes were run on `n_articles` of them."""

    name: str
    fingerprint: str
    ceiling: bool
    score: float | None
    own: Interval
    findings: tuple[Finding, ...]
    groups: tuple[Group, ...]
    sensitivity: tuple[Sensitivity, ...]
    n_articles: int
    of: int

    @property
    def label(self) -> str:
        """The name, and on how many articles it was probed where that is a part."""
        return self.name if self.n_articles >= self.of else f"{self.name} ({self.n_articles} of {self.of} articles)"

    def finding(self, probe: str, variant: str = "") -> Finding | None:
        """What is known of a probe; None where it was not run."""
        return next((f for f in self.findings if f.variant == (probe, variant)), None)


def robustness(runs: Runs, *, seed: int = 0) -> list[Robustness]:
    """The probed systems of a report, in the order of their names; computed once."""
    return runs.cache.once("robustness", lambda: _robustness(runs, seed))


def _robustness(runs: Runs, seed: int) -> list[Robustness]:
    if not runs.probes or runs.use is None or not runs.articles:
        return []
    systems = probed_systems(runs)
    spreads = sensitivities(systems)
    results = [_system(runs, system, spreads.get(system.row.fingerprint, ()), seed) for system in systems]
    family = {
        (n, k): f.change.p_value
        for n, result in enumerate(results)
        for k, f in enumerate(result.findings)
        if isinstance(f.change, Difference)
    }
    adjusted = holm(family)
    return [
        replace(
            result,
            findings=tuple(
                replace(f, p_corrected=adjusted[n, k], tested=True) if (n, k) in adjusted else f
                for k, f in enumerate(result.findings)
            ),
        )
        for n, result in enumerate(results)
    ]


def _system(runs: Runs, system: Probed, spread: Sequence[Sensitivity], seed: int) -> Robustness:
    from harness.report.columns import UNPARSED, codes
    from harness.report.table import labels

    answers = codes(runs, system.row)
    asked = (runs.items.gold >= 0) & (answers <= UNPARSED)
    counts = three_way(runs, np.flatnonzero(asked), runs.items.gold[asked], answers[asked])
    name = labels(runs.rows("stance"))[system.row.fingerprint]
    return Robustness(
        name=name,
        fingerprint=system.row.fingerprint,
        ceiling=system.row.use.ceiling,
        score=clustered_interval_counts(counts, cm.macro_f1, seed=seed, resamples=100).value,
        own=clustered_interval_counts(counts, above_chance, seed=seed),
        findings=tuple(_findings(runs, system, seed)),
        groups=tuple(groups(runs, system, seed)),
        sensitivity=tuple(spread),
        n_articles=len({int(a) for p in system.pairs.values() for a in np.unique(runs.items.article[p.item])}),
        of=len(np.unique(runs.items.article[asked])),
    )


def _findings(runs: Runs, system: Probed, seed: int) -> list[Finding]:
    by_probe: dict[Variant, list[Pairs]] = {}
    for place, pairs in system.pairs.items():
        pooled = Variant(place.probe, "") if PROBES[place.probe].pools else place
        by_probe.setdefault(pooled, []).append(pairs)
    return [finding(runs, place, joined(parts), seed) for place, parts in by_probe.items()]


def finding(runs: Runs, place: Variant, pairs: Pairs, seed: int = 0) -> Finding:
    """What one probe shows of a system, from the pairs that it answered both ways."""
    expects = PROBES[place.probe].expects
    before, after = THREE[pairs.before], THREE[pairs.after]
    right_before, right_after = before == THREE[pairs.gold], after == THREE[pairs.changed_gold]
    known = {
        "same": after == before,
        "memory": after == before,
        "mirrored": after == MIRROR[before],
        "contrast": right_before & right_after,
        "no_stance": after == NONE,
    }
    consistency = share(runs, pairs, known[expects], seed)
    first = three_way(runs, pairs.item, pairs.gold, pairs.before)
    second = three_way(runs, pairs.item, pairs.changed_gold, pairs.after)
    if expects in ("same", "mirrored"):
        change: Interval = paired_difference(first, second, cm.macro_f1, seed=seed)
        values = [_total(counts, cm.macro_f1) for counts in (first, second)]
    elif expects == "memory":
        change = clustered_interval_counts(second, above_chance, seed=seed)
        values = [_total(counts, cm.macro_f1) for counts in (first, second)]
    else:
        was = right_before if expects == "contrast" else before == NONE
        shares = [share(runs, pairs, mask, seed).value for mask in (was, known[expects])]
        change, values = consistency, shares
    n_articles = len(set(runs.items.article[pairs.item].tolist()))
    return Finding(place, expects, len(pairs), n_articles, consistency, values[0], values[1], change)


def three_way(runs: Runs, item: NDArray[np.intp], gold: NDArray[Any], answers: NDArray[Any]) -> Counts:
    """Three-way confusions by article, (articles, 3, 4)."""
    six = cm.count(runs.items.article[item], gold.astype(int), answers.astype(int), len(runs.items.articles))
    return cm.collapse(six)


def share(runs: Runs, pairs: Pairs, mask: NDArray[np.bool_], seed: int = 0) -> Interval:
    """The share of pairs in a mask, with its interval by article."""
    home = runs.items.article[pairs.item]
    n = len(runs.items.articles)
    counts = np.stack([np.bincount(home, weights=mask, minlength=n), np.bincount(home, minlength=n)], axis=1)
    return clustered_interval_counts(counts.astype(np.int64), ratio, seed=seed)


def above_chance(counts: cm.Array) -> cm.Array:
    """Macro-F1 of three-way counts (..., 3, 4) less that of the same answers dealt out to the pairs at random.

    Dealt out, a label meets each gold label by its share: expected counts gold x answered / n. 0 for a system that gives
    one label, or any label without regard to the pair.
    """
    gold, answered = counts.sum(axis=-1, keepdims=True), counts.sum(axis=-2, keepdims=True)
    total = counts.sum(axis=(-2, -1), keepdims=True)
    dealt = np.divide(gold * answered, total, out=np.zeros(counts.shape), where=total > 0)
    return np.asarray(cm.macro_f1(counts) - cm.macro_f1(dealt))


def _total(counts: Counts, statistic: Callable[[cm.Array], cm.Array]) -> float | None:
    value = float(statistic(counts.sum(axis=0).astype(float)[None])[0])
    return None if np.isnan(value) else value
