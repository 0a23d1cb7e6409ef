"""Parts of reports: what is escaped, where offsets go, what a verdict says, which systems are on the front."""

from __future__ import annotations

import base64
import csv
import json
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.report import html_pictures, preserved, svg
from harness.report.cells import Shown, board_table, value_shown
from harness.report.collect import Row, Runs, load_runs
from harness.report.columns import GONE, UNASKED, UNPARSED, codes
from harness.report.compare import MetricDifference
from harness.report.counts import shared_counts
from harness.report.data import csv_text
from harness.report.drilldown import _pack, drilldown, mentions, packed, utf16, without_article
from harness.report.head import reproduce, typed
from harness.report.html import whole_intervals
from harness.report.judge import judge_note
from harness.report.latex import escape
from harness.report.markdown import one_line
from harness.report.preserved import EXACT, HARM, ByHand
from harness.report.show import visible
from harness.report.table import Cell, leaderboards
from harness.report.verdicts import outcome, unscored_verdict, verdicts, with_interval
from harness.report.words import number, rank_text
from harness.results.records import DatasetUse, RunRecord, SystemUse, Value
from harness.stats.ranking import Rank
from harness.systems.base import Context
from harness.types import STANCES, Answer, Item, Speaker
from tests.make_believe import PASSED, NoisyStance, dataset, judge, run, stance, summariser


def test_data_cannot_leave_its_script_element() -> None:
    text = packed({"b": "</script><!--\u2028 & 🕊", "a": "\ud800"})
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", text)
    unpacked = zlib.decompress(base64.b64decode(text)).decode()
    assert json.loads(unpacked) == {"b": "</script><!--\u2028 & 🕊", "a": "\ud800"}
    assert unpacked.index('"a"') < unpacked.index('"b"')


def test_offsets_in_utf16_count_an_emoji_twice() -> None:
    assert utf16("plain שלום") is None
    assert utf16("a🕊b") == [0, 1, 3, 4]


def test_mentions_prefer_the_longest_name_and_leave_shared_ones_out() -> None:
    speakers = [Speaker("a", "Ada Brandt", ("Brandt", "The minister")), Speaker("b", "Olm Brandt", ("Brandt",))]
    text = "Ada Brandt spoke. Brandt did not. Then the minister left Brandtown."
    assert mentions(text, speakers) == [(0, 10, 0), (39, 51, 0)]


def test_prompt_is_rebuilt_from_the_article() -> None:
    text = "\nThe gates 🕊 are shut. " + "The river rises. " * 30 + "\n"
    starts = utf16(text)
    assert starts is not None
    for prompt in (f"Read: {text} Answer:", f"Read: {text.strip()} Answer:", f"Read: {text.strip()[:300]} Answer:"):
        before, start, end, after = without_article(prompt, text)
        assert "river" not in before + after
        assert before + text[starts.index(start) : starts.index(end)] + after == prompt
    assert without_article("no article here", text) == ["no article here"]


def test_packed_block_unpacks() -> None:
    values = [None, "שלום </script>", ["a", 0, 3, "b"]]
    assert json.loads(zlib.decompress(base64.b64decode(_pack(values)))) == values
    assert _pack([None, None]) == ""


def test_latex_escapes_every_command() -> None:
    assert escape("a_b & 50 % \\input{x} $y$ #1 ~^") == (
        r"a\_b \& 50 \% \textbackslash{}input\{x\} \$y\$ \#1 \textasciitilde{}\textasciicircum{}"
    )
    assert escape("two\nlines\x1b") == "two lines"


def test_terminal_shows_control_characters() -> None:
    assert visible("red \x1b[31m\ttab\n\x9b") == "red \\x1b[31m\ttab\n\\x9b"


def test_intervals_do_not_break_and_are_escaped() -> None:
    assert whole_intervals("<b> 4 [2–8]: x") == '&lt;b&gt; <span class="nb">4 [2–8]</span>: x'
    assert whole_intervals("(p = 0.049), p < 0.001.") == (
        '(<span class="nb">p = 0.049</span>), <span class="nb">p &lt; 0.001</span>.'
    )


def test_pareto_front_keeps_what_nothing_beats_in_both() -> None:
    points = [
        html_pictures._Point(n, pace, v, v, v)
        for n, pace, v in (("a", 1, 0.5), ("b", 2, 0.4), ("c", 3, 0.9), ("d", 3, 0.8))
    ]
    assert [p.name for p in html_pictures.pareto(points, 1)] == ["a", "c"]
    assert [p.name for p in html_pictures.pareto(points, -1)] == ["a", "b"]


def test_svg_escapes_names_and_carries_words() -> None:
    drawn = svg.svg("p", "A <b>", "it's \x00 & more", 10, 10, [svg.text(1, 2, "</svg><script>")])
    assert "<script>" not in drawn
    assert "</svg><" not in drawn
    assert 'role="img"' in drawn
    assert "\x00" not in drawn


def test_ticks_are_round() -> None:
    assert svg.ticks(0.13, 0.61) == [0.2, 0.3, 0.4, 0.5, 0.6]
    assert svg.ticks(2, 2) == [2]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"p_corrected": 0.01, "primary": True}, "separable (corrected p = 0.010)"),
        ({"p_corrected": 0.0001}, "separable (p < 0.001)"),
        (
            {"p_corrected": 0.4, "effect": 0.05, "more_articles": 1234},
            "not distinguishable; about 1,234 more articles would show a true difference of 0.05",
        ),
        (
            {"p_corrected": 0.4, "effect": 10.0, "more_articles": 0},
            "not distinguishable; a true difference of 10 would be seen here with 80 % power",
        ),
        (
            {"p_corrected": 0.4, "detectable": 0.125, "n_articles": 20},
            "not distinguishable; a difference under 0.12 cannot be seen here",
        ),
        ({"difference": None, "reason": "no shared item"}, "not compared: no shared item"),
    ],
)
def test_outcome_in_words(made: dict[str, object], said: str) -> None:
    fields = {
        "metric": "m",
        "a": 1.0,
        "b": 0.5,
        "difference": 0.5,
        "ci_low": None,
        "ci_high": None,
        "p_value": None,
        **made,
    }
    assert outcome(MetricDifference(**fields)) == said  # type: ignore[arg-type]


def test_flips_are_said_of_a_hundred() -> None:
    assert with_interval(0.041, 0.02, 0.08, "stance.sign_flip_rate.five_point") == "4 [2–8]"
    assert with_interval(9.2, None, None, "preservation.harm") == "9"


def test_an_empty_cell_says_which_kind() -> None:
    assert one_line(value_shown(Cell("m", None, empty="unfitted: one event only"))) == "(unfitted)"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("small")
    data = dataset(12)
    run(results, data, stance=stance("good", 0.05), resamples=100)
    run(results, data, stance=stance("bad", 0.9), resamples=100)
    run(results, data, summariser=summariser("short", 0.5), judge=judge(), resamples=100)
    return results


def test_codes_are_the_stored_labels(small: Path) -> None:
    runs = load_runs(small)
    row = next(r for r in runs.rows("stance") if r.name == "bad")
    told = codes(runs, row)
    for ref, prediction in runs.answers(row):
        assert prediction is not None
        i = runs.items.index[ref.article_id, ref.speaker_id or "", ref.target_id or ""]
        label = prediction.answer.label
        assert told[i] == (UNPARSED if label is None else STANCES.index(label))
    assert not runs.problems


def test_counts_by_article_give_the_records_value(small: Path) -> None:
    runs = load_runs(small)
    for kind, metric in (
        ("stance", "stance.macro_f1.three_way"),
        ("stance", "stance.escalation.sign_flip_rate.five_point"),
        ("summariser", "summary.rouge_lsum"),
        ("summariser", "preservation.harm"),
    ):
        rows = runs.rows(kind)
        for row, counts in zip(rows, shared_counts(runs, rows, metric), strict=True):
            assert counts is not None
            value = float(counts.statistic(counts.array.sum(axis=0).astype(float)[None])[0])
            assert value == pytest.approx(row.metrics[metric].value), (row.name, metric)


def test_lost_part_leaves_its_items_marked(small: Path, tmp_path: Path) -> None:
    import shutil

    results = tmp_path / "copy"
    shutil.copytree(small, results)
    for part in (results / "predictions").glob("good-*/part-*.parquet"):
        part.unlink()
    runs = load_runs(results)
    row = next(r for r in runs.rows("stance") if r.name == "good")
    assert set(codes(runs, row).tolist()) == {GONE}
    assert any("no longer stored" in p for p in runs.problems)
    (results / "runs" / row.run.run_id / "answers.parquet").write_bytes(b"PAR1 half")
    again = load_runs(results)
    assert set(codes(again, row).tolist()) == {UNASKED}
    assert any("answers.parquet" in p for p in again.problems)


def test_usual_baseline_and_unknown_one(small: Path) -> None:
    runs = load_runs(small)
    boards = leaderboards(runs, baseline="bad")
    assert boards[1].lines[0].row.name == "good"
    assert boards[1].baseline == boards[1].lines[1].row.fingerprint
    with pytest.raises(ConfigError, match="no run has a system called 'bda'"):
        leaderboards(runs, baseline="bda")


def test_drilldown_holds_each_text_once(small: Path) -> None:
    runs = load_runs(small)
    found = drilldown(runs)
    data, prose = found.data, found.prose
    assert len(data["items"]) == len(prose["evidence"]) == len(prose["notes"]) == len(runs.items) == data["first"][-1]
    text = json.dumps([data, prose])
    sentence = re.findall(r"On day \d+ the two banks", runs.articles[0].text)[0]
    assert text.count(json.dumps(sentence)[1:-1] + " of the river spoke again") == 1
    (start, end), *_ = prose["evidence"][0]
    assert prose["texts"][0][start:end].startswith(data["articles"][0]["speakers"][data["items"][0][0]][1])


def test_systems_stand_in_the_boards_order_and_ceilings_last(small: Path) -> None:
    runs = load_runs(small)
    rows = runs.rows("stance")
    order = [row.fingerprint for row in rows][::-1]
    names = [c["name"] for c in drilldown(runs, order).data["classifiers"]]
    assert names == [row.name for row in rows][::-1]


def test_ranks_have_intervals_and_a_baseline_leaves_the_other_board_its_own(small: Path) -> None:
    runs = load_runs(small)
    summarisers, classifiers = leaderboards(runs, baseline="short")
    assert [(line.row.name, rank_text(line.cells[0].rank)) for line in classifiers.lines] == [
        ("good", "1"),
        ("bad", "2"),
    ]
    assert summarisers.chosen
    assert not classifiers.chosen
    table = board_table(classifiers)
    assert list(table.head[1:3]) == ["macro-F1 3-way ↑", "rank"]
    assert [row[2] for row in table.rows] == [Shown("1"), Shown("2")]
    # one summariser alone has no rank
    assert summarisers.lines[0].cells[0].rank is None
    assert "rank" not in board_table(summarisers).head
    told = csv.DictReader(csv_text(runs, [classifiers]).splitlines())
    good = next(row for row in told if row["system"] == "good" and row["metric"] == "stance.macro_f1.three_way")
    assert (good["rank_low"], good["rank_high"]) == ("1", "1")


def test_a_rank_in_words() -> None:
    assert rank_text(None) == "–"
    assert rank_text(Rank(2, 1, 4)) == "1–4"
    assert rank_text(Rank(2, None, None, "9 articles")) == "2"


def test_numbers_near_zero_have_no_minus() -> None:
    assert number(-0.0001, "stance.kappa.five_point") == "0.000"
    assert number(-0.04, "preservation.harm") == "0.0"


def test_the_report_itself_is_reproducible(small: Path) -> None:
    runs = load_runs(small)
    commands = reproduce(runs, leaderboards(runs, baseline="bad"))
    assert commands[-1] == "harness report --baseline bad"
    assert len(commands) == len(runs.records) + 1


def test_judge_is_not_validated_unless_a_record_says_so(small: Path) -> None:
    runs = load_runs(small)
    assert judge_note(runs).startswith("judge not validated")
    record = next(r for r in runs.records if r.system("judge"))

    def checked(check: dict[str, object]) -> Runs:
        tables = {**record.tables, "preservation": {**record.tables["preservation"], "validation": check}}
        return Runs(small, (record.model_copy(update={"tables": tables}),))

    assert judge_note(checked(PASSED)) == (
        "judge word-judge validated against 400 hand labels: sensitivity 0.85 [0.78–0.91], specificity 0.95 [0.92–0.97], "
        "precision 0.81 [0.73–0.88]"
    )
    # of before precision was asked for
    earlier = {name: value for name, value in PASSED.items() if name != "precision"}
    assert judge_note(checked(earlier)).startswith("judge not validated")


def test_without_gold_the_verdict_says_that_nothing_was_scored() -> None:
    use = DatasetUse(name="texts", version="0", fingerprint="f" * 64, split="all", articles=["a"], labelled=False)
    runs = Runs(Path("nowhere"), (RunRecord(run_id="r", status="complete", config={}, dataset=use),))
    assert unscored_verdict(runs)[0].text == "Nothing was scored: the articles carry no gold."


def test_frontier_needs_two_systems_and_names_the_others() -> None:
    from harness.report.table import Leaderboard, Line

    def one(name: str, value: float | None, pace: float | None, *, ceiling: bool = False) -> Line:
        use = SystemUse(name=name, kind="stance", fingerprint=name, ceiling=ceiling)
        metrics = {} if value is None else {"stance.macro_f1.three_way": Value(value=value)}
        return Line(Row("stance", name, name, use, metrics, {}, ()), (), pace)

    lines = (
        one("a", 0.5, 1.0),
        one("b", 0.6, 20.0),
        one("silent", None, 1.0),
        one("people", 0.99, 0.001, ceiling=True),
    )
    board = Leaderboard("stance", (), lines, None, {}, ())
    picture = html_pictures.frontier(board, "stance.macro_f1.three_way")
    assert picture is not None
    assert "No time or score: silent." in picture.caption
    assert "Ceilings, not drawn: people 0.990." in picture.caption
    assert picture.alternative.endswith("On the Pareto front: a, b.")
    alone = Leaderboard("stance", (), (one("a", 0.5, 1.0),), None, {}, ())
    assert html_pictures.frontier(alone, "stance.macro_f1.three_way") is None


def test_shared_resamples_give_what_a_pair_alone_gives(small: Path) -> None:
    from harness.report.compare import difference, resampled_values

    runs = load_runs(small)
    counts = shared_counts(runs, runs.rows("stance"), "stance.macro_f1.three_way")
    alone = difference("m", counts[0], counts[1])
    drawn = resampled_values([counts[0], None, counts[1]])
    assert drawn[1] is None
    assert difference("m", counts[0], counts[1], resampled=(drawn[0], drawn[2])) == alone
    assert alone.ci_low is not None


def test_a_ceiling_does_not_squeeze_the_bars_of_those_that_compete(tmp_path: Path) -> None:
    from dataclasses import replace

    from harness.report.html_board import board_view

    data = dataset(12)
    for name, error in (("good", 0.3), ("bad", 0.5), ("reader", 0.0)):
        run(tmp_path, data, stance=stance(name, error, unparsed=0.0), resamples=100)
    runs = load_runs(tmp_path)
    [_, board] = leaderboards(runs)

    def as_ceiling(line):  # type: ignore[no-untyped-def]
        use = line.row.use.model_copy(update={"ceiling": line.row.name == "reader"})
        return replace(line, row=replace(line.row, use=use))

    view = board_view(runs, replace(board, lines=tuple(as_ceiling(line) for line in board.lines)))
    bars = {row["name"]: row["cells"][0].bar for row in view["rows"]}
    assert bars["reader (ceiling)"] is None
    assert bars["bad"][0] == 0.0
    assert bars["good"][0] + bars["good"][1] == pytest.approx(100.0)
    low, high = (float(end) for end in view["columns"][0].under.split(" – "))
    values = [c.ci_high for line in board.lines if line.row.name != "reader" for c in line.cells[:1]]
    assert (low, high) == (pytest.approx(low), pytest.approx(max(values), abs=0.001))


def test_what_finds_no_room_is_cut_or_left_out_and_said(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.report import drilldown as module
    from harness.report.drilldown import _blocks

    monkeypatch.setattr(module, "LONGEST", (50, 20))
    runs = load_runs(small)
    rows = [*runs.rows("stance"), *runs.rows("summariser")]
    whole, said = _blocks(runs, rows, 10_000_000)
    assert said == []
    assert sum(name.startswith("prompt:") for name in whole) == 3
    raw = sum(len(block) for name, block in whole.items() if name.startswith("raw:"))
    names = {row.fingerprint[:12]: row.name for row in rows}
    prompts = sorted((len(block), names[name[7:]]) for name, block in whole.items() if name.startswith("prompt:"))
    some, said = _blocks(runs, rows, raw + prompts[0][0])
    absent = ", ".join(sorted(name for _, name in prompts[1:]))
    assert [line.partition(" are left out")[0] for line in said] == [f"the prompts of {absent}"]
    assert {n for n in some if n.startswith("raw:")} == {n for n in whole if n.startswith("raw:")}
    _, said = _blocks(runs, rows, 0)
    assert re.match(r"the ends of \d+ raw answers, after 20 characters", said[0])
    assert "the prompts of bad, good, short" in said[1]


class OneLabel(NoisyStance):
    """Says the same of everybody, but for every twentieth item."""

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        return [Answer(label := STANCES[4 - (n % 20 == 7)], label=label) for n, _ in enumerate(items)]


def test_a_classifier_that_says_one_thing_everywhere_is_called_constant(tmp_path: Path) -> None:
    data = dataset(14)
    same = stance("same", 0.0)
    run(tmp_path, data, stance=OneLabel("same", same.options, same.description))
    run(tmp_path, data, stance=stance("careful", 0.15))
    runs = load_runs(tmp_path)
    board = next(b for b in leaderboards(runs) if b.kind == "stance")
    [sentence] = [v.text for v in verdicts(runs, board) if "constant" in v.text]
    assert re.match(r"same \(support to 9\d %, gold \d+ %\) gives \(nearly\) one label everywhere", sentence)


def test_commands_are_as_a_person_types_them() -> None:
    assert typed("results='results/reference'") == "results=results/reference"
    assert typed("dataset.path='my texts, June'") == "dataset.path='my texts, June'"
    assert typed("++stance.prompt='a'") == "++stance.prompt='a'"


def test_a_share_of_few_stances_says_of_how_many(monkeypatch: pytest.MonkeyPatch, small: Path) -> None:
    def entry(name: str, **value: Any) -> ByHand:
        return ByHand(name, name, EXACT, 10, 10, 39, {HARM: Value(**value)})

    few = entry("smollm2", value=60.0, n_scored=5, reason="no interval: 4 articles, at least 10 are needed")
    many = entry("lead3", value=9.8, ci_low=1.5, ci_high=32.0, n_scored=41)
    monkeypatch.setattr(preserved, "by_hand", lambda runs: [few, many])
    assert preserved.hand_sentence(load_runs(small)) == (
        "By hand labels, of 100 stances that a summary conveys these are misstated: lead3 10 [2–32], smollm2 60 (of 5: too few "
        "for an interval)."
    )
