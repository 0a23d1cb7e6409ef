"""Forward passes of Llama-like models on a processor in few operations: packed weights, norms and rotations folded into them."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

from harness.models.attention import Heads, Plan
from harness.models.device import free_memory

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

FAMILIES = ("Llama", "Mistral", "Qwen2", "Qwen3", "Gemma3")
"""Architectures (`<family>ForCausalLM`) whose layers are the ones that `Decoder` computes."""
_SHARE = 0.3
"""Packed weights are a second copy: they may take this share of the free memory."""
_ACTIVATIONS = {"SiLUActivation": ("swish", ""), "GELUTanh": ("gelu", "tanh"), "PytorchGELUTanh": ("gelu", "tanh")}
"""oneDNN's names, and those of their algorithms, by the class of transformers."""


class Packed:
    """A linear layer in oneDNN's layout; a row's result is the same whatever other rows stand beside it."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None = None) -> None:
        import torch

        operations: Any = torch.ops.mkldnn
        self.weight = operations._reorder_linear_weight(weight.contiguous())
        self.bias = bias
        self._product, self._joined = operations._linear_pointwise, operations._linear_pointwise.binary

    def __call__(self, x: torch.Tensor, activation: tuple[str, str] = ("none", "")) -> torch.Tensor:
        """[rows, in] → [rows, out], with the activation applied."""
        name, algorithm = activation
        out: torch.Tensor = self._product(x, self.weight, self.bias, name, [], algorithm)
        return out

    def plus(self, x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """The product and `other`, added."""
        out: torch.Tensor = self._joined(x, other, self.weight, self.bias, "add")
        return out

    def times(self, x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """The product and `other`, multiplied element by element."""
        out: torch.Tensor = self._joined(x, other, self.weight, self.bias, "mul")
        return out


@dataclass(slots=True)
class _Layer:
    """One layer: gains of the norms before its products are in the weights, those of norms after them are not.

    Rows of queries and keys are reordered so that the two numbers that a rotation mixes lie side by side.
    """

    eps: float
    inputs: Packed
    output: Packed
    gate: Packed
    up: Packed
    down: Packed
    kind: str | None
    window: int | None
    scale: float
    head_gains: torch.Tensor | None
    after_attention: torch.Tensor | None
    after_mlp: torch.Tensor | None


class Decoder:
    """A model's layers and output, in float32; use `decoder_of`, which says whether there can be one."""

    def __init__(self, model: PreTrainedModel) -> None:
        parts: Any = model
        self._base = parts.model
        config: Any = self._base.config
        first = self._base.layers[0].self_attn
        self.dim = int(first.head_dim)
        self.heads = first.q_proj.out_features // self.dim
        self.shared = first.k_proj.out_features // self.dim
        self.activation = _ACTIVATIONS[type(self._base.layers[0].mlp.act_fn).__name__]
        kinds = getattr(config, "layer_types", None) or [None] * len(self._base.layers)
        # only a model with rotations of two kinds asks for the kind
        self._by_kind = "layer_type" in signature(self._base.rotary_emb.forward).parameters
        self.layers = [self._layer(layer, kind) for layer, kind in zip(self._base.layers, kinds, strict=True)]
        self._eps = _eps(self._base.norm)
        self.vocabulary = int(parts.lm_head.out_features)
        self._output = _packed(_gain(self._base.norm), parts.lm_head)

    @property
    def memory(self) -> int:
        """Bytes of the packed weights."""
        packed = [p for y in self.layers for p in (y.inputs, y.output, y.gate, y.up, y.down)]
        return sum(p.weight.nbytes for p in (*packed, self._output))

    def _layer(self, layer: Any, kind: str | None) -> _Layer:
        import torch

        attention, mlp = layer.self_attn, layer.mlp
        sandwich = hasattr(layer, "pre_feedforward_layernorm")
        before_mlp = layer.pre_feedforward_layernorm if sandwich else layer.post_attention_layernorm
        projections = (attention.q_proj, attention.k_proj, attention.v_proj)
        weights = [p.weight for p in projections]
        biases = [p.bias for p in projections]
        for n in (0, 1):
            weights[n] = self._side_by_side(weights[n])
            biases[n] = None if biases[n] is None else self._side_by_side(biases[n][:, None])[:, 0]
        gains = None
        if hasattr(attention, "q_norm"):
            each = [self._side_by_side(_gain(m)[:, None])[:, 0] for m in (attention.q_norm, attention.k_norm)]
            gains = torch.cat([each[0].expand(self.heads, -1), each[1].expand(self.shared, -1)])
        before = _gain(layer.input_layernorm)
        window = getattr(attention, "sliding_window", None) or getattr(attention.config, "sliding_window", None)
        slides = kind == "sliding_attention" or (kind is None and "Mistral" in type(layer).__name__)
        mlp_gain = _gain(before_mlp)
        return _Layer(
            eps=_eps(layer.input_layernorm),
            inputs=Packed(torch.cat(weights) * before, None if biases[0] is None else torch.cat(biases)),
            output=Packed(attention.o_proj.weight, attention.o_proj.bias),
            gate=_packed(mlp_gain, mlp.gate_proj),
            up=_packed(mlp_gain, mlp.up_proj),
            down=Packed(mlp.down_proj.weight, mlp.down_proj.bias),
            kind=kind,
            window=int(window) if slides and window else None,
            scale=float(attention.scaling),
            head_gains=gains,
            after_attention=_gain(layer.post_attention_layernorm) if sandwich else None,
            after_mlp=_gain(layer.post_feedforward_layernorm) if sandwich else None,
        )

    def _side_by_side(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows of heads whose halves are rotated together, as pairs."""
        return rows.reshape(-1, 2, self.dim // 2, rows.shape[1]).transpose(1, 2).reshape(rows.shape)

    def logits(
        self, plan: Plan, ids: torch.Tensor, positions: torch.Tensor, keep: torch.Tensor | None = None
    ) -> torch.Tensor:
        """[batch, n] ids at these positions, attention by `plan` → [batch, n or len(keep), vocabulary]."""
        import torch

        batch, n = ids.shape
        x: torch.Tensor = self._base.embed_tokens(ids)
        rotations = {kind: self._rotation(x, positions, kind) for kind in {layer.kind for layer in self.layers}}
        x = x.reshape(batch * n, -1)
        # One row alone would go to a kernel that sums in another order.
        alone = len(x) == 1
        x = x.expand(2, -1).contiguous() if alone else x
        last = len(self.layers) - 1
        for number, layer in enumerate(self.layers):
            mixed = layer.inputs(_normed(x, layer.eps))
            heads = self._heads(number, layer, mixed[: batch * n], rotations[layer.kind], batch)
            seen = plan.attend(heads).reshape(batch * n, -1)
            if number == last and keep is not None:
                # what comes after the last attention is wanted of these tokens alone
                places = (torch.arange(batch)[:, None] * n + keep).flatten()
                n, alone = len(keep), len(places) == 1
                seen, x = seen[places], x[places]
            if alone:
                seen, x = (t[:1].expand(2, -1).contiguous() for t in (seen, x))
            x = _added(x, layer.output, seen, layer.after_attention, layer.eps)
            h = _normed(x, layer.eps)
            h = layer.up.times(h, layer.gate(h, self.activation))
            x = _added(x, layer.down, h, layer.after_mlp, layer.eps)
        out = self._output(_normed(x, self._eps))
        return (out[:1] if alone else out).reshape(batch, n, self.vocabulary)

    def _rotation(self, x: torch.Tensor, positions: torch.Tensor, kind: str | None) -> torch.Tensor:
        """Complex numbers [batch x n, 1, dim / 2] that turn a head's pairs, by the model's own rotary embedding."""
        import torch

        cos, sin = self._base.rotary_emb(x, positions, *([kind] if self._by_kind else []))
        half = self.dim // 2
        turned = torch.complex(cos[..., :half].float(), sin[..., :half].float())
        return turned.expand(x.shape[0], -1, -1).reshape(-1, 1, half)

    def _heads(self, number: int, layer: _Layer, mixed: torch.Tensor, rotation: torch.Tensor, batch: int) -> Heads:
        import torch

        turned = self.heads + self.shared
        both = mixed[:, : turned * self.dim].view(len(mixed), turned, self.dim)
        if layer.head_gains is not None:
            both = _normed(both, layer.eps).mul_(layer.head_gains)
        pairs = torch.view_as_complex(both.view(len(mixed), turned, self.dim // 2, 2))
        pairs.mul_(rotation)
        value = mixed[:, turned * self.dim :].view(batch, -1, self.shared, self.dim)
        both = both.view(batch, -1, turned, self.dim).transpose(1, 2)
        query, key = both[:, : self.heads], both[:, self.heads :]
        return Heads(number, query, key, value.transpose(1, 2), layer.scale, layer.window)


def decoder_of(model: PreTrainedModel) -> Decoder | None:
    """The model's decoder; None off the processor, for other architectures and dtypes, and where memory is short."""
    import torch

    if type(model).__name__ not in {f"{family}ForCausalLM" for family in FAMILIES}:
        return None
    parts: Any = model
    weights = [*parts.model.layers.parameters(), parts.lm_head.weight]
    library: Any = torch.backends.mkldnn
    if not all(w.device.type == "cpu" and w.dtype == torch.float32 for w in weights) or not library.is_available():
        return None
    if sum(w.nbytes for w in weights) > _SHARE * free_memory():
        return None
    try:
        with torch.inference_mode():
            return Decoder(model)
    except (AttributeError, KeyError, RuntimeError):
        return None


def _added(x: torch.Tensor, linear: Packed, h: torch.Tensor, gain: torch.Tensor | None, eps: float) -> torch.Tensor:
    """`x` and the layer's product of `h`, which is normed first where there is a gain for it."""
    return linear.plus(h, x) if gain is None else x + _normed(linear(h), eps).mul_(gain)


def _normed(x: torch.Tensor, eps: float) -> torch.Tensor:
    """Rows divided by their root mean square."""
    import torch

    norm: torch.Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return x * norm.square_().mul_(1 / x.shape[-1]).add_(eps).rsqrt_()


def _eps(norm: Any) -> float:
    return float(norm.variance_epsilon if hasattr(norm, "variance_epsilon") else norm.eps)


def _gain(norm: Any) -> torch.Tensor:
    """What a norm multiplies each column with: its weight, or one more in some families."""
    gain: torch.Tensor = norm.weight.detach().float()
    return gain + 1 if "Gemma" in type(norm).__name__ else gain


def _packed(gain: torch.Tensor, linear: Any) -> Packed:
    return Packed(linear.weight * gain, linear.bias)
