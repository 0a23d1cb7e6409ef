"""The language of plain texts; without py3langid they are taken for English, and that is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data.plain_texts import load_texts
from harness.text import languages

GERMAN = "Der Minister sagte am Montag, der Krieg werde noch lange dauern und viele Opfer fordern.\n"


class German:
    def classify(self, text: str) -> tuple[str, float]:
        return ("de", 0.99) if "Minister" in text else ("nl", 0.4)


def test_a_sure_language_is_taken_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "_identifier", German)
    (tmp_path / "a.txt").write_text(GERMAN, encoding="utf-8")
    (tmp_path / "b.txt").write_text("Hm.\n", encoding="utf-8")
    dataset = load_texts(tmp_path)
    assert [a.language for a in dataset] == ["de", "en"]
    [note] = dataset.notes
    assert note.endswith("a.txt: taken for a text in the language 'de' (99% sure)")


def test_without_the_library_that_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "_identifier", lambda: None)
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(GERMAN, encoding="utf-8")
    [note] = load_texts(tmp_path).notes
    assert "pip install py3langid" in note


def test_the_real_library_tells_german() -> None:
    guess = languages.language_of(GERMAN)
    assert guess is None if not languages.can_detect() else guess is not None and guess.language == "de"
