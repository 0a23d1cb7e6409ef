"""XML of other tools, read without what a document could define for itself: no entities, no files, no network."""

from __future__ import annotations

from typing import Any

from lxml import etree

from harness.errors import DataError, Place


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
