"""Systems that break the contract, each in one way: the check that meets it says so in words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.data.load import load_dataset
from harness.systems.conformance import Finding, check_system
from tests.conftest import ROOT, write_dataset

GOOD = """\
from harness.systems.base import Options, System
from harness.types import Answer, Stance

class Words(Options):
    warlike: list[str] = ["war", "shut"]
    seed: int = 0

class Mine(System):
    kind = "stance"
    Options = Words

    def reads(self, item, dataset):
        return {"text": item.article.text, "names": list(item.speaker.names)}

    def answer(self, items, context):
        return [self.one(i) for i in items]

    def one(self, item):
        words = item.article.text.split()
        count = sum(words.count(w) for w in self.options.warlike) + len(item.speaker.name)
        label = Stance.SUPPORT if count > 5 else Stance.OPPOSE
        return Answer(label, label=label, scores={label: 0.75})
"""

BAD = {
    "a method is missing": ("    def answer(self", "    def anser(self", "it has no `answer`"),
    "a class of its own": ("class Mine(System):", "class Mine:", "no subclass of System"),
    "a kind that is none": ('kind = "stance"', 'kind = "stances"', "`kind` is 'stances'"),
    "code that raises": ("class Words(Options):", "import no_such_module\nclass Words(Options):", "no_such_module"),
    "options that take anything": ("class Words(Options):", 'class Words(Options, extra="allow"):', "does not know"),
    "a constructor that raises": (
        "    def reads(",
        "    def __init__(self, *a):\n        super().__init__(*a)\n        1 / 0\n\n    def reads(",
        r"the constructor raised ZeroDivisionError: division by zero \(bad_system.py, line \d+\)",
    ),
    "a time in its identity": (
        "    def reads(",
        "    def identity(self):\n        import time\n        return super().identity() | {'t': time.time_ns()}\n\n    def reads(",
        "two fingerprints: t is",
    ),
    "an identity of its own": (
        "    def reads(",
        "    def identity(self):\n        return {'name': 'mine'}\n\n    def reads(",
        "leaves out adapter, version or options",
    ),
    "reads a random number": ('{"text"', '{"r": __import__("random").random(), "text"', "now this, now that: r is"),
    "reads what is no JSON": ('{"text"', '{"s": item.speaker, "text"', "cannot be written as JSON"),
    "reads a set": (
        '{"text"',
        '{"w": list(set(item.article.text.split())), "text"',
        "another process gives it another fingerprint or other reads",
    ),
    "a plan that loses items": (
        "    def answer(",
        "    def plan(self, items):\n        return [[i] for i in items[1:]]\n\n    def answer(",
        "it hands on 7",
    ),
    "one answer for all": ("[self.one(i) for i in items]", "[self.one(items[0])]", "4 items and returned 1 answers"),
    "labels that are text": ("Answer(label, label=label", "Answer(label, label=str(label)", "no Stance"),
    "scores of no stance": ("scores={label: 0.75}", 'scores={"favor": 0.75}', "'favor', no stance"),
    "scores that are no numbers": ("0.75", 'float("nan")', "a value that is no number"),
    "never a label": ("label=label, scores={label: 0.75}", "raw='?'", "no answer has a label"),
    "only errors": ("Answer(label, label=label", 'Answer(error="no luck", label=label', "errors, such as: no luck"),
    "an answer by chance": ("0.75}", '__import__("random").random()}', "asked twice about river-0/brandt/escalation"),
    "one that counts the items": ("[self.one(i) for i in items]", "[self.one(i) for i in items] if len(items) > 2 else "
        "[Answer('', label=Stance.NEUTRAL) for i in items]", "asked alone about"),
    "looks at the target": (
        "count > 5",
        "count > 5 and 'gates' not in item.target.proposition",
        "with another proposition its answer about river-0/brandt/gates is",
    ),
    "looks at the title": ("count > 5", "count > len(item.article.title) - 24", "with another title"),
    "looks at gold": (
        "count > 5",
        "item.article.gold is None or item.article.gold.stances[0].stance == Stance.SUPPORT",
        "with other gold its answer",
    ),
    "reads gold": (
        '{"text"',
        '{"g": [str(s.stance) for s in item.article.gold_stances().values()], "text"',
        "`reads` changes with other gold",
    ),
    "learns from the event it is asked about": (
        "[self.one(i) for i in items]",
        "[Answer('x', label=context.dataset.article(i.article.id).gold.stances[0].stance) if "
        "i.article.id.startswith('river') else self.one(i) for i in items]",
        "with .* its answer",
    ),
    "fails on a short text": ("words = item", "item.article.text.split()[1]\n        words = item", "a text of one word: `answer`"),
    "fails without gold": ("words = item", "item.article.gold.stances\n        words = item", "nobody labelled: `answer`"),
    "fails on an empty text": ("words = item", "item.article.text[0]\n        words = item", "an empty text"),
}  # fmt: skip


def findings(folder: Path, code: str, name: str = "bad_system.py", **options: object) -> list[Finding]:
    (folder / name).write_text(code, encoding="utf-8")
    return list(check_system(f"{folder / name}:Mine", options, load_dataset(write_dataset(folder / "river"))))


def test_a_good_system_passes_every_check(tmp_path: Path) -> None:
    checks = findings(tmp_path, GOOD)
    assert len(checks) == 11
    assert [c for c in checks if c.problem is not None] == []


@pytest.mark.parametrize("name", BAD)
def test_a_bad_system_is_told_what_is_wrong_and_what_to_change(name: str, tmp_path: Path) -> None:
    before, after, words = BAD[name]
    assert before in GOOD
    problems = [f for f in findings(tmp_path, GOOD.replace(before, after)) if f.problem is not None]
    assert any(re.search(words, f.problem or "") for f in problems), problems
    assert all(f.hint for f in problems)


def test_a_file_stands_alone_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text("", encoding="utf-8")
    [finding] = findings(tmp_path, "import helpers\n" + GOOD)
    assert "No module named 'helpers'" in (finding.problem or "")
    assert "put helpers.py into the same file" in finding.hint


def test_an_option_that_it_does_not_have_is_named_with_the_nearest(tmp_path: Path) -> None:
    last = findings(tmp_path, GOOD, warlik=["bomb"])[-1]
    assert "warlik: unknown field; did you mean 'warlike'?" in (last.problem or "")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("nowhere.py:Mine", "there is no file"),
        ("nowhere", "names no class"),
        ("no.such.module:Mine", "there is no module"),
        ("harness.systems.sentiment:Sentimnt", "has no class"),
    ],
)
def test_a_place_where_nothing_stands_is_refused_with_the_next_step(place: str, words: str, river: Path) -> None:
    [finding] = check_system(place, {}, load_dataset(river))
    assert words in (finding.problem or "")
    assert finding.hint


@pytest.mark.parametrize(
    "place",
    [
        "harness.systems.sentiment:Sentiment",
        "harness.systems.labels:Majority",
        "harness.systems.metadata:Metadata",
        "harness.systems.extractive:Lead",
        "harness.systems.extractive:LexRank",
        "harness.systems.extractive:OracleExtract",
        "harness.systems.speakers_rule:RuleSpeakers",
    ],
)
def test_the_harness_s_systems_keep_their_contract(place: str, river: Path) -> None:
    assert [f for f in check_system(place, {}, load_dataset(river)) if f.problem is not None] == []


def test_the_system_of_the_docs_is_short() -> None:
    page = (ROOT / "docs" / "writing-a-system.md").read_text(encoding="utf-8")
    code = page.partition("```python\n# my_system.py\n")[2].partition("```")[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
