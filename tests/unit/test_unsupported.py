"""Numbers and names that a summary made up, in several notations and scripts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from harness.metrics.unsupported import unsupported_names, unsupported_numbers
from harness.text.names import names
from harness.text.numbers import numbers


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,200 men", {"1200", "1.2"}),
        ("1.5 million", {"1500000"}),
        ("$2.5bn", {"2500000000"}),
        ("one hundred and five", {"105"}),
        ("two thousand three hundred", {"2300"}),
        ("twenty-one", {"21"}),
        ("٢٠٢٤", {"2024"}),
        ("१२", {"12"}),
        ("10 000", {"10000"}),
        ("1 250 000,5 dollars", {"1250000.5", "12500005"}),
        ("in 2024 300 men, 12 3000", {"2024", "300", "12", "3000"}),
        ("the 6th fleet, a second, the sixth", {"6"}),
        ("10\u202f000", {"10000"}),
        ("24.12.2024", {"24", "12", "2024"}),
        ("dozens of men, one of them", set()),
        ("300 m of wire", {"300"}),
        ("a 300m fence", {"300", "300000000"}),
        ("£300 m and $2.5m", {"300000000", "2500000"}),
        ("half a million", {"500000"}),
        ("half-a-dozen", {"6"}),
        ("a quarter of a billion", {"250000000"}),
        ("two and a half million, 3 and a half thousand", {"2500000", "3500"}),
        ("half of the men, a quarter", set()),
        ("the twenty-first century", {"21"}),
        ("the two hundred and twenty-fifth day", {"225"}),
        ("a thirty-second delay", {"30", "32"}),
    ],
)
def test_readings_of_numbers(text: str, values: set[str]) -> None:
    assert {v for n in numbers(text) for v in n.values} == {Decimal(v) for v in values}


def test_neighbouring_number_words_stay_apart() -> None:
    assert [n.text for n in numbers("three and four, two")] == ["three", "four", "two"]


def test_unsupported_numbers() -> None:
    found = unsupported_numbers("Twelve men and 1.2 thousand others, 12 again, 77.", "12 men; 1,200 more.")
    assert found.unsupported == ("77",)
    assert found.share == pytest.approx(1 / 3)
    assert unsupported_numbers("1 man", "one man").share == 0.0
    assert unsupported_numbers("10 000 troops", "10,000 troops").unsupported == ()
    assert unsupported_numbers("10,000 troops", "10 000 troops").unsupported == ()
    assert unsupported_numbers("10 000 troops", "10 men, 5,000 troops").unsupported == ("10 000",)
    # twenty-four guns of 155 millimetres, not twenty-four thousand
    assert unsupported_numbers("24 155 mm guns", "24 guns of 155 mm").unsupported == ()
    assert unsupported_numbers("24 guns of 155 mm", "24 155 mm guns").unsupported == ()
    assert unsupported_numbers("the 6th, 12th and 30th day", "the sixth, twelfth and thirtieth day").unsupported == ()
    assert unsupported_numbers("the 6th day", "the fifth day").unsupported == ("6",)
    nothing = unsupported_numbers("No numbers.", "12")
    assert (nothing.share, nothing.reason) == (None, "the summary has no numbers")


def test_names_of_an_english_text() -> None:
    text = (
        "The White House insists. Officials said no. Blinken warned Mohammed bin Salman of Germany's, and Kyiv and U.S. "
        "troops. Later J. K. Rowling met Dr. Jones."
    )
    assert [n.text for n in names(text)] == [
        "White House", "Blinken", "Mohammed bin Salman of Germany's", "Kyiv", "U.S.", "J. K. Rowling", "Dr. Jones",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("summary", "article", "unsupported"),
    [
        ("He met Antony Blinken.", "He met Sergei Lavrov.", ("Antony Blinken",)),
        ("Putin's ally spoke to President Putin.", "Vladimir Putin spoke.", ()),
        ("It is a Russian move.", "Russia moved.", ()),
        ("He went to Niger.", "He went to Nigeria.", ("Niger",)),
        ("He saw Johnson.", "He saw John.", ("Johnson",)),
        ("It was the US and the UN.", "It was the United States and the United Nations.", ()),
        ("It was the United States.", "It was the U.S. again.", ()),
        ("Blinken warned Moscow.", "Moscow heard it.", ("Blinken",)),
        ("Protests continued.", "They went on.", ()),
    ],
)
def test_unsupported_names_in_latin(summary: str, article: str, unsupported: tuple[str, ...]) -> None:
    assert unsupported_names(summary, article).unsupported == unsupported


def test_cyrillic_names_do_not_vanish() -> None:
    found = unsupported_names("По словам Сергея Лаврова, Путина ждут в Москве.", "Путин приехал в Москву.", "ru")
    assert found.unsupported == ("Сергея Лаврова",)
    assert len(found.stated) == 3
    # In an English text, and as the first word of a sentence.
    assert unsupported_names("They quote Навальный.", "They quote Putin.").unsupported == ("Навальный",)
    assert unsupported_names("Навальный выступил.", "Путин выступил.", "ru").unsupported == ("Навальный",)


def test_arabic_names_do_not_vanish() -> None:
    found = unsupported_names("قال محمد البرادعي للرئيس", "قال الرئيس أحمد", "ar")
    assert found.unsupported == ("محمد", "البرادعي")
    assert "Arabic has no capitals" in (found.reason or "")
    assert unsupported_names("They quote البرادعي today.", "They quote Ahmad.").unsupported == ("البرادعي",)
    assert unsupported_names("وأحمد", "احمد").unsupported == ()


@pytest.mark.parametrize(("language", "name"), [("de", "German"), ("de-AT", "German"), ("lb", "Luxembourgish")])
def test_a_language_that_writes_nouns_with_capitals_is_refused_by_name(language: str, name: str) -> None:
    found = unsupported_names("Der Kanzler lehnte die Lieferung ab.", "Olaf Scholz sprach.", language)
    assert (found.stated, found.share) == ((), None)
    assert found.reason == f"{name} writes every noun with a capital, so names cannot be told from other words"


def test_an_article_is_no_name() -> None:
    article = "Στον Πούτιν, στην Αθήνα."
    greek = unsupported_names("Η Αθήνα διαμαρτυρήθηκε. Ο Πούτιν απάντησε. Της Μόσχας η θέση.", article, "el")
    assert greek.stated == ("Αθήνα", "Πούτιν", "Μόσχας")
    assert greek.unsupported == ("Μόσχας",)
    assert [n.words for n in names("La ministre est à Los Angeles. Le Kremlin nie. UN troops left.", "fr")] == [
        ("los", "angeles"), ("kremlin",), ("un",),
    ]  # fmt: skip


@pytest.mark.parametrize("summary", ["", "…", "nothing here", "北京警告"])
def test_no_names_is_no_share(summary: str) -> None:
    found = unsupported_names(summary, "Putin spoke.")
    assert found.share is None
    assert found.reason
