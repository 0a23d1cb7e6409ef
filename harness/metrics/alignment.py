"""What becomes of a gold stance in a summary that copies its article's sentences: where that is known without a judge."""

from __future__ import annotations

from harness.metrics.preservation import Outcome
from harness.text.sentences import sentences
from harness.text.speaker_mentions import mentioned
from harness.types import Article, StanceLabel


def is_extractive(summary: str, article: Article) -> bool:
    """Whether every sentence of the summary stands in the article word for word; an empty summary copies nothing."""
    source = _plain(article.text)
    parts = [sentence.text for line in summary.splitlines() for sentence in sentences(line, article.language)]
    copied = [_plain(part) in source for part in parts]
    return bool(copied) and all(copied)


def aligned_outcome(label: StanceLabel, summary: str, article: Article) -> Outcome | None:
    """`kept` where the copied sentences hold all evidence of the stance and name the speaker; `dropped_speaker` where they hold
    none of it and do not; None where copying does not tell, and where gold has no stance. For extractive summaries alone:
    reworded text may turn round what it takes over.
    """
    if label.stance.degree is None or not label.evidence:
        return None
    text = _plain(summary)
    held = [_plain(evidence.text) in text for evidence in label.evidence]
    is_named = mentioned(article.speaker(label.speaker), summary, article.speakers)
    if all(held) and is_named:
        return Outcome.KEPT
    return Outcome.DROPPED_SPEAKER if not any(held) and not is_named else None


def _plain(text: str) -> str:
    """Words with single spaces between them."""
    return " ".join(text.split())
