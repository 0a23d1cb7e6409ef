"""Tiny random causal models of real classes, saved and loaded by the real path; a byte is a token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.models.causal import CausalModel
from harness.models.source import resolve

BOS, EOS = "<s>", "</s>"


def byte_tokenizer(*, bos: bool = False, template: str | None = None) -> Any:
    """256 bytes, `<s>` and `</s>`; with `bos` it starts every text with `<s>`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {symbol: n for n, symbol in enumerate([BOS, EOS, *alphabet])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    if bos:
        backend.post_processor = processors.TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, 0)])
    tokenizer: Any = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token=BOS, eos_token=EOS, pad_token=EOS)
    tokenizer.chat_template = template
    return tokenizer


def save_tiny(folder: Path, kind: str = "llama", *, tokenizer: Any = None, window: int = 256, **config: Any) -> Path:
    """Saves a random model of that architecture; weights are large, so that its logits differ visibly."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    shape = {
        "vocab_size": 258,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": window,
        "initializer_range": 0.4,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 1,
    }
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **(shape | config)), dtype=torch.float32)
    model.save_pretrained(folder)
    (tokenizer or byte_tokenizer()).save_pretrained(folder)
    return folder


def load_tiny(folder: Path, kind: str = "llama", **config: Any) -> CausalModel:
    """The model as the harness loads it."""
    return CausalModel.load(resolve(str(save_tiny(folder, kind, **config))), "cpu", "float32")
