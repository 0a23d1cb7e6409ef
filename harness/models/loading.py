"""Loads weights and tokenizer of any architecture by its transformers auto class, and tells how long an input may be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ModelError
from harness.models.device import pick_device, pick_dtype, torch_dtype
from harness.models.quiet import quiet_transformers
from harness.models.source import ModelSource, weight_files

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

_UNBOUNDED = 1 << 20
"""Window of a model that names none."""
_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_PADDED_POSITIONS = ("roberta", "camembert", "longformer", "mpnet")
"""Families whose positions begin after the padding index: two of them are never used."""


@dataclass
class LoadedModel:
    """Weights and tokenizer of one model on one device; `window` is in tokens of its input."""

    source: ModelSource
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: str
    dtype: str
    window: int

    @property
    def memory(self) -> int:
        """Bytes that the weights take; tied ones count once."""
        return sum(p.numel() * p.element_size() for p in self.model.parameters())


def load_pretrained(
    source: ModelSource, auto_class: str, kind: str, device: str, dtype: str, *, complete: bool = False
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, str, str]:
    """(model in evaluation mode, tokenizer, device, dtype) of `source` by the auto class of that name.

    ModelError if it cannot be loaded as `kind`, or if `complete` is asked and the files lack weights (transformers
    would fill them in at random).
    """
    import transformers

    folder = source.folder()
    device = pick_device(device)
    dtype = pick_dtype(dtype, device)
    try:
        with quiet_transformers():
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
            cls: Any = getattr(transformers, auto_class)
            model, info = cls.from_pretrained(folder, dtype=torch_dtype(dtype), output_loading_info=True)
        model = model.to(device).eval().requires_grad_(False)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"cannot load {source.ref} as {kind}: {reason}") from error
    missing = sorted(info["missing_keys"])
    if complete and missing:
        raise ModelError(f"{source.ref} is no {kind}: it has no weights for {', '.join(missing[:4])}")
    return model, tokenizer, device, dtype


def weight_bytes(folder: Path, dtype: str) -> int:
    """Bytes that a folder's weights will take as `dtype`, whatever they are stored in; those that are not floats stay."""
    return sum(_as_dtype(f, _BYTES[dtype]) for f in weight_files(folder) if f.is_file())


def _as_dtype(file: Path, size: int) -> int:
    """Bytes of one file's weights in floats of `size` bytes."""
    if file.suffix != ".safetensors":
        # only torch reads these, whole: the config says what they are stored in
        config = json.loads((file.parent / "config.json").read_text(encoding="utf-8"))
        stored = str(config.get("dtype") or config.get("torch_dtype"))
        return file.stat().st_size * size // _BYTES.get(stored, 4)
    with file.open("rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    tensors = [t for name, t in header.items() if name != "__metadata__"]
    floats: int = sum(prod(t["shape"]) for t in tensors if "F" in t["dtype"])
    others: int = sum(t["data_offsets"][1] - t["data_offsets"][0] for t in tensors if "F" not in t["dtype"])
    return floats * size + others


def window_of(config: PretrainedConfig, tokenizer: PreTrainedTokenizerBase) -> int:
    """How many tokens an encoder's input may have, special ones included."""
    limits = [min(int(tokenizer.model_max_length), _UNBOUNDED)]
    for name in ("max_encoder_position_embeddings", "max_position_embeddings", "n_positions"):
        value = getattr(config, name, None)
        if isinstance(value, int) and value > 0:
            padded = any(family in config.model_type for family in _PADDED_POSITIONS)
            limits.append(value - 2 if padded else value)
            break
    return min(limits)
