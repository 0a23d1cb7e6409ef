"""A folder of plain text files as a dataset without labels: a newsroom's own articles."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from itertools import count
from pathlib import Path

from harness.data.load import MAX_BYTES, fingerprint
from harness.errors import DataError, Place, ValidationFailed
from harness.runtime.files import utf8_text
from harness.types import ESCALATION, ESCALATION_PROPOSITION, Article, Dataset, Source, Target

MAX_HEADLINE = 20
"""Words of a line beyond which it is no headline."""

_SENTENCE_END = re.compile(r"[.?!…][\"'”’»)\]]*$")


def load_texts(path: Path) -> Dataset:
    """Every .txt and .md file below `path`, in order, titled by `title_of`; `path` may also be one file.

    Left out are files and folders whose name begins with a dot, and README.md. Raises ValidationFailed.
    """
    if not path.exists():
        raise DataError(Place(str(path)), "no such file or folder", hint="give a folder of .txt or .md files")
    files = sorted(p for p in path.rglob("*") if _is_article(p.relative_to(path))) if path.is_dir() else [path]
    articles: dict[str, Article] = {}
    errors: list[DataError] = []
    for file in files:
        try:
            article = read_text_article(file)
        except DataError as error:
            errors.append(error)
            continue
        if article.id in articles:
            errors.append(DataError(Place(str(file)), f"gives the id {article.id!r} a second time", hint="rename it"))
        articles[article.id] = article
    if not files:
        errors.append(DataError(Place(str(path)), "holds no .txt or .md file"))
    if errors:
        raise ValidationFailed(errors)
    found = tuple(sorted(articles.values(), key=lambda a: a.id))
    return Dataset(name=slug(path.name) or "texts", version="0", articles=found, fingerprint=fingerprint(found))


def read_text_article(file: Path) -> Article:
    """One text file as an unlabelled article with the target `escalation`."""
    if file.stat().st_size > MAX_BYTES:
        raise DataError(Place(str(file)), f"more than {MAX_BYTES:,} bytes", hint="split the text")
    text = utf8_text(file.read_bytes(), str(file))
    if not text.strip():
        raise DataError(Place(str(file)), "text is empty")
    identifier = slug(file.stem) or "article"
    return Article(
        id=identifier,
        title=title_of(text),
        text=text,
        event=identifier,
        source=Source(kind="news"),
        targets=(Target(ESCALATION, ESCALATION_PROPOSITION),),
        speakers=(),
    )


def title_of(text: str) -> str:
    """The first line that says something, if it can be a headline; else its first words (12 at most) and an ellipsis.

    A headline has more text below it, 20 words at most, and does not end like a sentence.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    words = lines[0].split()
    if len(lines) > 1 and len(words) <= MAX_HEADLINE and not _SENTENCE_END.search(lines[0]):
        return lines[0][:300]
    start = " ".join(words[:12])[:120]
    return (start.rstrip(" .,;:!?…\"'”’)]") or start) + "…"


def _is_article(relative: Path) -> bool:
    hidden = any(part.startswith(".") for part in relative.parts)
    return relative.suffix.lower() in {".txt", ".md"} and not hidden and relative.name.lower() != "readme.md"


def free_id(stem: str, taken: Container[str]) -> str:
    """The stem, or the first of `stem-2`, `stem-3` and so on that is not taken."""
    return next(name for n in count(1) if (name := stem if n == 1 else f"{stem}-{n}") not in taken)


def slug(text: str) -> str:
    """An id made of a title or file name: lower-case ASCII words joined by dashes, at most 64 characters."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].rstrip("-")
