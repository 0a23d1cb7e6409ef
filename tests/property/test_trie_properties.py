"""The trie against a trie of dictionaries, and its attention plan against one dense ancestor mask."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.models.prefix_trie import _Request, take_parts, take_rows
from harness.models.trie import TriePlan, build_trie

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


@settings(deadline=None, max_examples=60)
@given(st.lists(Sequences, min_size=1, max_size=3), st.integers(2, 9), st.sampled_from([(4, 4), (4, 2), (3, 1)]))
def test_blocks_attend_like_one_dense_ancestor_mask(
    groups: list[list[list[int]]], block: int, heads: tuple[int, int]
) -> None:
    tries = [build_trie(g, [1] * len(g)) for g in groups]
    plan = TriePlan(tries, dtype=torch.float64, device="cpu", block=block)
    n = sum(len(t) for t in tries)
    torch.manual_seed(n)
    query = torch.randn(1, heads[0], n, 4, dtype=torch.float64)
    key, value = (torch.randn(1, heads[1], n, 4, dtype=torch.float64) for _ in range(2))
    visible = np.zeros((n, n), dtype=bool)
    offset = 0
    for trie in tries:
        for i in range(len(trie)):
            for j in range(i + 1):
                visible[offset + i, offset + j] = i < trie.end[j]
        offset += len(trie)
    mask = torch.zeros(n, n, dtype=torch.float64).masked_fill(~torch.from_numpy(visible), float("-inf"))
    repeated = [x.repeat_interleave(heads[0] // heads[1], 1) for x in (key, value)]
    dense = torch.nn.functional.scaled_dot_product_attention(query, *repeated, attn_mask=mask)
    ours = plan.attend(0, query, key, value, scale=None, window=None)
    assert torch.allclose(ours, dense.transpose(1, 2), rtol=0, atol=1e-12)


Units = st.lists(Sequences, min_size=1, max_size=4)


@given(Units, st.integers(1, 40), st.integers(1, 30), st.integers(1, 40))
def test_passes_take_every_request_once_and_keep_to_the_budget(
    units: list[list[list[int]]], budget: int, rows: int, pack: int
) -> None:
    pending = [
        sorted((_Request((u, n), np.asarray(s), 1) for n, s in enumerate(unit)), key=_Request.order)
        for u, unit in enumerate(units)
    ]
    everything = sorted(r.key for unit in pending for r in unit)
    seen: list[tuple[int, int]] = []
    while pending:
        parts = take_parts(pending, budget, rows, pack=min(pack, budget))
        taken = {r.key for part in parts for r in part}
        assert taken
        nodes = sum(len(build_trie([r.ids for r in p], [1] * len(p))) for p in parts)
        assert nodes <= budget or len(taken) == 1
        seen += taken
        pending = [rest for unit in pending if (rest := [r for r in unit if r.key not in taken])]
    assert sorted(seen) == everything


@given(Sequences, st.integers(1, 40), st.integers(1, 30))
def test_rows_keep_to_the_budget(sequences: list[list[int]], budget: int, most: int) -> None:
    queue = sorted((_Request((0, n), np.asarray(s), 1) for n, s in enumerate(sequences)), key=lambda r: len(r.ids))
    rows = take_rows(queue, budget, most)
    assert rows == queue[: len(rows)] and rows
    assert len(rows) == 1 or len(rows) * len(rows[-1].ids) <= budget
