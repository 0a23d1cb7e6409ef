"""Speakers are found by name, alias, role and metonym, in any script, and not where a name is another's."""

from __future__ import annotations

import pytest

from harness.text.speaker_mentions import mentioned, mentions
from harness.types import Speaker

PUTIN = Speaker("putin", "Vladimir Putin", side="russia", role="president of Russia")
MOSCOW = Speaker("moscow", "Russian government", ("the Kremlin",), side="russia", role="government", kind="institution")
ALDIS = Speaker("aldis", "Aldis Verrin", role="chairman of the defence committee")
JOSUNE = Speaker("josune", "Josune Verrin", role="deputy for the fishing ports")
SHARIF = Speaker("sharif", "Nawaz Sharif", ("the general",), role="prime minister of Pakistan")
ERDOGAN = Speaker("erdogan", "Recep Tayyip Erdoğan", role="president of Turkey")
LAVROV = Speaker("lavrov", "Сергей Лавров")
MOSCOW_RU = Speaker("moskva", "Москва", kind="institution")
ARABIC = Speaker("elbaradei", "محمد البرادعي")
TEAM = Speaker("team", "the Pentagon's leaders", kind="institution")
HAN = Speaker("beijing", "北京", kind="institution")
EVERYBODY = (PUTIN, MOSCOW, ALDIS, JOSUNE, SHARIF, ERDOGAN)


@pytest.mark.parametrize(
    ("speaker", "text"),
    [
        (PUTIN, "Vladimir Putin spoke."),
        (PUTIN, "It is Putin’s war."),
        (PUTIN, "vladimir putin said so in a text without capitals"),
        (PUTIN, "VLADIMIR PUTIN SPEAKS"),
        (PUTIN, "Vladimir spoke."),
        (PUTIN, "The Russian president spoke."),
        (PUTIN, "Russia's president spoke."),
        (PUTIN, "So said the president."),
        (MOSCOW, "Moscow warned."),
        (MOSCOW, "Kremlin sources say."),
        (MOSCOW, "Russian officials said no."),
        (SHARIF, "Pakistan’s prime minister spoke."),
        (SHARIF, "Then the prime minister spoke."),
        (SHARIF, "Yesterday the general spoke."),
        (ERDOGAN, "Erdogan refused."),
        (LAVROV, "По словам Лаврова, нет."),
        (MOSCOW_RU, "Об этом сообщили в Москве."),
        (ARABIC, "وقال البرادعي"),
        (ARABIC, "وللبرادعي رأي"),
        (TEAM, "Pentagon's leaders cautioned."),
        (HAN, "今天北京警告"),
        (ALDIS, "Verrin wants guns."),
        (JOSUNE, "Verrin wants guns."),
    ],
)
def test_found(speaker: Speaker, text: str) -> None:
    others = (PUTIN, MOSCOW, ALDIS, JOSUNE) if speaker in (PUTIN, MOSCOW, ALDIS, JOSUNE) else (speaker,)
    assert mentioned(speaker, text, others)


@pytest.mark.parametrize(
    ("speaker", "text"),
    [
        (PUTIN, ""),
        (PUTIN, "Rasputin spoke of Putinism."),
        (PUTIN, "The anti-Putin camp and Putin-era laws."),
        (PUTIN, "Vladimir Zelensky spoke."),
        (PUTIN, "The American president spoke."),
        (PUTIN, "The former Russian president spoke."),
        (MOSCOW, "Pro-Moscow rebels, a Moscow-backed militia."),
        (MOSCOW, "Russian soldiers."),
        (JOSUNE, "Aldis Verrin wants guns."),
        (ALDIS, "Josune Verrin wants none."),
        (SHARIF, "He is wrong in general, and so is general opinion."),
        (SHARIF, "The British prime minister spoke, and the prime minister of India."),
        (SHARIF, "Its deputy prime minister spoke."),
        (LAVROV, "Лавровый лист."),
    ],
)
def test_not_found(speaker: Speaker, text: str) -> None:
    assert not mentioned(speaker, text, EVERYBODY)


def test_a_role_that_two_share_is_nobodys() -> None:
    first, second = (Speaker(i, n, role="foreign minister") for i, n in (("a", "Ann Oak"), ("b", "Bob Elm")))
    assert not mentioned(first, "The foreign minister spoke.", (first, second))
    assert mentioned(first, "The foreign minister spoke.", (first,))


def test_a_place_that_another_speaker_is_called_is_no_metonym() -> None:
    london = Speaker("london", "British government", kind="institution")
    downing_street = Speaker("ds", "Downing Street", kind="institution")
    assert not mentioned(london, "Downing Street said no.", (london, downing_street))
    assert mentioned(london, "London said no.", (london, downing_street))


AMERICA = Speaker("america", "United States", ("US",), kind="institution")
NATIONS = Speaker("un", "United Nations", ("U.N.",), kind="group")


@pytest.mark.parametrize(
    ("speaker", "text"),
    [
        (AMERICA, "The US said no."),
        (AMERICA, "The U.S. said no."),
        (AMERICA, "THE US SAID NO"),
        (AMERICA, "the u.s. said no, and us officials agreed"),
        (AMERICA, "That is the U.S.'s plan."),
        (NATIONS, "The UN said no."),
        (NATIONS, "It is up to the U.N."),
        (NATIONS, "the un said no"),
    ],
)
def test_acronyms_with_and_without_dots(speaker: Speaker, text: str) -> None:
    assert mentioned(speaker, text, (AMERICA, NATIONS))


@pytest.mark.parametrize("text", ["he told us so", "Us it will hurt, he said.", "A U.S.-led war and a US-led war."])
def test_the_pronoun_us_is_not_the_united_states(text: str) -> None:
    assert not mentioned(AMERICA, text, (AMERICA, NATIONS))


def test_kinds_and_spans() -> None:
    text = "Moscow, that is the Kremlin's hand, or the Russian government."
    found = mentions(MOSCOW, text, EVERYBODY)
    assert [(text[m.start : m.end], m.kind) for m in found] == [
        ("Moscow", "metonym"), ("Kremlin", "alias"), ("Russian government", "name"),
    ]  # fmt: skip
