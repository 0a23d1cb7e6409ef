"""Annotations of one document in UIMA CAS XMI, through dkpro-cassis; what cassis overlooks or does not name is named here."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Collection
from typing import Any

from lxml import etree

from harness.data.formats.extras import extra
from harness.data.formats.ledger import Ledger
from harness.data.formats.webanno_tsv import Marked
from harness.data.formats.xml_tree import local_name, refuse_definitions, tree_of
from harness.errors import DataError, Place

BOOKKEEPING = (
    "uima.tcas.DocumentAnnotation",
    "uima.cas.Sofa",
    "de.tudarmstadt.ukp.dkpro.core.api.metadata.type.DocumentMetaData",
    "de.tudarmstadt.ukp.dkpro.core.api.metadata.type.TagsetDescription",
    "de.tudarmstadt.ukp.dkpro.core.api.metadata.type.TagDescription",
    "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token",
    "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Sentence",
    "de.tudarmstadt.ukp.clarin.webanno.api.type.CASMetadata",
    "de.tudarmstadt.ukp.clarin.webanno.api.type.FeatureDefinition",
    "de.tudarmstadt.ukp.clarin.webanno.api.type.LayerDefinition",
)
"""Types of what every document has: text, tokens, sentences, names of layers."""

_PLAIN_FEATURES = frozenset(
    {"sofa", "begin", "end", "language", "documentTitle", "documentId", "documentUri", "documentBaseUri", "collectionId"}
    | {"isLastSegment", "name", "layer", "input", "tags", "lastChangedOnDisk", "id", "uiName", "order", "form", "parent"}
    | {"syntacticFunction", "sofaNum", "sofaID", "mimeType", "sofaString", "sofaURI", "sofaArray"}
    | {"sourceDocumentName", "projectName", "username"}
)  # fmt: skip
"""Features of those types that say nothing of their own: any other one of them is listed."""

_CONTAINERS = {
    "View": frozenset({"sofa", "members"}),
    "NULL": frozenset({"id"}),
    "Sofa": frozenset({"id", "sofaNum", "sofaID", "mimeType", "sofaString", "sofaURI", "sofaArray"}),
}
"""Elements of XMI around the annotations with their attributes: cassis overlooks others."""

_AGAIN = "export it again, and give the whole zip"


def read_cas(raw: bytes, type_system: bytes, place: Place, ledger: Ledger) -> tuple[str, list[Marked]]:
    """Text and annotations of a document, offsets in code points; DataError for what is no CAS of that type system."""
    cassis = extra("cassis", "dkpro-cassis", "UIMA CAS XMI")
    if not type_system:
        raise DataError(
            place, "its TypeSystem.xml is not there", hint="export the document again and give the whole zip"
        )
    refuse_definitions(type_system, place)
    root = tree_of(raw, place)
    for attribute in map(str, root.attrib):
        if etree.QName(attribute).localname not in ("version", "schemaLocation"):
            ledger.lose(place, f"attribute `{attribute}` of the whole is not read")
    try:
        with warnings.catch_warnings(record=True) as remarks:
            warnings.simplefilter("always")
            types = cassis.load_typesystem(io.BytesIO(type_system))
            _check_features(root, types, place)
            cas = cassis.load_cas_from_xmi(io.BytesIO(raw), typesystem=types)
    except DataError:
        raise
    except Exception as error:  # cassis hands through what lxml and its own classes raise
        raise DataError(
            place, f"not a readable CAS: {error}", hint="export it again, with its TypeSystem.xml"
        ) from None
    wrong = next((str(r.message) for r in remarks if "offset" in str(r.message)), None)
    if wrong is not None:
        # cassis would keep the number, in another unit than all others
        raise DataError(place, f"{wrong}: outside the text, or inside a character", hint="export it again")
    text = cas.sofa_string
    if not isinstance(text, str):
        raise DataError(place, "has no text")
    if others := len(cas.sofas) - 1:
        ledger.lose(place, "further views of the document are not read", others)
    marked: list[Marked] = []
    unread: Counter[str] = Counter()
    for fs in cas.select_all_fs():
        name = fs.type.name
        if name in BOOKKEEPING:
            ledger.bookkeeping[name] += 1
            features = (
                f.name for f in fs.type.all_features if f.name not in _PLAIN_FEATURES and fs[f.name] is not None
            )
            unread.update(f"feature `{name}.{other}` is not carried" for other in features)
            continue
        if not isinstance(getattr(fs, "begin", None), int) or not isinstance(getattr(fs, "end", None), int):
            unread[f"`{name}` is no span: not read"] += 1
            continue
        one = Marked(name, fs.begin, fs.end)
        for feature in fs.type.all_features:
            value = fs[feature.name]
            if feature.name in ("sofa", "begin", "end") or value is None:
                continue
            if isinstance(value, str | int | float | bool):
                one.features[feature.name] = str(value)
            else:
                unread[f"links in `{name}.{feature.name}` are not carried"] += 1
        marked.append(one)
    for what, n in unread.items():
        ledger.lose(place, what, n)
    return text, marked


def _check_features(root: Any, types: Any, place: Place) -> None:
    """DataError for what XMI or the type system does not declare: cassis overlooks some of it, and fails on some without
    saying which."""
    for element in root:
        kind, known = _declared(element, types)
        here = Place(place.file, element.sourceline, place.field)
        if known is None:
            raise DataError(here, f"its TypeSystem.xml declares no type `{kind}`", hint=_AGAIN)
        for part in (*map(str, element.attrib), *filter(None, map(local_name, element))):
            if etree.QName(part).localname.rstrip("_") not in known:
                raise DataError(here, f"no feature `{part}` of `{kind}` is declared", hint=_AGAIN)


def _declared(element: Any, types: Any) -> tuple[str, Collection[str] | None]:
    """The type of an element and the names of its features; None for an unknown type."""
    name = etree.QName(element)
    if name.localname in _CONTAINERS:
        return name.localname, _CONTAINERS[name.localname]
    package = (name.namespace or "").removeprefix("http:///").removesuffix(".ecore").replace("/", ".")
    kind = name.localname if package == "uima.noNamespace" else f"{package}.{name.localname}"
    if not types.contains_type(kind):
        return kind, None
    # cassis appends a sign to names that Python keeps for itself
    return kind, {feature.name.rstrip("_") for feature in types.get_type(kind).all_features} | {"id"}
