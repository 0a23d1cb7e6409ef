"""brat collections: PolNeAR's form, discontinuous spans, annotators by suffix and by folder, and what is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from harness.data.formats.brat import load, read_documents
from harness.data.formats.brat_lines import read_annotations
from harness.errors import DataError
from harness.types import Stance
from tests.external_data import external

TEXT = "🕊 Mayor Ada Brandt said on Monday that the bridge\nmust not be blown up.\nShe opposes a fight.\n"


def at(words: str) -> str:
    start = TEXT.index(words)
    return f"{start} {start + len(words)}"


SPANS = {
    "T1": f"Source {at('Mayor Ada Brandt')}\tMayor Ada Brandt",
    "T2": f"Cue {at('said')}\tsaid",
    "T3": f"Content {at('the bridge')};{at('must not be blown up')}\tthe bridge must not be blown up",
    "T4": f"Attribution {at('said')}\tsaid",
    "T5": f"Source {at('She')}\tShe",
    "T6": f"Content {at('a fight')}\ta fight",
    "T7": f"Attribution {at('opposes')}\topposes",
}
EVENTS = ["E1\tAttribution:T4 Content:T3 Cue:T2 Source:T1 ", "E2\tAttribution:T7 Source:T5 Content:T6"]


def annotations(*more: str) -> str:
    return "".join(f"{line}\n" for line in [*(f"{k}\t{v}" for k, v in SPANS.items()), *EVENTS, *more])


def collection(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "bridge.txt").write_text(TEXT, encoding="utf-8")
    for name, raw in files.items():
        (folder / f"{name}.ann").write_text(raw, encoding="utf-8")
    return folder


def test_attributions_without_stances_give_speakers(tmp_path: Path) -> None:
    imported = load(collection(tmp_path / "c", bridge_4e07=annotations()), {})
    [article] = imported.articles
    assert [s.name for s in article.speakers] == ["Mayor Ada Brandt"]
    assert article.gold is None and not article.annotations and not article.complete
    assert {loss.what for loss in imported.losses} == {
        "role `Cue` of `Attribution` is not carried",
        "event `Attribution` says no stance: only its speaker is carried",
        "event `Attribution` names no speaker: left out",
    }


def test_a_mapping_makes_stances_of_events(tmp_path: Path) -> None:
    raw = annotations("A1\tAttitude E1 against", "A2\tAbout E1 blast", "A3\tSure E1")
    mapping = {
        "roles": {"stance": "Attitude", "target": "About"},
        "targets": {"blast": {"id": "blast", "proposition": "The bridge should be blown up.", "rung": 3}},
        "speakers": {"Mayor Ada Brandt": {"id": "ada-brandt", "name": "Ada Brandt", "side": "town"}},
    }
    imported = load(collection(tmp_path / "c", bridge=raw), mapping)
    [article] = imported.articles
    assert article.gold is not None
    [stance] = article.gold.stances
    assert (stance.speaker, stance.target, stance.stance) == ("ada-brandt", "blast", Stance.OPPOSE)
    # a discontinuous span whose pieces only a line end parts is one passage
    assert [e.text for e in stance.evidence] == ["the bridge\nmust not be blown up"]
    assert article.target("blast").rung == 3 and article.speaker("ada-brandt").side == "town"
    assert "attribute `Sure` of `Attribution` is not carried" in {x.what for x in imported.losses}


def test_annotators_by_suffix_and_by_folder(tmp_path: Path) -> None:
    mapping = {"stances": {"Attribution": "support"}, "roles": {"target": "Content"}}
    suffixed = collection(tmp_path / "suffixed", bridge_a1=annotations(), bridge_b2=annotations())
    [article] = load(suffixed, mapping).articles
    assert [a.annotator for a in article.annotations] == ["a1", "b2"] and article.gold is None
    for name in ("ada", "ben"):
        (tmp_path / "folders").mkdir(exist_ok=True)
        collection(tmp_path / "folders" / name, bridge=annotations())
    [article] = load(tmp_path / "folders", mapping).articles
    assert [a.annotator for a in article.annotations] == ["ada", "ben"]


def test_nothing_vanishes(tmp_path: Path) -> None:
    more = [
        f"T8\tDiscard {at('Monday')}\tMonday",
        "R1\tCoref Arg1:T1 Arg2:T5",
        "*\tEquiv T1 T5",
        "N1\tReference T1 Wikidata:Q1\tBrandt",
        "#1\tAnnotatorNotes T1\tIs this one person?",
        "M1\tNegation E1",
        "A1\tRole T1 mayor",
    ]
    imported = load(collection(tmp_path / "c", bridge=annotations(*more)), {})
    assert Counter(x.what for x in imported.losses) >= Counter(
        [
            "span `Discard` belongs to no event: not carried",
            "`Coref` is not read",
            "`Equiv` is not read",
            "`Reference` is not read",
            "note `AnnotatorNotes` is not carried",
            "attribute `Negation` of `Attribution` is not carried",
            "attribute `Role` of a span is not carried",
        ]
    )


@pytest.mark.parametrize("words", ["bridge\nmust", "bridge must"])
def test_words_that_go_over_a_line_end(words: str) -> None:
    start = TEXT.index("bridge\nmust")
    read = read_annotations(f"T1\tContent {start} {start + 11}\t{words}\nT2\tCue {at('said')}\tsaid\n", TEXT, "x.ann")
    assert [(s.id, s.line) for s in read.spans.values()] == [("T1", 1), ("T2", 2 + words.count("\n"))]


def test_offsets_that_a_program_counted_otherwise_are_found_by_the_words() -> None:
    # UTF-16 counts the dove as two
    read = read_annotations("T1\tSource 3 19\tMayor Ada Brandt\n", TEXT, "x.ann")
    assert read.spans["T1"].pieces == ((2, 18),)
    assert len(read.moved) == 1


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("T1\tSource 0 5\tnobody\n", "x.ann:1: T1: 0 5 holds '🕊 May', the line quotes 'nobody'"),
        ("T1\tSource 0 500\tnobody\n", "x.ann:1: T1: 0 500 lies outside the text"),
        (f"T1\tCue {at('said')}\tsaid\nE1\tSay:T1 Source:T2\n", "x.ann:2: E1: Source T2 does not exist"),
        (f"T1\tCue {at('said')}\tsaid\n" * 2, "x.ann:2: T1 stands twice"),
        ("war\n", "x.ann:1: 'war' is no line of a brat annotation file"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(raw: str, message: str) -> None:
    with pytest.raises(DataError) as error:
        read_annotations(raw, TEXT, "x.ann")
    assert message in str(error.value) and "→" in str(error.value)


def test_an_annotation_without_its_text(tmp_path: Path) -> None:
    (tmp_path / "lonely.ann").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match=r"lonely.ann: its text is not there(.|\n)*put lonely.txt beside it"):
        list(read_documents(tmp_path))


@pytest.mark.skipif(external("polnear") is None, reason="no PolNeAR: HARNESS_EXTERNAL names its folder")
def test_all_spans_of_polnear_match_their_words() -> None:
    folder = external("polnear")
    assert folder is not None
    spans = moved = 0
    for part in ("train", "dev"):
        for document in read_documents(folder / part):
            for _, read in document.layers.values():
                spans += len(read.spans)
                moved += len(read.moved)
    # as many as `grep -hc '^T[0-9]' */attributions/*.ann` adds up to
    lines = sum(
        raw.startswith("T") and raw[1:2].isdigit()
        for file in folder.glob("*/attributions/*.ann")
        for raw in file.read_text(encoding="utf-8").split("\n")
    )
    assert (spans, moved) == (lines, 0)
