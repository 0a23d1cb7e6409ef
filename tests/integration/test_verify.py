"""The proofs of `harness verify`: all of them hold, and each notices a wrong number."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness import verify
from harness.errors import HarnessError
from harness.verify import Check, checks_table, run_checks
from harness.verify_external import realsumm_checks, summary_level, summeval_checks


def test_all_checks_hold() -> None:
    """With HARNESS_EXTERNAL=<folder with summary_judgements/> those on human judgements too."""
    external = os.environ.get("HARNESS_EXTERNAL")
    checks = run_checks(Path(external) if external else None)
    assert [(c.metric, c.published, c.ours) for c in checks if not c.passed] == []
    names = [c.metric for c in checks]
    assert sum("coverage" in name for name in names) == 5
    assert sum("type-I error" in name for name in names) == 6
    assert {c.verdict for c in checks} <= {"ok", "shown"}
    assert len(checks_table(checks).rows) == len(checks)


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
    from harness.verify_external import correlation_checks

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
    from harness.verify_external import correlation_checks

    return list(correlation_checks(folder))
