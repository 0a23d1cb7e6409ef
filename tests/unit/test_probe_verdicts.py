"""Planted systems get the verdict that they deserve: one that answers from names, one from places, one that reads."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.config import parse_run_config
from harness.data.fingerprint import fingerprint
from harness.data.load import load_dataset
from harness.data.probes.edits import mirrored
from harness.models.pool import ModelPool
from harness.report.collect import Runs, load_runs
from harness.report.data import csv_text
from harness.report.html import html
from harness.report.markdown import markdown
from harness.report.probed import Pairs, Probed, Variant, probed_systems
from harness.report.robustness import Robustness, above_chance, robustness
from harness.report.robustness_verdict import BLIND, MEMORY, READS, faults_of, verdict
from harness.report.sides import sensitivities
from harness.report.table import leaderboards
from harness.results.records import write_record
from harness.results.states import snapshot
from harness.results.store import content_hash
from harness.runs.compute import compute
from harness.runs.prepare import prepare
from harness.runs.probes import suite
from harness.runtime.progress import Reporter
from harness.systems.base import Context, Options, System
from harness.types import ESCALATION, STANCES, Answer, Article, Dataset, Item, Stance, StanceLabel
from tests.make_believe import dataset

PROBED = (
    *("masked_names", "invented_names", "negated_target", "no_article", "other_article", "metadata_only"),
    *("evidence_removed", "typographic", "order"),
)


class Planted(System):
    """Answers by a rule of the test."""

    kind = "stance"
    rule: Callable[[Item], Stance]

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "rule": self.name}

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        # the whole changed question, so that no answer is found again where it should be given anew
        return {"item": item.id, "rule": str(self.rule(item)), "text": content_hash(item.article.text)}

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        return [Answer(label, label=label, path="planted") for label in map(self.rule, items)]


def from_names(data: Dataset) -> Callable[[Item], Stance]:
    """Knows by heart who holds what."""
    known = {(a.speaker(s.speaker).name, s.target): s.stance for a in data for s in (a.gold.stances if a.gold else ())}
    return lambda item: known.get((item.speaker.name, item.target.id), Stance.NO_STANCE)  # type: ignore[union-attr]


def from_places(item: Item) -> Stance:
    """Answers by the speaker's place in the order of declaration."""
    return STANCES[[s.id for s in item.article.speakers].index(item.speaker.id) % len(STANCES)]  # type: ignore[union-attr]


def by_reading(item: Item) -> Stance:
    """Finds the passage that shows the stance, and sees which way the proposition goes."""
    label = item.article.gold_stances()[item.speaker.id, item.target.id]  # type: ignore[union-attr]
    shown = label.evidence and all(e.text in item.article.text for e in label.evidence)
    return label.stance if shown else Stance.NO_STANCE


def told_by_place(article: Article) -> Article:
    """The article with labels that the speaker's place gives away, each with its evidence, and a reversed proposition."""

    def label(s: StanceLabel) -> StanceLabel:
        place = [x.id for x in article.speakers].index(s.speaker) % len(STANCES)
        return replace(s, stance=STANCES[place], evidence=s.evidence if STANCES[place] is not Stance.NO_STANCE else ())

    assert article.gold is not None
    targets = tuple(
        t if t.id == ESCALATION else replace(t, negated=f"Not so: {t.proposition}") for t in article.targets
    )
    gold = replace(article.gold, stances=tuple(map(label, article.gold.stances)))
    return replace(article, targets=targets, gold=gold)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("probes")
    articles = tuple(told_by_place(a) for a in dataset(24, 6))
    path = snapshot(folder, replace(dataset(1), articles=articles, fingerprint=fingerprint(articles)))
    data = load_dataset(path)
    rules = {"cheater": from_names(data), "clerk": from_places, "reader": by_reading}
    for name, rule in rules.items():
        raw = {
            "dataset": {"path": str(path)},
            "stance": {"name": name, "adapter": "majority"},
            "metrics": {"resamples": 100},
            "split": "all",
            "results": str(folder / "results"),
        }
        configs = [c for p in PROBED for c in suite(parse_run_config({**raw, "probe": {"name": p}}))]
        for config in dict.fromkeys(c.model_dump_json() for c in configs):
            job = prepare(parse_run_config(json.loads(config)))
            system = Planted(name, Options())
            system.rule = rule  # type: ignore[method-assign]
            job = replace(job, systems={"stance": system}, run_id=f"{name}-{content_hash(config)[:10]}")
            record, scores, answers = compute(job, ModelPool(0), Reporter(quiet=True))
            write_record(folder / "results", record, scores, answers)
    return load_runs(folder / "results")


def result(runs: Runs, name: str) -> Robustness:
    return next(r for r in robustness(runs) if r.name == name)


def test_a_system_probed_on_some_of_the_articles_says_so_and_is_ranked_on_those(planted: Runs) -> None:
    by_name = {s.row.name: s.row for s in probed_systems(planted)}
    gold = np.array([STANCES.index(Stance.SUPPORT), STANCES.index(Stance.OPPOSE)] * 5, dtype=np.int8)
    turned = gold[::-1]
    # wide is right everywhere before and on the first two pairs after (F1 1.0, then 0.2); narrow has these two alone and calls
    # both oppose (F1 0.33): on the pairs that both have wide is always above it
    after = np.concatenate([gold[:2], turned[2:]])
    wide = Pairs(np.arange(10), gold, gold, gold, after)
    narrow = Pairs(np.arange(2), gold[:2], gold[:2], gold[[1, 1]], gold[[1, 1]])
    place = Variant("order", "speakers")
    systems = [Probed(by_name["reader"], {place: wide}), Probed(by_name["clerk"], {place: narrow})]
    found = sensitivities(systems)
    [one], [other] = found[by_name["reader"].fingerprint], found[by_name["clerk"].fingerprint]
    assert one.scores == pytest.approx({"": 1.0, "speakers": 0.2})
    assert other.scores == pytest.approx({"": 1 / 3, "speakers": 1 / 3})
    assert one.flips == other.flips == ()
    assert result(planted, "reader").label == "reader"
    assert replace(result(planted, "reader"), n_articles=5).label == "reader (5 of 24 articles)"


def test_the_cheater_answers_from_names(planted: Runs) -> None:
    cheater = result(planted, "cheater")
    masked = cheater.finding("masked_names")
    assert masked is not None
    assert masked.real
    assert masked.kept is not None
    assert masked.kept < 0.5
    assert "answers from names" in verdict(cheater)
    assert MEMORY in list(faults_of(cheater))
    assert "answers from the order of declaration" not in verdict(cheater)


def test_the_clerk_answers_from_the_order_of_declaration(planted: Runs) -> None:
    clerk = result(planted, "clerk")
    speakers = clerk.finding("order", "speakers")
    assert speakers is not None
    assert speakers.real
    assert "answers from the order of declaration" in verdict(clerk)
    assert BLIND in list(faults_of(clerk))
    assert "answers from names" not in verdict(clerk)
    masked = clerk.finding("masked_names")
    assert masked is not None
    assert masked.consistency.value == 1


def test_the_perfect_reader_reads(planted: Runs) -> None:
    reader = result(planted, "reader")
    assert list(faults_of(reader)) == []
    assert verdict(reader).startswith(f"{READS}.")
    for f in reader.findings:
        if f.expects in ("same", "mirrored", "no_stance"):
            assert f.consistency.value == 1, f.variant
    blank = reader.finding("no_article")
    assert blank is not None
    assert blank.change.value == pytest.approx(0)


def test_a_name_that_changes_sides_takes_the_cheater_along(planted: Runs) -> None:
    moved = {g.group: g for g in result(planted, "cheater").groups if g.probe == "invented_names"}
    assert {"real", "fictional"} <= moved.keys()
    # places 2 and 5, those of outsiders, hold neutral and no_stance, which both take no side
    assert all((g.changed.value or 0) > 0.4 for name, g in moved.items() if name != "outside")
    assert all(g.changed.value == 0 for g in result(planted, "reader").groups)


def test_every_format_has_the_page(planted: Runs) -> None:
    boards = leaderboards(planted)
    assert {line.row.name for board in boards for line in board.lines} == {"cheater", "clerk", "reader"}
    page, text = html(planted, boards), markdown(planted, boards)
    for name in ("cheater", "clerk", "reader"):
        assert f"{name}: {verdict(result(planted, name))}"[:60] in text
    assert '<section id="robustness"' in page
    assert "What is left of the score" in page
    rows = list(csv.DictReader(io.StringIO(csv_text(planted, boards))))
    metrics = {r["metric"] for r in rows if r["kind"] == "robustness" and r["system"] == "cheater"}
    assert {"probe.masked_names.score", "probe.no_article.above_chance", "probe.order.spread"} <= metrics


def test_probes_stand_on_no_leaderboard_and_are_not_stale(planted: Runs) -> None:
    assert planted.stale == ()
    assert len(planted.records) == 3
    assert {r.config["probe"]["name"] for r in planted.probes} == set(PROBED)
    assert all("probe" not in r.config for r in planted.records)


def test_a_constant_answer_is_at_chance() -> None:
    import numpy as np

    # gold 6, 3, 1; all answered "none": dealt out at random the same counts come out
    constant = np.zeros((3, 4))
    constant[:, 1] = [6, 3, 1]
    assert above_chance(constant) == pytest.approx(0)
    # half right by side: 2 of each label, F1 of each 1/2 beside 1/2 x 1/2 dealt over two labels
    diagonal = np.zeros((3, 4))
    diagonal[0, 0] = diagonal[2, 2] = 2
    assert above_chance(diagonal) == pytest.approx(1 - 0.5)


def test_a_mirrored_label_is_another_one_where_there_is_a_side() -> None:
    assert all((mirrored(s) is s) == (not s.degree) for s in Stance)
