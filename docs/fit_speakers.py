"""Fits the weights of the speaker finder `cues` on PolNeAR's training part: harness/systems/speaker_weights.json.

    python docs/fit_speakers.py PolNeAR/data/train

A candidate is right if a word of its name stands in a source that people marked (docs/human_speakers.py has the rules). The
threshold is where recall of sources and precision of candidates are nearest to each other on the same texts.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from human_speakers import PRONOUNS, telling

from harness.data.formats.brat import read_documents
from harness.systems.speaker_candidates import FEATURES, candidates, features
from harness.types import Article, Source

WEIGHTS = Path(__file__).parents[1] / "harness" / "systems" / "speaker_weights.json"


def main(folder: Path) -> int:
    """Writes the weights and prints recall and precision on the texts that they were fitted on."""
    from sklearn.linear_model import LogisticRegression

    rows, right, covered, n_sources = [], [], [], 0
    for document in read_documents(folder):
        marked = [s.words for _, read in document.layers.values() for s in read.spans.values() if s.type == "Source"]
        if not marked:
            continue
        sources = [telling(w) for w in set(marked) if not set(w.lower().split()) <= PRONOUNS and telling(w)]
        everyone = [telling(w) for w in marked]
        headline = document.text.split("\n", 1)[0][:80]
        article = Article("a", headline, document.text, "e", Source(kind="news"), targets=(), speakers=())
        for candidate in candidates(article):
            words = telling(" ".join(candidate.words))
            rows.append(features(candidate))
            right.append(any(words & source for source in everyone))
            covered.append({n_sources + i for i, source in enumerate(sources) if words & source})
        n_sources += len(sources)
    x, y = np.array(rows), np.array(right)
    model = LogisticRegression(C=0.5, max_iter=3000).fit(x, y)
    scores = model.predict_proba(x)[:, 1]

    def quality(threshold: float) -> tuple[float, float]:
        chosen = np.flatnonzero(scores >= threshold)
        found = set().union(*(covered[i] for i in chosen))
        return len(found) / n_sources, float(y[chosen].mean())

    threshold = min(np.arange(0.2, 0.8, 0.01), key=lambda t: abs(quality(t)[0] - quality(t)[1]))
    content = {
        "source": "docs/fit_speakers.py on PolNeAR train: logistic regression, C 0.5",
        "intercept": round(float(model.intercept_[0]), 4),
        "threshold": round(float(threshold), 2),
        "weights": {name: round(float(w), 4) for name, w in zip(FEATURES, model.coef_[0], strict=True)},
    }
    WEIGHTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print("recall {:.3f}, precision {:.3f} on these texts".format(*quality(threshold)))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
