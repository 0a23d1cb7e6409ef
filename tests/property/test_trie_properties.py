"""The trie against a trie of dictionaries, and its attention plan against one dense ancestor mask."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.models.attention import Heads
from harness.models.packed_trie import Past, TriePlan, build_trie
from harness.models.prefix_trie import _Request, next_stop, take_rows

Sequences = st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=12), min_size=1, max_size=12)


@given(Sequences)
def test_nodes_are_the_distinct_prefixes(sequences: list[list[int]]) -> None:
    trie = build_trie(sequences, [1] * len(sequences))
    prefixes = {tuple(s[: n + 1]) for s in sequences for n in range(len(s) - 1)}
    assert len(trie) == len(prefixes)
    for sequence, rows in zip(sequences, trie.rows, strict=True):
        assert trie.tokens[rows].tolist() == sequence[:-1]
        assert trie.depth[rows].tolist() == list(range(len(sequence) - 1))


@given(Sequences)
def test_ancestors_of_a_node_are_its_own_prefix(sequences: list[list[int]]) -> None:
    trie = build_trie(sequences, [1] * len(sequences))
    for rows in trie.rows:
        node = rows[-1]
        ancestors = [j for j in range(len(trie)) if j <= node < trie.end[j]]
        assert ancestors == rows.tolist()


@settings(deadline=None, max_examples=100)
@given(
    Sequences,
    st.integers(2, 9),
    st.integers(1, 60),
    st.integers(1, 60),
    st.sampled_from([(4, 4), (4, 2), (3, 1)]),
)
def test_passes_attend_like_one_dense_ancestor_mask(
    sequences: list[list[int]], block: int, budget: int, most: int, heads: tuple[int, int]
) -> None:
    trie = build_trie(sequences, [1] * len(sequences))
    n = len(trie)
    torch.manual_seed(n)
    query = torch.randn(1, heads[0], n, 4, dtype=torch.float64)
    key, value = (torch.randn(1, heads[1], n, 4, dtype=torch.float64) for _ in range(2))
    visible = np.array([[j <= i < trie.end[j] for j in range(n)] for i in range(n)])
    mask = torch.zeros(n, n, dtype=torch.float64).masked_fill(~torch.from_numpy(visible), float("-inf"))
    repeated = [x.repeat_interleave(heads[0] // heads[1], 1) for x in (key, value)]
    dense = torch.nn.functional.scaled_dot_product_attention(query, *repeated, attn_mask=mask)
    ours: list[torch.Tensor] = []
    past: Past = {}
    start = 0
    while start < n:
        stop = next_stop(start, n, np.arange(n), budget, most)
        plan = TriePlan(trie, start, stop, past, dtype=torch.float64, device="cpu", block=block)
        here = slice(start, stop)
        ours.append(plan.attend(Heads(7, query[:, :, here], key[:, :, here], value[:, :, here])))
        past, start = plan.kept, stop
        for kept in past.values():
            assert {x.shape[2] for x in kept} == {len(trie.ancestors(stop))}
    assert not past
    assert torch.allclose(torch.cat(ours, dim=1), dense.transpose(1, 2), rtol=0, atol=1e-12)


@given(st.integers(1, 300), st.sets(st.integers(0, 299)), st.integers(1, 80), st.integers(1, 20))
def test_passes_keep_to_both_limits(nodes: int, wanted: set[int], budget: int, most: int) -> None:
    scored = np.array(sorted(n for n in wanted if n < nodes), dtype=np.int64)
    sizes: list[int] = []
    start = 0
    while start < nodes:
        stop = next_stop(start, nodes, scored, budget, most)
        sizes.append(stop - start)
        assert 0 < sizes[-1] <= budget
        assert np.count_nonzero((scored >= start) & (scored < stop)) <= most
        start = stop
    assert start == nodes
    if len(scored) <= most:
        assert len(sizes) == -(-nodes // budget) and max(sizes) - min(sizes) <= 1


@given(Sequences, st.integers(1, 40), st.integers(1, 30))
def test_rows_keep_to_the_budget(sequences: list[list[int]], budget: int, most: int) -> None:
    queue = sorted((_Request(np.asarray(s), 1) for s in sequences), key=lambda r: len(r.ids))
    rows = take_rows(queue, budget, most)
    assert rows == queue[: len(rows)] and rows
    assert len(rows) == 1 or len(rows) * len(rows[-1].ids) <= budget
