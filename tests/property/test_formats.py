"""Round trips: export and import give the same articles, or exactly the documented losses, and every loss is reported."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from harness.data.fingerprint import fingerprint
from harness.data.formats import FORMATS, READ_ONLY, format_named
from harness.data.formats.ledger import Loss
from harness.data.load import _to_article
from harness.data.save import article_yaml
from harness.data.yaml_lines import parse_yaml
from harness.types import Annotation, Article, Dataset, Stance, StanceLabel
from tests.articles import articles, made

quick = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # whole articles take minutes to shrink
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)

FOLDERS = ("huggingface", "brat", "inception")

sets = st.lists(articles(), min_size=1, max_size=3, unique_by=lambda a: a.id)


def dataset(found: list[Article]) -> Dataset:
    ordered = tuple(sorted(found, key=lambda a: a.id))
    return Dataset("made", "1", ordered, fingerprint(ordered))


def there_and_back(
    name: str, found: list[Article], mapping: dict[str, Any] | None = None
) -> tuple[Dataset, list[Loss], list[Loss]]:
    """What came back, what export said was lost, what import said."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("out" if name in FOLDERS else "out.file")
        said = format_named(name).save(dataset(found), path, mapping or {})
        imported = format_named(name).load(path, mapping or {})
    return dataset(list(imported.articles)), said, list(imported.losses)


def in_order(article: Article) -> Article:
    """Labels in the order of declaration: span formats do not carry another."""
    pairs = {(s.id, x.id): n for n, (s, x) in enumerate((s, x) for s in article.speakers for x in article.targets)}

    def ordered(a: Annotation) -> Annotation:
        return replace(a, stances=tuple(sorted(a.stances, key=lambda s: pairs[s.speaker, s.target])))

    gold = ordered(article.gold) if article.gold else None
    return replace(article, annotations=tuple(map(ordered, article.annotations)), gold=gold)


def relabelled(article: Article, change: Callable[[StanceLabel], StanceLabel | None]) -> Article:
    def changed(a: Annotation) -> Annotation:
        return replace(a, stances=tuple(x for s in a.stances if (x := change(s)) is not None))

    gold = changed(article.gold) if article.gold else None
    return replace(article, annotations=tuple(map(changed, article.annotations)), gold=gold)


def bare(label: StanceLabel, stance: Stance | None = None) -> StanceLabel:
    return StanceLabel(label.speaker, label.target, stance or label.stance, evidence=label.evidence)


def spanless(*, attributes: bool = True) -> Callable[[StanceLabel], StanceLabel | None]:
    """What is left of a label where each piece of evidence is a span."""

    def left(label: StanceLabel) -> StanceLabel | None:
        if not label.evidence:
            return bare(label)
        return label if attributes else bare(label)

    return left


@quick
@given(sets)
@pytest.mark.parametrize("name", ["jsonl", "huggingface"])
def test_own_schema_loses_nothing_of_an_article(name: str, found: list[Article]) -> None:
    back, _, _ = there_and_back(name, found)
    assert back.articles == dataset(found).articles
    assert back.fingerprint == dataset(found).fingerprint


@quick
@given(sets)
@pytest.mark.parametrize("name", ["label_studio", "prodigy"])
def test_spans_with_attributes(name: str, found: list[Article]) -> None:
    back, said, on_import = there_and_back(name, found)
    expected = [in_order(relabelled(a, spanless())) for a in dataset(found)]
    got = [a if name == "prodigy" else people_first(a) for a in back]
    assert got == [a if name == "prodigy" else people_first(a) for a in expected]
    assert bool(said) == any(in_order(a) != e for a, e in zip(dataset(found), expected, strict=True))
    assert not on_import


def people_first(article: Article) -> Article:
    """Label Studio keeps predictions apart from annotations."""
    return replace(
        article, annotations=tuple(sorted(article.annotations, key=lambda a: a.annotator.startswith("machine:")))
    )


@quick
@given(sets)
@pytest.mark.parametrize("unit", ["utf16", "code_points"])
def test_doccano(unit: str, found: list[Article]) -> None:
    back, said, on_import = there_and_back("doccano", found, {"offsets": unit})
    expected = []
    for article in dataset(found):
        kept = relabelled(article, spanless(attributes=False))
        one = () if kept.gold else kept.annotations[:1]
        expected.append(in_order(replace(kept, annotations=one)))
    assert list(back) == expected
    assert bool(said) == any(in_order(a) != e for a, e in zip(dataset(found), expected, strict=True))
    assert not on_import


@quick
@given(sets)
@pytest.mark.parametrize("version", [2, 3])
def test_dna(version: int, found: list[Article]) -> None:
    back, said, on_import = there_and_back("dna", found, {"dna_version": version})
    full = {1: Stance.SUPPORT, 2: Stance.SUPPORT, -1: Stance.OPPOSE, -2: Stance.OPPOSE}

    def left(label: StanceLabel) -> StanceLabel | None:
        stance = full.get(label.stance.degree or 0)
        if stance is not None:
            return bare(label, stance)
        return StanceLabel(label.speaker, label.target, Stance.NO_STANCE) if label.stance is Stance.NO_STANCE else None

    expected = [unlabelled_ones_make_incomplete(a, in_order(relabelled(a, left))) for a in dataset(found)]
    assert list(back) == expected
    assert bool(on_import) == any(a.complete and any(left(s) is None for s in labels_of(a)) for a in found)
    for article in dataset(found):
        for label in labels_of(article):
            kept = left(label)
            silent = label == bare(label) and not label.evidence and label.stance is Stance.NO_STANCE
            reported = any(
                x.where.startswith(f"{article.id}: ") and x.where.endswith(f": {label.speaker} on {label.target}")
                for x in said
            )
            if kept != label and not silent:
                assert reported, label
    if not any(labels_of(a) for a in found):
        assert not said


def unlabelled_ones_make_incomplete(article: Article, left: Article) -> Article:
    """In a complete article an annotation that comes back with some pairs makes it incomplete, one with none is gone."""
    if not article.complete:
        return left
    kept = tuple(a for a, b in zip(left.annotations, article.annotations, strict=True) if a.stances or not b.stances)
    gold = left.gold if left.gold and (left.gold.stances or not article.gold or not article.gold.stances) else None
    pairs = len(article.speakers) * len(article.targets)
    whole = all(len(a.stances) == pairs for a in (*kept, *filter(None, [gold])))
    return replace(left, annotations=kept, gold=gold, complete=whole)


def labels_of(article: Article) -> list[StanceLabel]:
    return [s for a in (*article.annotations, *filter(None, [article.gold])) for s in a.stances]


@quick
@given(sets)
def test_table_keeps_texts_and_labels(found: list[Article]) -> None:
    layers = {a.id: (a.gold or (a.annotations or (None,))[0]) for a in found}
    kept = [a for a in dataset(found) if (layer := layers[a.id]) and layer.stances]
    names = [
        len({s.name for s in a.speakers}) == len(a.speakers)
        and len({x.proposition for x in a.targets}) == len(a.targets)
        for a in kept
    ]
    if not kept or not all(names) or any(a.id.isdigit() for a in kept) or len({a.text for a in kept}) < len(kept):
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        format_named("csv_table").save(dataset(found), path, {})
        for cell in (c for row in csv.reader(path.open(encoding="utf-8", newline="")) for c in row):
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        imported = format_named("csv_table").load(path, {})
    got = {(a.text, a.title, a.split, *label) for a in imported.articles for label in named(a, a.gold)}
    assert got == {(a.text, a.title, a.split, *label) for a in kept for label in named(a, layers[a.id])}


def named(article: Article, layer: Annotation | None) -> list[tuple[str, str | None, str, Stance]]:
    assert layer is not None
    found = []
    for s in layer.stances:
        speaker = article.speaker(s.speaker)
        found.append((speaker.name, speaker.side or None, article.target(s.target).proposition, s.stance))
    return found


@quick
@given(articles(), articles())
def test_article_files_give_the_text_back(article: Article, other: Article) -> None:
    def read(text: str) -> Article | None:
        errors: list[Any] = []
        document = parse_yaml(text, "made")
        found = _to_article(document.data, document.place, errors, {}, complete=True)
        assert not errors
        return found

    first = article_yaml(article)
    assert read(first) == article
    # edited into another article's file, whatever that held
    assert read(article_yaml(other, first)) == other


def crowd() -> Article:
    """A hundred speakers, overlapping evidence, evidence that stands twice."""
    said = "".join(f"Speaker {n} 🕊️ said: no war, no war. " for n in range(100))
    people = [{"id": f"s{n}", "name": f"Speaker {n}"} for n in range(100)]
    labels: list[dict[str, Any]] = []
    for n in range(100):
        labels.append(
            {
                "speaker": f"s{n}",
                "target": "escalation",
                "stance": "oppose",
                "evidence": [
                    {"text": "no war", "occurrence": 2 * n + 1},
                    {"text": "no war", "occurrence": 2 * n + 2},
                    {"text": "no war, no war", "occurrence": n + 1},
                ],
            }
        )
    return made(
        {
            "id": "crowd",
            "title": "A crowd",
            "text": said,
            "event": "crowd",
            "source": {"kind": "fictional"},
            "targets": [{"id": "escalation", "proposition": "More war"}],
            "speakers": people,
            "gold": {"adjudicator": "chief", "stances": labels},
        }
    )


def by_place(label: StanceLabel) -> StanceLabel:
    """The label with its passages in the order of the text, as annotations in a CAS are."""
    return replace(label, evidence=tuple(sorted(label.evidence, key=lambda e: (e.start, e.end))))


@pytest.mark.parametrize("name", [f for f in FORMATS if f != "csv_table" and f not in READ_ONLY])
def test_a_hundred_speakers(name: str) -> None:
    back, _, on_import = there_and_back(name, [crowd()])
    assert back.articles == (relabelled(crowd(), by_place) if name == "inception" else crowd(),)
    assert not on_import
