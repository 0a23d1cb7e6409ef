"""Published prose has typographic marks: baselines answer as they do of the same words in a typewriter's, and store what stands."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.config import SystemConfig
from harness.data.load import load_dataset
from harness.runs.questions import items_for
from harness.systems.base import Context, Kind
from harness.systems.registry import build
from harness.systems.speakers_rule import find_speakers
from harness.text.body import words_about
from harness.text.marks import plain_marks, plain_text
from harness.types import Answer, Article, Dataset, Item, Source, Speaker, Stance, Target

ROOT = Path(__file__).parents[2]
SEN = Speaker("sen", "Orlan Sen")


def article(text: str, *speakers: Speaker) -> Article:
    return Article("a", "", text, "e", Source("fictional"), (Target("escalation", "War."),), speakers or (SEN,))


def dressed(text: str) -> str:
    """As a newspaper sets it: curly quotation marks and apostrophes, dashes between words."""
    text = re.sub(r'(^|[\s(\[—-])"', r"\1“", text, flags=re.MULTILINE).replace('"', "”")
    text = re.sub(r"(^|[\s(\[“—-])'", r"\1‘", text, flags=re.MULTILINE).replace("'", "’")
    return text.replace(" - ", " – ")


def in_dress(article: Article) -> Article:
    return replace(article, title=dressed(article.title), text=dressed(article.text))


@cache
def dev() -> Dataset:
    data = load_dataset(ROOT / "datasets" / "escalation")
    return replace(data, articles=tuple(a for a in data.articles if a.split == "dev"))


def answers(kind: Kind, name: str, data: Dataset) -> dict[str, Answer]:
    raw = yaml.safe_load((ROOT / "configs" / kind / f"{name}.yaml").read_text(encoding="utf-8"))
    system = build(kind, SystemConfig.model_validate(raw), "cpu")
    items = list(items_for(kind, data.articles))
    return {
        item.id: answer
        for unit in system.plan(items)
        for item, answer in zip(unit, system.answer(unit, Context(data)), strict=True)
    }


@pytest.mark.parametrize(
    ("kind", "name"), [("stance", "sentiment"), ("summariser", "lexrank"), ("stance", "tfidf_svm")]
)
def test_dev_articles_in_typographic_dress_are_answered_alike(kind: Kind, name: str) -> None:
    plain = dev()
    news = replace(plain, articles=tuple(map(in_dress, plain.articles)), fingerprint="dressed")
    assert sum(a.text != b.text for a, b in zip(plain.articles, news.articles, strict=True)) > 15
    before, after = answers(kind, name, plain), answers(kind, name, news)
    if name == "lexrank":
        assert any(answer.output != before[item].output for item, answer in after.items()), (
            "summaries quote what stands"
        )
        after = {item: replace(answer, output=plain_text(answer.output)) for item, answer in after.items()}
        before = {item: replace(answer, output=plain_text(answer.output)) for item, answer in before.items()}
    assert after == before


def test_speakers_of_dev_articles_in_typographic_dress_are_the_same() -> None:
    for one in dev().articles:
        rows, dressed_rows = find_speakers(one), find_speakers(in_dress(one))
        assert [plain_marks(r["name"]) for r in dressed_rows] == [plain_marks(r["name"]) for r in rows]
        assert [[plain_marks(q) for q in r["quotes"]] for r in dressed_rows] == [
            [plain_marks(q) for q in r["quotes"]] for r in rows
        ]


def sentiment(text: str, *speakers: Speaker) -> Stance | None:
    one = article(text, *speakers)
    data = Dataset("d", "1", (one,), "f")
    return next(iter(answers("stance", "sentiment", data).values())).label


def test_vader_hears_negation_and_quoted_words() -> None:
    """Without plain marks it was lean_oppose: `won’t` is no negation for VADER 3.3.2, `“No` and `peace.”` are no words."""
    assert sentiment("Orlan Sen said: “No peace.” Orlan Sen won’t attack the bridge.") is Stance.LEAN_SUPPORT
    assert sentiment('Orlan Sen said: "No peace." Orlan Sen won\'t attack the bridge.') is Stance.LEAN_SUPPORT


@pytest.mark.parametrize("quoted", ["“Will they kill us all?”", '"Will they kill us all?"', "“They kill us all!”"])
def test_a_quotation_that_asks_belongs_to_who_is_named_after_it(quoted: str) -> None:
    text = f"{quoted} Orlan Sen asked. Nobody knew."
    assert words_about(article(text), SEN) == [plain_marks(quoted), "Orlan Sen asked."]
    assert find_speakers(article(text)) == [{"name": "Orlan Sen", "aliases": [], "quotes": [quoted[1:-1]]}]
    assert sentiment(text) is Stance.LEAN_OPPOSE


@pytest.mark.parametrize(
    "text",
    [
        "“Will they kill us all?” The crowd cheered. Orlan Sen left.",
        "“Will they kill us all?”\nOrlan Sen asked.",
        "“Will they kill us all?” Orlan Sen said that he would wait.",
        "“Will they kill us all?” Ada Brandt asked. Orlan Sen left.",
        "They kill us all. Orlan Sen asked.",
    ],
)
def test_no_other_quotation_does(text: str) -> None:
    assert not any("kill" in words for words in words_about(article(text), SEN))


def test_names_are_found_in_either_dress() -> None:
    for name, text in (("Siobhan O'Hara", "Siobhan O’Hara waits."), ("Siobhan O’Hara", "Siobhan O'Hara waits.")):
        assert words_about(article(text), Speaker("ohara", name)) == ["Siobhan O'Hara waits."]


def lexrank(text: str, n: int = 3) -> list[str]:
    system: Any = build("summariser", SystemConfig(name="lexrank", adapter="lexrank", sentences=n), "cpu")  # type: ignore[call-arg]
    one = article(text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [answer] = system.answer([Item(one)], Context(Dataset("d", "1", (one,), "f")))
    return re.findall(r"[^.]+\.", answer.output)


def test_lexrank_takes_a_sentence_once() -> None:
    text = "Peace comes now, they say. The long war goes on. Peace comes now, they say. The war is long. Rain fell."
    chosen = lexrank(text)
    assert len(chosen) == len({c.strip() for c in chosen}) == 3


def test_lexrank_without_a_shared_word_takes_the_first_and_warns_of_nothing() -> None:
    assert lexrank("Alpha beta. Gamma delta. Epsilon zeta.", 2) == ["Alpha beta.", " Gamma delta."]


def test_marks_keep_their_places_and_plain_text_is_as_it_was() -> None:
    text = "“We won’t—ever—go,” he said – twice…\u00a0‘No.’"
    assert len(plain_marks(text)) == len(text)
    assert plain_text(text) == "\"We won't - ever - go,\" he said - twice... 'No.'"
    for plain in ('"We won\'t -- ever -- go," he said - twice...', "a-b\n\nc"):
        assert plain_text(plain) == plain_marks(plain) == plain
