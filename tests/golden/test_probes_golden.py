"""The hand check of changed items: what was read is what the probes still make, and nearly all of it is valid."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.data.load import load_dataset
from harness.data.probes.base import Material
from harness.data.probes.suite import PROBES, changed_articles, material_of
from harness.types import Article, Dataset

ROOT = Path(__file__).parents[2]
CHECKED: list[dict[str, Any]] = yaml.safe_load((ROOT / "tests" / "golden" / "probes.yaml").read_text(encoding="utf-8"))


@cache
def gold_set() -> tuple[Dataset, Material]:
    dataset = load_dataset(ROOT / "datasets" / "escalation")
    return dataset, material_of(dataset, ROOT / "datasets" / "escalation")


@cache
def drawn(probe: str, variant: str) -> dict[str, Article]:
    """The changed articles by id, of probes with a limit those drawn."""
    dataset, material = gold_set()
    return {a.id: a for a in changed_articles(PROBES[probe], variant, dataset.articles, material)}


def test_enough_was_read_of_every_probe_and_at_most_one_item_is_invalid() -> None:
    counts = Counter(item["probe"] for item in CHECKED)
    assert set(counts) == set(PROBES)
    assert len(CHECKED) >= 60
    assert min(counts.values()) >= 4
    assert sum(item["verdict"] != "valid" for item in CHECKED) <= 1


@pytest.mark.parametrize("item", CHECKED, ids=lambda i: f"{i['probe']}-{i['variant']}-{i['article']}-{i['speaker']}")
def test_the_probe_still_asks_what_was_read(item: dict[str, Any]) -> None:
    changed = drawn(item["probe"], item["variant"])[item["article"]]
    assert (item["speaker"], item["target"]) in {(s.id, t.id) for s, t in changed.pairs()}
    assert changed.gold_stances()[item["speaker"], item["target"]].stance == item["label"]
