"""Rows that turn into data frames, and that notebooks show as a table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from html import escape
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigError

if TYPE_CHECKING:
    import pandas
    import polars

MOST_SHOWN = 30
"""Rows that a notebook shows."""


class Tabular(ABC):
    """What has rows: `table_rows` gives them, all with the same names of columns."""

    __slots__ = ()

    @abstractmethod
    def table_rows(self) -> list[dict[str, Any]]:
        """One mapping a row, from the name of a column to its value; None where there is none."""

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a pandas data frame."""
        import pandas

        return pandas.DataFrame(self.table_rows())

    def to_polars(self) -> polars.DataFrame:
        """The rows as a polars data frame. ConfigError where polars is not installed."""
        try:
            import polars
        except ImportError:
            from harness.runtime.install import pip_install

            raise ConfigError("polars is not installed", hint=pip_install("polars")) from None
        # the schema comes from all rows: from the first hundred alone, a column of whole numbers would cut later fractions
        return polars.DataFrame(self.table_rows(), infer_schema_length=None)

    def _repr_html_(self) -> str:
        """The rows as notebooks show them, under the short name; the rest is counted."""
        rows = self.table_rows()
        lines = [f"<p>{escape(repr(self))}</p>", "<table>"]
        lines += ["<tr>" + "".join(f"<th>{escape(name)}</th>" for name in rows[0]) + "</tr>"] if rows else []
        for row in rows[:MOST_SHOWN]:
            lines.append("<tr>" + "".join(f"<td>{escape(_shown(value))}</td>" for value in row.values()) + "</tr>")
        more = len(rows) - MOST_SHOWN
        return "\n".join([*lines, "</table>", *([f"<p>and {more} more rows: to_pandas()</p>"] if more > 0 else [])])


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
