"""Puts speakers and targets of an article into an order computed from its id, so that their order gives no label away."""

from __future__ import annotations

from dataclasses import replace

from harness.results.store import content_hash
from harness.types import Annotation, Article


def in_seeded_order(article: Article) -> Article:
    """Speakers and targets by the hash of the article's id and their own; labels follow them, and none is changed.

    >>> from harness.types import Source, Speaker, Target
    >>> names = ("ada", "bo", "cy")
    >>> article = Article("a", "T", "t", "e", Source("fictional"), (Target("x", "X."),), tuple(Speaker(n, n) for n in names))
    >>> [s.id for s in in_seeded_order(article).speakers]
    ['cy', 'bo', 'ada']
    """

    def place(declared_id: str) -> str:
        return content_hash([article.id, declared_id])

    speakers = tuple(sorted(article.speakers, key=lambda s: place(s.id)))
    targets = tuple(sorted(article.targets, key=lambda t: place(t.id)))
    pairs = {(s.id, t.id): i for i, (s, t) in enumerate((s, t) for s in speakers for t in targets)}

    def labels(annotation: Annotation) -> Annotation:
        stances = sorted(annotation.stances, key=lambda s: pairs[s.speaker, s.target])
        return replace(annotation, stances=tuple(stances))

    return replace(
        article,
        speakers=speakers,
        targets=targets,
        annotations=tuple(map(labels, article.annotations)),
        gold=labels(article.gold) if article.gold else None,
    )
