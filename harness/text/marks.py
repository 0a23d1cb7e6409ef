"""Typographic marks in the form of a typewriter, for lexicons, tokenisers and rules that know no others; nothing is stored so."""

from __future__ import annotations

import re

_QUOTES = dict.fromkeys("“”„‟«»〝〞＂", '"')
_APOSTROPHES = dict.fromkeys("‘’‚‛‹›′ʼ＇", "'")
_DASHES = dict.fromkeys("‐‑‒–−—―", "-")
_SPACES = dict.fromkeys("\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " ")
_PLAIN = str.maketrans({**_QUOTES, **_APOSTROPHES, **_DASHES, **_SPACES})
_INVISIBLE = str.maketrans(dict.fromkeys("\u00ad\u200b\u2060\ufeff", ""))
_TIGHT_DASH = re.compile(r"(?<=[^\s—―])[—―](?=[^\s—―])")


def plain_marks(text: str) -> str:
    """The text with straight quotation marks and apostrophes, hyphens and spaces, one code point for one: offsets hold.

    >>> plain_marks("“We won’t,” he said – twice.")
    '"We won\\'t," he said - twice.'
    """
    return text if text.isascii() else text.translate(_PLAIN)


def plain_text(text: str) -> str:
    """`plain_marks`, and what takes more than one character or none: an ellipsis is three points, a dash that ties two words
    stands between them, soft hyphens and the like are gone. Offsets do not hold.

    >>> plain_text("peace—or war…")
    'peace - or war...'
    """
    if text.isascii():
        return text
    return plain_marks(_TIGHT_DASH.sub(" - ", text).replace("…", "...")).translate(_INVISIBLE)
