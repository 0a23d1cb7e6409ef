"""What a prompt may show, how it is filled and checked; from scores or from several windows' answers to one stance."""

from __future__ import annotations

import math

import pytest

from harness.systems.parsing import first_stance
from harness.systems.prompts import (
    FIELDS,
    fields_of,
    fill,
    places,
    require_every_label,
    require_one_article,
    require_places,
    shown_fields,
)
from harness.systems.speakers_causal import parse_speakers
from harness.systems.stance_scores import letter_scores, likeliest, softmax
from harness.types import STANCES, Article, Item, Source, Speaker, Stance, Target

OPPOSE, LEAN_OPPOSE, NEUTRAL, LEAN_SUPPORT, SUPPORT, NO_STANCE = STANCES


OLM, WAR = Speaker("olm", "Olm", role="mayor"), Target("war", "war with Brandt")
ARTICLE = Article("x", "The council meets", "  Olm wants war.\n", "e", Source("fictional"), (WAR,), (OLM,))


def test_every_field_that_a_prompt_may_show_has_a_text() -> None:
    texts = ("Olm wants war.", "The council meets", "Olm", "mayor", "war with Brandt")
    assert fields_of(Item(ARTICLE, OLM, WAR)) == dict(zip(FIELDS, texts, strict=True))
    assert fields_of(Item(ARTICLE)) == dict(zip(FIELDS, (*texts[:2], "", "", ""), strict=True))


def test_a_system_reads_what_its_prompts_show_and_nothing_else() -> None:
    shown = shown_fields(["{article} {speaker} {unknown}", "{article} {role}"], Item(ARTICLE, OLM, WAR))
    assert shown == {"article": "Olm wants war.", "speaker": "Olm", "role": "mayor"}


def test_places_are_filled_in_one_pass() -> None:
    assert fill("{speaker} wants {x}: {target}", speaker="Olm", target="{speaker}") == "Olm wants {x}: {speaker}"
    assert places('{speaker} {"json": 1} {Upper} {speaker!s} {a_b}') == {"speaker", "a_b"}


def test_a_missing_and_an_unknown_place_are_named() -> None:
    with pytest.raises(ValueError, match=r"has no \{speaker\}, \{target\}"):
        require_places("{article}", {"article", "speaker", "target"}, FIELDS)
    with pytest.raises(ValueError, match=r"nothing fills \{artcle\}; known: \{article\}, \{title\}"):
        require_places("{artcle}", (), {"title", "article"})


@pytest.mark.parametrize(
    "prompt", ["{article} {article}", "{speaker}", "{article} {speaker!s}", "{article} {target[0]}"]
)
def test_a_prompt_shows_its_article_once_and_no_place_that_stays_unfilled(prompt: str) -> None:
    with pytest.raises(ValueError, match=r"exactly once|has no|would stay as it is"):
        require_one_article(prompt)


def test_wordings_come_in_the_order_of_the_scale() -> None:
    backwards = {label: label.value for label in reversed(STANCES)}
    assert list(require_every_label(backwards)) == list(STANCES)
    with pytest.raises(ValueError, match="no wording for lean_oppose, no_stance"):
        require_every_label(dict.fromkeys((OPPOSE, NEUTRAL, LEAN_SUPPORT, SUPPORT), "x"))


@pytest.mark.parametrize(
    ("labels", "window"),
    [
        ([], None),
        ([None, None], None),
        ([None, NO_STANCE], 1),
        ([None, NO_STANCE, OPPOSE, SUPPORT], 2),
        ([NEUTRAL, OPPOSE], 0),
        ([NO_STANCE, None, NO_STANCE], 0),
    ],
)
def test_of_several_windows_the_first_with_a_stance_counts(labels: list[Stance | None], window: int | None) -> None:
    assert first_stance(labels) == window


def test_of_equal_values_the_first_on_the_scale_is_likeliest() -> None:
    assert likeliest(dict.fromkeys(STANCES, 1.0)) is OPPOSE
    assert likeliest({**dict.fromkeys(STANCES, -3.0), NEUTRAL: -1.0, SUPPORT: -1.0}) is NEUTRAL


def test_softmax_of_log_probabilities_normalises_them() -> None:
    """0.2, 0.1, 0.05, 0.05, 0.05, 0.05: their sum is 0.5, so each doubles. Values far below 0 do no harm."""
    probabilities = dict(zip(STANCES, (0.2, 0.1, 0.05, 0.05, 0.05, 0.05), strict=True))
    for shift in (0.0, -5000.0):
        scores = softmax({label: math.log(p) + shift for label, p in probabilities.items()})
        assert scores == pytest.approx({str(label): 2 * p for label, p in probabilities.items()})


def test_letters_of_a_first_token() -> None:
    """A 0.6 + 0.2; B, not listed, at most the 0.1 that the listed ones leave: 0.8 / 0.9 and 0.1 / 0.9."""
    logprobs = {token: math.log(p) for token, p in {"A": 0.6, " a": 0.2, "The": 0.1}.items()}
    assert letter_scores(logprobs, {"A": OPPOSE, "B": SUPPORT}) == pytest.approx({OPPOSE: 8 / 9, SUPPORT: 1 / 9})


def test_a_list_of_speakers_that_is_cut_off() -> None:
    reply = '[{"name": "Olm", "quotes": ["wants war", "so he said"]}, {"name": "Bra'
    assert parse_speakers(reply, "Olm wants war.") == [{"name": "Olm", "aliases": [], "quotes": ["wants war"]}]
    assert [s["name"] for s in parse_speakers(reply + 'ndt"', "Olm wants war.")] == ["Olm", "Brandt"]
