"""Makes the folder that two outside coders label: twelve articles without labels, the guidelines, one page of instructions.

python docs/coders.py FOLDER                    makes the folder (make coders: coders/)
python docs/coders.py --collect ONE OTHER OUT   joins what two coders handed in, for `harness data agreement OUT`
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

from harness.data.load import load_dataset
from harness.data.save import save_dataset

ROOT = Path(__file__).parents[1]
ARTICLES = (
    "balakot-2019", "cod-war-1976", "flotilla-2010-ankara", "galwan-2020-beijing", "graye-bank-drillship", "iraq-2003-commons",
    "ishel-dam-pumps", "kerch-2018-moscow", "neddle-banks-barge", "perejil-2002", "rwanda-1994", "suez-1956-halt",
)  # fmt: skip
"""Old and new, documented and invented, 200 to 1,000 words; chosen by hand, for spread, before anybody outside labelled."""


def main(folder: Path) -> None:
    """Writes the folder; DataError where it holds something already."""
    source = ROOT / "datasets" / "escalation"
    dataset = load_dataset(source)
    articles = [
        replace(dataset.article(name), summaries=(), annotations=(), gold=None, contrast=None) for name in ARTICLES
    ]
    card = {
        "name": "escalation-coders",
        "version": dataset.version,
        "description": "Twelve articles of the set escalation for outside coders: no labels, no summaries.",
        "licence": dataset.licence,
    }
    save_dataset(articles, card, folder)
    shutil.copy(source / "GUIDELINES.md", folder / "GUIDELINES.md")
    shutil.copy(ROOT / "docs" / "coders.md", folder / "README.md")
    print(f"{len(articles)} articles in {folder}; give the folder to each coder")


def collect(one: Path, other: Path, out: Path) -> None:
    """Joins two coders' labels of the same articles; SystemExit where texts or declarations differ."""
    theirs = {a.id: a for a in load_dataset(other)}
    joined = []
    for article in load_dataset(one):
        second = theirs.get(article.id)
        if second is None or replace(second, annotations=()) != replace(article, annotations=()):
            sys.exit(
                f"{article.id} is not the same in {one} and {other}: text, speakers and targets must be as handed out"
            )
        joined.append(replace(article, annotations=(*article.annotations, *second.annotations)))
    save_dataset(joined, {"name": "escalation-coders", "version": "1"}, out)
    print(f"{len(joined)} articles in {out}: harness data agreement {out}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--collect"]:
        collect(*map(Path, sys.argv[2:5]))
    else:
        main(Path(sys.argv[1]))
