"""Snapshots of a dataset as it was scored, and its states: which articles two of them share, what came, went or changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.data.fingerprint import fingerprint as fingerprint_of
from harness.data.kept import kept
from harness.data.large import LargeDataset
from harness.data.schema import NULL_IS_ABSENT, ArticleRow, to_article, to_row
from harness.errors import StoreError
from harness.runtime.files import holds, replacing, write_text
from harness.types import Dataset

SNAPSHOT_HINT = "the command of a run on that dataset makes it anew"


@dataclass(frozen=True)
class State:
    """A dataset as it was scored: every article's line of the snapshot, by its id."""

    articles: Mapping[str, str]

    @property
    def labelled(self) -> set[str]:
        """The lines of the articles with gold: what a system that learns learns from."""
        return {line for line in self.articles.values() if json.loads(line).get("gold")}

    def unchanged(self, other: State, article_ids: Iterable[str]) -> list[str]:
        """Those of the articles that are here as they are there: text, labels and declarations."""
        return [i for i in article_ids if i in self.articles and self.articles[i] == other.articles.get(i)]

    def difference(self, later: State) -> str:
        """What changed from this state to the later one, in words."""
        before, after = self.articles, later.articles
        kinds = {
            "came": sorted(after.keys() - before.keys()),
            "went": sorted(before.keys() - after.keys()),
            "changed": sorted(i for i in before.keys() & after.keys() if before[i] != after[i]),
        }
        return "; ".join(f"{_named(ids)} {kind}" for kind, ids in kinds.items() if ids)


@dataclass(frozen=True)
class Sound:
    """That a snapshot holds the dataset of its name: kept under the snapshot's content, it is not worked out anew."""

    fingerprint: str


def snapshot_path(results: Path, fingerprint: str) -> Path:
    """Where the dataset of that fingerprint stands as it was scored."""
    return results / "datasets" / f"{fingerprint}.jsonl"


def snapshot(results: Path, dataset: Dataset) -> Path:
    """Keeps the dataset as it is scored, once per fingerprint, so that reports never read edited files; a torn one is made
    anew."""
    path = snapshot_path(results, dataset.fingerprint)
    if isinstance(dataset, LargeDataset):
        # row by row, and as atomic as every other file: its content is checked when it is read
        if not path.exists():
            with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(json.dumps(r, ensure_ascii=False, sort_keys=True) + "\n" for r in dataset.passes.rows())
        return path
    if (stamp := _stamp(path)) is not None and stamp in _SOUND:
        return path

    @cache
    def text() -> str:
        return "".join(json.dumps(to_row(a), ensure_ascii=False, sort_keys=True) + "\n" for a in dataset)

    def checked() -> Sound:
        if not holds(path, text()):
            checked_state(path)
        return Sound(dataset.fingerprint)

    try:
        kept(Sound, [path], checked)
    except StoreError:
        write_text(path, text())
        kept(Sound, [path], checked)
    _SOUND.add(_stamp(path))
    return path


_SOUND: set[tuple[Path, int, int] | None] = set()
"""Snapshots that this process found or made sound, by path, time of change and size: a sweep looks at each once."""


def _stamp(path: Path) -> tuple[Path, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return path.absolute(), status.st_mtime_ns, status.st_size


def read_state(results: Path, fingerprint: str) -> State | None:
    """The snapshot of that fingerprint; None where it is missing or torn."""
    try:
        return checked_state(snapshot_path(results, fingerprint))
    except StoreError:
        return None


def checked_state(path: Path) -> State:
    """The dataset in a snapshot; StoreError where its content has not the fingerprint that the file is named by."""
    try:
        lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line]
        articles = [to_article(ArticleRow.model_validate(json.loads(line), context=NULL_IS_ABSENT)) for line in lines]
    except (OSError, ValueError, RecursionError, IndexError) as error:
        problem = "missing" if isinstance(error, FileNotFoundError) else "torn"
        raise StoreError(f"dataset snapshot {path} is {problem}", hint=SNAPSHOT_HINT) from None
    from harness.data.probes.suite import probed_fingerprints

    content = fingerprint_of(articles)
    if content != path.stem and path.stem not in probed_fingerprints(content):
        raise StoreError(f"dataset snapshot {path} was changed after it was written", hint=SNAPSHOT_HINT)
    return State(dict(zip((a.id for a in articles), lines, strict=True)))


def _named(ids: list[str]) -> str:
    """One or two by name, more by number."""
    return " and ".join(ids) if len(ids) <= 2 else f"{len(ids)} articles ({ids[0]}, …)"
