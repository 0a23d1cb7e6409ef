"""Writes a dataset as zips of UIMA CAS XMI, which INCEpTION imports one by one; `inception` reads the folder back."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.data.formats.extras import extra
from harness.data.formats.layer_folders import layers_of, write_sidecar
from harness.data.formats.ledger import Loss
from harness.data.formats.spans import ATTRIBUTES, spans_of
from harness.errors import DataError, Place
from harness.runtime.files import replacing
from harness.text.sentences import sentences
from harness.types import Annotation, Article, Dataset

LAYER = "webanno.custom.Stance"
TOKEN = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token"
SENTENCE = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Sentence"

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def save(dataset: Dataset, path: Path, mapping: Mapping[str, Any]) -> list[Loss]:
    """The folder `path`: a folder for gold and one for each annotator, `harness.json`."""
    cassis = extra("cassis", "dkpro-cassis", "UIMA CAS XMI")
    losses: list[Loss] = []
    for folder, article, annotation in layers_of(dataset):
        if wrong := _NOT_IN_XML.search(article.text):
            raise DataError(
                Place(article.id, field="text"),
                f"the character {wrong.group()!r} cannot stand in XML",
                hint="take it out of the text, or export to brat",
            )
        with replacing(path / folder / f"{article.id}.zip") as temporary:
            temporary.write_bytes(_zipped(cassis, article, annotation, losses))
    write_sidecar(dataset, path)
    return losses


def _zipped(cassis: Any, article: Article, annotation: Annotation | None, losses: list[Loss]) -> bytes:
    types = cassis.TypeSystem()
    stance = types.create_type(LAYER, supertypeName="uima.tcas.Annotation")
    for name in ("stance", "speaker", "target", *ATTRIBUTES):
        types.create_feature(stance, name, "uima.cas.String")
    token = types.create_type(TOKEN, supertypeName="uima.tcas.Annotation")
    sentence = types.create_type(SENTENCE, supertypeName="uima.tcas.Annotation")
    cas = cassis.Cas(types)
    cas.sofa_string, cas.sofa_mime = article.text, "text/plain"
    for s in sentences(article.text, article.language):
        cas.add(sentence(begin=s.start, end=s.end))
    for m in re.finditer(r"\w+|[^\w\s]", article.text):
        cas.add(token(begin=m.start(), end=m.end()))
    for label in annotation.stances if annotation else ():
        if (places := [(e.start, e.end) for e in label.evidence]) != sorted(places):
            where = f"{article.id}: {annotation.annotator if annotation else ''}: {label.speaker} on {label.target}"
            losses.append(Loss(where, "the order of its passages is not carried"))
    for span in spans_of(article, annotation, lambda w, x: losses.append(Loss(w, x))) if annotation else ():
        values = {k: " ".join(v) if k == "phenomena" else str(v) for k, v in span.attributes.items()}
        values = {k: _escaped(v, f"{article.id}: {k}", losses) for k, v in values.items()}
        fields = {"stance": str(span.stance), "speaker": span.speaker, "target": span.target, **values}
        cas.add(stance(begin=span.start, end=span.end, **fields))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        # a fixed date: the same dataset makes the same bytes
        archive.writestr(zipfile.ZipInfo(f"{article.id}.xmi"), cas.to_xmi())
        archive.writestr(zipfile.ZipInfo("TypeSystem.xml"), types.to_xml())
    return out.getvalue()


def _escaped(value: str, where: str, losses: list[Loss]) -> str:
    if _NOT_IN_XML.search(value):
        losses.append(Loss(where, "characters that XML lacks are not carried"))
    return _NOT_IN_XML.sub("\ufffd", value)
