"""Datasets that stay in their file: a pass over the articles reads them block by block, and holds one block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import TYPE_CHECKING, Any, overload

from harness.types import Article, Dataset

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 4_096
"""Articles that a run holds at a time."""
LARGE = 20_000
"""Files of more articles than this, in the order of their ids, are not held in memory."""


@dataclass(frozen=True)
class Passes:
    """What every pass over a large file needs: how it begins, over articles or over their rows in the file's shape, and of each
    article, in the order of ids, its id and split."""

    begin: Callable[[], Iterator[Article]]
    rows: Callable[[], Iterator[Any]]
    ids: pa.ChunkedArray
    splits: pa.ChunkedArray


class LargeDataset(Dataset):
    """A dataset whose articles are read from their file again in each pass; `articles` would hold them all."""

    passes: Passes

    def __init__(self, passes: Passes, **described: Any) -> None:
        for field in fields(Dataset):
            if field.name != "articles":
                object.__setattr__(self, field.name, described.get(field.name, field.default))
        object.__setattr__(self, "passes", passes)

    @property
    def articles(self) -> tuple[Article, ...]:
        return tuple(self)

    def __len__(self) -> int:
        return len(self.passes.ids)

    def __iter__(self) -> Iterator[Article]:
        return self.passes.begin()

    def __getitem__(self, key: int | str) -> Article:
        return self.article(key) if isinstance(key, str) else self.of_split(None)[key]

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"<dataset {self.name} {self.version}: {len(self)} articles, read from their file>"

    def article(self, article_id: str) -> Article:
        """The article with that id, found in a pass; KeyError otherwise."""
        for article in self:
            if article.id == article_id:
                return article
        raise KeyError(article_id)

    def held(self) -> Dataset:
        """The same with all articles in memory."""
        return Dataset(**{field.name: getattr(self, field.name) for field in fields(Dataset)})

    def of_split(self, split: str | None) -> Sequence[Article]:
        """The articles of a split, or all: a view that a pass reads."""
        import pyarrow.compute as pc

        ids = self.passes.ids if split is None else self.passes.ids.filter(pc.equal(self.passes.splits, split))
        return ChosenArticles(self, split, ids)


class ChosenArticles(Sequence[Article]):
    """The articles of one split of a large dataset, or all of them, in the order of ids; iterating reads the file."""

    def __init__(self, dataset: LargeDataset, split: str | None, ids: pa.ChunkedArray) -> None:
        self.dataset, self.split, self.ids = dataset, split, ids

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Article]:
        return (a for a in self.dataset if self.split is None or a.split == self.split)

    @overload
    def __getitem__(self, key: int) -> Article: ...
    @overload
    def __getitem__(self, key: slice) -> Sequence[Article]: ...
    def __getitem__(self, key: int | slice) -> Article | Sequence[Article]:
        """Reads from the beginning up to what is asked for."""
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step < 1:
                raise ValueError("articles of a file are read forwards")
            return tuple(islice(self, start, stop, step))
        position = range(len(self))[key]
        return next(islice(self, position, None))

    def blocks(self, size: int) -> Iterator[tuple[Article, ...]]:
        """All articles in one pass, `size` at a time."""
        articles = iter(self)
        while block := tuple(islice(articles, size)):
            yield block


def ids_of(articles: Sequence[Article]) -> list[str]:
    """The articles' ids, without reading a large file."""
    if isinstance(articles, ChosenArticles):
        ids: list[str] = articles.ids.to_pylist()
        return ids
    return [a.id for a in articles]
