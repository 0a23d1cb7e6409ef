"""Judges that compare a summary with its references (BERTScore) or with its article (NLI consistency)."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import asdict
from typing import Annotated, Any, ClassVar

from pydantic import Field

from harness.errors import WindowExceeded
from harness.metrics import bertscore, nli_consistency
from harness.models.embedder import Embedder
from harness.models.nli import NliModel
from harness.results.store import content_hash
from harness.systems.base import Context
from harness.systems.weights import WeightedSystem, WeightOptions
from harness.types import Answer, Article, Dataset, Item

UNIT = 32
"""Summaries that are judged and stored together."""


class SummaryJudge(WeightedSystem):
    """A judge whose items carry a summary; `signature` identifies the values that come of its answers."""

    kind: ClassVar = "judge"
    version: ClassVar[str] = "2"

    @property
    @abstractmethod
    def signature(self) -> str:
        """Model, weights and settings, for the report."""

    @property
    def weights(self) -> str:
        """The model's hub commit, or the first 16 hex digits of the SHA-256 of its files."""
        kind, _, value = str(self.identity()["weights"]).partition(":")
        return f"{kind}:{value[:16] if kind == 'sha256' else value}"

    def asks(self, article: Article, summary: str) -> bool:
        """Whether there is anything to judge."""
        return True

    def plan(self, items: Sequence[Item]) -> list[list[Item]]:
        return [list(items[start : start + UNIT]) for start in range(0, len(items), UNIT)]


class BertScoreOptions(WeightOptions):
    """Which encoder, which of its layers (null: the last), and whether rare tokens weigh more."""

    layer: Annotated[int, Field(ge=0)] | None = None
    idf: bool = Field(default=False, description="weights tokens by their rarity in the dataset's references")


class BertScoreJudge(SummaryJudge):
    """BERTScore (Zhang et al., 2020) of a summary against every reference of its article."""

    Options: ClassVar = BertScoreOptions

    @property
    def signature(self) -> str:
        options = self.options
        return bertscore.signature(options.model, self.weights, options.layer, idf=options.idf)

    def asks(self, article: Article, summary: str) -> bool:
        return bool(summary.strip() and article.references)

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        read = {"summary": item.summary, "references": item.article.references}
        # weights by rarity come from the references of all articles, which the fingerprint stands for
        return {**read, "documents": dataset.fingerprint} if self.options.idf else read

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        model = self.loaded(Embedder, context)
        groups = [[item.summary or "", *item.article.references] for item in items]
        texts = list(dict.fromkeys(text for group in groups for text in group))
        vectors, cut = model.token_embeddings(texts, self.options.layer, context.token_budget)
        encoded = {
            text: bertscore.Encoded(tuple(tokens), rows, lost)
            for text, tokens, rows, lost in zip(texts, model.tokens(texts), vectors, cut, strict=True)
        }
        idf = None
        if self.options.idf:
            documents = [text for article in context.dataset for text in article.references]
            idf = bertscore.idf_weights(model.tokens(documents))
        unknown = unknown_ids(model.tokenizer)
        answers = []
        for summary, *others in groups:
            score = bertscore.bertscore(summary, others, lambda batch: [encoded[text] for text in batch], idf)
            tokens = sum(len(encoded[text].tokens) for text in (summary, *others))
            scores = {name: float(value) for name, value in asdict(score).items() if name != "n_cut"}
            scores["unknown"] = unknown_share(encoded[summary].tokens, unknown)
            for i, reference in enumerate(others):
                scores[f"unknown_{i}"] = unknown_share(encoded[reference].tokens, unknown)
            answers.append(Answer(scores=scores, tokens_in=tokens, tokens_cut=score.n_cut, path="bertscore"))
        return answers


class NliOptions(WeightOptions):
    """Which model of natural language inference."""


class NliJudge(SummaryJudge):
    """How strongly each sentence of the article entails each sentence of the summary, for SummaC-ZS (Laban et al., 2022)."""

    Options: ClassVar = NliOptions

    @property
    def signature(self) -> str:
        return nli_consistency.signature(self.options.model, self.weights)

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        # sentences, not texts: where another version cuts them differently, the model has to be asked again
        return {"pairs": content_hash(self._pairs(item))}

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        model = self.loaded(NliModel, context)
        unknown = unknown_ids(model.tokenizer)
        return [self._answer(model, item, unknown, context.token_budget) for item in items]

    def _answer(self, model: NliModel, item: Item, unknown: frozenset[int], budget: int) -> Answer:
        pairs = self._pairs(item)
        try:
            values = model.entailment([premise for premise, _ in pairs], [claim for _, claim in pairs], budget)
        except WindowExceeded as error:
            return Answer(error=str(error))
        texts = {"unknown": item.summary or "", "unknown_0": item.article.text}
        read = {name: model.tokenizer(text, add_special_tokens=False).input_ids for name, text in texts.items()}
        shares = {name: unknown_share(ids, unknown) for name, ids in read.items()}
        return Answer(json.dumps(values.tolist()), scores=shares, path="nli")

    def _pairs(self, item: Item) -> list[tuple[str, str]]:
        return nli_consistency.summac_pairs(item.summary or "", item.article.text, item.article.language)


def unknown_ids(tokenizer: Any) -> frozenset[int]:
    """Token ids that stand for what a tokenizer does not know; a SentencePiece model may call it otherwise than its config."""
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    return frozenset(vocabulary[t] for t in ("<unk>", "[UNK]", tokenizer.unk_token) if t in vocabulary)


def unknown_share(tokens: Sequence[Hashable], unknown: frozenset[int]) -> float:
    """Share in [0, 1] of the tokens that are unknown; 0 without tokens."""
    return sum(token in unknown for token in tokens) / len(tokens) if tokens else 0.0
