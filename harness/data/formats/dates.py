"""Days as newspapers' databases print them: `January 11, 2010 Monday`, `27. Februar 2012`, `2018 年 10 月 7 日`."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

_MONTHS = (
    "january januar janvier enero gennaio janeiro januari jan",
    "february februar fevrier febrero febbraio fevereiro februari feb",
    "march marz maerz mars marzo marco maart mar",
    "april avril abril aprile apr",
    "may mai mayo maggio maio mei",
    "june juni juin junio giugno junho jun",
    "july juli juillet julio luglio julho jul",
    "august aout agosto augustus aug",
    "september septembre septiembre settembre setembro sep sept",
    "october oktober octobre octubre ottobre outubro oct okt",
    "november novembre noviembre novembro nov",
    "december dezember decembre diciembre dicembre dezembro dec dez",
)
"""January to December in English, German, French, Spanish, Italian, Portuguese and Dutch, without accents."""

_NUMBER_OF = {name: n for n, names in enumerate(_MONTHS, start=1) for name in names.split()}
_MONTH = "|".join(sorted(_NUMBER_OF, key=len, reverse=True))
_FORMS = (
    re.compile(
        rf"\b(?P<day>\d{{1,2}})(?:\.|st|nd|rd|th|er)?\s+(?:de\s+)?(?P<month>{_MONTH})\.?,?\s+(?:de\s+)?(?P<year>\d{{4}})\b"
    ),
    re.compile(rf"\b(?P<month>{_MONTH})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})\b"),
    re.compile(r"(?P<year>\d{4})\s*[年년-]\s*(?P<month>\d{1,2})\s*[月월-]\s*(?P<day>\d{1,2})"),
)


def day_in(line: str) -> dt.date | None:
    """The first day that a line names with day, month and year; None without one."""
    folded = "".join(c for c in unicodedata.normalize("NFKD", line.casefold()) if not unicodedata.combining(c))
    # Hangul is taken apart by the folding
    for form in _FORMS:
        if m := form.search(unicodedata.normalize("NFC", folded)):
            month = m["month"]
            try:
                return dt.date(int(m["year"]), _NUMBER_OF.get(month) or int(month), int(m["day"]))
            except ValueError:
                return None
    return None
