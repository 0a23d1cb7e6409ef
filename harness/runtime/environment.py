"""Where a run happened: packages, hardware, the state of the code; nothing secret."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "stance-harness",
    "torch",
    "transformers",
    "tokenizers",
    "numpy",
    "scikit-learn",
    "sacrebleu",
    "sumy",
    "sentencex",
    "vaderSentiment",
    "hydra-core",
)


CODE = ("harness", "configs", "pyproject.toml", "constraints.txt")
"""What of a checkout decides what a run does; the dataset has a fingerprint of its own."""


@cache
def environment() -> dict[str, Any]:
    """Versions, processor, memory in bytes, GPU where one is in use, git commit and whether the code differs from it."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else None,
        "packages": {name: v for name in PACKAGES if (v := _version(name))},
        **_git(),
    }


def accelerator() -> str | None:
    """The GPU's name, if torch is loaded and sees one."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return None


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _git() -> dict[str, Any]:
    """Commit of the checkout that the code runs from; nothing for an installed package."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return {}
    try:
        commit, status = (
            # without the lock that git would take to refresh its index: a run that is killed must not leave it
            subprocess.run(
                ["git", "--no-optional-locks", *words], cwd=root, capture_output=True, text=True, check=True
            ).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no", "--", *CODE])
        )
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"git_commit": commit, "git_dirty": bool(status)}
