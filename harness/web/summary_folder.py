"""The frozen set as the page's database: which summaries wait for labels, and saves of single labels under a lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data.frozen_set import (
    FrozenArticle,
    FrozenSummary,
    SecondLabel,
    SummaryLabel,
    read_frozen_set,
    text_hash,
    write_frozen_article,
)
from harness.data.load import load_dataset
from harness.data.schema import Id, Strict
from harness.errors import HarnessError
from harness.types import Article, Stance
from harness.web.folder import Conflict, NoSuchArticle


class SummaryBody(Strict):
    """One label of a summary: the stance as it is to be, and as the page knows it."""

    speaker: Id
    target: Id
    stance: Stance | None = None
    before: Stance | None = None


@dataclass
class SummaryFolder:
    """The summaries of a dataset folder that one person labels; with `second` those that somebody else labelled already.

    Neither article nor gold nor anybody's label but this person's is ever sent.
    """

    folder: Path
    annotator: str
    second: bool = False

    def __post_init__(self) -> None:
        dataset = load_dataset(self.folder)
        self.name = dataset.name
        self._articles = {a.id: a for a in dataset}

    def guidelines(self) -> str:
        """The annotation rules of the set, Markdown; empty without."""
        path = self.folder / "GUIDELINES.md"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def overview(self) -> list[dict[str, Any]]:
        """One entry a summary that has something for this person: how many labels there are, and how many are made."""
        entries = []
        for row in read_frozen_set(self.folder).articles.values():
            for summary in row.summaries if self._fits(row) else ():
                mine = [label for label in summary.labels if self._is_mine(label)]
                done = sum(self._stance(label) is not None for label in mine)
                if mine:
                    state = "done" if done == len(mine) else "draft" if done else "open"
                    id_ = f"{row.article}/{summary.hash}"
                    entries.append({"id": id_, "state": state, "labelled": done, "pairs": len(mine)})
        return entries

    def state(self, article_id: str, summary_hash: str) -> dict[str, Any]:
        """All that the page shows of one summary."""
        _, summary = self._find(article_id, summary_hash)
        article = self._articles[article_id]
        mine = [label for label in summary.labels if self._is_mine(label)]
        return {
            "id": f"{article_id}/{summary_hash}",
            "text": summary.text,
            "language": article.language,
            "speakers": [
                {"id": s.id, "name": s.name, "aliases": list(s.aliases), "role": s.role, "side": s.side}
                for s in article.speakers
            ],
            "targets": [{"id": t.id, "proposition": t.proposition} for t in article.targets],
            "pairs": [
                {"speaker": x.speaker, "target": x.target, "stance": self._stance(x)} for x in _sorted(mine, article)
            ],
        }

    def save(self, article_id: str, summary_hash: str, body: SummaryBody) -> dict[str, Any]:
        """Writes one label into its file; Conflict if it is another by now than the page knows."""
        with self._locked():
            row, summary = self._find(article_id, summary_hash)
            pair = (body.speaker, body.target)
            label = next((x for x in summary.labels if (x.speaker, x.target) == pair and self._is_mine(x)), None)
            if label is None:
                raise NoSuchArticle(f"{body.speaker} on {body.target} is not among the labels of this summary")
            if self._stance(label) != body.before:
                raise Conflict(self.state(article_id, summary_hash))
            if self.second:
                label.second = SecondLabel(stance=body.stance, labeller=self.annotator) if body.stance else None
            else:
                label.stance = body.stance
                label.labeller = self.annotator if body.stance else None
            write_frozen_article(self.folder, row)
            return self.state(article_id, summary_hash)

    def _is_mine(self, label: SummaryLabel) -> bool:
        if not self.second:
            return label.labeller in (None, self.annotator) and label.second is None
        first_is_other = label.stance is not None and label.labeller != self.annotator
        return first_is_other and (label.second is None or label.second.labeller == self.annotator)

    def _stance(self, label: SummaryLabel) -> Stance | None:
        return (label.second.stance if label.second else None) if self.second else label.stance

    def _find(self, article_id: str, summary_hash: str) -> tuple[FrozenArticle, FrozenSummary]:
        row = read_frozen_set(self.folder).articles.get(article_id)
        summary = next((s for s in row.summaries if s.hash == summary_hash), None) if row and self._fits(row) else None
        if row is None or summary is None:
            raise NoSuchArticle(f"there is no summary {article_id}/{summary_hash}")
        return row, summary

    def _fits(self, row: FrozenArticle) -> bool:
        article = self._articles.get(row.article)
        return article is not None and text_hash(article.text) == row.article_hash

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, between servers too."""
        from filelock import FileLock

        (self.folder / ".drafts").mkdir(exist_ok=True)
        with FileLock(self.folder / ".drafts" / ".lock", timeout=30):
            yield


def summaries_to_label(folder: Path, annotator: str, *, second: bool) -> SummaryFolder:
    """The folder for the page; HarnessError where there is nothing for this person."""
    labels = SummaryFolder(folder, annotator, second)
    if not labels.overview():
        raise HarnessError(
            f"{folder} has no summary for {annotator} to label",
            hint=f"harness data sample-judge {folder} RUN draws some; --blind shows those that others labelled",
        )
    return labels


def _sorted(labels: list[SummaryLabel], article: Article) -> list[SummaryLabel]:
    """By speaker, then by target, in the order of the article."""
    order = {(s.id, t.id): i for i, (s, t) in enumerate((s, t) for s in article.speakers for t in article.targets)}
    return sorted(labels, key=lambda x: order.get((x.speaker, x.target), len(order)))
