"""What is tested in a report: on which items, in which unit, in which family, and what is left out with a reason."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.errors import ConfigError
from harness.metrics.catalogue import primary_of
from harness.metrics.preservation_table import HARM_RATE
from harness.report.collect import load_runs
from harness.report.columns import UNPARSED, codes
from harness.report.compare import compare, corrected, difference
from harness.report.counts import Counts, shared_counts, unjudged
from harness.report.html_slices import _slice_value
from harness.report.table import leaderboards, unranked
from harness.report.verdicts import outcome, verdicts
from harness.results.records import Failure, RunRecord, write_record
from harness.stats.bootstrap import ratio
from harness.stats.correction import holm
from harness.stats.power import FEWEST_ITEMS
from tests.make_believe import dataset, judge, run, stance, summariser, trust

FLIPS = "stance.sign_flip_rate.five_point"


def test_a_report_on_one_article_marks_nothing_and_says_what_it_could_detect(tmp_path: Path) -> None:
    data = dataset(1, n_speakers=8)
    for name, error in (("first", 0.0), ("second", 0.9)):
        run(tmp_path, data, stance=stance(name, error, unparsed=0.0), resamples=100)
        run(tmp_path, data, summariser=summariser(f"s-{name}", error / 2), judge=judge(), resamples=100)
    trust(tmp_path)
    runs = load_runs(tmp_path)
    boards = leaderboards(runs)
    tests = {d.metric: d for board in boards for _, _, d in board.tests}
    assert set(tests) == {*primary_of("summariser"), *primary_of("stance")}
    assert not any(d.real or d.ci_low is not None for d in tests.values())
    flips = [v for v in verdicts(runs, boards[1]) if v.metric == FLIPS]
    assert flips
    assert not flips[0].separable
    # planned from the items, on which half of the answers may differ: 2.801585 sqrt(0.5 / n), in the metric's own unit
    for metric, width in (("stance.macro_f1.three_way", 1), (HARM_RATE, 100)):
        d = tests[metric]
        assert d.n_items > 3
        planned = width * min(1.0, 2.801585 * math.sqrt(0.5 / d.n_items))
        assert d.detectable == pytest.approx(planned, abs=1e-4), metric
        board = boards[metric == "stance.macro_f1.three_way"]
        said = next(v.text for v in verdicts(runs, board) if v.metric == metric)
        assert f"on 1 article no test can mark a difference, and one under {planned:.2g} could not be seen" in said
    # one item: nothing short of the whole range
    assert tests["summary.rouge_lsum"].detectable == 1.0


def test_chrf_and_harm_are_planned_in_hundreds(tmp_path: Path) -> None:
    for name, error in (("one", 0.1), ("two", 0.3)):
        run(tmp_path, dataset(3), summariser=summariser(name, error), judge=judge(), resamples=100)
    runs = load_runs(tmp_path)
    [first, second] = runs.rows("summariser")
    for metric, least in (("summary.chrf", 50), (HARM_RATE, 20), ("summary.rouge_lsum", 0.5)):
        a, b = shared_counts(runs, [first, second], metric)
        found = difference(metric, a, b).detectable
        assert found is not None
        assert least < found <= 2 * least if metric != HARM_RATE else least < found <= 100


def test_one_failed_summary_does_not_unrank_its_system_and_its_article_is_left_out_of_both(tmp_path: Path) -> None:
    data = dataset(14)
    run(tmp_path, data, summariser=summariser("whole", 0.2), judge=judge(), resamples=100)
    run(tmp_path, data, summariser=summariser("patchy", 0.4, failing=0.13), judge=judge(), resamples=100)
    run(tmp_path, data, summariser=summariser("torn", 0.4, failing=0.5), judge=judge(), resamples=100)
    trust(tmp_path)
    runs = load_runs(tmp_path)
    rows = {row.name: row for row in runs.rows("summariser")}
    gone = {item.partition("/")[0] for item in unjudged(rows["patchy"])}
    assert len(gone) == 1
    assert not unjudged(rows["whole"])
    counts = dict.fromkeys(r.fingerprint for r in rows.values())
    assert rows["patchy"].fingerprint not in unranked(runs, list(rows.values()), "preservation.fidelity", counts)
    why = unranked(runs, [rows["torn"]], HARM_RATE, counts)[rows["torn"].fingerprint]
    n = sum(len(list(a.pairs())) for a in data.articles)
    assert why == f"not ranked, {n - len(unjudged(rows['torn']))} of {n} stances judged"
    a, b = shared_counts(runs, [rows["whole"], rows["patchy"]], HARM_RATE)
    assert a is not None
    assert b is not None
    lost = [i for i, article in enumerate(data.articles) if article.id in gone]
    assert not a.array[lost].any()
    assert not b.array[lost].any()
    alone = shared_counts(runs, [rows["whole"]], HARM_RATE)[0]
    assert alone is not None
    assert alone.array[lost].any()
    assert a.n_items == alone.n_items - alone.array[lost, 1].sum()
    [board, _] = leaderboards(runs)
    for x, y, d in board.tests:
        if d.metric == HARM_RATE and {x, y} == {rows["whole"].fingerprint, rows["patchy"].fingerprint}:
            assert d.n_items == min(a.n_items, b.n_items)


def test_a_system_that_conveys_little_is_neither_best_nor_tested(tmp_path: Path) -> None:
    data = dataset(14)
    run(tmp_path, data, summariser=summariser("whole", 0.2), judge=judge(error=0.3), resamples=100)
    run(tmp_path, data, summariser=summariser("other", 0.3), judge=judge(error=0.3), resamples=100)
    run(tmp_path, data, summariser=summariser("silent", 1.35), judge=judge(error=0.3), resamples=100)
    trust(tmp_path)
    runs = load_runs(tmp_path)
    [board, _] = leaderboards(runs)
    lines = {line.row.name: line for line in board.lines}
    cell = next(c for c in lines["silent"].cells if c.metric == HARM_RATE)
    assert (cell.rank, cell.tied) == (None, None)
    assert str(cell.note).startswith("not ranked, no test: a system has items in ")
    names = {line.row.fingerprint: name for name, line in lines.items()}
    tested = {names[f] for a, b, d in board.tests if d.metric == HARM_RATE for f in (a, b)}
    assert tested == {"whole", "other"}
    assert names[board.best[HARM_RATE]] in tested
    said = next(v.text for v in verdicts(runs, board) if v.metric == HARM_RATE)
    assert "; silent: not ranked, no test: a system has items in" in said


def test_a_test_that_could_not_be_made_is_not_called_indistinguishable() -> None:
    few = Counts(np.array([[0.0, 1.0]] * 3 + [[0.0, 0.0]] * 17), ratio, frozenset({1}), 3, 100)
    many = Counts(np.array([[100.0, 4.0]] * 20), ratio, frozenset({2}), 80, 100)
    [d] = corrected([replace(difference(HARM_RATE, few, many), primary=True)])
    assert (d.difference, d.p_value, d.p_corrected, d.n_items) == (-25, None, None, 3)
    assert "not tested (no test: a system has items in 3 articles only, at least 10 are needed)" in outcome(d)
    assert "not distinguishable" not in outcome(d)


def test_comparing_two_runs_corrects_once_over_both_kinds(tmp_path: Path) -> None:
    data = dataset(14)
    made = [
        run(tmp_path, data, summariser=summariser(f"s{i}", 0.4 * i), stance=stance(f"c{i}", 0.2 * i), judge=judge())
        for i in range(2)
    ]
    trust(tmp_path)
    found = compare(made[0].run_id, made[1].run_id, tmp_path)
    assert [c.kind for c in found] == ["summariser", "stance"]
    primary = {(c.kind, d.metric): d for c in found for d in c.differences if d.primary}
    assert len(primary) == 3
    expected = holm({name: d.p_value for name, d in primary.items()})
    assert {name: d.p_corrected for name, d in primary.items()} == expected
    # what is not on the scale is not counted among its items
    [stances] = [c for c in found if c.kind == "stance"]
    record = stances.a.run
    for d in stances.differences:
        assert d.n_items == min(record.metrics[d.metric].n_scored, stances.b.run.metrics[d.metric].n_scored), d.metric
    harm = primary["summariser", HARM_RATE]
    assert harm.n_items == min(r.metrics[HARM_RATE].n_scored for r in made)


def test_failed_runs_are_named_with_their_error(tmp_path: Path) -> None:
    for name in ("one", "two"):
        error = Failure(type="E", message=f"{name} ran out of memory", traceback="")
        write_record(tmp_path, RunRecord(run_id=name, status="failed", config={}, error=error), ())
    with pytest.raises(ConfigError, match="one failed: one ran out of memory; two failed: two ran out") as raised:
        compare("one", "two", tmp_path)
    assert "harness run" in str(raised.value)


def test_a_classifier_that_parsed_nothing_has_no_flip_rate(tmp_path: Path) -> None:
    run(tmp_path, dataset(12), stance=stance("mute", 0.3, unparsed=1.0), resamples=100)
    run(tmp_path, dataset(12), stance=stance("half", 0.3, unparsed=0.5), resamples=100)
    runs = load_runs(tmp_path)
    rows = {row.name: row for row in runs.rows("stance")}
    mute = rows["mute"].metrics[FLIPS]
    assert (mute.value, mute.n_scored) == (None, 0)
    assert mute.reason == "no answer was parsed where gold takes a side"
    [said] = [v.text for v in verdicts(runs, leaderboards(runs)[1]) if v.metric == FLIPS]
    assert said.startswith("half flips ")
    share = rows["half"].metrics["stance.unparsed_rate.six_label"].value
    assert share is not None
    assert f"({100 * share:.0f} % of its answers unparsed)" in said


def test_one_other_system_is_not_several(tmp_path: Path) -> None:
    for name, error in (("good", 0.02), ("bad", 0.8), ("worse", 0.95)):
        run(tmp_path, dataset(24), stance=stance(name, error), resamples=100)
    runs = load_runs(tmp_path)
    said = verdicts(runs, leaderboards(runs)[1])[0].text
    assert ", as is the other one" in said


def test_slices_under_forty_items_show_counts_and_no_score(tmp_path: Path) -> None:
    run(tmp_path, dataset(12), stance=stance("right", 0.0, unparsed=0.0), resamples=100)
    runs = load_runs(tmp_path)
    [row] = runs.rows("stance")
    told = codes(runs, row)
    scored = np.flatnonzero(runs.items.gold >= 0)
    for n, value in ((FEWEST_ITEMS - 1, None), (FEWEST_ITEMS, 1.0)):
        chosen = np.isin(np.arange(len(runs.items)), scored[:n])
        assert _slice_value(runs, told, chosen) == (value, n, n)
    unanswered = told.copy()
    unanswered[scored[0]] = UNPARSED + 1
    assert _slice_value(runs, unanswered, np.isin(np.arange(len(told)), scored[:FEWEST_ITEMS]))[0] is None
