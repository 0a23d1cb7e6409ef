"""What each system of a run is asked: the items that each kind of system answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.metrics.preservation_table import another_article
from harness.systems.base import pair_item
from harness.systems.summary_judges import SummaryJudge
from harness.types import Answered, Article, Item


def items_for(kind: str, articles: Sequence[Article]) -> Iterator[Item]:
    """The questions that a kind of system is asked: one an article, or one a declared pair."""
    for article in articles:
        if kind == "stance":
            for speaker, target in article.pairs():
                yield pair_item(article, speaker, target)
        else:
            yield Item(article)


def summary_items(judge: SummaryJudge, articles: Sequence[Article], summaries: Answered) -> list[Item]:
    """The summaries that a judge compares with their article or references."""
    texts = summaries.texts()
    return [Item(a, summary=texts[a.id]) for a in articles if a.id in texts and judge.asks(a, texts[a.id])]


def judge_items(articles: Sequence[Article], summaries: Answered) -> dict[str, list[Item]]:
    """What the judge of stance reads, as `Item.summary`, under the name of the reading.

    `summary` and `article` are the texts of that name, each read alone. Where there is gold, three more readings show how
    good a score can be with this judge and how bad: `reference`, the first reference summary; `empty`, no text at all;
    `other`, the first reference of another article, or another's summary where there is no reference.
    """
    texts = summaries.texts()
    readings: dict[str, list[Item]] = {"summary": [], "article": [], "reference": [], "empty": [], "other": []}

    def add(reading: str, article: Article, text: str) -> None:
        readings[reading].extend(Item(article, speaker, target, summary=text) for speaker, target in article.pairs())

    for article in articles:
        if article.id in texts:
            add("summary", article, texts[article.id])
        add("article", article, article.text)
    labelled = [a for a in articles if a.gold is not None]
    references = {a.id: a.summaries[0].text for a in labelled if a.summaries}
    best_texts = {a.id: text for a in labelled if (text := references.get(a.id, texts.get(a.id))) is not None}
    others = another_article(best_texts)
    for article in labelled:
        if article.id in references:
            add("reference", article, references[article.id])
        add("empty", article, "")
        if article.id in others:
            add("other", article, best_texts[others[article.id]])
    return {reading: items for reading, items in readings.items() if items}
