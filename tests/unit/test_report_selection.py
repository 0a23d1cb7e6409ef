"""One procedure says who may be the best: signs, ranks, tests and sentences of a report agree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from harness.errors import ConfigError
from harness.metrics.catalogue import primary_of
from harness.report.collect import load_runs
from harness.report.head import reproduce
from harness.report.markdown import markdown
from harness.report.marks import TIED
from harness.report.selection import effects_of
from harness.report.table import Leaderboard, leaderboards
from harness.report.verdicts import Verdict, verdicts
from harness.stats.ranking import pair_tests, ranks
from tests.make_believe import dataset, judge, run, stance, summariser, trust

REPORTS = {
    "two equals": [("one", 0.3, {}), ("two", 0.301, {})],
    "a clear winner": [("good", 0.05, {}), ("bad", 0.7, {}), ("worse", 0.9, {})],
    "a field": [(f"s{i}", 0.1 + 0.08 * i, {}) for i in range(9)],
    "some failed": [
        ("whole", 0.2, {}),
        ("patchy", 0.21, {"failing": 0.08}),
        ("torn", 0.2, {"failing": 0.6}),
        ("bad", 0.8, {}),
    ],
}


def assert_consistent(board: Leaderboard, sentences: Sequence[Verdict], text: str) -> None:
    """What one board shows: the rank decides sign, sentence and test."""
    names = {line.row.fingerprint: line.row.name for line in board.lines}
    for metric in primary_of(board.kind):
        cells = {line.row.fingerprint: c for line in board.lines for c in line.cells if c.metric == metric}
        ranked = {f: cell.rank for f, cell in cells.items() if cell.rank is not None and cell.rank.low is not None}
        if metric not in board.best:
            assert not ranked
            continue
        best = board.best[metric]
        tests = {frozenset((a, b)): d for a, b, d in board.tests if d.metric == metric}
        worse = {f for f, rank in ranked.items() if rank.low > 1}
        for f, rank in ranked.items():
            assert cells[f].tied == (rank.low == 1), names[f]
            if f != best and tests[frozenset((f, best))].real:
                assert f in worse, "below the best by test, and may be the best"
                assert rank.low > ranked[best].low
            if rank.low == rank.high == 1:
                assert f == best
        if ranked:
            assert ranked[best].low == 1
        sentence = next(v for v in sentences if v.metric == metric)
        assert sentence.text in text.replace("&lt;", "<")
        told = re.search(r"worse by test: (\d+) of (\d+)", sentence.text)
        tied = {f for f in ranked if f != best} - worse
        if ranked:
            assert sentence.separable == (not tied)
        if told:
            assert (int(told[1]), int(told[2])) == (len(worse), len(ranked) - 1)
        for f in tied:
            assert "next " + names[f] not in sentence.text


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_cannot_contradict_itself(report: str, tmp_path: Path) -> None:
    data = dataset(16)
    for name, error, options in REPORTS[report]:
        run(tmp_path, data, stance=stance(name, error, **options), resamples=100)
        if report != "a field":
            run(tmp_path, data, summariser=summariser(f"sum-{name}", error, **options), judge=judge(), resamples=100)
    runs = load_runs(tmp_path)
    for baseline in (None, REPORTS[report][-1][0]):
        boards = leaderboards(runs, baseline=baseline)
        text = markdown(runs, boards)
        for board in boards:
            if board.lines:
                assert_consistent(board, verdicts(runs, board), text)
        assert TIED in text


def test_ranks_signs_and_p_values_are_one_thing() -> None:
    rng = np.random.default_rng(2)
    quality = np.array([0.0, 0.02, 0.5, 0.9])
    articles = rng.normal(size=(40, 4)) * 0.4 + quality
    draws = articles[rng.integers(0, 40, (2_000, 40))].mean(axis=1)
    tests = pair_tests(articles.mean(axis=0), draws, 40)
    places = ranks(articles.mean(axis=0), tests)
    assert [(r.low, r.high) for r in places] == [(3, 4), (3, 4), (2, 2), (1, 1)]
    assert (tests.p_values[3, :3] <= 0.05).all()
    assert tests.p_values[0, 1] > 0.05
    assert np.isnan(np.diag(tests.p_values)).all()
    level = tests.pair_level(0.05)
    # six pairs of four systems: Tukey's studentised range for 40 articles asks 0.0099 or so of one pair, Bonferroni 0.0083
    assert 0.008 < level < 0.016


def test_pairs_that_did_not_answer_the_same_items_are_compared_on_what_they_share() -> None:
    rng = np.random.default_rng(3)
    articles = rng.normal(size=(30, 2))
    draws = articles[rng.integers(0, 30, (500, 30))].mean(axis=1)
    shared = (2.0, rng.normal(2.0, 0.1, 500))
    tests = pair_tests([0.5, 0.6], draws, 30, {(0, 1): shared})
    assert tests.differences[0, 1] == 2
    assert tests.p_values[0, 1] < 0.01
    # the first has the lower value, and is better on shared items: no place is its own without doubt
    assert [(r.place, r.low, r.high) for r in ranks([0.5, 0.6], tests)] == [(2, 1, 1), (1, 2, 2)]


def test_sizes_by_name() -> None:
    assert effects_of(["harm=5", "stance.macro_f1.three_way=0.03"]) == {
        "preservation.harm": 5.0,
        "stance.macro_f1.three_way": 0.03,
    }
    with pytest.raises(ConfigError, match="'hram' is no headline metric") as raised:
        effects_of(["hram=5"])
    assert "harm" in str(raised.value)
    for wrong in ("harm", "harm=-1", "harm=many", "harm=nan"):
        with pytest.raises(ConfigError, match="names no size"):
            effects_of([wrong])


def test_a_named_difference_is_planned_for_and_stands_in_the_command(tmp_path: Path) -> None:
    for name, error in (("one", 0.3), ("two", 0.301)):
        run(tmp_path, dataset(16), stance=stance(name, error), resamples=100)
    runs = load_runs(tmp_path)
    texts = []
    for size in (0.025, 0.05):
        boards = leaderboards(runs, effects={"stance.macro_f1.three_way": size})
        texts.append(verdicts(runs, boards[1])[0].text)
        assert f"a true difference of {size}" in texts[-1]
        assert reproduce(runs, boards)[-1].endswith(f" --effect macro_f1={size}")
    more = [
        int(found[1].replace(",", "")) if (found := re.search(r"about ([\d,]+) more", text)) else 0 for text in texts
    ]
    # an effect twice as large takes about a quarter of the articles
    assert more[0] + 16 == pytest.approx(4 * (more[1] + 16), rel=0.1)


def test_a_summariser_that_says_little_is_not_ranked_on_harm(tmp_path: Path) -> None:
    data = dataset(48)
    for name, error in (("whole", 0.2), ("other", 0.3), ("brief", 1.2)):
        run(tmp_path, data, summariser=summariser(name, error), judge=judge(error=0.5), resamples=100)
    trust(tmp_path)
    [board, _] = leaderboards(load_runs(tmp_path))
    brief = next(line for line in board.lines if line.row.name == "brief")
    coverage = brief.row.metrics["preservation.coverage"].value
    assert coverage is not None
    assert coverage < 0.2
    cell = next(c for c in brief.cells if c.metric == "preservation.harm")
    assert cell.rank is None
    assert cell.note == f"not ranked, coverage {coverage:.2f} is under 0.2"
