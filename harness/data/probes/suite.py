"""The list of all probes, and a dataset as one of them changes it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.data.fingerprint import fingerprint
from harness.data.probes.base import Material, Probe, drawn
from harness.data.probes.language import language
from harness.data.probes.names import read_names
from harness.data.probes.renaming import invented_names, masked_names, swapped_sides
from harness.data.probes.targets import contrast, negated_target, order, paraphrased_target
from harness.data.probes.texts import (
    distractor,
    evidence_only,
    evidence_removed,
    metadata_only,
    no_article,
    other_article,
    typographic,
)
from harness.data.probes.translations import LANGUAGES, read_translations
from harness.errors import ConfigError, ValidationFailed, nearest_hint
from harness.types import Article, Dataset

TEMPLATES = tuple(f"template_{n}" for n in range(1, 6))
OPTIONS = ("options_reversed", "options_rotated")
MOST_DRAWN = 100
"""Pairs of a whole set that the probes ask about which make a text for a single pair."""

PROBES: dict[str, Probe] = {
    probe.name: probe
    for probe in (
        Probe("masked_names", masked_names, "same", "nobody is named"),
        Probe("invented_names", invented_names, "same", "names that nobody bears"),
        Probe("swapped_sides", swapped_sides, "same", "the two sides exchange names (fiction only)"),
        Probe("contrast", contrast, "contrast", "a minimal edit turns the stance"),
        Probe("negated_target", negated_target, "mirrored", "the proposition is reversed"),
        Probe("paraphrased_target", paraphrased_target, "same", "the proposition in other words", ("1", "2", "3")),
        Probe("no_article", no_article, "memory", "the question without the article"),
        Probe("other_article", other_article, "memory", "another article in its place"),
        Probe("metadata_only", metadata_only, "memory", "names, order, role and side, no text"),
        Probe("evidence_removed", evidence_removed, "no_stance", "every sentence with evidence cut out"),
        Probe("evidence_only", evidence_only, "same", "the pair's evidence alone", ("1", "2"), most=MOST_DRAWN),
        Probe("typographic", typographic, "same", "curly marks and dashes, as printed"),
        Probe(
            "distractor",
            distractor,
            "same",
            "another speaker's contrary words beside",
            tuple(map(str, range(1, 10))),
            most=MOST_DRAWN,
        ),
        Probe(
            "order",
            order,
            "same",
            "order of speakers, targets and options, and other prompts",
            ("speakers", "targets", *OPTIONS, *TEMPLATES),
            pools=False,
            of_prompt=frozenset((*OPTIONS, *TEMPLATES)),
        ),
        Probe("language", language, "same", "the article in another language", tuple(LANGUAGES), pools=False),
    )
}
"""By name, in the order of the report."""


def probe_named(name: str, variant: str | None = None) -> Probe:
    """The probe; ConfigError for an unknown one, or a variant that it does not have."""
    if name not in PROBES:
        hint = nearest_hint(name, list(PROBES)) + f"known: {', '.join(PROBES)}, all"
        raise ConfigError(f"there is no probe {name!r}", hint=hint)
    probe = PROBES[name]
    if variant is not None and variant not in probe.variants:
        known = ", ".join(filter(None, probe.variants)) or "it has none"
        raise ConfigError(f"probe.variant: {name} has no variant {variant!r}", hint=f"known: {known}")
    return probe


def material_of(dataset: Dataset, path: Path, *, translated: bool = True) -> Material:
    """What probes look at besides an article; ValidationFailed with everything that is wrong with translations.

    Only the probe `language` needs the set `translated`: what is wrong there stops no other.
    """
    if not path.is_dir() or not translated:
        return Material(dataset.articles, read_names(path))
    translations, errors = read_translations(path, {a.id: a for a in dataset})
    if errors:
        raise ValidationFailed(errors)
    return Material(dataset.articles, read_names(path), translations)


def beside_stamp(path: Path) -> tuple[tuple[str, int], ...]:
    """Name and time of every file beside the articles that a probe reads."""
    files = [path / "names.yaml", *sorted((path / "translations").glob("*/*.yaml"))]
    return tuple((str(p), p.stat().st_mtime_ns) for p in files if p.exists())


def probed(dataset: Dataset, name: str, variant: str, material: Material) -> Dataset:
    """The articles to which a probe applies, changed, under the same ids; the fingerprint is of probe, variant and content."""
    changed = changed_articles(probe_named(name, variant), variant, dataset.articles, material)
    return replace(dataset, articles=changed, fingerprint=_fingerprint(name, variant, fingerprint(changed)))


def changed_articles(
    probe: Probe, variant: str, articles: Sequence[Article], material: Material
) -> tuple[Article, ...]:
    """The articles of a whole set that a probe changes and asks something about, in their order.

    Of a probe with a limit the first variant takes its pairs first, then the second and so on; of the variant for which not
    all have room, articles are drawn by a hash of probe, variant and id: the same on every machine.
    """
    changed = _all_changed(probe, variant, articles, material)
    if probe.most is None:
        return changed
    earlier = probe.variants[: probe.variants.index(variant)]
    room = probe.most - sum(n_pairs(c) for v in earlier for c in _all_changed(probe, v, articles, material))
    kept = set()
    for article in sorted(changed, key=lambda c: drawn(probe.name, variant, c.id)):
        room -= n_pairs(article)
        if room >= 0:
            kept.add(article.id)
    return tuple(c for c in changed if c.id in kept)


def _all_changed(probe: Probe, variant: str, articles: Sequence[Article], material: Material) -> tuple[Article, ...]:
    return tuple(c for a in articles if (c := probe.change(a, variant, material)) is not None and n_pairs(c))


def n_pairs(article: Article) -> int:
    """How many (speaker, target) pairs an article asks about."""
    return sum(1 for _ in article.pairs())


def probed_fingerprints(content: str) -> set[str]:
    """The fingerprints that articles of this content have as the changed ones of a probe, any of them."""
    return {_fingerprint(name, variant, content) for name, probe in PROBES.items() for variant in probe.variants}


def _fingerprint(name: str, variant: str, content: str) -> str:
    return hashlib.sha256(f"{name}/{variant}/{content}".encode()).hexdigest()
