"""The decoder computes what the model's own layers compute, and is there only for what it is written for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from harness.models.attention import Heads, Masks, causal
from harness.models.decoder import decoder_of
from harness.models.generation import rows_hold
from harness.models.prefix_trie import trie_holds
from tests.tiny import load_tiny


class Causal:
    """A plan in which every token sees what is before it."""

    def __init__(self) -> None:
        self.masks: Masks = {}

    def attend(self, heads: Heads) -> torch.Tensor:
        return causal(heads.query, heads.key, heads.value, self.masks, scale=heads.scale, window=heads.window)


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("llama", {}),
        ("llama", {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}),
        ("llama", {"hidden_act": "gelu_pytorch_tanh", "num_key_value_heads": 4}),
        ("mistral", {"sliding_window": 8}),
        ("qwen2", {}),
        ("qwen3", {"head_dim": 16}),
        ("gemma3_text", {"sliding_window": 8, "query_pre_attn_scalar": 64}),
    ],
)
def test_logits_are_those_of_transformers(tmp_path: Path, kind: str, config: dict[str, Any]) -> None:
    model = load_tiny(tmp_path, kind, **config)
    decoder = decoder_of(model.model)
    assert decoder is not None and decoder.memory > 0
    for length in (1, 2, 40):
        ids = torch.arange(2 * length).view(2, length) + 5
        places = torch.arange(length)[None].expand(2, -1)
        with torch.inference_mode():
            plain = model.logits(ids)
            assert torch.allclose(decoder.logits(Causal(), ids, places), plain, atol=1e-4)
            for keep in (torch.tensor([length - 1]), torch.tensor([], dtype=torch.int64)):
                kept = decoder.logits(Causal(), ids, places, keep)
                assert torch.allclose(kept, plain[:, keep], atol=1e-4)


@pytest.mark.parametrize("config", [{"hidden_act": "relu"}, {"hidden_act": "gelu"}])
def test_what_the_decoder_does_not_know_is_left_to_the_model(tmp_path: Path, config: dict[str, Any]) -> None:
    model = load_tiny(tmp_path, "llama", **config)
    assert model.decoder is None and trie_holds(model) and rows_hold(model)


def test_a_decoder_that_says_something_else_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_tiny(tmp_path)
    assert model.decoder is not None
    monkeypatch.setattr(model.decoder, "_eps", 1.0)
    assert trie_holds(model) and model.decoder is None
    assert rows_hold(model)
