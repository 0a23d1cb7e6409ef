"""Which files are plain texts, and whether a folder holds such."""

from __future__ import annotations

from pathlib import Path


def holds_texts(path: Path) -> bool:
    """Whether a path is a plain text, or a folder of such that is no dataset."""
    if path.is_file():
        return path.suffix.lower() in {".txt", ".md"}
    if (path / "dataset.yaml").exists() or (path / "articles").is_dir():
        return False
    return any(is_text(p.relative_to(path)) for p in path.rglob("*"))


def is_text(relative: Path) -> bool:
    """Whether a file is an article, by its path from the folder that is read: neither hidden nor a README.md."""
    hidden = any(part.startswith(".") for part in relative.parts)
    return relative.suffix.lower() in {".txt", ".md"} and not hidden and relative.name.lower() != "readme.md"
