"""A summary travels as `Item.summary`, and still every judge's stored answers are found: keys are those of older versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.config import SystemConfig
from harness.results.store import PredictionStore, content_hash
from harness.runs.predict import plan
from harness.runs.questions import judge_items, summary_items
from harness.systems.base import System
from harness.systems.registry import build
from harness.systems.summary_judges import SummaryJudge
from harness.types import STANCES, Answer, Answered, Dataset, Item, Prediction
from tests.make_believe import dataset

WORDINGS = {str(s): str(s).replace("_", " ") for s in STANCES}
PROMPT = "{title}\n{article}\n{speaker} ({role}) on {target}?"
JUDGES: Mapping[str, dict[str, Any]] = {
    "sentiment": {},
    "annotator": {"annotator": "one"},
    "linear": {"sees": "text"},
    "probe": {"model": "a/model"},
    "zero_shot": {"model": "a/model", "hypothesis": "{speaker} {verbalisation} {target}", "verbalisations": WORDINGS},
    "causal_choice": {"model": "a/model", "prompt": PROMPT, "answers": WORDINGS},
    "endpoint": {
        "base_url": "http://localhost/v1",
        "model": "a-model",
        "prompt": PROMPT + "{options}",
        "answers": WORDINGS,
    },
}

# the keys of all items of a reading, hashed, as the version before this test made them (b209a19)
TEXT = {
    "summary": "3b46194cef",
    "article": "d42531d7a8",
    "reference": "5c0617439a",
    "empty": "7584e88733",
    "other": "3429a037de",
}
PROMPTED = {
    "summary": "17e910d827",
    "article": "b9fd59e8eb",
    "reference": "42a5cb19f0",
    "empty": "9bfb365e42",
    "other": "ed455bf8f3",
}
KEYS: Mapping[str, dict[str, str]] = {
    "sentiment": {"summary": "a4a9fe553a", "article": "f2cdd46af8", "reference": "80d2f9b25d", "empty": "072c761004", "other": "0fe97d15d7"},
    "annotator": {"summary": "59507e5c7a", "article": "d8809189d5", "reference": "264158b430", "empty": "0077687d67", "other": "8c5bca341d"},
    "linear": TEXT,
    "probe": TEXT,
    "zero_shot": {"summary": "b5b1fbc90f", "article": "83f05f8238", "reference": "ce4c303105", "empty": "fa80c1f911", "other": "477d47f3fa"},
    "causal_choice": PROMPTED,
    "endpoint": PROMPTED,
}  # fmt: skip
SUMMARY_KEYS = {"bertscore": "3e92a43fd0", "nli": "9ecc50a7af"}


def summaries(data: Dataset) -> Answered:
    texts = [f"{a.speakers[0].name} wants war.\nThe others wait." for a in data]
    return Answered(
        [Prediction("k", "s", "summary", a.id, None, None, Answer(t), "") for a, t in zip(data, texts, strict=True)]
    )


def hashed_keys(judge: System, items: Sequence[Item], data: Dataset, folder: Path) -> str:
    """Under a fingerprint that no weights and no version of a package decide."""
    judge.remembered("f" * 64, {})
    return content_hash(plan(judge, items, data, PredictionStore(folder)).keys)[:10]


@pytest.mark.parametrize("adapter", JUDGES)
def test_keys_of_a_judge_of_stance(adapter: str, tmp_path: Path) -> None:
    data = dataset(3, 2)
    judge = build("stance", SystemConfig(name="x", adapter=adapter, **JUDGES[adapter]))
    readings = judge_items(data.articles, summaries(data))
    assert {r: hashed_keys(judge, items, data, tmp_path) for r, items in readings.items()} == KEYS[adapter]


@pytest.mark.parametrize("adapter", SUMMARY_KEYS)
def test_keys_of_a_judge_of_summaries(adapter: str, tmp_path: Path) -> None:
    data = dataset(3, 2)
    judge = build("judge", SystemConfig(name="x", adapter=adapter, model="a/model"))
    assert isinstance(judge, SummaryJudge)
    items = summary_items(judge, data.articles, summaries(data))
    assert hashed_keys(judge, items, data, tmp_path) == SUMMARY_KEYS[adapter]


def test_one_key_in_full(tmp_path: Path) -> None:
    data = dataset(3, 2)
    judge = build("stance", SystemConfig(name="sentiment", adapter="sentiment"))
    [first, *_] = judge_items(data.articles, summaries(data))["summary"]
    [key] = plan(judge, [first], data, PredictionStore(tmp_path)).keys
    # of version 2 of the adapter, which reads typographic marks as plain ones
    assert key == "834c6edfa31528a5a1fbda15a3521a9a99f5cecb"
