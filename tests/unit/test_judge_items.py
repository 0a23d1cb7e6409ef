"""What a judge reads of a run: summaries, articles, and what shows its ceiling and its floor; and in what shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.results.store import PredictionStore
from harness.runs.predict import answer_all, plan
from harness.runs.questions import judge_items
from harness.systems.base import Context, Options, System
from harness.types import Answer, Answered, Article, Dataset, Item, Prediction, Stance
from tests.make_believe import dataset


def summaries(articles: list[Article], *failed: str) -> Answered:
    def told(article: Article) -> Answer:
        return Answer(error="busy") if article.id in failed else Answer(f"A summary of {article.id}.")

    return Answered([Prediction("k", "s", "summary", a.id, None, None, told(a), "2026-01-01") for a in articles])


def texts(articles: list[Article], made: Answered) -> dict[str, dict[str, str]]:
    return {
        reading: {i.article.id: i.summary or "" for i in items}
        for reading, items in judge_items(articles, made).items()
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


class JudgeOfOtherPeople(System):
    """A stance classifier as other people write them: it knows articles, and nothing of `Item.summary`."""

    kind = "stance"

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        assert item.summary is None
        return {"title": item.article.title, "text": item.article.text, "item": item.id}

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        assert {i.article.title for i in items} == {""}
        assert all(i.summary is None for i in items)
        return [Answer(i.article.text, Stance.NEUTRAL) for i in items]


def test_a_stance_classifier_judges_a_summary_as_the_text_of_an_article(tmp_path: Path) -> None:
    data = dataset(3)
    readings = judge_items(data.articles, summaries(list(data)))
    items = [item for reading in readings.values() for item in reading]
    # inside the project the article stays whole, and the text that is judged is the summary
    assert {i.article for i in items} == set(data.articles)
    assert None not in {i.summary for i in items}
    store = PredictionStore(tmp_path)
    work = plan(JudgeOfOtherPeople("theirs", Options()), items, data, store)
    answered = answer_all(JudgeOfOtherPeople("theirs", Options()), work, Context(data), store, "judge:theirs")
    assert [p.answer.output for p in answered.predictions] == [i.summary for i in items]
    assert [(p.article_id, p.speaker_id) for p in answered.predictions] == [
        (i.article.id, i.speaker.id if i.speaker else None) for i in items
    ]


def test_a_question_about_an_article_stays_as_it_is() -> None:
    [article] = dataset(1).articles
    question = Item(article, article.speakers[0], article.targets[0])
    assert question.as_article() is question
    empty = replace(question, summary="").as_article()
    assert (empty.article.title, empty.article.text, empty.summary) == ("", "", None)
    assert empty.id == question.id
