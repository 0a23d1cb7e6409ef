"""Summarisers that copy sentences: the lead, LexRank, and the greedy upper bound that sees the reference summaries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from harness.systems.base import AT_ONCE, Context, Options, System
from harness.text.body import body_sentences
from harness.text.marks import plain_text
from harness.text.scripts import TokenizerName
from harness.text.sentences import Sentence
from harness.types import Answer, Article, Dataset, Item


class SentenceCount(Options):
    """How many sentences a summary has."""

    sentences: Annotated[int, Field(ge=1, le=50)] = 3


class Extractive(System):
    """Chooses sentences of the running text; repeated headlines are never among them."""

    kind: ClassVar = "summariser"
    Options: ClassVar = SentenceCount

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        return {"title": item.article.title, "text": item.article.text, "language": item.article.language}

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        return [Answer(output=self._summary(item.article), path=self.path(item.article)) for item in items]

    def path(self, article: Article) -> str:
        """How the answer is computed."""
        return self.name

    def _summary(self, article: Article) -> str:
        sentences = body_sentences(article)
        chosen = self.choose(article, sentences, self.options.sentences) if sentences else []
        return " ".join(sentences[i].text for i in sorted(chosen))

    def choose(self, article: Article, sentences: Sequence[Sentence], count: int) -> list[int]:
        """Indices of at most `count` sentences."""
        raise AssertionError("an extractive summariser chooses")


class Lead(Extractive):
    """The first sentences: hard to beat on news."""

    unit_size: ClassVar = AT_ONCE

    def choose(self, article: Article, sentences: Sequence[Sentence], count: int) -> list[int]:
        return list(range(min(count, len(sentences))))


class LexRank(Extractive):
    """Sentences that are central in the similarity graph (Erkan and Radev, 2004), by the library `sumy`; each of them once.

    Where no two sentences share a word that tells them apart, none is central, and the first are taken.
    """

    version: ClassVar = "2"

    def choose(self, article: Article, sentences: Sequence[Sentence], count: int) -> list[int]:
        import numpy as np
        from sumy.models.dom import ObjectDocumentModel, Paragraph
        from sumy.models.dom import Sentence as SumySentence
        from sumy.nlp.stemmers import Stemmer
        from sumy.summarizers.lex_rank import LexRankSummarizer

        first_place = {plain_text(s.text): n for n, s in reversed(list(enumerate(sentences)))}
        places = sorted(first_place.values())
        # sumy's own tokenizer wants data that must be downloaded: it is given sentences and words that are split already
        split = [SumySentence(plain_text(sentences[n].text), _Words()) for n in places]
        summarizer = LexRankSummarizer(Stemmer("english") if article.language == "en" else _same)
        try:
            with np.errstate(invalid="raise"):
                ranked = summarizer(ObjectDocumentModel([Paragraph(split)]), count)
        except FloatingPointError:
            # its scores are divided by the length of a vector of zeros
            return places[:count]
        place_of = {id(s): n for s, n in zip(split, places, strict=True)}
        return [place_of[id(s)] for s in ranked]


class OracleExtract(Extractive):
    """Greedy choice for ROUGE-1 + ROUGE-2 against the references (Nallapati et al., 2017): an upper bound, no system.

    References of which google's tokenizer drops the script are compared by unicode words; the answer's path says so.
    """

    ceiling: ClassVar = True

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        return {**super().reads(item, dataset), "references": [s.text for s in item.article.summaries]}

    def path(self, article: Article) -> str:
        return self.name if _tokenizer(article) == "google" else f"{self.name}, unicode words"

    def choose(self, article: Article, sentences: Sequence[Sentence], count: int) -> list[int]:
        from harness.metrics.rouge import rouge

        references, tokenizer = [s.text for s in article.summaries], _tokenizer(article)
        chosen: list[int] = []
        best = 0.0
        while references and len(chosen) < count:
            trials = []
            for i in set(range(len(sentences))) - set(chosen):
                text = "\n".join(sentences[j].text for j in sorted([*chosen, i]))
                scores = rouge(text, references, variants=("rouge1", "rouge2"), tokenizer=tokenizer)
                trials.append((sum(s.fmeasure for s in scores.values()), -i))
            gain, minus_i = max(trials, default=(0.0, 0))
            if gain <= best:
                break
            best = gain
            chosen.append(-minus_i)
        return chosen


def _tokenizer(article: Article) -> TokenizerName:
    """The tokenizer that keeps the script of every reference: google's if it does."""
    from harness.text.scripts import dropped_by_google

    return "unicode" if any(dropped_by_google(s.text) for s in article.summaries) else "google"


class _Words:
    """What sumy asks of a tokenizer."""

    def to_words(self, sentence: str) -> list[str]:
        import re

        return re.findall(r"\w+", sentence.lower())


def _same(word: str) -> str:
    return word
