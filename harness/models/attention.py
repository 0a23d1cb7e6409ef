"""Lets a plan decide who attends to whom, inside any transformers model that takes custom attention functions."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_CHUNK = 512
"""Queries at a time where a causal chain needs a mask."""
BACKEND = "stance_harness_plan"
"""Name under which the attention function is registered with transformers; it asks for no mask."""


class Unsupported(Exception):
    """The model's attention does something that plans cannot express; the caller takes the plain path."""


@dataclass(frozen=True, slots=True)
class Heads:
    """What one layer's attention is given: [batch, heads, new, dim] queries and the same tokens' keys and values.

    There may be fewer key and value heads than query heads (`groups` queries share one). `window` is how many tokens
    back a token sees, itself included; None means all of them.
    """

    layer: int
    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    scale: float | None = None
    window: int | None = None

    @property
    def groups(self) -> int:
        """Query heads per key head."""
        return self.query.shape[1] // self.key.shape[1]


class Plan(Protocol):
    """Attention over all layers of one forward pass."""

    def attend(self, heads: Heads) -> torch.Tensor:
        """One layer's output, [batch, new, heads, dim]."""
        ...


_plan: ContextVar[Plan | None] = ContextVar("plan", default=None)


def supports_plans(model: PreTrainedModel) -> bool:
    """Whether transformers lets this model's attention be replaced."""
    return bool(getattr(model, "_supports_attention_backend", False)) and bool(getattr(model, "_supports_sdpa", False))


@contextmanager
def planned(model: PreTrainedModel, plan: Plan) -> Iterator[None]:
    """Inside, forward passes of `model` ask `plan`; call it with `use_cache=False`, ids and positions only."""
    from transformers import AttentionInterface

    if not supports_plans(model):
        raise Unsupported(f"{type(model).__name__} takes no custom attention")
    AttentionInterface.register(BACKEND, _attention)
    config: Any = model.config
    before = config._attn_implementation
    token = _plan.set(plan)
    config._attn_implementation = BACKEND
    try:
        yield
    finally:
        config._attn_implementation = before
        _plan.reset(token)


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    scale: float | None,
    mask: torch.Tensor | None = None,
    causal: bool = False,
) -> torch.Tensor:
    """[batch, heads, new, dim] with fewer key/value heads where the model groups them → [batch, new, heads, dim].

    `mask` is additive, [batch, 1, groups x new, keys] where groups = heads / key heads (see `tile_mask`).
    """
    from torch.nn.functional import scaled_dot_product_attention

    batch, heads, new, _ = query.shape
    kv_heads = key.shape[1]
    if causal or heads == kv_heads:
        out = scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=causal, scale=scale, enable_gqa=heads != kv_heads
        )
        return out.transpose(1, 2)
    # The heads of a group read the same keys: as further queries of one head they read them once.
    groups = heads // kv_heads
    packed = query.reshape(batch, kv_heads, groups * new, query.shape[-1])
    out = scaled_dot_product_attention(packed, key, value, attn_mask=mask, scale=scale)
    return out.reshape(batch, heads, new, value.shape[-1]).transpose(1, 2)


def tile_mask(mask: torch.Tensor, groups: int) -> torch.Tensor:
    """[new, keys] → [1, 1, groups x new, keys], as `attend` wants it."""
    return mask.repeat(groups, 1)[None, None]


def masked(visible: NDArray[np.bool_], dtype: torch.dtype, device: str) -> torch.Tensor:
    """The additive mask, of the same shape, that hides what is not visible."""
    import torch

    return torch.zeros(visible.shape, dtype=dtype).masked_fill_(torch.from_numpy(~visible), -math.inf).to(device)


Masks = dict[Hashable, "torch.Tensor"]
"""Masks that all layers of a pass share, by what they hide."""


def causal(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    masks: Masks,
    *,
    scale: float | None,
    window: int | None = None,
) -> torch.Tensor:
    """Attention of a text's last tokens to all of it: [batch, heads, new, dim] queries, as many keys or more.

    A token sees itself and what is before it, `window` tokens in all if that is given → [batch, new, heads, dim].
    """
    import torch

    new, length = query.shape[2], key.shape[2]
    if new == length and (window is None or length <= window):
        return attend(query, key, value, scale=scale, causal=True)
    groups = query.shape[1] // key.shape[1]
    parts: list[torch.Tensor] = []
    for start in range(0, new, _CHUNK):
        stop = min(start + _CHUNK, new)
        first, last = start + length - new, stop + length - new
        low = 0 if window is None else max(0, first - window + 1)
        hidden = (first, low, last, window, groups)
        if hidden not in masks:
            back = np.arange(first, last)[:, None] - np.arange(low, last)[None, :]
            visible = (back >= 0) & (back < (length if window is None else window))
            masks[hidden] = tile_mask(masked(visible, query.dtype, str(query.device)), groups)
        seen, asking = slice(low, last), query[:, :, start:stop]
        parts.append(attend(asking, key[:, :, seen], value[:, :, seen], scale=scale, mask=masks[hidden]))
    return torch.cat(parts, dim=1)


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,  # noqa: ARG001
    scaling: float | None = None,
    dropout: float = 0.0,  # noqa: ARG001
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    plan = _plan.get()
    if plan is None:
        raise Unsupported("no plan is set")
    for name in ("softcap", "s_aux", "position_bias"):
        if kwargs.get(name) is not None:
            raise Unsupported(f"attention with {name}")
    if kwargs.get("is_causal", getattr(module, "is_causal", True)) is False:
        raise Unsupported("attention that is not causal")
    layer = int(getattr(module, "layer_idx", -1))
    if layer < 0:
        raise Unsupported("attention that does not know its layer")
    return plan.attend(Heads(layer, query, key, value, scaling, _window(module, layer, kwargs))), None


def _window(module: torch.nn.Module, layer: int, kwargs: dict[str, Any]) -> int | None:
    window = kwargs.get("sliding_window")
    kinds = getattr(getattr(module, "config", None), "layer_types", None)
    kind = kinds[layer] if kinds and layer < len(kinds) else "full_attention"
    if kind == "full_attention" or (kind == "sliding_attention" and window):
        return int(window) if window else None
    raise Unsupported(f"attention of type {kind}")
