"""Weights packed once for the few-row matrix products of decoding, where a processor would repack them at every step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.models.device import free_memory

if TYPE_CHECKING:
    import torch

Packed = dict[str, "torch.Tensor"]

_MOST_ROWS = 64
"""With more rows the library's ordinary product is as fast."""
_SHARE = 0.3
"""Packed weights are a second copy: they may take this share of the free memory."""


def pack_linears(model: torch.nn.Module) -> Packed:
    """oneDNN's layout of every float32 linear layer by module name; empty off the processor or where memory is short."""
    import torch

    linears = {n: m for n, m in model.named_modules() if type(m) is torch.nn.Linear}
    weights = [m.weight for m in linears.values()]
    if not all(w.device.type == "cpu" and w.dtype == torch.float32 for w in weights):
        return {}
    library: Any = torch.backends.mkldnn
    if not library.is_available() or sum(w.nbytes for w in weights) > _SHARE * free_memory():
        return {}
    operations: Any = torch.ops.mkldnn
    try:
        with torch.inference_mode():
            return {n: operations._reorder_linear_weight(m.weight.detach().clone()) for n, m in linears.items()}
    except (AttributeError, RuntimeError):
        return {}


@contextmanager
def packed_linears(model: torch.nn.Module, packed: Packed) -> Iterator[None]:
    """Inside, linear layers with few input rows use the packed weights.

    The packed product gives a row the same bits whatever other rows stand beside it, which the ordinary one does not.
    """
    modules: dict[str, Any] = {n: model.get_submodule(n) for n in packed}
    for name, module in modules.items():
        module.forward = _forward(module, packed[name])
    try:
        yield
    finally:
        for module in modules.values():
            del module.forward


def _forward(module: Any, packed: torch.Tensor) -> Any:
    import torch

    product: Any = torch.ops.mkldnn._linear_pointwise
    linear, cat = torch.nn.functional.linear, torch.cat
    weight, bias, columns = module.weight, module.bias, module.in_features

    def forward(x: torch.Tensor) -> torch.Tensor:
        rows = x.numel() // columns
        if rows > _MOST_ROWS:
            return linear(x, weight, bias)
        flat = x.reshape(rows, columns)
        if rows == 1:
            # One row alone would go to a kernel that sums in another order.
            flat = cat([flat, flat])
        out: torch.Tensor = product(flat, packed, bias, "none", [], "")
        return out[:rows].view(*x.shape[:-1], -1)

    return forward
