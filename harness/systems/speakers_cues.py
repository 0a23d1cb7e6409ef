"""A speaker finder without a model that weighs what stands around each name (verbs of saying, titles) in six languages."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, ClassVar

from harness.results.store import content_hash
from harness.systems.base import Context, System
from harness.systems.speaker_candidates import Candidate, candidates, features, word_features
from harness.text.authors import author
from harness.text.body import body_sentences
from harness.text.quotations import quotation_before
from harness.text.speaker_cues import languages, quotations, tables
from harness.text.speeches import speeches
from harness.types import Answer, Article, Dataset, Item

MOST_QUOTES = 5


class CueSpeakers(System):
    """Finds who speaks or acts by weighing the cues around every name and noun; of a transcript the names in its headings.

    The answer is JSON: a list of {name, kind, aliases, quotes, places, score}, in order of appearance; `score` in [0, 1] is how
    likely the article attributes something to that speaker. The author of a text in the first person is one. Quotes are
    verbatim: what stands in quotation marks in the speaker's sentences, else the sentence; `places` are their offsets. Weights
    are fitted on PolNeAR's training part (docs/fit_speakers.py). A text in a language without verbs of saying gets an error
    that says so.
    """

    kind: ClassVar = "speakers"
    version: ClassVar = "2"
    instant: ClassVar = True

    def identity(self) -> dict[str, Any]:
        # a person may add words or a language: an edited file never meets old answers
        return {**super().identity(), "words": content_hash(tables()), "weights": content_hash(_weights())}

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        article = item.article
        return {"title": article.title, "text": article.text, "language": article.language}

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        return [_answer(item.article) for item in items]


def _answer(article: Article) -> Answer:
    if article.language not in languages():
        known = ", ".join(languages())
        return Answer(
            path="cues",
            error=f"no finder for the language {article.language!r} (cues has verbs of saying for {known}): name the speakers in "
            "speakers.yaml beside the texts, add the language to harness/text/saying.yaml, or ask a model: speakers=smollm2",
        )
    return Answer(output=json.dumps(find_speakers(article), ensure_ascii=False), path="cues")


@cache
def _weights() -> dict[str, Any]:
    """speaker_weights.json: the models `names` and `nouns` of English, `any` of other languages, and the odds of words."""
    content: dict[str, Any] = json.loads(
        resources.files("harness.systems").joinpath("speaker_weights.json").read_text(encoding="utf-8")
    )
    return content


def score(candidate: Candidate, most_mentions: int, language: str) -> tuple[float, bool]:
    """How likely the article attributes words or a position to a candidate, in [0, 1] (logistic regression), and whether that
    is enough; `most_mentions` are those of the article's commonest candidate."""
    weights = _weights()
    values = features(candidate, most_mentions)
    model = weights["any"]
    if language == "en":
        model = weights["nouns" if candidate.common else "names"]
        values += word_features(candidate, weights["words"])
    weighed = sum(weight * value for weight, value in zip(model["weights"], values, strict=True))
    likely = 1 / (1 + math.exp(-model["intercept"] - weighed))
    return likely, likely >= weights["thresholds"]["en" if language == "en" else "any"]


def find_speakers(article: Article) -> list[dict[str, Any]]:
    """Speakers as {name, kind, aliases, quotes, places, score}, in order of appearance; an author who speaks comes last."""
    headed = list(dict.fromkeys(s.name for s in speeches(article.text) if s.name))
    if headed:
        return [speaker_row(article, name, "person", [], (), 1.0) for name in headed]
    rows = []
    gathered = candidates(article, frozenset(_weights()["nouns_anywhere"]))
    most_mentions = max((len(c.mentions) for c in gathered), default=1)
    for candidate in gathered:
        likely, enough = score(candidate, most_mentions, article.language)
        if enough:
            name = " ".join(candidate.words)
            kind = "group" if candidate.common else "person"
            forms = list(dict.fromkeys(m.form for m in candidate.mentions))
            rows.append(speaker_row(article, name, kind, forms, places_of(article, candidate), likely))
    writer = author(article)
    if writer is not None:
        name = writer.name or tables()[article.language]["author"]
        same = next((row for row in rows if name in (row["name"], *row["aliases"])), None)
        if same is None:
            rows.append(speaker_row(article, name, "person", [writer.pronoun], writer.places[:MOST_QUOTES], 1.0))
        else:
            same["aliases"].append(writer.pronoun)
    return rows


def speaker_row(
    article: Article, name: str, kind: str, forms: Sequence[str], places: Sequence[tuple[int, int]], likely: float
) -> dict[str, Any]:
    """What a finder says of one speaker: name, kind, other forms, quotes with their places, how likely it is one."""
    return {
        "name": name,
        "kind": kind,
        "aliases": [form for form in forms if form != name][:6],
        "quotes": [article.text[start:end] for start, end in places],
        "places": [list(place) for place in places],
        "score": round(likely, 3),
    }


SPEAKING = ("say_after", "say_before", "according", "relative", "of_whose", "calling", "act_after", "lean_after")
"""Cues by which a sentence is somebody's, those that most surely bring words first."""


def places_of(article: Article, candidate: Candidate) -> list[tuple[int, int]]:
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
                places += [(piece.start + start, piece.start + end) for start, end in quotations(piece.text)]
        if not any(sentence.start <= start < sentence.end for start, _ in places):
            places.append((sentence.start, sentence.end))
    # what a text repeats is one quotation
    by_words = {article.text[start:end]: (start, end) for start, end in reversed(places)}
    return [place for place in dict.fromkeys(places) if place in by_words.values()][:MOST_QUOTES]
