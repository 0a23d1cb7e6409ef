"""What transformers shows by itself stays off the terminal, and only while it is asked to."""

from __future__ import annotations

from typing import Any

import pytest


def test_the_bar_of_a_conversion_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    from transformers import modeling_gguf_pytorch_utils

    from harness.models.quiet import quiet_transformers

    module: Any = modeling_gguf_pytorch_utils
    with quiet_transformers():
        assert list(module.tqdm([1, 2], desc="Converting")) == [1, 2]
    assert capfd.readouterr().err == ""
    list(module.tqdm([1, 2], desc="Converting"))
    assert "Converting" in capfd.readouterr().err
