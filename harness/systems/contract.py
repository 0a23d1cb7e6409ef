"""What an answer of a system must be, and how a breach of the contract is told: the problem, and what to change."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from harness.systems.base import Kind
from harness.types import Answer, Item, Stance

_T = TypeVar("_T")


class Broken(Exception):
    """A problem after which nothing more can be checked."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.problem, self.hint = problem, hint


def check_answer(kind: Kind, item: Item, answer: object) -> None:
    """Broken where it is no answer that a system of that kind may give; one with `error` set may hold anything."""
    if not isinstance(answer, Answer):
        raise Broken(
            f"the answer for {item.id} is {type(answer).__name__}, no Answer", "from harness.types import Answer"
        )
    if answer.error is not None:
        return
    if not isinstance(answer.output, str):
        raise Broken(f"`output` of {item.id} is {type(answer.output).__name__}, no text", "output is what reports show")
    if answer.label is not None and not isinstance(answer.label, Stance):
        raise Broken(
            f"`label` of {item.id} is {answer.label!r}, no Stance", "label=Stance(...), or None where it is not clear"
        )
    if kind == "stance":
        if unknown := sorted(set(map(str, answer.scores)) - set(Stance)):
            raise Broken(f"`scores` of {item.id} has {unknown[0]!r}, no stance", f"keys are {', '.join(Stance)}")
        if any(not math.isfinite(value) for value in answer.scores.values()):
            raise Broken(f"`scores` of {item.id} has a value that is no number", "probabilities or log-probabilities")
    if kind == "summariser" and (answer.label is not None or not answer.output.strip()):
        raise Broken(
            f"the summary of {item.id} is empty or has a label", "output is the summary; without one, set error"
        )
    if kind == "speakers":
        try:
            named = all(isinstance(row["name"], str) and row["name"] for row in json.loads(answer.output or "[]"))
        except (ValueError, KeyError, TypeError):
            named = False
        if not named:
            example = '[{"name": "Ann Oak", "aliases": []}]'
            raise Broken(f"`output` of {item.id} is no list of speakers", f"a JSON list such as {example}")


def check_some_answer(kind: Kind, answers: Sequence[Answer]) -> None:
    """Broken where no answer is of use."""
    if all(a.error is not None for a in answers):
        raise Broken(f"all answers are errors, such as: {answers[0].error}", "mend this first, then check again")
    if kind == "stance" and all(a.label is None for a in answers):
        raise Broken("no answer has a label: all would count as unparsed", "Answer(output, label=Stance.OPPOSE)")


def same(a: Answer, b: Answer) -> bool:
    """Whether two answers say the same; scores may differ in the fourth digit, as sums in another order do."""
    if (a.output, a.label, a.error, a.scores.keys()) != (b.output, b.label, b.error, b.scores.keys()):
        return False
    return all(math.isclose(a.scores[k], b.scores[k], rel_tol=1e-4, abs_tol=1e-4) for k in a.scores)


def words_of_answer(answer: Answer) -> str:
    """The answer in a few words."""
    if answer.error is not None:
        return f"error {answer.error[:60]!r}"
    scores = "".join(f", {k} {v:.3g}" for k, v in list(answer.scores.items())[:2])
    return f"{(answer.label or answer.output)[:60]!r}{scores}"


def calling(what: str, function: Callable[[], _T]) -> _T:
    """The function's value; whatever it raises is a problem in one line with the place in the system's file."""
    try:
        return function()
    except Broken:
        raise
    except Exception as error:
        trace, place = error.__traceback__, ""
        while trace is not None:
            if Path(__file__).parents[1] not in Path(trace.tb_frame.f_code.co_filename).parents:
                place = f" ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})"
            trace = trace.tb_next
        raise Broken(f"{what} raised {type(error).__name__}: {error}{place}", "mend what raises it") from None


def as_json(value: object, what: str) -> str:
    """In canonical form; Broken where it cannot be written."""
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise Broken(f"{what} cannot be written as JSON: {error}", "use text, numbers, lists and dicts") from None


def difference(a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    """The first key at which two unequal mappings differ, with both values."""
    key = next(k for k in {**a, **b} if a.get(k) != b.get(k))
    return f"{key} is {str(a.get(key))[:60]!r}, then {str(b.get(key))[:60]!r}"
