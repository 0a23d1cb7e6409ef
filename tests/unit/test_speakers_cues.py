"""The finder `cues`: who speaks in six languages, the passages it quotes, quotations without an owner."""

from __future__ import annotations

import pytest

from harness.config import SystemConfig
from harness.data.found_speakers import found_speakers, quoted_spans
from harness.systems.base import Context
from harness.systems.registry import build
from harness.systems.speaker_candidates import candidates
from harness.systems.speakers_cues import find_speakers
from harness.text.authors import author
from harness.text.coverage import coverage
from harness.text.speaker_cues import unquoted
from harness.types import Article, Dataset, Item, Prediction, Source

TEXTS = {
    "en": (
        'Lord Peverell, a former foreign secretary who now chairs the council, told reporters: "This plan is madness."\n\n'
        'General Ulf Olm warned of war. "We will not wait," said Minister Ada Brandt.\n',
        {"Peverell", "Ulf Olm", "Ada Brandt"},
    ),
    "de": (
        "Verteidigungsministerin Clara Brandt hat gefordert, sofort zu liefern. „Wer zögert, verliert“, sagte Brandt.\n\n"
        "Oppositionsführer Matthias Olm wies das zurück. Nach Ansicht des SPD-Politikers Ralf Seeberg hilft nur Diplomatie.\n",
        {"Clara Brandt", "Matthias Olm", "Ralf Seeberg"},
    ),
    "fr": (
        "Le président Jean Morel a déclaré que la guerre était finie. « Nous voulons la paix », a dit Claire Aubert.\n",
        {"Jean Morel", "Claire Aubert"},
    ),
    "es": (
        "El ministro Óscar Núñez dijo que las armas no bastan. Según Marta Iglesias, la guerra seguirá.\n",
        {"Óscar Núñez", "Marta Iglesias"},
    ),
    "uk": (
        "Президент Олег Бондар заявив, що війна триває. «Ми не здамося», — сказала Ірина Коваль.\n",
        {"Олег Бондар", "Ірина Коваль"},
    ),
    "ru": (
        "Министр Иван Петров сказал, что войска уйдут. По словам Анны Смирновой, переговоры идут.\n",
        {"Иван Петров", "Анны Смирновой"},
    ),
}


def article(text: str, language: str = "en") -> Article:
    return Article("a", "A headline", text, "e", Source("news"), (), (), language=language)


@pytest.mark.parametrize("language", TEXTS)
def test_who_speaks_is_found_in_each_language(language: str) -> None:
    text, names = TEXTS[language]
    assert {row["name"] for row in find_speakers(article(text, language))} == names


def test_a_noun_that_speaks_is_a_group_and_no_object_is_one() -> None:
    rows = find_speakers(
        article("The rebel party says it will fight. Ada Brandt told the mayor of Riverton nothing.\n")
    )
    assert ("rebel party", "group") in {(r["name"], r["kind"]) for r in rows}
    assert not {r["name"] for r in rows} & {"mayor", "Riverton"}


def test_what_is_quoted_stands_where_it_says() -> None:
    one = article('"We go," Ada Brandt said.\n\n"We go," Ulf Olm said. He left.\n')
    system = build("speakers", SystemConfig(name="cues", adapter="cues"))
    [answer] = system.answer([Item(one)], Context(Dataset("d", "1", (one,), "")))
    prediction = Prediction("k", "cues", "speakers", "a", None, None, answer, "")
    spans = quoted_spans(prediction, one)
    # the same words twice: each speaker has the place of his own
    assert [one.text.index("We go"), one.text.rindex("We go")] == [spans[n][0][0] for n in ("Ada Brandt", "Ulf Olm")]
    assert [s.kind for s in found_speakers(prediction, one)] == ["person", "person"]


def test_a_language_without_verbs_says_so() -> None:
    one = article("Ministern sade att kriget är slut.", "sv")
    system = build("speakers", SystemConfig(name="cues", adapter="cues"))
    [answer] = system.answer([Item(one)], Context(Dataset("d", "1", (one,), "")))
    assert answer.error is not None
    assert "no finder for the language 'sv'" in answer.error
    assert "speakers.yaml" in answer.error
    assert "saying.yaml" in answer.error


OP_EDS = {
    "en": (
        "Opinion: let them pass\n\nBy Jane Doe\n\nI was at the gates. Ada Brandt said no.\n",
        "Jane Doe",
        "I was at the gates.",
    ),
    "de": (
        "Lasst sie durch\n\nIch war am Tor. Dann ging ich. Nun weiß ich: Es ist Krieg.\n",
        "der Autor",
        "Ich war am Tor.",
    ),
    "ru": ("Мнение\n\nАвтор: Иван Петров\n\nЯ был у ворот.\n", "Иван Петров", "Я был у ворот."),
    "end": ("Let them pass\n\nI was at the gates.\n\nJane Doe is a former envoy.\n", "Jane Doe", "I was at the gates."),
}


@pytest.mark.parametrize("case", OP_EDS)
def test_an_author_who_speaks_is_a_speaker(case: str) -> None:
    text, name, sentence = OP_EDS[case]
    row = find_speakers(article(text, case if case in TEXTS else "en"))[-1]
    assert row["name"] == name
    assert sentence in row["quotes"]
    # stance classifiers read the sentences in which one of the names stands
    assert row["aliases"][0].casefold() in ("i", "ich", "я")


@pytest.mark.parametrize(
    "text",
    [
        # a reporter's byline, and a first person in somebody else's mouth
        'The gates\n\nBy Jane Doe\n\n"I was there," Ada Brandt said. "I saw it."\n',
        "A talk\n\nDOE: I was there.\nOAK: I see.\nDOE: I left.\nOAK: I stay.\n",
    ],
)
def test_who_only_reports_is_none(text: str) -> None:
    assert author(article(text)) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        # initials inside a name; two apostrophes for a mark, as Nexis has them; a subject far from its verb
        ("Donald J. Oak said that it was over. Oak left.", "Donald J. Oak"),
        ("''Wait,'' said Ada Brandt. ''Ulf Olm told me so.''", "Ada Brandt"),
        ("Ada Brandt, in a long speech to a half-empty hall of the council, finally said no.", "Ada Brandt"),
        ('"We wait," officials said. According to two senior officials, the war is near.', "senior officials"),
    ],
)
def test_who_is_far_from_a_verb_is_found(text: str, name: str) -> None:
    names = [row["name"] for row in find_speakers(article(text + "\n"))]
    assert name in names
    assert "Ulf Olm" not in names


def test_a_pronoun_that_speaks_is_whom_the_sentence_before_is_about() -> None:
    gathered = candidates(article("Ada Brandt rose with Ulf Olm. She said that the war was over.\n"))
    spoken = {" ".join(c.words): "pronoun" in c.mentions[-1].cues for c in gathered}
    assert spoken == {"Ada Brandt": True, "Ulf Olm": False}


def test_quotations_are_blanked_where_they_stand() -> None:
    text = '"Go," he said. ' + "''Stay,'' she said." + '\n\n"It goes on\n\n"and on," they said, 6\'2" tall.'
    blank = unquoted(text)
    assert len(blank) == len(text)
    assert not any(word in blank for word in ("Go,", "Stay", "goes on", "and on"))
    assert all(word in blank for word in ("he said", "she said", "they said", "tall"))


def test_quotations_without_an_owner_are_counted() -> None:
    one = article('Ada Brandt said: "We will not wait any longer."\n\nNight fell. "They will never take this town."\n')
    counted = coverage(one, ["Ada Brandt"])
    assert counted.n_quotations == 2
    assert [one.text[a:b] for a, b in counted.unowned] == ["They will never take this town."]
