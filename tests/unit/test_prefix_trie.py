"""Trie and plain path agree on tiny models of real classes, and models that the trie does not fit take the plain one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.errors import ModelError, WindowExceeded
from harness.models import prefix_trie
from harness.models.article_states import ArticleStates
from harness.models.attention import Unsupported
from harness.models.causal import CausalModel
from harness.models.choosing import Decoding
from harness.models.generation import generate
from harness.models.packed_trie import build_trie
from harness.models.prefix_trie import Option, OptionScore, score, score_plain, trie_holds, trie_size
from tests.tiny import load_tiny

GPT2: dict[str, Any] = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256, "num_key_value_heads": None}
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

SEQUENCES = [o.context + o.continuation for g in GROUPS for o in g]
NODES = len(
    {
        text[: n + 1]
        for text in [*SEQUENCES, *("N/A:" + o.continuation for o in GROUPS[0])]
        for n in range(len(text) - 1)
    }
)
"""A byte is a token, and the last one is no node."""


def test_the_example_of_a_trie() -> None:
    trie = build_trie([[1, 2, 3], [1, 2, 4], [1, 5, 6]], [1, 1, 1])
    assert (trie.tokens.tolist(), trie.depth.tolist(), trie.end.tolist()) == ([1, 2, 5], [0, 1, 1], [3, 2, 3])
    assert [row.tolist() for row in trie.rows] == [[0, 1], [0, 1], [0, 2]]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_tiny(tmp_path_factory.mktemp("llama"))


def test_a_trie_is_counted_without_weights(llama: CausalModel) -> None:
    sequences = [o.context + o.continuation for o in GROUPS[0]]
    nodes = len({text[: n + 1] for text in sequences for n in range(len(text) - 1)})
    counter = CausalModel.without_weights(llama.source)
    assert trie_size(llama, GROUPS[0]) == trie_size(counter, GROUPS[0]) == (nodes, len(ARTICLE))
    assert counter.window == llama.window


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
        ("gpt2", GPT2),
        ("qwen2", {}),
        ("phi3", {}),
        ("granite", {"logits_scaling": 3.0}),
        ("cohere", {"logit_scale": 0.5}),
        ("mistral", {"sliding_window": 4096}),
        ("mistral", {"sliding_window": 8}),
        ("qwen3", {"tie_word_embeddings": True}),
        ("gemma3_text", {"sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"]}),
        ("gemma3_text", {"sliding_window": 5, "tie_word_embeddings": False}),
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
        ("gemma2", {}),
        ("mamba", {"state_size": 8}),
        ("bloom", {"n_head": 4, "n_layer": 2}),
    ],
)
def test_where_the_trie_does_not_hold_the_plain_path_runs(tmp_path: Path, kind: str, config: dict[str, Any]) -> None:
    model = load_tiny(tmp_path, kind, **config)
    assert not trie_holds(model)
    assert {s.path for g in score(model, GROUPS) for s in g} == {"plain"}


@pytest.mark.parametrize("budget", [8192, 60, 5])
@pytest.mark.parametrize("kind", ["mistral", "gemma3_text"])
def test_texts_beyond_a_sliding_window_stay_on_the_trie(tmp_path: Path, kind: str, budget: int) -> None:
    model = load_tiny(tmp_path, kind, sliding_window=20)
    assert {s.path for g in score(model, GROUPS) for s in g} == {"prefix_trie"}
    assert worst(model, budget=budget) < 1e-4


@pytest.mark.parametrize(("kind", "config"), [("llama", {}), ("mistral", {"sliding_window": 30}), ("gpt2", GPT2)])
def test_a_text_that_was_read_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, config: dict[str, Any]
) -> None:
    model = load_tiny(tmp_path, kind, **config)
    articles = [ARTICLE * 2, ARTICLE[:20] + ARTICLE * 2]
    groups = [[Option(f"{a}{s} is ", c) for s in ("Olm", "Adler") for c in ("for it", "against")] for a in articles]
    trie_holds(model)
    seen = passes(monkeypatch)
    assert worst(model, groups) < 1e-4
    first = sum(nodes.stop - nodes.start for nodes in seen)
    seen.clear()
    assert worst(model, groups[::-1]) < 1e-4
    # of the path that was kept all but the question stays known
    assert sum(nodes.stop - nodes.start for nodes in seen) <= first - sum(map(len, articles)) + 20
    answers = generate(model, [a + "Olm " for a in articles], Decoding(max_new_tokens=8))
    model.states.clear()
    assert generate(model, [a + "Olm " for a in articles], Decoding(max_new_tokens=8)) == answers


def test_what_is_kept_of_texts_has_a_bound() -> None:
    kept = {0: (torch.zeros(1, 1, 64, 4), torch.zeros(1, 1, 64, 4))}
    states = ArticleStates(budget=3 * 2 * 64 * 4 * 4)
    texts = [np.arange(n, n + 64) for n in range(0, 1000, 100)]
    for ids in texts:
        assert states.misses(ids)
        states.add(ids, kept)
    assert len(states) == 3 and states.memory == 3 * 2 * 64 * 4 * 4
    known = [ids for ids in texts if states.beginning(ids)[0]]
    assert len(known) == 3 and not states.misses(known[0]) and states.misses(known[0][:63]) is False
    length, past = states.beginning(np.concatenate([known[0], [7, 8]]))
    assert length == 64 and past[0][0].shape == (1, 1, 64, 4)


def test_where_positions_depend_on_the_length_long_and_short_texts_do_not_mix(tmp_path: Path) -> None:
    rope = {
        "rope_type": "longrope",
        "rope_theta": 1e4,
        "short_factor": [1.0] * 4,
        "long_factor": [1.0, 2.0, 4.0, 8.0],
        "factor": 4.0,
        "original_max_position_embeddings": 61,
    }
    model = load_tiny(tmp_path, "phi3", rope_parameters=rope, original_max_position_embeddings=61)
    assert model.steady == 61
    assert {len(o.context + o.continuation) - 1 <= 61 for o in GROUPS[0]} == {True, False}
    assert [{s.path for s in g} for g in score(model, GROUPS) if g] == [{"plain"}, {"prefix_trie"}, {"prefix_trie"}]
    assert worst(model) < 1e-4
    assert_plain(model)


def test_the_plain_path_is_one_ordinary_forward_pass_per_option(llama: CausalModel) -> None:
    assert_plain(llama)


def assert_plain(model: CausalModel) -> None:
    for option, found in zip(GROUPS[0], score_plain(model, GROUPS)[0], strict=True):
        context, continuation = model.encode_pairs([(option.context, option.continuation)])[0]
        logits = model.model(torch.tensor([context + continuation[:-1]])).logits[0].log_softmax(-1)
        places = range(len(context) - 1, len(context) + len(continuation) - 1)
        expected = sum(float(logits[at, token]) for at, token in zip(places, continuation, strict=True))
        assert found.logprob == pytest.approx(expected, abs=1e-5)
        assert (found.n_context, found.n_tokens) == (len(context), len(continuation))


def passes(monkeypatch: pytest.MonkeyPatch, most: int = 1 << 30) -> list[slice]:
    """The nodes of every trie pass from now on; more than `most` of them do not fit the memory."""
    real, seen = prefix_trie._trie_pass, []

    def watched(model: CausalModel, trie: Any, nodes: slice, *arguments: Any, **options: Any) -> Any:
        seen.append(nodes)
        if nodes.stop - nodes.start > most:
            raise torch.OutOfMemoryError("too much")
        return real(model, trie, nodes, *arguments, **options)

    monkeypatch.setattr(prefix_trie, "_trie_pass", watched)
    return seen


@pytest.mark.parametrize("budget", [8192, 100, 60, 5, 1])
def test_a_trie_over_the_budget_is_split_and_says_the_same(
    llama: CausalModel, monkeypatch: pytest.MonkeyPatch, budget: int
) -> None:
    trie_holds(llama)
    seen = passes(monkeypatch)
    assert worst(llama, budget=budget) < 1e-4
    sizes = [nodes.stop - nodes.start for nodes in seen]
    assert max(sizes) <= budget
    assert sum(sizes) == NODES, "no node is computed twice"


def test_small_blocks_say_the_same(llama: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefix_trie, "_BLOCK", 3)
    assert worst(llama) < 1e-4


def test_running_out_of_memory_halves_the_budget(llama: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = score(llama, GROUPS)
    seen = passes(monkeypatch, most=30)
    found = score(llama, GROUPS, budget=100)
    done = [nodes for nodes in seen if nodes.stop - nodes.start <= 30]
    assert len(done) < len(seen)
    assert [nodes.start for nodes in done] == [0, *(nodes.stop for nodes in done[:-1])], (
        "what was done is not done again"
    )
    for one, two in zip(expected, found, strict=True):
        assert [s.logprob for s in one] == pytest.approx([s.logprob for s in two], abs=1e-4)
    passes(monkeypatch, most=0)
    with pytest.raises(torch.OutOfMemoryError):
        score(llama, GROUPS)


def test_running_out_of_memory_on_the_plain_path_halves_the_batch(
    llama: CausalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = prefix_trie._plain_pass

    def fail_when_large(model: CausalModel, rows: Any) -> Any:
        if len(rows) > 2:
            raise torch.OutOfMemoryError("too much")
        return real(model, rows)

    expected = score_plain(llama, GROUPS)
    monkeypatch.setattr(prefix_trie, "_plain_pass", fail_when_large)
    for one, two in zip(expected, score_plain(llama, GROUPS), strict=True):
        assert [s.logprob for s in one] == pytest.approx([s.logprob for s in two], abs=1e-4)


def test_a_failed_pass_falls_back_and_loses_nothing(llama: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise Unsupported("not today")

    trie_holds(llama)
    monkeypatch.setattr(prefix_trie, "_trie_pass", refuse)
    assert worst(llama) < 1e-4
    assert {s.path for g in score(llama, GROUPS) for s in g} == {"plain"}


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


@pytest.mark.parametrize("path", [score, score_plain])
def test_the_share_that_is_done_grows_from_pass_to_pass_up_to_all(llama: CausalModel, path: Any) -> None:
    shares: list[float] = []
    path(llama, GROUPS, budget=40, step=shares.append)
    assert len(shares) > 4
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
