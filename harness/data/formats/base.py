"""What all formats share: guarded reading of files, rebuilding and checking of articles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.data.check import check_article
from harness.data.load import MAX_BYTES, parse_object
from harness.data.plain_texts import slug, title_of
from harness.data.save import check_size
from harness.data.schema import ArticleRow, to_article, to_row
from harness.errors import DataError, HarnessError, Place, ValidationFailed
from harness.runtime.files import read_regular
from harness.types import ESCALATION, ESCALATION_PROPOSITION, Article

MAX_INPUT = 1_000_000_000
"""Bytes of a whole file that is imported."""

_ARCHIVES = {
    b"PK\x03\x04": "zip (or a spreadsheet: save it as CSV)",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "rar",
    b"\x28\xb5\x2f\xfd": "zstd",
}


def guard(path: Path, limit: int = MAX_INPUT) -> Path:
    """The path of a plain file within the limit; DataError for archives, which could unpack to anything."""
    if path.is_dir():
        raise DataError(Place(str(path)), "is a folder: this format is in a file", hint="give the file itself")
    if not path.is_file():
        raise DataError(Place(str(path)), "no such file")
    with path.open("rb") as file:
        head = file.read(265)
    for magic, name in _ARCHIVES.items():
        if head.startswith(magic):
            raise DataError(Place(str(path)), f"is an archive: {name}", hint="unpack it and give the file itself")
    if head[257:262] == b"ustar":
        raise DataError(Place(str(path)), "is an archive: tar", hint="unpack it and give the file itself")
    if path.stat().st_size > limit:
        raise DataError(Place(str(path)), f"{path.stat().st_size:,} bytes; the limit is {limit:,}", hint="split it")
    return path


@contextmanager
def as_expected(path: Path, what: str) -> Iterator[None]:
    """While it lasts, whatever a reader stumbles over is a DataError that names the file: values of another kind than the format
    has there, mostly, which no reader can foresee one by one."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        hint = "export it again; `harness --debug` shows what was being read"
        raise DataError(Place(str(path)), f"is not as {what} should be: {reason}", hint=hint) from error


def read_guarded(path: Path, limit: int = MAX_INPUT) -> bytes:
    """The bytes of a file that `guard` lets pass."""
    return read_regular(guard(path, limit), limit)


def json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Line number (from 1) and object of each line of a JSONL file; DataError with the line where one is none."""
    with guard(path).open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(2 * MAX_BYTES), b""), start=1):
            if len(line) >= 2 * MAX_BYTES:
                raise DataError(Place(str(path), number), f"more than {2 * MAX_BYTES:,} bytes", hint="split the text")
            if line.strip():
                row = parse_json(line, Place(str(path), number))
                if not isinstance(row, dict):
                    raise DataError(Place(str(path), number), f"a {type(row).__name__}; an object is wanted")
                yield number, row


def parse_json(raw: bytes, place: Place) -> Any:
    """Decoded JSON; DataError for what is none, also for endless nesting."""
    try:
        return parse_object(raw.decode("utf-8-sig"), place)
    except UnicodeDecodeError:
        raise DataError(place, "not UTF-8", hint="save the file as UTF-8") from None
    except RecursionError:
        raise DataError(place, "not JSON: nested too deeply") from None
    except ValueError as error:  # also a number of thousands of digits
        raise DataError(
            place, f"not JSON: {error}", hint="is the file whole, and of this format? export it again"
        ) from None


def article_from(row: Mapping[str, Any], place: Place, *, context: Any = None) -> Article:
    """The checked article of a row in the file's shape; ValidationFailed with everything that is wrong with it.

    In the context `NULL_IS_ABSENT` a field that is null has its default.
    """

    def where(loc: tuple[str | int, ...]) -> Place:
        return Place(place.file, place.line, ".".join(map(str, loc)) or None)

    parsed = _parsed(row, where, context)
    check_size(parsed.text, f"{place}")
    wrong = list(check_article(parsed, where))
    if wrong:
        raise ValidationFailed(wrong)
    return to_article(parsed)


def _parsed(row: Mapping[str, Any], where: Callable[[tuple[str | int, ...]], Place], context: Any = None) -> ArticleRow:
    try:
        return ArticleRow.model_validate(row, context=context)
    except ValidationError as error:
        found = [DataError(where(tuple(e["loc"])), _say(e)) for e in error.errors(include_url=False)]
        raise ValidationFailed(found) from None


def _say(error: Any) -> str:
    if error["type"] == "string_pattern_mismatch":
        return f"{error['input']!r} is no id: lower-case letters, digits, '-', '_' and '.' only, no path"
    return str(error["msg"]).removeprefix("Value error, ")


def metadata(article: Article) -> dict[str, Any]:
    """Everything of an article but its text and labels, JSON-able: what rides along in formats with room for it."""
    return {k: v for k, v in to_row(article).items() if k not in {"text", "annotations", "gold"}}


def metadata_or_new(row: Any, text: str, name: str, place: Place) -> dict[str, Any]:
    """The article without labels, all fields there: as it rode along, or new for a text from elsewhere, with an id from
    `name`, no speakers, incomplete."""
    if row is None:
        if not text.strip():
            raise DataError(place, "text is empty")
        identifier = slug(name) or "article"
        row = {
            "id": identifier,
            "title": title_of(text),
            "event": identifier,
            "source": {"kind": "news"},
            "targets": [{"id": ESCALATION, "proposition": ESCALATION_PROPOSITION}],
            "speakers": [],
            "complete": False,
        }
    if not isinstance(row, dict):
        raise DataError(place, "`article` is no object")
    if doubled := sorted(key for key in ("text", "annotations", "gold") if row.get(key)):
        raise DataError(place, f"`article` holds {', '.join(doubled)}", hint="text and labels stand beside `article`")
    unlabelled = {**row, "text": text, "annotations": [], "gold": None}
    return _parsed(unlabelled, lambda loc: Place(place.file, place.line, ".".join(map(str, loc)))).model_dump(
        mode="json"
    )


class Ids:
    """Ids made of names: lower-case words, a number where two names give the same."""

    def __init__(self, fallback: str) -> None:
        self._fallback = fallback
        self._of: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        """The id of that name, always the same one."""
        if name not in self._of:
            stem = slug(name) or self._fallback
            taken, found, n = set(self._of.values()), stem, 1
            while found in taken:
                n += 1
                found = f"{stem}-{n}"
            self._of[name] = found
        return self._of[name]


def unique(articles: list[Article], path: Path) -> tuple[Article, ...]:
    """The articles by id; DataError where two share one."""
    found: dict[str, Article] = {}
    for article in articles:
        if article.id in found:
            raise DataError(Place(str(path)), f"two articles have the id {article.id!r}", hint="rename one")
        found[article.id] = article
    if not found:
        raise DataError(Place(str(path)), "holds no articles")
    return tuple(sorted(found.values(), key=lambda a: a.id))


Report = Callable[[str, str], None]
"""Notes a loss: where, what."""
