"""Summaries by encoder-decoder models that were trained to summarise: BART, PEGASUS, T5, LED."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from harness.errors import WindowExceeded
from harness.models.seq2seq import BeamSearch, Generated, Seq2SeqModel
from harness.models.windows import Fitted, LongInput
from harness.systems.base import Context
from harness.systems.weights import WeightedSystem, WeightOptions
from harness.types import Answer, Dataset, Item

_UNIT = 16
"""Articles that are computed and stored together."""


class Seq2SeqOptions(WeightOptions):
    """BeamSearch as the model's card recommends; lengths are in tokens, the start token included."""

    prefix: str = ""
    beams: Annotated[int, Field(ge=1, le=64)] = 4
    max_length: Annotated[int, Field(ge=2)] = 142
    min_length: Annotated[int, Field(ge=0)] = 0
    length_penalty: float = 1.0
    no_repeat_ngram: Annotated[int, Field(ge=0)] = 0
    early_stopping: bool = True
    long_input: LongInput = "truncate_article"
    window: Annotated[int, Field(ge=16)] | None = Field(
        default=None, description="tokens of input; null is the model's own window"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Seq2SeqOptions:
        if self.min_length >= self.max_length:
            raise ValueError("min_length < max_length must hold")
        return self

    @property
    def decoding(self) -> BeamSearch:
        """What the model needs of it."""
        return BeamSearch(
            beams=self.beams,
            max_length=self.max_length,
            min_length=self.min_length,
            length_penalty=self.length_penalty,
            no_repeat_ngram=self.no_repeat_ngram,
            # it means something between beams only
            early_stopping=self.early_stopping and self.beams > 1,
        )


class Seq2SeqSummariser(WeightedSystem):
    """Beam search over the article's text; a text longer than the window is refused, cut or summarised piece by piece."""

    kind: ClassVar = "summariser"
    Options: ClassVar = Seq2SeqOptions

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        return {"text": item.article.text}

    def plan(self, items: Sequence[Item]) -> list[list[Item]]:
        """Articles of similar length together, so that batches hold little padding."""
        ordered = sorted(items, key=lambda i: -len(i.article.text))
        return [ordered[i : i + _UNIT] for i in range(0, len(ordered), _UNIT)]

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        model = self.loaded(Seq2SeqModel, context)
        options = self.options
        fitted = [self._fit(model, item.article.text) for item in items]
        pieces = [p for f in fitted if isinstance(f, Fitted) for p in f.pieces]
        texts = [options.prefix + piece for piece in pieces]
        generated = iter(model.generate(texts, options.decoding, context.token_budget))
        return [
            self._answer([next(generated) for _ in f.pieces], f) if isinstance(f, Fitted) else Answer(error=f)
            for f in fitted
        ]

    def _fit(self, model: Seq2SeqModel, text: str) -> Fitted | str:
        options = self.options
        try:
            return model.fit(options.prefix, text, options.long_input, window=options.window)
        except WindowExceeded as error:
            return str(error)

    def _answer(self, parts: Sequence[Generated], fitted: Fitted) -> Answer:
        errors = [p.error for p in parts if p.error]
        if errors:
            return Answer(error=errors[0])
        return Answer(
            " ".join(p.text for p in parts if p.text),
            tokens_in=sum(p.tokens_in for p in parts),
            tokens_out=sum(p.tokens_out for p in parts),
            tokens_cut=fitted.tokens_cut,
            path="beam search" if len(parts) == 1 else f"beam search, {len(parts)} windows",
        )
