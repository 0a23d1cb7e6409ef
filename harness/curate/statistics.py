"""Counts of a dataset: articles, speakers, labels, phenomena, lengths, quotas, and texts that are nearly the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from harness.curate.article_vectors import mean_vectors
from harness.data.formats.spans import passage_signs
from harness.runtime.progress import Reporter
from harness.text.body import body_sentences
from harness.types import ESCALATION, PHENOMENA, STANCES, Article, Dataset, StanceLabel

NEAR_DUPLICATE = 0.9
"""Cosine of two articles' embeddings from which they are shown as near-duplicates."""


@dataclass(frozen=True)
class Statistics:
    """`labels` is by scope (escalation, concrete), `phenomena` counts gold stances, `lengths` are words."""

    n_articles: int
    n_speakers: int
    n_distinct_speakers: int
    n_scored_pairs: int
    n_statements: int
    by_kind: dict[str, int]
    by_split: dict[str, int]
    n_events: int
    labels: dict[str, dict[str, int]]
    phenomena: dict[str, int]
    lengths: tuple[int, float, int]
    summary_lengths: tuple[int, float, int] | None
    n_disagreeing_sides: int
    rungs: dict[str, int]
    shared: dict[str, tuple[int, int, int, int]]
    """Of targets that two articles or more ask about: articles, speakers with a label, passages for and against."""


def statistics(dataset: Dataset) -> Statistics:
    """All counts but near-duplicates; of a set without gold, those that need none."""
    gold = [(a, s) for a in dataset for s in (a.gold.stances if a.gold else ())]
    scored = [(a, s) for a, s in gold if a.speaker(s.speaker).kind != "vague"]
    words = [len(a.text.split()) for a in dataset]
    summaries = [len(s.text.split()) for a in dataset for s in a.summaries]
    return Statistics(
        n_articles=len(dataset),
        n_speakers=sum(len(a.speakers) for a in dataset),
        n_distinct_speakers=len({s.name for a in dataset for s in a.speakers}),
        n_scored_pairs=sum(1 for a in dataset for _ in a.pairs()),
        n_statements=sum(len(s.evidence) for a, s in gold),
        by_kind=dict(sorted(Counter(a.source.kind for a in dataset).items())),
        by_split=dict(sorted(Counter(a.split for a in dataset).items())),
        n_events=len({a.event for a in dataset}),
        labels={
            "escalation": label_counts(s for _, s in scored if s.target == ESCALATION),
            "concrete": label_counts(s for _, s in scored if s.target != ESCALATION),
        },
        phenomena={p: sum(p in s.phenomena for _, s in scored) for p in PHENOMENA},
        lengths=spread(words),
        summary_lengths=spread(summaries) if summaries else None,
        n_disagreeing_sides=sum(has_disagreeing_side(a) for a in dataset),
        rungs=dict(sorted(Counter(str(x.rung) for a in dataset for x in a.targets if x.id != ESCALATION).items())),
        shared=shared_targets(dataset),
    )


def shared_targets(dataset: Dataset) -> dict[str, tuple[int, int, int, int]]:
    """By id of a concrete target of several articles: articles, gold stances, evidence passages for and against it."""
    articles = Counter(x.id for a in dataset for x in a.targets if x.id != ESCALATION)
    counts = {}
    for target in sorted(t for t, n in articles.items() if n > 1):
        labels = [s for a in dataset for s in (a.gold.stances if a.gold else ()) if s.target == target]
        signs = [sign for s in labels for sign in passage_signs(s)]
        counts[target] = (articles[target], len(labels), signs.count(1), signs.count(-1))
    return counts


def label_counts(stances: Iterable[StanceLabel]) -> dict[str, int]:
    """How often each label occurs, all labels there."""
    counts = Counter(s.stance for s in stances)
    return {str(label): counts[label] for label in STANCES}


def spread(values: Sequence[int]) -> tuple[int, float, int]:
    """Least, mean and most."""
    return (min(values), sum(values) / len(values), max(values)) if values else (0, 0.0, 0)


def has_disagreeing_side(article: Article) -> bool:
    """Whether two speakers of one side have stances of opposite sign on one target."""
    gold = article.gold_stances()
    for target in article.targets:
        signs: dict[str, set[int]] = {}
        for speaker in article.speakers:
            label = gold.get((speaker.id, target.id))
            degree = label.stance.degree if label else None
            if degree and speaker.side and speaker.side != "outside" and speaker.kind != "vague":
                signs.setdefault(speaker.side, set()).add(1 if degree > 0 else -1)
        if any(len(side_signs) == 2 for side_signs in signs.values()):
            return True
    return False


def near_duplicates(
    dataset: Dataset, least: float = NEAR_DUPLICATE, reporter: Reporter | None = None
) -> list[tuple[str, str, float]]:
    """Pairs of articles whose mean sentence embeddings (MiniLM) have a cosine of `least` or more, closest first."""
    articles = [a for a in dataset if body_sentences(a)]
    means = mean_vectors(articles, reporter)
    cosines = means @ means.T
    close = [
        (articles[i].id, articles[j].id, float(cosines[i, j]))
        for i, j in combinations(range(len(articles)), 2)
        if cosines[i, j] >= least
    ]
    return sorted(close, key=lambda row: -row[2])
