"""The probe `language`: the article, its names and its questions in another language."""

from __future__ import annotations

from dataclasses import replace

from harness.data.probes.base import Material
from harness.data.probes.edits import relabelled
from harness.types import Article, Evidence, StanceLabel


def language(article: Article, variant: str, material: Material) -> Article | None:
    """The article as it was translated by hand into the language of the variant; labels are carried over.

    Proof: the text says the same in other words; for every stance the translation lists the passage that shows it, and
    loading checks that it stands there. `reread_by` names who re-read a translation against the labels.
    """
    translation = material.translations.get((variant, article.id))
    if translation is None:
        return None

    def label(one: StanceLabel) -> StanceLabel:
        passages = translation.passages(one.speaker, one.target)
        starts = [translation.text.index(p) for p in passages]
        return replace(
            one, evidence=tuple(Evidence(p, at, at + len(p)) for p, at in zip(passages, starts, strict=True))
        )

    return relabelled(
        replace(
            article,
            title=translation.title,
            text=translation.text,
            language=variant,
            targets=tuple(
                replace(t, proposition=translation.targets[t.id], paraphrases=(), negated=None) for t in article.targets
            ),
            speakers=tuple(
                replace(s, name=translation.speakers[s.id].name, aliases=tuple(translation.speakers[s.id].aliases))
                for s in article.speakers
            ),
        ),
        label,
        annotators=True,
    )
