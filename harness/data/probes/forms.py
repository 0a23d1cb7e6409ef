"""Who and what an article names, in every form, and where in a text these names stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple

import regex

from harness.data.probes.names import Country, Names
from harness.types import Article, Speaker

Role = Literal["full", "part", "family", "noun", "adjective", "people", "capital", "seat"]
EntityKind = Literal["person", "speaker_body", "country", "place", "body", "object"]


@dataclass(frozen=True, slots=True)
class Entity:
    """Somebody or something with a name; `speaker` is the id of a declared one."""

    kind: EntityKind
    name: str
    speaker: str | None = None
    country: Country | None = None


class Form(NamedTuple):
    """One way to name an entity: the words, and what part of its name they are; of a person `words` is the place (first, end) of
    the form's words in the name, for the probe that gives it another one."""

    text: str
    entity: Entity
    role: Role


TITLES_TEXT = """
abbot abbess admiral ambassador archbishop ayatollah bishop brigadier captain chancellor chief colonel commander
congressman congresswoman counsellor defence defense democratic deputy dr energy envoy finance foreign gen general
governor hojatoleslam home housing interior international justice king lady leader lieutenant lord lt madam madame maj
major majesty marshal mayor minister miss mk mr mrs ms opposition pope premier president prime prince princess prof
professor quartet queen rear adm rep representative republican sec secretary sen senator sergeant sheikh sir sister
speaker spokesman spokeswoman taoiseach treasurer under vice welfare minority public security affairs attorney labor
british american the a an his her its their our my he she they it and of for at in on us un holy father artillery her
him party state army navy air force national
"""
TITLES = frozenset(TITLES_TEXT.split())
"""Words beside a person's name that are none of it."""
_PARTICLES_TEXT = """
de da di del der van von la le al el bin ibn ul the of du dos das
"""
_PARTICLES = frozenset(_PARTICLES_TEXT.split())
_NUMERAL = regex.compile(r"[IVX]+\.?|\p{Lu}\.(?:\p{Lu}\.)*")
_CAPITAL = regex.compile(r"\p{Lu}")
_WORD = regex.compile(r"\S+")
_NO_FIRST_NAMES_TEXT = """
Her His The An Will May June April August Grace Faith Patience Hope
"""
_NO_FIRST_NAMES = frozenset(_NO_FIRST_NAMES_TEXT.split())


def name_words(name: str) -> list[str]:
    """A person's name without titles: `["Kossi", "Lamrane"]` of `President Kossi Lamrane`."""
    words = [w.strip(",") for w in name.split()]
    return [w for w in words if w.lower().strip(".,") not in TITLES or w in _PARTICLES]


def person_forms(entity: Entity, aliases: tuple[str, ...]) -> Iterator[Form]:
    """The full name, its ends (`de Gaulle`, `Gaulle`), its first words, and the runs of capitals of the aliases."""
    words = name_words(entity.name)
    while words and not _CAPITAL.match(words[0]) and words[0] not in _PARTICLES:
        words = words[1:]
    if words and any(map(_CAPITAL.search, words)):
        yield Form(" ".join(words), entity, "full")
        for k in range(1, len(words)):
            if _lone(words[k:]):
                yield Form(" ".join(words[k:]), entity, "part")
            if _lone(words[:k]) and words[0] not in _NO_FIRST_NAMES:
                yield Form(" ".join(words[:k]), entity, "part")
    for alias in aliases:
        run = [w.removesuffix("'s").removesuffix("’s") for w in name_words(alias)]
        text = " ".join(run)
        known = set(words)
        if (run and all(w in known for w in run) and _lone(run)) or (
            len(run) == 1 and run[0] and _CAPITAL.match(run[0]) and len(alias.split()) == 1
        ):
            yield Form(text, entity, "part")


def _lone(words: list[str]) -> bool:
    """Whether words may stand for a person alone: the last is a name, not a particle or a numeral."""
    last = words[-1]
    return bool(_CAPITAL.search(last)) and len(last) > 1 and not _NUMERAL.fullmatch(last) and last not in _PARTICLES


def is_proper(speaker: Speaker, article: Article, country_forms: set[str]) -> bool:
    """Whether a body's name is a name of its own, and not common words beside a country's: `Rural Party`, not `US government`."""
    rest = speaker.name
    for form in sorted(country_forms, key=len, reverse=True):
        rest = regex.sub(rf"(?<!\p{{L}}){regex.escape(form)}(?:['’]s?)?(?!\p{{L}})", " ", rest)
    words = [w for w in regex.findall(r"[\p{L}'’-]+", rest) if w.lower() not in ("the", "of", "and", "in", "for")]
    lower = set(regex.findall(r"(?<!\p{L})\p{Ll}[\p{L}'’-]*", article.text))
    return any(_CAPITAL.match(w) and w.lower() not in lower for w in words)


def forms_of(article: Article, lexicon: Names) -> list[Form]:
    """Every form of every name that the article's declarations or the lexicon know; a part that two persons share is the
    family's, unless an alias gives it to one of them."""
    whole = _whole(article)

    def stands(text: str) -> bool:
        return text.replace("’", "'").upper() in whole

    country_forms: list[Form] = []
    for country in lexicon.countries:
        entity = Entity("country", country.names[0], country=country)
        roles: dict[Role, tuple[str, ...]] = {
            "noun": country.names,
            "adjective": country.adjectives,
            "people": (
                *country.peoples,
                *(a + "s" for a in country.adjectives if a.endswith(("an", "i")) and a[0].isupper()),
            ),
            "capital": country.capitals,
            "seat": country.seats,
        }
        country_forms += [Form(text, entity, role) for role, texts in roles.items() for text in texts if stands(text)]
    named = {f.text for f in country_forms}
    forms: list[Form] = []
    for speaker in article.speakers:
        if speaker.kind == "person":
            forms += person_forms(Entity("person", speaker.name, speaker.id), speaker.aliases)
        elif is_proper(speaker, article, named) and bare(speaker.name) not in named:
            entity = Entity("speaker_body", speaker.name, speaker.id)
            forms.append(Form(bare(speaker.name), entity, "full"))
            forms += [
                Form(bare(a), entity, "full") for a in speaker.aliases if _is_own(a, speaker, article, lexicon, named)
            ]
    undeclared = [name for name in lexicon.persons if stands(name)]
    for name in undeclared:
        longest = max((n for n in undeclared if n == name or n.endswith(f" {name}")), key=len)
        forms.append(Form(name, Entity("person", longest), "full"))
    others: dict[EntityKind, tuple[str, ...]] = {
        "place": lexicon.places,
        "body": lexicon.bodies,
        "object": lexicon.objects,
    }
    for kind, texts in others.items():
        forms += [Form(t, Entity(kind, t), "full") for t in texts if stands(t)]
    return _without_clashes([*forms, *country_forms], article)


def _whole(article: Article) -> str:
    """Everything that an article says and declares, in capitals."""
    texts = [article.title, article.text, *(t.proposition for t in article.targets)]
    texts += [n for s in article.speakers for n in (*s.names, s.role or "")]
    return "\n".join(texts).replace("’", "'").upper()


def _is_own(alias: str, speaker: Speaker, article: Article, lexicon: Names, country_forms: set[str]) -> bool:
    """Whether an alias of a body is a name of its own, in which nobody else is named."""
    words = set(alias.replace("’s", "").replace("'s", "").split())
    others = {w for s in article.speakers if s.kind == "person" for w in name_words(s.name) if _CAPITAL.match(w)}
    others |= {w for name in lexicon.persons for w in name.split()}
    name = bare(alias)
    return (
        not words & others
        and name not in country_forms
        and is_proper(replace(speaker, name=name), article, country_forms)
    )


def bare(name: str) -> str:
    """A name without the article before it."""
    return str(regex.sub(r"^(?:the|its|their)\s+", "", name, flags=regex.IGNORECASE))


def _without_clashes(forms: list[Form], article: Article) -> list[Form]:
    by_text: dict[str, list[Form]] = {}
    for form in forms:
        by_text.setdefault(form.text, []).append(form)
    kept: list[Form] = []
    for text, same in by_text.items():
        entities = {f.entity for f in same}
        owners = [f for f in same if f.entity.speaker and text in article.speaker(f.entity.speaker).aliases]
        full = [f for f in same if f.role == "full"]
        if len(entities) == 1 or owners:
            kept.append((owners or full or same)[0])
        elif all(f.role == "part" and f.entity.kind == "person" for f in same):
            kept.append(Form(text, same[0].entity, "family"))
        else:
            # a declared speaker comes before what the lexicon knows, and a whole name before a part of one
            kept.append(min(same, key=lambda f: (f.entity.speaker is None, f.role == "part")))
    return kept


class Named(NamedTuple):
    """A name in a text: `start:end` is the name with the article before it, if any, `form_start` where the name itself begins."""

    start: int
    form_start: int
    end: int
    form: Form
    shouted: bool


@lru_cache(maxsize=256)
def pattern_of(texts: tuple[str, ...]) -> regex.Pattern[str]:
    """Matches any of the names, the longest first, in their own spelling or in capitals, with an article before them."""
    spelt = sorted({*texts, *(t.upper() for t in texts if len(t) > 3)}, key=lambda t: (-len(t), t))
    body = "|".join(regex.sub(r"['’]", "['’]", regex.escape(t).replace(r"\ ", " ")).replace(" ", r"\s+") for t in spelt)
    return regex.compile(
        rf"(?<![\p{{L}}\p{{N}}])(?:(?P<article>[Tt]he|[Aa]n?)\s+)?(?P<name>{body})(?![\p{{L}}\p{{N}}])"
    )


def named_in(text: str, forms: list[Form]) -> list[Named]:
    """Where the names stand, from left to right; of two that overlap the longer one."""
    by_text = {f.text.replace("’", "'"): f for f in forms}
    by_shout = {f.text.replace("’", "'").upper(): f for f in forms}
    places = []
    for match in pattern_of(tuple(sorted(f.text for f in forms))).finditer(text):
        key = " ".join(match["name"].split()).replace("’", "'")
        shouted = key not in by_text
        form = by_shout[key] if shouted else by_text[key]
        if (
            form.entity.kind == "person"
            and match.start("name") == match.start()
            and text[: match.start()].endswith("-")
        ):
            # Ulema-e-Islam is nobody called Islam
            continue
        places.append(Named(match.start(), match.start("name"), match.end(), form, shouted))
    return places
