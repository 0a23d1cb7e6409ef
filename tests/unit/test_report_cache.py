"""The report's cache: each value is made once, bounded ones leave by last use, and a changed copy of the runs shares none."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest

from harness.report.cache import Cache
from harness.report.collect import load_runs
from harness.report.columns import codes
from tests.make_believe import dataset, run, stance


def test_a_value_is_made_once_for_a_name_and_key() -> None:
    cache, made = Cache(), []

    def get(name: str, key: object = None) -> list[str]:
        return cache.once(name, lambda: made.append((name, key)) or [name], key)

    assert get("items") is get("items")
    assert get("codes", "a") is not get("codes", "b")
    assert get("codes", "a") is get("codes", "a")
    assert made == [("items", None), ("codes", "a"), ("codes", "b")]


def test_none_is_a_value_and_a_failure_is_not() -> None:
    cache, made = Cache(), []
    assert cache.once("dataset", lambda: made.append(1)) is None
    assert cache.once("dataset", lambda: made.append(2)) is None
    assert made == [1]
    with pytest.raises(ZeroDivisionError):
        cache.once("rate", lambda: 1 / 0)
    assert cache.once("rate", lambda: 0.5) == 0.5


def test_of_a_bounded_name_the_values_used_last_stay() -> None:
    cache, made = Cache(), []
    for key in "abacab":
        cache.once("table", lambda key=key: made.append(key), key, keep=2)
    # a and b are made; a is used, so that c drives out b; a is used again, so that b drives out c
    assert made == ["a", "b", "c", "b"]


def test_runs_hide_nothing_and_a_changed_copy_begins_anew(tmp_path: Path) -> None:
    run(tmp_path, dataset(4), stance=stance("one", 0.2), resamples=100)
    runs = load_runs(tmp_path)
    [row] = runs.rows("stance")
    assert codes(runs, row) is codes(runs, row)
    assert runs.dataset is runs.dataset
    assert runs.items.articles is runs.articles
    assert set(vars(runs)) == {field.name for field in fields(runs)}
    assert replace(runs, failed=runs.records).cache is not runs.cache
    with pytest.raises(FrozenInstanceError):
        runs.cache = Cache()  # type: ignore[misc]
