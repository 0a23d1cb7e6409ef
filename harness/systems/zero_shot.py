"""Zero-shot stance by natural language inference: which label's hypothesis does the article entail most?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from harness.models.nli import NliModel, PairLogits
from harness.models.windows import LongInput
from harness.systems.base import Context
from harness.systems.one_by_one import all_or_each
from harness.systems.prompts import fill, require_places
from harness.systems.weights import WeightedSystem, WeightOptions
from harness.types import STANCES, Answer, Dataset, Item, Stance


class ZeroShotOptions(WeightOptions):
    """How a label becomes a hypothesis, and what happens to articles beyond the model's window."""

    hypothesis: str
    verbalisations: Mapping[Stance, str]
    long_input: LongInput = "windows"
    overlap: Annotated[int, Field(ge=0)] = Field(default=64, description="tokens that neighbouring windows share")

    @field_validator("hypothesis")
    @classmethod
    def _has_places(cls, template: str) -> str:
        return require_places(template, {"verbalisation"}, {"speaker", "target", "verbalisation"})

    @field_validator("verbalisations")
    @classmethod
    def _some(cls, verbalisations: Mapping[Stance, str]) -> Mapping[Stance, str]:
        if len(verbalisations) < 2:
            raise ValueError("at least two labels need a verbalisation")
        return {s: verbalisations[s] for s in STANCES if s in verbalisations}


class ZeroShot(WeightedSystem):
    """Softmax over the labels' entailment logits, as transformers' zero-shot-classification pipeline does (Yin et al., 2019).

    Of several windows of the article the greatest logit counts; for `no_stance` the smallest, since an article is
    silent on something only if all of it is.
    """

    kind: ClassVar = "stance"
    Options: ClassVar = ZeroShotOptions

    def reads(self, item: Item, dataset: Dataset) -> dict[str, Any]:
        assert item.speaker is not None
        assert item.target is not None
        return {"text": item.article.text, "speaker": item.speaker.name, "target": item.target.proposition}

    def hypotheses(self, item: Item) -> list[str]:
        """One for each label that has a verbalisation."""
        assert item.speaker is not None
        assert item.target is not None
        speaker, target = item.speaker.name, item.target.proposition
        return [
            fill(self.options.hypothesis, speaker=speaker, target=target, verbalisation=text)
            for text in self.options.verbalisations.values()
        ]

    def answer(self, items: Sequence[Item], context: Context) -> list[Answer]:
        model = self.loaded(NliModel, context)
        options = self.options
        of_items = [self.hypotheses(item) for item in items]

        def logits(indices: Sequence[int]) -> list[PairLogits]:
            premises = [items[i].article.text for i in indices for _ in of_items[i]]
            hypotheses = [h for i in indices for h in of_items[i]]
            return model.logits(
                premises, hypotheses, options.long_input, overlap=options.overlap, budget=context.token_budget
            )

        labels = len(options.verbalisations)
        pairs_or_errors = all_or_each(lambda indices: _chunks(logits(indices), labels), range(len(items)))
        return [
            Answer(error=pairs) if isinstance(pairs, str) else self._answer(pairs, model.entailment_index)
            for pairs in pairs_or_errors
        ]

    def _answer(self, pairs: Sequence[PairLogits], entailment: int) -> Answer:
        pooled: dict[Stance, float] = {}
        for label, pair in zip(self.options.verbalisations, pairs, strict=True):
            column = pair.logits[:, entailment]
            pooled[label] = float(column.min() if label is Stance.NO_STANCE else column.max())
        greatest = max(pooled.values())
        total = math.fsum(math.exp(v - greatest) for v in pooled.values())
        scores = {label.value: math.exp(v - greatest) / total for label, v in pooled.items()}
        label = max(pooled, key=lambda s: pooled[s])
        windows = max(len(pair.logits) for pair in pairs)
        return Answer(
            label,
            label=label,
            scores=scores,
            tokens_in=sum(pair.tokens_in for pair in pairs),
            tokens_cut=max(pair.tokens_cut for pair in pairs),
            path="nli" if windows == 1 else f"nli, {windows} windows",
        )


def _chunks(pairs: Sequence[PairLogits], size: int) -> list[Sequence[PairLogits]]:
    return [pairs[i : i + size] for i in range(0, len(pairs), size)]
