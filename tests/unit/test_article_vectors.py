"""Vectors of articles are kept by content: what is kept is not embedded again, and long texts are sampled alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.curate import article_vectors
from harness.curate.article_vectors import AT_ONCE, FOLDER, MOST_SENTENCES, mean_vectors
from harness.models.embedder import Embedder
from harness.types import Article, Source


def article(text: str) -> Article:
    return Article("a", "t", text, "e", Source("news"), (), ())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Every sentence that the encoder is asked about, each once for a loaded encoder."""
    sentences: list[str] = []

    class Fake:
        def embed(self, texts: Sequence[str]) -> Any:
            sentences.extend(t for t in texts if t not in sentences)
            return np.array([[len(t), 1 + t.count("w")] for t in texts], np.float32)

    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.setattr(Embedder, "load", lambda source: Fake())
    return sentences


def test_what_is_kept_is_not_embedded_again(asked: list[str], tmp_path: Path) -> None:
    two = [article("We wait. They go."), article("Nobody won the war.")]
    first = mean_vectors(two)
    assert first.shape == (2, 2)
    assert np.linalg.norm(first, axis=1) == pytest.approx([1, 1])
    asked.clear()
    assert (mean_vectors(two) == first).all()
    assert not asked
    # another text is embedded alone; a damaged file is as good as none
    mean_vectors([*two, article("Peace came.")])
    assert asked == ["Peace came."]
    for file in (tmp_path / FOLDER).iterdir():
        file.write_bytes(b"torn")
    assert (mean_vectors(two) == first).all()


def test_of_a_long_text_the_same_sentences_are_chosen_wherever_they_stand(asked: list[str]) -> None:
    lines = [f"Sentence number {n} of the long debate." for n in range(200)]
    forwards, backwards = mean_vectors([article("\n".join(lines)), article("\n".join(reversed(lines)))])
    assert len(asked) == MOST_SENTENCES
    assert forwards == pytest.approx(backwards)


def test_progress_counts_every_sentence_once(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []

    class Counting(article_vectors.Reporter):
        def track(self, what: str, total: int) -> Any:
            from contextlib import nullcontext

            steps.append(-total)
            return nullcontext(steps.append)

    mean_vectors([article("\n".join(f"Line {a} {n}." for n in range(40))) for a in range(3)], Counting())
    assert steps == [-3 * MOST_SENTENCES, AT_ONCE, 3 * MOST_SENTENCES - AT_ONCE]
