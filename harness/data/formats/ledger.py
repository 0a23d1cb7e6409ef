"""The account of an import: every key of every record is read, carried, lost (and listed), or named bookkeeping.

A reader opens each record of its file by a `Ledger` and reads it as it would read a dict; the records know which keys
were read, at every depth. What nobody read is a loss as soon as the record is settled, so an unknown key cannot vanish:

    ledger = Ledger(bookkeeping={"created_at", "annotations.lead_time"})
    for task in ledger.settled((raw, Place(file, field=f"task {n}")) for n, raw in enumerate(tasks, start=1)):
        text = task["text"]                      # read
        about = task.carry("article")            # plain JSON; all below counts as carried
        task.lose("drafts", "drafts are not read")   # listed once, with the number of drafts; silent where empty
        for entry in task.get("annotations", []):    # a list that is iterated over is read; its records are records again
            if entry.get("was_cancelled"):
                entry.drop("cancelled annotation left out")   # the whole record is one loss
    return ledger.imported(articles, card)

Rows of a table, attributes of an XML element and the like are records too (`ledger.record(row, place)`); a reader that
counts for itself says `ledger.lose(where, what, count)`. Bookkeeping keys are dotted paths of names from the record's
root, positions in lists left out; each covers plain values only: a key below it must be named itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from harness.errors import Place
from harness.types import Article

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that the other side cannot carry, or that was changed on the way: where, what, and how many times."""

    where: str
    what: str
    count: int = 1

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" ({self.count:,} times)" if self.count > 1 else "")


@dataclass(frozen=True)
class Imported:
    """Checked articles, the fields of their dataset card, what was lost or changed, and how often each bookkeeping key
    stood in the file."""

    articles: tuple[Article, ...]
    card: Mapping[str, Any] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()
    bookkeeping: Mapping[str, int] = field(default_factory=dict)


class Ledger:
    """What became of everything that a file holds.

    `bookkeeping` names the keys of the format that hold no label and nothing that an article has room for: they are
    counted, not listed one by one.
    """

    def __init__(self, bookkeeping: Collection[str] = ()) -> None:
        self._bookkeeping = frozenset(tuple(name.split(".")) for name in bookkeeping)
        self._open: list[Record] = []
        self.losses: list[Loss] = []
        """Losses so far; those of a record's unread keys come when it is settled."""
        self.bookkeeping: Counter[str] = Counter()
        """How often each bookkeeping key stood in the file."""

    def record(self, raw: Mapping[str, Any], place: Place) -> Record:
        """A record (JSON-able) to read from; it is settled by `settle`, at the latest by `imported`."""
        record = Record(self, raw, place, ())
        self._open.append(record)
        return record

    def settled(self, records: Iterable[tuple[Mapping[str, Any], Place]]) -> Iterator[Record]:
        """Each record in turn, settled when the next one is asked for: a long file is not kept in memory."""
        for raw, place in records:
            record = self.record(raw, place)
            yield record
            self._open.remove(record)
            record.settle()

    def lose(self, where: Place | str, what: str, count: int = 1) -> None:
        """Lists a loss; `what` is the same for all losses of one kind, `where` tells them apart."""
        self.losses.append(Loss(str(where), what, count))

    def imported(self, articles: Iterable[Article], card: Mapping[str, Any]) -> Imported:
        """The result of the import, after all records are settled."""
        self.settle()
        return Imported(tuple(articles), card, tuple(self.losses), dict(self.bookkeeping))

    def settle(self) -> None:
        """Lists what nobody read in the records that are still open."""
        for record in self._open:
            record.settle()
        self._open.clear()

    def unread(self, raw: Any, place: Place, path: Path) -> None:
        """Accounts for a value that nobody read: bookkeeping, else a loss."""
        names = tuple(step for step in path if isinstance(step, str))
        if names not in self._bookkeeping:
            self.lose(_at(place, path), f"{_shown(names)} is not read")
            return
        self.bookkeeping[".".join(names)] += 1
        if isinstance(raw, Mapping):
            for key, value in raw.items():
                self.unread(value, place, (*path, str(key)))
        elif isinstance(raw, list):
            for n, item in enumerate(raw):
                self._plain(item, place, (*path, n))

    def _plain(self, item: Any, place: Place, path: Path) -> None:
        """An item of a bookkeeping list: plain values are covered by its name, what they hold is not."""
        if isinstance(item, Mapping):
            for key, value in item.items():
                self.unread(value, place, (*path, str(key)))
        elif isinstance(item, list):
            for n, inner in enumerate(item):
                self._plain(inner, place, (*path, n))


class Record(Mapping[str, Any]):
    """A mapping that knows which of its keys were read; inner mappings are records, inner lists `Items`.

    Asking whether a key is there, or for the names of the keys, reads nothing. Equal to nothing but itself.
    """

    def __init__(self, ledger: Ledger, raw: Mapping[str, Any], place: Place, path: Path) -> None:
        self._ledger, self._raw, self._path = ledger, raw, path
        self._read: dict[str, Any] = {}
        self.place = place
        """Of the record that the reader opened: file, line or name."""

    def __getitem__(self, key: str) -> Any:
        if key not in self._read:
            self._read[key] = _tracked(self._ledger, self._raw[key], self.place, (*self._path, key))
        return self._read[key]

    def __contains__(self, key: object) -> bool:
        return key in self._raw

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return repr(self._raw)

    def carry(self, key: str, default: Any = None) -> Any:
        """The plain value of a key, all of it accounted for: the caller keeps it whole or refuses what it does not know."""
        self._read[key] = None
        return self._raw.get(key, default)

    def lose(self, key: str, what: str) -> None:
        """Lists a key with all below it as one loss, counted by its items; an absent or empty one is no loss."""
        self._read[key] = None
        value = self._raw.get(key)
        if value not in (None, "", [], {}, False):
            self._ledger.lose(_at(self.place, (*self._path, key)), what, len(value) if isinstance(value, list) else 1)

    def drop(self, what: str) -> None:
        """Lists the whole record as one loss: nothing of it was used."""
        self._read = dict.fromkeys(self._raw)
        self._ledger.lose(_at(self.place, self._path), what)

    def settle(self) -> None:
        """Lists the keys that nobody read, at every depth."""
        for key, value in self._raw.items():
            if key not in self._read:
                self._ledger.unread(value, self.place, (*self._path, key))
            elif isinstance(self._read[key], Record | Items):
                self._read[key].settle()


class Items(Sequence[Any]):
    """A list that knows which of its items were read."""

    def __init__(self, ledger: Ledger, raw: list[Any], place: Place, path: Path) -> None:
        self._ledger, self._raw, self._place, self._path = ledger, raw, place, path
        self._read: dict[int, Any] = {}

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self._raw)))]
        at = range(len(self._raw))[index]
        if at not in self._read:
            self._read[at] = _tracked(self._ledger, self._raw[at], self._place, (*self._path, at))
        return self._read[at]

    def __len__(self) -> int:
        return len(self._raw)

    def __repr__(self) -> str:
        return repr(self._raw)

    def drop(self, what: str) -> None:
        """Lists the items as losses of one kind: none of them was used."""
        self._read = dict.fromkeys(range(len(self._raw)))
        self._ledger.lose(_at(self._place, self._path), what, len(self._raw))

    def settle(self) -> None:
        """Lists the items that nobody read, at every depth."""
        for at, value in enumerate(self._raw):
            if at not in self._read:
                self._ledger.unread(value, self._place, (*self._path, at))
            elif isinstance(self._read[at], Record | Items):
                self._read[at].settle()


def _tracked(ledger: Ledger, value: Any, place: Place, path: Path) -> Any:
    if isinstance(value, Mapping):
        return Record(ledger, value, place, path)
    return Items(ledger, value, place, path) if isinstance(value, list) else value


def _at(place: Place, path: Path) -> str:
    return f"{place}: {'.'.join(map(str, path))}" if path else str(place)


def _shown(names: Sequence[str]) -> str:
    return f"`{'.'.join(names)}`" if names else "an item"
