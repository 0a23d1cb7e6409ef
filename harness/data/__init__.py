"""Labelled articles: the file schema, loading, validation, agreement, interchange formats."""

from harness.data.load import load_dataset

__all__ = ["load_dataset"]
