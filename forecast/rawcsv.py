"""CSV as text: at Polars' speed where a file is sound, record by record where not."""

import csv
import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import dataframely as dy
import polars as pl

from forecast.rawfile import ROW, InputError, check_header
from forecast.schema import Rejected

if TYPE_CHECKING:
    from _csv import Reader

#: what spreadsheets write between cells
SEPARATORS = (";", "\t", "|", ",")
MAX_CELL = 16 * 1024 * 1024


def table(
    content: str,
    path: Path,
    separator: str,
    clean: bool,
    header: Sequence[str] | None,
    quote: str | None,
) -> tuple[pl.DataFrame, dy.DataFrame[Rejected]]:
    """Cells of a CSV as text with their record numbers, and records that are none."""
    csv.field_size_limit(MAX_CELL)
    names = list(header or _header(content, path, separator, quote))
    # Polars overlooks one cell too many in a last line without an end
    content += "" if content.endswith("\n") else "\n"
    by_record = partial(
        _csv_by_record, content, path, separator, names, clean, header is None, quote
    )
    if not clean or content.count("\r") != content.count("\r\n"):
        return by_record()
    try:
        frame = pl.read_csv(
            content.encode(),
            infer_schema=False,
            separator=separator,
            quote_char=quote,
            has_header=header is None,
        )
    except pl.exceptions.PolarsError:
        return by_record()
    # fewer rows than lines: blank lines, or cells that hold line breaks, which may be
    # rows that a quote left open has swallowed
    rows = frame.height + (header is None)
    if frame.width != len(names) or rows != content.count("\n"):
        return by_record()
    if frame[frame.columns[-1]].null_count():
        return by_record()
    frame.columns = names
    return frame.with_row_index(ROW, 1), Rejected.create_empty()


def records(
    content: str, separator: str, quote: str | None, strict: bool = False
) -> "Reader":
    """Records of a CSV, as Python's own module reads them."""
    text = io.StringIO(content, newline="")
    if quote is None:
        return csv.reader(text, delimiter=separator, quoting=csv.QUOTE_NONE)
    return csv.reader(text, delimiter=separator, quotechar=quote, strict=strict)


def _header(content: str, path: Path, separator: str, quote: str | None) -> list[str]:
    reader = records(content, separator, quote)
    try:
        header = next((record for record in reader if record), [])
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: {error}") from error
    check_header(header, path)
    _check_separator(header, path, separator)
    return header


def _check_separator(header: Sequence[str], path: Path, separator: str) -> None:
    """Refuse a header that another sign than the separator parts."""
    if len(header) > 1:
        return
    signs = [sign for sign in SEPARATORS if sign != separator and sign in header[0]]
    if signs:
        raise InputError(
            f"{path}: line 1 is one cell, {header[0][:60]!r}, parted by {signs[0]!r}; "
            f"expected {separator!r} between cells, and a point in decimals"
        )


def _csv_by_record(
    content: str,
    path: Path,
    separator: str,
    header: list[str],
    clean: bool,
    headed: bool,
    quote: str | None,
) -> tuple[pl.DataFrame, dy.DataFrame[Rejected]]:
    """Read record by record: slower, but it says which records have no right shape."""
    reader = records(content, separator, quote, strict=True)
    columns: list[list[str | None]] = [[] for _ in header]
    numbers, bad, number, before = [], [], -int(headed), 0
    try:
        for record in reader:
            number += bool(record)
            if record and number:
                reason = _shape(record, header, clean)
                if reason:
                    bad.append((str(path), before + 1, *reason))
                else:
                    numbers.append(number)
                    for column, cell in zip(columns, record, strict=True):
                        column.append(cell or None)
            before = reader.line_num
    except csv.Error as error:
        # no row of its own: an open quote swallows the rows behind it
        raise InputError(
            f"{path}: line {before + 1}: {error}; expected every quoted cell to be "
            "closed, and quotes within it to be doubled"
        ) from error
    frame = pl.DataFrame(
        {ROW: numbers} | dict(zip(header, columns, strict=True)),
        schema={ROW: pl.UInt32} | dict.fromkeys(header, pl.String),
    )
    rejected = pl.DataFrame(bad, schema=Rejected.create_empty().schema, orient="row")
    return frame, Rejected.validate(rejected)


def _shape(
    record: list[str], header: list[str], clean: bool
) -> tuple[str, str, str] | None:
    """Column, value and reason where a record is not UTF-8 or has no right length."""
    if len(record) != len(header):
        reason = f"expected {len(header)} cells, found {len(record)}"
        return "", ",".join(record)[:80], reason
    for name, cell in zip(header, record, strict=True):
        if not clean and "�" in cell:
            return name, cell[:80], "expected UTF-8 text"
    return None
