"""What a judge reads of a run: summaries, articles, and what shows its ceiling and its floor."""

from __future__ import annotations

from dataclasses import replace

from harness.job import judge_items
from harness.predict import Answered
from harness.types import Answer, Article, Prediction
from tests.make_believe import dataset


def summaries(articles: list[Article], *failed: str) -> Answered:
    def told(article: Article) -> Answer:
        return Answer(error="busy") if article.id in failed else Answer(f"A summary of {article.id}.")

    return Answered([Prediction("k", "s", "summary", a.id, None, None, told(a), "2026-01-01") for a in articles])


def texts(articles: list[Article], made: Answered) -> dict[str, dict[str, str]]:
    return {
        reading: {i.article.id: i.article.text for i in items} for reading, items in judge_items(articles, made).items()
    }


def test_ceiling_and_floor_of_articles_with_references() -> None:
    articles = list(dataset(4).articles)
    read = texts(articles, summaries(articles, articles[0].id))
    ids = {a.id for a in articles}
    first = {a.id: a.summaries[0].text for a in articles}
    assert set(read) == {"summary", "article", "reference", "empty", "other"}
    assert set(read["summary"]) == ids - {articles[0].id}
    assert read["reference"] == first
    assert read["empty"] == dict.fromkeys(ids, "")
    assert set(read["other"]) == ids
    assert all(text != first[a] and text in first.values() for a, text in read["other"].items())


def test_floor_of_articles_without_references_are_other_articles_summaries() -> None:
    articles = [replace(a, summaries=()) for a in dataset(3).articles]
    read = texts(articles, summaries(articles, articles[0].id))
    ids = {a.id for a in articles}
    assert "reference" not in read
    assert read["empty"] == dict.fromkeys(ids, "")
    own = {a.id: f"A summary of {a.id}." for a in articles[1:]}
    assert set(read["other"]) == set(own)
    assert all(text in own.values() and text != own[a] for a, text in read["other"].items())


def test_without_gold_there_is_neither_ceiling_nor_floor() -> None:
    articles = [replace(a, gold=None) for a in dataset(2).articles]
    assert set(texts(articles, summaries(articles))) == {"summary", "article"}
