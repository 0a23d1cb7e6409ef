"""No secret gets into a config or a record: what looks like one is found at any depth, and a key is replaced however it is quoted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.config import SystemConfig, parse_run_config
from harness.errors import ConfigError
from harness.results.records import Failure, RunRecord
from harness.runs.sweep import run
from harness.runtime.secrets import keyless, secrets_in, secrets_in_overrides, without

CONFIGS = Path(__file__).parents[2] / "configs"
S = "S3CR3T"

HOLD_ONE: list[dict[str, Any]] = [
    {"base_url": f"http://h/v1?api_key={S}"},
    {"base_url": f"http://h/v1?x=1&key={S}"},
    {"base_url": f"http://h/v1?token={S}"},
    {"base_url": f"http://h/v1?access_token={S}"},
    {"base_url": f"http://h/v1?sig={S}&x=1"},
    {"base_url": f"http://h/v1?%61pi_key={S}"},
    {"base_url": f"http://h/v1?X-Amz-Signature={S}"},
    {"base_url": f"http://h/v1#access_token={S}"},
    {"base_url": f"http://me:{S}@h/v1"},
    {"base_url": f"http://{S}@h/v1"},
    {"extra_body": {"api_key": S}},
    {"extra_body": {"api_key": 123456}},
    {"extra_body": {"nested": [{"apiKey": S}]}},
    {"extra_body": {"token": S}},
    {"extra_body": {"hf_token": S}},
    {"extra_body": {"client_secret": S}},
    {"extra_body": {"auth": ["me", S]}},
    {"extra_body": {"password": {"plain": S}}},
    {"extra_body": {"extra_headers": {"Authorization": f"Digest {S}"}}},
    {"extra_body": {"extra_headers": {"X-Api-Key": S}}},
    {"extra_body": {"extra_headers": [["X-Api-Key", S]]}},
    {"extra_body": {"extra_headers": [{"name": "X-Api-Key", "value": S}]}},
    {"extra_body": {"header": f"X-Api-Key: {S}"}},
    {"extra_body": {"header": f"Bearer {S}"}},
    {"extra_body": {"header": f"Authorization: Bearer {S}"}},
    {"extra_body": f'{{"api_key": "{S}"}}'},
    {"extra_body": f"{{api_key: {S}}}"},
    {"system": f"use sk-{S}"},
    {"description": f"hf_{S}abc"},
    {"extra_body": {f"sk-{S}": 1}},
    {"extra_body": {"callback": f"https://me:{S}@h/"}},
    {"api_key": S},
    {"openai_api_key": S},
    {"OPENAIAPIKEY": S},
    {"api_key_env": f"sk-{S}"},
    {"api_key_env": f"AKIA{S}ABCDEFGH"},
]


@pytest.mark.parametrize("options", HOLD_ONE, ids=str)
def test_a_secret_is_refused_and_not_repeated(options: dict[str, Any]) -> None:
    section = {"name": "endpoint", "adapter": "endpoint", **options}
    [finding, *_] = secrets_in(section)
    assert S not in finding
    with pytest.raises(ConfigError, match="api_key_env") as error:
        parse_run_config({"dataset": {"path": "x"}, "stance": section})
    assert S not in str(error.value)
    if "description" not in options:
        with pytest.raises(ValueError, match="api_key_env"):
            SystemConfig.model_validate(section)


@pytest.mark.parametrize(
    "path", ["dataset.path", "dataset.description", "articles", "results", "metrics.bertscore.model"]
)
def test_secrets_are_found_in_every_section(path: str) -> None:
    raw: Any = [f"sk-{S}0123456789"] if path == "articles" else f"https://me:{S}@h/x"
    for step in reversed(path.split(".")):
        raw = {step: raw}
    with pytest.raises(ConfigError, match=path) as error:
        parse_run_config({"stance": {"name": "endpoint", "adapter": "endpoint"}, **raw})
    assert S not in str(error.value)


def test_what_only_sounds_like_a_secret_is_none() -> None:
    harmless: list[dict[str, Any]] = [
        {"max_tokens": 5, "min_new_tokens": 3, "context_tokens": 9, "token_budget": 7, "tokens": 1, "pad_token": "<s>"},
        {"tokenizer": "gpt2", "stop_token_ids": [1, 2], "prompt_cache_key": "news", "use_auth_token": True},
        {"api_key": None, "api_key_env": "MY_KEY", "token": ""},
        {"extra_body": {"schema": {"properties": {"key": {"type": "string"}, "secretary": {"type": "string"}}}}},
        {"prompt": "Is the standard bearer a secretary? key=1\nAnswer: {article}\nThe secret: none that we know"},
        {"model": "org/sk-news-bert", "name": "hf_bart_large", "base_url": "http://127.0.0.1:8000/v1"},
        {"base_url": "http://h/v1/@x"},
    ]
    for options in harmless:
        assert secrets_in(options) == [], options
    for file in CONFIGS.rglob("*.yaml"):
        assert secrets_in(yaml.safe_load(file.read_text(encoding="utf-8"))) == [], file


def test_the_value_of_the_variable_is_found_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "plain-value-99\n")
    for options in ({"system": "say plain-value-99!"}, {"extra_body": {"plain-value-99": [1]}}):
        [finding] = secrets_in({"api_key_env": "MY_KEY", **options})
        assert "plain-value" not in finding
        assert secrets_in(options) == []
    monkeypatch.setenv("MY_KEY", "none")
    assert secrets_in({"api_key_env": "MY_KEY", "system": "none"}) == [], "too short to be more than a word"


@pytest.mark.parametrize(
    "override",
    [
        f"stance.base_url=http://h/v1?api_key={S}",
        f"+stance.extra_body.api_key={S}",
        f"+stance.extra_body={{api_key: {S}}}",
        f"+stance.extra_body={{api_key:{S}}}",
        f"+stance.extra_body={{a: [{{token: {S}}}]}}",
        f"stance.extra_body='{{api_key: {S}}}'",
        f"stance.api_key_env=sk-{S}",
        f"stance.api_key_env=MY_KEY,sk-{S}",
        f"stance.system=sk-{S},sk-{S}",
        f"hydra.job.env_set.MY_API_KEY={S}",
        f"sk-{S}",
    ],
)
def test_an_override_with_a_secret_is_refused_before_it_is_composed(
    override: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        run("stance=endpoint", override)
    assert S not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_other_overrides_are_let_through() -> None:
    assert (
        secrets_in_overrides(["-m", "limit=3", "stance.api_key_env=A,B", "stance.model=[", "~x", "stance.max_tokens=5"])
        == []
    )


def test_a_key_is_replaced_however_it_is_quoted() -> None:
    key = 'ab/c+"d\\e=12'
    for quoted in (key, json.dumps(key), json.dumps(key).replace("/", r"\/"), repr(key), "ab%2Fc%2B%22d%5Ce%3D12"):
        found = without(f"<{quoted}>", key)
        assert "12" not in found, quoted
        assert "***" in found
    assert without("EMPTY is no EMPTYness", "EMPTY") == "*** is no EMPTYness"
    assert without("text", None) == "text"


def test_the_beginning_of_a_key_is_as_good_as_the_key() -> None:
    key = "sk-proj-abcdefghijkl-XYZ"
    assert without(f"{key} is refused", key) == "*** is refused"
    assert without("sk-proj-abcdefgh… is refused, so is sk-proj-abcd", key) == "***… is refused, so is ***"
    assert without("keys begin with sk-proj-", key) == "keys begin with sk-proj-"


def test_a_record_holds_no_value_of_a_variable_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "plain-value-99")
    failure = Failure(type="X", message="got plain-value-99", traceback="a\nX: got 'plain-value-99'")
    config = {"stance": {"api_key_env": "MY_KEY"}, "metrics": {"seed": 0}}
    record = RunRecord(run_id="r", status="failed", config=config, overrides=["a=plain-value-99"], error=failure)
    clean = keyless(record)
    assert "plain-value" not in repr(clean)
    assert clean.error is not None
    assert clean.error.message == "got ***"
    assert clean.config == config
    monkeypatch.delenv("MY_KEY")
    assert keyless(record) is record
