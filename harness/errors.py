"""Every error that the harness raises on purpose.

HarnessError                 something a user can act on; shown without a traceback, exit code 1
├── ConfigError              a config or override says something impossible
│   └── UnknownSystem        no system, metric or dataset of that name; the nearest is suggested
├── DataError                a dataset file is wrong: names file, line, field and what would be right
│   └── ValidationFailed     many DataErrors at once
├── ModelError               weights cannot be found or loaded
│   └── WindowExceeded       an input is longer than the model's window
├── SystemFailed             a system could not answer an item
│   └── Unfitted             a fitted system has fewer than two events to learn from
├── MetricRefused            a metric cannot handle the input (a script its tokenizer drops, say)
├── StoreError               a file in the results folder is torn or of an unknown version
├── EndpointError            a server did not answer
└── BudgetSpent              what requests may cost together is spent
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class HarnessError(Exception):
    """Base of all; `hint` is the next step for the user."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  → {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # errors travel between processes, whatever their constructors take
        return _travelled, (type(self), self.args, vars(self))


def _travelled(kind: type[HarnessError], args: tuple[object, ...], fields: dict[str, object]) -> HarnessError:
    error = kind.__new__(kind, *args)
    vars(error).update(fields)
    return error


class ConfigError(HarnessError):
    """A config or an override says something impossible."""


class UnknownSystem(ConfigError):
    """Nothing is registered under that name."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        super().__init__(
            f"there is no {kind} called {name!r}",
            hint=nearest_hint(name, known) + f"known: {', '.join(known)}",
        )


@dataclass(frozen=True)
class Place:
    """Where in a dataset something stands; `line` counts from 1."""

    file: str
    line: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        line = "" if self.line is None else f":{self.line}"
        return f"{self.file}{line}" + (f": {self.field}" if self.field else "")


class DataError(HarnessError):
    """A dataset file is wrong."""

    def __init__(self, place: Place, message: str, *, hint: str | None = None) -> None:
        super().__init__(f"{place}: {message}", hint=hint)
        self.place = place


class ValidationFailed(DataError):
    """Several things are wrong; `errors` has them all."""

    def __init__(self, errors: Sequence[DataError]) -> None:
        HarnessError.__init__(self, "\n".join(str(e) for e in errors))
        self.errors = tuple(errors)
        self.place = errors[0].place


class ModelError(HarnessError):
    """Weights cannot be found or loaded."""


class WindowExceeded(ModelError):
    """An input is longer than the model's window and `long_input` is `error`."""


class SystemFailed(HarnessError):
    """A system could not answer."""


class Unfitted(SystemFailed):
    """A fitted system has fewer than two events to learn from."""


class MetricRefused(HarnessError):
    """A metric cannot handle the input; it is left unscored rather than scored wrongly."""


class StoreError(HarnessError):
    """A file in the results folder is torn or of an unknown version."""


class EndpointError(HarnessError):
    """A server did not answer."""


class BudgetSpent(HarnessError):
    """The requests of a run have cost what they may cost; what is answered is stored."""


def nearest_hint(name: str, known: Sequence[str]) -> str:
    """`did you mean 'x'? ` for the nearest known name, or an empty string."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}? " if close else ""
