"""Probes that take the text away, put another in its place, or dress it otherwise."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice

from harness.data.probes.base import Material, drawn
from harness.data.probes.edits import Edit, edited, only_pairs, relabelled, sentences_with, with_text, without_evidence
from harness.text.content_words import content_words
from harness.text.sentences import sentences
from harness.text.speaker_mentions import mentioned
from harness.types import ESCALATION, Article, Evidence, Speaker, Stance, StanceLabel

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
    """Every sentence that holds evidence of gold or of an annotator is cut out, and the headline; asked about are pairs with a
    stance whose speaker what is left does not name.

    Proof: a stance is what its evidence shows (GUIDELINES.md), and two blind readers and an adjudicator listed it. Without
    any sentence that one of them listed, for whatever pair, nothing that they took for a stance of anybody is left; and what
    they passed over, such as an earlier mood, is no stance of a speaker whom no name, alias or role of theirs brings in.
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
    unnamed = {s.id for s in article.speakers if not mentioned(s, text, article.speakers)}
    stanced = {
        (s.speaker, s.target) for s in article.gold.stances if s.stance is not Stance.NO_STANCE and s.speaker in unnamed
    }
    nothing_said = relabelled(
        replace(article, title=NO_TITLE, text=text + "\n"),
        lambda s: StanceLabel(s.speaker, s.target, Stance.NO_STANCE),
        annotators=False,
    )
    return only_pairs(nothing_said, stanced, annotators=False)


def evidence_only(article: Article, variant: str, _material: Material) -> Article | None:
    """The sentences with the gold evidence of one pair, drawn by the article's id, and nothing else; variants are the first
    pair drawn, the second and so on.

    Proof: the label rests on these sentences (they are its evidence), they name the speaker, and only pairs with a concrete
    target are drawn on which both annotators gave gold's very label, of which gold is sure (3) and which nobody has to infer
    (`implicit`, `irony`, `action_only`), so that no other passage decided it. The sentences have a content word of the
    proposition that is not the speaker's name: what is at issue does not hang on an `it` that another sentence explains.
    """
    sure = sorted(_sure(article), key=lambda s: drawn("evidence_only", article.id, s.speaker, s.target))
    eligible = (s for s in sure if _stands_alone(article, s))
    chosen = next(islice(eligible, int(variant) - 1, None), None)
    if chosen is None:
        return None
    text, evidence = _passage(article, chosen)
    alone = replace(only_pairs(article, {(chosen.speaker, chosen.target)}), title=NO_TITLE, text=text)
    return relabelled(alone, lambda s: replace(s, evidence=evidence if s.evidence else ()), annotators=True)


def _sure(article: Article) -> list[StanceLabel]:
    """The gold stances on concrete targets that nobody doubted or had to infer; not of vague speakers."""
    asked = {(s.id, t.id) for s, t in article.pairs()}
    by_annotator = [{(s.speaker, s.target): s.stance for s in a.stances} for a in article.annotations]
    return [
        s
        for s in (article.gold.stances if article.gold else ())
        if s.stance is not Stance.NO_STANCE
        and s.evidence
        and (s.confidence or 0) == 3
        and s.target != ESCALATION
        and not {"implicit", "irony", "action_only"} & set(s.phenomena)
        and (s.speaker, s.target) in asked
        and all(labels.get((s.speaker, s.target)) is s.stance for labels in by_annotator)
    ]


def _stands_alone(article: Article, label: StanceLabel) -> bool:
    """Whether a label's passage names its speaker and has a word of what the label is about."""
    speaker, passage = article.speaker(label.speaker), _passage(article, label)[0]
    at_issue = content_words([article.target(label.target).proposition]) - content_words(speaker.names)
    return mentioned(speaker, passage) and not at_issue.isdisjoint(content_words([passage]))


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
_MAY_FOLLOW = frozenset(("the", "his", "her", "its", "their", "and", "not"))


def distractor(article: Article, variant: str, _material: Material) -> Article | None:
    """Next to the evidence of one pair stands, in words of the proposition, the contrary position of another speaker who
    holds it; fictional articles only. Variants are the first pair drawn, the second and so on.

    Proof: the new sentence names its speaker and quotes that speaker alone, whose gold label on this target is on the other
    side of the scale, so the article says nothing new of anybody. It stands right before a sentence that names the speaker of
    the pair and begins with no word that leans on the sentence before, so it is nobody else's subject. The target `escalation`
    is left out: "the speaker's own side" means somebody else's in another's mouth.
    """
    if article.source.kind != "fictional" or article.gold is None:
        return None
    rivals = sorted(
        ((label, other) for label in article.gold.stances for other in _contrary(article, label)),
        key=lambda r: drawn("distractor", article.id, r[0].speaker, r[0].target, r[1].id),
    )
    by_pair = {(label.speaker, label.target): (label, other) for label, other in reversed(rivals)}
    in_order = list(by_pair.values())[::-1]
    placed = ((label, other, at) for label, other in in_order if (at := _safe_place(article, label)) is not None)
    label, other, at = next(islice(placed, int(variant) - 1, None), (None, None, 0))
    if label is None or other is None:
        return None
    view = _VIEWS[article.gold_stances()[other.id, label.target].stance]
    name = f"{other.name[0].upper()}{other.name[1:]}"
    said = f'{name} said: "{view} this: {article.target(label.target).proposition}" '
    return with_text(only_pairs(article, {(label.speaker, label.target)}), edited(article.text, [Edit(at, at, said)]))


_VIEWS = {
    Stance.OPPOSE: "We are against",
    Stance.LEAN_OPPOSE: "On balance we are against",
    Stance.LEAN_SUPPORT: "On balance we are for",
    Stance.SUPPORT: "We are for",
}


def _contrary(article: Article, label: StanceLabel) -> list[Speaker]:
    """The speakers on the other side of the scale from a label with a concrete target; nobody where one of the two is vague."""
    gold = article.gold_stances()
    if label.target == ESCALATION or article.speaker(label.speaker).kind == "vague":
        return []
    return [
        other
        for other in article.speakers
        if other.kind != "vague"
        and (contrary := gold.get((other.id, label.target))) is not None
        and (contrary.stance.degree or 0) * (label.stance.degree or 0) < 0
    ]


def _safe_place(article: Article, label: StanceLabel) -> int | None:
    """The start of a sentence that names the label's speaker, of its evidence or as near as their paragraph allows, that leans on
    no sentence before it; None where there is none."""
    spoken = sentences(article.text, article.language)
    speaker = article.speaker(label.speaker)
    numbers = sentences_with([(e.start, e.end) for e in label.evidence], [s.start for s in spoken])
    paragraphs = [article.text.count("\n\n", 0, s.start) for s in spoken]
    near = [n for n, p in enumerate(paragraphs) if p in {paragraphs[k] for k in numbers}]
    for n in sorted(near, key=lambda n: min(abs(n - k) for k in numbers)):
        sentence = spoken[n]
        before = article.text[: sentence.start]
        inside_quotation = before.count('"') % 2 or before.count("“") != before.count("”")
        first_words = [w.lower() for w in re.findall(r"[\w'’]+", sentence.text)[:3]]
        named_first = sentence.text.startswith((speaker.name, f"The {speaker.name}"))
        leans = not named_first and (
            first_words[0] in _LEANS_BACK or bool(_LEANS_BACK & set(first_words[1:]) - _MAY_FOLLOW)
        )
        begins_quotation = sentence.text[:1] in "\"“'‘"
        if (
            not inside_quotation
            and not begins_quotation
            and not leans
            and mentioned(speaker, sentence.text, article.speakers)
        ):
            return sentence.start
    return None
