"""What ends an answer: a GGUF's further ends, tokens by their names, what the template closes a turn with; marks of roles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.config import SystemConfig
from harness.models.causal import CausalModel
from harness.models.choosing import Decoding
from harness.models.ends import gguf_ends, unnamed_ends
from harness.models.generation import generate
from harness.models.source import ModelSource, resolve
from harness.runs.usage import strangers
from harness.systems.registry import build
from tests.tiny import byte_tokenizer, save_tiny

GEMMA = (
    "{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content }}<end_of_turn>\n"
    "{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
PHI = (
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
GPT_OSS = (
    "{% for m in messages %}<|start|>{{ m.role }}<|channel|>final<|message|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
NAMES = [
    "<start_of_turn>",
    "<end_of_turn>",
    "<|end|>",
    "<|user|>",
    "<|assistant|>",
    "<|start|>",
    "<|channel|>",
    "<|message|>",
]


def chat_model(folder: Path, template: str) -> CausalModel:
    tokenizer = byte_tokenizer(template=template)
    tokenizer.add_special_tokens({"additional_special_tokens": NAMES})
    return CausalModel.load(
        resolve(str(save_tiny(folder, tokenizer=tokenizer, vocab_size=258 + len(NAMES)))), "cpu", "float32"
    )


def ids(model: CausalModel, *names: str) -> list[int]:
    return [model.tokenizer.get_added_vocab()[name] for name in names]


@pytest.mark.parametrize(
    ("template", "ends"),
    [(GEMMA, ["<end_of_turn>"]), (PHI, ["<end_of_turn>", "<|end|>"]), (GPT_OSS, ["<end_of_turn>"])],
    ids=["gemma", "phi", "gpt-oss"],
)
def test_a_token_that_closes_a_turn_ends_an_answer_whatever_the_configs_name(
    tmp_path: Path, template: str, ends: list[str]
) -> None:
    model = chat_model(tmp_path, template)
    # <|end|> stands between gpt-oss's thought and its answer
    assert list(model.eos_ids) == [1, *ids(model, *ends)]


def test_an_answer_stops_at_the_end_of_its_turn(tmp_path: Path) -> None:
    model = chat_model(tmp_path, GEMMA)
    [end] = ids(model, "<end_of_turn>")
    [free] = generate(model, ["Nothing else:"], Decoding(max_new_tokens=12))
    weight = model.model.get_output_embeddings().weight
    # what the model says third is said by the end of turn from now on
    weight.data[[end, free.tokens[2]]] = weight.data[[free.tokens[2], end]]
    model.model.save_pretrained(tmp_path)
    changed = CausalModel.load(resolve(str(tmp_path)), "cpu", "float32")
    [answer] = generate(changed, ["Nothing else:"], Decoding(max_new_tokens=12))
    assert (answer.tokens, answer.finish) == (free.tokens[:2], "eos")


@pytest.mark.parametrize(
    ("template", "mark"),
    [(GEMMA, "<start_of_turn>user"), (PHI, "<|assistant|>"), (GPT_OSS, "<|start|>user<|channel|>final<|message|>")],
    ids=["gemma", "phi", "gpt-oss"],
)
def test_a_mark_of_the_roles_shows_that_the_model_went_on_as_somebody_else(
    tmp_path: Path, template: str, mark: str
) -> None:
    model = chat_model(tmp_path, template)
    assert model.role_mark(model.encode(f"Peace now.\n{mark}\nAnd then?")) == mark
    assert model.role_mark(model.encode("The user said: no. The assistant left.")) is None


def test_such_answers_are_counted_in_the_notes(tmp_path: Path) -> None:
    from harness.results.records import SystemUse

    use = SystemUse(
        name="mine", kind="summariser", fingerprint="x", description="", identity={}, n_items=9, n_computed=9, n_failed=0,
        tokens_in=0, tokens_out=0, seconds=0, paths={"rows": 7, "rows+role_mark": 2},
    )  # fmt: skip
    assert "in 2 of 9 answers" in str(strangers(use))
    assert strangers(use.model_copy(update={"paths": {"rows": 9}})) is None


def gguf(path: Path, eos: int, **numbers: int) -> ModelSource:
    from gguf import GGUFWriter

    writer = GGUFWriter(path, "llama")
    writer.add_eos_token_id(eos)
    for key, value in numbers.items():
        writer.add_uint32(f"tokenizer.ggml.{key}_token_id", value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return ModelSource(str(path), "gguf", path)


def test_a_gguf_names_further_ends(tmp_path: Path) -> None:
    source = gguf(tmp_path / "a.gguf", 1, eot=106, eom=7)
    assert (gguf_ends(source), unnamed_ends(source)) == ((106, 7), [106, 7])
    assert unnamed_ends(gguf(tmp_path / "b.gguf", 106, eot=106)) == [], "transformers read that one"
    assert gguf_ends(gguf(tmp_path / "c.gguf", 1)) == ()


def test_only_models_that_forgot_an_end_have_a_new_fingerprint(tmp_path: Path) -> None:
    def identity(folder: Path) -> dict[str, Any]:
        options = {"model": str(folder), "prompt": "{article} Summarise it."}
        return build("summariser", SystemConfig(name="mine", adapter="causal", **options)).identity()

    model = chat_model(tmp_path, GEMMA)
    [end] = ids(model, "<end_of_turn>")
    assert identity(tmp_path)["ends"] == [end]
    named = json.loads((tmp_path / "generation_config.json").read_text(encoding="utf-8"))
    (tmp_path / "generation_config.json").write_text(json.dumps(named | {"eos_token_id": [1, end]}), encoding="utf-8")
    assert "ends" not in identity(tmp_path)
    assert "ends" not in identity(save_tiny(tmp_path / "plain"))
