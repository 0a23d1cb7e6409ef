"""Libraries that only some formats need: the extra `formats`."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from harness.errors import HarnessError
from harness.runtime.install import install_extra


def extra(module: str, package: str, what: str) -> ModuleType:
    """An optional library; HarnessError that says how to install it."""
    try:
        return import_module(module)
    except ModuleNotFoundError:
        raise HarnessError(
            f"{what} needs {package}, which is not installed",
            hint=install_extra("formats"),
        ) from None
