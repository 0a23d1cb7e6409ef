"""Words of the command line reach Hydra whole: paths of any kind, flags anywhere, errors that say what to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from harness.config import SystemConfig, parse_run_config
from harness.errors import ConfigError
from harness.runs.composition import readable
from harness.runs.overrides import prepared, quoted


def value_of(word: str) -> object:
    [prepared_word] = prepared([word])
    return OverridesParser.create().parse_override(prepared_word).value()


@pytest.mark.parametrize(
    "path",
    [
        "Op-ed (final).txt",
        "my texts, June",
        "a=b/c",
        "it's.txt",
        "a[1].txt",
        "é/ü?!.txt",
        "a#b",
        "back\\",
        "C:\\x y",
        "{x}y",
        "null.txt",
    ],
)
def test_a_path_is_taken_as_it_is(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if path.startswith("{"):
        (tmp_path / path).mkdir()
    assert value_of(f"dataset.path={path}") == path
    assert value_of(f"results={path}") == path


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_a_quoted_text_comes_back(text: str) -> None:
    # an interpolation stays one
    if "$" not in text:
        assert OverridesParser.create().parse_override(f"++a={quoted(text)}").value() == text


def test_home_and_quotations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert value_of("dataset.path=~/x, y/") == "/home/ada/x, y/"
    assert value_of("dataset.path='quoted already'") == "quoted already"


def test_commas_part_paths_in_a_sweep_unless_there_is_such_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert prepared(["-m", "dataset.path=a b,c"]) == ["-m", "++dataset.path='a b',c"]
    (tmp_path / "my texts, June").mkdir()
    assert prepared(["dataset.path=my texts, June", "-m"]) == ["-m", "++dataset.path='my texts, June'"]


def test_flags_stand_anywhere() -> None:
    words = ["stance=mine", "--config-dir", "D", "limit=2", "-m", "--cfg", "job"]
    assert prepared(words) == ["--config-dir", "D", "-m", "--cfg", "job", "stance=mine", "limit=2"]


def test_a_value_that_hydra_cannot_read_says_how_to_quote() -> None:
    with pytest.raises(ConfigError) as caught:
        readable(prepared(["stance.name=a (b) = c"]))
    assert caught.value.hint == "quote it twice, once for the shell: \"stance.name='a (b) = c'\""


def test_one_id_is_a_list_of_one() -> None:
    raw = {"dataset": {"path": "d", "targets": "escalation"}, "articles": "one-id"}
    config = parse_run_config(raw)
    assert config.articles == ["one-id"]
    assert config.dataset.targets == ["escalation"]
    assert "allow_code" not in config.identity(), "run ids stay what they were"


def test_a_class_has_no_leftovers_of_the_default() -> None:
    assert prepared(["stance.class=my.py:Mine"]) == ["stance=none", "++stance.class='my.py:Mine'"]
    section = SystemConfig.model_validate({"name": "none", "adapter": "none", "class": "dir/my.py:My_Own", "k": 3})
    assert (section.name, section.adapter, section.place, section.options) == (
        "my_own",
        "class",
        "dir/my.py:My_Own",
        {"k": 3},
    )


def test_no_choice_of_a_group_is_its_none() -> None:
    assert prepared(["judge=null", "stance=majority"]) == ["judge=none", "stance=majority"]
    with pytest.raises(ConfigError, match="a dataset has to be chosen"):
        prepared(["dataset=null"])
