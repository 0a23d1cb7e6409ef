"""The frozen set: summaries beside a dataset's articles and which stance each conveys, labelled by hand, for any judge."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import Field, ValidationError, model_validator

from harness.data.load import MAX_BYTES, explain_all
from harness.data.save import survives_block
from harness.data.schema import Id, Strict, Text
from harness.data.yaml_lines import LinedDocument, read_yaml
from harness.errors import DataError, Place, ValidationFailed, nearest_hint
from harness.runtime.files import listed, write_text
from harness.text.speaker_mentions import mentioned
from harness.types import Article, Dataset, Stance

FOLDER = "summaries"
REFERENCE = "reference"
"""What stands among the summarisers of a text that is the article's first reference summary."""
READING = "frozen:"
"""Begins the name of a judge's reading of one labelled summary, before its hash."""
HEAD = """\
# Summaries of one article, and which stance each conveys, read by people from the summary alone (docs/labelling.md).
# A label belongs to the texts: article_hash and hash are the first 12 hex digits of their SHA-256.
"""


def text_hash(text: str) -> str:
    """First 12 hex digits of SHA-256: which text a label is about."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class SecondLabel(Strict):
    """What a second person, who saw no other label, read from the same summary."""

    stance: Stance
    labeller: Text


class SummaryLabel(Strict):
    """The stance of one speaker on one target that one summary conveys; `stance` absent: not labelled yet."""

    speaker: Id
    target: Id
    stance: Stance | None = None
    labeller: Text | None = None
    second: SecondLabel | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _somebody_labelled(self) -> SummaryLabel:
        if (self.stance is None) != (self.labeller is None):
            raise ValueError("a stance needs its labeller" if self.stance else "a labeller without a stance")
        if self.second is not None and self.stance is None:
            raise ValueError("a second label stands beside a first one")
        if self.second is not None and self.second.labeller == self.labeller:
            raise ValueError("the second label is another person's")
        return self


class FrozenSummary(Strict):
    """One summary: its text, the systems that wrote exactly this, and its labels.

    `summarisers` are those all of whose summaries are to be labelled; `sampled_from` those of which a sample was drawn, so that
    this text may have few labels, and which it has hangs on what some judge made of it.
    """

    hash: str
    summarisers: list[Text] = Field(default_factory=list)
    sampled_from: list[Text] = Field(default_factory=list)
    text: str
    labels: list[SummaryLabel] = Field(default_factory=list)

    def stances(self) -> dict[tuple[str, str], Stance]:
        """The stance of each labelled (speaker, target)."""
        return {(row.speaker, row.target): row.stance for row in self.labels if row.stance is not None}


class FrozenArticle(Strict):
    """One file: `article_hash` is of the text that gold was read from when the summaries were labelled."""

    article: Id
    article_hash: str
    summaries: list[FrozenSummary]


@dataclass(frozen=True)
class FrozenSet:
    """The files by article."""

    articles: Mapping[str, FrozenArticle] = field(default_factory=dict)

    def summary(self, article: Article, text: str) -> FrozenSummary | None:
        """The entry of a summary; None where nobody labelled this text of this article."""
        return self._by_text().get((article.id, text_hash(article.text), text_hash(text)))

    def of(self, article: Article) -> tuple[FrozenSummary, ...]:
        """All summaries of an article; none where its text has changed since."""
        entry = self.articles.get(article.id)
        return tuple(entry.summaries) if entry and entry.article_hash == text_hash(article.text) else ()

    def written_by(self, summariser: str) -> set[str]:
        """The articles of which a text of that summariser stands in the set."""
        return {a for a, entry in self.articles.items() if any(summariser in s.summarisers for s in entry.summaries)}

    def digest(self, articles: Iterable[Article]) -> str | None:
        """What tells whether labels of these articles' summaries came or changed; None without a set."""
        if not self.articles:
            return None
        entries = [s.model_dump(mode="json") for a in articles for s in self.of(a)]
        return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()[:16]

    def _by_text(self) -> dict[tuple[str, str, str], FrozenSummary]:
        return {(a, e.article_hash, s.hash): s for a, e in self.articles.items() for s in e.summaries}


def read_frozen_set(dataset: Path) -> FrozenSet:
    """The frozen set beside a dataset folder; empty where there is none. Raises ValidationFailed with file, line and field."""
    entries, errors = _read(dataset)
    if errors:
        raise ValidationFailed(errors)
    return FrozenSet({row.article: row for row, _ in entries})


def frozen_set_problems(folder: Path, dataset: Dataset) -> list[DataError]:
    """Everything wrong with the files of `folder`, and where they do not fit the articles."""
    entries, errors = _read(folder)
    articles = {a.id: a for a in dataset}
    for row, document in entries:
        article = articles.get(row.article)
        if article is None:
            errors.append(
                DataError(
                    document.place(("article",)), f"there is no article {row.article!r}",
                    hint=nearest_hint(row.article, list(articles)) or None,
                )
            )  # fmt: skip
            continue
        if row.article_hash != text_hash(article.text):
            errors.append(
                DataError(
                    document.place(("article_hash",)),
                    f"the article's text has changed: its hash is {text_hash(article.text)}",
                    hint="its summaries and gold are of the earlier text: label them anew, or restore the text",
                )
            )
        errors += _undeclared(row, article, document)
    return errors


def open_labels(summary: FrozenSummary, article: Article) -> list[tuple[str, str]]:
    """The (speaker, target) pairs that still need a label: those with gold whose speaker the summary mentions."""
    labelled, gold = summary.stances(), article.gold_stances()
    named = {s.id for s in article.speakers if mentioned(s, summary.text, article.speakers)}
    return [
        (speaker.id, target.id)
        for speaker, target in article.pairs()
        if speaker.id in named and (speaker.id, target.id) in gold and (speaker.id, target.id) not in labelled
    ]


def write_frozen_article(dataset: Path, row: FrozenArticle) -> Path:
    """Writes one file, a label a line; whole or absent."""
    path = dataset / FOLDER / f"{row.article}.yaml"
    write_text(path, frozen_yaml(row))
    return path


def frozen_yaml(row: FrozenArticle) -> str:
    """The file's text; reading it gives the same row."""
    lines = [f"{HEAD}article: {row.article}", f"article_hash: {_scalar(row.article_hash)}", "summaries:"]
    for summary in row.summaries:
        lines.append(f"- hash: {_scalar(summary.hash)}")
        lines.append(f"  summarisers: {_flow(summary.summarisers)}")
        lines += [f"  sampled_from: {_flow(summary.sampled_from)}"] if summary.sampled_from else []
        lines += _text_lines(summary.text)
        lines.append("  labels:" if summary.labels else "  labels: []")
        lines += [f"  - {_flow(_plain(label))}" for label in summary.labels]
    return "\n".join(lines) + "\n"


def _plain(label: SummaryLabel) -> dict[str, object]:
    return label.model_dump(mode="json", exclude_none=True)


def _text_lines(text: str) -> list[str]:
    if survives_block(text):
        end = text[len(text.rstrip("\n")) :]
        mark = {0: "|-", 1: "|"}.get(len(end), "|+")
        body = text.removesuffix("\n").split("\n")
        return [f"  text: {mark}", *(f"    {line}" if line else "" for line in body)]
    dumped = yaml.safe_dump({"text": text}, allow_unicode=True, width=116, default_style='"' if "\n" in text else None)
    key = '"text": ' if dumped.startswith('"') else "text: "
    return ["  text: " + dumped.removeprefix(key).rstrip("\n").replace("\n", "\n  ")]


def _scalar(text: str) -> str:
    """A hash in quotes where YAML would read a number."""
    return text if yaml.safe_load(text) == text and not text.replace("e", "").isdigit() else f'"{text}"'


def _flow(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6).strip()


def _read(dataset: Path) -> tuple[list[tuple[FrozenArticle, LinedDocument]], list[DataError]]:
    """What can be read of the folder's files, and everything wrong with single ones."""
    entries: list[tuple[FrozenArticle, LinedDocument]] = []
    errors: list[DataError] = []
    for path in listed(dataset / FOLDER, "*.y*ml") if dataset.is_dir() else ():
        try:
            document = read_yaml(path, MAX_BYTES)
            row = FrozenArticle.model_validate(document.data)
        except DataError as error:
            errors.append(error)
        except ValidationError as error:
            errors.extend(explain_all(error, document.place, FrozenArticle))
        else:
            errors.extend(_inconsistent(row, document, path))
            entries.append((row, document))
    return entries, errors


def _inconsistent(row: FrozenArticle, document: LinedDocument, path: Path) -> Iterator[DataError]:
    if row.article != path.stem:
        yield DataError(
            document.place(("article",)), f"article {row.article!r} is not the file's name",
            hint=f"rename the file to {row.article}.yaml",
        )  # fmt: skip
    hashes = [s.hash for s in row.summaries]
    for i, summary in enumerate(row.summaries):
        at: tuple[str | int, ...] = ("summaries", i)
        if summary.hash != text_hash(summary.text):
            yield DataError(
                document.place((*at, "hash")), f"the text's hash is {text_hash(summary.text)}, not {summary.hash}",
                hint="a label is about one exact text: restore the text, or give the new one an entry of its own",
            )  # fmt: skip
        elif summary.hash in hashes[:i]:
            yield DataError(document.place((*at, "hash")), "this summary stands twice", hint="name both systems in one")
        pairs = [(label.speaker, label.target) for label in summary.labels]
        for j, pair in enumerate(pairs):
            if pair in pairs[:j]:
                yield DataError(
                    document.place((*at, "labels", j)), f"{pair[0]} on {pair[1]} is labelled twice",
                    hint="keep one; another person's label is its `second`",
                )  # fmt: skip


def _undeclared(row: FrozenArticle, article: Article, document: LinedDocument) -> Iterator[DataError]:
    known = {"speaker": [s.id for s in article.speakers], "target": [t.id for t in article.targets]}
    for i, summary in enumerate(row.summaries):
        for j, label in enumerate(summary.labels):
            for kind, name in (("speaker", label.speaker), ("target", label.target)):
                if name not in known[kind]:
                    place: Place = document.place(("summaries", i, "labels", j, kind))
                    hint = nearest_hint(name, known[kind]) + f"declared: {', '.join(known[kind])}"
                    yield DataError(place, f"{kind} {name!r} is not declared", hint=hint)
