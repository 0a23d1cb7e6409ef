"""Probes that take the text away, put another in its place, or dress it otherwise."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice

from harness.data.probes.base import Material, drawn
from harness.data.probes.edits import Edit, edited, only_pairs, relabelled, sentences_with, with_text, without_evidence
from harness.text.sentences import sentences
from harness.text.speaker_mentions import mentioned
from harness.types import Article, Evidence, Stance, StanceLabel

NO_TITLE = "(no headline)"
NO_TEXT = "(no article)"


def no_article(article: Article, _variant: str, _material: Material) -> Article:
    """The question without the article.

    Proof: the words that a label rests on are gone, so nothing but `no_stance` can be read. The labels are kept to count
    what is answered as if the article were there: it comes from memory of the conflict, from the name or from the question.
    """
    return without_evidence(replace(article, title=NO_TITLE, text=NO_TEXT))


def metadata_only(article: Article, _variant: str, _material: Material) -> Article:
    """In place of the text, who speaks in it: names in the order of declaration, each with role and side.

    Proof: as for `no_article`; order, role and side report no words and no act.
    """
    lines = [
        f"{n}. {s.name}" + (f", {s.role}" if s.role else "") + (f" (side: {s.side})" if s.side else "")
        for n, s in enumerate(article.speakers, start=1)
    ]
    text = "The article is not shown. Its speakers, in their order:\n" + "\n".join(lines) + "\n"
    return without_evidence(replace(article, title=NO_TITLE, text=text))


def other_article(article: Article, _variant: str, material: Material) -> Article | None:
    """The questions of this article over the text of another one, of another event, that names none of its speakers.

    Proof: the other text names no speaker of this one by name, alias or role, so it shows no stance of theirs. The labels
    are kept as for `no_article`.
    """
    others = sorted((a for a in material.articles if a.event != article.event), key=lambda a: drawn(article.id, a.id))
    asked = [s for s in article.speakers if s.kind != "vague"]
    for other in others:
        if not any(mentioned(s, f"{other.title}\n{other.text}") for s in asked):
            return without_evidence(replace(article, title=other.title, text=other.text))
    return None


def evidence_removed(article: Article, _variant: str, _material: Material) -> Article | None:
    """Every sentence that holds evidence of gold or of an annotator is cut out, and the headline; pairs with a stance are
    asked about.

    Proof: a stance is what its evidence shows (GUIDELINES.md), and two blind readers and an adjudicator listed it. Without
    any sentence that one of them listed, for whatever pair, nothing that they took for a stance of anybody is left.
    """
    if article.gold is None:
        return None
    spoken = sentences(article.text, article.language)
    lists = [article.gold, *article.annotations]
    spans = [(e.start, e.end) for a in lists for s in a.stances for e in s.evidence]
    cut = set(sentences_with(spans, [s.start for s in spoken]))
    left = [s for n, s in enumerate(spoken) if n not in cut]
    if not cut or not left:
        return None
    text = ""
    for before, sentence in zip([None, *left], left, strict=False):
        gap = "" if before is None else "\n\n" if "\n" in article.text[before.end : sentence.start] else " "
        text += gap + sentence.text
    stanced = {(s.speaker, s.target) for s in article.gold.stances if s.stance is not Stance.NO_STANCE}
    nothing_said = relabelled(
        replace(article, title=NO_TITLE, text=text + "\n"),
        lambda s: StanceLabel(s.speaker, s.target, Stance.NO_STANCE),
        annotators=False,
    )
    return only_pairs(nothing_said, stanced, annotators=False)


def evidence_only(article: Article, variant: str, _material: Material) -> Article | None:
    """The sentences with the gold evidence of one pair, drawn by the article's id, and nothing else; variants are the first
    pair drawn, the second and so on.

    Proof: the label rests on these sentences (they are its evidence), they name the speaker, and only pairs are drawn on
    which both annotators gave gold's very label with a confidence of 2 or more, so that no other passage decided it.
    """
    sure = sorted(_sure(article), key=lambda s: drawn("evidence_only", article.id, s.speaker, s.target))
    eligible = (s for s in sure if mentioned(article.speaker(s.speaker), _passage(article, s)[0]))
    chosen = next(islice(eligible, int(variant) - 1, None), None)
    if chosen is None:
        return None
    text, evidence = _passage(article, chosen)
    alone = replace(only_pairs(article, {(chosen.speaker, chosen.target)}), title=NO_TITLE, text=text)
    return relabelled(alone, lambda s: replace(s, evidence=evidence if s.evidence else ()), annotators=True)


def _sure(article: Article) -> list[StanceLabel]:
    """The gold stances that nobody doubted: both annotators' own label, by gold sure at 2 or more; not of vague speakers."""
    asked = {(s.id, t.id) for s, t in article.pairs()}
    by_annotator = [{(s.speaker, s.target): s.stance for s in a.stances} for a in article.annotations]
    return [
        s
        for s in (article.gold.stances if article.gold else ())
        if s.stance is not Stance.NO_STANCE
        and s.evidence
        and (s.confidence or 0) >= 2
        and (s.speaker, s.target) in asked
        and all(labels.get((s.speaker, s.target)) is s.stance for labels in by_annotator)
    ]


def _passage(article: Article, label: StanceLabel) -> tuple[str, tuple[Evidence, ...]]:
    """The sentences that hold a label's evidence, one a line, and where the evidence is in them: all of it."""
    spoken = sentences(article.text, article.language)
    numbers = sentences_with([(e.start, e.end) for e in label.evidence], [s.start for s in spoken])
    text = "\n".join(spoken[n].text for n in numbers)
    return text + "\n", (Evidence(text, 0, len(text)),)


_OPENS = re.compile(r"(?:^|(?<=[\s(\[—–-]))\"")
_SINGLE_OPENS = re.compile(r"(?:^|(?<=[\s(\[—–“]))'(?=\w)")
_DRESS = (("...", "…"), (" -- ", " — "), (" - ", " — "))


def typographic(article: Article, _variant: str, _material: Material) -> Article | None:
    """The text as it is printed: curly quotation marks and apostrophes, dashes, an ellipsis of one character.

    Proof: these marks are other forms of the same signs; no letter and no word is touched.
    """
    text = article.text
    edits = [Edit(m.start(), m.end(), "“") for m in _OPENS.finditer(text)]
    edits += [Edit(m.start(), m.end(), "‘") for m in _SINGLE_OPENS.finditer(text)]
    opened = {e.start for e in edits}
    closing = {'"': "”", "'": "’"}
    edits += [Edit(i, i + 1, closing[c]) for i, c in enumerate(text) if c in closing and i not in opened]
    for plain, dressed in _DRESS:
        edits += [Edit(m.start(), m.end(), dressed) for m in re.finditer(re.escape(plain), text)]
    return with_text(article, edited(text, edits)) if edits else None


_LEANS_BACK_TEXT = """
he she they it his her hers their theirs its him them this that these those such so but and or nor yet then there
asked both neither either another others instead also even not the
"""
_LEANS_BACK = frozenset(_LEANS_BACK_TEXT.split())
"""Words that begin a sentence that may lean on the one before it."""


def distractor(article: Article, variant: str, _material: Material) -> Article | None:
    """Next to the evidence of one pair stands, in words of the proposition, the contrary position of another speaker who
    holds it; fictional articles only. Variants are the first pair drawn, the second and so on.

    Proof: the new sentence names its speaker and quotes that speaker alone, whose gold label on this target is on the other
    side of the scale, so the article says nothing new of anybody. It stands where no sentence after it begins with a word
    that leans on the sentence before, so it is nobody else's subject.
    """
    if article.source.kind != "fictional" or article.gold is None:
        return None
    gold = article.gold_stances()
    candidates = []
    for label in article.gold.stances:
        for other in article.speakers:
            contrary = gold.get((other.id, label.target))
            opposed = contrary is not None and (contrary.stance.degree or 0) * (label.stance.degree or 0) < 0
            kinds = {other.kind, article.speaker(label.speaker).kind}
            if opposed and contrary is not None and abs(contrary.stance.degree or 0) == 2 and "vague" not in kinds:
                candidates.append((label, other))
    candidates.sort(key=lambda c: drawn("distractor", article.id, c[0].speaker, c[0].target, c[1].id))
    drawn_pairs: dict[tuple[str, str], Article] = {}
    for label, other in candidates:
        pair = (label.speaker, label.target)
        place = _safe_place(article, label)
        if pair in drawn_pairs or place is None:
            continue
        proposition = article.target(label.target).proposition
        side = "for" if (gold[other.id, label.target].stance.degree or 0) > 0 else "against"
        said = f'{other.name[0].upper()}{other.name[1:]} said: "This is what we are {side}: {proposition}" '
        changed = with_text(only_pairs(article, {pair}), edited(article.text, [Edit(place, place, said)]))
        drawn_pairs[pair] = changed
    chosen = list(drawn_pairs.values())
    place_in_list = int(variant) - 1
    return chosen[place_in_list] if place_in_list < len(chosen) else None


def _safe_place(article: Article, label: StanceLabel) -> int | None:
    """The start of the first sentence, at or right after the label's evidence, that leans on no sentence before it."""
    spoken = sentences(article.text, article.language)
    numbers = sentences_with([(e.start, e.end) for e in label.evidence], [s.start for s in spoken])
    for n in [k for number in numbers for k in (number, number + 1)]:
        if n >= len(spoken):
            continue
        sentence = spoken[n]
        inside_quotation = article.text[: sentence.start].count('"') % 2 or article.text[: sentence.start].count(
            "“"
        ) != article.text[: sentence.start].count("”")
        first = re.match(r"\W*([\w'’]+)", sentence.text)
        begins_quotation = sentence.text[:1] in "\"“'‘"
        if not inside_quotation and not begins_quotation and first and first[1].lower() not in _LEANS_BACK:
            return sentence.start
    return None
