"""A draft of a labelled article from a plain text: speakers proposed, repeats and near-duplicates pointed out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.data.load import MAX_BYTES, read_dataset
from harness.data.plain_texts import free_id, slug, title_of
from harness.data.save import article_yaml, check_size
from harness.errors import DataError, Place
from harness.runtime.files import utf8_text, write_text
from harness.runtime.progress import Reporter
from harness.text.body import body_sentences, repeated_headlines
from harness.text.languages import language_of
from harness.types import ESCALATION, ESCALATION_PROPOSITION, Article, Dataset, Source, Speaker, Target

SHINGLE = 5
"""Words in a row that are compared."""

NEAR = 0.5
"""Share of a text's shingles in another one from which the two are called near-duplicates."""

_BOILERPLATE = re.compile(
    r"^\W*(?:advertisement|read more|related(?: articles| stories)?|share (?:this|on)|sign up|subscribe|follow us|click here|"
    r"all rights reserved|copyright|©|terms of (?:use|service)|cookies?|newsletter|getty images|photo(?:graph)? by|link to this|"
    r"tweet share|we use cookies|this article (?:was|is))\b.*$",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Draft:
    """The article as it would be saved, the file's text with its comments, and remarks for the person who labels it."""

    article: Article
    yaml: str
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Likeness:
    """How much of a new text stands in an article of the set, in [0, 1]; by embedding it is the cosine."""

    article_id: str
    share: float
    how: str


def read_text(path: Path | None, raw: bytes) -> str:
    """The text of a file or of standard input, verbatim; DataError for bytes that are no text."""
    name = str(path) if path else "standard input"
    if raw.startswith(b"PK\x03\x04") or b"\0" in raw[:4096]:
        raise DataError(Place(name), "is no plain text", hint="save the article as .txt in UTF-8")
    if len(raw) > MAX_BYTES:
        raise DataError(Place(name), f"{len(raw):,} bytes; the limit is {MAX_BYTES:,}", hint="split the text")
    text = utf8_text(raw, name)
    if not text.strip():
        raise DataError(Place(name), "text is empty")
    check_size(text, name)
    return text


def draft(
    text: str, dataset: Dataset, *, finder: str | None = None, embed: bool = True, reporter: Reporter | None = None
) -> Draft:
    """A draft for the set: an id that is free, the text's language, the target `escalation`, speakers with their quotes, remarks.

    The text is kept verbatim: what looks like boilerplate or stands twice is named in comments, with its line. Without a
    `finder` it is `rule` for English and `cues` for other languages; one that cannot read the text is a remark, too.
    """
    title = title_of(text)
    guess = language_of(text)
    identifier = free_id(slug(title) or "article", {a.id for a in dataset})
    article = Article(
        id=identifier,
        title=title,
        text=text,
        event=identifier,
        source=Source(kind="news"),
        language=guess.language if guess else dataset.language,
        targets=(Target(ESCALATION, ESCALATION_PROPOSITION),),
        speakers=(),
    )
    rows, remark = find(article, finder or ("rule" if article.language == "en" else "cues"))
    speakers, quotes = declared(rows)
    article = replace(article, speakers=speakers)
    remarks = [remark] if remark else []
    if guess is None:
        remarks.append(f"language not detected: taken for the set's, {dataset.language!r}")
    elif guess.language != dataset.language:
        remarks.append(f"language {guess.language!r} ({guess.probability:.0%} sure), the set's is {dataset.language!r}")
    remarks += [*repeats(title, text), *boilerplate(text)]
    remarks += [
        f"near-duplicate? {round(100 * x.share)} % {x.how} of {x.article_id}"
        for x in likenesses(article, dataset, embed, reporter)
    ]
    return Draft(article, _commented(article, quotes, remarks), tuple(remarks))


def find(article: Article, finder: str) -> tuple[list[dict[str, Any]], str | None]:
    """Speakers as {name, aliases, quotes} by a speaker finder of the registry, configured as in configs/speakers; and why there
    are none where it cannot read the text."""
    import json

    import yaml

    from harness.config import SystemConfig
    from harness.errors import UnknownSystem
    from harness.runtime.paths import config_dir
    from harness.systems.base import Context
    from harness.systems.registry import build
    from harness.types import Item

    configs = {p.stem: p for p in (config_dir() / "speakers").glob("*.yaml") if p.stem != "none"}
    if finder not in configs:
        raise UnknownSystem("speaker finder", finder, configs)
    config = SystemConfig.model_validate(yaml.safe_load(configs[finder].read_text(encoding="utf-8")))
    dataset = Dataset("draft", "0", (article,), "")
    [answer] = build("speakers", config).answer([Item(article)], Context(dataset))
    if answer.error is not None:
        return [], f"{finder}: {answer.error}"
    return json.loads(answer.output or "[]"), None


def declared(rows: Sequence[dict[str, Any]]) -> tuple[tuple[Speaker, ...], dict[str, list[str]]]:
    """Speakers with ids made of their names, and their quotes by id."""
    speakers: list[Speaker] = []
    quotes: dict[str, list[str]] = {}
    for row in rows:
        identifier = free_id(slug(row["name"]) or "speaker", quotes)
        speakers.append(Speaker(identifier, row["name"], tuple(row.get("aliases", ()))))
        quotes[identifier] = list(row.get("quotes", ()))
    return tuple(speakers), quotes


def repeats(title: str, text: str) -> Iterator[str]:
    """Lines that are the title or stand more than once, with their line numbers."""
    lines: dict[str, list[int]] = {}
    for start, end in repeated_headlines(title, text):
        lines.setdefault(" ".join(text[start:end].split()), []).append(text.count("\n", 0, start) + 1)
    for line, numbers in lines.items():
        if len(numbers) > 1 or numbers[0] > 1:
            places = ", ".join(map(str, numbers))
            yield f"repeated headline, lines {places} of the text: {line[:80]}"


def boilerplate(text: str) -> Iterator[str]:
    """Lines that look like parts of a web page (links, cookie notes), not like the article."""
    for match in _BOILERPLATE.finditer(text):
        line = match.group().strip()
        if len(line) <= 200:
            yield f"boilerplate? line {text.count(chr(10), 0, match.start()) + 1} of the text: {line[:80]}"


def likenesses(
    article: Article, dataset: Dataset, embed: bool = True, reporter: Reporter | None = None
) -> list[Likeness]:
    """Articles of the set that share half of their five-word sequences with this one, or are close to it by embedding."""
    words = shingles(article.text)
    alike = {}
    for other in dataset:
        theirs = shingles(other.text)
        share = len(words & theirs) / min(len(words), len(theirs)) if words and theirs else 0.0
        if share >= NEAR or other.text == article.text:
            alike[other.id] = Likeness(other.id, share or 1.0, "of the five-word sequences are those")
    if embed and len(dataset):
        for other_id, cosine in _embedded(article, dataset, reporter):
            alike.setdefault(other_id, Likeness(other_id, cosine, "alike by embedding to the text"))
    return sorted(alike.values(), key=lambda x: -x.share)


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Every `SHINGLE` words in a row, without case and punctuation."""
    words = re.findall(r"\w+", text.casefold())
    return frozenset(tuple(words[i : i + SHINGLE]) for i in range(len(words) - SHINGLE + 1))


def _embedded(article: Article, dataset: Dataset, reporter: Reporter | None) -> list[tuple[str, float]]:
    """Articles whose mean sentence embedding has a cosine of NEAR_DUPLICATE or more with that of the new one."""
    from harness.curate.article_vectors import mean_vectors
    from harness.curate.statistics import NEAR_DUPLICATE

    articles = [a for a in (article, *dataset) if body_sentences(a)]
    if not articles or articles[0] is not article:
        return []
    means = mean_vectors(articles, reporter)
    cosines = means[1:] @ means[0]
    return [(a.id, float(c)) for a, c in zip(articles[1:], cosines, strict=True) if c >= NEAR_DUPLICATE]


def _commented(article: Article, quotes: dict[str, list[str]], remarks: Sequence[str]) -> str:
    head = ["# Draft: check the speakers, add targets, label every (speaker, target) pair (GUIDELINES.md)."]
    head += [f"# {_line(remark)}" for remark in remarks]
    tail = ["# Proposed speakers and their words, to be checked; copy evidence from the text:"]
    for speaker in article.speakers:
        tail += [f"#   {speaker.id}: {_line(quote)}" for quote in quotes[speaker.id]]
    if not article.speakers:
        tail = ["# No speaker was found: add them by hand."]
    return "\n".join([*head, article_yaml(article).rstrip("\n"), *tail, ""])


def _line(text: str) -> str:
    """On one line, without characters that YAML forbids even in comments."""
    return "".join(ch if ch.isprintable() else " " for ch in " ".join(text.split()))


def write_draft(made: Draft, folder: Path) -> Path:
    """`<folder>/articles/<id>.yaml`; an existing file is never overwritten."""
    path = folder / "articles" / f"{made.article.id}.yaml"
    if path.exists():
        raise DataError(Place(str(path)), "exists", hint="change the title, or edit that file")
    write_text(path, made.yaml)
    return path


def dataset_at(folder: Path) -> Dataset:
    """The set as far as it can be read: a half-labelled article in it must not stop the next draft."""
    if not (folder / "dataset.yaml").exists():
        raise DataError(
            Place(str(folder)),
            "no dataset.yaml",
            hint=f"a set begins with it: two lines, name: {folder.name} and version: '0'",
        )
    return read_dataset(folder)[0]
