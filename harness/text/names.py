"""Names that a text mentions: capitalised words, and every word of a script that has no capitals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import regex

from harness.text.scripts import plain_form, script_of
from harness.text.sentences import sentences

_WORD = regex.compile(r"\p{L}[\p{L}\p{M}\p{N}]*(?:[-'’.&]\p{L}[\p{L}\p{M}\p{N}]*)*\.?")
_POSSESSIVE = regex.compile(r"['’]s?$")
_INITIALS = regex.compile(r"(?:\p{L}\.)+\p{L}?\.?")
UNSPACED_SCRIPTS = frozenset({"Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan"})
CASED_SCRIPTS = frozenset({"Latin", "Cyrillic", "Greek", "Armenian"})
NOUNS_WITH_CAPITALS = {"de": "German", "lb": "Luxembourgish"}

# Words that English writes with a capital only because a sentence or a headline begins with them, or beside a name.
_NO_NAMES_TEXT = """
a an the this that these those he she it they we you i his her its their our my your who what which when where why
how and but or nor so yet for if unless although though while because since as after before until once both either
neither in on at by from to of with without within under over against between among amid during despite according
about into however meanwhile later earlier then now today yesterday tomorrow there here still also even only just
not no yes never all any some many most more several few each every another other others such one two three four
five six seven eight nine ten both much nobody everyone someone none nothing everything instead indeed moreover
finally first second last new former asked speaking citing following given mr mrs ms miss dr sir lord lady professor
president vice prime minister premier chancellor secretary general colonel major captain admiral marshal senator
representative congressman congresswoman deputy governor mayor king queen prince princess ambassador envoy chief
chairman chairwoman pope ayatollah sheikh speaker spokesman spokeswoman foreign defence defense interior это этот
эта эти тот та те он она оно они мы вы я но и а в во на по при для как что когда если тем между ранее затем потом
после также вчера сегодня завтра однако кроме поэтому вместе все весь уже еще ещё из от до за под над об о у с со к
президент министр глава премьер премьер-министр генерал власти по-прежнему ο η το οι τα του της των τον την τους τις
στο στη στην στον στους στις στα ένας μία μια ένα και με για από σε όμως αλλά
"""
_NO_NAMES = frozenset(_NO_NAMES_TEXT.split())
# Articles of other languages: no part of a name at the start of a sentence, but one inside it (Los Angeles).
_ARTICLES_TEXT = "le la les un une des el los las una unos unas il lo gli uno het een o os as um uma den det ett en et"
_ARTICLES = frozenset(_ARTICLES_TEXT.split())
_JOINING_TEXT = "of the de del della di da der den van von la le al el bin ibn ul y du des"
_JOINING = frozenset(_JOINING_TEXT.split())
_REPORTING_TEXT = """
said says warned warns told tells announced announces vowed vows called calls urged urges rejected rejects accused
accuses denied denies insisted insists demanded demands threatened threatens argued argues ordered orders refused
refuses wants wanted backs backed supports supported opposes opposed condemned condemns has had is was will would
may might could
"""
_REPORTING = frozenset(_REPORTING_TEXT.split())

_COMMON_NOUN_ENDINGS = ("s", "ing", "ness", "ment", "tion", "sion", "ity", "acy")


class Name(NamedTuple):
    """A name as the text has it, and its words in comparable form."""

    text: str
    words: tuple[str, ...]


def main_script(text: str) -> str | None:
    """The script of most letters; None without letters."""
    counts: Counter[str] = Counter()
    for letter, n in Counter(filter(str.isalpha, text)).items():
        counts[script_of(letter)] += n
    return counts.most_common(1)[0][0] if counts else None


def names(text: str, language: str = "en", context: str = "") -> list[Name]:
    """Names in order, with repeats.

    In a script with capitals a name is a run of capitalised words, joined by particles (`bin`, `of the`); titles and
    function words are no part of it. A single word at the start of a sentence is a name if the text or `context` writes
    it with a capital elsewhere too, or else if `context` does not have it in lower case and, in Latin letters, a finite
    verb of English follows and it is no plural. In a script without capitals nothing marks a name, so every word of
    three letters or more is taken for one; scripts that also lack spaces give none.
    """
    lines = [[_Token(m.start(), m.end(), m.group()) for m in _WORD.finditer(x.text)] for x in sentences(text, language)]
    others = [_WORD.findall(x.text) for x in sentences(context, language)]
    inside = {bare_word(token.text) for line in lines for token in line[1:] if token.capital}
    inside |= {bare_word(word) for line in others for word in line[1:] if word[0].isupper()}
    lower = {word for line in others for word in line if not word[0].isupper()}
    mentioned: list[Name] = []
    for line in lines:
        for run in _runs(line):
            words = tuple(w for t in run.words if (w := bare_word(t)) not in _NO_NAMES)
            if run.uncased:
                words = tuple(w for w in words if len(w) > 2)
            elif run.initial and len(run.words) == 1 and not _is_initial_name(run, inside, lower):
                continue
            if words:
                mentioned.append(Name(_shown(" ".join(run.words)), words))
    return mentioned


class _Token(NamedTuple):
    start: int
    end: int
    text: str

    @property
    def capital(self) -> bool:
        return self.text[0].isupper()


class _Run(NamedTuple):
    """Words that may be one name; `initial` if they begin the sentence, `follower` is the word after them."""

    words: list[str]
    initial: bool
    uncased: bool
    follower: str


def _runs(line: list[_Token]) -> Iterator[_Run]:
    i = 0
    while i < len(line):
        first = i
        i += 1
        script = script_of(line[first].text[0])
        if script not in CASED_SCRIPTS:
            if script not in UNSPACED_SCRIPTS:
                yield _Run([line[first].text], first == 0, True, "")
            continue
        if not line[first].capital or (first == 0 and _opens(line[first].text)):
            continue
        words = [line[first].text]
        while not _POSSESSIVE.search(words[-1]):
            # One capitalised word further, over any particles between; nothing but one space may stand between two.
            ahead = i
            while ahead < len(line) and _touches(line, ahead) and line[ahead].text in _JOINING:
                ahead += 1
            if ahead == len(line) or not _touches(line, ahead) or not line[ahead].capital:
                break
            words += [token.text for token in line[i : ahead + 1]]
            i = ahead + 1
        yield _Run(words, first == 0, False, line[i].text if i < len(line) else "")


def _opens(word: str) -> bool:
    """Whether a word has its capital from the sentence that it begins; UN is no article."""
    lower = word.lower()
    return lower in _NO_NAMES or (lower in _ARTICLES and not (len(word) > 1 and word.isupper()))


def _touches(line: list[_Token], i: int) -> bool:
    return line[i].start - line[i - 1].end == 1 and not _ends_phrase(line[i - 1].text)


def _ends_phrase(word: str) -> bool:
    return word.endswith(".") and not _INITIALS.fullmatch(word) and bare_word(word) not in _NO_NAMES


def bare_word(word: str) -> str:
    """Comparable form: case-folded, no possessive, no dots of an abbreviation."""
    bare: str = _POSSESSIVE.sub("", plain_form(word).rstrip("."))
    return bare.replace(".", "") if _INITIALS.fullmatch(word) else bare


def _is_initial_name(run: _Run, inside: set[str], lower: set[str]) -> bool:
    word, follower = run.words[0], run.follower
    bare = bare_word(word)
    if bare in inside or _POSSESSIVE.search(word) or (len(word) > 1 and word.isupper()):
        return True
    if bare in lower:
        return False
    if script_of(word[0]) != "Latin":
        return len(bare) > 2
    verb = follower in _REPORTING or follower.endswith("ed")
    return verb and not bare.endswith(_COMMON_NOUN_ENDINGS)


def _shown(name: str) -> str:
    return name if _INITIALS.fullmatch(name.split()[-1]) else name.rstrip(".")
