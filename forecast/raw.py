"""Raw tables as they lie on disk: every cell as text, every record accounted for.

A source reads a file with :func:`read`; :mod:`forecast.cells` then says what the text
must look like and sets the rows aside that do not.
"""

import csv
import difflib
import gzip
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import dataframely as dy
import polars as pl

from forecast.schema import Rejected

if TYPE_CHECKING:
    from _csv import Reader

ROW = "_row"
MAX_CELL = 16 * 1024 * 1024


class InputError(ValueError):
    """Input that cannot be used as it is; the message says where and why."""


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
        reader = _records(self.text, self.separator, self.quote)
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
    content, sha256 = _content(path)
    if content[:4] == b"PAR1":
        frame, text, rejected = _parquet(content, path), "", Rejected.create_empty()
    else:
        text, clean = _decode(content, path)
        frame, rejected = _csv(text, path, separator, clean, header, quote)
    known = list(dict.fromkeys([*required, *optional]))
    _check_columns(path, frame.columns, required, known if closed else None)
    frame = frame.with_row_index(ROW, 1) if ROW not in frame.columns else frame
    for column, prefix in (skip or {}).items():
        frame = frame.filter(~pl.col(column).str.starts_with(prefix).fill_null(False))
    if not frame.height and not rejected.height:
        raise InputError(f"{path}: a header and no rows; expected at least one row")
    missing = [name for name in known if name not in frame.columns]
    frame = frame.with_columns(pl.lit(None, pl.String).alias(c) for c in missing)
    frame, headed = frame.select(ROW, *known), header is None
    return Raw(str(path), sha256, text, separator, frame, rejected, quote, headed)


def _content(path: Path) -> tuple[bytes, str]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    sha256 = hashlib.sha256(data).hexdigest()
    packed = data[:2] == b"\x1f\x8b"
    if packed != (path.suffix == ".gz"):
        kind = "gzip" if packed else "not gzip"
        raise InputError(f"{path}: the content is {kind}; its name says otherwise")
    if packed:
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, gzip.zlib.error) as error:  # type: ignore[attr-defined]
            raise InputError(f"{path}: damaged gzip file: {error}") from error
    if not data.strip():
        raise InputError(f"{path}: the file is empty; expected a table with a header")
    if (data[:4] == b"PAR1") != (path.suffix == ".parquet"):
        kind = "Parquet" if data[:4] == b"PAR1" else "not Parquet"
        raise InputError(f"{path}: the content is {kind}; its name says otherwise")
    if data[:4] == b"PK\x03\x04":
        raise InputError(f"{path}: a zip or Excel file; expected CSV text or Parquet")
    return data, sha256


def _decode(data: bytes, path: Path) -> tuple[str, bool]:
    """Text of a file, and whether all of it is UTF-8."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{path}: UTF-16 text; expected UTF-8")
    if b"\x00" in data:
        line = data[: data.index(b"\x00")].count(b"\n") + 1
        raise InputError(f"{path}: a NUL byte in line {line}; expected UTF-8 text")
    try:
        return data.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        return data.decode("utf-8-sig", errors="replace"), False


def _parquet(data: bytes, path: Path) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path}: damaged Parquet file: {error}") from error
    lists = [c for c, t in frame.schema.items() if isinstance(t, pl.List)]
    return frame.with_columns(
        pl.col(c).cast(pl.List(pl.String)).list.join(";") for c in lists
    ).with_columns(pl.all().cast(pl.String))


def _csv(
    content: str,
    path: Path,
    separator: str,
    clean: bool,
    header: Sequence[str] | None,
    quote: str | None,
) -> tuple[pl.DataFrame, dy.DataFrame[Rejected]]:
    csv.field_size_limit(MAX_CELL)
    names = list(header or _header(content, path, separator, quote))
    by_record = partial(
        _csv_by_record, content, path, separator, names, clean, header is None, quote
    )
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
    short = frame.height and frame[frame.columns[-1]].null_count()
    if short or not clean or frame.width != len(names):
        return by_record()
    return frame.rename(
        dict(zip(frame.columns, names, strict=True))
    ), Rejected.create_empty()


def _records(content: str, separator: str, quote: str | None) -> "Reader":
    text = io.StringIO(content, newline="")
    if quote is None:
        return csv.reader(text, delimiter=separator, quoting=csv.QUOTE_NONE)
    return csv.reader(text, delimiter=separator, quotechar=quote)


def _header(content: str, path: Path, separator: str, quote: str | None) -> list[str]:
    reader = _records(content, separator, quote)
    try:
        header = next(islice((r for r in reader if r), 1))
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: {error}") from error
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(f"{path}: column {twice[0]!r} stands twice in the header")
    return header


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
    reader = _records(content, separator, quote)
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
        raise InputError(f"{path}: line {reader.line_num}: {error}") from error
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


def _check_columns(
    path: Path,
    columns: Sequence[str],
    required: Sequence[str],
    known: Sequence[str] | None,
) -> None:
    for name in required:
        if name not in columns:
            raise InputError(
                f"{path}: no column {name!r}{_near(name, columns)}; "
                f"expected {', '.join(required)}; found {', '.join(columns)[:500]}"
            )
    for name in columns:
        if known is not None and name not in known and name != ROW:
            raise InputError(
                f"{path}: unknown column {name!r}{_near(name, known)}; "
                f"expected only {', '.join(known)}"
            )


def _near(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f" (is {near[0]!r} meant?)" if near else ""
