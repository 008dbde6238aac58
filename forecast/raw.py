"""Raw tables as they lie on disk: every cell as text, every record accounted for.

A source reads a file with :func:`read`; :mod:`forecast.cells` then says what the text
must look like and sets the rows aside that do not.
"""

import difflib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import dataframely as dy
import polars as pl

from forecast import rawcsv
from forecast.rawfile import ROW, InputError, check_header, content_of, decode
from forecast.schema import Rejected

__all__ = ["ROW", "InputError", "Raw", "check_columns", "read"]


@dataclass(frozen=True)
class Raw:
    """A file as text: its cells, its digest, and the rows that are no rows."""

    file: str
    sha256: str
    text: str
    separator: str
    #: text columns, and the number of the record in the file in ``_row``
    frame: pl.DataFrame
    rejected: dy.DataFrame[Rejected]
    quote: str | None = '"'
    #: whether the first record names the columns
    headed: bool = True

    @property
    def read(self) -> int:
        """Number of rows in the file, whether sound or not."""
        return self.frame.height + self.rejected.height

    def lines(self, rows: Sequence[int]) -> dict[int, int]:
        """Line on which each record starts; quoted cells may hold line breaks."""
        if not self.text:
            return {row: row + 1 for row in rows}
        wanted, lines, before, number = set(rows), {}, 0, -int(self.headed)
        reader = rawcsv.records(self.text, self.separator, self.quote)
        for record in reader:
            number += bool(record)
            if record and number in wanted:
                lines[number] = before + 1
            before = reader.line_num
        return {row: lines.get(row, row + 1) for row in rows}


def read(
    path: str | Path,
    required: Sequence[str],
    optional: Sequence[str] = (),
    separator: str = ",",
    skip: Mapping[str, str] | None = None,
    closed: bool = False,
    header: Sequence[str] | None = None,
    quote: str | None = '"',
) -> Raw:
    """Read a CSV (plain or gzip) or Parquet file as text.

    Parameters
    ----------
    path : str or Path
        The file.
    required, optional : sequences of str
        Columns that must be there, and columns that may be: a missing optional one
        is added as nulls. Other columns are not read.
    separator : str
        Between the cells of a CSV.
    skip : mapping, optional
        ``{column: prefix}``: rows that are no data (a second header line, say).
    closed : bool
        Whether a column that is neither required nor optional is an error: in a
        file made by hand it is a misspelled one.
    header : sequence of str, optional
        Names of all columns, for a CSV whose first line is data already.
    quote : str or None
        Around cells that hold a separator; None for files that do not quote, in which
        a lone quotation mark must not swallow the rows behind it.

    Raises
    ------
    InputError
        If the file is missing, empty, not what its name says, not text, or lacks a
        required column; the message names file, column and what was expected.
    """
    path = Path(path)
    content, sha256 = content_of(path)
    known = list(dict.fromkeys([*required, *optional]))
    if content[:4] == b"PAR1":
        text, rejected = "", Rejected.create_empty()
        frame = _parquet(content, path, known)
    else:
        text, clean = decode(content, path)
        frame, rejected = rawcsv.table(text, path, separator, clean, header, quote)
    check_columns(path, frame.columns, required, known if closed else None)
    for column, prefix in (skip or {}).items():
        frame = frame.filter(~pl.col(column).str.starts_with(prefix).fill_null(False))
    if not frame.height and not rejected.height:
        raise InputError(f"{path}: a header and no rows; expected at least one row")
    missing = [name for name in known if name not in frame.columns]
    frame = frame.with_columns(pl.lit(None, pl.String).alias(c) for c in missing)
    frame, headed = frame.select(ROW, *known), header is None
    return Raw(str(path), sha256, text, separator, frame, rejected, quote, headed)


def _parquet(data: bytes, path: Path, known: Sequence[str]) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        # Polars panics, which is no Exception, at some bytes
        raise InputError(f"{path}: damaged Parquet file: {str(error)[:300]}") from error
    check_header(frame.columns, path)
    # columns that nobody reads may hold anything, shapes of maps for example
    return frame.with_columns(
        _as_text(frame[name], path) for name in frame.columns if name in known
    ).with_row_index(ROW, 1)


def _as_text(column: pl.Series, path: Path) -> pl.Series:
    try:
        if isinstance(column.dtype, pl.List):
            return column.cast(pl.List(pl.String)).list.join(";")
        return column.cast(pl.String)
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"{path}: column {column.name!r} holds {column.dtype}; "
            "expected text, numbers, dates or lists of them"
        ) from error


def check_columns(
    path: Path,
    columns: Sequence[str],
    required: Sequence[str],
    known: Sequence[str] | None,
) -> None:
    """Refuse a table that lacks a required column, or holds an unknown one."""
    columns = [name for name in columns if name != ROW]
    for name in required:
        if name not in columns:
            raise InputError(
                f"{path}: no column {name!r}{_near(name, columns)}; "
                f"expected {', '.join(required)}; found {', '.join(columns)[:500]}"
            )
    for name in columns:
        if known is not None and name not in known:
            raise InputError(
                f"{path}: unknown column {name[:80]!r}{_near(name, known)}; "
                f"expected only {', '.join(known)}"
            )


def _near(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f" (is {near[0][:80]!r} meant?)" if near else ""
