"""Keeps the progress bars and the advice of transformers off the terminal, where ours are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Only errors of transformers are shown inside; its settings are put back afterwards."""
    from transformers import modeling_gguf_pytorch_utils as gguf
    from transformers.utils import logging

    log: Any = logging
    bars, level = log.is_progress_bar_enabled(), log.get_verbosity()
    log.disable_progress_bar()
    log.set_verbosity_error()
    # dequantising has a bar of tqdm's own, which that setting does not reach
    converting: Any = gguf
    bar = converting.tqdm
    converting.tqdm = partial(bar, disable=True)
    try:
        yield
    finally:
        converting.tqdm = bar
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()
