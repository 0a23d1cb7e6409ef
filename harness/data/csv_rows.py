"""Rows of a CSV or TSV file with their lines, refused by name where a cell could be lost."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from harness.errors import DataError, Place


def csv_rows(raw: bytes, file: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Line (from 1) and cells by column of each row; the delimiter is the one of `,`, `;` and tab that the header has most of;
    `file` is the name used in errors.

    DataError with file and line where it is not UTF-8 or no table, a row has more or fewer cells than the header, or two
    columns have one name.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(Place(file, line), "not UTF-8", hint="save the file as UTF-8") from None
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    line = 1
    try:
        for cells in reader:
            place, line = Place(file, line), reader.line_num + 1
            if not header:
                header = cells
                for name in header:
                    if header.count(name) > 1:
                        raise DataError(place, f"two columns are called {name!r}", hint="rename one of them")
            elif cells and len(cells) != len(header):
                hint = "a quotation mark in a cell is written twice, and the cell stands in quotation marks"
                raise DataError(place, f"has {len(cells)} of the header's {len(header)} cells", hint=hint)
            elif cells:
                yield place.line or 1, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise DataError(Place(file, line), f"not a table: {error}") from None
