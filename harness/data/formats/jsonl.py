"""Own JSONL: one article a line in the schema of the article file; the dataset card is all that it cannot carry.

Mapping: a line is an article with its fields as in YAML (docs/labelling.md); fields at their default are left out, or null
where another program wrote the line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.data.formats.base import article_from, json_lines, unique
from harness.data.formats.ledger import Imported, Loss
from harness.data.schema import NULL_IS_ABSENT, to_row
from harness.errors import Place
from harness.runtime.files import write_text
from harness.types import Dataset


def load(path: Path, mapping: Mapping[str, Any]) -> Imported:
    """Every line an article."""
    rows = [article_from(row, Place(str(path), n), context=NULL_IS_ABSENT) for n, row in json_lines(path)]
    return Imported(unique(rows, path), {"complete": all(a.complete for a in rows)})


def save(dataset: Dataset, path: Path, mapping: Mapping[str, Any]) -> list[Loss]:
    """One line an article, by id."""
    write_text(path, "".join(json.dumps(to_row(a), ensure_ascii=False) + "\n" for a in dataset))
    return [Loss("dataset card", "name, version, licence, description and annotators are not carried")]
