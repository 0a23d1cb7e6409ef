"""Probes that change what is asked, in which order, or by a minimal edit what the article says."""

from __future__ import annotations

from dataclasses import replace

from harness.data.probes.base import Material
from harness.data.probes.edits import mirrored, only_pairs, relabelled
from harness.types import Annotation, Article, Direction, Stance


def contrast(article: Article, _variant: str, _material: Material) -> Article | None:
    """The hand-made minimal edit of the article, and the pairs whose label it changes.

    Proof: the edit and its new labels were written by hand and checked like gold, with evidence from the edited text
    (`contrast` in the article's file). Annotators did not read it, so they have no labels for it.
    """
    if article.contrast is None or article.gold is None:
        return None
    labels = {(s.speaker, s.target): s for s in article.contrast.stances}
    changed = replace(
        article, text=article.contrast.text, gold=Annotation(article.gold.annotator, tuple(labels.values()))
    )
    return replace(changed, annotations=(), summaries=(), contrast=None, complete=False)


def negated_target(article: Article, _variant: str, _material: Material) -> Article | None:
    """Propositions reversed by hand (`negated`); labels are mirrored.

    Proof: who supports a proposition opposes its opposite to the same degree; who weighs both (`neutral`) or says nothing
    of it (`no_stance`) does so of the opposite too. A step's opposite leads the other way, so `direction` turns round.
    """
    turned = {t.id: t for t in article.targets if t.negated}
    if not turned:
        return None
    other_way: dict[Direction, Direction] = {"escalate": "de_escalate", "de_escalate": "escalate"}
    targets = tuple(
        replace(t, proposition=t.negated, negated=t.proposition, direction=other_way[t.direction], paraphrases=())
        if t.negated
        else t
        for t in article.targets
    )
    asked = {(s.id, t) for s in article.speakers for t in turned}
    return relabelled(
        replace(only_pairs(article, asked), targets=targets),
        lambda s: replace(
            s, stance=mirrored(s.stance), act=None, basis=s.basis if s.stance is Stance.NEUTRAL else None
        ),
        annotators=True,
    )


def paraphrased_target(article: Article, variant: str, _material: Material) -> Article | None:
    """Propositions in other words, by hand (`paraphrases`); variants are the first wording, the second and so on.

    Proof: each wording says the same of the same step, written and checked as such, so every label stays.
    """
    place = int(variant) - 1
    reworded = {t.id for t in article.targets if len(t.paraphrases) > place}
    if not reworded:
        return None
    targets = tuple(
        replace(t, proposition=t.paraphrases[place], paraphrases=()) if t.id in reworded else t for t in article.targets
    )
    asked = {(s.id, t) for s in article.speakers for t in reworded}
    return replace(only_pairs(article, asked), targets=targets)


def order(article: Article, variant: str, _material: Material) -> Article:
    """Speakers or targets declared the other way round; the other variants change the prompt, not the article.

    Proof: the order of declaration is not part of the article, and a label belongs to a pair, not to a place.
    """
    speakers = article.speakers[::-1] if variant == "speakers" else article.speakers
    targets = article.targets[::-1] if variant == "targets" else article.targets
    return replace(article, speakers=speakers, targets=targets, summaries=(), contrast=None)
