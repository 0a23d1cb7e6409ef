"""One proven number: what was published, what comes out here, whether the two agree; and the table of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.table import Table

Verdict = Literal["ok", "off", "shown", "not run"]


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table: what was published (or must hold), what comes out here, and whether it agrees.

    `ours` agrees when it is within `tolerance` of `published`, or within `bounds` where there are any; without either
    the row is only shown. `source` says where the published value stands. An `optional` check may be left out, for want
    of data or of a package that only comparing needs.
    """

    metric: str
    published: float | None
    ours: float | None
    tolerance: float | None
    source: str
    bounds: tuple[float, float] | None = None
    note: str | None = None
    optional: bool = False

    @property
    def verdict(self) -> Verdict:
        """`ok`, `off`, `shown` (nothing to compare with) or `not run` (`note` says why)."""
        if self.ours is None:
            return "not run"
        if self.bounds is not None:
            return "ok" if self.bounds[0] <= self.ours <= self.bounds[1] else "off"
        if self.published is None or self.tolerance is None:
            return "shown"
        return "ok" if abs(self.ours - self.published) <= self.tolerance else "off"

    @property
    def passed(self) -> bool:
        """Whether it holds, or was only to be shown; one that could not run fails unless it is optional."""
        return self.optional if self.verdict == "not run" else self.verdict != "off"


def checks_table(checks: Sequence[Check]) -> Table:
    """The table metric, published, ours, tolerance, source, verdict for a terminal."""
    from rich.table import Table

    table = Table("metric", "published", "ours", "within", "source", "verdict")
    for check in checks:
        verdict = check.verdict
        colour = {"ok": "green", "off": "bold red", "shown": "dim", "not run": "yellow"}[verdict]
        ends = check.bounds or (check.tolerance,)
        table.add_row(
            check.metric,
            _number(check.published),
            _number(check.ours),
            " to ".join(f"{end:g}" for end in ends if end is not None),
            check.source,
            f"[{colour}]{verdict}[/{colour}]"
            + (" (optional)" if verdict == "not run" and check.optional else "")
            + (f": {check.note}" if check.note else ""),
        )
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
