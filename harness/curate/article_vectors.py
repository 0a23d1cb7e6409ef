"""One vector an article, for near-duplicates: the mean of sentence embeddings (MiniLM), kept by content in the cache folder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import StoreError
from harness.runtime.files import replacing
from harness.runtime.progress import Reporter
from harness.text.body import body_sentences
from harness.types import Article

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_SENTENCES = 24
"""Sentences of an article that are embedded. Of more, those with the least SHA-256: two texts that share most sentences share
most of the chosen ones, wherever they stand."""
FOLDER = "article_vectors"
AT_ONCE = 64
"""Sentences between two steps of the progress bar."""


def mean_vectors(articles: Sequence[Article], reporter: Reporter | None = None) -> NDArray[np.float32]:
    """The vector of each article at length 1, (articles, dimension); each needs a sentence. The model is loaded only where one
    is not kept yet."""
    import numpy as np

    from harness.models.cache import cache_root
    from harness.models.embedder import MINILM, Embedder
    from harness.models.source import resolve

    source = resolve(MINILM)
    sentences = [_chosen(article) for article in articles]
    digests = [hashlib.sha256("\0".join([source.content_hash(), *texts]).encode()).hexdigest() for texts in sentences]
    files = [cache_root() / FOLDER / f"{digest}.npy" for digest in digests]
    vectors = {file: vector for file in files if (vector := _kept(file)) is not None}
    missing = {file: texts for file, texts in zip(files, sentences, strict=True) if file not in vectors}
    if missing:
        embedder = Embedder.load(source)
        texts = list(dict.fromkeys(text for article in missing.values() for text in article))
        with (reporter or Reporter(quiet=True)).track("embedding sentences, once", len(texts)) as progress:
            for start in range(0, len(texts), AT_ONCE):
                embedder.embed(texts[start : start + AT_ONCE])
                progress(min(AT_ONCE, len(texts) - start))
        for file, texts in missing.items():
            mean = embedder.embed(texts).mean(axis=0)
            vectors[file] = mean / np.linalg.norm(mean)
            _keep(file, vectors[file])
    return np.stack([vectors[file] for file in files])


def _chosen(article: Article) -> list[str]:
    texts = [sentence.text for sentence in body_sentences(article)]
    if len(texts) <= MOST_SENTENCES:
        return texts
    return sorted(texts, key=lambda text: hashlib.sha256(text.encode()).digest())[:MOST_SENTENCES]


def _kept(file: Path) -> NDArray[np.float32] | None:
    import numpy as np

    try:
        vector: NDArray[np.float32] = np.load(file)
    except (OSError, ValueError, EOFError):
        return None
    return vector if vector.ndim == 1 else None


def _keep(file: Path, vector: NDArray[np.float32]) -> None:
    """Whole or not at all; a cache that cannot be written is no error, only slower."""
    import numpy as np

    with suppress(OSError, StoreError), replacing(file) as temporary, temporary.open("wb") as stream:
        np.save(stream, vector)
