"""XML of other tools, read without what a document could define for itself: no entities, no files, no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from harness.data.formats.ledger import Ledger
from harness.errors import DataError, Place


@dataclass(frozen=True)
class Vocabulary:
    """Local names of the elements and attributes that a reader accounts for; all others are losses.

    `bookkeeping` elements are counted. What stands in an element of `words` is read as words, whatever its markup; `markup`
    names that which says nothing. An element of `forms` holds another format's text, which its own reader answers for: its first
    child of the names there, the earlier names first; what else it holds is accounted for like any element. Those of
    `elsewhere` are accounted for apart.
    """

    read: frozenset[str]
    attributes: frozenset[str]
    bookkeeping: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    markup: frozenset[str] = frozenset()
    forms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    elsewhere: frozenset[str] = frozenset()

    def account(self, root: Any, place: Place, ledger: Ledger) -> None:
        """Lists what below an element is not known, each kind once with its number; an unknown element with all it holds."""
        unread: Counter[str] = Counter()
        waiting = [(root, "")]
        while waiting:
            element, above = waiting.pop()
            name = local_name(element)
            if not name or (above and name in self.elsewhere):
                continue
            attributes = [etree.QName(str(a)).localname for a in element.attrib]
            strange = [f"attribute `{a}` of `{name}` is not carried" for a in attributes if a not in self.attributes]
            if above in self.words:
                unread.update(strange)
                if name not in self.markup:
                    unread[f"markup `{name}` of `{above}` is not carried, its words are"] += 1
                waiting += [(child, above) for child in element]
                continue
            if name in self.bookkeeping:
                ledger.bookkeeping[name] += 1
            elif name not in self.read and name not in self.words and name not in self.forms:
                unread[f"`{name}` is not carried"] += 1
                continue
            unread.update(strange)
            form = self.form(element)
            waiting += [(child, name) for child in element if child is not form]
        for what, n in sorted(unread.items()):
            ledger.lose(place, what, n)

    def form(self, element: Any) -> Any | None:
        """The child of an element of `forms` that is the other format's text."""
        for name in self.forms.get(local_name(element), ()):
            for child in element:
                if local_name(child) == name:
                    return child
        return None


def tree_of(raw: bytes, place: Place) -> Any:
    """The root element (lxml); DataError with the line for what is not well-formed, or has a document type."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True)
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        line = error.lineno or None
        raise DataError(Place(place.file, line), f"not well-formed XML: {error.msg}", hint="export it again") from None
    except ValueError as error:
        raise DataError(place, f"not readable XML: {error}", hint="export it again") from None
    if root.getroottree().docinfo.doctype:
        raise DataError(
            place, "has a document type, which could define anything", hint="take the line <!DOCTYPE ...> out of it"
        )
    return root


def refuse_definitions(raw: bytes, place: Place) -> None:
    """DataError for XML that another library is about to read and that is broken or has a document type."""
    tree_of(raw, place)


def local_name(element: Any) -> str:
    """An element's name without its namespace; empty for comments."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
