"""Drafts of articles, what to label next, speaker finders, transcripts, restriction to targets."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from harness.curate.draft import boilerplate, draft, likenesses, read_text, repeats
from harness.curate.statistics import shared_targets, statistics
from harness.curate.suggest import entropy, suggestions
from harness.data.load import load_dataset
from harness.data.plain_texts import load_texts, title_of
from harness.errors import DataError, HarnessError
from harness.runs.questions import items_for
from harness.runs.selection import restrict
from harness.systems.fitted import labelled_pairs, passage
from harness.systems.speakers_causal import parse_speakers
from harness.systems.speakers_rule import find_speakers
from harness.text.body import body_sentences, repeated_headlines, sentences_about
from harness.text.speeches import own_speeches, same_person, speeches, words_of
from harness.types import Article, Source, Speaker, Stance, Target
from tests.conftest import ROOT, Harness

NEWS = """\
Council splits over the gates

Ada Brandt, the minister, demanded that the gates be shut. "We will not wait," she said. \
General Olm warned that this would bring war, and the Kremlin rejected the plan.

Council splits over the gates

Olm later said: "The gates stay open."
Read more: five facts about rivers
"""

DEBATE = """\
Iraq
– in the House of Commons

(Citation: HC Deb, 18 March 2003, c760)
Photo of Jack StrawJack Straw Foreign Secretary  4:03 pm, 18th March 2003
I back the war. Mr. Smith does not.

Link to this speech
(Citation: HC Deb, 18 March 2003, c761)
Several hon. Members:
rose—

Link to this speech
(Citation: HC Deb, 18 March 2003, c761)
Photo of Iain Duncan SmithIain Duncan Smith Leader of the Opposition
He is right. Jack Straw has my vote.

Link to this speech
(Citation: HC Deb, 18 March 2003, c762)
Photo of Jack StrawJack Straw Foreign Secretary
Thank you.

Link to this speech
"""


def article(text: str, **more: object) -> Article:
    base = Article(
        "a", "Council splits over the gates", text, "a", Source("news"), (Target("escalation", "More war"),), ()
    )
    return replace(base, **more)  # type: ignore[arg-type]


def test_speakers_by_rule_with_verbatim_quotes() -> None:
    found = {row["name"]: row for row in find_speakers(article(NEWS))}
    assert list(found) == ["Ada Brandt", "Olm", "Kremlin"]
    assert found["Olm"]["aliases"] == ["General Olm"]
    assert "The gates stay open." in found["Olm"]["quotes"]
    assert all(q in NEWS for row in found.values() for q in row["quotes"])


def test_rule_finder_on_the_gold_set_keeps_its_level() -> None:
    from harness.metrics.speakers import FoundSpeaker, FoundSpeakers, aggregate_speakers

    dev = [a for a in load_dataset(ROOT / "datasets" / "escalation") if a.split == "dev"]
    answers = [FoundSpeakers(a, tuple(FoundSpeaker(r["name"]) for r in find_speakers(a))) for a in dev]
    value = aggregate_speakers(answers, resamples=100).metrics["speakers.f1"].value
    assert value is not None
    assert value > 0.65


def test_speakers_from_a_models_json() -> None:
    said = (
        '[{"name": "Olm", "quotes": ["stay open", "invented"]}, {"name": "Olm", "quotes": ["The gates"]}, {"name": "Ada'
    )
    assert parse_speakers(said, NEWS) == [{"name": "Olm", "aliases": [], "quotes": ["stay open", "The gates"]}]
    assert parse_speakers("no list at all {", NEWS) == []


def test_a_transcript_is_cut_to_the_speakers_words() -> None:
    straw, smith = Speaker("s", "J Straw"), Speaker("i", "ID Smith")
    debate = article(DEBATE, speakers=(straw, smith))
    assert [s.name for s in speeches(DEBATE)] == ["Jack Straw", None, "Iain Duncan Smith", "Jack Straw"]
    assert [s.text for s in sentences_about(debate, straw)] == ["I back the war.", "Mr. Smith does not.", "Thank you."]
    for s in sentences_about(debate, straw):
        assert DEBATE[s.start : s.end] == s.text
    cut = words_of(debate, straw)
    assert "my vote" not in cut.text
    assert "Link to this" not in cut.text
    assert [s.text for s in sentences_about(cut, straw)] == [s.text for s in sentences_about(debate, straw)]
    assert len(own_speeches(debate, smith)) == 1
    items = [i for i in items_for("stance", [debate]) if i.speaker == smith]
    assert [passage(i) for i in items] == [["He is right.", "Jack Straw has my vote."]]
    # whom no heading names is left with the lines that name him
    other = Speaker("o", "Mr. Smith")
    assert words_of(debate, other).text == "I back the war. Mr. Smith does not."


def test_an_ordinary_article_is_left_as_it_is() -> None:
    plain = article(NEWS)
    assert words_of(plain, Speaker("s", "Olm")) is plain
    assert speeches("Photo of coconut\nPhoto of Jack Straw\n") == ()


@pytest.mark.parametrize(
    ("name", "heading", "same"),
    [
        ("J Straw", "Jack Straw", True),
        ("J. Straw", "Mr Jack Straw", True),
        ("L Öpik", "Lembit Opik", True),
        ("ID Smith", "Iain Duncan Smith", True),
        ("I Smith", "Iain Duncan Smith", False),
        ("D Trimble", "Rt Hon David Trimble", True),
        ("M O’Brien", "Mike O'Brien", True),
        ("Jo Straw", "Jack Straw", False),
        ("Straw", "Jack Straw", False),
    ],
)
def test_names_of_headings(name: str, heading: str, same: bool) -> None:
    assert same_person(name, heading) is same


def test_a_draft_changes_nothing_of_the_text(river: Path) -> None:
    dataset = load_dataset(river)
    text = NEWS.replace("\n\n", "\r\n\r\n", 1)
    made = draft(text, dataset, embed=False)
    assert made.article.text == text
    assert made.article.id == "council-splits-over-the-gates"
    assert [t.id for t in made.article.targets] == ["escalation"]
    assert any(r.startswith("repeated headline, lines 1, 5") for r in made.remarks)
    assert any("Read more" in r for r in made.remarks)
    path = river / "articles" / f"{made.article.id}.yaml"
    path.write_text(made.yaml, encoding="utf-8")
    assert load_dataset(river).article(made.article.id) == made.article
    again = draft(text, load_dataset(river), embed=False)
    assert again.article.id.endswith("-2")
    assert any("near-duplicate" in r and made.article.id in r for r in again.remarks)


def test_likenesses_need_half_of_the_words(river: Path) -> None:
    dataset = load_dataset(river)
    same = replace(dataset.articles[0], id="new", text="Preface. " + dataset.articles[0].text)
    assert {x.article_id for x in likenesses(same, dataset, embed=False)} == {a.id for a in dataset}
    assert likenesses(article(NEWS), dataset, embed=False) == []


def test_remarks_only_where_there_is_something() -> None:
    assert list(repeats("Title", "Title\n\nOne sentence.")) == []
    assert list(boilerplate("He asked to share this burden.\nCookies were served.")) == [
        "boilerplate? line 2 of the text: Cookies were served."
    ]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xff\xfe", "UTF-8"),
        (b"PK\x03\x04x", "no plain text"),
        (b"a" * 30_000_000, "limit"),
    ],
)
def test_what_is_no_article_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_text(Path("x.txt"), raw)


def test_new_and_validate(river: Path, tmp_path: Path, harness: Harness) -> None:
    (tmp_path / "news.txt").write_text(NEWS, encoding="utf-8")
    done = harness("data", "new", "news.txt", "--dataset", str(river), "--no-embed")
    assert "Ada Brandt" in done.stderr
    assert done.stdout.strip().endswith("council-splits-over-the-gates.yaml")
    harness("data", "validate", str(river))
    assert "is not fetched" in harness("data", "new", "https://x.org/a", "--dataset", str(river), code=1).stderr


def test_entropy_of_labels() -> None:
    assert entropy(["a", "a"]) == 0
    # two halves: 2 * 0.5 * log2(2) = 1
    assert entropy(["a", "b"]) == 1


def test_suggestions_come_from_disagreement() -> None:
    first, second, third = (article(NEWS, id=i) for i in ("first", "second", "third"))
    pair = ("olm", "escalation")
    found = suggestions(
        [first, second, third],
        {
            "first": {pair: {"x": Stance.SUPPORT, "y": Stance.LEAN_SUPPORT}},
            "second": {pair: {"x": Stance.SUPPORT, "y": Stance.OPPOSE}},
            "third": {pair: {"x": Stance.SUPPORT}},
        },
    )
    # lean and full support are one side; one system alone disagrees with nobody
    assert [(s.article_id, s.disagreement) for s in found] == [("second", 1.0), ("first", 0.0)]
    assert "x says support, y says oppose" in found[0].reason


def test_suggest_says_what_to_run(river: Path, tmp_path: Path, harness: Harness) -> None:
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "new.txt").write_text(NEWS, encoding="utf-8")
    assert "harness run -m" in harness("data", "suggest", str(river)).stderr
    harness("run", "dataset=folder", "dataset.path=seeds", "summariser=none", "stance=sentiment", "split=all")
    assert "harness run -m" in harness("data", "suggest", str(river)).stderr


def test_restriction_to_targets_is_identity(river: Path) -> None:
    dataset = load_dataset(river)
    gates = restrict(dataset, ["gates"])
    assert gates.fingerprint != dataset.fingerprint
    assert {item.target.id for item, _ in labelled_pairs(gates) if item.target} == {"gates"}
    assert len(labelled_pairs(gates)) == len(labelled_pairs(dataset)) / 2
    with pytest.raises(HarnessError, match="did you mean 'gates'"):
        restrict(dataset, ["gate"])


def test_a_restricted_run_can_be_reported(river: Path, tmp_path: Path, harness: Harness) -> None:
    common = (f"dataset.path={river}", "summariser=none", "stance=name_only", "split=all")
    harness("run", *common)
    harness("run", *common, "dataset.targets=[gates]")
    records = [json.loads(p.read_text(encoding="utf-8")) for p in (tmp_path / "results/runs").glob("*/record.json")]
    assert sorted(r["systems"][0]["n_items"] for r in records) == [6, 12]
    [restricted] = [r["run_id"] for r in records if r["systems"][0]["n_items"] == 6]
    harness("report", restricted)


def test_statements_of_shared_targets(river: Path) -> None:
    dataset = load_dataset(river)
    # each of three articles: Brandt supports with one passage, Olm opposes with one
    assert shared_targets(dataset) == {"gates": (3, 6, 3, 3)}
    assert statistics(dataset).shared["gates"] == (3, 6, 3, 3)


def test_the_pre_commit_hook_runs(river: Path) -> None:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    command = [sys.executable, "-m", "harness.cli", *hook["entry"].split()[1:], str(river)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    path = river / "articles" / "river-0.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("stance: oppose", "stance: opose", 1), encoding="utf-8")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


LINE = "General Olm warned on Monday that shutting the gates of the river would bring war to the whole north."


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Council splits\n\nOlm warned of war.", "Council splits"),
        (LINE, "General Olm warned on Monday that shutting the gates of the river…"),
        ("War broke out.\nOlm fled.", "War broke out…"),
        ("word " * 21 + "\nOlm fled.", "word " * 11 + "word…"),
        ("\n  Olm fled \n\n", "Olm fled…"),
        ("...", "...…"),
    ],
)
def test_a_title_is_a_headline_or_the_first_words(text: str, title: str) -> None:
    assert title_of(text) == title


def test_a_text_on_one_line_keeps_its_words(tmp_path: Path, river: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "pasted.txt").write_text(LINE, encoding="utf-8")
    [pasted] = load_texts(tmp_path / "texts")
    assert [s.text for s in body_sentences(pasted)] == [LINE]
    assert [row["name"] for row in find_speakers(pasted)] == ["Olm"]
    made = draft(LINE, load_dataset(river), embed=False)
    assert [s.name for s in made.article.speakers] == ["Olm"]
    assert made.remarks == ()


def test_a_draft_has_the_language_of_its_text_and_a_finder_that_reads_it(river: Path) -> None:
    german = draft("General Olm sagte am Montag, dass der Krieg kommen werde.", load_dataset(river), embed=False)
    assert german.article.language == "de"
    assert [s.name for s in german.article.speakers] == ["Olm"]
    assert german.remarks[0].startswith("language 'de' (")
    # no finder reads it: the draft is made, and says so
    swedish = draft("Försvarsministern sade att kriget är slut.", load_dataset(river), embed=False)
    assert swedish.article.language == "sv"
    assert not swedish.article.speakers
    assert swedish.remarks[0].startswith("cues: no finder for the language 'sv'")


def test_dropping_headlines_never_empties_a_text() -> None:
    assert repeated_headlines(LINE, LINE) == []
    assert repeated_headlines("T", "T\n\nT\n") == []
    assert repeated_headlines("T", "T\nno war\nno war") == [(0, 1)]
    assert repeated_headlines("T", "T\n \nOlm fled.") == [(0, 1)]


def test_a_folder_of_texts_leaves_out_what_is_no_article(tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    (texts / ".git").mkdir(parents=True)
    for name in ("a.txt", "b.md", ".c.txt", "README.md", ".git/d.txt", "e.pdf"):
        (texts / name).write_text("Title\n\nOlm fled.", encoding="utf-8")
    assert [a.id for a in load_texts(texts)] == ["a", "b"]
    with pytest.raises(DataError, match="no such file or folder"):
        load_texts(tmp_path / "nowhere")
