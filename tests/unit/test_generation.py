"""Generation on tiny models: as transformers' generate, whatever the batch; limits, seeds, memory, fallbacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import WindowExceeded
from harness.models import generation
from harness.models.causal import CausalModel
from harness.models.choosing import Decoding
from harness.models.generation import Generation, generate, plan_batches
from harness.models.packed_linear import pack_linears, packed_linears
from tests.tiny import load_tiny

PROMPTS = ["The council met. Minister Brandt demanded war.", "x", "Olm warned that", "", "The town of Ferris has not"]
PROMPTS = [p or "Nothing else:" for p in PROMPTS]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_tiny(tmp_path_factory.mktemp("llama"))


def by_transformers(model: CausalModel, prompt: str, n: int) -> tuple[int, ...]:
    ids = torch.tensor([model.encode(prompt)])
    engine: Any = model.model
    found: list[int] = engine.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=n, do_sample=False, pad_token_id=1
    )[0, ids.shape[1] :].tolist()
    return tuple(found[: found.index(1)] if 1 in found else found)


@pytest.mark.parametrize(
    ("kind", "config", "path"),
    [
        ("llama", {}, "rows"),
        ("gpt2", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256, "num_key_value_heads": None}, "rows"),
        ("qwen2", {}, "rows"),
        ("mistral", {"sliding_window": 8}, "rows"),
        ("gemma3_text", {"sliding_window": 16}, "rows"),
        ("gemma2", {}, "generate"),
        ("mamba", {"state_size": 8}, "generate"),
    ],
)
def test_greedy_tokens_are_those_of_transformers_alone_and_in_a_batch(
    tmp_path: Path, kind: str, config: dict[str, Any], path: str
) -> None:
    model = load_tiny(tmp_path, kind, **config)
    batched = generate(model, PROMPTS, Decoding(max_new_tokens=24))
    assert {g.path for g in batched} == {path}
    for prompt, found in zip(PROMPTS, batched, strict=True):
        assert generate(model, [prompt], Decoding(max_new_tokens=24)) == [found]
        assert found.tokens == by_transformers(model, prompt, 24)


def test_a_row_has_the_same_logits_in_every_batch(llama: CausalModel) -> None:
    encoded = llama.encode_many(PROMPTS)
    steps = [[n] * len(PROMPTS) for n in (5, 70, 200)]
    together = generation._forced(llama, encoded, steps)
    for row, ids in enumerate(encoded):
        alone = generation._forced(llama, [ids], [[s[0]] for s in steps])
        for one, many in zip(alone, together, strict=True):
            assert torch.allclose(one[0], many[row], rtol=0, atol=1e-4)


def test_a_row_stops_at_the_end_of_text_and_the_others_go_on(
    llama: CausalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = generate(llama, PROMPTS, Decoding(max_new_tokens=30))
    # The token that one answer says eighth becomes the end of text.
    end = free[0].tokens[7]
    monkeypatch.setattr(llama.model.generation_config, "eos_token_id", end)
    for was, now in zip(free, generate(llama, PROMPTS, Decoding(max_new_tokens=30)), strict=True):
        cut = was.tokens.index(end) if end in was.tokens else len(was.tokens)
        assert now.tokens == was.tokens[:cut]
        assert now.finish == ("eos" if cut < 30 else "length")


def test_limits(llama: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    first = generate(llama, PROMPTS[:1], Decoding(max_new_tokens=5))[0]
    assert len(first.tokens) == 5 and first.finish == "length" and first.n_prompt == len(llama.encode(PROMPTS[0]))
    monkeypatch.setattr(llama.model.generation_config, "eos_token_id", first.tokens[0])
    assert generate(llama, PROMPTS[:1], Decoding(max_new_tokens=5))[0].tokens == ()
    forced = generate(llama, PROMPTS[:1], Decoding(max_new_tokens=5, min_new_tokens=3))[0]
    assert len(forced.tokens) >= 3 and first.tokens[0] not in forced.tokens[:3]
    with pytest.raises(WindowExceeded, match="its answer may have 250"):
        generate(llama, PROMPTS[:1], Decoding(max_new_tokens=250))


@pytest.mark.parametrize("max_rows", [1, 16])
def test_the_share_that_is_done_grows_with_every_token(llama: CausalModel, max_rows: int) -> None:
    shares: list[float] = []
    generate(llama, PROMPTS, Decoding(max_new_tokens=6), max_rows=max_rows, step=shares.append)
    assert len(shares) > len(PROMPTS)
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] <= 1


def test_no_repeat_ngram_says_nothing_twice(llama: CausalModel) -> None:
    for found in generate(llama, PROMPTS, Decoding(max_new_tokens=60, no_repeat_ngram=2)):
        pairs = list(zip(found.tokens, found.tokens[1:], strict=False))
        assert len(pairs) == len(set(pairs))


def test_samples_follow_the_seed_and_not_the_batch(llama: CausalModel) -> None:
    decoding = Decoding(max_new_tokens=20, temperature=1.5, top_p=0.95, seed=7)
    batched = generate(llama, PROMPTS, decoding)
    assert batched == generate(llama, PROMPTS[::-1], decoding)[::-1]
    assert batched == [generate(llama, [p], decoding)[0] for p in PROMPTS]
    other = generate(llama, PROMPTS, Decoding(max_new_tokens=20, temperature=1.5, top_p=0.95, seed=8))
    assert [g.tokens for g in other] != [g.tokens for g in batched]


def test_top_p_near_zero_is_greedy(llama: CausalModel) -> None:
    sampled = generate(llama, PROMPTS, Decoding(max_new_tokens=20, temperature=1.0, top_p=1e-9))
    assert sampled == generate(llama, PROMPTS, Decoding(max_new_tokens=20))


def test_running_out_of_memory_halves_the_batch(llama: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    real, sizes = generation._answer, []

    def fail_when_large(model: CausalModel, prompts: list[list[int]], *rest: Any, **named: Any) -> list[Generation]:
        sizes.append(len(prompts))
        if len(prompts) > 2:
            raise torch.OutOfMemoryError("too much")
        return real(model, prompts, *rest, **named)

    expected = generate(llama, PROMPTS, Decoding(max_new_tokens=8))
    monkeypatch.setattr(generation, "_answer", fail_when_large)
    assert generate(llama, PROMPTS, Decoding(max_new_tokens=8)) == expected
    assert sizes == [5, 2, 3, 1, 2]


def test_one_text_that_does_not_fit_in_memory_is_an_error_of_its_own(
    llama: CausalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, longest = generation._answer, max(PROMPTS, key=len)

    def fail(model: CausalModel, prompts: list[list[int]], *rest: Any, **named: Any) -> list[Generation]:
        if len(longest) in map(len, prompts):
            raise torch.OutOfMemoryError("too much")
        return real(model, prompts, *rest, **named)

    expected = generate(llama, PROMPTS, Decoding(max_new_tokens=8))
    monkeypatch.setattr(generation, "_answer", fail)
    found = generate(llama, PROMPTS, Decoding(max_new_tokens=8))
    for prompt, was, now in zip(PROMPTS, expected, found, strict=True):
        if prompt == longest:
            assert (now.finish, now.tokens) == ("error", ())
            assert now.error == f"out of memory on cpu for one input of {len(longest)} tokens"
        else:
            assert now == was


@pytest.mark.parametrize("name", ["mlp.down_proj", "mlp.gate_proj", "self_attn.k_proj", "self_attn.v_proj"])
def test_packed_layers_give_a_row_the_same_bits_whatever_stands_beside_it(llama: CausalModel, name: str) -> None:
    packed = pack_linears(llama.model)
    layer: Any = llama.model.get_submodule(f"model.layers.0.{name}")
    x = torch.randn(40, layer.in_features)
    with torch.inference_mode():
        plain = layer(x)
        with packed_linears(llama.model, packed):
            together = layer(x)
            alone = torch.cat([layer(row[None]) for row in x])
        after = layer(x)
    # Without oneDNN nothing is packed, and rows agree as closely as the ordinary product lets them.
    assert torch.equal(together, alone) if packed else torch.allclose(together, alone, atol=1e-4)
    assert torch.allclose(plain, together, atol=1e-4) and torch.equal(plain, after)


def test_siblings_with_and_without_bias_share_one_product_of_the_input_that_each_is_given() -> None:
    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q_proj, self.k_proj, self.v_proj = (torch.nn.Linear(8, n, bias=n != 4) for n in (8, 4, 6))
            self.gate_proj, self.up_proj = torch.nn.Linear(8, 5), torch.nn.Linear(5, 5)

    block, x, y = Block(), torch.randn(3, 8), torch.randn(3, 8)
    packed = pack_linears(block)
    assert set(packed) <= {("q_proj", "k_proj", "v_proj"), ("gate_proj",), ("up_proj",)}

    def asked() -> list[torch.Tensor]:
        chained = block.up_proj(block.gate_proj(x))
        return [block.q_proj(x), block.k_proj(y), block.v_proj(y), block.q_proj(y), chained]

    with torch.inference_mode():
        expected = asked()
        with packed_linears(block, packed):
            found = asked()
    for a, b in zip(expected, found, strict=True):
        assert torch.allclose(a, b, atol=1e-5)


@given(st.lists(st.integers(1, 500), max_size=40), st.integers(1, 50), st.integers(1, 2000), st.integers(1, 9))
def test_batches_hold_every_prompt_once_and_keep_to_the_budget(
    lengths: list[int], new: int, budget: int, rows: int
) -> None:
    batches = plan_batches(lengths, new, budget=budget, max_rows=rows)
    assert sorted(i for b in batches for i in b) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) <= rows
        assert len(batch) == 1 or len(batch) * (max(lengths[i] for i in batch) + new) <= budget


def test_where_positions_depend_on_the_length_a_long_prompt_is_answered_alone(tmp_path: Path) -> None:
    rope = {
        "rope_type": "longrope",
        "rope_theta": 1e4,
        "short_factor": [1.0] * 4,
        "long_factor": [1.0, 2.0, 4.0, 8.0],
        "factor": 4.0,
        "original_max_position_embeddings": 24,
    }
    model = load_tiny(tmp_path, "phi3", rope_parameters=rope, original_max_position_embeddings=24)
    found = generate(model, PROMPTS, Decoding(max_new_tokens=8))
    alone = [generate(model, [p], Decoding(max_new_tokens=8))[0] for p in PROMPTS]
    assert [g.tokens for g in found] == [by_transformers(model, p, 8) for p in PROMPTS]
    assert [g.tokens for g in alone] == [g.tokens for g in found]
    assert {g.path for g in alone} == {"rows", "generate"}
