"""What a report has read or computed so far, so that nothing is read twice; each `Runs` holds one."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Cache:
    """Values by a name that says what they are and a key that says of which system, run or metric."""

    def __init__(self) -> None:
        self._values: dict[str, dict[Hashable, Any]] = {}

    def once(self, name: str, make: Callable[[], T], key: Hashable = None, *, keep: int | None = None) -> T:
        """The value of that name and key; `make` is called where there is none yet.

        With `keep`, only so many values of the name stay: those used last. A value whose making failed is not kept.

        >>> cache = Cache()
        >>> [cache.once("length", lambda: len(word), key=word) for word in ("tank", "tank", "peace")]
        [4, 4, 5]
        """
        values = self._values.setdefault(name, {})
        value: T = values.pop(key) if key in values else make()
        values[key] = value
        if keep is not None and len(values) > keep:
            del values[next(iter(values))]
        return value
