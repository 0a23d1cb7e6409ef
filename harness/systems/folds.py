"""Training folds by event, so that a fitted system never sees the event that it is asked about."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache

from harness.errors import Unfitted
from harness.results.store import content_hash
from harness.types import Article, Dataset


def training_articles(dataset: Dataset, event: str) -> tuple[Article, ...]:
    """Labelled articles of all other events, by id; Unfitted if there are none."""
    articles = tuple(a for a in dataset if a.gold is not None and a.event != event)
    if not articles:
        raise Unfitted(
            f"unfitted: no labelled article of another event than {event!r} to learn from",
            hint="a fitted system needs labelled articles of two events or more",
        )
    return articles


def training_hash(dataset: Dataset, event: str) -> str:
    """Hash of the training fold's texts, language, declarations and gold; annotators' labels, summaries and what only probes
    read do not count."""
    return content_hash([_learned_from(a) for a in training_articles(dataset, event)])


@lru_cache(maxsize=4096)
def _learned_from(article: Article) -> str:
    parts = [
        article.title,
        article.text,
        article.language,
        [asdict(x) for x in article.speakers],
        [{k: v for k, v in asdict(x).items() if k not in ("paraphrases", "negated")} for x in article.targets],
        [[s.speaker, s.target, s.stance] for s in article.gold.stances] if article.gold else [],
    ]
    return content_hash(parts)
