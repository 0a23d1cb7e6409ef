"""Encoder-decoder models (BART, PEGASUS, T5, LED): summaries by beam search that do not depend on the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.errors import ModelError
from harness.models.batching import by_length
from harness.models.loading import LoadedModel, load_pretrained, window_of
from harness.models.quiet import quiet_transformers
from harness.models.source import ModelSource
from harness.models.windows import Fitted, LongInput, fit_article, token_spans

if TYPE_CHECKING:
    pass

_TOKENS = (
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
    "decoder_start_token_id",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "bad_words_ids",
    "suppress_tokens",
    "begin_suppress_tokens",
)


@dataclass(frozen=True, slots=True)
class BeamSearch:
    """Settings of beam search as model cards give them; lengths are in decoder tokens, the start token included."""

    beams: int = 4
    max_length: int = 142
    min_length: int = 0
    length_penalty: float = 1.0
    no_repeat_ngram: int = 0
    early_stopping: bool = True


@dataclass(frozen=True, slots=True)
class Generated:
    """A generated text and how many tokens went in and came out; `error` is set where memory did not suffice."""

    text: str
    tokens_in: int
    tokens_out: int
    error: str | None = None


@dataclass
class Seq2SeqModel(LoadedModel):
    """An encoder-decoder model; its window is the encoder's."""

    @classmethod
    def load(cls, source: ModelSource, device: str = "auto", dtype: str = "auto") -> Seq2SeqModel:
        """Loads `source`; ModelError if it cannot be loaded as an encoder-decoder model."""
        loaded = load_pretrained(source, "AutoModelForSeq2SeqLM", "an encoder-decoder model", device, dtype)
        model, tokenizer, device, dtype = loaded
        model.generation_config = _tokens_only(model.generation_config)
        return cls(source, model, tokenizer, device, dtype, window_of(model.config, tokenizer))

    def room(self, wanted: int | None) -> int:
        """The window, or another one that is wanted; ModelError if the model has no positions for it.

        A model with relative positions (T5) takes inputs that are longer than those it was trained on.
        """
        relative = hasattr(self.model.config, "relative_attention_num_buckets")
        if wanted is not None and wanted > self.window and not relative:
            raise ModelError(f"window={wanted} is too long for {self.source.ref}: it has {self.window} positions")
        return wanted or self.window

    def fit(self, prefix: str, article: str, policy: LongInput, *, window: int | None = None) -> Fitted:
        """Pieces of `article` that fit the window after `prefix`; WindowExceeded under `error`."""
        with quiet_transformers():
            return fit_article(
                article,
                partial(token_spans, self.tokenizer),
                lambda piece: len(self.tokenizer(prefix + piece).input_ids),
                self.room(window),
                policy,
                self.source.ref,
            )

    def generate(self, texts: Sequence[str], decoding: BeamSearch, budget: int = 16_384) -> list[Generated]:
        """A text for each of `texts`, none of which is cut; batches of about `budget` tokens, encoder's and beams'."""

        def alone(ids: list[int]) -> Generated:
            return Generated("", len(ids), 0, f"out of memory on {self.device} for one input of {len(ids)} tokens")

        with quiet_transformers():
            encoded: list[list[int]] = self.tokenizer(list(texts)).input_ids if texts else []
            lengths = [len(ids) + decoding.beams * decoding.max_length for ids in encoded]
            return by_length(encoded, lengths, lambda b: self._generate(b, decoding), self.device, budget, alone)

    def _generate(self, batch: Sequence[list[int]], decoding: BeamSearch) -> list[Generated]:
        import torch

        inputs = self.tokenizer.pad({"input_ids": list(batch)}, padding_side="right", return_tensors="pt")
        # Token type ids and the like mean nothing to these models.
        fields = {"input_ids": inputs["input_ids"], "attention_mask": inputs["attention_mask"]}
        if self.model.config.model_type == "led":
            # Beltagy et al. (2020): for summaries the first token attends to everything
            fields["global_attention_mask"] = torch.zeros_like(fields["input_ids"])
            fields["global_attention_mask"][:, 0] = 1
        model: Any = self.model
        with torch.inference_mode():
            rows = model.generate(
                **{name: tensor.to(self.device) for name, tensor in fields.items()},
                num_beams=decoding.beams,
                do_sample=False,
                max_length=decoding.max_length,
                min_length=decoding.min_length,
                length_penalty=decoding.length_penalty,
                no_repeat_ngram_size=decoding.no_repeat_ngram,
                early_stopping=decoding.early_stopping,
            )
        t = self.tokenizer
        special = {t.pad_token_id, t.bos_token_id, t.eos_token_id, t.cls_token_id, t.sep_token_id}
        return [
            Generated(
                str(self.tokenizer.decode(row, skip_special_tokens=True)).strip(),
                len(ids),
                sum(token not in special for token in row),
            )
            for ids, row in zip(batch, rows.tolist(), strict=True)
        ]


def _tokens_only(config: Any) -> Any:
    """The model's start, end, forced and forbidden tokens; its other defaults would mix with the decoding asked for."""
    from transformers import GenerationConfig

    plain: Any = GenerationConfig
    return plain(**{name: value for name in _TOKENS if (value := getattr(config, name, None)) is not None})
