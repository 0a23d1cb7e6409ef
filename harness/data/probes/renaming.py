"""Probes that change who is called what: `masked_names`, `invented_names` and, in fiction, `swapped_sides`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

from harness.data.probes.base import Material, drawn
from harness.data.probes.edits import Edit, edited, with_text
from harness.data.probes.forms import TITLES, Entity, Form, Named, forms_of, name_words, named_in
from harness.data.probes.names import Names
from harness.types import Article, Speaker

NewName = Callable[[Form], tuple[str, bool] | None]
"""What stands for a form, and whether it takes an article; None leaves it as it is."""
_TAKES_AN = re.compile(r"[aeioAEIO]")


def masked_names(article: Article, _variant: str, material: Material) -> Article | None:
    """Speakers become `Speaker A`, countries `Country X` with their adjectives, capitals and seats, and what else the lexicon
    names `Person 1`, `Place 1`; in text, headline, propositions and declarations alike. Pronouns and titles stay.

    Proof: a stance is read from what is said and done, not from who is called what; the same name becomes the same mask
    everywhere, and two names never one, so that who says what stays as clear as before.
    """
    forms = _forms(article, material.names)
    return _renamed(article, forms, _masks(article, forms))


def invented_names(article: Article, _variant: str, material: Material) -> Article | None:
    """Every name that `masked_names` masks becomes an invented one of the same form: as many words, initials and particles kept.

    Proof: as for `masked_names`; an invented name stands in no other article, so nothing is known of who bears it.
    """
    forms = _forms(article, material.names)
    return _renamed(article, forms, _inventions(article))


def swapped_sides(article: Article, _variant: str, material: Material) -> Article | None:
    """In a fictional article the two sides with most speakers exchange their names: the countries, and one by one their persons.
    Ids, roles and labels stay with the role.

    Proof: as for `masked_names`: only names change places, each everywhere at once. It is done in fiction only, because it
    gives people positions that they do not hold.
    """
    if article.source.kind != "fictional":
        return None
    forms = _forms(article, material.names)
    swaps = _exchange(article, forms)
    return None if swaps is None else _renamed(article, forms, swaps[0], swaps[1])


@lru_cache(maxsize=256)
def _forms(article: Article, names: Names) -> tuple[Form, ...]:
    """The forms that stand in the article, its declarations and propositions."""
    texts = [article.title, article.text, *(t.proposition for t in article.targets)]
    texts += [n for s in article.speakers for n in (*s.names, s.role or "")]
    possible = forms_of(article, names)
    met = {named.form for text in texts for named in named_in(text, possible)}
    return tuple(sorted(met, key=lambda f: (-len(f.text), f.text)))


def _renamed(
    article: Article, forms: Sequence[Form], new_name: NewName, sides: dict[str, str] | None = None
) -> Article | None:
    """The article with another name in every place; None where there is no name to change."""
    if not any(new_name(f) for f in forms):
        return None

    def edits(text: str) -> list[Edit]:
        return [e for named in named_in(text, list(forms)) if (e := _edit(text, named, new_name)) is not None]

    def put(text: str) -> str:
        return edited(text, edits(text)).text

    if sides is None:
        declared = sorted({s.side for s in article.speakers if s.side and s.side != "outside"})
        sides = {side: f"side-{n}" for n, side in enumerate(declared, start=1)}
    changed = with_text(article, edited(article.text, edits(article.text)), title=put(article.title))

    def speaker(s: Speaker) -> Speaker:
        side = sides.get(s.side, s.side) if s.side else None
        aliases = tuple(dict.fromkeys(put(a) for a in s.aliases))
        return replace(s, name=put(s.name), aliases=aliases, role=put(s.role) if s.role else None, side=side)

    return replace(
        changed,
        speakers=tuple(map(speaker, article.speakers)),
        targets=tuple(
            replace(t, proposition=put(t.proposition), paraphrases=(), negated=None) for t in article.targets
        ),
    )


def _edit(text: str, named: Named, new_name: NewName) -> Edit | None:
    """The new name in a place, with the article that it needs: `an Iraqi` to `a Country X`, `the US` to `Country X`."""
    found = new_name(named.form)
    if found is None:
        return None
    name, takes_the = found
    before = text[named.start : named.form_start]
    word = before.strip().lower()
    # an adjective has the article of the noun after it
    is_noun = named.form.role not in ("adjective", "people")
    if word in ("a", "an"):
        before = ("A" if before[0] == "A" else "a") + ("n " if _TAKES_AN.match(name) else " ")
    elif word == "the" and is_noun and not takes_the and _has_article(named.form):
        before = ""
    elif not word and takes_the and named.form.role == "noun":
        sentence_begins = not text[: named.form_start].strip() or text[: named.form_start].rstrip()[-1] in '.!?\n"“'
        before = "The " if sentence_begins else "the "
    end = named.end
    if text[end : end + 1] in ("'", "’") and not text[end + 1 : end + 2].isalpha() and text[end - 1] in "sS":
        # the Philippines' fleet; after a name without s the mark alone is none
        open_quote = "'" in text[max(0, named.start - 60) : named.start] and text[end + 1 : end + 2] in ",. "
        if not name.endswith("s") and not open_quote:
            return Edit(named.start, end + 1, f"{before}{name}{text[end]}s")
    return Edit(named.start, end, before + (name.upper() if named.shouted else name))


def _has_article(form: Form) -> bool:
    """Whether an article before the name is its own: that of `the United States`, not of `the Tavesh battery`."""
    country = form.entity.country
    return country.the or " of " in form.text if country is not None else form.entity.kind == "speaker_body"


def _masks(article: Article, forms: Sequence[Form]) -> NewName:
    speakers = {s.id: chr(ord("A") + n) for n, s in enumerate(article.speakers)}
    order = sorted({f.entity for f in forms}, key=lambda e: (_first_place(article, forms, e), e.name))
    numbers: dict[Entity, int] = {}
    for entity in order:
        kind = "country" if entity.kind == "country" else entity.kind
        numbers[entity] = sum(other.kind == kind for other in numbers) + 1

    def mask(form: Form) -> tuple[str, bool]:
        entity, number = form.entity, numbers[form.entity]
        if entity.kind in ("person", "speaker_body") and entity.speaker is not None:
            letter = speakers[entity.speaker]
            return (f"Family {letter}" if form.role == "family" else f"Speaker {letter}"), False
        if entity.country is not None:
            letter = _letter(number)
            word = f"{entity.country.word} {letter}"
            by_role = {"people": f"{word} people", "capital": f"Capital {letter}", "seat": f"Residence {letter}"}
            return by_role.get(form.role, word), False
        return f"{_MASKS[entity.kind]} {number}", False

    return mask


_MASKS = {"person": "Person", "place": "Place", "body": "Body", "object": "Object"}


def _letter(number: int) -> str:
    letters = "XYZWVUTSRQPO"
    return letters[(number - 1) % 12] + ("" if number <= 12 else str((number - 1) // 12 + 1))


def _first_place(article: Article, forms: Sequence[Form], entity: Entity) -> int:
    whole = f"{article.text}\n{article.title}\n" + "\n".join(t.proposition for t in article.targets)
    return min((at for f in forms if f.entity == entity and (at := whole.find(f.text)) >= 0), default=len(whole))


_ONSETS_TEXT = "b br d dr f g gr h k l m n p r s st t tr v z"
_ONSETS = _ONSETS_TEXT.split()
_VOWELS_TEXT = "a e i o u"
_VOWELS = _VOWELS_TEXT.split()
_ENDS_TEXT = "l m n r s t"
_ENDS = _ENDS_TEXT.split()


def invented_word(word: str, *seed: str) -> str:
    """A word that nobody bears, of the form of `word`: a capital, about its length, a vowel first where it had one."""
    syllables = max(1, min(3, len(re.findall(r"[aeiouyáéíóúàèüöäı]+", word.lower()))))
    text = ""
    for n in range(syllables):
        number = drawn("syllable", *seed, word, str(n))
        onset = "" if n == 0 and word[:1].lower() in "aeiou" else _ONSETS[number % len(_ONSETS)]
        text += onset + _VOWELS[number // 31 % len(_VOWELS)]
    text += _ENDS[drawn("end", *seed, word) % len(_ENDS)]
    return text[0].upper() + text[1:]


def _invented_phrase(words: Sequence[str], seed: str) -> str:
    """Each word with a capital invented, numerals, initials and particles as they are."""

    def one(word: str) -> str:
        if not re.match(r"\w*[A-Z]", word) and not word[:1].isupper():
            return word
        if re.fullmatch(r"[IVX]+|(?:[A-Z]\.)+", word) or word.lower() in TITLES:
            return word
        return "-".join(invented_word(p, seed) if p[:1].isupper() else p for p in word.split("-"))

    return " ".join(map(one, words))


def _inventions(article: Article) -> NewName:
    seed = article.id

    def invent(form: Form) -> tuple[str, bool]:
        entity = form.entity
        if entity.country is None:
            words = form.text.split() if entity.kind != "person" else name_words(form.text) or form.text.split()
            return _invented_phrase(words, seed), False
        noun = invented_word(entity.name.split()[-1], seed, "country", entity.name)
        stem = noun.rstrip("aeiou") if noun[-1] in "aeiou" else noun
        by_role = {
            "adjective": f"{stem}ian",
            "people": f"{stem}ians",
            "capital": invented_word(form.text.split()[-1], seed, "capital", entity.name),
            "seat": f"{invented_word('Hall', seed, entity.name)} House",
        }
        return by_role.get(form.role, noun), False

    return invent


def _word(entity: Entity) -> str | None:
    return entity.country.word if entity.country else None


def _with_name(form: Form, partner: Entity) -> str:
    """A capital named after its country, after the other one: `Tarvenna City` to `Lemmoria City`; any other as it is."""
    return form.text.replace(form.entity.name, partner.name)


def _exchange(article: Article, forms: Sequence[Form]) -> tuple[NewName, dict[str, str]] | None:
    """What each form of the two sides becomes, and the sides' ids; None where there are no two such sides."""
    by_side = {f.entity.country.side: f.entity for f in forms if f.entity.country and f.entity.country.side}
    counts = {side: sum(s.side == side for s in article.speakers) for side in by_side}
    first, second, *_ = [*sorted((s for s in counts if s and counts[s]), key=lambda s: (-counts[s], s)), None, None]
    # a company of soldiers is no country: in its place the text would make no sense
    if first is None or second is None or _word(by_side[first]) != _word(by_side[second]):
        return None
    other: dict[Entity, Entity] = {by_side[first]: by_side[second], by_side[second]: by_side[first]}
    persons = {f.entity.speaker: f.entity for f in forms if f.entity.kind == "person" and f.entity.speaker}
    of_side = [
        [persons[s.id] for s in article.speakers if s.side == side and s.id in persons] for side in (first, second)
    ]
    for a, b in zip(*of_side, strict=False):
        other |= {a: b, b: a}

    def swap(form: Form) -> tuple[str, bool] | None:
        partner = other.get(form.entity)
        if partner is None:
            # Upper Lauvenne lies in Lauvenne
            names = [(e.name, other[e].name) for e in (by_side[first], by_side[second]) if e.name in form.text.split()]
            return (form.text.replace(*names[0]), False) if names else None
        if partner.country is not None:
            texts = {
                "noun": partner.country.names,
                "adjective": partner.country.adjectives or partner.country.names,
                "people": partner.country.peoples or tuple(f"people of {n}" for n in partner.country.names),
                "capital": partner.country.capitals or (_with_name(form, partner),),
                "seat": partner.country.seats,
            }[form.role]
            return (texts[0], partner.country.the) if texts else None
        mine, theirs = name_words(form.entity.name), name_words(partner.name)
        if form.role == "full":
            return " ".join(theirs), False
        # a first name for a first name, the last for the last
        return (theirs[0] if form.text.split()[0] == mine[0] and len(mine) > 1 else theirs[-1]), False

    return swap, {first: second, second: first}
