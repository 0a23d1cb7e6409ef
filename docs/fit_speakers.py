"""Fits the speaker finder `cues` on PolNeAR's training part: harness/systems/speaker_weights.json.

    python docs/fit_speakers.py PolNeAR/data/train          # minutes
    python docs/fit_speakers.py PolNeAR/data/train 60       # the first 60 articles, and nothing is written

A candidate is right if a word of its name stands in a source that people marked (docs/human_speakers.py has the rules). Names and
nouns of English have a logistic regression each; what the words in and beside them say is in it as the logarithm of their odds,
counted without the article itself. Other languages have one model that knows no words. Each threshold is where recall of sources
and precision of candidates are nearest to each other over articles that the model and the odds have not seen (four folds). Which
nouns may be candidates is chosen once, on all of the articles.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from human_speakers import marked_sources, news, telling
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from harness.data.formats.brat import read_documents
from harness.systems.speaker_candidates import WORDS, Candidate, candidates, features, word_features

WEIGHTS = Path(__file__).parents[1] / "harness" / "systems" / "speaker_weights.json"
FOLDS, SEED = 4, 0
LEAST_SOURCES, LEAST_SHARE = 3, 0.06
"""Articles in which a noun heads a source, and share of its occurrences in which it does, from which it may be a candidate."""
LEAST = {"noun": 3, "leader": 12, "follower": 12}
"""Occurrences from which a word has odds."""
SMOOTHING = 10
LEAST_ODDS = 0.15
_WORD = re.compile(r"[^\W\d_][\w’'-]*")
_AFTER_HEAD = re.compile(r"\b(?:of|in|who|that|which|for|from|with|at|on|to|and|or|familiar|close)\b|[,;:(\"“]|--| - ")

Counts = Mapping[str, Mapping[str, tuple[int, int]]]
"""By role and word, how many candidates were right and how many there were."""


class Document(NamedTuple):
    """One article: how many sources people marked, its candidates, their features without words, which are right, and which
    sources each is in."""

    n_sources: int
    candidates: list[Candidate]
    rows: list[list[float]]
    right: list[bool]
    covered: list[set[int]]


def head(source: str) -> str | None:
    """The noun that a source is about, in lower case; None where it is a name."""
    words = _WORD.findall(_AFTER_HEAD.split(source.strip(), maxsplit=1)[0] or source)
    return words[-1] if words and words[-1].islower() and len(words[-1]) > 3 else None


def speaking_nouns(texts: Sequence[tuple[str, Sequence[str]]]) -> frozenset[str]:
    """The nouns that head sources often enough; `texts` are each text with its marked sources."""
    occurrences: Counter[str] = Counter()
    heads: Counter[str] = Counter()
    articles: Counter[str] = Counter()
    for text, marked in texts:
        occurrences.update(word.casefold() for word in _WORD.findall(text))
        nouns = [noun for source in marked if (noun := head(source))]
        heads.update(nouns)
        articles.update(set(nouns))
    return frozenset(w for w in heads if articles[w] >= LEAST_SOURCES and heads[w] >= LEAST_SHARE * occurrences[w])


def document(text: str, marked: Sequence[str], nouns: frozenset[str]) -> Document:
    """The article's candidates against what people marked."""
    sources, everyone = marked_sources(marked), [telling(words) for words in marked]
    chosen = candidates(news(text), nouns)
    words = [telling(" ".join(c.words)) for c in chosen]
    right = [any(w & source for source in everyone) for w in words]
    most = max((len(c.mentions) for c in chosen), default=1)
    rows = [features(c, most) for c in chosen]
    return Document(len(sources), chosen, rows, right, [{n for n, s in enumerate(sources) if w & s} for w in words])


def word_counts(documents: Iterable[Document]) -> dict[str, dict[str, tuple[int, int]]]:
    """How often a word was the noun of a candidate that was right, or stood beside one."""
    counts: dict[str, defaultdict[str, list[int]]] = {role: defaultdict(lambda: [0, 0]) for role in WORDS}
    for one in documents:
        for candidate, right in zip(one.candidates, one.right, strict=True):
            words = [("noun", candidate.noun)] if candidate.common else []
            words += [(role, getattr(m, role)) for m in candidate.mentions for role in WORDS[1:]]
            for role, word in words:
                counts[role][word][0] += right
                counts[role][word][1] += 1
    return {role: {w: (r, n) for w, (r, n) in rows.items()} for role, rows in counts.items()}


def bases(counts: Counts) -> dict[str, float]:
    """Of each role, the share of candidates that were right."""
    return {role: sum(r for r, _ in rows.values()) / sum(n for _, n in rows.values()) for role, rows in counts.items()}


def odds(counts: Counts, base_of: Mapping[str, float], without: Counts | None = None) -> dict[str, dict[str, float]]:
    """The logarithm of each word's odds, less that of all; those of `without` are not counted, and then alone have odds."""
    tables: dict[str, dict[str, float]] = {}
    for role, rows in counts.items():
        base = base_of[role]
        table = tables[role] = {}
        for word in rows if without is None else without[role]:
            less = without[role][word] if without else (0, 0)
            right, n = rows[word][0] - less[0], rows[word][1] - less[1]
            if n >= LEAST[role]:
                likely = (right + SMOOTHING * base) / (n + SMOOTHING)
                table[word] = round(math.log(likely / (1 - likely)) - math.log(base / (1 - base)), 2)
    return tables


def matrix(documents: Sequence[Document], counts: Counts, *, seen: bool) -> NDArray[np.float64]:
    """All features of all candidates; `seen` if the articles are among those that were counted."""
    base_of = bases(counts)
    everything = odds(counts, base_of)
    rows = []
    for one in documents:
        table = odds(counts, base_of, word_counts([one])) if seen and one.candidates else everything
        rows += [row + word_features(c, table) for row, c in zip(one.rows, one.candidates, strict=True)]
    return np.array(rows)


def fitted(x: NDArray[np.float64], right: NDArray[np.bool_], penalty: float) -> Any:
    """A logistic regression."""
    return LogisticRegression(C=penalty, max_iter=4000).fit(x, right)


def models(documents: Sequence[Document], x: NDArray[np.float64]) -> dict[str, Any]:
    """The three models."""
    right, common = _labels(documents)
    n_plain = x.shape[1] - (1 + 2 * len(WORDS[1:]))
    return {
        "names": fitted(x[~common], right[~common], 0.3),
        "nouns": fitted(x[common], right[common], 0.3),
        "any": fitted(x[~common][:, :n_plain], right[~common], 0.5),
    }


def _labels(documents: Sequence[Document]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    right = np.array([r for one in documents for r in one.right])
    return right, np.array([c.common for one in documents for c in one.candidates])


def threshold(
    scores: NDArray[np.float64], documents: Sequence[Document], chosen: NDArray[np.bool_], *, coverable: bool = False
) -> tuple[float, float, float]:
    """Where recall and precision of the `chosen` candidates meet, and both; with `coverable` of the sources that any of them
    is in."""
    right = _labels(documents)[0]
    sources: list[set[tuple[int, int]]] = [{(n, i) for i in c} for n, one in enumerate(documents) for c in one.covered]
    places = np.flatnonzero(chosen)
    total = len(_union(sources, places)) if coverable else sum(one.n_sources for one in documents)

    def quality(least: float) -> tuple[float, float]:
        kept = places[scores[places] >= least]
        return len(_union(sources, kept)) / total, float(right[kept].mean()) if len(kept) else 1.0

    least = min(np.arange(0.2, 0.8, 0.01), key=lambda t: abs(quality(t)[0] - quality(t)[1]))
    return (round(float(least), 2), *quality(least))


def _union(sources: Sequence[set[tuple[int, int]]], places: Collection[int]) -> set[tuple[int, int]]:
    return set().union(*(sources[n] for n in places))


def main(folder: Path, limit: int | None) -> int:
    """Writes the weights and prints recall and precision over the folds."""
    texts = [
        (d.text, marked)
        for d in read_documents(folder)
        if (marked := [s.words for _, read in d.layers.values() for s in read.spans.values() if s.type == "Source"])
    ][:limit]
    nouns = speaking_nouns(texts)
    documents = [document(text, marked, nouns) for text, marked in texts]
    order = np.random.default_rng(SEED).permutation(len(documents))
    unseen: dict[str, list[NDArray[np.float64]]] = {"en": [], "any": []}
    shuffled: list[Document] = []
    for fold in np.array_split(order, FOLDS):
        rest, held = [documents[n] for n in order if n not in fold], [documents[n] for n in fold]
        counts = word_counts(rest)
        fit, x = models(rest, matrix(rest, counts, seen=True)), matrix(held, counts, seen=False)
        common = _labels(held)[1]
        n_plain = fit["any"].coef_.shape[1]
        by_name, by_noun = (fit[name].predict_proba(x)[:, 1] for name in ("names", "nouns"))
        unseen["en"].append(np.where(common, by_noun, by_name))
        unseen["any"].append(fit["any"].predict_proba(x[:, :n_plain])[:, 1])
        shuffled += held
    common = _labels(shuffled)[1]
    levels = {
        "en": threshold(np.concatenate(unseen["en"]), shuffled, np.ones_like(common)),
        "any": threshold(np.concatenate(unseen["any"]), shuffled, ~common, coverable=True),
    }
    for name, (least, recall, precision) in levels.items():
        print(
            f"{name}: threshold {least}, recall {recall:.3f}, precision {precision:.3f} over folds, {len(documents)} articles"
        )
    counts = word_counts(documents)
    fit = models(documents, matrix(documents, counts, seen=True))
    # odds that hardly matter are left out
    table = {
        role: {w: v for w, v in sorted(rows.items()) if abs(v) >= LEAST_ODDS}
        for role, rows in odds(counts, bases(counts)).items()
    }
    content = {
        "source": f"docs/fit_speakers.py on PolNeAR train, {len(documents)} articles",
        "thresholds": {name: level[0] for name, level in levels.items()},
        **{
            name: {"intercept": round(float(m.intercept_[0]), 4), "weights": [round(float(w), 4) for w in m.coef_[0]]}
            for name, m in fit.items()
        },
        "nouns_anywhere": sorted(nouns),
        "words": table,
    }
    if limit is None:
        WEIGHTS.write_text(
            json.dumps(content, indent=None, ensure_ascii=False).replace('}, "', '},\n"') + "\n", "utf-8"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None))
