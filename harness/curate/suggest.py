"""Which raw article to label next: the one on which systems disagree most, since its labels tell them apart best."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.data.plain_texts import load_texts
from harness.errors import HarnessError
from harness.results.store import PredictionStore
from harness.types import Article, Dataset, Prediction, Stance


@dataclass(frozen=True)
class Suggestion:
    """A raw article with the mean disagreement over its pairs (entropy in bits), how many pairs and systems, and why."""

    article_id: str
    title: str
    disagreement: float
    n_pairs: int
    systems: tuple[str, ...]
    reason: str


def pool(seeds: Path, dataset: Dataset) -> list[Article]:
    """Raw articles of `seeds` whose text the dataset does not hold yet; HarnessError without such a folder."""
    if not seeds.exists():
        raise HarnessError(f"{seeds}: no such folder of raw articles", hint="name one: --seeds DIR")
    labelled_texts = {a.text.strip() for a in dataset}
    return [a for a in load_texts(seeds) if a.text.strip() not in labelled_texts]


def stored_stances(results: Path, articles: Sequence[Article]) -> dict[str, dict[tuple[str, str], dict[str, Stance]]]:
    """By article, (speaker, target) and system, the latest stored stance."""
    wanted = {a.id for a in articles}
    latest: dict[str, dict[tuple[str, str], dict[str, Prediction]]] = {}
    root = results / "predictions"
    store = PredictionStore(root)
    for folder in sorted(p for p in root.glob("*-*") if p.is_dir()):
        name, _, fingerprint = folder.name.rpartition("-")
        for p in store.read(name, fingerprint).values():
            if p.kind != "stance" or p.answer.label is None or p.article_id not in wanted:
                continue
            by_system = latest.setdefault(p.article_id, {}).setdefault((p.speaker_id or "", p.target_id or ""), {})
            if name not in by_system or by_system[name].created_at < p.created_at:
                by_system[name] = p
    return {
        article: {
            pair: {name: p.answer.label for name, p in by.items() if p.answer.label is not None}
            for pair, by in pairs.items()
        }
        for article, pairs in latest.items()
    }


def suggestions(
    articles: Sequence[Article], stances: Mapping[str, Mapping[tuple[str, str], Mapping[str, Stance]]]
) -> list[Suggestion]:
    """Articles by how much systems disagree on the three-way stance of their pairs, most first; only pairs that two
    systems or more answered count, articles without any are left out."""
    ranked = []
    for article in articles:
        pairs = {pair: by for pair, by in stances.get(article.id, {}).items() if len(by) > 1}
        if not pairs:
            continue
        split = {pair: entropy([s.three_way for s in by.values()]) for pair, by in pairs.items()}
        worst = max(pairs, key=lambda pair: split[pair])
        answers = ", ".join(f"{name} says {stance}" for name, stance in sorted(pairs[worst].items()))
        apart = sum(v > 0 for v in split.values())
        ranked.append(
            Suggestion(
                article.id,
                article.title,
                sum(split.values()) / len(split),
                len(pairs),
                tuple(sorted({name for by in pairs.values() for name in by})),
                f"systems differ on {apart} of {len(pairs)} pairs; most on {worst[0]} ({worst[1]}): {answers}",
            )
        )
    return sorted(ranked, key=lambda s: (-s.disagreement, s.article_id))


def entropy(labels: Sequence[str]) -> float:
    """Entropy of the labels' shares in bits: 0 where all agree."""
    counts = Counter(labels)
    return max(0.0, -sum(n / len(labels) * math.log2(n / len(labels)) for n in counts.values()))
