"""Holm and Benjamini-Hochberg equal statsmodels', with ties and p-values of 0 and 1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.correction import benjamini_hochberg, holm

P_VALUES = st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.01, 0.05, 1.0]), min_size=1, max_size=40)


@given(P_VALUES)
def test_corrections_equal_statsmodels(p_values: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests

    family = dict(enumerate(p_values))
    for ours, method in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        theirs = multipletests(p_values, method=method)[1].tolist()
        assert list(ours(family).values()) == pytest.approx(theirs, abs=1e-12), method
