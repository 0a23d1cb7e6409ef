"""Whether the texts that probes make are sound: every name covered, no placeholder left over, labels that fit; in counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import regex

from harness.data.probes.base import Material
from harness.data.probes.forms import forms_of, named_in
from harness.data.probes.suite import PROBES, changed_articles, n_pairs
from harness.types import Article, Dataset, Stance

_DANGLING = regex.compile(r"\{[a-z_]*\}|\b(?:Speaker|Country|Family) (?![A-Z\d])|\u0001|  +(?=\S)")
_MASK = regex.compile(
    r"\b(?:Speaker|Family) [A-Z]\b|\b(?:Country|Capital|Residence|Party|League|Person|Place|Body|Object) [A-Z\d]"
)


@dataclass(frozen=True)
class Soundness:
    """One probe over a dataset: how many articles and pairs it changes, how many names it was to cover and masks it put, and
    what is wrong, in words."""

    probe: str
    n_articles: int
    n_pairs: int
    n_names: int
    n_masks: int
    problems: tuple[str, ...]


def soundness(dataset: Dataset, material: Material) -> Iterator[Soundness]:
    """Every probe over the whole dataset, in the order of the list of probes."""
    for name, probe in PROBES.items():
        n_articles = n_asked = n_names = n_masks = 0
        problems: list[str] = []
        for variant in probe.variants:
            for changed in changed_articles(probe, variant, dataset.articles, material):
                article = dataset.article(changed.id)
                n_articles += 1
                n_asked += n_pairs(changed)
                place = f"{article.id}{f', {variant}' if variant else ''}"
                problems += [f"{place}: {p}" for p in problems_of(article, changed)]
                if name == "masked_names":
                    names = [f for f in forms_of(article, material.names) if f.text in article.text]
                    n_names += len(names)
                    n_masks += len(_MASK.findall(changed.text))
                    left = {n.form.text for n in named_in(changed.text, names)}
                    problems += [f"{place}: {text!r} is not masked" for text in sorted(left)]
        yield Soundness(name, n_articles, n_asked, n_names, n_masks, tuple(problems))


def problems_of(article: Article, changed: Article) -> Iterator[str]:
    """What is wrong with a changed article: a dangling placeholder, a lost speaker or target, two speakers of one name that had
    two, evidence that is not in its place, an empty proposition."""
    for what, before, after in (("text", article.text, changed.text), ("headline", article.title, changed.title)):
        had = {m.group() for m in _DANGLING.finditer(before)}
        for match in _DANGLING.finditer(after):
            if match.group() not in had:
                yield f"{match.group()!r} stands in the {what}"
                break
    if not changed.text.strip():
        yield "the text is empty"
    if {s.id for s in article.speakers} != {s.id for s in changed.speakers}:
        yield "other speakers are declared"
    if len({s.name for s in article.speakers}) > len({s.name for s in changed.speakers}):
        yield "two speakers have one name"
    for target in changed.targets:
        if not target.proposition.strip() or _DANGLING.search(target.proposition):
            yield f"the proposition of {target.id} is {target.proposition!r}"
    for label in changed.gold.stances if changed.gold else ():
        for e in label.evidence:
            if changed.text[e.start : e.end] != e.text or (label.stance is not Stance.NO_STANCE and not e.text.strip()):
                yield f"evidence of {label.speaker} on {label.target} is not in its place"
