"""A record's environment: which code ran, and whether it was changed since its commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.runtime import environment


def test_only_changed_code_is_called_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*args: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
        return subprocess.run(
            ["git", *who, *args], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    for name in ("harness/a.py", "results/record.json"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("1", encoding="utf-8")
    monkeypatch.setattr(environment, "__file__", str(tmp_path / "harness" / "runtime" / "environment.py"))
    assert environment._git() == {}, "no checkout"
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "a")
    commit = git("rev-parse", "HEAD")
    (tmp_path / "results" / "record.json").write_text("2", encoding="utf-8")
    assert environment._git() == {"git_commit": commit, "git_dirty": False}
    (tmp_path / "harness" / "a.py").write_text("2", encoding="utf-8")
    assert environment._git() == {"git_commit": commit, "git_dirty": True}
