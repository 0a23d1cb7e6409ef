"""Fitted stance classifiers: they learn from other events alone, and read exactly what they say they read."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.config import SystemConfig
from harness.errors import Unfitted
from harness.models.pool import ModelPool
from harness.runs.questions import items_for
from harness.systems.base import Context, System
from harness.systems.registry import build
from harness.types import (
    STANCES,
    Annotation,
    Answer,
    Article,
    Dataset,
    Item,
    Source,
    Speaker,
    Stance,
    StanceLabel,
    Target,
)
from tests import tiny_encoders as tiny

CONFIGS = Path(__file__).parents[2] / "configs" / "stance"
NAMES = ("tfidf_svm", "name_only", "minilm_probe")
SPEAKERS = (
    Speaker("brandt", "Ada Brandt", ("Brandt",), side="north", role="minister"),
    Speaker("olm", "Olm", ("General Olm",), side="south"),
    Speaker("mobs", "crowds", kind="vague"),
)
TARGETS = (Target("shut", "The council may shut the gates."), Target("war", "War is right."))


def article(n: int, brandt: Stance, olm: Stance, **changes: Any) -> Article:
    text = (
        f"Minister Ada Brandt {'demanded' if brandt is Stance.SUPPORT else 'ruled out'} that the gates be shut in month "
        f"{n}. General Olm {'demanded' if olm is Stance.SUPPORT else 'ruled out'} that the gates be shut."
    )
    stances = tuple(StanceLabel(s, t.id, label) for s, label in (("brandt", brandt), ("olm", olm)) for t in TARGETS)
    given: dict[str, Any] = {"gold": Annotation("chief", stances), "event": f"event-{n}", **changes}
    return Article(f"a{n}", "", text, source=Source("fictional"), targets=TARGETS, speakers=SPEAKERS, **given)


def dataset(*articles: Article, fingerprint: str = "f") -> Dataset:
    return Dataset("d", "1", articles, fingerprint)


SUPPORT, OPPOSE = Stance.SUPPORT, Stance.OPPOSE
MIXED = [(SUPPORT, OPPOSE), (OPPOSE, SUPPORT), (SUPPORT, OPPOSE), (OPPOSE, OPPOSE), (SUPPORT, SUPPORT)]


def mixed() -> Dataset:
    return dataset(*(article(n, *labels) for n, labels in enumerate(MIXED)))


def system(name: str, **overrides: Any) -> System:
    raw = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"))
    return build("stance", SystemConfig.model_validate({**raw, **overrides}), "cpu")


@pytest.fixture(params=NAMES)
def fitted(request: pytest.FixtureRequest, tmp_path: Path) -> System:
    more = {"model": str(tiny.bert(tmp_path))} if request.param == "minilm_probe" else {}
    return system(request.param, **more)


def answers(asked: System, data: Dataset, context: Context | None = None) -> dict[str, Answer]:
    context = context or Context(data, ModelPool(), "cpu")
    items = list(items_for("stance", data.articles))
    return {i.id: a for unit in asked.plan(items) for i, a in zip(unit, asked.answer(unit, context), strict=True)}


def item_of(data: Dataset, n: int = 0) -> Item:
    return next(items_for("stance", data.articles[n : n + 1]))


@pytest.mark.parametrize("name", ["tfidf_svm", "minilm_probe"])
def test_what_is_said_decides_not_who_says_it(name: str) -> None:
    found = answers(system(name), mixed())
    gold = {
        f"a{n}/{s}/{t.id}": label
        for n, pair in enumerate(MIXED)
        for s, label in zip(("brandt", "olm"), pair, strict=True)
        for t in TARGETS
    }
    assert {item: a.label for item, a in found.items()} == gold


def test_the_name_alone_decides() -> None:
    always = dataset(*(article(n, SUPPORT, OPPOSE) for n in range(3)), article(3, OPPOSE, SUPPORT))
    found = answers(system("name_only"), always)
    assert {a.label for item, a in found.items() if "/brandt/" in item} == {SUPPORT}
    assert {a.label for item, a in found.items() if "/olm/" in item} == {OPPOSE}


def test_probabilities_are_a_distribution_over_the_labels_seen() -> None:
    for answer in answers(system("minilm_probe"), mixed()).values():
        assert sum(answer.scores.values()) == pytest.approx(1)
        assert set(answer.scores) == {"support", "oppose"}
        assert max(answer.scores, key=lambda s: answer.scores[s]) == answer.label


def test_the_own_event_is_never_learned_from(fitted: System) -> None:
    """Turning the gold of an event around changes no answer about that event."""
    plain = mixed()
    turned = dataclasses.replace(
        plain, articles=(article(0, *reversed(MIXED[0])), *plain.articles[1:]), fingerprint="turned"
    )
    before, after = answers(fitted, plain), answers(fitted, turned)
    # the text of a0 says what its gold says: only the gold may differ here
    same_text = dataclasses.replace(
        turned, articles=(dataclasses.replace(turned.articles[0], text=plain.articles[0].text), *plain.articles[1:])
    )
    after = answers(fitted, dataclasses.replace(same_text, fingerprint="same text"))
    for key, answer in before.items():
        if key.startswith("a0/"):
            assert (after[key].label, after[key].scores) == (answer.label, answer.scores)


def test_two_articles_of_one_event_are_one_unit_and_do_not_teach_each_other(fitted: System) -> None:
    data = dataset(article(0, SUPPORT, OPPOSE, event="same"), article(1, SUPPORT, OPPOSE, event="same"))
    items = list(items_for("stance", data.articles))
    assert [len(u) for u in fitted.plan(items)] == [8]
    with pytest.raises(Unfitted, match="no labelled article of another event"):
        fitted.answer(items, Context(data, ModelPool(), "cpu"))
    with pytest.raises(Unfitted):
        fitted.reads(items[0], data)


def test_articles_without_gold_do_not_count_as_events(fitted: System) -> None:
    data = dataset(article(0, SUPPORT, OPPOSE), article(1, SUPPORT, OPPOSE, gold=None))
    with pytest.raises(Unfitted):
        fitted.reads(item_of(data), data)
    fitted.reads(item_of(data, 1), data)


def test_one_label_everywhere_needs_no_fit(fitted: System) -> None:
    data = dataset(*(article(n, SUPPORT, SUPPORT) for n in range(3)))
    found = answers(fitted, data)
    assert {a.label for a in found.values()} == {SUPPORT}
    assert next(iter(found.values())).scores == {s.value: float(s is SUPPORT) for s in STANCES}


def test_an_answer_does_not_depend_on_the_rest_of_the_unit(fitted: System) -> None:
    data = mixed()
    together = answers(fitted, data)
    context = Context(data, ModelPool(), "cpu")
    for item in items_for("stance", data.articles):
        [alone] = fitted.answer([item], context)
        assert alone.label == together[item.id].label
        assert alone.scores == pytest.approx(dict(together[item.id].scores), abs=1e-6)


def test_reads_change_with_what_is_learned_and_with_nothing_else(fitted: System) -> None:
    data = mixed()
    reads = fitted.reads(item_of(data), data)

    def after(n: int, **changes: Any) -> dict[str, Any]:
        articles = list(data.articles)
        articles[n] = dataclasses.replace(articles[n], **changes)
        new = dataset(*articles, fingerprint=repr(changes)[:80] + str(n))
        return fitted.reads(item_of(new), new)

    turned = article(1, SUPPORT, OPPOSE).gold
    assert after(1, gold=turned) != reads, "gold of another event"
    assert after(0, gold=article(0, OPPOSE, OPPOSE).gold) == reads, "its own gold"
    assert after(1, annotations=(Annotation("one", ()),)) == reads, "annotators' labels"
    assert (after(1, text="Another text.") != reads) is (fitted.name != "name_only"), "text of another event"
    assert (after(1, language="de") != reads) is (fitted.name != "name_only"), "how its sentences are cut"
    assert (after(0, text="Another text.") != reads) is (fitted.name != "name_only"), "its own text"
    renamed = (dataclasses.replace(SPEAKERS[0], name="Ida Brandt"), *SPEAKERS[1:])
    assert after(0, speakers=renamed) != reads


def test_name_only_sees_the_name_and_the_side() -> None:
    data = mixed()
    reads = system("name_only").reads(item_of(data), data)
    assert set(reads) == {"training", "name", "side"}
    assert (reads["name"], reads["side"]) == ("Ada Brandt", "north")


def test_a_speaker_that_no_sentence_names_is_read_from_all_of_them(fitted: System) -> None:
    data = mixed()
    stranger = dataclasses.replace(SPEAKERS[0], id="x", name="Nobody", aliases=())
    asked = [
        Item(data.articles[0], stranger, TARGETS[0]),
        Item(dataclasses.replace(data.articles[0], text=""), stranger, TARGETS[0]),
    ]
    found = fitted.answer(asked, Context(data, ModelPool(), "cpu"))
    assert all(a.label in STANCES for a in found)


def test_embeddings_and_counts_are_made_once_for_all_folds(fitted: System, monkeypatch: pytest.MonkeyPatch) -> None:
    data = mixed()
    context = Context(data, ModelPool(), "cpu")
    rows: list[int] = []
    original = fitted.features
    monkeypatch.setattr(fitted, "features", lambda items, c: rows.append(len(items)) or original(items, c))
    answers(fitted, data, context)
    assert sorted(rows, reverse=True)[:2] == [20, 4]
