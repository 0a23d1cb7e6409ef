"""Whether a summary puts one speaker's words beside another speaker's name."""

from __future__ import annotations

from collections.abc import Sequence

from harness.metrics.preservation_flags import passage_sentences
from harness.text.content_words import content_words
from harness.text.speaker_mentions import mentioned
from harness.types import Article, Speaker, StanceLabel

MIN_WORDS = 3
MIN_SHARE = 0.5
"""How many of the words that are the owner's alone, and what share of them, must stand beside the other's name."""


def moved(speaker: Speaker, owners: Sequence[StanceLabel], summary: str, article: Article) -> bool:
    """Whether the summary puts the words of one of the owners' stances beside this speaker.

    For each quote that is gold evidence of an owner's stance, its own words are its content words (stems of four letters
    or more, no function words, no speaker's name) that the article does not put beside this speaker: they are neither in
    the article's sentences about the speaker (`passage_sentences`) nor in the speaker's own evidence. The quote was
    moved if at least MIN_WORDS of them, and a share of MIN_SHARE, are in those sentences of the summary about the speaker
    that do not name the owner. Without evidence, and in scripts without spaces, the result is False.
    """
    beside = passage_sentences(speaker, summary, article)
    beside_words: set[str] | None = None
    for label in owners:
        owner = article.speaker(label.speaker)
        words = content_words(s for s in beside if not mentioned(owner, s, article.speakers))
        for quote in label.evidence:
            quoted = content_words([quote.text])
            if len(quoted & words) < MIN_WORDS:
                continue
            beside_words = _own_words(speaker, article) if beside_words is None else beside_words
            alone = quoted - beside_words
            if len(alone & words) >= max(MIN_WORDS, MIN_SHARE * len(alone)):
                return True
    return False


def _own_words(speaker: Speaker, article: Article) -> set[str]:
    """What the article puts beside the speaker, and every speaker's name."""
    gold = article.gold_stances().values()
    return (
        content_words(passage_sentences(speaker, article.text, article))
        | content_words(quote.text for label in gold if label.speaker == speaker.id for quote in label.evidence)
        | content_words(name for other in article.speakers for name in other.names)
    )
