"""A folder of plain text files as a dataset without labels: a newsroom's own articles."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Container
from dataclasses import replace
from itertools import count
from pathlib import Path

from harness.data.fingerprint import fingerprint
from harness.data.load import MAX_BYTES
from harness.data.speaker_corrections import with_corrections
from harness.data.text_files import is_text
from harness.errors import DataError, Place, ValidationFailed
from harness.runtime.files import read_regular, utf8_text
from harness.runtime.install import pip_install
from harness.text.languages import can_detect, language_of
from harness.types import ESCALATION, ESCALATION_PROPOSITION, Article, Dataset, Source, Target

MOST_ACCENTED = 0.2
"""Share of a text's letters that may be accented; French has 0.04, Icelandic 0.13, Russian in Windows-1251 nearly all."""
MAX_HEADLINE = 20
"""Words of a line beyond which it is no headline."""

_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffd]")
_SENTENCE_END = re.compile(r"[.?!…][\"'”’»)\]]*$")


def load_texts(path: Path) -> Dataset:
    """Every .txt and .md file below `path`, in order, titled by `title_of`; `path` may also be one file.

    Files and folders whose name begins with a dot, and README.md, are no articles. A file that cannot be read (empty, binary,
    in an encoding that cannot be guessed) is left out and named in the dataset's `left_out`; ValidationFailed if none can, or
    if the folder's `speakers.yaml` is wrong.
    """
    if not path.exists():
        raise DataError(Place(str(path)), "no such file or folder", hint="give a folder of .txt or .md files")
    files = sorted(p for p in path.rglob("*") if is_text(p.relative_to(path))) if path.is_dir() else [path]
    articles: dict[str, Article] = {}
    errors: list[DataError] = []
    notes: list[str] = []
    for file in files:
        try:
            article, remarks = read_text_article(file)
            if article.id in articles:
                raise DataError(Place(str(file)), f"gives the id {article.id!r} a second time", hint="rename it")
        except DataError as error:
            errors.append(error)
            continue
        articles[article.id] = article
        notes += remarks
    if not files:
        errors.append(DataError(Place(str(path)), "holds no .txt or .md file"))
    if not articles:
        raise ValidationFailed(errors)
    if articles and not can_detect():
        notes.append(f"every text is taken for English: {pip_install('py3langid')} lets the harness tell languages")
    ordered = tuple(sorted(articles.values(), key=lambda a: a.id))
    if path.is_dir():
        ordered, remarks = with_corrections(ordered, path)
        notes += remarks
    return Dataset(
        name=slug(path.name) or "texts",
        version="0",
        articles=ordered,
        fingerprint=fingerprint(ordered),
        left_out=tuple(error.message for error in errors),
        notes=tuple(notes),
    )


def read_text_article(file: Path) -> tuple[Article, list[str]]:
    """One text file as an unlabelled article with the target `escalation`, and what was guessed of it, in words."""
    text, remark = _decoded(read_regular(file, MAX_BYTES), str(file))
    if not text.strip():
        raise DataError(Place(str(file)), "text is empty")
    identifier = slug(file.stem) or "article"
    article = Article(
        id=identifier,
        title=title_of(text),
        text=text,
        event=identifier,
        source=Source(kind="news"),
        targets=(Target(ESCALATION, ESCALATION_PROPOSITION),),
        speakers=(),
    )
    remarks = [remark] if remark else []
    guess = language_of(text)
    if guess is not None and guess.language != article.language:
        article = replace(article, language=guess.language)
        remarks.append(f"{file}: taken for a text in the language {guess.language!r} ({guess.probability:.0%} sure)")
    return article, remarks


def _decoded(raw: bytes, name: str) -> tuple[str, str]:
    """The text of a file's bytes in UTF-8, or in UTF-16 with its mark, or as a guess in Windows-1252; and the guess in words.

    Windows-1252 gives nearly every byte a character, so it is taken only where the text then looks like one of Western
    Europe: no control characters, and letters beyond ASCII few among all. DataError otherwise.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return raw.decode("utf-16"), f"{name}: read as UTF-16"
        except UnicodeDecodeError:
            raise DataError(Place(name), "begins like UTF-16 and is none", hint="save the file as UTF-8") from None
    if b"\0" in raw:
        raise DataError(Place(name), "holds zero bytes: no text but a binary file", hint="save its text as UTF-8")
    try:
        return utf8_text(raw, name), ""
    except DataError:
        text = raw.decode("cp1252", errors="replace")
        letters = sum(c.isalpha() for c in text)
        beyond = sum(c.isalpha() and not c.isascii() for c in text)
        if _CONTROL.search(text) or beyond > MOST_ACCENTED * letters:
            raise
    return text, f"{name}: not UTF-8; read as Windows-1252, which is a guess: check its accents, or save it as UTF-8"


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


def free_id(stem: str, taken: Container[str]) -> str:
    """The stem, or the first of `stem-2`, `stem-3` and so on that is not taken."""
    return next(name for n in count(1) if (name := stem if n == 1 else f"{stem}-{n}") not in taken)


def slug(text: str) -> str:
    """An id made of a title or file name: lower-case ASCII words joined by dashes, at most 64 characters."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].rstrip("-")
