"""What a system did in one run, summed over its answers, as the record holds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.results.records import SystemUse
from harness.runs.roles import KINDS
from harness.systems.base import System
from harness.systems.causal import ROLE_MARK
from harness.systems.endpoint_price import Price
from harness.types import Answer, Answered


def system_use(
    role: str, system: System, answered: Answered, recorded: SystemUse | None = None, remarks: Sequence[str] = ()
) -> SystemUse:
    """What a system did in this run, summed over its answers; what computing them took a record knows, if there is one."""
    answers = [p.answer for p in answered.predictions]
    refused = ["refused" in a.path.split("+") for a in answers]
    # one answer may serve several items; it was computed and paid for once
    paid = list({p.key: p.answer for p in answered.predictions}.values())
    price = getattr(system.options, "price", None)
    tokens_in, tokens_out = (sum(getattr(a, name) or 0 for a in paid) for name in ("tokens_in", "tokens_out"))
    # no question has 0 tokens: where a server's answer has, an older version took what was not counted for 0
    n_no_usage = sum(
        a.error is None and (a.tokens_in is None or a.tokens_out is None or (price is not None and not a.tokens_in))
        for a in answers
    )
    return SystemUse.model_validate(
        {
            "name": system.name,
            "kind": role,
            "fingerprint": system.fingerprint,
            "description": system.description,
            "identity": system.identity(),
            "n_items": len(answers),
            "n_computed": recorded.n_computed if recorded else answered.n_computed,
            "n_failed": sum(a.error is not None for a in answers),
            "first_error": next((a.error for a in answers if a.error is not None), None),
            "n_unparsed": sum(
                a.error is None and a.label is None and not r for a, r in zip(answers, refused, strict=True)
            )
            if KINDS[role] == "stance"
            else 0,
            "n_refused": sum(refused),
            "tokens_in": tokens_in,
            "tokens_out": tokens_out,
            "n_no_usage": n_no_usage,
            "tokens_cut": sum(a.tokens_cut for a in paid),
            "n_cut": sum(a.tokens_cut > 0 for a in answers),
            "seconds": sum(a.seconds for a in paid),
            "load_seconds": recorded.load_seconds if recorded else answered.load_seconds,
            "wall_seconds": recorded.wall_seconds if recorded else answered.wall_seconds,
            "peak_memory_bytes": recorded.peak_memory_bytes if recorded else answered.peak_memory_bytes,
            "cost": _cost(paid, price) if price is not None and tokens_in and not n_no_usage else None,
            "paths": answered.paths,
            "status": answered.unfitted or "ok",
            "ceiling": system.ceiling,
            "entered_gold": bool(getattr(system.options, "entered_gold", False)),
            "fitted": system.fitted,
            "remarks": recorded.remarks if recorded else [*remarks, *system.unheeded(answers)],
        }
    )


_SUMS = (
    "n_items", "n_computed", "n_failed", "n_unparsed", "n_refused", "tokens_in", "tokens_out", "n_no_usage", "tokens_cut",
    "n_cut", "seconds",
)  # fmt: skip


def together(first: SystemUse, second: SystemUse) -> SystemUse:
    """What a system did in two blocks of one run."""
    paths = Counter(first.paths) + Counter(second.paths)
    peaks = [use.peak_memory_bytes for use in (first, second) if use.peak_memory_bytes is not None]
    known = first.cost is not None and second.cost is not None
    return first.model_copy(
        update={
            **{name: getattr(first, name) + getattr(second, name) for name in _SUMS},
            "first_error": first.first_error or second.first_error,
            "paths": dict(sorted(paths.items())),
            "peak_memory_bytes": max(peaks, default=None),
            **{name: _sum(getattr(first, name), getattr(second, name)) for name in ("load_seconds", "wall_seconds")},
            "cost": (first.cost or 0) + (second.cost or 0) if known else None,
            "status": first.status if first.status != "ok" else second.status,
        }
    )


def _sum(first: float | None, second: float | None) -> float | None:
    return None if first is None and second is None else (first or 0) + (second or 0)


def strangers(use: SystemUse) -> str | None:
    """A note on a system that answered on as somebody else: a mark of its chat's roles stands in what it wrote."""
    n = sum(count for path, count in use.paths.items() if path.endswith(ROLE_MARK))
    if not n:
        return None
    return f"{use.name}: in {n} of {use.n_items} answers stands a mark of the chat's roles: the model went on as somebody else"


def refusals(use: SystemUse) -> str:
    """A note for the record and the report on a system that refused."""
    return f"{use.name} refused {use.n_refused} of {use.n_items} items"


def _cost(answers: Sequence[Answer], price: Price) -> float:
    """What the answers' tokens cost, those that were bought by a batch at its share of the price."""
    cost = 0.0
    for batch in (False, True):
        bought = [a for a in answers if a.path.endswith("batch") == batch]
        cost += price.of(sum(a.tokens_in or 0 for a in bought), sum(a.tokens_out or 0 for a in bought), batch=batch)
    return cost
