"""Interchange with other tools: one module a format, each with `load`, `save` and its mapping in its docstring."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from harness.data.formats.ledger import Imported, Loss
from harness.errors import ConfigError, UnknownSystem
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

TASKS: dict[str, str] = {
    "lm_eval": "lm-evaluation-harness: a task and its documents (export only)",
    "inspect": "Inspect: a task and its samples (export only)",
}
"""What a set can be exported to so that another harness runs it; answers come back by `stance=from_file`."""

READ_ONLY = frozenset({"seesaw", "refi_qda", "nexis", "factiva", "ninjs", "newsml"})
"""Formats that are imported but not written: nobody works on in them."""

LABEL_KEYS = ("annotators", "default_speaker", "default_target", "speakers", "stances", "targets")
"""What the mapping of every format with labels of others may say (`labels`)."""

WORDING_KEYS = ("answer_prefix", "answers", "prompt", "split", "system")
"""What the mapping of a task says of its questions (`task_questions`)."""

MODEL_KEYS = ("adapter", "content_free", "dtype", "long_input", "model", "more_prompts", "normalise", "revision")
"""What it may say beside them, so that a config of `causal_choice` can be the mapping: the other harness decides these."""

MAPPING_KEYS: dict[str, tuple[str, ...]] = {
    "brat": (*LABEL_KEYS, "annotator", "roles"),
    "csv_table": (*LABEL_KEYS, "annotator", "columns", "delimiter", "encoding", "folds", "quoting"),
    "dna": (*LABEL_KEYS, "concepts", "event", "dna_version", "types", "variables"),
    "doccano": (*LABEL_KEYS, "annotator", "fields", "offsets", "silence"),
    "inception": (*LABEL_KEYS, "annotator", "features", "layer"),
    "inspect": (*WORDING_KEYS, *MODEL_KEYS),
    "label_studio": (*LABEL_KEYS, "controls", "drafts", "fields", "silence"),
    "lm_eval": (*WORDING_KEYS, *MODEL_KEYS),
    "prodigy": (*LABEL_KEYS, "annotator", "fields", "silence"),
    "refi_qda": (*LABEL_KEYS, "annotator", "offsets", "parents"),
}
"""What a format's mapping may say beside the fields of the dataset card; the others ask for nothing."""


class Writer(Protocol):
    """Writes a dataset and reports what the other side cannot carry."""

    def save(self, dataset: Dataset, path: Path, mapping: Mapping[str, Any]) -> list[Loss]: ...


class Format(Writer, Protocol):
    """What every format module has. Both report what the other side cannot carry."""

    def load(self, path: Path, mapping: Mapping[str, Any]) -> Imported: ...


def format_named(name: str) -> Format:
    """The module of a format; UnknownSystem with the nearest name."""
    if name not in FORMATS:
        raise UnknownSystem("format", name, FORMATS)
    return cast("Format", import_module(f"harness.data.formats.{name}"))


def writer_named(name: str) -> Writer:
    """The module that writes a format or a task; UnknownSystem with the nearest name, ConfigError for what is only imported."""
    if name in READ_ONLY:
        writable = ", ".join(f for f in (*FORMATS, *TASKS) if f not in READ_ONLY)
        raise ConfigError(f"{name} is a format that is only imported", hint=f"export to one of {writable}")
    if name in FORMATS:
        return format_named(name)
    if name not in TASKS:
        raise UnknownSystem("format", name, (*FORMATS, *TASKS))
    return cast("Writer", import_module(f"harness.data.formats.{name}_task"))
