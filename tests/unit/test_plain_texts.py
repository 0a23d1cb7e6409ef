"""A newsroom's folder: files in other encodings are guessed or left out by name, and the rest is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data import plain_texts
from harness.data.plain_texts import load_texts
from harness.errors import ValidationFailed

RUSSIAN = "Министр заявил, что войска останутся в городе."


def test_a_bad_file_is_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_bytes("Überall herrscht Krieg.\r\n".encode())
    (tmp_path / "empty.txt").write_bytes(b" \n")
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    (tmp_path / "cyrillic.txt").write_bytes(RUSSIAN.encode("cp1251"))
    (tmp_path / "Good!.md").write_text("The same id.", encoding="utf-8")
    dataset = load_texts(tmp_path)
    assert [a.id for a in dataset] == ["good"]
    reasons = {line.partition(".txt")[0].rpartition("/")[2]: line for line in dataset.left_out}
    assert "text is empty" in reasons["empty"]
    assert "zero bytes" in reasons["picture"]
    # in Windows-1252 this would be Ìèíèñòð: a wrong guess is worse than none
    assert "not UTF-8: byte 0xcc" in reasons["cyrillic"]
    assert sum("a second time" in line for line in dataset.left_out) == 1


@pytest.mark.parametrize(("encoding", "words"), [("cp1252", "Windows-1252, which is a guess"), ("utf-16", "UTF-16")])
def test_another_encoding_is_read_and_said(tmp_path: Path, encoding: str, words: str) -> None:
    text = "Le général dit : « Nous n’irons pas à la guerre » — c’est clair.\n"
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    dataset = load_texts(tmp_path)
    assert dataset.articles[0].text == text
    note = dataset.notes[0]
    assert words in note
    assert not dataset.left_out


def test_utf8_needs_no_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_texts, "language_of", lambda text: None)
    monkeypatch.setattr(plain_texts, "can_detect", lambda: True)
    (tmp_path / "a.txt").write_text(RUSSIAN, encoding="utf-8-sig")
    dataset = load_texts(tmp_path)
    assert dataset.articles[0].text == RUSSIAN
    assert not dataset.notes + dataset.left_out


def test_a_folder_without_a_readable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"")
    with pytest.raises(ValidationFailed, match="text is empty"):
        load_texts(tmp_path)
