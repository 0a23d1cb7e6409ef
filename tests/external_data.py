"""Public data that lies beside the checkout and is never part of it: see HARNESS_EXTERNAL in the Makefile."""

from __future__ import annotations

import os
from pathlib import Path

from tests.conftest import ROOT


def external(name: str) -> Path | None:
    """The folder or file of that name, or None where there is none."""
    named = os.environ.get("HARNESS_EXTERNAL")
    path = (Path(named) if named else ROOT.parent / "shared" / "external") / name
    return path if path.exists() else None
