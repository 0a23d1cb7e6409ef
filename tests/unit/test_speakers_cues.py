"""The finder `cues`: who speaks in six languages, the passages it quotes, quotations without an owner."""

from __future__ import annotations

import pytest

from harness.config import SystemConfig
from harness.data.found_speakers import found_speakers, quoted_spans
from harness.systems.base import Context
from harness.systems.registry import build
from harness.systems.speakers_cues import find_speakers
from harness.text.coverage import coverage
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
    assert "no verbs of saying for the language 'sv'" in answer.error
    assert "saying.yaml" in answer.error


def test_quotations_without_an_owner_are_counted() -> None:
    one = article('Ada Brandt said: "We will not wait any longer."\n\nNight fell. "They will never take this town."\n')
    counted = coverage(one, ["Ada Brandt"])
    assert counted.n_quotations == 2
    assert [one.text[a:b] for a, b in counted.unowned] == ["They will never take this town."]
