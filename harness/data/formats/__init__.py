"""Interchange with other tools: one module a format, each with `load`, `save` and its mapping in its docstring."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from harness.data.formats.ledger import Imported, Loss
from harness.errors import UnknownSystem
from harness.types import Dataset

FORMATS: dict[str, str] = {
    "jsonl": "the articles' own schema, one a line",
    "huggingface": "a Hugging Face dataset: Parquet and a dataset card",
    "label_studio": "Label Studio tasks with annotations and predictions, and the labelling config",
    "doccano": "doccano sequence labels, relations and classes (JSONL)",
    "prodigy": "Prodigy spans (JSONL)",
    "dna": "Discourse Network Analyzer 2 and 3 (.dna, SQLite)",
    "brat": "brat standoff: a folder of texts and annotation files",
    "seesaw": "SEESAW: stances between entities in news (import only)",
    "inception": "INCEpTION and WebAnno: UIMA CAS XMI, and WebAnno TSV 3 (import)",
    "refi_qda": "REFI-QDA projects (.qdpx) of ATLAS.ti, NVivo and MAXQDA (import only)",
    "nexis": "Nexis Uni and LexisNexis: news articles in DOCX, RTF, HTML or text (import only)",
    "factiva": "Factiva: news articles in RTF, HTML, text or DOCX (import only)",
    "ninjs": "ninjs 1 to 3: news items in JSON (import only)",
    "newsml": "NewsML-G2: news items in XML (import only)",
    "csv_table": "a table or JSON Lines with a text, a speaker, a target and a stance in each row",
}

READ_ONLY = frozenset({"seesaw", "refi_qda", "nexis", "factiva", "ninjs", "newsml"})
"""Formats that are imported but not written: nobody works on in them."""

LABEL_KEYS = ("annotators", "default_speaker", "default_target", "speakers", "stances", "targets")
"""What the mapping of every format with labels of others may say (`labels`)."""

MAPPING_KEYS: dict[str, tuple[str, ...]] = {
    "brat": (*LABEL_KEYS, "annotator", "roles"),
    "csv_table": (*LABEL_KEYS, "annotator", "columns", "delimiter", "encoding", "folds", "quoting"),
    "dna": (*LABEL_KEYS, "concepts", "event", "dna_version", "types", "variables"),
    "doccano": (*LABEL_KEYS, "annotator", "fields", "offsets", "silence"),
    "inception": (*LABEL_KEYS, "annotator", "features", "layer"),
    "label_studio": (*LABEL_KEYS, "controls", "drafts", "fields", "silence"),
    "prodigy": (*LABEL_KEYS, "annotator", "fields", "silence"),
    "refi_qda": (*LABEL_KEYS, "annotator", "offsets", "parents"),
}
"""What a format's mapping may say beside the fields of the dataset card; the others ask for nothing."""


class Format(Protocol):
    """What every format module has. Both report what the other side cannot carry."""

    def load(self, path: Path, mapping: Mapping[str, Any]) -> Imported: ...

    def save(self, dataset: Dataset, path: Path, mapping: Mapping[str, Any]) -> list[Loss]: ...


def format_named(name: str) -> Format:
    """The module of a format; UnknownSystem with the nearest name."""
    if name not in FORMATS:
        raise UnknownSystem("format", name, FORMATS)
    return cast("Format", import_module(f"harness.data.formats.{name}"))
