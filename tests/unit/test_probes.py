"""Every probe is deterministic on every article to which it applies, and its labels are what its proof says."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from harness.data.load import load_dataset
from harness.data.probes.base import Material
from harness.data.probes.edits import Edit, edited, mirrored
from harness.data.probes.renaming import invented_word
from harness.data.probes.soundness import soundness
from harness.data.probes.suite import PROBES, material_of, probe_named, probed
from harness.errors import ConfigError
from harness.types import Article, Dataset, Stance

ESCALATION_SET = Path(__file__).parents[2] / "datasets" / "escalation"
VARIANTS = [(name, variant) for name, probe in PROBES.items() for variant in probe.variants]


@cache
def gold_set() -> tuple[Dataset, Material]:
    dataset = load_dataset(ESCALATION_SET)
    return dataset, material_of(dataset, ESCALATION_SET)


@cache
def made(name: str, variant: str) -> Dataset:
    dataset, material = gold_set()
    return probed(dataset, name, variant, material)


@cache
def read_again() -> tuple[Dataset, Material]:
    """The same from the files once more, so that no object is shared."""
    dataset = load_dataset(ESCALATION_SET)
    return dataset, material_of(dataset, ESCALATION_SET)


def changed(name: str, article_id: str, variant: str = "") -> tuple[Article, Article]:
    dataset, material = gold_set()
    article = dataset.article(article_id)
    result = PROBES[name].change(article, variant, material)
    assert result is not None
    return article, result


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_the_same_articles_come_out_every_time(name: str, variant: str) -> None:
    first = made(name, variant)
    dataset_again, material_again = read_again()
    assert first == probed(dataset_again, name, variant, material_again)
    assert first.fingerprint != gold_set()[0].fingerprint


def test_no_two_probes_share_a_fingerprint() -> None:
    prints = [made(name, variant).fingerprint for name, variant in VARIANTS]
    assert len(set(prints)) == len(prints)


def test_every_probe_of_the_gold_set_is_sound() -> None:
    dataset, material = gold_set()
    found = {s.probe: s for s in soundness(dataset, material)}
    assert {name: s.problems for name, s in found.items() if s.problems} == {}
    assert found["masked_names"].n_articles == len(dataset)
    assert found["evidence_only"].n_pairs == 100
    assert found["distractor"].n_pairs == 100
    assert found["swapped_sides"].n_articles == 21


def test_edits_carry_spans_along() -> None:
    # Olm wants war -> Speaker A wants war: 3 characters become 9
    change = edited("Olm wants war.", [Edit(0, 3, "Speaker A")])
    assert change.text == "Speaker A wants war."
    assert change.text[slice(*change.span(4, 13))] == "wants war"
    # a span that begins inside a name takes all of the new one
    assert change.text[slice(*change.span(1, 9))] == "Speaker A wants"
    assert edited("ab", [Edit(1, 1, "-")]).span(1, 2) == (2, 3)


def test_a_mirrored_scale_mirrors_back() -> None:
    assert [mirrored(s) for s in (Stance.OPPOSE, Stance.NEUTRAL, Stance.NO_STANCE)] == [
        "support",
        "neutral",
        "no_stance",
    ]
    assert all(mirrored(mirrored(s)) is s for s in Stance)


def test_masks_cover_names_aliases_adjectives_and_possessives() -> None:
    _, masked = changed("masked_names", "flotilla-2010-ankara")
    for name in ("Erdoğan", "Davutoğlu", "Turk", "Israel", "Ankara", "Washington", "White House", "Gaza", "İHH"):
        assert name not in masked.text + masked.title
    assert "Prime Minister Speaker B has demanded" in masked.text
    assert "one a Country Z of Country X origin" in masked.text, (
        "the article before a name follows its new first letter"
    )
    assert masked.speaker("erdogan").name == "Speaker B"


def test_names_change_places_in_fiction_and_labels_stay_with_the_role() -> None:
    article, swapped = changed("swapped_sides", "corvel-pilot-boats")
    assert {s.id for s in swapped.speakers} == {s.id for s in article.speakers}
    assert swapped.speaker("holt").side != article.speaker("holt").side
    assert "Corvel" in swapped.text
    assert swapped.gold_stances().keys() == article.gold_stances().keys()
    assert [s.stance for s in swapped.gold.stances] == [s.stance for s in article.gold.stances]  # type: ignore[union-attr]
    dataset, material = gold_set()
    assert PROBES["swapped_sides"].change(dataset.article("cuba-1962-excomm"), "", material) is None


def test_invented_names_have_the_form_of_the_old() -> None:
    article, invented = changed("invented_names", "falklands-1982-task-force")
    for before, after in zip(article.speakers, invented.speakers, strict=True):
        if before.kind == "person":
            assert len(after.name.split()) == len(before.name.split())
            assert after.name != before.name
    assert invented_word("Ada", "x")[0] in "AEIOU"
    assert "Thatcher" not in invented.text


def test_a_negated_target_mirrors_gold_and_annotators() -> None:
    article, turned = changed("negated_target", "cuba-1962-excomm")
    before = article.gold_stances()
    assert turned.gold is not None
    assert turned.gold.stances
    for label in turned.gold.stances:
        assert label.stance is mirrored(before[label.speaker, label.target].stance)
        target = turned.target(label.target)
        assert target.proposition == article.target(label.target).negated
        assert target.direction != article.target(label.target).direction


def test_removed_evidence_leaves_no_passage_that_anybody_listed() -> None:
    article, bare = changed("evidence_removed", "salt-road-column")
    assert bare.gold is not None
    assert {s.stance for s in bare.gold.stances} == {Stance.NO_STANCE}
    for annotation in (*article.annotations, article.gold):
        assert annotation is not None
        for label in annotation.stances:
            assert not any(e.text in bare.text for e in label.evidence)
    stanced = {(s.speaker, s.target) for s in article.gold.stances if s.stance is not Stance.NO_STANCE}  # type: ignore[union-attr]
    asked = {(s.id, t.id) for s, t in bare.pairs()}
    assert asked
    assert asked <= stanced
    assert not any(s.name in bare.text or s.name.split()[-1] in bare.text for s, _ in bare.pairs())


def test_the_evidence_alone_names_the_speaker_and_holds_the_evidence() -> None:
    article, alone = changed("evidence_only", "balakot-2019", "1")
    [(speaker, target)] = list(alone.pairs())
    label = article.gold_stances()[speaker.id, target.id]
    assert all(e.text in alone.text for e in label.evidence)
    assert len(alone.text) < len(article.text) / 2


def test_a_contrast_asks_about_the_pairs_that_it_turns() -> None:
    article, turned = changed("contrast", "salt-road-column")
    assert article.contrast is not None
    assert turned.text == article.contrast.text
    assert {(s.id, t.id): turned.gold_stances()[s.id, t.id].stance for s, t in turned.pairs()} == {
        (s.speaker, s.target): s.stance for s in article.contrast.stances
    }


def test_typographic_dress_changes_marks_alone() -> None:
    _, dressed = changed("typographic", "salt-road-column")
    assert "“We are debt collectors on an outing,” Sabine Orrow" in dressed.text
    assert "months’ arrears" in dressed.text
    assert not {'"', "'"} & set(dressed.text)


def test_a_distractor_quotes_somebody_of_the_other_side() -> None:
    article, distracted = changed("distractor", "salt-road-column", "1")
    [(speaker, target)] = list(distracted.pairs())
    [added] = [line for line in distracted.text.split("\n") if line not in article.text.split("\n")]
    assert f": {target.proposition}" in added
    gold = article.gold_stances()
    author = next(s for s in article.speakers if f"{s.name} said:" in added)
    assert (gold[author.id, target.id].stance.degree or 0) * (gold[speaker.id, target.id].stance.degree or 0) < 0


def test_another_article_names_nobody_who_is_asked_about() -> None:
    article, other = changed("other_article", "karsk-pipeline")
    assert other.text != article.text
    assert not any(s.name in other.text for s in article.speakers)
    assert other.event == article.event, "fitted systems never learn from the event of the question"


def test_an_unknown_probe_or_variant_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="there is no probe 'masked_name'"):
        probe_named("masked_name")
    with pytest.raises(ConfigError, match="has no variant 'fr'"):
        probe_named("language", "fr")
