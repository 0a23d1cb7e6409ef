"""What a run is about: the articles that its config names, cut down to targets, split and limit; its judge's hand labels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from harness.config import RunConfig
from harness.data.frozen_set import FOLDER, FrozenSet, read_frozen_set
from harness.data.kept import kept
from harness.data.large import BLOCK, LargeDataset
from harness.data.summary_samples import SummarySamples, read_summary_samples
from harness.data.summary_stances import JudgeSample, SummaryStances, read_summary_stances
from harness.errors import ConfigError, nearest_hint
from harness.systems.base import System
from harness.types import ESCALATION, Annotation, Article, Dataset


def read_articles(config: RunConfig) -> Dataset:
    """The dataset that a config names."""
    from harness.runtime.paths import dataset_path

    path = dataset_path(config.dataset.path)
    dataset = _load(path, config.dataset.format, stamp(path))
    if isinstance(dataset, LargeDataset) and (config.probe is not None or config.dataset.targets is not None):
        dataset = dataset.held()
    return dataset if config.dataset.targets is None else restrict(dataset, config.dataset.targets)


@lru_cache(maxsize=4)
def _load(path: Path, kind: str, _stamped: tuple[tuple[str, int, int], ...]) -> Dataset:
    """The dataset; the jobs of a sweep share it as long as no file below `path` changed, which `_stamped` tells."""
    from harness.data.load import load_dataset
    from harness.data.plain_texts import load_texts

    if kind == "texts":
        return load_texts(path)
    if not path.is_dir():
        return load_dataset(path)
    files = [path / "dataset.yaml", *sorted((path / "articles").glob("*.y*ml"))]
    return kept(Dataset, files, lambda: load_dataset(path))


def stamp(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, time and size of every file below a path, or of the file itself."""
    if not path.is_dir():
        return ((str(path), (status := path.stat()).st_mtime_ns, status.st_size),)
    return tuple(sorted(_stamps(path)))


def _stamps(folder: Path) -> Iterator[tuple[str, int, int]]:
    for entry in os.scandir(folder):
        if entry.is_dir():
            yield from _stamps(Path(entry.path))
        elif entry.is_file():
            status = entry.stat()
            yield entry.path, status.st_mtime_ns, status.st_size


def restrict(dataset: Dataset, targets: Sequence[str]) -> Dataset:
    """The dataset as if it asked about these targets only: declarations, labels, and so what fitted systems learn from.

    Its fingerprint is that of what is left, which makes the choice part of a run's identity. Articles without any of
    the targets are left out; ConfigError for a target that no article has.
    """
    from harness.data.fingerprint import fingerprint

    target_ids = sorted({x.id for a in dataset for x in a.targets})
    for wanted in targets:
        if wanted not in target_ids:
            raise ConfigError(
                f"dataset.targets: there is no target {wanted!r}", hint=nearest_hint(wanted, target_ids) or None
            )

    def labels(annotation: Annotation) -> Annotation:
        return replace(annotation, stances=tuple(s for s in annotation.stances if s.target in targets))

    articles = tuple(
        replace(
            a,
            targets=tuple(
                replace(x, parent=x.parent if x.parent in targets else None) for x in a.targets if x.id in targets
            ),
            annotations=tuple(map(labels, a.annotations)),
            gold=labels(a.gold) if a.gold else None,
            complete=a.complete and ESCALATION in targets,
        )
        for a in dataset
        if any(x.id in targets for x in a.targets)
    )
    return replace(dataset, articles=articles, fingerprint=fingerprint(articles))


def select(dataset: Dataset, config: RunConfig) -> Sequence[Article]:
    """Articles by split, or those named, then the first `limit` of them; ConfigError if none is left.

    Of a large dataset those of a split stay in their file.
    """
    everything = config.split == "all" or config.dataset.format == "texts"
    if isinstance(dataset, LargeDataset) and config.articles is None and config.limit is None:
        view = dataset.of_split(None if everything else config.split)
        if len(view) > BLOCK:
            return view
    chosen = [a for a in dataset if everything or a.split == config.split]
    if config.articles is not None:
        article_ids = [a.id for a in dataset]
        for wanted in config.articles:
            if wanted not in article_ids:
                raise ConfigError(
                    f"articles: there is no article {wanted!r}", hint=nearest_hint(wanted, article_ids) or None
                )
        chosen = [a for a in dataset if a.id in config.articles]
    if not chosen:
        raise ConfigError(
            f"no article of split {config.split!r} in {dataset.name}", hint="split=all takes every article"
        )
    return tuple(chosen[: config.limit])


def judge_sample(config: RunConfig, judge: System | None) -> JudgeSample | None:
    """The hand labels that validate the judge; None if there are none."""
    from harness.runtime.paths import dataset_path

    if judge is None:
        return None
    path = dataset_path(config.dataset.path)
    return _hand_labels(path, stamp(path)).of(judge.fingerprint)


def frozen_set(config: RunConfig) -> FrozenSet:
    """The labelled summaries beside the dataset; empty where there are none."""
    from harness.runtime.paths import dataset_path

    path = dataset_path(config.dataset.path)
    if config.dataset.format != "labelled" or not (path / FOLDER).is_dir():
        return FrozenSet()
    return _frozen_set(path, stamp(path / FOLDER))


@lru_cache(maxsize=4)
def _frozen_set(path: Path, _stamped: tuple[tuple[str, int, int], ...]) -> FrozenSet:
    return kept(FrozenSet, sorted((path / FOLDER).glob("*.y*ml")), lambda: read_frozen_set(path))


def summary_samples(config: RunConfig) -> SummarySamples:
    """Which triples of summaries were drawn for hand labels; none where nobody drew any."""
    from harness.runtime.paths import dataset_path

    return read_summary_samples(dataset_path(config.dataset.path))


@lru_cache(maxsize=4)
def _hand_labels(path: Path, _stamped: tuple[tuple[str, int, int], ...]) -> SummaryStances:
    return read_summary_stances(path)
