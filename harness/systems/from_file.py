"""Systems that answered elsewhere: what a pipeline, another harness or a person said is read from a file and scored like any."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

from harness.data.answers.read import read_answers
from harness.data.answers.shape import FileAnswer, FileAnswers, Normalise, Words, text_hash
from harness.errors import DataError, SystemFailed, nearest_hint
from harness.results.store import content_hash
from harness.systems.base import Context, Options, System, pair_item
from harness.systems.parsing import parse_choice, parse_label
from harness.systems.stance_scores import likeliest, softmax
from harness.text.speeches import words_of
from harness.types import Answer, Article, Dataset, Item, Stance

MOST_NAMED = 5
"""Answers about nothing in the dataset that a message names; the others are counted."""


class FileOptions(Options):
    """`path` is a table (.csv, .tsv, .jsonl, .parquet), a sample log of lm-evaluation-harness (.jsonl), a log of Inspect (.eval,
    .json), or a folder with one such log. `columns` names columns of a table that are called otherwise. Answers about what the
    dataset does not have are an error, or with `unknown: note` a note in the record and the report."""

    path: str
    columns: Mapping[str, str] = {}
    filter: str | None = None
    unknown: Literal["error", "note"] = "error"

    def words(self) -> Words:
        """What the words of the file mean."""
        return Words(columns=self.columns, filter=self.filter)


class FromFile(System):
    """Looks its answers up. Its fingerprint is what the file says: not where it lies, in which order or in what kind of file.

    An item that the file does not answer has an error, and so is unscored and counted.
    """

    @cached_property
    def answers(self) -> FileAnswers:
        """What the file says; DataError where it cannot be read."""
        return read_answers(Path(self.options.path), self.options.words(), pairs=self.kind == "stance")

    @cached_property
    def _by_ids(self) -> dict[tuple[str, ...], FileAnswer]:
        return {answer.ids: answer for answer in self.answers.answers}

    def identity(self) -> dict[str, Any]:
        content = sorted((answer.content() for answer in self.answers.answers), key=lambda c: c[0])
        return {"adapter": super().identity()["adapter"], "version": self.version, "content": content_hash(content)}

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        return {"item": item.id, "article": content_hash(item.article.text)}

    @abstractmethod
    def items(self, article: Article) -> Iterator[Item]:
        """Every item of an article that an answer may be about."""

    @abstractmethod
    def names(self, item: Item) -> Iterator[tuple[str, ...]]:
        """What a file may call an item, the ids first."""

    @abstractmethod
    def said(self, answer: FileAnswer) -> Answer:
        """The answer as it is stored."""

    def look_up(self, item: Item) -> FileAnswer | None:
        """The file's answer to an item, None if there is none; DataError if there are two, under different names."""
        hits = [answer for name in self.names(item) if (answer := self._by_ids.get(name)) is not None]
        for other in hits[1:]:
            if other is not hits[0]:
                message = f"{item.id} was answered before, at {hits[0].place}, under another name"
                raise DataError(other.place, message, hint="keep one of them")
        return hits[0] if hits else None

    def remarks(self, dataset: Dataset) -> list[str]:
        """What of the file is not scored; DataError for answers about nothing in the dataset, or about two things in it."""
        about: dict[tuple[str, ...], Item] = {}
        for article in dataset:
            for item in self.items(article):
                answer = self.look_up(item)
                if answer is None:
                    continue
                if answer.ids in about:
                    message = f"could be about {about[answer.ids].id} or {item.id}"
                    raise DataError(answer.place, message, hint="name them by their ids")
                about[answer.ids] = item
        unknown = [answer for answer in self.answers.answers if answer.ids not in about]
        remarks = [f"{self.options.path}: {remark}" for remark in self.answers.remarks]
        if unknown:
            named = [f"{answer.place}: {_missing_part(answer.ids, dataset)}" for answer in unknown[:MOST_NAMED]]
            more = f"; and {len(unknown) - MOST_NAMED:,} more" if len(unknown) > MOST_NAMED else ""
            message = (
                f"{len(unknown):,} of {len(self.answers.answers):,} answers are about nothing in {dataset.name}: "
                f"{'; '.join(named)}{more}"
            )
            if self.options.unknown == "error":
                raise DataError(unknown[0].place, message, hint="mend the names, or say unknown=note to leave them out")
            remarks.append(message)
        return remarks

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        texts = {article.id: article for article in context.dataset}
        return [self._answer(item, texts[item.article.id]) for item in items]

    def _answer(self, item: Item, article: Article) -> Answer:
        whole = words_of(article, item.speaker) if item.speaker else article
        if item.article.text != whole.text:
            raise SystemFailed(
                f"{item.id}: {self.options.path} answers about articles, this is another text",
                hint="a judge has to be asked anew of every summary: choose one that reads",
            )
        answer = self.look_up(item)
        if answer is None:
            return Answer(error=f"{Path(self.options.path).name} has no answer to {item.id}")
        if answer.error is not None:
            return Answer(error=answer.error)
        if answer.text_hash not in (None, text_hash(whole.text)):
            return Answer(error=f"{answer.place}: was answered from another text of {item.article.id}")
        return self.said(answer)


class SummariesFromFile(FromFile):
    """Summaries by article."""

    kind: ClassVar = "summariser"
    Options: ClassVar = FileOptions

    def items(self, article: Article) -> Iterator[Item]:
        yield Item(article)

    def names(self, item: Item) -> Iterator[tuple[str, ...]]:
        yield (item.article.id,)

    def said(self, answer: FileAnswer) -> Answer:
        text = (answer.reply or "").strip()
        return Answer(text, raw=answer.reply, tokens_in=answer.tokens_in, tokens_out=answer.tokens_out, path="file")


class StanceFileOptions(FileOptions):
    """`labels` says what the file's own words for labels mean; `normalise` is for lm-evaluation-harness: log-probabilities are
    compared as sums (its `acc`), per character (`acc_norm`) or per byte (`acc_bytes`)."""

    labels: Mapping[str, Stance] = {}
    normalise: Normalise = "sum"

    def words(self) -> Words:
        """What the words of the file mean."""
        return Words(self.labels, self.columns, self.normalise, self.filter)


class StancesFromFile(FromFile):
    """Stances by article, speaker and target, each named by its id or as the dataset words it (name or alias, proposition)."""

    kind: ClassVar = "stance"
    Options: ClassVar = StanceFileOptions

    def items(self, article: Article) -> Iterator[Item]:
        for speaker in article.speakers:
            for target in article.targets:
                yield pair_item(article, speaker, target)

    def names(self, item: Item) -> Iterator[tuple[str, ...]]:
        assert item.speaker is not None
        assert item.target is not None
        other_ids = {s.id for s in item.article.speakers} - {item.speaker.id}
        speakers = dict.fromkeys(n for n in (item.speaker.id, *item.speaker.names) if n not in other_ids)
        for speaker in speakers:
            for target in dict.fromkeys((item.target.id, item.target.proposition)):
                yield (item.article.id, speaker, target)

    def said(self, answer: FileAnswer) -> Answer:
        scores = softmax(answer.scores) if answer.log else {str(s): p for s, p in answer.scores.items()}
        label, path = answer.label, "file"
        if answer.parse:
            reply = answer.reply or ""
            label = parse_choice(reply, answer.letters) if answer.letters else parse_label(reply)
            path = "parsed"
        elif label is None and scores:
            label, path = likeliest(answer.scores), "scores"
        return Answer(
            output=label or "",
            label=label,
            scores=scores,
            raw=answer.reply,
            tokens_in=answer.tokens_in,
            tokens_out=answer.tokens_out,
            path=path,
        )


def _missing_part(ids: tuple[str, ...], dataset: Dataset) -> str:
    """Which of an answer's names the dataset does not have, with the nearest that it has."""
    try:
        article = dataset.article(ids[0])
    except KeyError:
        return _no("article", ids[0], "", [a.id for a in dataset])
    speakers = [n for s in article.speakers for n in (s.id, *s.names)]
    if ids[1] not in speakers:
        return _no("speaker", ids[1], f" in {article.id}", speakers)
    targets = [n for t in article.targets for n in (t.id, t.proposition)]
    return _no("target", ids[2], f" in {article.id}", targets)


def _no(kind: str, name: str, where: str, known: Sequence[str]) -> str:
    hint = nearest_hint(name, known).strip()
    return f"no {kind} {name!r}{where}" + (f" ({hint})" if hint else "")
