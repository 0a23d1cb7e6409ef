"""Training folds: which hash stands for what a fitted system learns from, and what majority counts."""

from __future__ import annotations

import dataclasses
from collections import Counter
from itertools import pairwise

import pytest

from harness.config import SystemConfig
from harness.errors import Unfitted
from harness.results.store import content_hash
from harness.runs.questions import items_for
from harness.systems.base import System
from harness.systems.fitted import FittedStance
from harness.systems.folds import MOST_LISTED, FoldHashes, learned_from
from harness.systems.registry import build
from harness.types import STANCES, Annotation, Article, Dataset, Source, Speaker, Stance, StanceLabel, Target

TARGETS = (Target("escalation", "War."), Target("shut", "The gates may be shut."))


def article(n: int, event: str, stance: Stance | None = Stance.SUPPORT) -> Article:
    labels = () if stance is None else tuple(StanceLabel("olm", t.id, stance) for t in TARGETS)
    gold = Annotation("chief", labels) if labels else None
    return Article(
        f"a{n:05d}", "", f"Olm spoke {n}.", event, Source("fictional"), TARGETS, (Speaker("olm", "Olm"),), gold=gold
    )


def dataset(*articles: Article) -> Dataset:
    return Dataset("d", "1", articles, content_hash([a.text for a in articles]))


def of_events(count: int) -> Dataset:
    return dataset(*(article(n, f"e{n}", STANCES[n % 6]) for n in range(count)))


def system(name: str, adapter: str) -> System:
    return build("stance", SystemConfig(name=name, adapter=adapter), "cpu", 0)


def training(data: Dataset, event: str) -> str:
    linear = system("tfidf_svm", "linear")
    assert isinstance(linear, FittedStance)
    item = next(items_for("stance", [a for a in data if a.event == event]))
    return str(linear.reads(item, data)["training"])


def test_up_to_two_thousand_events_the_hash_is_that_of_the_list() -> None:
    data = of_events(MOST_LISTED)
    listed = content_hash([learned_from(a) for a in data if a.event != "e7"])
    assert training(data, "e7") == listed
    # computed before there were sets: a change here would orphan everybody's stored answers
    assert listed == "3268a9049b6fc7e6e87b61d4ea334d370db2aff9f2aa42136d94c46cd53dc0d4"


def test_beyond_them_it_is_that_of_the_set_less_the_events_own() -> None:
    data = of_events(MOST_LISTED + 1)
    after = training(data, "e7")
    assert after != content_hash([learned_from(a) for a in data if a.event != "e7"])
    assert after == training(dataset(*reversed(data.articles)), "e7")
    changed = dataclasses.replace(data.articles[7], text="Olm was silent.")
    assert after == training(dataset(*data.articles[:7], changed, *data.articles[8:]), "e7")
    other = dataclasses.replace(data.articles[8], text="Olm was silent.")
    assert after != training(dataset(*data.articles[:8], other, *data.articles[9:]), "e7")
    assert after != training(data, "e8")


def test_a_sum_counts_how_often_an_example_stands() -> None:
    events = [(f"e{n}", "same") for n in range(MOST_LISTED + 1)]
    once, twice = FoldHashes(events), FoldHashes([*events, ("e1", "same")])
    assert once.of("e0") != twice.of("e0")
    assert once.of("e1") == twice.of("e1")


@pytest.mark.parametrize("count", [3, MOST_LISTED + 5])
def test_majority_reads_the_counts_of_all_other_events(count: int) -> None:
    data = of_events(count)
    majority = system("majority", "majority")
    items = list(items_for("stance", data.articles))
    for item in items[:2]:
        counts = Counter(s.stance for a in data if a.event != "e0" and a.gold for s in a.gold.stances[:1])
        assert majority.reads(item, data) == {"counts": {label: counts[label] for label in sorted(counts)}}


def test_one_event_alone_teaches_nobody() -> None:
    data = dataset(article(0, "e0"), article(1, "e0"), article(2, "e1", None))
    first, *_, last = items_for("stance", data.articles)
    for name, adapter in (("majority", "majority"), ("tfidf_svm", "linear")):
        with pytest.raises(Unfitted):
            system(name, adapter).reads(first, data)
        assert system(name, adapter).reads(last, data)


def test_units_of_a_cheap_system_hold_thousands_of_items_and_whole_articles() -> None:
    data = of_events(5_000)
    units = system("majority", "majority").plan(list(items_for("stance", data.articles)))
    assert [len(unit) for unit in units] == [4096, 4096, 1808]
    assert all(unit[-1].article.id != following[0].article.id for unit, following in pairwise(units))


def test_events_without_labels_share_units() -> None:
    data = dataset(article(0, "e0"), article(1, "e1"), *(article(n, f"e{n}", None) for n in range(2, 50)))
    units = system("tfidf_svm", "linear").plan(list(items_for("stance", data.articles)))
    assert sorted(map(len, units)) == [2, 2, 96]
