"""The drill-down in the terminal: what is marked, coloured and left out, the same as on the page."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from harness.errors import ConfigError
from harness.report.collect import Runs, load_runs
from harness.report.columns import UNPARSED, codes
from harness.report.drilldown import drilldown
from harness.report.marks import MARKS, mark
from harness.report.show import StanceLine, _stance_table, show_article, visible
from harness.types import STANCES, Article, Stance
from tests.make_believe import dataset, judge, run, stance, summariser


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("show")
    data = dataset(12)
    for name, error in (("good", 0.1), ("bad", 0.7)):
        run(folder, data, stance=stance(name, error, unparsed=0.1), resamples=100)
    run(folder, data, summariser=summariser("short", 0.2), judge=judge(), resamples=100)
    return folder


def shown(results: Path, *names: str, article: str | None = None, colour: bool = False, **options: object) -> str:
    out = io.StringIO()
    console = Console(
        file=out, width=240, highlight=False, force_terminal=colour, color_system="standard" if colour else None
    )
    show_article(console, results, names, article, **options)  # type: ignore[arg-type]
    return out.getvalue()


def some(runs: Runs) -> Article:
    return runs.articles[3]


@pytest.mark.parametrize(
    ("gold", "told", "which"),
    [
        (Stance.SUPPORT, Stance.SUPPORT, "right"),
        (Stance.SUPPORT, Stance.LEAN_SUPPORT, "near"),
        (Stance.NEUTRAL, Stance.NO_STANCE, "near"),
        (Stance.SUPPORT, Stance.NEUTRAL, "wrong"),
        (Stance.SUPPORT, None, "wrong"),
        (Stance.NO_STANCE, Stance.OPPOSE, "wrong"),
        (Stance.LEAN_OPPOSE, Stance.SUPPORT, "flip"),
    ],
)
def test_marks(gold: Stance, told: Stance | None, which: str) -> None:
    assert mark(gold, told) == which


def test_page_and_terminal_mark_alike(results: Path) -> None:
    runs = load_runs(results)
    data = drilldown(runs).data
    assert data["mark_words"] == {name: list(words) for name, words in MARKS.items()}
    text = shown(results, "good", "bad", article=some(runs).id)
    seen = set()
    for row in runs.rows("stance"):
        told = codes(runs, row)
        for s, t in some(runs).pairs():
            i = runs.items.index[some(runs).id, s.id, t.id]
            if told[i] > UNPARSED:
                continue
            which = data["marks"][runs.items.gold[i]][told[i]]
            said = "unparsed" if told[i] == UNPARSED else str(STANCES[told[i]])
            seen.add(which)
            assert re.search(rf"{s.name} +│ {t.id} .*{said} {MARKS[which][0]}", text), (row.name, s.name, t.id)
    assert {"right", "wrong"} < seen


def test_filters_count_like_the_records(results: Path) -> None:
    runs = load_runs(results)
    told = {row.name: codes(runs, row).tolist() for row in runs.rows("stance")}
    gold = runs.items.gold.tolist()
    tests = {
        "unparsed": lambda i: any(t[i] == UNPARSED for t in told.values()),
        "disagree": lambda i: len({t[i] for t in told.values() if t[i] < UNPARSED}) > 1,
        "wrong": lambda i: any(
            t[i] == UNPARSED or STANCES[t[i]].three_way != STANCES[gold[i]].three_way for t in told.values()
        ),
    }
    for name, test in tests.items():
        text = shown(results, "good", "bad", only=name)
        counted = {a: int(n) for a, n in re.findall(r"│ (\S+) +│ +(\d+) of 12 │", text)}
        home = runs.items.article.tolist()
        wanted = [runs.articles[home[i]].id for i in range(len(gold)) if test(i)]
        assert counted == {a: wanted.count(a) for a in set(wanted)}, name
    flipped = shown(results, "good", "bad", "short", only="flipped", article=some(runs).id)
    assert flipped.count("⇄") >= 1
    assert "more pairs of the article do not match" in flipped


def test_a_phenomenon_leaves_the_other_pairs_out(results: Path) -> None:
    runs = load_runs(results)
    article = some(runs)
    stances = article.gold_stances()
    phenomenon = next(iter(stances.values())).phenomena[0]
    text = shown(results, "good", article=article.id, phenomenon=phenomenon)
    rows = re.findall(r"│ ([A-Z]\w+ \w+) +│ (escalation|fire) +│", text)
    names = {s.id: s.name for s in article.speakers}
    assert rows == [(names[s.id], t.id) for s, t in article.pairs() if phenomenon in stances[s.id, t.id].phenomena]
    with pytest.raises(ConfigError, match="there is no phenomenon") as raised:
        shown(results, "good", phenomenon=phenomenon[:-1])
    assert f"did you mean {phenomenon!r}" in str(raised.value)


def test_targets_evidence_speakers_and_the_judges_word(results: Path) -> None:
    runs = load_runs(results)
    article = some(runs)
    plain = shown(results, "short", "good", article=article.id)
    for target in article.targets:
        assert f"{target.id}: {target.proposition}" in plain
    row = runs.rows("summariser")[0]
    table = row.tables["preservation"]
    assert isinstance(table, dict)
    outcomes = [r["outcome"] for r in table["rows"] if r["article"] == article.id]
    for outcome in set(outcomes):
        wanted = outcome.replace("_", " ")
        assert (
            f"{wanted} {outcomes.count(outcome)}" in plain
            or f"{'⇄' if wanted == 'flipped' else '!'} {wanted}: " in plain
        )
    assert "As word-judge reads it (judge not validated): " in plain
    coloured = shown(results, "good", article=article.id, colour=True, speaker=article.speakers[0].id)
    [evidence] = {e.text for (s, _), label in article.gold_stances().items() if s == "s0" for e in label.evidence}
    name = article.speakers[0].name
    # reversed from the speaker's name, which has a colour of its own, to the end of the evidence
    found = re.search(rf"\x1b\[([\d;]+)m{name}\x1b\[0m\x1b\[7m([^\x1b]+)\x1b\[0m", coloured)
    assert found
    assert {"4", "7", "36"} <= set(found.group(1).split(";"))
    assert name + " ".join(found.group(2).split("\n")) == evidence
    other = article.speakers[1].name
    assert re.search(rf"\x1b\[4;33m{other}\x1b\[0m", coloured), "no evidence of others is reversed"


def test_a_narrow_terminal_has_a_line_for_the_evidence_of_each_pair(results: Path) -> None:
    article = some(load_runs(results))
    out = io.StringIO()
    show_article(Console(file=out, width=80, highlight=False), results, ["good", "bad"], article.id)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if "│" in line]
    assert all(lines.count(s.name) == 1 for s in article.speakers if s.kind != "vague")
    label = next(s for s in article.gold_stances().values() if s.evidence)
    place = next(n for n, line in enumerate(lines) if line.startswith(f"  {label.target}: gold {label.stance}, bad "))
    assert any(line.startswith("    ") for line in lines[place + 1 : place + 3])


def test_no_column_is_empty_where_nobody_labelled() -> None:
    speaker = Text("Ann")
    table = _stance_table(["x"], [StanceLine(speaker, "escalation", None, [Text("support")], "")])
    assert [c.header for c in table.columns] == ["speaker", "target", "x"]


def test_line_ends_of_every_kind_are_line_ends() -> None:
    assert visible("a\r\nb\rc\n\x1b[2J") == "a\nb\nc\n\\x1b[2J"
