"""Whom a probe moves: by side of the conflict and by real or fictional, and how far the wording of a prompt moves a score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harness.metrics import confusion as cm
from harness.report.collect import Runs
from harness.report.probed import DEGREE, THREE, Pairs, Probed, joined
from harness.stats.bootstrap import Interval, clustered_interval_counts, ratio
from harness.types import Article

BY_NAME = ("masked_names", "invented_names", "swapped_sides")
"""Probes whose effect is shown by side and by real or fictional."""
SIDES = ("more escalatory side", "other sides", "outside")


@dataclass(frozen=True)
class Group:
    """The pairs of one probe whose speakers or articles are alike: the share of three-way answers that changed, and the mean
    move towards escalation in steps of the scale."""

    probe: str
    group: str
    n_items: int
    changed: Interval
    move: Interval


@dataclass(frozen=True)
class Sensitivity:
    """Scores of one system over the variants of a probe and the unchanged articles: `scores` by variant, the unchanged one under
    an empty name; `flips` names systems over or under which it stands in some variants only."""

    probe: str
    scores: dict[str, float]
    flips: tuple[str, ...] = ()

    @property
    def spread(self) -> float:
        """The best score minus the worst."""
        return max(self.scores.values()) - min(self.scores.values())

    def extreme(self, *, best: bool) -> str:
        """The variant with the best or the worst score, in words."""
        name = (max if best else min)(self.scores, key=lambda v: self.scores[v])
        return name.replace("_", " ") or "as it is"


def groups(runs: Runs, system: Probed, seed: int) -> Iterator[Group]:
    """By source and by side, of each probe of names that was run."""
    side_of = side_groups(runs.articles)
    kinds = np.array([a.source.kind == "fictional" for a in runs.articles], dtype=bool)
    for probe in BY_NAME:
        parts = [p for place, p in system.pairs.items() if place.probe == probe]
        if not parts:
            continue
        pairs = joined(parts)
        fictional = kinds[runs.items.article[pairs.item]]
        sides = np.array([side_of[runs.items.ids[i][:2]] for i in pairs.item.tolist()])
        chosen = {"fictional": fictional, "real": ~fictional} | {s: sides == s for s in SIDES}
        for name, mask in chosen.items():
            if mask.any():
                yield _group(runs, probe, name, pairs.where(mask), seed)


def _group(runs: Runs, probe: str, name: str, pairs: Pairs, seed: int) -> Group:
    ways = np.array([1 if runs.items.articles[a].target(runs.items.ids[i][2]).direction == "escalate" else -1
                     for a, i in zip(runs.items.article[pairs.item].tolist(), pairs.item.tolist(), strict=True)])  # fmt: skip
    moved = (DEGREE[pairs.after] - DEGREE[pairs.before]) * ways
    changed = THREE[pairs.after] != THREE[pairs.before]
    return Group(probe, name, len(pairs), *(_mean(runs, pairs, v, seed) for v in (changed, moved)))


def _mean(runs: Runs, pairs: Pairs, values: NDArray[np.generic], seed: int) -> Interval:
    home, n = runs.items.article[pairs.item], len(runs.items.articles)
    counts = np.stack([np.bincount(home, weights=values, minlength=n), np.bincount(home, minlength=n)], axis=1)
    return clustered_interval_counts(counts.astype(np.int64), ratio, seed=seed)


def side_groups(articles: Sequence[Article]) -> dict[tuple[str, str], str]:
    """For each (article, speaker) which of SIDES it belongs to: of an article's sides the more escalatory one is that whose gold
    stances lean furthest towards escalation on average."""
    found: dict[tuple[str, str], str] = {}
    for article in articles:
        leaning: dict[str, list[int]] = defaultdict(list)
        for label in article.gold.stances if article.gold else ():
            side, degree = article.speaker(label.speaker).side, label.stance.degree
            if side not in (None, "outside") and degree is not None:
                leaning[side or ""].append(degree * (1 if article.target(label.target).direction == "escalate" else -1))
        hawk = max(sorted(leaning), key=lambda s: sum(leaning[s]) / len(leaning[s]), default=None)
        for speaker in article.speakers:
            outside = speaker.side in (None, "outside")
            found[article.id, speaker.id] = SIDES[2] if outside else SIDES[0] if speaker.side == hawk else SIDES[1]
    return found


def sensitivities(systems: Sequence[Probed]) -> dict[str, list[Sensitivity]]:
    """By fingerprint, how scores spread over the variants of `order` and of `language`, and which rankings that changes: two
    systems are ranked on the pairs that every variant of both has."""
    by_system: dict[str, list[Sensitivity]] = defaultdict(list)
    for probe in ("order", "language"):
        variants = {s.row.fingerprint: of_probe for s in systems if (of_probe := _variants(s, probe))}
        competing = [s.row for s in systems if s.row.fingerprint in variants and not s.row.use.ceiling]
        flips: dict[str, set[str]] = defaultdict(set)
        for a, b in combinations(competing, 2):
            two = [variants[row.fingerprint] for row in (a, b)]
            shared = _shared([pairs for of_probe in two for pairs in of_probe.values()])
            one, other = (_scores(of_probe, shared) for of_probe in two)
            ways = {np.sign(one[v] - other[v]) for v in one.keys() & other.keys()} - {0.0}
            if len(ways) > 1:
                flips[a.fingerprint].add(b.name)
                flips[b.fingerprint].add(a.name)
        for fingerprint, of_probe in variants.items():
            if scores := _scores(of_probe, _shared(list(of_probe.values()))):
                by_system[fingerprint].append(Sensitivity(probe, scores, tuple(sorted(flips[fingerprint]))))
    return by_system


def _variants(system: Probed, probe: str) -> dict[str, Pairs]:
    return {place.variant: pairs for place, pairs in system.pairs.items() if place.probe == probe}


def _shared(parts: Sequence[Pairs]) -> list[int]:
    """The items that all have."""
    return sorted(set.intersection(*(set(p.item.tolist()) for p in parts)))


def _scores(variants: Mapping[str, Pairs], items: Sequence[int]) -> dict[str, float]:
    """Macro-F1 by variant, and of the unchanged articles, on these items."""
    kept = {v: p.where(np.isin(p.item, items)) for v, p in variants.items()}
    first = next(iter(kept.values()))
    answers = {"": first.before} | {v: p.after for v, p in kept.items()}
    gold = {"": first.gold} | {v: p.changed_gold for v, p in kept.items()}
    scores = {}
    for v in answers:
        counts = cm.collapse(
            cm.count(np.zeros(len(gold[v]), dtype=np.intp), gold[v].astype(int), answers[v].astype(int), 1)
        )
        value = float(cm.macro_f1(counts.astype(float))[0])
        if not np.isnan(value):
            scores[v] = value
    return scores
