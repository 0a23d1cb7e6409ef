"""What is read from a model's words: one clear label or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.systems.parsing import parse_choice, parse_label
from harness.types import STANCES, Stance

OPPOSE, LEAN_OPPOSE, NEUTRAL, LEAN_SUPPORT, SUPPORT, NO_STANCE = STANCES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oppose", OPPOSE),
        ("Oppose.", OPPOSE),
        ("**Support**", SUPPORT),
        ("lean_oppose", LEAN_OPPOSE),
        ("Lean-Support", LEAN_SUPPORT),
        ("lean support\n\nBecause the minister said so, and others oppose it.", LEAN_SUPPORT),
        ("leans towards support", LEAN_SUPPORT),
        ("leaning to oppose", LEAN_OPPOSE),
        ("somewhat opposed", LEAN_OPPOSE),
        ("partially supports it", LEAN_SUPPORT),
        ("The speaker is opposed to it.", OPPOSE),
        ("They are against it.", OPPOSE),
        ("In favour of the strikes", SUPPORT),
        ("he is in favor", SUPPORT),
        ("neutral", NEUTRAL),
        ("They remain undecided.", NEUTRAL),
        ("no stance", NO_STANCE),
        ("no_stance", NO_STANCE),
        ("No clear stance", NO_STANCE),
        ("The article does not mention it: not mentioned", NO_STANCE),
        ("She does not take a clear position.", NO_STANCE),
        ("Says nothing about it", NO_STANCE),
        ("Answer: lean oppose", LEAN_OPPOSE),
        ("I first thought support, but on reflection.\nStance: oppose", OPPOSE),
        ("The options are oppose and support. The answer is: support", SUPPORT),
        ("The stance is neutral.", NEUTRAL),
        ('{"speaker": "x", "stance": "lean_support"}', LEAN_SUPPORT),
        ('Sure! ```json\n{"label": "no_stance"}\n```', NO_STANCE),
        ('He is "support"', SUPPORT),
        ("“oppose”", OPPOSE),
        ("SUPPORT\nSUPPORT\nSUPPORT", SUPPORT),
        # unclear
        ("", None),
        ("I cannot say.", None),
        ("oppose, lean_oppose, neutral, lean_support, support or no_stance", None),
        ("either support or oppose", None),
        ("does not support it", None),
        ("She doesn't oppose", None),
        ("neither supports nor opposes it", None),
        ("Stance: does not support", None),
        ('{"stance": "maybe"}', None),
        ("a supporter", None),
        ("unsupported", None),
    ],
)
def test_parse_label(text: str, expected: Stance | None) -> None:
    assert parse_label(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A", OPPOSE),
        ("b", LEAN_OPPOSE),
        (" C.", NEUTRAL),
        ("(D)", LEAN_SUPPORT),
        ("E) support", SUPPORT),
        ("**F**", NO_STANCE),
        ("Answer: B", LEAN_OPPOSE),
        ("Option E.", SUPPORT),
        ("The minister is neutral", NEUTRAL),
        ("A\n\nbecause of F", OPPOSE),
        ("B - lean oppose", LEAN_OPPOSE),
        ('{"stance": "E"}', SUPPORT),
        ("A neutral tone", NEUTRAL),
        ("G", None),
        ("Z.", None),
        ("I think so", None),
        ("Everyone agrees", SUPPORT),
        ("", None),
    ],
)
def test_parse_choice(text: str, expected: Stance | None) -> None:
    assert parse_choice(text, STANCES) is expected


@given(st.sampled_from(STANCES), st.sampled_from(["{}", "Answer: {}", "{}.", " {}\n", "Stance: **{}**", "It is {}"]))
def test_every_label_in_every_dress(label: Stance, dress: str) -> None:
    for written in (label.value, label.value.replace("_", " "), label.value.upper(), label.value.title()):
        assert parse_label(dress.format(written)) is label


@given(st.text())
def test_anything_can_be_read(text: str) -> None:
    assert parse_label(text) in {None, *STANCES}
    assert parse_choice(text, STANCES) in {None, *STANCES}


@pytest.mark.parametrize(
    "text",
    [
        "stance: " * 3000,
        '"stance":"' + " " * 24_000 + "{",
        "answer" + " " * 24_000 + "z",
        "answer:" + ":" * 24_000 + "z",
        '{"a":' * 5000,
        '{"a":[{},' * 3000,
        "{" * 24_000,
        '{"' * 12_000,
        "oppose support " * 1600,
        "notoppose " * 2400,
        "choose " + " (" * 12_000,
        "\n" * 24_000,
    ],
    ids=lambda text: text[:10],
)
def test_a_reply_that_is_made_to_be_slow_is_read(text: str) -> None:
    # some of these took from seconds to hours
    assert parse_label(text) in {None, *STANCES}
    assert parse_choice(text, STANCES) in {None, *STANCES}
