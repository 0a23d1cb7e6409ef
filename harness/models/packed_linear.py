"""Weights packed once for all matrix products, where a processor would repack them at every one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.models.device import free_memory

if TYPE_CHECKING:
    import torch

Packed = dict[tuple[str, ...], "torch.Tensor"]
"""Weights in oneDNN's layout by the names of the linear layers that they are of, one below the other."""

_SHARE = 0.3
"""Packed weights are a second copy: they may take this share of the free memory."""
_SIBLINGS = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
"""Layers of one block that are given the same input: one product serves them all."""


def pack_linears(model: torch.nn.Module) -> Packed:
    """Every float32 linear layer packed; empty off the processor or where memory is short."""
    import torch

    linears: dict[str, Any] = {n: m for n, m in model.named_modules() if type(m) is torch.nn.Linear}
    weights = [m.weight for m in linears.values()]
    if not all(w.device.type == "cpu" and w.dtype == torch.float32 for w in weights):
        return {}
    library: Any = torch.backends.mkldnn
    if not library.is_available() or sum(w.nbytes for w in weights) > _SHARE * free_memory():
        return {}
    operations: Any = torch.ops.mkldnn
    try:
        with torch.inference_mode():
            return {
                names: operations._reorder_linear_weight(torch.cat([linears[n].weight.detach() for n in names]))
                for names in _together(linears)
            }
    except (AttributeError, RuntimeError):
        return {}


def _together(linears: dict[str, Any]) -> list[tuple[str, ...]]:
    """The names, those of siblings in one tuple."""
    groups: dict[tuple[str, ...], None] = {}
    for name in linears:
        parent, _, child = name.rpartition(".")
        family = next((f for f in _SIBLINGS if child in f), (child,))
        names = tuple(f"{parent}.{n}" if parent else n for n in family)
        whole = all(n in linears and linears[n].in_features == linears[name].in_features for n in names)
        groups[names if whole else (name,)] = None
    return list(groups)


@contextmanager
def packed_linears(model: torch.nn.Module, packed: Packed) -> Iterator[None]:
    """Inside, linear layers use the packed weights.

    The packed product gives a row the same bits whatever other rows stand beside it, which the ordinary one does not.
    """
    changed: list[Any] = []
    for names, weight in packed.items():
        modules: list[Any] = [model.get_submodule(n) for n in names]
        for module, forward in zip(modules, _forwards(modules, weight), strict=True):
            module.forward = forward
            changed.append(module)
    try:
        yield
    finally:
        for module in changed:
            del module.forward


def _forwards(modules: Sequence[Any], packed: torch.Tensor) -> list[Callable[[torch.Tensor], torch.Tensor]]:
    """The forward of each of the layers whose packed weights are given."""
    import torch

    product: Any = torch.ops.mkldnn._linear_pointwise
    cat = torch.cat
    columns, sizes = modules[0].in_features, [m.out_features for m in modules]
    biases = [m.weight.new_zeros(m.out_features) if m.bias is None else m.bias for m in modules]
    bias = cat(biases) if any(m.bias is not None for m in modules) else None
    last: dict[str, Any] = {"input": None}

    def together(x: torch.Tensor, rows: int) -> Sequence[torch.Tensor]:
        flat = x.reshape(rows, columns)
        if rows == 1:
            # One row alone would go to a kernel that sums in another order.
            flat = cat([flat, flat])
        out: torch.Tensor = product(flat, packed, bias, "none", [], "")
        parts: Sequence[torch.Tensor] = torch.functional.split(out[:rows].view(*x.shape[:-1], -1), sizes, -1)
        return parts

    def forward(x: torch.Tensor, n: int) -> torch.Tensor:
        rows = x.numel() // columns
        if last["input"] is not x:
            last.update(input=x, parts=together(x, rows))
        part: torch.Tensor = last["parts"][n]
        if n == len(modules) - 1:
            last.update(input=None, parts=())
        return part

    return [partial(forward, n=n) for n in range(len(modules))]
