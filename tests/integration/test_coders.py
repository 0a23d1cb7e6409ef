"""The folder for outside coders holds no label, opens in the labelling page's terms, and two coders' work joins."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from harness.data.load import load_dataset
from harness.data.save import save_article
from harness.types import Annotation, Stance, StanceLabel

ROOT = Path(__file__).parents[2]


def coders(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "docs/coders.py", *args], cwd=ROOT, capture_output=True, text=True)


def label(folder: Path, name: str) -> None:
    """Somebody who finds no stance anywhere: the form is what counts here."""
    for article in load_dataset(folder):
        stances = tuple(StanceLabel(s.id, t.id, Stance.NO_STANCE) for s in article.speakers for t in article.targets)
        save_article(
            replace(article, annotations=(Annotation(name, stances),)), folder / "articles" / f"{article.id}.yaml"
        )


def test_two_coders(tmp_path: Path) -> None:
    one, other, both = (tmp_path / name for name in ("one", "other", "both"))
    for folder in (one, other):
        assert coders(str(folder)).returncode == 0
    dataset = load_dataset(one)
    assert len(dataset) == 12
    assert not any(a.gold or a.annotations or a.summaries or a.contrast for a in dataset)
    assert (one / "GUIDELINES.md").exists()
    assert "--blind" in (one / "README.md").read_text(encoding="utf-8")
    label(one, "ada")
    label(other, "ben")
    assert coders("--collect", str(one), str(other), str(both)).returncode == 0
    assert {a.annotator for article in load_dataset(both) for a in article.annotations} == {"ada", "ben"}


def test_changed_declarations_are_named(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        assert coders(str(folder)).returncode == 0
    article = load_dataset(other).articles[0]
    save_article(replace(article, speakers=article.speakers[1:]), other / "articles" / f"{article.id}.yaml")
    done = coders("--collect", str(one), str(other), str(tmp_path / "both"))
    assert done.returncode == 1
    assert article.id in done.stderr
