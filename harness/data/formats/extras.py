"""Libraries that only some formats need: the extra `formats`."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from harness.errors import HarnessError


def extra(module: str, package: str, what: str) -> ModuleType:
    """An optional library; HarnessError that says how to install it."""
    try:
        return import_module(module)
    except ModuleNotFoundError:
        raise HarnessError(
            f"{what} needs {package}, which is not installed",
            hint="pip install 'stance-harness[formats]', or from a checkout: pip install -e '.[formats]'",
        ) from None
