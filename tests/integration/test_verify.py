"""The proofs of `harness verify`: all of them hold, and each notices a wrong number."""

from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from harness.errors import HarnessError
from harness.stats import ranking, simulation_selection
from harness.verify import checks as verify
from harness.verify import simulated
from harness.verify.check import Check, checks_table
from harness.verify.checks import run_checks
from harness.verify.human_judgements import correlation_checks, realsumm_checks, summary_level, summeval_checks
from tests.conftest import ROOT


def judgements() -> Path | None:
    """The folder with `summary_judgements/`: HARNESS_EXTERNAL, or the one beside the checkout; None where neither is."""
    named = os.environ.get("HARNESS_EXTERNAL")
    folder = Path(named) if named else ROOT.parent / "shared" / "external"
    return folder if named or (folder / "summary_judgements").is_dir() else None


def test_all_checks_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    # the simulations of whole reports take minutes: `harness verify` runs them, here a few of each kind
    monkeypatch.setattr(verify, "simulated_checks", lambda *, full: iter(()))
    checks = run_checks()
    assert [(c.metric, c.published, c.ours) for c in checks if not c.passed] == []
    names = [c.metric for c in checks]
    assert sum("coverage" in name for name in names) == 5
    assert sum("type-I error" in name for name in names) == 7
    assert [c.metric for c in checks if c.verdict == "not run"] == ["ROUGE's correlations with human judgements"]
    assert len(checks_table(checks).rows) == len(checks)


def test_simulations_of_reports_hold() -> None:
    selections = list(simulated.selection_checks(2, 1_000, 499))
    # harness verify simulates 10,000: a share of 1,000 has a standard error of 0.007
    assert max(c.ours for c in selections) < 0.05 + 3.5 * 0.007
    assert "1,000 reports" in selections[0].source
    checks = [
        *simulated.harm_checks((60,), repetitions=300),
        *simulated.estimator_checks((0.98,), (60,), repetitions=600),
        *simulated.validation_checks((0.15,), repetitions=60),
    ]
    assert [(c.metric, c.ours) for c in checks if not c.passed] == []
    assert all("±" in (c.note or "") for c in [*selections, *checks])


def test_a_procedure_that_marks_equal_systems_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def uncorrected(values: object, draws: object, n_clusters: int) -> ranking.PairTests:
        # all pairs at the level of one
        tests = ranking.pair_tests(values, draws, n_clusters)
        return replace(tests, p_values=tests.p_values / 3)

    monkeypatch.setattr(simulation_selection, "pair_tests", uncorrected)
    assert not any(c.passed for c in simulated.selection_checks(3, 300, 499))


@pytest.mark.skipif(judgements() is None, reason="no human judgements: HARNESS_EXTERNAL names their folder")
def test_correlations_with_human_judgements_are_the_published_ones() -> None:
    folder = judgements()
    assert folder is not None
    checks = run_external(folder)
    assert len(checks) == 30
    assert {c.verdict for c in checks} == {"ok"}


def test_the_folder_beside_the_checkout_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARNESS_EXTERNAL", raising=False)
    beside = ROOT.parent / "shared" / "external"
    assert judgements() == (beside if (beside / "summary_judgements").is_dir() else None)
    monkeypatch.setenv("HARNESS_EXTERNAL", "elsewhere")
    assert judgements() == Path("elsewhere")


def test_what_could_not_run_is_no_success_unless_it_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = Check("m", 0.0, None, 1e-12, "s", note="no data")
    assert not needed.passed
    assert replace(needed, optional=True).passed
    monkeypatch.setitem(sys.modules, "rouge_score.rouge_scorer", None)
    left_out = verify.rouge_checks()
    assert {(c.verdict, c.passed) for c in left_out} == {("not run", True)}
    shown = Console(width=200, file=io.StringIO(), record=True)
    shown.print(checks_table([needed, *left_out]))
    text = shown.export_text()
    assert "not run: no data" in text
    assert text.count("not run (optional): pip install rouge-score to compare") == len(left_out)


def test_verdicts() -> None:
    assert Check("m", 0.5, 0.502, 0.003, "s").verdict == "ok"
    assert Check("m", 0.5, 0.51, 0.003, "s").verdict == "off"
    assert Check("m", 0.05, 0.058, None, "s", (0.0, 0.057)).verdict == "off"
    assert Check("m", 0.95, 0.9, None, "s").verdict == "shown"
    assert Check("m", 0.0, None, 1e-12, "s").verdict == "not run"
    assert not Check("m", 0.5, float("nan"), 0.003, "s").passed


def test_a_wrong_metric_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = verify.cm.macro_f1
    monkeypatch.setattr(verify.cm, "macro_f1", lambda counts: right(counts) + 0.01)
    assert [c.metric for c in verify.hand_checks() if not c.passed] == ["macro-F1, three-way"]


def test_summary_level_correlation_skips_constant_documents() -> None:
    # One document in perfect order, one reversed, one with constant judgements: (1 - 1) / 2.
    scores = [[1, 2, 3], [1, 2, 3], [1, 2, 3]]
    human = [[1, 2, 3], [3, 2, 1], [5, 5, 5]]
    assert summary_level(scores, human) == (pytest.approx(0), pytest.approx(0))
    spearman, kendall = summary_level(scores[:1], human[2:])
    assert spearman != spearman
    assert kendall != kendall


def summary(text: str, score: float) -> dict[str, object]:
    keys = ("coherence", "consistency", "fluency", "relevance", "litepyramid_recall")
    return {"sys_summ": text, "scores": dict.fromkeys(keys, score)}


def documents() -> list[dict[str, object]]:
    systems = {
        "a": summary("the troops crossed the border at night .", 3.0),
        "b": summary("the troops crossed a river .", 2.0),
        "c": summary("nothing in common here .", 1.0),
    }
    reference = "the troops crossed the border at night ."
    return [{"ref_summs": [reference], "ref_summ": reference, "sys_summs": systems}] * 2


def test_external_judgements_are_read_in_full(tmp_path: Path) -> None:
    folder = tmp_path / "summary_judgements"
    folder.mkdir()
    for name in ("SummEval.jsonl", "REALSumm.jsonl"):
        (folder / name).write_text("\n".join(json.dumps(d) for d in documents()), encoding="utf-8")
    checks = list(correlation_checks(tmp_path))
    assert len(checks) == 3 * 4 * 2 + 3 * 2
    # Overlap and judgement order the three summaries alike; published values are far from 1, so each check is off.
    assert all(c.ours == pytest.approx(1.0) for c in checks if "ROUGE-1" in c.metric)
    assert not any(c.passed for c in checks)
    assert len(list(summeval_checks(documents()))) == 24
    assert len(list(realsumm_checks(documents()))) == 6


def test_missing_judgements_say_what_external_takes(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="summary_judgements") as raised:
        run_external(tmp_path)
    assert "--external takes the folder" in str(raised.value)
    folder = tmp_path / "summary_judgements"
    folder.mkdir()
    (folder / "SummEval.jsonl").write_text("{not json", encoding="utf-8")
    with pytest.raises(HarnessError, match="not JSON lines"):
        run_external(tmp_path)


def run_external(folder: Path) -> list[Check]:
    return list(correlation_checks(folder))
