"""Replies to a numbered list: what models write is read by number, and what is unclear is nobody's answer."""

from __future__ import annotations

import pytest

from harness.systems.list_replies import read_list

AB = {1: "A", 2: "B"}


@pytest.mark.parametrize(
    ("reply", "answers"),
    [
        ('{"1": "A", "2": "B"}', AB),
        ('```json\n{\n  "1": "A",\n  "2": "B"\n}\n```', AB),
        ('Here it is: {"1": "A", "2": "B"}. I hope this helps!', AB),
        ('{"answers": {"1": "A", "2": "B"}}', AB),
        ('{"results": [{"number": 1, "stance": "A"}, {"number": 2, "stance": "B"}]}', AB),
        ('[{"id": "1", "answer": "A"}, {"id": "2", "answer": "B"}]', AB),
        ('[{"Question": 1, "Position": "A"}, {"Question": 2, "Position": "B"}]', AB),
        ('[{"1": "A"}, {"2": "B"}]', AB),
        ('{"1": {"label": "A", "reason": "she said so"}, "2": {"label": "B"}}', AB),
        ('["A", "B"]', AB),
        ('{"Question 1": "A", "Question 2": "B"}', AB),
        ('{"01": " A ", "2.": "B"}', AB),
        ("1. A\n2. B", AB),
        ("1: A,\n2: B,", AB),
        ("**1)** A\n**2)** B", AB),
        ('{"1": "A", "2": "B", "3', AB),
        ('{"1": "A", "2": "B', {1: "A"}),
        ('{"1": "A"}', {1: "A"}),
        ('{"1": "A", "2": "B", "3": "C", "0": "D"}', AB),
        ('{"1": "A", "1": "B", "2": "B"}', {2: "B"}),
        ('{"1": "A", "1": "A", "2": "B"}', AB),
        ('{"1": "B", "2": "B"} no, wait: {"1": "A", "2": "B"}', AB),
        ('{"1": "A", "2": "B"} (see [1])', AB),
        ('["A", "B", "C"]', {}),
        ('{"1": null, "2": true, "stance": "A"}', {}),
        ('{"1": "", "2": "B"}', {2: "B"}),
        ("Brandt opposes it, Olm supports it.", {}),
        ("", {}),
        ("[" * 5000, {}),
        ('{"1":' * 3000, {}),
    ],
)
def test_a_reply_is_read_by_number(reply: str, answers: dict[int, str]) -> None:
    assert read_list(reply, 2) == answers
