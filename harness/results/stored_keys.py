"""Which part of a system's folder holds which keys, in a few bytes a key: a run in blocks reads the parts that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.results.stored_columns import TornPart, part_columns, parts_of


class StoredKeys:
    """Hashes of all stored keys, sorted, beside the number of the part; added parts are merged in tiers of growing size.

    Two keys of one hash only cost the reading of a part that is not needed.
    """

    def __init__(self, folder: Path) -> None:
        self._parts: list[Path] = []
        self._tiers: list[tuple[NDArray[np.int64], NDArray[np.int32]]] = []
        for part in parts_of(folder):
            try:
                self.add(part, part_columns(part, ["key"])["key"].to_pylist())
            except TornPart:
                # whoever reads answers says so
                self._parts.append(part)

    def add(self, part: Path, keys: Sequence[str]) -> None:
        """Remembers what stands in a part."""
        hashes = np.fromiter(map(hash, keys), np.int64, len(keys))
        self._tiers.append((np.sort(hashes), np.full(len(keys), len(self._parts), np.int32)))
        self._parts.append(part)
        while len(self._tiers) > 1 and 2 * len(self._tiers[-1][0]) > len(self._tiers[-2][0]):
            (a, parts_of_a), (b, parts_of_b) = self._tiers.pop(), self._tiers.pop()
            together = np.concatenate([a, b])
            order = np.argsort(together, kind="stable")
            self._tiers.append((together[order], np.concatenate([parts_of_a, parts_of_b])[order]))

    def parts_with(self, keys: Sequence[str]) -> list[Path]:
        """The parts that hold any of the keys, by name."""
        wanted = np.unique(np.fromiter(map(hash, keys), np.int64, len(keys)))
        numbers: set[int] = set()
        for hashes, parts in self._tiers:
            starts, ends = (np.searchsorted(hashes, wanted, side) for side in ("left", "right"))
            for start, end in zip(starts[ends > starts].tolist(), ends[ends > starts].tolist(), strict=True):
                numbers.update(parts[start:end].tolist())
        return sorted(self._parts[number] for number in numbers)
