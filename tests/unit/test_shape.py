"""What a set's shape gives away is measured, and a seeded order takes away what places tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.curate.order import in_seeded_order
from harness.curate.shape import shape
from harness.data.load import load_dataset
from harness.types import Annotation, Article, Dataset, Evidence, Source, Speaker, Stance, StanceLabel, Target
from tests.conftest import Harness

TEXT = "Ada spoke first.\n\nBo spoke next. Cy spoke.\n\nDi spoke last, and Ada again."


def leaking(number: int) -> Article:
    """Four speakers on three targets: everybody has a stance on the target that is declared first, and on no other."""
    names = ("Ada", "Bo", "Cy", "Di")
    speakers = tuple(Speaker(n.lower(), n, side="north") for n in names)
    targets = (Target("escalation", "E."), *(Target(f"{k}-{number}", f"{k}.", rung=2) for k in ("a", "b", "c")))
    stances = []
    for s in speakers:
        start = TEXT.index(s.name)
        evidence = (Evidence(s.name, start, start + len(s.name)),)
        for t in targets:
            first = t.id == f"a-{number}"
            stances.append(
                StanceLabel(
                    s.id, t.id, Stance.SUPPORT if first else Stance.NO_STANCE, evidence=evidence if first else ()
                )
            )
    gold = Annotation("editor", tuple(stances))
    return Article(f"x-{number}", "T", TEXT, f"e-{number}", Source("fictional"), targets, speakers, gold=gold)


@pytest.fixture
def leak() -> Dataset:
    return Dataset("leak", "1", tuple(map(leaking, range(24))), "f")


def test_a_leak_is_measured_and_said(leak: Dataset) -> None:
    seen = shape(leak)
    assert seen.stances_by_target == ((96, 96), (0, 96), (0, 96))
    assert seen.metadata is not None
    assert seen.metadata["concrete targets"][0] == 1.0
    assert len(seen.warnings) == 2
    assert "the target that is declared first carries a stance 100 points more often" in seen.warnings[0]


def test_a_seeded_order_closes_it(leak: Dataset) -> None:
    ordered = replace(leak, articles=tuple(map(in_seeded_order, leak.articles)))
    seen = shape(ordered)
    assert seen.metadata is not None
    with_order, _ = seen.metadata["concrete targets"]
    assert with_order < 0.8
    shares = [stanced / pairs for stanced, pairs in seen.stances_by_target]
    assert max(shares) - min(shares) < 0.5


def test_order_moves_labels_and_changes_none(leak: Dataset) -> None:
    for article in leak:
        ordered = in_seeded_order(article)
        assert ordered.gold_stances() == article.gold_stances()
        assert [(s.speaker, s.target) for s in ordered.gold.stances] == [  # type: ignore[union-attr]
            (s.id, t.id) for s in ordered.speakers for t in ordered.targets
        ]
        assert in_seeded_order(ordered) == ordered


def test_lead_and_paragraphs_are_counted_by_hand(leak: Dataset) -> None:
    seen = shape(leak)
    # of four stances those of Ada, Bo and Cy begin in the first three sentences
    assert seen.stances_in_lead == 0.75
    assert seen.speakers_in_several_paragraphs == 0.0


def test_the_commands(river: Path, harness: Harness) -> None:
    before = load_dataset(river)
    first = harness("data", "order", str(river)).stdout
    assert "put in order" in first
    assert harness("data", "order", str(river)).stdout == "0 articles put in order\n"
    after = load_dataset(river)
    assert {a.id: a.gold_stances() for a in after} == {a.id: a.gold_stances() for a in before}
    assert "macro-F1 3-way of metadata alone" in harness("data", "stats", str(river), "--no-duplicates").stdout


def test_a_file_that_is_no_folder_is_refused(tmp_path: Path, harness: Harness) -> None:
    (tmp_path / "lone.jsonl").write_text("{}")
    assert "is not a dataset folder" in harness("data", "order", "lone.jsonl", code=1).stderr
