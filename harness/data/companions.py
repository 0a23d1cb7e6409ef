"""Files beside a dataset's articles that a folder of Parquet carries as they are."""

from __future__ import annotations

from pathlib import Path

from harness.data.frozen_set import FOLDER as FROZEN_SET
from harness.data.summary_samples import FILE as SUMMARY_SAMPLES
from harness.data.summary_stances import FILE as SUMMARY_STANCES

NAMES = ("GUIDELINES.md", SUMMARY_STANCES, SUMMARY_SAMPLES, FROZEN_SET)
"""Files, and the folder of labelled summaries."""


def companions(folder: Path) -> list[Path]:
    """Those that stand in `folder`, relative to it."""
    files = [path for name in NAMES for path in (folder / name, *sorted((folder / name).glob("*.y*ml")))]
    return [path.relative_to(folder) for path in files if path.is_file() and not path.name.startswith(".")]
