"""What a reader must know about a metric before comparing two of its values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """`name` is the key under which scores are stored; `range` is closed, with `inf` where there is no bound.

    `higher_is_better` is None for a description (a length, say) that is neither good nor bad. `scripts` says what the
    tokenizer keeps; `signature` changes whenever values could.
    """

    name: str
    label: str
    higher_is_better: bool | None
    range: tuple[float, float]
    scripts: str
    source: str
    signature: str

    def __post_init__(self) -> None:
        low, high = self.range
        if not low < high:
            raise ValueError(f"{self.name}: the range {self.range} is empty")
        empty = [f for f in ("name", "label", "scripts", "source", "signature") if not getattr(self, f)]
        if empty:
            raise ValueError(f"metric {self.name!r} lacks {', '.join(empty)}")

    def in_range(self, value: float) -> bool:
        """Whether a value is possible; NaN never is. Rounding may pass a bound by 1e-9."""
        return self.range[0] - 1e-9 <= value <= self.range[1] + 1e-9
