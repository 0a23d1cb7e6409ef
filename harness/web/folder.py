"""The dataset folder as the page's database: read, save under a lock, keep drafts, refuse saves based on something old."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from harness.data.load import MAX_BYTES
from harness.data.save import save_article
from harness.data.schema import SAFE_ID, ArticleRow, DatasetCard, to_article
from harness.data.yaml_lines import read_yaml
from harness.errors import DataError, HarnessError, Place
from harness.runtime.files import write_text
from harness.types import Article
from harness.web.documents import (
    Document,
    Problem,
    agreed,
    check,
    derive,
    differing,
    label_of,
    problems,
    put_declarations,
    put_stances,
    version,
)

Mode = Literal["label", "blind", "adjudicate"]


class NoSuchArticle(HarnessError):
    """There is no article file of that id."""


class Conflict(HarnessError):
    """The save was based on something that has changed since; `state` is what stands now."""

    def __init__(self, state: dict[str, Any]) -> None:
        super().__init__("the article was changed since you opened it")
        self.state = state


@dataclass(frozen=True)
class _Draft:
    base: Document
    document: Document


@dataclass
class LabelFolder:
    """One dataset folder as one person sees it."""

    folder: Path
    annotator: str
    mode: Mode = "label"
    _cache: dict[Path, tuple[tuple[int, int], ArticleRow, Article]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (self.folder / "dataset.yaml").exists():
            raise DataError(
                Place(str(self.folder)),
                "holds no dataset.yaml, so there is nothing to label",
                hint="speakers of a folder of texts are named in speakers.yaml or speakers.csv beside them (docs/data-format.md);"
                " harness data new TEXT --dataset DIR makes an article of a dataset",
            )
        document = read_yaml(self.folder / "dataset.yaml", MAX_BYTES)
        try:
            self.card = DatasetCard.model_validate(document.data)
        except ValidationError as error:
            raise DataError(document.place(()), str(error), hint="harness data validate says more") from None
        self._remove_leftovers()

    @property
    def gold(self) -> bool:
        """Whether the labels that are edited are gold."""
        return self.mode == "adjudicate"

    def ids(self) -> list[str]:
        """Ids of all article files."""
        stems = (p.stem for p in (self.folder / "articles").glob("*.y*ml") if not p.name.startswith("."))
        return sorted(i for i in stems if re.fullmatch(SAFE_ID, i))

    def guidelines(self) -> str:
        """The annotation rules of the set, Markdown; empty without."""
        path = self.folder / "GUIDELINES.md"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def overview(self) -> list[dict[str, Any]]:
        """One entry an article: id, title, and how far this person's labels are."""
        return [self._entry(article_id) for article_id in self.ids()]

    def _entry(self, article_id: str) -> dict[str, Any]:
        try:
            row, article = self._read(article_id)
        except DataError as error:
            return {"id": article_id, "title": article_id, "state": "broken", "error": str(error)}
        draft = self._draft(article_id)
        document = draft.document if draft else derive(article, self.annotator, gold=self.gold)
        pairs = len(document.speakers) * len(document.targets)
        state = "draft" if draft else "done" if document.stances else "open"
        entry = {"id": article_id, "title": row.title, "state": state, "labelled": len(document.stances)}
        entry["gold"] = article.gold is not None
        if self.gold:
            entry["differences"] = len(differing(article.annotations))
            entry["annotators"] = len(article.annotations)
        return {**entry, "pairs": pairs, "summary": bool(document.summary.strip())}

    def state(self, article_id: str) -> dict[str, Any]:
        """All that the page shows of one article; `base` differs from `file` where the file changed under a draft."""
        row, article = self._read(article_id)
        in_file = derive(article, self.annotator, gold=self.gold)
        draft = self._draft(article_id)
        document = draft.document if draft else in_file
        if self.gold and draft is None and article.gold is None:
            document = document.model_copy(update={"stances": agreed(article.annotations)})
        differ = differing(article.annotations) if self.gold else set()
        blind = self.mode == "blind"
        return {
            "id": row.id,
            "title": row.title,
            "text": row.text,
            "event": row.event,
            "language": row.language,
            "source": row.source.model_dump(mode="json"),
            "complete": self._complete(row).complete,
            "version": self._version(row, article, in_file, draft),
            "document": document.plain(),
            "file": in_file.plain(),
            "base": (draft.base if draft else in_file).plain(),
            "draft": draft is not None,
            "problems": [p.model_dump() for p in self._problems(row, article, document)],
            "differences": sorted(differ),
            "others": [] if blind else self._others(article),
            "summaries": []
            if blind
            else [
                {"annotator": s.annotator, "text": s.text} for s in article.summaries if s.annotator != self.annotator
            ],
        }

    def save(self, article_id: str, based_on: str, document: Document, *, reopen: bool = False) -> dict[str, Any]:
        """Puts into the file what is whole and the rest into the draft; Conflict if `based_on` is not what stands now.

        `blocked` in the result names the labels of others that new declarations would leave incomplete: nothing of the
        file is changed then, unless `reopen` moves those labels to their owners' drafts.
        """
        with self._locked():
            row, article = self._read(article_id)
            in_file, draft = derive(article, self.annotator, gold=self.gold), self._draft(article_id)
            if based_on != self._version(row, article, in_file, draft):
                raise Conflict(self.state(article_id))
            open_problems = self._problems(row, article, document)
            wanted = put_declarations(row, document, self.annotator)
            if not open_problems:
                wanted = put_stances(wanted, document, self.annotator, gold=self.gold)
            blocked = self._blocked(wanted)
            held = [name for name in blocked if name not in {"", self._owner_name}]
            if reopen and held == blocked and self.mode != "blind":
                wanted = self._reopen(article, wanted, held)
                blocked = held = []
            if not blocked and wanted != row:
                save_article(to_article(wanted), self._path(article_id))
                row, article = self._read(article_id)
                in_file = derive(article, self.annotator, gold=self.gold)
            self._put_draft(article_id, _Draft(in_file, document) if _differ(document, in_file) else None)
            return {**self.state(article_id), "blocked": held}

    @property
    def _owner_name(self) -> str:
        return "gold" if self.gold else self.annotator

    def _blocked(self, row: ArticleRow) -> list[str]:
        """Whose labels in the file the row would leave invalid (`gold` for gold); "" for a fault of its declarations."""
        names: list[str] = []
        for _, loc in check(self._complete(row)):
            name = ""
            if len(loc) > 1 and loc[0] == "annotations" and isinstance(loc[1], int):
                name = row.annotations[loc[1]].annotator
            elif loc[0] == "gold":
                name = "gold"
            names += [] if name in names else [name]
        return names

    def _reopen(self, article: Article, row: ArticleRow, names: list[str]) -> ArticleRow:
        """The row without the named labels, which become their owners' drafts."""
        kept = row.model_copy(update={"annotations": [a for a in row.annotations if a.annotator not in names]})
        if "gold" in names:
            kept = kept.model_copy(update={"gold": None})
        after = to_article(kept)
        held = [(a.annotator, a, False) for a in article.annotations if a.annotator in names]
        if "gold" in names and article.gold:
            held.append((article.gold.annotator, article.gold, True))
        for owner, annotation, gold in held:
            base = derive(after, owner, gold=gold)
            old = self._draft(article.id, owner, gold=gold)
            stances = old.document.stances if old else [label_of(s) for s in annotation.stances]
            self._put_draft(article.id, _Draft(base, base.model_copy(update={"stances": stances})), owner, gold=gold)
        return kept

    def _problems(self, row: ArticleRow, article: Article, document: Document) -> list[Problem]:
        differ = differing(article.annotations) if self.gold else set()
        return problems(self._complete(row), document, self.annotator, gold=self.gold, differ=differ)

    def _others(self, article: Article) -> list[dict[str, Any]]:
        shown = [(a.annotator, a) for a in article.annotations if self.gold or a.annotator != self.annotator]
        if article.gold and not self.gold:
            shown.append(("gold", article.gold))
        return [
            {"annotator": name, "stances": [label_of(s).model_dump(mode="json") for s in a.stances]}
            for name, a in shown
        ]

    def _version(self, row: ArticleRow, article: Article, in_file: Document, draft: _Draft | None) -> str:
        judged = [a.model_dump(mode="json") for a in row.annotations] if self.gold else []
        draft_content = draft and [draft.base.plain(), draft.document.plain()]
        return version(row.title, row.text, in_file.plain(), draft_content, judged)

    def _complete(self, row: ArticleRow) -> ArticleRow:
        return row.model_copy(update={"complete": row.complete and self.card.complete})

    def _path(self, article_id: str) -> Path:
        if re.fullmatch(SAFE_ID, article_id):
            for suffix in (".yaml", ".yml"):
                path = self.folder / "articles" / f"{article_id}{suffix}"
                if path.is_file():
                    return path
        raise NoSuchArticle(f"there is no article {article_id[:130]!r}", hint=f"in {self.folder / 'articles'}")

    def _read(self, article_id: str) -> tuple[ArticleRow, Article]:
        path = self._path(article_id)
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if (cached := self._cache.get(path)) and cached[0] == stamp:
            return cached[1], cached[2]
        document = read_yaml(path, MAX_BYTES)
        try:
            row = ArticleRow.model_validate(document.data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise DataError(
                document.place(first["loc"]), first["msg"], hint="harness data validate names all that is wrong"
            ) from None
        if row.id != article_id:
            raise DataError(document.place(("id",)), f"id {row.id!r} is not the file's name")
        for message, loc in check(self._complete(row)):
            raise DataError(document.place(loc), message, hint="harness data validate names all that is wrong")
        article = to_article(row)
        self._cache[path] = (stamp, row, article)
        return row, article

    def _draft_path(self, article_id: str, owner: str, *, gold: bool) -> Path:
        name = urllib.parse.quote(owner, safe="").replace(".", "%2E")
        return self.folder / ".drafts" / name / ("gold" if gold else "") / f"{article_id}.json"

    def _draft(self, article_id: str, owner: str | None = None, *, gold: bool | None = None) -> _Draft | None:
        path = self._draft_path(article_id, owner or self.annotator, gold=self.gold if gold is None else gold)
        try:
            raw = json.loads(path.read_bytes())
            return _Draft(Document.model_validate(raw["base"]), Document.model_validate(raw["document"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(Place(str(path)), f"not a draft: {error}", hint="repair it, or move it away") from None

    def _put_draft(
        self, article_id: str, draft: _Draft | None, owner: str | None = None, *, gold: bool | None = None
    ) -> None:
        path = self._draft_path(article_id, owner or self.annotator, gold=self.gold if gold is None else gold)
        if draft is None:
            path.unlink(missing_ok=True)
            return
        ignore = self.folder / ".drafts" / ".gitignore"
        if not ignore.exists():
            write_text(ignore, "*\n")
        content = {"base": draft.base.plain(), "document": draft.document.plain()}
        write_text(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, between servers too."""
        from filelock import FileLock

        (self.folder / ".drafts").mkdir(exist_ok=True)
        with FileLock(self.folder / ".drafts" / ".lock", timeout=30):
            yield

    def _remove_leftovers(self) -> None:
        """Temporary files of writers that were killed: `.<name>.<pid>-<hex>.tmp` of processes that are gone."""
        from psutil import pid_exists

        for folder in (self.folder / "articles", self.folder / ".drafts"):
            for path in folder.rglob(".*.tmp") if folder.exists() else ():
                match = re.search(r"\.(\d+)-[0-9a-f]{8}\.tmp$", path.name)
                if match and not pid_exists(int(match[1])):
                    path.unlink(missing_ok=True)


def _differ(a: Document, b: Document) -> bool:
    def content(d: Document) -> dict[str, Any]:
        plain = d.plain()
        return {**plain, "stances": sorted(plain["stances"], key=lambda s: (s["speaker"], s["target"]))}

    return content(a) != content(b)
