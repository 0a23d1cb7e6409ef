"""What the catalogue says of one metric: what a reader must know to compare two of its values, and where reports show it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args

Scope = Literal["", "escalation", "all"]
Scale = Literal["six_label", "five_point", "three_way", "three_way_stanced"]
Board = Literal["summariser", "stance", "speakers"]
JudgeRole = Literal["judge", "bertscore", "nli"]

SCOPES: tuple[Scope, ...] = get_args(Scope)
SCALES: tuple[Scale, ...] = get_args(Scale)
SCALE_WORDS: dict[Scale, str] = {
    "six_label": "six-label",
    "five_point": "five-point",
    "three_way": "three-way",
    "three_way_stanced": "three-way stanced",
}
SCOPE_WORDS: dict[Scope, str] = {"": "", "escalation": "on escalation", "all": "on all targets"}
BOARDS: dict[str, Board] = {
    "summary": "summariser",
    "preservation": "summariser",
    "stance": "stance",
    "speakers": "speakers",
}
"""The leaderboard of each family of metrics; the family is the first word of a key."""
LAST = 100
"""Order of a column that says none: after ours."""


@dataclass(frozen=True, slots=True)
class Column:
    """A place on the leaderboard of the metric's family.

    `heading` is short, empty for the label. Columns stand by `order`, from the left. A `primary` one is tested, ranked and
    part of the report's family; the first of these orders the board. `effect` is the difference for which a report says how many
    articles would show it. A `rare` one stands on the page after time and
    memory. `scope` and `scale` say which key of a metric that has several stands here.
    """

    heading: str = ""
    order: int = LAST
    scale: Scale | None = None
    scope: Scope = ""
    primary: bool = False
    effect: float | None = None
    rare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One entry of the catalogue; all that is known of a metric apart from how it is computed.

    `higher_is_better` is None for a description (a length, say) that is neither good nor bad. `range` is closed and that of
    one item's score, with `inf` where there is no bound. `scripts` says what the tokenizer keeps. `signature` changes
    whenever values could; it is empty where a run's options or its judge decide it, and where the scoring version alone
    does. `judge` is the role of the system that a run must have asked. A metric of stances, or of speakers, may be computed
    on several `scales`, each under a key of its own (`keyed`). `shows_signature`: others publish other values under this
    name, so that a report names the signature.
    """

    key: str
    label: str
    higher_is_better: bool | None
    range: tuple[float, float]
    source: str
    scripts: str = "every script"
    signature: str = ""
    digits: int = 3
    judge: JudgeRole | None = None
    scales: tuple[Scale, ...] = ()
    columns: tuple[Column, ...] = ()
    shows_signature: bool = False

    def __post_init__(self) -> None:
        """ValueError for an entry of which a report could make nothing."""
        low, high = self.range
        if not low < high:
            raise ValueError(f"{self.key}: the range {self.range} is empty")
        if empty := [name for name in ("key", "label", "scripts", "source") if not getattr(self, name)]:
            raise ValueError(f"metric {self.key!r} lacks {', '.join(empty)}")
        if self.family not in BOARDS or not re.fullmatch(r"[a-z]+(\.[a-z0-9_]+)+", self.key):
            raise ValueError(f"the key {self.key!r} is not of the form summary.my_metric or stance.my_metric")
        if not 0 <= self.digits <= 6:
            raise ValueError(f"{self.key}: {self.digits} digits cannot be shown, 0 to 6 can")
        if unknown := [scale for scale in self.scales if scale not in SCALES]:
            raise ValueError(f"{self.key}: no scale is called {unknown[0]!r}; there are {', '.join(SCALES)}")

    @property
    def family(self) -> str:
        """The first word of the key: `summary`, `preservation`, `stance` or `speakers`."""
        return self.key.partition(".")[0]

    @property
    def board(self) -> Board:
        """The leaderboard on which the metric's family stands."""
        return BOARDS[self.family]

    @property
    def name(self) -> str:
        """The key without the family."""
        return self.key.partition(".")[2]

    @property
    def direction(self) -> int:
        """1 if higher is better, -1 if lower is, 0 if neither."""
        return 0 if self.higher_is_better is None else 1 if self.higher_is_better else -1

    @property
    def span(self) -> float:
        """How wide the range of one item's score is; `inf` where there is no bound."""
        return self.range[1] - self.range[0]

    @property
    def column(self) -> Column | None:
        """Where the metric stands on its leaderboard; None if only table.csv and table.json have it."""
        return self.columns[0] if self.columns else None

    @property
    def heading(self) -> str:
        """What a column calls the metric."""
        return (self.column and self.column.heading) or self.label

    @property
    def primary(self) -> bool:
        """Whether systems are tested and ranked on it."""
        return self.column is not None and self.column.primary

    def in_range(self, value: float) -> bool:
        """Whether a value is possible; NaN never is. Rounding may pass a bound by 1e-9."""
        return math.isfinite(value) and self.range[0] - 1e-9 <= value <= self.range[1] + 1e-9

    def keyed(self) -> Iterator[Metric]:
        """The metric under each key by which records store it: `<key>[.<scale>]` and, of stances, each scope.

        `stance.kappa` with the scale `five_point` gives `stance.kappa.five_point`, `stance.escalation.kappa.five_point` and
        `stance.all.kappa.five_point`.
        """
        for scope in SCOPES if self.family == "stance" else SCOPES[:1]:
            for scale in self.scales or (None,):
                words = (SCALE_WORDS[scale] if scale and len(self.scales) > 1 else "", self.label, SCOPE_WORDS[scope])
                here = (c for c in self.columns if c.scope == scope and (c.scale or self._only_scale) == scale)
                yield replace(
                    self,
                    key=scoped(scope, f"{self.key}.{scale}" if scale else self.key),
                    label=" ".join(word for word in words if word),
                    scales=(scale,) if scale else (),
                    columns=tuple(here),
                )

    @property
    def _only_scale(self) -> Scale | None:
        return self.scales[0] if len(self.scales) == 1 else None


def scoped(scope: Scope, key: str) -> str:
    """`stance.<metric>.<scale>` in a scope: `stance.escalation.<metric>.<scale>`; '' leaves it as it is."""
    family, _, rest = key.partition(".")
    return ".".join(word for word in (family, scope, rest) if word)


def scope_of(key: str) -> tuple[Scope, str]:
    """The scope of a key, and the key without it: the reverse of `scoped`."""
    family, _, rest = key.partition(".")
    head, _, tail = rest.partition(".")
    for scope in SCOPES[1:]:
        if family == "stance" and head == scope:
            return scope, f"{family}.{tail}"
    return "", key
