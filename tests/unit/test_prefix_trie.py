"""Trie and plain path agree on tiny models of real classes, and models that the trie does not fit take the plain one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from harness.errors import ModelError, WindowExceeded
from harness.models import prefix_trie
from harness.models.attention import Unsupported
from harness.models.causal import CausalModel
from harness.models.prefix_trie import Option, OptionScore, score, score_plain, trie_holds
from tests.tiny import load_tiny

ARTICLE = "The council met. Minister Brandt demanded war. "
GROUPS = [
    [
        Option(f"{ARTICLE}{s} is ", c, "N/A:")
        for s in ("Olm", "Brandt", "Adler")
        for c in ("for it", "for us", "against")
    ],
    [Option("Another text: ", "a b")],
    [],
    [Option("Same", " same"), Option("Same", " same"), Option("Same", " same and longer")],
]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_tiny(tmp_path_factory.mktemp("llama"))


def worst(model: CausalModel, groups: list[list[Option]] = GROUPS, **arguments: Any) -> float:
    ours, plain = score(model, groups, **arguments), score_plain(model, groups)
    assert [len(g) for g in ours] == [len(g) for g in groups]
    pairs = [(a, b) for one, two in zip(ours, plain, strict=True) for a, b in zip(one, two, strict=True)]
    assert {b.path for _, b in pairs} == {"plain"}
    frees = [abs((a.free_logprob or 0) - (b.free_logprob or 0)) for a, b in pairs]
    return max([abs(a.logprob - b.logprob) for a, b in pairs] + frees)


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("llama", {}),
        ("gpt2", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256, "num_key_value_heads": None}),
        ("qwen2", {}),
        ("phi3", {}),
        ("granite", {"logits_scaling": 3.0}),
        ("cohere", {"logit_scale": 0.5}),
        ("mistral", {"sliding_window": 4096}),
    ],
)
def test_the_trie_gives_the_plain_log_probabilities(tmp_path: Path, kind: str, config: dict[str, Any]) -> None:
    model = load_tiny(tmp_path, kind, **config)
    assert trie_holds(model)
    assert worst(model) < 1e-4
    assert {s.path for g in score(model, GROUPS) for s in g} == {"prefix_trie"}


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("mistral", {"sliding_window": 8}),
        ("gemma2", {}),
        ("mamba", {"state_size": 8}),
        ("bloom", {"n_head": 4, "n_layer": 2}),
    ],
)
def test_where_the_trie_does_not_hold_the_plain_path_runs(tmp_path: Path, kind: str, config: dict[str, Any]) -> None:
    model = load_tiny(tmp_path, kind, **config)
    assert not trie_holds(model)
    assert {s.path for g in score(model, GROUPS) for s in g} == {"plain"}


def test_texts_within_a_sliding_window_take_the_trie_and_longer_ones_do_not(tmp_path: Path) -> None:
    model = load_tiny(tmp_path, "mistral", sliding_window=45)
    ours = score(model, [GROUPS[1], GROUPS[0]])
    assert [{s.path for s in g} for g in ours] == [{"prefix_trie"}, {"plain"}] or worst(model) < 1e-4
    assert worst(model, [GROUPS[1]]) < 1e-4 and score(model, [GROUPS[1]])[0][0].path == "prefix_trie"
    assert score(model, [GROUPS[0]])[0][0].path == "plain"


def test_the_plain_path_is_one_ordinary_forward_pass_per_option(llama: CausalModel) -> None:
    for option, found in zip(GROUPS[0], score_plain(llama, GROUPS)[0], strict=True):
        context, continuation = llama.encode_pairs([(option.context, option.continuation)])[0]
        logits = llama.model(torch.tensor([context + continuation])).logits[0].log_softmax(-1)
        places = range(len(context) - 1, len(context) + len(continuation) - 1)
        expected = sum(float(logits[at, token]) for at, token in zip(places, continuation, strict=True))
        assert found.logprob == pytest.approx(expected, abs=1e-5)
        assert (found.n_context, found.n_tokens) == (len(context), len(continuation))


@pytest.mark.parametrize("budget", [8192, 100, 60, 5])
def test_a_trie_over_the_budget_is_split_and_says_the_same(llama: CausalModel, budget: int) -> None:
    assert worst(llama, budget=budget) < 1e-4


def test_small_blocks_say_the_same(llama: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefix_trie, "_BLOCK", 3)
    assert worst(llama) < 1e-4


def test_running_out_of_memory_halves_the_budget(llama: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    real, sizes = prefix_trie.trie_pass, []

    def fail_when_large(model: CausalModel, parts: Any, **arguments: Any) -> Any:
        sizes.append(sum(len(p) for p in parts))
        if sizes[-1] > 12:
            raise torch.OutOfMemoryError("too much")
        return real(model, parts, **arguments)

    expected = score(llama, GROUPS)
    monkeypatch.setattr(prefix_trie, "trie_pass", fail_when_large)
    monkeypatch.setattr(prefix_trie, "_PACK", 8192)
    found = score(llama, GROUPS, budget=200)
    assert sizes[0] > 12 and sizes[-1] <= 12
    for one, two in zip(expected, found, strict=True):
        assert [s.logprob for s in one] == pytest.approx([s.logprob for s in two], abs=1e-4)


def test_a_failed_pass_falls_back_and_loses_nothing(llama: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise Unsupported("not today")

    trie_holds(llama)
    monkeypatch.setattr(prefix_trie, "trie_pass", refuse)
    assert score(llama, GROUPS) == score_plain(llama, GROUPS)


def test_normalisations() -> None:
    found = OptionScore(-6.0, "plain", n_tokens=3, n_context=5, free_logprob=-7.5)
    assert found.value("sum") == -6.0
    assert found.value("mean") == -6.0 / 3
    assert found.value("pmi") == -6.0 + 7.5
    with pytest.raises(ModelError, match="free_context"):
        OptionScore(-6.0, "plain", 3, 5).value("pmi")


def test_too_long_and_empty_options_are_errors(llama: CausalModel) -> None:
    with pytest.raises(WindowExceeded, match="305 tokens"):
        score(llama, [[Option("x" * 300, " long")]])
    with pytest.raises(ModelError, match="must not be empty"):
        score(llama, [[Option("x", "")]])


def test_the_attention_of_the_model_is_put_back(llama: CausalModel) -> None:
    before = llama.model.config._attn_implementation
    score(llama, GROUPS)
    assert llama.model.config._attn_implementation == before == "sdpa"
