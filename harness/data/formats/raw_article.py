"""An article without labels from a news database or an agency's feed, in the file's shape."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field

from harness.data.formats.base import Ids, article_from, metadata_or_new
from harness.data.formats.ledger import Ledger
from harness.data.plain_texts import title_of
from harness.errors import Place
from harness.types import Article

_LANGUAGES = {
    "english": "en", "englisch": "en", "anglais": "en", "ingles": "en", "英文": "en",
    "german": "de", "deutsch": "de", "allemand": "de", "德文": "de",
    "french": "fr", "franzosisch": "fr", "francais": "fr", "法文": "fr",
    "spanish": "es", "spanisch": "es", "espanol": "es",
    "italian": "it", "italienisch": "it", "italiano": "it",
    "portuguese": "pt", "dutch": "nl", "russian": "ru", "ukrainian": "uk", "polish": "pl", "arabic": "ar",
    "chinese": "zh", "中文(繁體)": "zh", "中文(简体)": "zh", "japanese": "ja", "korean": "ko",
    "turkish": "tr", "hebrew": "he", "persian": "fa",
}  # fmt: skip


@dataclass
class RawArticle:
    """What an article says of itself; `notes` are remarks by name that have no field of their own."""

    headline: str
    body: str
    publication: str | None = None
    date: dt.date | None = None
    url: str | None = None
    licence: str | None = None
    language: str | None = None
    notes: dict[str, str] = field(default_factory=dict)

    def article(self, ids: Ids, place: Place) -> Article:
        """The checked article, incomplete and without speakers; its text is the body."""
        title = self.headline.strip() or title_of(self.body)
        row = metadata_or_new(None, self.body, title, place)
        # a database holds one headline several times
        row["id"] = row["event"] = ids(f"{title} {self.date or ''} {place.field or ''}")
        row["title"] = title
        row["language"] = self.language or "en"
        row["source"] = {
            "kind": "news",
            "publisher": self.publication or None,
            "date": self.date,
            "url": self.url,
            "licence": self.licence or None,
            "note": "; ".join(f"{name}: {words}" for name, words in self.notes.items() if words) or None,
        }
        return article_from(row, place)


def known_language(words: str, place: Place, ledger: Ledger) -> str | None:
    """The code of a language; one that is named but not known is reported."""
    code = language_code(words)
    if words.strip() and code is None:
        ledger.lose(place, f"the language {words.strip()!r} is not known: the article is marked as English")
    return code


def language_code(words: str) -> str | None:
    """The code of a language that is named in English or another language of the databases; None for any other."""
    plain = words.strip().casefold().replace("ö", "o").replace("ñ", "n").replace("ç", "c").replace("é", "e")
    return _LANGUAGES.get(plain.split(";")[0])


def is_language(words: str) -> bool:
    """Whether a line is the name of a language."""
    return language_code(words) is not None


def paragraphs(lines: list[str]) -> str:
    """Paragraphs parted by one empty line, without the spaces at their ends."""
    return re.sub(r"\n{3,}", "\n\n", "\n\n".join(line.strip(" \t") for line in lines if line.strip())).strip()
