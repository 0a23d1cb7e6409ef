"""Round trips through brat and INCEpTION: the same articles come back, or exactly the documented losses, and each is reported."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given

from harness.errors import DataError
from harness.types import Annotation, Article, Evidence, StanceLabel
from tests.property.test_formats import (
    bare,
    by_place,
    dataset,
    in_order,
    labels_of,
    quick,
    relabelled,
    sets,
    there_and_back,
)

NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def evident(label: StanceLabel) -> StanceLabel:
    """A label without a passage has no span to say more than `no_stance`."""
    return label if label.evidence else bare(label)


def without_line_ends(article: Article) -> Article:
    """Evidence as brat holds it: no line end at either end of a passage, none that is line ends only; a pair that has no
    passage left is unlabelled."""

    def left(label: StanceLabel) -> StanceLabel | None:
        kept = []
        for e in label.evidence:
            words = e.text.strip("\r\n")
            if words:
                start = e.start + len(e.text) - len(e.text.lstrip("\r\n"))
                kept.append(Evidence(words, start, start + len(words)))
        return replace(label, evidence=tuple(kept)) if kept or not label.evidence else None

    made = relabelled(article, left)
    pairs = len(made.speakers) * len(made.targets)

    def labels(annotation: Annotation) -> bool:
        # of a complete article an annotation that is left empty is left out
        return not (article.complete and pairs and not annotation.stances)

    annotations = tuple(a for a in made.annotations if labels(a))
    gold = made.gold if made.gold and labels(made.gold) else None
    layers = [*annotations, *([gold] if gold else [])]
    complete = made.complete and all(len(a.stances) == pairs for a in layers)
    return replace(made, annotations=annotations, gold=gold, complete=complete)


@quick
@given(sets)
def test_brat(found: list[Article]) -> None:
    back, lost, on_import = there_and_back("brat", found)
    expected = [in_order(without_line_ends(relabelled(a, evident))) for a in dataset(found)]
    assert list(back) == expected
    assert bool(lost) == any(in_order(a) != e for a, e in zip(dataset(found), expected, strict=True))
    # what export said is all, unless a complete article has become incomplete
    assert bool(on_import) == any(
        len(labels_of(e)) < len(labels_of(a)) and a.complete for a, e in zip(dataset(found), expected, strict=True)
    )


@quick
@given(sets)
def test_inception(found: list[Article]) -> None:
    if any(NOT_IN_XML.search(a.text) for a in found):
        with pytest.raises(DataError, match="cannot stand in XML"):
            there_and_back("inception", found)
        return
    if any(NOT_IN_XML.search(w) for a in found for s in labels_of(a) for w in (s.note, s.condition, s.reason) if w):
        return
    back, lost, on_import = there_and_back("inception", found)
    expected = [in_order(relabelled(relabelled(a, evident), by_place)) for a in dataset(found)]
    assert list(back) == expected
    assert bool(lost) == any(in_order(a) != e for a, e in zip(dataset(found), expected, strict=True))
    assert not on_import
