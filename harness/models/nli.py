"""Natural-language-inference models: how strongly a text entails a hypothesis, over all windows of the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import ModelError, WindowExceeded
from harness.models.batching import by_length
from harness.models.loading import LoadedModel, load_pretrained, window_of
from harness.models.quiet import quiet_transformers
from harness.models.source import ModelSource
from harness.models.windows import LongInput

if TYPE_CHECKING:
    pass

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairLogits:
    """Logits of one (premise, hypothesis) pair, a row for each window of the premise and a column for each class."""

    logits: Array
    tokens_in: int
    tokens_cut: int


@dataclass
class NliModel(LoadedModel):
    """A model of natural language inference; `entailment_index` is the class that means entailment."""

    entailment_index: int

    @classmethod
    def load(cls, source: ModelSource, device: str = "auto", dtype: str = "auto") -> NliModel:
        """Loads `source`; ModelError if it has no trained classification head or no class called entailment."""
        loaded = load_pretrained(
            source, "AutoModelForSequenceClassification", "NLI model", device, dtype, complete=True
        )
        model, tokenizer, device, dtype = loaded
        labels = {str(label): int(index) for label, index in (model.config.label2id or {}).items()}
        entailing = [index for label, index in labels.items() if label.lower().startswith("entail")]
        if not entailing:
            raise ModelError(
                f"{source.ref} is no NLI model: its classes are {', '.join(sorted(labels, key=lambda name: labels[name]))}",
                hint="config.json must name one `entailment` in label2id",
            )
        return cls(source, model, tokenizer, device, dtype, window_of(model.config, tokenizer), entailing[0])

    def entailment(self, premises: Sequence[str], hypotheses: Sequence[str], budget: int = 16_384) -> Array:
        """Probability in [0, 1] that each premise entails the hypothesis beside it: the greatest over its windows."""
        pairs = self.logits(premises, hypotheses, "windows", budget=budget)
        return np.array([_softmax(pair.logits)[:, self.entailment_index].max() for pair in pairs])

    def logits(
        self,
        premises: Sequence[str],
        hypotheses: Sequence[str],
        policy: LongInput = "windows",
        *,
        overlap: int = 64,
        budget: int = 16_384,
    ) -> list[PairLogits]:
        """Logits of each pair; hypotheses are never cut.

        `windows` covers the premise in windows that share `overlap` tokens, `truncate_article` keeps the first one.
        WindowExceeded under `error`, or where a hypothesis leaves no room for its premise.
        """
        if len(premises) != len(hypotheses):
            raise ValueError(f"{len(premises)} premises, but {len(hypotheses)} hypotheses")
        if not premises:
            return []
        with quiet_transformers():
            encoded = self._encode(premises, hypotheses, overlap)
        of_pair: list[int] = encoded.pop("overflow_to_sample_mapping")
        windows: list[list[int]] = [[] for _ in premises]
        for row, pair in enumerate(of_pair):
            if not windows[pair] or policy != "truncate_article":
                windows[pair].append(row)
        cut = [0] * len(premises)
        for pair, (first, *more) in enumerate(windows):
            if policy == "error" and more:
                raise WindowExceeded(
                    f"premise and hypothesis have more tokens than the window of {self.source.ref}, {self.window}",
                    hint="long_input=truncate_article or long_input=windows",
                )
            if policy == "truncate_article":
                seen = sum(part == 0 for part in encoded.sequence_ids(first))
                cut[pair] = len(self.tokenizer(premises[pair], add_special_tokens=False).input_ids) - seen
        rows = [row for rows_of_pair in windows for row in rows_of_pair]
        names = [name for name in self.tokenizer.model_input_names if name in encoded]
        fields = [{name: encoded[name][row] for name in names} for row in rows]
        lengths = [len(f["input_ids"]) for f in fields]
        logits = dict(zip(rows, by_length(fields, lengths, self._forward, self.device, budget), strict=True))
        return [
            PairLogits(
                np.stack([logits[r] for r in rows_of_pair]),
                sum(len(encoded["input_ids"][r]) for r in rows_of_pair),
                lost,
            )
            for rows_of_pair, lost in zip(windows, cut, strict=True)
        ]

    def _encode(self, premises: Sequence[str], hypotheses: Sequence[str], overlap: int) -> Any:
        longest = max(len(ids) for ids in self.tokenizer(list(hypotheses), add_special_tokens=False).input_ids)
        room = self.window - longest - self.tokenizer.num_special_tokens_to_add(pair=True)
        if room < 1:
            raise WindowExceeded(
                f"a hypothesis of {longest} tokens leaves no room for its premise in the window of {self.source.ref}, "
                f"{self.window}"
            )
        return self.tokenizer(
            list(premises),
            list(hypotheses),
            truncation="only_first",
            max_length=self.window,
            stride=min(overlap, room // 2),
            return_overflowing_tokens=True,
        )

    def _forward(self, batch: Sequence[dict[str, list[int]]]) -> list[Array]:
        import torch

        fields = {name: [row[name] for row in batch] for name in batch[0]}
        inputs = self.tokenizer.pad(fields, padding_side="right", return_tensors="pt").to(self.device)
        model: Any = self.model
        with quiet_transformers(), torch.inference_mode():
            logits = model(**inputs).logits
        return list(logits.double().cpu().numpy())


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
