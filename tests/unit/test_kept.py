"""What was read once is found again by content alone; nothing that is damaged, changed or wrong is ever taken for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.data import kept as module
from harness.data.kept import kept
from harness.data.load import load_dataset
from harness.errors import ValidationFailed
from harness.types import Dataset


@pytest.fixture
def river_copy(river: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return Path(shutil.copytree(river, tmp_path / "copy"))


def read(folder: Path, calls: list[str]) -> Dataset:
    def parse() -> Dataset:
        calls.append("read")
        return load_dataset(folder)

    return kept(Dataset, [folder / "dataset.yaml", *sorted((folder / "articles").glob("*.yaml"))], parse)


def test_the_second_reading_is_the_first_to_the_last_field(river_copy: Path) -> None:
    calls: list[str] = []
    first, second = read(river_copy, calls), read(river_copy, calls)
    assert calls == ["read"]
    assert first == second == load_dataset(river_copy)


def test_a_changed_byte_a_new_file_and_a_new_rule_are_read_again(
    river_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    read(river_copy, calls)
    article = min((river_copy / "articles").glob("*.yaml"))
    article.write_text(article.read_text(encoding="utf-8") + "# read again\n", encoding="utf-8")
    read(river_copy, calls)
    article.unlink()
    assert len(read(river_copy, calls)) == len(load_dataset(river_copy))
    monkeypatch.setattr(module, "_readers", lambda: b"other rules")
    read(river_copy, calls)
    assert calls == ["read"] * 4


def test_a_damaged_file_is_read_anew_and_a_wrong_set_is_never_kept(river_copy: Path, tmp_path: Path) -> None:
    calls: list[str] = []
    whole = read(river_copy, calls)
    [path] = (tmp_path / "cache" / "parsed").iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    assert read(river_copy, calls) == whole
    assert calls == ["read"] * 2
    (river_copy / "articles" / "wrong.yaml").write_text("id: other\n", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(ValidationFailed):
            read(river_copy, calls)
    assert calls == ["read"] * 4


def test_old_files_go_and_others_cannot_look_in(river_copy: Path, tmp_path: Path) -> None:
    article = min((river_copy / "articles").glob("*.yaml"))
    for number in range(module.KEPT + 3):
        article.write_text(article.read_text(encoding="utf-8") + f"# {number}\n", encoding="utf-8")
        read(river_copy, [])
    folder = tmp_path / "cache" / "parsed"
    assert len(list(folder.iterdir())) == module.KEPT
    assert folder.stat().st_mode & 0o077 == 0
