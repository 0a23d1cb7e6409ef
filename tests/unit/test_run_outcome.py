"""What a run says while it works, and at its end."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console

from harness.results.records import RunRecord, SystemUse, Value
from harness.runs.outcome import answers_line, headlines, next_command, sweep_table
from harness.runtime.progress import UnitProgress
from tests.make_believe import PASSED


def record(name: str, **metrics: Value) -> RunRecord:
    uses = [
        SystemUse(name="lead3", kind="summariser", fingerprint="a", n_items=3, n_computed=3),
        SystemUse(name=name, kind="stance", fingerprint="b", n_items=84, n_computed=6),
    ]
    return RunRecord(
        run_id=name,
        status="complete",
        config={},
        systems=uses,
        metrics={k.replace("__", "."): v for k, v in metrics.items()},
    )


def test_answers_are_counted_by_what_they_are() -> None:
    assert answers_line(record("x")) == (
        "9 of 87 answers computed (3 summaries, 84 stances of a speaker on a target; the others were stored already, or ask the same)"
    )


def test_headlines_have_their_intervals_and_a_sweep_its_table() -> None:
    one = record("one", stance__macro_f1__three_way=Value(value=0.51, ci_low=0.4, ci_high=0.6))
    other = record("other", summary__rouge_lsum=Value(value=0.3), preservation__harm=Value(value=None, reason="none"))
    assert headlines(one) == [("three-way macro-F1", "0.510 [0.400, 0.600]")]
    no_step = record(
        "x", stance__macro_f1__three_way=Value(value=None), stance__escalation__macro_f1__three_way=Value(value=0.5)
    )
    assert headlines(no_step) == [("three-way macro-F1 on escalation", "0.500")]
    out = io.StringIO()
    table = sweep_table([one, other])
    assert table is not None
    Console(file=out, width=100).print(table)
    said = out.getvalue()
    assert re.search(r"lead3 \+ one .*0\.510 \[0\.400, 0\.600\]", said)
    assert re.search(r"lead3 \+ other +0\.300", said)
    assert sweep_table([one]) is None


def test_a_number_of_a_judge_that_failed_its_check_says_so() -> None:
    harm = Value(value=45.6, ci_low=21.0, ci_high=72.0)
    doubtful = record("one", preservation__harm=harm)
    [(label, shown)] = headlines(doubtful)
    assert (label, shown) == ("harm per 100 conveyed stances", "45.6 [21.0, 72.0] (judge not validated)")
    out = io.StringIO()
    table = sweep_table([doubtful, doubtful])
    assert table is not None
    Console(file=out, width=100).print(table)
    assert out.getvalue().count("judge not validated") == 2
    trusted = doubtful.model_copy(update={"tables": {"preservation": {"validation": PASSED}}})
    assert headlines(trusted) == [(label, "45.6 [21.0, 72.0]")]


def test_the_next_command_names_the_folder() -> None:
    assert next_command(Path("results")) == "next: harness report"
    assert next_command(Path("my results")) == "next: harness report --results 'my results'"


def test_a_bar_moves_within_a_unit_and_never_back() -> None:
    moves: list[float] = []
    units = UnitProgress(moves.append, [4, 2].__getitem__)
    for share in (0.25, 0.75, 0.5):
        units.step(share)
    units.end(4)
    units.step(0.5)
    units.end(1)  # an item that was left without an answer
    assert moves == [1, 2, 1, 1, 0]
