"""The account of an import: what nobody read is listed, at every depth."""

from __future__ import annotations

from typing import Any

from harness.data.formats.ledger import Ledger
from harness.errors import Place

TASK: dict[str, Any] = {
    "id": 1,
    "text": "Shut the gates.",
    "meta": {},
    "drafts": [{"id": 3}, {"id": 4}],
    "annotations": [
        {"who": "ada", "lead_time": 3.2, "result": [{"labels": ["support", "oppose"], "note": "hm"}]},
        {"who": "ben", "cancelled": True, "result": [{"labels": ["support"], "note": "hm"}]},
    ],
}


def opened(bookkeeping: set[str], task: dict[str, Any] = TASK) -> Ledger:
    """As a reader that knows the text, who annotated and the first label of a region."""
    ledger = Ledger(bookkeeping)
    for record in ledger.settled([(task, Place("a.json", field="task 1"))]):
        assert record["text"] == "Shut the gates."
        record.lose("drafts", "drafts are not read")
        for entry in record.get("annotations", []):
            if entry.get("cancelled"):
                entry.drop("cancelled annotation left out")
                continue
            assert entry["who"] == "ada"
            assert [next(iter(part["labels"])) for part in entry["result"]] == ["support"]
    return ledger


def test_what_nobody_read_is_listed() -> None:
    ledger = opened({"id", "annotations.lead_time"})
    assert [str(x) for x in ledger.losses] == [
        "a.json: task 1: drafts: drafts are not read (2 times)",
        "a.json: task 1: annotations.1: cancelled annotation left out",
        "a.json: task 1: meta: `meta` is not read",
        "a.json: task 1: annotations.0.result.0.labels.1: `annotations.result.labels` is not read",
        "a.json: task 1: annotations.0.result.0.note: `annotations.result.note` is not read",
    ]
    assert ledger.bookkeeping == {"id": 1, "annotations.lead_time": 1}


def test_bookkeeping_covers_plain_values_only() -> None:
    task = {"text": TASK["text"], "meta": {"page": 2, "label": "support"}, "by": [1, {"vote": "no"}], "a.b": 1}
    ledger = opened({"meta", "meta.page", "by", "a.b"}, task)
    assert [x.what for x in ledger.losses] == ["`meta.label` is not read", "`by.vote` is not read", "`a.b` is not read"]
    assert ledger.bookkeeping == {"meta": 1, "meta.page": 1, "by": 1}


def test_carried_and_copied_values_are_accounted_for() -> None:
    ledger = Ledger()
    record = ledger.record({"article": {"id": "x", "more": [1, {"a": 2}]}, "span": {"start": 1, "end": 2}}, Place("a"))
    assert record.carry("article") == {"id": "x", "more": [1, {"a": 2}]}
    assert dict(record["span"]) == {"start": 1, "end": 2}
    assert "other" not in record
    assert record.carry("other", 5) == 5
    found = ledger.imported((), {})
    assert not found.losses
    assert not found.bookkeeping


def test_asking_for_names_reads_nothing() -> None:
    ledger = Ledger()
    record = ledger.record({"label": "oppose", "items": ["a"]}, Place("a.jsonl", 3))
    assert "label" in record
    assert sorted(record) == ["items", "label"]
    assert len(record["items"]) == 1
    ledger.settle()
    assert [str(x) for x in ledger.losses] == [
        "a.jsonl:3: label: `label` is not read",
        "a.jsonl:3: items.0: `items` is not read",
    ]
