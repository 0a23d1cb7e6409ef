"""Fields that probes need: read, checked, written back, and no part of what older sets are identified by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.data.fingerprint import fingerprint
from harness.data.load import load_dataset
from harness.data.save import article_yaml, save_article
from harness.errors import ValidationFailed
from harness.systems.folds import learned_from
from harness.types import Contrast, Evidence, Stance, StanceLabel

ROOT = Path(__file__).parents[2]


def with_probe_fields(river: Path) -> Path:
    """The first article of the set with a contrast, paraphrases, a negated wording and a canary; its file."""
    article = load_dataset(river).articles[0]
    text = article.text + "\nMinister Ada Brandt took that back on Friday.\n"
    passage = "took that back on Friday"
    start = text.index(passage)
    pair = next(s for s in article.gold.stances if s.stance is not Stance.OPPOSE)  # type: ignore[union-attr]
    label = StanceLabel(
        pair.speaker, pair.target, Stance.OPPOSE, evidence=(Evidence(passage, start, start + len(passage)),)
    )
    targets = tuple(replace(t, paraphrases=("One.", "Two.", "Three."), negated="Not.") for t in article.targets)
    path = river / "articles" / f"{article.id}.yaml"
    save_article(
        replace(article, targets=targets, contrast=Contrast(text, (label,), "one sentence more"), canary="canary 7f3e"),
        path,
    )
    return path


def test_what_is_written_is_read_again(river: Path) -> None:
    path = with_probe_fields(river)
    article = load_dataset(river).articles[0]
    assert article.canary == "canary 7f3e"
    assert article.contrast is not None
    assert article.contrast.text[slice(*_span(article.contrast))] == "took that back on Friday"
    assert {t.negated for t in article.targets} == {"Not."}
    assert article_yaml(article, path.read_text()) == path.read_text()


def _span(contrast: Contrast) -> tuple[int, int]:
    [evidence] = contrast.stances[0].evidence
    return evidence.start, evidence.end


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("took that back on Friday]", "took that back on Sunday]", "evidence is not in the text"),
        ("canary: canary 7f3e", "canary: Ada Brandt", "the canary stands in the text"),
        ("paraphrases: [One., Two., Three.]", "paraphrases: One.", "must be a list"),
    ],
)
def test_what_is_wrong_is_named(river: Path, old: str, new: str, message: str) -> None:
    path = with_probe_fields(river)
    content = path.read_text(encoding="utf-8")
    assert old in content, content
    path.write_text(content.replace(old, new), encoding="utf-8")
    with pytest.raises(ValidationFailed) as caught:
        load_dataset(river)
    assert message in str(caught.value)
    assert path.name in str(caught.value)


def test_a_contrast_lists_only_what_it_changes(river: Path) -> None:
    path = with_probe_fields(river)
    article = load_dataset(river).articles[0]
    assert article.gold is not None
    assert article.contrast is not None
    gold = article.gold_stances()[article.contrast.stances[0].speaker, article.contrast.stances[0].target].stance
    content = path.read_text(encoding="utf-8")
    head, _, tail = content.rpartition("stance: oppose")
    path.write_text(head + f"stance: {gold}" + tail, encoding="utf-8")
    with pytest.raises(ValidationFailed, match="in gold already"):
        load_dataset(river)


def test_sets_without_the_fields_keep_their_identity(river: Path) -> None:
    before = load_dataset(river)
    with_probe_fields(river)
    after = load_dataset(river)
    stripped = [
        replace(
            a, contrast=None, canary=None, targets=tuple(replace(t, paraphrases=(), negated=None) for t in a.targets)
        )
        for a in after
    ]
    assert fingerprint(after.articles) != before.fingerprint == fingerprint(stripped)
    assert list(map(learned_from, after)) == list(map(learned_from, before))
