"""Sentence and token embeddings: the same as by hand, whatever the batch; what lies beyond the window is read in a window of its own, or counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import ModelError
from harness.models.embedder import MINILM, Embedder
from harness.models.source import resolve
from tests import tiny_encoders as tiny

TEXTS = ["War.", "The river council meets.", "General Olm warned that shutting them would bring war."]


@pytest.fixture
def embedder(tmp_path: Path) -> Embedder:
    return Embedder.load(resolve(str(tiny.bert(tmp_path))), "cpu")


def test_vectors_are_the_normalised_mean_of_token_vectors(embedder: Embedder) -> None:
    import torch

    got = embedder.embed(TEXTS)
    for text, vector in zip(TEXTS, got, strict=True):
        inputs = embedder.tokenizer(text, return_tensors="pt")
        with torch.inference_mode():
            hidden = embedder.model(**inputs).last_hidden_state[0].mean(dim=0).numpy()
        assert vector == pytest.approx(hidden / np.linalg.norm(hidden), abs=1e-5)


def test_batches_change_nothing_and_repeats_are_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = resolve(str(tiny.bert(tmp_path)))
    together, tight = Embedder.load(source, "cpu"), Embedder.load(source, "cpu")
    assert together.embed(TEXTS) == pytest.approx(tight.embed(TEXTS, budget=1), abs=1e-6)
    monkeypatch.setattr(together, "_forward", lambda *_: pytest.fail("asked the model again"))
    assert together.embed(list(reversed(TEXTS))) == pytest.approx(together.embed(TEXTS)[::-1])
    assert together.embed([]).shape == (0, 16)


def test_sentence_transformers_files_set_window_and_pooling(tmp_path: Path) -> None:
    folder = tiny.bert(tmp_path)
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 6}))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    embedder = Embedder.load(resolve(str(folder)), "cpu")
    assert (embedder.window, embedder.pooling) == (6, "cls")
    whole, begins, ends = embedder.embed(["the river council meets the river", "the river council meets", "the river"])
    assert whole == pytest.approx((begins + ends) / np.linalg.norm(begins + ends), abs=1e-5), (
        "two windows of six tokens"
    )
    hidden, _ = embedder._forward([embedder.tokenizer(TEXTS[0]).input_ids], 2)
    assert embedder.embed(TEXTS[:1])[0] == pytest.approx(hidden[0, 0] / np.linalg.norm(hidden[0, 0]), abs=1e-5)


def test_token_vectors_leave_special_tokens_out_and_count_the_rest(embedder: Embedder) -> None:
    words = "the river council meets " * 10
    vectors, cut = embedder.token_embeddings([*TEXTS, words], layer=1)
    plain = [embedder.tokenizer(t, add_special_tokens=False).input_ids for t in [*TEXTS, words]]
    assert [len(v) for v in vectors] == [len(p) for p in plain[:3]] + [30]
    assert cut == [0, 0, 0, 10]
    assert embedder.tokens([*TEXTS, words]) == [*plain[:3], plain[3][:30]]
    import torch

    with torch.inference_mode():
        states: Any = embedder.model(**embedder.tokenizer(TEXTS[1], return_tensors="pt"), output_hidden_states=True)
    assert vectors[1] == pytest.approx(states.hidden_states[1][0, 1:-1].numpy(), abs=1e-5)
    last, _ = embedder.token_embeddings(TEXTS[1:2])
    assert last[0] == pytest.approx(states.last_hidden_state[0, 1:-1].numpy(), abs=1e-5)


def test_a_layer_that_does_not_exist_is_named(embedder: Embedder) -> None:
    with pytest.raises(ModelError, match="has layers 0 to 2, not 3"):
        embedder.token_embeddings(TEXTS, layer=3)


def test_the_embedded_model_knows_what_is_similar() -> None:
    embedder = Embedder.load(resolve(MINILM), "cpu")
    assert (embedder.window, embedder.pooling, embedder.dimension) == (256, "mean", 384)
    leader, minister, fruit = embedder.embed(
        ["The president threatens war.", "A leader warns of military action.", "Bananas are a sweet fruit."]
    )
    assert np.linalg.norm(leader) == pytest.approx(1)
    assert leader @ minister > 0.4 > leader @ fruit
