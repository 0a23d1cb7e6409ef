"""A speaker finder without a model that weighs what stands around each name (verbs of saying, titles) in six languages."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, ClassVar, NamedTuple

from harness.results.store import content_hash
from harness.systems.base import Context, System
from harness.systems.speaker_candidates import FEATURES, Candidate, candidates, features
from harness.text.body import body_sentences
from harness.text.marks import plain_marks
from harness.text.quotations import quotation_before
from harness.text.speaker_cues import QUOTED, languages, tables
from harness.text.speeches import speeches
from harness.types import Answer, Article, Dataset, Item

MOST_QUOTES = 5


class _Weights(NamedTuple):
    intercept: float
    threshold: float
    of: tuple[float, ...]


class CueSpeakers(System):
    """Finds who speaks or acts by weighing the cues around every name and noun; of a transcript the names in its headings.

    The answer is JSON: a list of {name, kind, aliases, quotes, places, score}, in order of appearance; `score` in [0, 1] is how
    likely the article attributes something to that speaker. Quotes are verbatim: what stands in quotation marks in the
    speaker's sentences, else the sentence; `places` are their offsets. Weights are fitted on PolNeAR's training part
    (docs/fit_speakers.py). A text in a language without verbs of saying gets an error that says so.
    """

    kind: ClassVar = "speakers"
    instant: ClassVar = True

    def identity(self) -> dict[str, Any]:
        # a person may add words or a language: an edited file never meets old answers
        return {**super().identity(), "words": content_hash(tables()), "weights": content_hash(list(_weights()))}

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        article = item.article
        return {"title": article.title, "text": article.text, "language": article.language}

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        return [_answer(item.article) for item in items]


def _answer(article: Article) -> Answer:
    if article.language not in languages():
        known = ", ".join(languages())
        why = f"no verbs of saying for the language {article.language!r} (there are some for {known})"
        return Answer(
            path="cues", error=f"{why}: add them to harness/text/saying.yaml, or ask a model: speakers=smollm2"
        )
    return Answer(output=json.dumps(find_speakers(article), ensure_ascii=False), path="cues")


@cache
def _weights() -> _Weights:
    raw = json.loads(resources.files("harness.systems").joinpath("speaker_weights.json").read_text(encoding="utf-8"))
    return _Weights(raw["intercept"], raw["threshold"], tuple(raw["weights"][name] for name in FEATURES))


def score(candidate: Candidate) -> float:
    """How likely the article attributes words or a position to a candidate, in [0, 1] (logistic regression)."""
    weights = _weights()
    return 1 / (1 + math.exp(-weights.intercept - sum(map(float.__mul__, weights.of, features(candidate)))))


def find_speakers(article: Article) -> list[dict[str, Any]]:
    """Speakers as {name, kind, aliases, quotes, places, score}, in order of appearance."""
    headed = list(dict.fromkeys(s.name for s in speeches(article.text) if s.name))
    if headed:
        return [
            {"name": name, "kind": "person", "aliases": [], "quotes": [], "places": [], "score": 1.0} for name in headed
        ]
    rows = []
    for candidate in candidates(article):
        likely = score(candidate)
        if likely < _weights().threshold:
            continue
        name = " ".join(candidate.words)
        forms = dict.fromkeys(m.form for m in candidate.mentions)
        places = _places(article, candidate)
        rows.append(
            {
                "name": name,
                "kind": "group" if candidate.common else "person",
                "aliases": [form for form in forms if form != name][:6],
                "quotes": [article.text[start:end] for start, end in places],
                "places": [list(place) for place in places],
                "score": round(likely, 3),
            }
        )
    return rows


SPEAKING = ("say_after", "say_before", "according", "relative", "of_whose", "calling", "act_after", "lean_after")
"""Cues by which a sentence is somebody's, those that most surely bring words first."""


def _places(article: Article, candidate: Candidate) -> list[tuple[int, int]]:
    """Where the candidate's words stand: quotations in the sentences of which it is the speaker, else these sentences."""
    sentences = body_sentences(article)
    rank = {cue: n for n, cue in enumerate(SPEAKING)}
    ranked = []
    for mention in candidate.mentions:
        ranks = [rank[cue] for cue in mention.cues if cue in rank]
        number = next((n for n, s in enumerate(sentences) if s.start <= mention.start < s.end), None)
        if number is not None:
            ranked.append((min(ranks, default=len(SPEAKING)), number))
    best = sorted({number: rank for rank, number in sorted(ranked, reverse=True)}.items(), key=lambda x: (x[1], x[0]))
    places: list[tuple[int, int]] = []
    for number, rank_of in best:
        if places and rank_of == len(SPEAKING):
            break
        sentence = sentences[number]
        asked = quotation_before(article.text, sentences, number)
        for piece in (asked, sentence):
            if piece is not None:
                marks = QUOTED.finditer(plain_marks(piece.text))
                places += [(piece.start + m.start(1), piece.start + m.end(1)) for m in marks]
        if not any(sentence.start <= start < sentence.end for start, _ in places):
            places.append((sentence.start, sentence.end))
    # what a text repeats is one quotation
    by_words = {article.text[start:end]: (start, end) for start, end in reversed(places)}
    return [place for place in dict.fromkeys(places) if place in by_words.values()][:MOST_QUOTES]
