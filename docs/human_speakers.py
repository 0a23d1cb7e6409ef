"""Scores speaker finders against PolNeAR's sources for docs/human_labels.md; intervals by article.

    python docs/human_speakers.py PolNeAR/data/dev
    python docs/human_speakers.py --finders rule,cues,spacy PolNeAR/data/dev       # with the extra `spacy`

A source that is only a pronoun, or has no word of its own, does not count. A speaker fits a source if a word of the name
stands in it: generous to both sides, as PolNeAR marks "a spokesman for Clinton" and a finder says "Clinton". A name is a span of
the text of at most six words; the strict figures count its last word alone.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.config import SystemConfig
from harness.data.formats.brat import Document, read_documents
from harness.stats.bootstrap import clustered_interval_counts, ratio
from harness.systems.base import Context
from harness.systems.registry import build
from harness.types import Article, Dataset, Item, Source

PRONOUNS = frozenset(
    {"he", "she", "they", "it", "i", "we", "you", "who", "his", "her", "their", "him", "them", "one", "his/her", "that", "which"}
    | {"this", "these", "those", "someone", "others", "some", "many", "people"}
)  # fmt: skip
MOST_WORDS = 6
PLAIN = frozenset(
    {"the", "and", "for", "mrs", "sen", "rep", "gov", "president", "senator", "former", "new", "york", "with", "his", "her"}
    | {"their"}
)  # fmt: skip
"""Words that name nobody, beside all of one or two letters."""


def telling(words: str) -> set[str]:
    """The words of three letters or more that may tell who is meant."""
    return {w for w in re.findall(r"[^\W\d_]+", words.lower()) if w not in PLAIN and len(w) > 2}


def marked_sources(marked: Sequence[str]) -> list[set[str]]:
    """The telling words of each source that counts, once."""
    return [words for w in dict.fromkeys(marked) if not set(w.lower().split()) <= PRONOUNS and (words := telling(w))]


def news(text: str) -> Article:
    """A text of the corpus as an article."""
    return Article("a", text.split("\n", 1)[0][:80], text, "e", Source(kind="news"), targets=(), speakers=())


def counts(document: Document, speakers: list[str]) -> list[int]:
    """Sources that a speaker fits, sources, speakers that fit a source, speakers; then the same by the name's last word alone."""
    marked = [s.words for _, read in document.layers.values() for s in read.spans.values() if s.type == "Source"]
    sources, everyone = marked_sources(marked), [telling(w) for w in marked]
    text = " ".join(document.text.split())
    # a name that is no span of the text, or one of more than six words, counts as one that fits nothing
    names = [name if name in text and len(name.split()) <= MOST_WORDS else "" for name in speakers]
    sums = []
    for named in ([telling(name) for name in names], [telling(" ".join(name.split()[-1:])) for name in names]):
        sums += [
            sum(any(name & source for name in named) for source in sources),
            len(sources),
            sum(any(name & source for source in everyone) for name in named),
            len(named),
        ]
    return sums


def row(folder: Path, finder: str) -> str:
    """The line of the table for one part of the corpus: how much there is, recall and precision."""
    system = build("speakers", SystemConfig(name=finder, adapter=finder), "cpu", 0)
    rows = []
    for document in read_documents(folder):
        if not any(s.type == "Source" for _, read in document.layers.values() for s in read.spans.values()):
            continue
        article = news(document.text)
        context = Context(Dataset(name="polnear", version="1", articles=(article,), fingerprint=""))
        answer = system.answer([Item(article)], context)[0]
        rows.append(counts(document, [s["name"] for s in json.loads(answer.output or "[]")]))
    sums = [sum(column) for column in zip(*rows, strict=True)]
    cells = [folder.name, finder, f"{len(rows):,}", f"{sums[1]:,}", f"{sums[3]:,}"]
    for at in (0, 2, 4, 6):
        i = clustered_interval_counts([row[at : at + 2] for row in rows], ratio)
        cells.append(f"{i.value:.3f} [{i.low:.3f}, {i.high:.3f}]")
    return f"| {' | '.join(cells)} |"


def main(arguments: list[str]) -> int:
    """Prints the table."""
    finders = ["rule", "cues"]
    if arguments[:1] == ["--finders"]:
        finders, arguments = arguments[1].split(","), arguments[2:]
    print(
        "| part | finder | articles | sources | speakers named | recall | precision | recall, strict | precision, strict |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for folder in map(Path, arguments):
        for finder in finders:
            print(row(folder, finder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
